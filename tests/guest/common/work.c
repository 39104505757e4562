/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "work.h"

#include <stdlib.h>

#define END_MS 60000u

/* Each goes on until /tmp/over is there. */
static const char *const kinds[WORK_KINDS] = {
	"n=0; while [ ! -e /tmp/over ]; do n=$((n+1)); /bin/busybox true || exit 1; done",
	"while [ ! -e /tmp/over ]; do dd if=/dev/zero of=/tmp/a bs=40M count=1 2>&-; rm /tmp/a; done",
	"while [ ! -e /tmp/over ]; do echo 1 >/proc/sys/vm/compact_memory; usleep 300000; done",
	"while [ ! -e /tmp/over ]; do tr '\\0' x </dev/zero | head -c 30m | sort >/dev/null; done",
};

const char *work_start(struct lab_guest *g, struct work *work, unsigned int time_s)
{
	/* A PV guest has no huge pages. */
	LAB_OK(lab_must(g, 30000,
			"modprobe zram && echo 128M >/sys/block/zram0/disksize &&"
			" mkswap /dev/zram0 >/dev/null && swapon /dev/zram0 &&"
			" cd /sys/kernel/mm && { [ ! -e transparent_hugepage ] ||"
			" echo always >transparent_hugepage/enabled; }"));
	for (size_t i = 0; i < LAB_COUNT(kinds); i++) {
		work->ids[i] = lab_begin(g, time_s * 1000, "sh %s", kinds[i]);
		LAB_CHECK(work->ids[i] > 0, "%s", lab_error());
	}
	return NULL;
}

const char *work_end(struct lab_guest *g, const struct work *work)
{
	char *said = NULL;

	LAB_OK(lab_must(g, END_MS, "touch /tmp/over"));
	for (size_t i = 0; i < LAB_COUNT(kinds); i++) {
		int status = lab_end(g, work->ids[i], END_MS, &said);

		LAB_CHECK(status >= 0, "the guest's work %zu does not end: %s", i, lab_error());
		LAB_CHECK(!status, "the guest's work %zu ended with status %d: %s", i, status,
			  said);
		free(said);
	}
	LAB_OK(lab_must(g, END_MS,
			"swapoff /dev/zram0 && echo 1 >/sys/block/zram0/reset && rm /tmp/over"));
	return NULL;
}
