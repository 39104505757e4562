// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Xen's protocol: translated guests, pace, the end and adopted pages; PV is in test_xen_pv.c. */
#include "xen_rig.h"

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
