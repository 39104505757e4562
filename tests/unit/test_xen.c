// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim_xen.h"

#define PAGES	   8192U
#define SPARE	   1024U
#define BLOCK	   (1U << AERO_BLOCK_ORDER)
#define BASE_PFN   (1U << 20)

/* A large block is 2 MiB, whatever the guest's page is. */
#define XEN_ORDER  9U
#define PAGE_ORDER (XEN_ORDER - AERO_BLOCK_ORDER)

struct rig {
	struct aero_port port;
	struct sim_xen xen;
	struct aero_xen x;
	struct aero_balloon b;
};

/* What linux/xen/module.c has, with the period of its worker. */
static const struct aero_config config = {
	.pace = {.period_ms = 1000,
		 .rate_max = UINT32_MAX,
		 .rate_min = UINT32_MAX,
		 .backoff_max_ms = 32000,
		 .retries_max = 4,
		 .recheck_ms = 60000},
	.large = true,
	.split = true,
};

/* -- the rig ----------------------------------------------------------------------- */

static int set_up(void **state, bool pv, uint32_t page_order, bool scattered)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	if (!rig)
		return -1;
	sim_create(&rig->port, PAGES, BASE_PFN, 1);
	sim_xen_create(&rig->xen, &rig->port, pv, page_order, SPARE, scattered);
	rig->xen.x = &rig->x;
	aero_xen_init(&rig->x, &rig->port, &rig->xen.guest, &rig->xen);
	aero_init(&rig->b, &rig->port, &config, &aero_xen_ops, &rig->x);
	*state = rig;
	return 0;
}

static int translated(void **state)
{
	return set_up(state, false, PAGE_ORDER, false);
}

static int pv(void **state)
{
	return set_up(state, true, 0, false);
}

static int pv_scattered(void **state)
{
	return set_up(state, true, 0, true);
}

/* The order of the large block set aside: only what Xen is told of a page. */
static int pages_of_64_kib(void **state)
{
	return set_up(state, false, 4, false);
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	sim_xen_destroy(&rig->xen);
	sim_destroy(&rig->port);
	free(rig);
	return 0;
}

static struct aero_next step(struct rig *rig)
{
	struct aero_next next = aero_step(&rig->b);

	sim_xen_check(&rig->xen, &rig->b);
	return next;
}

/* Until the run is over; returns the pause after it. */
static uint32_t run(struct rig *rig)
{
	struct aero_next next = {.kind = AERO_NEXT_NOW};
	unsigned int steps = 0;

	while (next.kind == AERO_NEXT_NOW) {
		if (++steps > 10000)
			sim_fail("a run without an end");
		next = step(rig);
	}
	rig->port.now_ms += next.delay_ms;
	return next.delay_ms;
}

/* One run for a new target; the course is that run's. */
static enum aero_run_end aim(struct rig *rig, uint64_t wanted)
{
	rig->xen.wanted = wanted;
	rig->xen.course[0] = 0;
	run(rig);
	return (enum aero_run_end)sim_last_trace(&rig->port, AERO_EVENT_RUN_END)->c;
}

__attribute__((format(printf, 2, 3))) static void assert_course(const struct rig *rig,
								const char *format, ...)
{
	char due[512];
	va_list args;

	va_start(args, format);
	vsnprintf(due, sizeof(due), format, args);
	va_end(args);
	assert_string_equal(rig->xen.course, due);
}

static void answer(struct rig *rig, enum aero_xen_op op, uint8_t order, enum sim_xen_what what,
		   uint64_t amount)
{
	rig->xen.rule[0] = (struct sim_xen_rule){
		.what = what, .op = op, .order = order, .times = UINT32_MAX, .amount = amount};
}

static void be_honest(struct rig *rig)
{
	memset(rig->xen.rule, 0, sizeof(rig->xen.rule));
}

/* After a failure is over, the size must come to the target to the page, both ways. */
static void assert_recovers(struct rig *rig)
{
	be_honest(rig);
	assert_int_equal(aim(rig, 2 * BLOCK + 77), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 2 * BLOCK + 77);
	assert_int_equal(aim(rig, 0), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 0);
	assert_int_equal(rig->xen.current, PAGES);
	assert_int_equal(rig->xen.reservation, PAGES);
	assert_int_equal(rig->x.strays, 0);
}

/* -- translated guests ----------------------------------------------------------------- */

static void large_blocks_are_one_call_of_order_9(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(aim(rig, 6 * BLOCK), AERO_END_DONE);
	assert_course(rig, "decrease:9:6=6 ");
	assert_int_equal(aim(rig, 0), AERO_END_DONE);
	assert_course(rig, "populate:9:6=6 ");
	assert_int_equal(rig->x.decreased_large, 6);
	assert_int_equal(rig->x.populated_large, 6);
	assert_int_equal(rig->x.decrease_calls, 1);
	assert_int_equal(rig->x.populate_calls, 1);
	assert_int_equal(rig->xen.scrubs, 6 * BLOCK);
}

static void pages_are_one_call_of_order_0(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(aim(rig, BLOCK - 1), AERO_END_DONE);
	assert_course(rig, "decrease:%u:%u=%u ", PAGE_ORDER, BLOCK - 1, BLOCK - 1);
	assert_int_equal(aim(rig, 0), AERO_END_DONE);
	assert_course(rig, "populate:%u:%u=%u ", PAGE_ORDER, BLOCK - 1, BLOCK - 1);
	assert_int_equal(rig->x.decreased_base, BLOCK - 1);
	assert_int_equal(rig->x.populated_base, BLOCK - 1);
	assert_int_equal(rig->x.decreased_large + rig->x.populated_large, 0);
}

static void many_pages_go_512_a_call(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = rig->b.config.split = false;
	assert_int_equal(aim(rig, 1100), AERO_END_DONE);
	assert_course(rig, "decrease:%u:512=512 decrease:%u:512=512 decrease:%u:76=76 ", PAGE_ORDER,
		      PAGE_ORDER, PAGE_ORDER);
}

static void targets_are_met_to_the_page(void **state)
{
	static const uint64_t targets[] = {1,
					   BLOCK,
					   3 * BLOCK + 1,
					   3 * BLOCK,
					   3 * BLOCK - 1,
					   BLOCK + 1,
					   BLOCK - 1,
					   1,
					   0,
					   PAGES - BLOCK,
					   5,
					   0};
	struct rig *rig = *state;
	unsigned int i;

	for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		assert_int_equal(aim(rig, targets[i]), AERO_END_DONE);
		assert_int_equal(rig->b.size_pages, targets[i]);
		assert_int_equal(rig->xen.reservation, PAGES - targets[i]);
	}
}

static void target_within_a_block_breaks_one(void **state)
{
	struct rig *rig = *state;

	aim(rig, 4 * BLOCK);
	assert_int_equal(aim(rig, 2 * BLOCK + 5), AERO_END_DONE);
	assert_course(rig, "populate:9:1=1 populate:%u:%u=%u ", PAGE_ORDER, BLOCK - 5, BLOCK - 5);
	assert_int_equal(rig->b.counters.blocks_broken, 1);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 2);
}

static void partial_populate_leaves_the_rest(void **state)
{
	struct rig *rig = *state;

	aim(rig, 20);
	answer(rig, AERO_XEN_POPULATE_PHYSMAP, 0, SIM_XEN_PARTIAL, 13);
	rig->xen.rule[0].times = 1;
	rig->xen.rule[1] = (struct sim_xen_rule){.what = SIM_XEN_PARTIAL,
						 .op = AERO_XEN_POPULATE_PHYSMAP,
						 .order = SIM_ANY,
						 .times = UINT32_MAX};
	assert_int_equal(aim(rig, 0), AERO_END_NO_PROGRESS);
	assert_course(rig, "populate:%u:20=13 populate:%u:7=0 ", PAGE_ORDER, PAGE_ORDER);
	assert_int_equal(rig->b.size_pages, 7);
	assert_int_equal(rig->x.short_answers, 2);
	assert_recovers(rig);
}

static void host_without_2_mib_in_one_piece_gives_pages(void **state)
{
	struct rig *rig = *state;

	aim(rig, 3 * BLOCK);
	answer(rig, AERO_XEN_POPULATE_PHYSMAP, AERO_BLOCK_ORDER, SIM_XEN_PARTIAL, 1);
	rig->xen.rule[0].times = 1;
	rig->xen.rule[1] = (struct sim_xen_rule){.what = SIM_XEN_PARTIAL,
						 .op = AERO_XEN_POPULATE_PHYSMAP,
						 .order = AERO_BLOCK_ORDER,
						 .times = UINT32_MAX};
	assert_int_equal(aim(rig, 0), AERO_END_DONE);
	assert_course(rig, "populate:9:3=1 populate:9:2=0 populate:%u:%u=%u populate:%u:%u=%u ",
		      PAGE_ORDER, BLOCK, BLOCK, PAGE_ORDER, BLOCK, BLOCK);
	assert_int_equal(rig->b.counters.blocks_broken, 2);
	assert_recovers(rig);
}

static void host_without_memory_keeps_the_balloon_as_it_is(void **state)
{
	struct rig *rig = *state;

	aim(rig, 3 * BLOCK + 7);
	rig->xen.limit = rig->xen.reservation;
	assert_int_equal(aim(rig, 0), AERO_END_NO_PROGRESS);
	assert_int_equal(rig->b.size_pages, 3 * BLOCK + 7);
	assert_course(rig, "populate:%u:7=0 populate:9:3=0 ", PAGE_ORDER);
	rig->xen.limit = UINT64_MAX;
	assert_recovers(rig);
}

static void guest_limit_is_reached_to_the_page(void **state)
{
	struct rig *rig = *state;

	aim(rig, 3 * BLOCK);
	rig->xen.limit = rig->xen.reservation + BLOCK + 9;
	assert_int_equal(aim(rig, 0), AERO_END_NO_PROGRESS);
	assert_int_equal(rig->b.size_pages, 2 * BLOCK - 9);
	rig->xen.limit = UINT64_MAX;
	assert_recovers(rig);
}

static void short_decrease_returns_the_rest_to_the_guest(void **state)
{
	struct rig *rig = *state;

	answer(rig, AERO_XEN_DECREASE_RESERVATION, SIM_ANY, SIM_XEN_PARTIAL, 2);
	rig->xen.rule[0].times = 1;
	assert_int_equal(aim(rig, 5 * BLOCK), AERO_END_DONE);
	assert_course(rig, "decrease:9:5=2 decrease:9:3=3 ");
	assert_int_equal(sim_logged(&rig->port, "would not take pages back"), 1);
	assert_recovers(rig);
}

static void refused_decrease_ends_the_run(void **state)
{
	struct rig *rig = *state;

	answer(rig, AERO_XEN_DECREASE_RESERVATION, SIM_ANY, SIM_XEN_ERROR, 22);
	assert_int_equal(aim(rig, 2 * BLOCK), AERO_END_NO_PROGRESS);
	assert_int_equal(rig->b.size_pages, 0);
	assert_int_equal(rig->xen.current, PAGES);
	assert_int_equal(sim_logged(&rig->port, "would not take pages back"), 1);
	assert_recovers(rig);
}

static void errors_of_populate_are_none_done(void **state)
{
	static const uint64_t errors[] = {1, 12, 1ULL << 40, INT64_MAX};
	struct rig *rig = *state;
	unsigned int i;

	aim(rig, BLOCK + 9);
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		answer(rig, AERO_XEN_POPULATE_PHYSMAP, SIM_ANY, SIM_XEN_ERROR, errors[i]);
		assert_int_equal(aim(rig, 0), AERO_END_NO_PROGRESS);
		assert_int_equal(rig->b.size_pages, BLOCK + 9);
	}
	assert_recovers(rig);
}

static void more_than_asked_is_taken_for_all(void **state)
{
	static const uint64_t lies[] = {1, 4096, 1ULL << 32, INT64_MAX - 1000};
	struct rig *rig = *state;
	unsigned int i;

	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		answer(rig, 0, SIM_ANY, SIM_XEN_MORE, lies[i]);
		assert_int_equal(aim(rig, 2 * BLOCK + 3), AERO_END_DONE);
		assert_int_equal(rig->b.size_pages, 2 * BLOCK + 3);
		assert_int_equal(aim(rig, 0), AERO_END_DONE);
		assert_int_equal(rig->b.size_pages, 0);
	}
	assert_int_equal(sim_logged(&rig->port, "more than it was asked"), 1);
	assert_recovers(rig);
}

static void pages_are_scrubbed_before_they_leave(void **state)
{
	struct rig *rig = *state;

	/* That each page was is proved by the simulated Xen; here: that it looks. */
	assert_int_equal(aim(rig, BLOCK + 3), AERO_END_DONE);
	assert_int_equal(rig->xen.scrubs, BLOCK + 3);
	rig->xen.guest.scrub = NULL;
	assert_int_equal(aim(rig, 2 * BLOCK + 3), AERO_END_DONE);
	assert_int_equal(rig->xen.scrubs, BLOCK + 3);
}

static void runs_of_a_translated_guest_are_pages(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	assert_int_equal(aim(rig, BLOCK), AERO_END_DONE);
	assert_course(rig, "decrease:%u:%u=%u ", PAGE_ORDER, BLOCK, BLOCK);
	assert_int_equal(rig->b.held[AERO_CLASS_SPLIT], 1);
	answer(rig, AERO_XEN_POPULATE_PHYSMAP, SIM_ANY, SIM_XEN_PARTIAL, 9);
	rig->xen.rule[0].times = 1;
	assert_int_equal(aim(rig, 0), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 0);
}

/* The simulated Xen ends the test at a frame that is not the guest's, or not aligned. */
static void page_of_64_kib_is_an_extent_of_order_4(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(aim(rig, BLOCK + 7), AERO_END_DONE);
	assert_course(rig, "decrease:%u:1=1 decrease:4:7=7 ", AERO_BLOCK_ORDER + 4);
	assert_int_equal(rig->x.frame[0] % 16, 0);
	assert_true(rig->x.frame[0] >= (uint64_t)BASE_PFN << 4);
	assert_int_equal(aim(rig, BLOCK - 7), AERO_END_DONE);
	assert_int_equal(aim(rig, 0), AERO_END_DONE);
	assert_int_equal(rig->xen.current, PAGES);
}

/* -- PV guests ---------------------------------------------------------------------------- */

static void contiguous_run_is_one_extent(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(aim(rig, BLOCK), AERO_END_DONE);
	assert_course(rig, "unmap:%u decrease:%u:1=1 ", BLOCK, AERO_BLOCK_ORDER);
	assert_int_equal(rig->b.held[AERO_CLASS_SPLIT], 1);
	assert_int_equal(rig->x.decreased_large, 1);
}

static void scattered_run_is_single_pages(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(aim(rig, BLOCK), AERO_END_DONE);
	assert_course(rig, "unmap:%u decrease:0:%u=%u ", BLOCK, BLOCK, BLOCK);
	assert_int_equal(rig->b.held[AERO_CLASS_SPLIT], 1);
	assert_int_equal(rig->x.decreased_base, BLOCK);
}

/* All of it: a neighbour in the middle that is none must be noticed. */
static void almost_contiguous_run_is_single_pages(void **state)
{
	struct rig *rig = *state;
	uint32_t i, at;

	for (i = 0; i < PAGES / BLOCK; i++) {
		uint64_t *machine = rig->xen.machine + i * BLOCK;
		uint64_t other = machine[BLOCK / 2];

		at = BLOCK / 2;
		machine[at] = machine[at + 1];
		machine[at + 1] = other;
		rig->xen.owner[machine[at]] = i * BLOCK + at;
		rig->xen.owner[machine[at + 1]] = i * BLOCK + at + 1;
	}
	assert_int_equal(aim(rig, BLOCK), AERO_END_DONE);
	assert_course(rig, "unmap:%u decrease:0:%u=%u ", BLOCK, BLOCK, BLOCK);
}

/* Neighbours all of them, but an extent of order 9 starts at a multiple of 512. */
static void shifted_run_is_single_pages(void **state)
{
	struct rig *rig = *state;
	uint32_t i;

	memset(rig->xen.taken, false, rig->xen.machine_pages);
	memset(rig->xen.owner, 0xff, rig->xen.machine_pages * sizeof(*rig->xen.owner));
	for (i = 0; i < PAGES; i++) {
		rig->xen.machine[i] = i + 1;
		rig->xen.taken[i + 1] = true;
		rig->xen.owner[i + 1] = i;
	}
	assert_int_equal(aim(rig, BLOCK), AERO_END_DONE);
	assert_course(rig, "unmap:%u decrease:0:%u=%u ", BLOCK, BLOCK, BLOCK);
}

static void large_populate_makes_a_run_contiguous(void **state)
{
	struct rig *rig = *state;

	aim(rig, BLOCK);
	assert_int_equal(aim(rig, 0), AERO_END_DONE);
	assert_course(rig, "populate:%u:1=1 map:%u ", AERO_BLOCK_ORDER, BLOCK);
	rig->b.config.split = true;
	assert_int_equal(aim(rig, BLOCK), AERO_END_DONE);
	assert_course(rig, "unmap:%u decrease:%u:1=1 ", BLOCK, AERO_BLOCK_ORDER);
}

static void pv_populate_falls_back_to_pages(void **state)
{
	struct rig *rig = *state;

	aim(rig, BLOCK);
	answer(rig, AERO_XEN_POPULATE_PHYSMAP, AERO_BLOCK_ORDER, SIM_XEN_ERROR, 12);
	assert_int_equal(aim(rig, 0), AERO_END_DONE);
	assert_course(rig, "populate:%u:1=-12 populate:0:%u=%u map:%u ", AERO_BLOCK_ORDER, BLOCK,
		      BLOCK, BLOCK);
	assert_recovers(rig);
}

static void pv_pages_are_unmapped_first_and_mapped_last(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(aim(rig, 10), AERO_END_DONE);
	assert_course(rig, "unmap:10 decrease:0:10=10 ");
	assert_int_equal(aim(rig, 4), AERO_END_DONE);
	assert_course(rig, "populate:0:6=6 map:6 ");
}

static void several_runs_meet_the_target(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(aim(rig, 5 * BLOCK + 9), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 5 * BLOCK + 9);
	assert_int_equal(aim(rig, 2 * BLOCK - 3), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 2 * BLOCK - 3);
	assert_recovers(rig);
}

static void failed_unmap_changes_nothing(void **state)
{
	struct rig *rig = *state;

	rig->xen.fail_unmaps = 100;
	assert_int_equal(aim(rig, BLOCK), AERO_END_NO_PROGRESS);
	assert_int_equal(rig->xen.calls, 0);
	assert_int_equal(rig->b.size_pages, 0);
	rig->xen.fail_unmaps = 0;
	assert_recovers(rig);
}

static void pages_left_by_a_short_decrease_are_mapped_again(void **state)
{
	struct rig *rig = *state;

	answer(rig, AERO_XEN_DECREASE_RESERVATION, 0, SIM_XEN_PARTIAL, 7);
	rig->xen.rule[0].times = 1;
	assert_int_equal(aim(rig, 10), AERO_END_DONE);
	assert_course(rig, "unmap:10 decrease:0:10=7 map:3 unmap:3 decrease:0:3=3 ");
	assert_recovers(rig);
}

static void run_given_up_in_part_is_broken(void **state)
{
	struct rig *rig = *state;

	answer(rig, AERO_XEN_DECREASE_RESERVATION, 0, SIM_XEN_PARTIAL, 7);
	rig->xen.rule[0].times = 1;
	rig->xen.rule[1] = (struct sim_xen_rule){.what = SIM_XEN_ERROR,
						 .op = AERO_XEN_DECREASE_RESERVATION,
						 .order = SIM_ANY,
						 .skip = 0,
						 .times = UINT32_MAX,
						 .amount = 1};
	assert_int_equal(aim(rig, BLOCK), AERO_END_NO_PROGRESS);
	assert_int_equal(rig->b.size_pages, 7);
	assert_int_equal(rig->b.held[AERO_CLASS_PAGE], 7);
	assert_recovers(rig);
}

/* They are no good to the guest, so they stay; Xen gets their machine frames. */
static void pages_that_cannot_be_mapped_again_stay_in_the_balloon(void **state)
{
	struct rig *rig = *state;

	answer(rig, AERO_XEN_DECREASE_RESERVATION, 0, SIM_XEN_PARTIAL, 7);
	rig->xen.rule[0].times = 1;
	rig->xen.fail_maps = 1;
	assert_int_equal(aim(rig, 10), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 10);
	assert_int_equal(rig->x.strays, 3);
	assert_int_equal(rig->x.unmapped, 3);
	assert_int_equal(rig->xen.reservation, PAGES - 7);
	assert_int_equal(sim_logged(&rig->port, "could not be mapped again"), 1);
	assert_int_equal(aim(rig, 11), AERO_END_DONE);
	assert_course(rig, "decrease:0:3=3 unmap:1 decrease:0:1=1 ");
	assert_int_equal(rig->xen.reservation, PAGES - 11);
	assert_recovers(rig);
}

static void page_that_cannot_be_mapped_is_not_handed_out(void **state)
{
	struct rig *rig = *state;

	aim(rig, 10);
	rig->xen.fail_maps = 1;
	assert_int_equal(aim(rig, 0), AERO_END_NO_PROGRESS);
	assert_course(rig, "populate:0:10=10 map:10! ");
	assert_int_equal(rig->b.size_pages, 10);
	assert_int_equal(rig->x.strays, 10);
	assert_int_equal(aim(rig, 0), AERO_END_DONE);
	assert_course(rig, "decrease:0:10=10 populate:0:10=10 map:10 ");
	assert_recovers(rig);
}

/* However often it is tried, the guest's reservation does not grow. */
static void failing_map_does_not_leak_machine_frames(void **state)
{
	struct rig *rig = *state;
	unsigned int i;

	aim(rig, BLOCK);
	rig->xen.fail_maps = 50;
	for (i = 0; i < 10; i++) {
		aim(rig, 0);
		assert_int_equal(rig->b.size_pages, BLOCK);
		assert_true(rig->xen.reservation <= PAGES);
	}
	rig->xen.fail_maps = 0;
	assert_recovers(rig);
}

/* Nothing moves while Xen will not take stray frames; there is room for no more of them. */
static void strays_xen_does_not_take_stop_all_else(void **state)
{
	struct rig *rig = *state;

	aim(rig, 10);
	rig->xen.fail_maps = 1;
	aim(rig, 0);
	answer(rig, AERO_XEN_DECREASE_RESERVATION, SIM_ANY, SIM_XEN_PARTIAL, 4);
	rig->xen.rule[0].times = 1;
	rig->xen.rule[1] = (struct sim_xen_rule){.what = SIM_XEN_ERROR,
						 .order = SIM_ANY,
						 .op = AERO_XEN_DECREASE_RESERVATION,
						 .times = UINT32_MAX,
						 .amount = 1};
	assert_int_equal(aim(rig, 0), AERO_END_NO_PROGRESS);
	assert_course(rig, "decrease:0:10=4 ");
	assert_int_equal(aim(rig, 20), AERO_END_NO_PROGRESS);
	assert_course(rig, "decrease:0:6=-1 ");
	assert_int_equal(rig->x.strays, 6);
	assert_int_equal(rig->xen.reservation, PAGES - 10 + 6);
	assert_recovers(rig);
}

/* The last attempt of an unload can fail in the same way as the others. */
static void machine_frames_are_not_lost_at_an_unload(void **state)
{
	struct rig *rig = *state;

	aim(rig, 10);
	rig->xen.fail_maps = 1;
	aero_unload_step(&rig->b);
	assert_int_equal(rig->x.strays, 10);
	assert_int_equal(rig->xen.reservation, PAGES);
	rig->xen.rule[0] = (struct sim_xen_rule){.what = SIM_XEN_PARTIAL,
						 .order = SIM_ANY,
						 .op = AERO_XEN_DECREASE_RESERVATION,
						 .times = 2,
						 .amount = 4};
	assert_int_equal(aero_xen_end(&rig->x), 0);
	assert_int_equal(rig->xen.reservation, PAGES - 10);
	assert_int_equal(sim_logged(&rig->port, "lost"), 0);
}

static void machine_frames_that_are_lost_at_an_unload_are_told(void **state)
{
	struct rig *rig = *state;

	aim(rig, 10);
	rig->xen.fail_maps = 1;
	aero_unload_step(&rig->b);
	rig->xen.rule[0] = (struct sim_xen_rule){.what = SIM_XEN_ERROR,
						 .order = SIM_ANY,
						 .op = AERO_XEN_DECREASE_RESERVATION,
						 .times = UINT32_MAX,
						 .amount = 1};
	assert_int_equal(aero_xen_end(&rig->x), 10);
	assert_int_equal(sim_logged(&rig->port, "10 machine frames could not be given back"), 1);
	rig->xen.rule[0] = (struct sim_xen_rule){0};
	assert_int_equal(aero_xen_end(&rig->x), 0);
}

/* -- pace, the end, adopted pages ------------------------------------------------------------- */

static void setbacks_back_off_2_4_8_then_recheck(void **state)
{
	static const uint32_t seconds[] = {2, 4, 8, 60, 60, 60};
	struct rig *rig = *state;
	unsigned int i;

	aim(rig, 2 * BLOCK);
	rig->xen.wanted = 0;
	rig->xen.limit = rig->xen.reservation;
	for (i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++)
		assert_int_equal(run(rig), seconds[i] * 1000);
	rig->xen.limit = UINT64_MAX;
	assert_int_equal(run(rig), 1000);
	assert_int_equal(rig->b.size_pages, 0);
}

static void progress_starts_the_back_off_anew(void **state)
{
	struct rig *rig = *state;
	unsigned int i;

	aim(rig, 2 * BLOCK);
	rig->xen.wanted = 0;
	rig->xen.limit = rig->xen.reservation;
	for (i = 0; i < 5; i++)
		run(rig);
	rig->xen.limit += 10;
	assert_int_equal(run(rig), 2000);
	assert_int_equal(rig->b.size_pages, 2 * BLOCK - 10);
	assert_int_equal(run(rig), 4000);
	assert_int_equal(run(rig), 8000);
}

static void new_target_starts_the_back_off_anew(void **state)
{
	struct rig *rig = *state;

	aim(rig, 2 * BLOCK);
	rig->xen.limit = rig->xen.reservation;
	rig->xen.wanted = 0;
	run(rig);
	assert_int_equal(run(rig), 4000);
	rig->xen.wanted = BLOCK;
	assert_int_equal(run(rig), 2000);
}

static void relief_breaks_blocks_xen_cannot_give_whole(void **state)
{
	struct rig *rig = *state;

	aim(rig, 2 * BLOCK);
	answer(rig, AERO_XEN_POPULATE_PHYSMAP, AERO_BLOCK_ORDER, SIM_XEN_ERROR, 12);
	assert_int_equal(aero_relieve(&rig->b, BLOCK + 5), BLOCK + 5);
	sim_xen_check(&rig->xen, &rig->b);
	assert_int_equal(rig->b.size_pages, BLOCK - 5);
	be_honest(rig);
	rig->xen.limit = rig->xen.reservation;
	assert_int_equal(aero_relieve(&rig->b, UINT64_MAX), 0);
	sim_xen_check(&rig->xen, &rig->b);
}

/* Unload steps until one gains nothing; returns the pages that are left. */
static uint64_t drain(struct rig *rig)
{
	struct aero_unload next;

	do {
		next = aero_unload_step(&rig->b);
		sim_xen_check(&rig->xen, &rig->b);
	} while (next.kind == AERO_UNLOAD_AGAIN);
	return rig->b.size_pages;
}

static void unload_gets_what_xen_has_and_keeps_the_rest(void **state)
{
	aero_page *rest[BLOCK];
	struct rig *rig = *state;

	aim(rig, 3 * BLOCK + 5);
	rig->xen.limit = rig->xen.reservation + BLOCK;
	assert_int_equal(drain(rig), 2 * BLOCK + 5);
	assert_int_equal(aero_abandon(&rig->b, rest, 9), 5);
	assert_int_equal(aero_abandon(&rig->b, rest + 5, 4), 4);
	assert_false(sim_xen_is_usable(&rig->xen, rest[0]));
	assert_int_equal(rest[0]->owner, SIM_FLIGHT);
	assert_int_equal(rig->b.size_pages, 2 * BLOCK - 4);
	aero_adopt(&rig->b, AERO_CLASS_PAGE, rest, 9);
	rig->xen.limit = UINT64_MAX;
	assert_int_equal(drain(rig), 0);
	assert_int_equal(rig->xen.current, PAGES);
}

/* A step that gains nothing counts as a failed attempt, so none may be in vain. */
static void drain_falls_while_anything_can_be_had(void **state)
{
	struct rig *rig = *state;
	struct aero_unload next;

	aim(rig, 4 * BLOCK);
	answer(rig, AERO_XEN_POPULATE_PHYSMAP, AERO_BLOCK_ORDER, SIM_XEN_ERROR, 12);
	aim(rig, 3 * BLOCK + 5);
	do {
		next = aero_unload_step(&rig->b);
		sim_xen_check(&rig->xen, &rig->b);
		assert_int_not_equal(next.kind, AERO_UNLOAD_WAIT);
	} while (next.kind != AERO_UNLOAD_DONE);
	assert_int_equal(rig->xen.current, PAGES);
}

static void stop_in_a_stuck_run_does_not_stop_the_drain(void **state)
{
	struct rig *rig = *state;

	aim(rig, 20);
	answer(rig, AERO_XEN_POPULATE_PHYSMAP, SIM_ANY, SIM_XEN_ERROR, 12);
	rig->xen.wanted = 0;
	step(rig);
	step(rig);
	be_honest(rig);
	assert_int_equal(drain(rig), 0);
}

static void adopt(struct rig *rig, unsigned int n)
{
	aero_page *pages[64];
	unsigned int i;

	assert_int_equal(aero_port_take(&rig->port, 0, AERO_LIGHT, pages, n), n);
	for (i = 0; i < n; i++)
		sim_xen_unbacked(&rig->xen, pages[i]);
	aero_adopt(&rig->b, AERO_CLASS_PAGE, pages, n);
	sim_xen_check(&rig->xen, &rig->b);
}

static void adopted_pages_are_populated(void **state)
{
	struct rig *rig = *state;

	aim(rig, 0);
	adopt(rig, 40);
	assert_int_equal(aim(rig, 0), AERO_END_DONE);
	assert_course(rig, "populate:%u:40=40 ", PAGE_ORDER);
	assert_int_equal(rig->xen.current, PAGES);
}

/* They come before the worker's first step; nothing is behind them then either. */
static void pages_adopted_before_the_first_step_are_populated(void **state)
{
	struct rig *rig = *state;

	adopt(rig, 40);
	assert_int_equal(aim(rig, 10), AERO_END_DONE);
	assert_course(rig, "populate:%u:30=30 ", PAGE_ORDER);
	assert_int_equal(rig->b.counters.pages_popped, 0);
}

static void pages_adopted_and_never_followed_are_not_popped_at_the_end(void **state)
{
	struct rig *rig = *state;

	adopt(rig, 40);
	rig->xen.limit = rig->xen.reservation;
	assert_int_equal(drain(rig), 40);
	rig->xen.limit = UINT64_MAX;
	assert_int_equal(drain(rig), 0);
}

static void migration_moves_memory_from_page_to_page(void **state)
{
	struct rig *rig = *state;
	aero_page *page;

	aim(rig, 20);
	page = sim_isolate(&rig->port);
	rig->xen.course[0] = 0;
	assert_int_equal(sim_migrate(&rig->b, page), AERO_MIGRATE_MOVED);
	sim_xen_check(&rig->xen, &rig->b);
	rig->xen.limit = rig->xen.reservation;
	page = sim_isolate(&rig->port);
	assert_int_equal(sim_migrate(&rig->b, page), AERO_MIGRATE_FAILED);
	sim_putback(&rig->port, page);
	sim_xen_check(&rig->xen, &rig->b);
	assert_int_equal(rig->b.size_pages, 20);
}

#define TEST(setup, name) cmocka_unit_test_setup_teardown(name, setup, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(translated, large_blocks_are_one_call_of_order_9),
		TEST(translated, pages_are_one_call_of_order_0),
		TEST(translated, many_pages_go_512_a_call),
		TEST(translated, targets_are_met_to_the_page),
		TEST(translated, target_within_a_block_breaks_one),
		TEST(translated, partial_populate_leaves_the_rest),
		TEST(translated, host_without_2_mib_in_one_piece_gives_pages),
		TEST(translated, host_without_memory_keeps_the_balloon_as_it_is),
		TEST(translated, guest_limit_is_reached_to_the_page),
		TEST(translated, short_decrease_returns_the_rest_to_the_guest),
		TEST(translated, refused_decrease_ends_the_run),
		TEST(translated, errors_of_populate_are_none_done),
		TEST(translated, more_than_asked_is_taken_for_all),
		TEST(translated, pages_are_scrubbed_before_they_leave),
		TEST(translated, runs_of_a_translated_guest_are_pages),
		TEST(pages_of_64_kib, page_of_64_kib_is_an_extent_of_order_4),
		TEST(pv, contiguous_run_is_one_extent),
		TEST(pv_scattered, scattered_run_is_single_pages),
		TEST(pv, almost_contiguous_run_is_single_pages),
		TEST(pv, shifted_run_is_single_pages),
		TEST(pv_scattered, large_populate_makes_a_run_contiguous),
		TEST(pv_scattered, pv_populate_falls_back_to_pages),
		TEST(pv, pv_pages_are_unmapped_first_and_mapped_last),
		TEST(pv, several_runs_meet_the_target),
		TEST(pv, failed_unmap_changes_nothing),
		TEST(pv, pages_left_by_a_short_decrease_are_mapped_again),
		TEST(pv_scattered, run_given_up_in_part_is_broken),
		TEST(pv, pages_that_cannot_be_mapped_again_stay_in_the_balloon),
		TEST(pv, page_that_cannot_be_mapped_is_not_handed_out),
		TEST(pv, failing_map_does_not_leak_machine_frames),
		TEST(pv, strays_xen_does_not_take_stop_all_else),
		TEST(pv, machine_frames_are_not_lost_at_an_unload),
		TEST(pv, machine_frames_that_are_lost_at_an_unload_are_told),
		TEST(translated, setbacks_back_off_2_4_8_then_recheck),
		TEST(translated, progress_starts_the_back_off_anew),
		TEST(translated, new_target_starts_the_back_off_anew),
		TEST(translated, relief_breaks_blocks_xen_cannot_give_whole),
		TEST(translated, unload_gets_what_xen_has_and_keeps_the_rest),
		TEST(translated, drain_falls_while_anything_can_be_had),
		TEST(translated, stop_in_a_stuck_run_does_not_stop_the_drain),
		TEST(translated, adopted_pages_are_populated),
		TEST(translated, pages_adopted_before_the_first_step_are_populated),
		TEST(translated, pages_adopted_and_never_followed_are_not_popped_at_the_end),
		TEST(translated, migration_moves_memory_from_page_to_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
