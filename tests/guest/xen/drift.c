/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Reported: beside drivers that borrow pages of the built-in balloon, with several CPUs, the
 * guest's count of its own pages drifts away from Xen's, and nothing ever corrects it.
 */
#include <inttypes.h>

#include "domain.h"

#define FULL_KIB (256 * KIB_PER_MIB)
#define LOW_KIB	 (180 * KIB_PER_MIB)
#define FOLDER	 "/sys/kernel/debug/test_borrow/"
#define LOST	 4u
#define FLIPS	 60u
#define CHURNS	 20000u

static const struct lab_xen stock_xen = {.kernel = LAB_KERNEL_STOCK};
static const struct lab_config stock = {.xen = &stock_xen};

static const char *wait_mended(struct subject *s, uint64_t pages)
{
	int64_t start = lab_now_ms();
	uint64_t mended;

	for (;;) {
		LAB_TRY(driver_stat(s->g, "mended_pages", &mended));
		if (mended >= pages)
			break;
		LAB_CHECK(lab_now_ms() - start < SETTLE_MS,
			  "%" PRIu64 " of %" PRIu64 " pages are mended", mended, pages);
		lab_sleep_ms(100);
	}
	LAB_CHECK(mended == pages, "%" PRIu64 " pages were mended instead of %" PRIu64, mended,
		  pages);
	return NULL;
}

/* An update is lost while the guest is at its target. */
static const char *lost(struct lab_guest *g, enum lab_domu_type type)
{
	const struct lab_domu config = {.type = type};
	uint64_t mended;
	struct subject s;

	LAB_TRY(borrower_up(&s, g, &config));
	LAB_TRY(move_to(&s, LOW_KIB));
	/* The count is learned at rest. */
	LAB_OK(lab_wait_domain_steady(s.g, QUIET_MS, SETTLE_MS, NULL));
	LAB_TRY(driver_stat(s.g, "mended_pages", &mended));
	LAB_CHECK(!mended, "%" PRIu64 " pages were mended without need", mended);
	LAB_OK(lab_must(s.g, 10000, "echo %u >" FOLDER "lose", LOST));
	LAB_TRY(wait_mended(&s, LOST));
	LAB_TRY(settle(&s, LOW_KIB));
	LAB_TRY(figures_agree(&s));
	LAB_TRY(move_to(&s, FULL_KIB));
	return borrower_down(&s);
}

static const char *lost_pv(struct lab_guest *g)
{
	return lost(g, LAB_PV);
}

static const char *lost_pvh(struct lab_guest *g)
{
	return lost(g, LAB_PVH);
}

/* Targets come and go while every CPU borrows single pages from the built-in balloon. */
static const char *churns(struct lab_guest *g, unsigned int cpus)
{
	const struct lab_domu config = {.type = LAB_PV, .vcpus = cpus};
	uint64_t mended;
	struct subject s;
	int id;

	LAB_TRY(borrower_up(&s, g, &config));
	LAB_TRY(move_to(&s, LOW_KIB));
	id = lab_begin(s.g, 300000,
		       "sh for i in $(seq %u); do echo %u >" FOLDER "churn & done; wait", cpus,
		       CHURNS);
	for (unsigned int i = 0; i < FLIPS; i++) {
		LAB_OK(lab_mem_set_kib(s.g, LOW_KIB + i % 2 * 32 * KIB_PER_MIB));
		lab_sleep_ms(100);
	}
	LAB_CHECK(lab_end(s.g, id, 300000, NULL) == 0, "the borrowers failed: %s", lab_error());
	LAB_TRY(move_to(&s, LOW_KIB));
	LAB_TRY(driver_stat(s.g, "mended_pages", &mended));
	lab_note("%" PRIu64 " pages were mended", mended);
	LAB_TRY(move_to(&s, FULL_KIB));
	LAB_TRY(borrower_down(&s));
	return move_to(&s, FULL_KIB - LAB_PAGE_KIB);
}

static const char *churns_2(struct lab_guest *g)
{
	return churns(g, 2);
}

static const char *churns_4(struct lab_guest *g)
{
	return churns(g, 4);
}

static const struct lab_test tests[] = {
	{"lost-update-pv", lost_pv, .config = &stock, .timeout_s = 300},
	{"lost-update-pvh", lost_pvh, .config = &stock, .timeout_s = 300},
	{"borrowers-2-cpus", churns_2, .config = &stock, .timeout_s = 480},
	{"borrowers-4-cpus", churns_4, .config = &stock, .timeout_s = 480},
};

static const struct lab_suite suite = {
	.name = "xen-drift",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
