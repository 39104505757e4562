/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A guest that has hardly more than its kernel needs, with a target that it cannot meet. */
#include <inttypes.h>

#include "monitor.h"

/* This host asks for most of what the kernel leaves of 128 MiB, which is some 80 MiB. */
#define PAGES	     (76u * LAB_PAGES_PER_MIB)

/* From this second on the size must stay what it is, within this many pages. */
#define SETTLED_S    10u
#define SECONDS	     40u
#define WITHIN_PAGES (4u * LAB_PAGES_PER_MIB)

static const struct lab_config config = {.memory_mib = 128};

/* The guest does something each second: programs start, and files are read. */
static const char *a_second(struct lab_guest *g, uint64_t *size)
{
	LAB_OK(lab_must(g, 20000,
			"ls -lR /bin /proc/sys/vm >/tmp/list && sort /tmp/list >/dev/null"));
	lab_sleep_ms(500);
	LAB_TRY(driver_stat(g, "size_pages", size));
	return NULL;
}

/*
 * It was reported that the balloon of such a guest went up and down for ever: its reserve was so
 * small that the balloon made the guest run short, and then gave back half of the guest at once.
 * With those values (reserve_kib=1280 relief_kib=65536) a program is killed here.
 */
static const char *tiny_guest_settles(struct lab_guest *g)
{
	uint64_t size = 0, least = UINT64_MAX, most = 0, relieved;

	LAB_OK(lab_must(g, 20000, "modprobe aerostat holdoff_ms=3000"));
	LAB_TRY(driver_load(g));
	MONITOR(g, "{\"force_target_pages\": %u}", PAGES);
	for (unsigned int i = 0; i < SECONDS; i++) {
		LAB_TRY(a_second(g, &size));
		if (i < SETTLED_S)
			continue;
		least = size < least ? size : least;
		most = size > most ? size : most;
	}
	LAB_TRY(driver_stat(g, "relieved_pages", &relieved));
	lab_note("from %" PRIu64 " to %" PRIu64 " pages, %" PRIu64 " relieved", least, most,
		 relieved);
	LAB_CHECK(most - least <= WITHIN_PAGES, "the size goes up and down");
	LAB_CHECK(least >= 12 * LAB_PAGES_PER_MIB, "it could bear more than %" PRIu64 " pages",
		  least);
	MONITOR(g, "{\"force_target_pages\": null}");
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	return driver_unload(g);
}

static const struct lab_test tests[] = {
	{"tiny-guest-settles", tiny_guest_settles, .config = &config, .timeout_s = 200},
};

static const struct lab_suite suite = {
	.name = "tiny",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
