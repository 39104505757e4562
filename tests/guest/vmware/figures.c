/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The figures in sysfs that everybody may read, against those that only root has in debugfs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "monitor.h"

#define FOLDER "/sys/kernel/aerostat/"

static const struct lab_config config = {.memory_mib = 1024, .cpus = 2};

/* Pairs whose difference must be nothing while the balloon is at rest. */
static const struct pair {
	const char *file; /* under FOLDER */
	const char *stat; /* of debugfs */
	uint64_t kib;	  /* of one unit of @stat, or 1 where both count the same thing */
} pairs[] = {
	{"counters/runs", "runs", 1},
	{"counters/resets", "resets", 1},
	{"counters/failed_connects", "failed_connects", 1},
	{"counters/inflated_kib", "pages_in", LAB_PAGE_KIB},
	{"counters/deflated_kib", "pages_out", LAB_PAGE_KIB},
	{"counters/reliefs", "holdoffs", 1},
	{"counters/relieved_kib", "relieved_pages", LAB_PAGE_KIB},
	{"counters/migrated", "migrated", 1},
	{"large_kib", "held_large", 512 * LAB_PAGE_KIB},
	{"lent_kib", "lent_pages", LAB_PAGE_KIB},
};

/* A run between the two readings changes `runs`; then both are read again. */
static const char *agree(struct lab_guest *g, const struct pair *pair)
{
	uint64_t shown = 0, stat = 0;
	char path[128];

	snprintf(path, sizeof(path), FOLDER "%s", pair->file);
	for (int tries = 0; tries < 5; tries++) {
		LAB_OK(lab_read_number(g, path, &shown));
		LAB_TRY(driver_stat(g, pair->stat, &stat));
		if (shown == stat * pair->kib)
			return NULL;
	}
	LAB_CHECK(false, "%s is %" PRIu64 ", %s is %" PRIu64, pair->file, shown, pair->stat, stat);
	return NULL;
}

static const char *reads(struct lab_guest *g, const char *file, const char *want)
{
	LAB_OK(lab_must(g, 5000, "cat " FOLDER "%s; test \"$(cat " FOLDER "%s)\" = '%s'", file,
			file, want));
	return NULL;
}

static const char *figures_for_everybody(struct lab_guest *g)
{
	uint64_t kib, ago_ms;

	LAB_TRY(driver_load(g));
	LAB_OK(lab_must(g, 5000,
			"cd " FOLDER "; for f in large_kib lent_kib last_run counters/*; do"
			" test \"$(ls -ln $f | cut -d' ' -f1)\" = -r--r--r-- || exit 1; done"));
	LAB_TRY(reads(g, "counters/last_relief_kib", "0"));
	LAB_TRY(reads(g, "counters/last_relief_ago_ms", "-"));
	LAB_OK(lab_must(g, 5000, "echo 60000 >" FOLDER "holdoff_ms"));

	LAB_TRY(inflate_to(g, 650 * LAB_PAGES_PER_MIB));
	LAB_TRY(reads(g, "last_run", "done"));
	LAB_OK(lab_read_number(g, FOLDER "counters/inflated_kib", &kib));
	LAB_CHECK(kib == 650 * LAB_PAGES_PER_MIB * LAB_PAGE_KIB, "inflated by %" PRIu64 " KiB",
		  kib);
	for (size_t i = 0; i < LAB_COUNT(pairs); i++)
		LAB_TRY(agree(g, &pairs[i]));

	LAB_TRY(hog(g, 450));
	LAB_TRY(agent(g, "hog stop"));
	lab_sleep_ms(2000);
	LAB_TRY(reads(g, "last_run", "held_off"));
	LAB_OK(lab_read_number(g, FOLDER "counters/last_relief_kib", &kib));
	LAB_OK(lab_read_number(g, FOLDER "counters/last_relief_ago_ms", &ago_ms));
	LAB_CHECK(kib && ago_ms >= 1500 && ago_ms < 60000,
		  "the last relief: %" PRIu64 " KiB, %" PRIu64 " ms ago", kib, ago_ms);
	for (size_t i = 0; i < LAB_COUNT(pairs); i++)
		LAB_TRY(agree(g, &pairs[i]));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	return driver_unload(g);
}

static const struct lab_test tests[] = {
	{"figures-for-everybody", figures_for_everybody, .config = &config, .timeout_s = 120},
};

static const struct lab_suite suite = {
	.name = "figures",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
