/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Our virtio driver in guests with older and newer kernels than the other suites use, on x86-64 and
 * on arm64 with pages of 4 and of 16 KiB.  `lab/setup kernels` fetches the kernels and
 * tests/tools/kernels builds the modules for them; a kernel that is not there is skipped.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../common/kernels.h"
#include "virtio.h"

#define DATA_MIB 64u

/* What was asked for is a target in units of the protocol; the guest may have larger pages. */
static const char *page_size(struct lab_guest *g, unsigned int *kib)
{
	char *out = NULL;

	LAB_CHECK(lab_sh(g, 20000, &out, "uname -mr; grep -m1 KernelPageSize /proc/self/smaps") ==
				  0 &&
			  strstr(out, "KernelPageSize:"),
		  "the guest's page size: %s", out ? out : lab_error());
	lab_note("%.*s", (int)strcspn(out, "\n"), out);
	*kib = (unsigned int)strtoul(strstr(out, "KernelPageSize:") + 15, NULL, 10);
	free(out);
	return NULL;
}

/* Targets down and up, to the page; the host's memory falls, and the guest's data stays. */
static const char *moves(struct lab_guest *g)
{
	struct lab_host_memory before, after;
	unsigned int page_kib;
	uint64_t large, far;

	LAB_TRY(page_size(g, &page_kib));
	far = FAR - FAR % (page_kib / LAB_PAGE_KIB);
	LAB_OK(lab_data_fill(g, DATA_MIB, 5));
	LAB_TRY(agent(g, "touch"));
	LAB_OK(lab_host_memory(g, &before));
	LAB_TRY(driver_insert(g));
	for (unsigned int round = 0; round < 3; round++) {
		LAB_TRY(reach(g, far));
		LAB_TRY(reach(g, far / 2 - far / 2 % (page_kib / LAB_PAGE_KIB)));
	}
	LAB_TRY(reach(g, far));
	LAB_TRY(driver_stat(g, "held_large", &large));
	LAB_CHECK(large, "no large block is held");
	LAB_OK(lab_host_memory(g, &after));
	LAB_CHECK(after.ram_kib + far * LAB_PAGE_KIB / 2 < before.ram_kib,
		  "the host's memory fell from %" PRIu64 " to %" PRIu64 " KiB only", before.ram_kib,
		  after.ram_kib);
	LAB_TRY(reach(g, 0));
	LAB_OK(lab_data_check(g));
	LAB_TRY(nothing_lost_of(g, page_kib));
	return driver_remove(g);
}

/* Single pages move when the kernel compacts, and unloading finds them again. */
static const char *migrates(struct lab_guest *g)
{
	unsigned int page_kib;
	uint64_t migrated;

	LAB_TRY(page_size(g, &page_kib));
	LAB_OK(lab_data_fill(g, DATA_MIB, 6));
	LAB_TRY(agent(g, "fragment 128"));
	LAB_OK(lab_must(g, 20000, "modprobe aerostat large=0 split=0"));
	LAB_TRY(driver_insert(g));
	LAB_TRY(reach(g, FAR / 3));
	LAB_OK(lab_must(g, 60000, "echo 1 >/proc/sys/vm/compact_memory"));
	LAB_TRY(driver_stat(g, "migrated", &migrated));
	lab_note("%" PRIu64 " pages moved", migrated);
	LAB_CHECK(migrated > 100, "only %" PRIu64 " pages moved", migrated);
	LAB_OK(lab_wait_size(g, FAR / 3, FAR / 3, SETTLE_MS));
	LAB_TRY(driver_remove(g));
	LAB_OK(lab_wait_size(g, 0, 0, SETTLE_MS));
	LAB_OK(lab_data_check(g));
	return NULL;
}

/* Free memory beside the balloon is the host's. */
static const char *reports(struct lab_guest *g)
{
	uint64_t pages;

	LAB_OK(lab_data_fill(g, DATA_MIB, 7));
	LAB_TRY(driver_insert(g));
	LAB_TRY(use_and_free(g));
	LAB_TRY(driver_stat(g, "reported_free_pages", &pages));
	LAB_CHECK(pages, "the driver counts no page");
	LAB_OK(lab_data_check(g));
	return driver_remove(g);
}

/* ---- the suite, made at run time ---- */

static const struct {
	const char *name;
	const char *(*run)(struct lab_guest *g);
} kinds[] = {{"moves", moves}, {"migrates", migrates}, {"reports", reports}};

#define KERNELS (OTHER_KERNELS + ARM64_KERNELS)

static struct {
	struct lab_config config;
	char names[LAB_COUNT(kinds)][64];
} guests[KERNELS];

static struct lab_test tests[KERNELS * LAB_COUNT(kinds)];

static void add_tests(size_t i)
{
	bool arm64 = i >= OTHER_KERNELS;
	const char *name = arm64 ? arm64_kernels[i - OTHER_KERNELS] : other_kernels[i];
	struct other_kernel k = find_kernel(name, "initramfs.cpio.gz");

	guests[i].config = (struct lab_config){
		.platform = arm64 ? &lab_platform_arm64 : &lab_platform_virtio,
		.memory_mib = 1024,
		.cpus = 2,
		.kernel = k.kernel,
		.initramfs = k.initramfs,
	};
	for (size_t j = 0; j < LAB_COUNT(kinds); j++) {
		snprintf(guests[i].names[j], sizeof(guests[i].names[j]), "%s-%s", name,
			 kinds[j].name);
		tests[i * LAB_COUNT(kinds) + j] = (struct lab_test){
			guests[i].names[j], kinds[j].run,     .config = &guests[i].config,
			.fresh = j > 0,	    .timeout_s = 400, .skip = k.skip,
		};
	}
}

int main(int argc, char **argv)
{
	static const struct lab_suite suite = {
		.name = "virtio-kernels",
		.tests = tests,
		.count = LAB_COUNT(tests),
		.after_test = drivers_gone,
		.boots = true,
	};

	if (!lab_build_folder()) {
		printf("Bail out! %s\n", lab_error());
		return 1;
	}
	for (size_t i = 0; i < KERNELS; i++)
		add_tests(i);
	return lab_suite_main(argc, argv, &suite);
}
