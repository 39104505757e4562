/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Targets come faster than they can be met, while every CPU of the guest allocates and frees:
 * processes, files, compaction, huge pages and swap; the module is unloaded in the middle.
 * Afterwards every page is accounted for, by the monitor's figures and the engine's.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "monitor.h"

#define DATA_MIB   64u
#define FLIPS	   40u
#define FAR_PAGES  100000u
#define UNLOAD_AT  2u /* of four */
#define WORKERS_MS 300000u

static const struct lab_config one = {.memory_mib = 640};
static const struct lab_config two = {.memory_mib = 640, .cpus = 2};
static const struct lab_config four = {.memory_mib = 640, .cpus = 4};
static const struct lab_config four_full = {.memory_mib = 640, .cpus = 4, .append = "preempt=full"};

/* What the guest does meanwhile; each goes on until /tmp/over is there. */
static const char *const work[] = {
	"n=0; while [ ! -e /tmp/over ]; do n=$((n+1)); /bin/busybox true || exit 1; done",
	"while [ ! -e /tmp/over ]; do dd if=/dev/zero of=/tmp/a bs=40M count=1 2>&-; rm /tmp/a; done",
	"while [ ! -e /tmp/over ]; do echo 1 >/proc/sys/vm/compact_memory; usleep 300000; done",
	"while [ ! -e /tmp/over ]; do tr '\\0' x </dev/zero | head -c 30m | sort >/dev/null; done",
};

static const char *start_work(struct lab_guest *g, int *ids)
{
	LAB_OK(lab_must(g, 30000,
			"modprobe zram && echo 128M >/sys/block/zram0/disksize &&"
			" mkswap /dev/zram0 >/dev/null && swapon /dev/zram0 &&"
			" echo always >/sys/kernel/mm/transparent_hugepage/enabled"));
	for (size_t i = 0; i < LAB_COUNT(work); i++) {
		ids[i] = lab_begin(g, WORKERS_MS, "sh %s", work[i]);
		LAB_CHECK(ids[i] > 0, "%s", lab_error());
	}
	return NULL;
}

static const char *end_work(struct lab_guest *g, const int *ids)
{
	LAB_OK(lab_must(g, 30000, "touch /tmp/over"));
	for (size_t i = 0; i < LAB_COUNT(work); i++)
		LAB_CHECK(lab_end(g, ids[i], 60000, NULL) == 0, "the guest's work %zu failed: %s",
			  i, lab_error());
	LAB_OK(lab_must(g, 60000,
			"swapoff /dev/zram0 && echo 1 >/sys/block/zram0/reset"
			" && rm /tmp/over"));
	return NULL;
}

static const char *flips(struct lab_guest *g, unsigned int *random)
{
	for (unsigned int i = 0; i < FLIPS; i++) {
		*random = *random * 1103515245 + 12345;
		LAB_OK(lab_target(g, *random >> 8 & 1 ? 0 : (*random >> 9) % FAR_PAGES));
		lab_sleep_ms(50 + (*random >> 16) % 300);
	}
	return NULL;
}

static const char *storm(struct lab_guest *g)
{
	const char *text = getenv("AERO_SEED");
	unsigned int random = text ? (unsigned int)strtoul(text, NULL, 0) : 7;
	int ids[LAB_COUNT(work)];

	lab_note("AERO_SEED=%u repeats these targets", random);
	LAB_OK(lab_data_fill(g, DATA_MIB, 41));
	LAB_TRY(driver_load(g));
	LAB_OK(lab_must(g, 5000, "echo 1000 >/sys/kernel/aerostat/holdoff_ms"));
	LAB_TRY(start_work(g, ids));
	for (unsigned int i = 0; i < 4; i++) {
		LAB_TRY(flips(g, &random));
		if (i != UNLOAD_AT)
			continue;
		LAB_TRY(driver_unload(g));
		LAB_TRY(driver_load(g));
	}
	LAB_TRY(end_work(g, ids));
	LAB_TRY(inflate_to(g, FAR_PAGES));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

static const struct lab_test tests[] = {
	{"one-cpu", storm, .config = &one, .timeout_s = 400},
	{"two-cpus", storm, .config = &two, .timeout_s = 400},
	{"four-cpus", storm, .config = &four, .timeout_s = 400},
	{"four-cpus-preempt-full", storm, .config = &four_full, .timeout_s = 400},
};

static const struct lab_suite suite = {
	.name = "storm",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
