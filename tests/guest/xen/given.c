/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "given.h"

#include <inttypes.h>

#define FOLDER	    "/sys/kernel/debug/test_given/"
#define SOILED_MIB  150u
#define BALLOON_KIB (100 * KIB_PER_MIB)

const char *soil(struct subject *s, unsigned int mib)
{
	/*
	 * tr(1) goes byte by byte, which takes minutes for all of it where a guest is emulated. A
	 * ramfs holds more than half of the guest's memory, which is the limit of /tmp.
	 */
	LAB_OK(lab_must(
		s->g, 60000,
		"mkdir /tmp/soil && mount -t ramfs soil /tmp/soil &&"
		" tr '\\0' '\\377' </dev/zero | head -c 1m >/tmp/soil/one &&"
		" for i in $(seq %u); do cat /tmp/soil/one || exit 1; done >/tmp/soil/all &&"
		" umount /tmp/soil && rmdir /tmp/soil",
		mib));
	return NULL;
}

const char *given_start(struct subject *s)
{
	LAB_OK(lab_must(s->g, 20000, "modprobe test_given"));
	return NULL;
}

const char *given_counts(struct subject *s, uint64_t *pages, uint64_t *dirty)
{
	LAB_OK(lab_read_number(s->g, FOLDER "pages", pages));
	LAB_OK(lab_read_number(s->g, FOLDER "dirty", dirty));
	return NULL;
}

const char *given_stop(struct subject *s)
{
	LAB_OK(lab_must(s->g, 20000, "rmmod test_given"));
	return NULL;
}

const char *gave_zeroes(struct subject *s, uint64_t pages)
{
	uint64_t given, dirty;

	LAB_TRY(given_counts(s, &given, &dirty));
	lab_note("%" PRIu64 " of %" PRIu64 " pages given were not zero", dirty, given);
	LAB_CHECK(given >= pages, "only %" PRIu64 " pages were given", given);
	LAB_CHECK(!dirty, "%" PRIu64 " of %" PRIu64 " pages given were not zero", dirty, given);
	return NULL;
}

const char *migrated_pages_are_zero(struct subject *s)
{
	const uint64_t full_kib = GIVEN_MIB * KIB_PER_MIB;
	uint64_t migrated;

	LAB_TRY(soil(s, SOILED_MIB));
	LAB_TRY(agent(s->g, "fragment 512"));
	LAB_OK(lab_must(s->g, 20000, "modprobe aerostat large=0 split=0"));
	/* Also on kernels for which nobody has verified that. */
	LAB_OK(lab_must(s->g, 30000, "modprobe aerostat_xen takeover=1"));
	LAB_TRY(load(s));
	LAB_TRY(given_start(s));
	LAB_TRY(move_to(s, full_kib - BALLOON_KIB));
	LAB_OK(lab_must(s->g, 30000, "echo 1 >/proc/sys/vm/compact_memory"));
	LAB_TRY(driver_stat(s->g, "migrated", &migrated));
	lab_note("%" PRIu64 " pages moved", migrated);
	LAB_CHECK(migrated > 100, "only %" PRIu64 " pages moved", migrated);
	LAB_TRY(gave_zeroes(s, BALLOON_KIB / LAB_PAGE_KIB + migrated));
	LAB_TRY(given_stop(s));
	LAB_OK(lab_must(s->g, 60000, "rmmod aerostat_xen aerostat"));
	LAB_TRY(agent(s->g, "fragment stop"));
	LAB_OK(lab_data_check(s->g));
	return NULL;
}
