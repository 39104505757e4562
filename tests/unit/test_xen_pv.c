// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Xen's protocol in a PV guest, which maps its memory itself. */
#include "xen_rig.h"

#include <string.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
