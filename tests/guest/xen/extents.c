/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* In which extents memory goes and comes, by Xen's answers. */
#include <inttypes.h>

#include "domain.h"

#define FULL_MIB    512u
#define LOW_MIB	    256u
#define BROKEN_MIB  352u  /* what a guest reaches a fourth of whose memory is held */
#define LISTS_PAGES 2048u /* so much more or less happens by itself */
#define RUNS	    "/sys/kernel/aerostat/split"

static const struct lab_xen stock_xen = {.kernel = LAB_KERNEL_STOCK};
static const struct lab_config stock = {.xen = &stock_xen};
static const struct lab_domu pvh = {.type = LAB_PVH, .memory_mib = FULL_MIB};
static const struct lab_domu pv = {.type = LAB_PV, .memory_mib = FULL_MIB};

static void note_figures(const char *what, const struct figures *f)
{
	lab_note("%s: out %" PRIu64 " x 2 MiB + %" PRIu64 " x 4 KiB, in %" PRIu64
		 " x 2 MiB + %" PRIu64 " x 4 KiB",
		 what, f->decreased_large, f->decreased_base, f->populated_large,
		 f->populated_base);
}

/* Lowers the target to @mib and reports which extents Xen took. */
static const char *go_down(struct subject *s, unsigned int mib, struct figures *f)
{
	LAB_TRY(move_to(s, mib * KIB_PER_MIB));
	LAB_TRY(figures_agree(s));
	LAB_TRY(read_figures(s->g, f));
	note_figures("down", f);
	return NULL;
}

/* Up to all of it. */
static const char *go_up(struct subject *s, struct figures *f)
{
	LAB_TRY(move_to(s, FULL_MIB * KIB_PER_MIB));
	LAB_TRY(figures_agree(s));
	LAB_TRY(read_figures(s->g, f));
	note_figures("up", f);
	LAB_OK(lab_data_check(s->g));
	return NULL;
}

/* Free pages on the CPUs' own lists, where who wants pages of another size can't get them. */
static const char *on_cpu_lists(struct lab_guest *g, uint64_t *pages)
{
	LAB_OK(lab_must(
		g, 20000,
		"awk '$1 == \"count:\" { n += $2 } END { print n }' /proc/zoneinfo >/tmp/n"));
	LAB_OK(lab_read_number(g, "/tmp/n", pages));
	return NULL;
}

/* Large pages of the domain are large again: as many came back as went. */
static const char *pvh_fresh(struct lab_guest *g)
{
	struct figures down, up;
	struct subject s;
	uint64_t large, lists, lists_now;

	LAB_TRY(domu_shared(&s, g, &pvh));
	LAB_TRY(load(&s));
	LAB_TRY(on_cpu_lists(s.g, &lists));
	LAB_TRY(go_down(&s, LOW_MIB, &down));
	large = down.decreased_large * BLOCK_PAGES;
	LAB_CHECK(large * 100 >= 95 * (large + down.decreased_base),
		  "only %" PRIu64 " of %" PRIu64 " pages went as blocks of 2 MiB", large,
		  large + down.decreased_base);
	LAB_TRY(go_up(&s, &up));
	LAB_CHECK(up.populated_large == down.decreased_large,
		  "%" PRIu64 " blocks of 2 MiB went, %" PRIu64 " came back", down.decreased_large,
		  up.populated_large);
	LAB_TRY(on_cpu_lists(s.g, &lists_now));
	LAB_CHECK(lists_now < lists + LISTS_PAGES,
		  "what came back is not free for all: %" PRIu64
		  " pages are on CPUs' lists, before %" PRIu64,
		  lists_now, lists);
	return NULL;
}

/*
 * No block of 2 MiB is free, and a fourth of each is held.  The driver moves no more than an eighth
 * of a block out of its way, so pages of 4 KiB do the most of it, to the page.
 */
static const char *pvh_fragmented(struct lab_guest *g)
{
	struct figures down, up;
	struct subject s;

	LAB_TRY(domu_shared(&s, g, &pvh));
	LAB_OK(lab_must(s.g, 20000, "echo 3 >/proc/sys/vm/drop_caches"));
	LAB_CHECK(!lab_call(s.g, SETTLE_MS, NULL, "fragment 4 8"), "%s", lab_error());
	LAB_TRY(load(&s));
	LAB_TRY(go_down(&s, BROKEN_MIB, &down));
	LAB_CHECK(down.decreased_large * BLOCK_PAGES < down.decreased_base,
		  "the memory was not fragmented: %" PRIu64 " blocks of 2 MiB went",
		  down.decreased_large);
	LAB_CHECK(!lab_call(s.g, 20000, NULL, "fragment stop"), "%s", lab_error());
	return go_up(&s, &up);
}

/*
 * What a PV domain gets page by page lies anywhere in the machine.  What comes block
 * by block is in order from then on.
 */
static const char *pv_mends(struct lab_guest *g)
{
	struct figures pages, first, up, second;
	struct subject s;
	uint64_t large, base;

	LAB_TRY(domu_shared(&s, g, &pv));
	LAB_TRY(load(&s));
	LAB_OK(lab_write_file(s.g, RUNS, "0"));
	LAB_TRY(go_down(&s, LOW_MIB, &first));
	LAB_TRY(go_up(&s, &pages));
	LAB_OK(lab_write_file(s.g, RUNS, "1"));
	LAB_TRY(go_down(&s, LOW_MIB, &first));
	LAB_TRY(go_up(&s, &up));
	large = (up.populated_large - pages.populated_large) * BLOCK_PAGES;
	base = up.populated_base - pages.populated_base;
	LAB_CHECK(large * 100 >= 95 * (large + base),
		  "only %" PRIu64 " of %" PRIu64 " pages came as blocks of 2 MiB", large,
		  large + base);
	LAB_TRY(go_down(&s, LOW_MIB, &second));
	large = (second.decreased_large - first.decreased_large) * BLOCK_PAGES;
	base = second.decreased_base - first.decreased_base;
	LAB_CHECK(large > base,
		  "of %" PRIu64 " pages only %" PRIu64 " went as blocks of 2 MiB the second time",
		  large + base, large);
	return go_up(&s, &up);
}

static const struct lab_test tests[] = {
	{"pvh-fresh", pvh_fresh, .config = &stock, .timeout_s = 360},
	{"pvh-fragmented", pvh_fragmented, .config = &stock, .timeout_s = 480},
	{"pv-mends", pv_mends, .config = &stock, .timeout_s = 360},
};

static const struct lab_suite suite = {
	.name = "xen-extents",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
