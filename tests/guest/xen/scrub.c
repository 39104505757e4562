/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* No data of the guest goes to Xen, wherever a page came from. */
#include <inttypes.h>

#include "given.h"

#define FULL_KIB  (GIVEN_MIB * KIB_PER_MIB)
#define STEP_KIB  (80 * KIB_PER_MIB)
#define PARAMETER "/sys/module/aerostat_xen/parameters/scrub"

static const struct lab_xen stock_xen = {.kernel = LAB_KERNEL_STOCK};
static const struct lab_config stock = {.xen = &stock_xen};
static const struct lab_domu guest = {.type = LAB_PVH, .memory_mib = GIVEN_MIB};
static const struct lab_domu unzeroed = {
	.type = LAB_PVH, .memory_mib = GIVEN_MIB, .append = "init_on_alloc=0"};

static const char *migrated(struct lab_guest *g)
{
	struct subject s;

	LAB_TRY(domu_shared(&s, g, &guest));
	return migrated_pages_are_zero(&s);
}

/*
 * Reported: the kernel's switch for scrubbing can be written at run time, and ours could not.
 * Blocks come from the free lists or, in a guest that does not zero, from the allocator.
 */
static const char *switched(struct lab_guest *g, const struct lab_domu *config)
{
	uint64_t pages, dirty;
	struct subject s;

	LAB_TRY(domu_shared(&s, g, config));
	LAB_TRY(soil(&s, 200));
	LAB_TRY(load(&s));
	LAB_TRY(given_start(&s));
	LAB_TRY(move_to(&s, FULL_KIB - STEP_KIB));
	LAB_TRY(gave_zeroes(&s, STEP_KIB / LAB_PAGE_KIB));
	LAB_OK(lab_write_file(s.g, PARAMETER, "0"));
	LAB_TRY(move_to(&s, FULL_KIB - 2 * STEP_KIB));
	LAB_TRY(given_counts(&s, &pages, &dirty));
	lab_note("%" PRIu64 " of %" PRIu64 " pages given were not zero", dirty, pages);
	LAB_CHECK(dirty, "scrub=0 has no effect");
	LAB_OK(lab_write_file(s.g, PARAMETER, "1"));
	LAB_TRY(given_stop(&s));
	LAB_OK(lab_must(s.g, 60000, "rmmod aerostat_xen aerostat"));
	return NULL;
}

static const char *switched_stock(struct lab_guest *g)
{
	return switched(g, &guest);
}

static const char *switched_unzeroed(struct lab_guest *g)
{
	return switched(g, &unzeroed);
}

static const struct lab_test tests[] = {
	{"migrated-pages-are-zero", migrated, .config = &stock, .timeout_s = 300},
	{"switched-at-run-time", switched_stock, .config = &stock, .timeout_s = 300},
	{"switched-without-zeroing", switched_unzeroed, .config = &stock, .timeout_s = 300},
};

static const struct lab_suite suite = {
	.name = "xen-scrub",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
