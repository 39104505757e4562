/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the tests on real Xen have in common: our module in dom0 or a domU, Xen's
 * figures outside, and what must hold between the two.  As in scenario.h, a
 * message means failure and NULL success.
 */
#ifndef AEROSTAT_TESTS_GUEST_XEN_DOMAIN_H
#define AEROSTAT_TESTS_GUEST_XEN_DOMAIN_H

#include "../common/driver.h"
#include "xen.h"

#define KIB_PER_MIB 1024u
#define BLOCK_PAGES 512u   /* pages of a block of 2 MiB */
#define SETTLE_MS   60000u /* a slow host meets a target within this time */
#define QUIET_MS    1500u  /* quiet for two runs of the worker: settled */
#define BUILTIN	    "/sys/devices/system/xen_memory/xen_memory0/"

/* A domain under test. */
struct subject {
	struct lab_guest *g;
	uint64_t offset_kib; /* what it has on top of its target: a PVH domain's special pages */
};

/* debugfs aerostat/stats (docs/use/abi.md), summed up in pages. */
struct figures {
	uint64_t size, target, held;
	uint64_t taken, given; /* from and to the allocator */
	uint64_t pages_in, pages_out;
	uint64_t adopted; /* in the balloon, but not by our doing: never populated */
	uint64_t decreased_base, decreased_large, populated_base, populated_large; /* extents */
	uint64_t guest_pages, guest_target;
	uint64_t unmapped, odd_answers, resets, short_answers;
};

/*
 * A domU with a data set, still with the built-in balloon; measures what it has
 * besides its memory.
 */
const char *domu_up(struct subject *s, struct lab_guest *dom0, const struct lab_domu *config);

/*
 * The same, but a domU that an earlier test had from here is taken again when it is
 * of the same kind and passed tidy(): booting is what these tests take longest for.
 */
const char *domu_shared(struct subject *s, struct lab_guest *dom0, const struct lab_domu *config);

/* No later test may use this domU of domu_shared(). */
void spoil(const struct subject *s);

/* Loads aerostat_xen.ko and waits until it has taken over. */
const char *load(struct subject *s);

/*
 * A domU of domu_shared() with our module, which looks at the target often, and test_borrow.ko,
 * which borrows pages from the built-in balloon.  The second takes both away and checks the data.
 */
const char *borrower_up(struct subject *s, struct lab_guest *dom0, const struct lab_domu *config);
const char *borrower_down(struct subject *s);

/* Looks at the target ten times a second, for tests with many targets. */
const char *hurry(struct subject *s);

/* Waits until the domain has exactly this target. */
const char *settle(struct subject *s, uint64_t kib);
const char *settle_within(struct subject *s, uint64_t kib, unsigned int timeout_ms);

/* What these domains and Xen's free memory are together: balloons do not change it. */
const char *total_kib(const struct subject *s, unsigned int n, uint64_t *out);

/* Sets a target and settles; what the domain lost or got, Xen must have got or lost, exactly. */
const char *move_to(struct subject *s, uint64_t kib);

const char *read_figures(struct lab_guest *g, struct figures *out);

/* At rest at its target: every page is accounted for, in the engine and in Xen's answers. */
const char *figures_agree(struct subject *s);

/*
 * For suites' after_test: no module in dom0, which is as it was after boot; no domU but a
 * shared one, which is so too.
 */
const char *tidy(struct lab_guest *dom0);

#endif
