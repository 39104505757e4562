/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Our modules in guests with older and newer kernels than the other suites use.
 * `lab/setup kernels` fetches the kernels and tests/tools/kernels builds the modules for
 * them; a kernel that is not there is skipped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/kernels.h"
#include "monitor.h"

#define DATA_MIB 64u

/* What the kernel itself believes to be ballooned, where it shows that (some time after 6.12). */
static const char *meminfo_agrees(struct lab_guest *g, uint64_t pages)
{
	char *text = NULL, *line;
	uint64_t kib;

	/* Each CPU keeps some of the count to itself until it is asked. */
	LAB_OK(lab_must(g, 5000, "echo 1 >/proc/sys/vm/stat_refresh"));
	LAB_CHECK(lab_read_file(g, "/proc/meminfo", &text) == 0, "%s", lab_error());
	line = strstr(text, "\nBalloon:");
	kib = line ? strtoull(line + strlen("\nBalloon:"), NULL, 10) : pages * LAB_PAGE_KIB;
	free(text);
	LAB_CHECK(kib == pages * LAB_PAGE_KIB,
		  "/proc/meminfo shows %" PRIu64 " KiB of balloon instead of %" PRIu64, kib,
		  pages * LAB_PAGE_KIB);
	return NULL;
}

/* In large pages and, by the odd number, in single ones. */
static const char *moves_a_gigabyte(struct lab_guest *g)
{
	const uint64_t pages = 1024 * LAB_PAGES_PER_MIB + 77;
	char *release = NULL;
	uint64_t large;

	LAB_CHECK(lab_read_file(g, "/proc/sys/kernel/osrelease", &release) == 0, "%s", lab_error());
	lab_note("%.*s", (int)strcspn(release, "\n"), release);
	free(release);
	LAB_OK(lab_data_fill(g, DATA_MIB, 5));
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, pages));
	LAB_TRY(sizes_agree(g, pages));
	LAB_TRY(driver_stat(g, "held_large", &large));
	LAB_CHECK(large, "no large page is held");
	LAB_TRY(driver_stat(g, "taken_free_list", &large));
	LAB_CHECK(large, "no block came straight from the free lists");
	LAB_TRY(meminfo_agrees(g, pages));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	LAB_TRY(meminfo_agrees(g, 0));
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

/* Single pages move when the kernel compacts, and unloading finds them again. */
static const char *pages_migrate(struct lab_guest *g)
{
	const uint64_t pages = 200 * LAB_PAGES_PER_MIB;
	uint64_t migrated;

	LAB_TRY(inflate_single_pages(g, DATA_MIB, pages));
	LAB_OK(lab_must(g, 30000, "echo 1 >/proc/sys/vm/compact_memory"));
	LAB_TRY(driver_stat(g, "migrated", &migrated));
	lab_note("%" PRIu64 " pages moved", migrated);
	LAB_CHECK(migrated > 100, "only %" PRIu64 " pages moved", migrated);
	LAB_TRY(sizes_agree(g, pages));
	LAB_TRY(meminfo_agrees(g, pages));
	LAB_TRY(driver_unload(g));
	LAB_TRY(meminfo_agrees(g, 0));
	LAB_OK(lab_data_check(g));
	return NULL;
}

/* ---- the suite, made at run time ---- */

static struct {
	struct lab_config config;
	char moves_name[64], migrates_name[64];
} guests[OTHER_KERNELS];

static struct lab_test tests[2 * OTHER_KERNELS];

static void add_tests(size_t i)
{
	struct other_kernel k = find_kernel(other_kernels[i], "initramfs.cpio.gz");

	guests[i].config = (struct lab_config){
		.memory_mib = 2048,
		.kernel = k.kernel,
		.initramfs = k.initramfs,
	};
	snprintf(guests[i].moves_name, sizeof(guests[i].moves_name), "%s-moves-a-gigabyte",
		 other_kernels[i]);
	snprintf(guests[i].migrates_name, sizeof(guests[i].migrates_name), "%s-pages-migrate",
		 other_kernels[i]);
	tests[2 * i] = (struct lab_test){guests[i].moves_name, moves_a_gigabyte,
					 .config = &guests[i].config, .skip = k.skip};
	tests[2 * i + 1] = (struct lab_test){
		guests[i].migrates_name, pages_migrate,	 .config = &guests[i].config,
		.fresh = true,		 .spoils = true, .skip = k.skip};
}

int main(int argc, char **argv)
{
	static const struct lab_suite suite = {
		.name = "kernels",
		.tests = tests,
		.count = LAB_COUNT(tests),
		.boots = true,
	};

	if (!lab_build_folder()) {
		printf("Bail out! %s\n", lab_error());
		return 1;
	}
	for (size_t i = 0; i < OTHER_KERNELS; i++)
		add_tests(i);
	return lab_suite_main(argc, argv, &suite);
}
