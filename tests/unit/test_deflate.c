// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "rig.h"

/* A balloon of @large blocks and @pages pages, at rest. */
static struct rig *inflated(void **state, unsigned int large, unsigned int pages)
{
	struct rig *rig = *state;

	rig_reach(rig, large * 512 + pages);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], large);
	assert_int_equal(rig->b.held[AERO_CLASS_PAGE], pages);
	rig->fake.course[0] = 0;
	return rig;
}

/* The same with runs instead of large blocks. */
static struct rig *inflated_by_runs(void **state, unsigned int runs)
{
	struct rig *rig = *state;

	rig->b.link.large = false;
	rig->b.config.split = true;
	rig_reach(rig, runs * 512);
	assert_int_equal(rig->b.held[AERO_CLASS_SPLIT], runs);
	rig->fake.course[0] = 0;
	return rig;
}

static void excess_of_512_pages_is_left_alone(void **state)
{
	struct rig *rig = inflated(state, 2, 100);

	rig->fake.target_pages = 1124 - 512;
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_string_equal(rig->fake.course, "target ");
	assert_int_equal(rig->b.size_pages, 1124);
}

static void excess_of_513_pages_is_given_back(void **state)
{
	struct rig *rig = inflated(state, 2, 100);

	rig->fake.target_pages = 1124 - 513;
	rig_run(rig);
	/* 100 pages, and no block fits into the other 413 but those it may keep. */
	assert_string_equal(rig->fake.course, "target reclaim:page:100 ");
	assert_int_equal(rig->b.size_pages, 1024);
}

static void never_falls_below_the_target(void **state)
{
	struct rig *rig = inflated(state, 4, 0);

	rig->fake.target_pages = 1000;
	rig_run(rig);
	assert_string_equal(rig->fake.course, "target reclaim:large:2 ");
	assert_int_equal(rig->b.size_pages, 1024);
}

static void target_0_empties_the_balloon(void **state)
{
	struct rig *rig = inflated(state, 2, 100);

	rig->fake.target_pages = 0;
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_string_equal(rig->fake.course, "target reclaim:page:100 reclaim:large:2 ");
	assert_int_equal(rig->b.size_pages, 0);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
	assert_int_equal(rig->b.counters.pages_out, 1124);
}

static void target_0_frees_the_last_page(void **state)
{
	struct rig *rig = inflated(state, 0, 1);

	rig_reach(rig, 0);
	assert_int_equal(rig->b.size_pages, 0);
}

static void small_pages_go_back_first(void **state)
{
	struct rig *rig = inflated(state, 2, 100);

	rig_reach(rig, 512);
	assert_string_equal(rig->fake.course, "target reclaim:page:100 reclaim:large:1 target ");
}

/* It was reported that a guest waited seconds for single pages, and then for all the rest at once.
 */
static void guest_in_a_hurry_gets_large_blocks_first_and_one_by_one(void **state)
{
	struct rig *rig = inflated(state, 2, 100);

	rig->port.spare_floor = RIG_PAGES;
	rig->fake.target_pages = 0;
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_string_equal(rig->fake.course,
			    "target reclaim:large:1 reclaim:large:1 reclaim:page:100 ");
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
}

static void page_not_released_goes_back_into_the_balloon(void **state)
{
	struct rig *rig = inflated(state, 0, 300);
	uint64_t kept = rig->port.held[AERO_CLASS_PAGE].first->pfn.v;

	rig->fake.target_pages = 0;
	rig->fake.answer = fake_odd_frame;
	rig->fake.answer_arg = kept;
	assert_int_equal(rig_run(rig), AERO_END_NO_PROGRESS);
	assert_int_equal(rig->b.size_pages, 1);
	assert_true(rig->port.held[AERO_CLASS_PAGE].first->pfn.v == kept);
	rig->fake.answer = NULL;
	rig_run(rig);
	assert_int_equal(rig->b.size_pages, 0);
}

static void failed_command_puts_all_back_and_ends_the_run(void **state)
{
	static const enum aero_reply replies[] = {AERO_REPLY_FAILED, AERO_REPLY_BUSY};
	struct rig *rig = inflated(state, 2, 100);
	unsigned int i;

	rig->fake.target_pages = 0;
	for (i = 0; i < 2; i++) {
		rig->fake.on_reclaim = (struct fake_order){.reply = replies[i], .times = 1};
		assert_int_equal(rig_run(rig), AERO_END_COMMAND);
		assert_int_equal(rig->b.size_pages, 1124);
	}
	assert_string_equal(rig->fake.course, "target reclaim:page:100 target reclaim:page:100 ");
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 0);
}

static void class_that_is_kept_is_not_asked_again_in_this_run(void **state)
{
	struct rig *rig = inflated(state, 2, 100);

	rig->fake.target_pages = 0;
	rig->fake.answer = fake_keep_all;
	assert_int_equal(rig_run(rig), AERO_END_NO_PROGRESS);
	assert_string_equal(rig->fake.course, "target reclaim:page:100 reclaim:large:2 ");
	assert_int_equal(rig->b.size_pages, 1124);
	rig->fake.answer = NULL;
	rig_run(rig);
	assert_int_equal(rig->b.size_pages, 0);
}

static void reset_in_the_middle_keeps_the_rest_for_the_pop(void **state)
{
	struct rig *rig = inflated(state, 0, 400);

	rig->fake.target_pages = 0;
	rig->fake.answer = fake_reset_after;
	rig->fake.answer_arg = 150;
	assert_int_equal(rig_run(rig), AERO_END_RESET);
	assert_int_equal(rig->b.size_pages, 250);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES - 250);
	rig->fake.answer = NULL;
	rig_run(rig);
	assert_int_equal(rig->b.size_pages, 0);
	assert_int_equal(rig->b.counters.pages_popped, 250);
}

static void run_goes_back_whole(void **state)
{
	struct rig *rig = inflated_by_runs(state, 3);

	rig_reach(rig, 512);
	assert_int_equal(rig->b.held[AERO_CLASS_SPLIT], 1);
	assert_int_equal(rig->b.counters.blocks_broken, 0);
	assert_string_equal(rig->fake.course, "target reclaim:split:1 reclaim:split:1 target ");
}

static void run_released_in_part_becomes_pages(void **state)
{
	struct rig *rig = inflated_by_runs(state, 1);

	rig->fake.target_pages = 0;
	rig->fake.answer = fake_odd_frame;
	rig->fake.answer_arg = rig->port.held[AERO_CLASS_SPLIT].first->pfn.v + 7;
	rig_run(rig);
	assert_int_equal(rig->b.held[AERO_CLASS_SPLIT], 0);
	assert_int_equal(rig->b.held[AERO_CLASS_PAGE], 1);
	assert_int_equal(rig->b.counters.blocks_broken, 1);
	rig->fake.answer = NULL;
	rig_run(rig);
	assert_int_equal(rig->b.size_pages, 0);
	assert_int_equal(rig->port.free[10].blocks, RIG_PAGES / 1024);
}

static void run_kept_whole_stays_whole(void **state)
{
	struct rig *rig = inflated_by_runs(state, 1);

	rig->fake.target_pages = 0;
	rig->fake.answer = fake_keep_all;
	rig_run(rig);
	assert_int_equal(rig->b.held[AERO_CLASS_SPLIT], 1);
	assert_int_equal(rig->b.counters.blocks_broken, 0);
}

static void isolated_pages_wait_for_the_next_run(void **state)
{
	struct rig *rig = inflated(state, 0, 2);
	aero_page *page = sim_isolate(&rig->port);

	rig->fake.target_pages = 0;
	assert_int_equal(rig_run(rig), AERO_END_NO_PROGRESS);
	assert_int_equal(rig->b.size_pages, 1);
	sim_putback(&rig->port, page);
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 0);
}

static void relieve_gives_what_was_asked(void **state)
{
	struct rig *rig = inflated(state, 2, 300);

	assert_int_equal(aero_relieve(&rig->b, 250), 250);
	rig_check(rig);
	assert_int_equal(rig->b.size_pages, 1324 - 250);
	assert_int_equal(rig->b.counters.relieved_pages, 250);
}

static void relieve_gives_at_least_one_block(void **state)
{
	struct rig *rig = inflated(state, 2, 0);

	assert_int_equal(aero_relieve(&rig->b, 1), 512);
	rig_check(rig);
	assert_string_equal(rig->fake.course, "reclaim:large:1 ");
}

static void relieve_goes_on_to_larger_blocks(void **state)
{
	struct rig *rig = inflated(state, 2, 100);

	assert_int_equal(aero_relieve(&rig->b, 101), 612);
	rig_check(rig);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 1);
}

static void relieve_of_more_than_all_empties_the_balloon(void **state)
{
	struct rig *rig = inflated(state, 2, 100);

	assert_int_equal(aero_relieve(&rig->b, UINT64_MAX), 1124);
	rig_check(rig);
	assert_int_equal(rig->b.size_pages, 0);
}

/* What an unprivileged user reads of it: how much the last relief gave, and when. */
static void last_relief_is_remembered_and_a_vain_one_is_not(void **state)
{
	struct rig *rig = inflated(state, 2, 300);
	uint64_t now = rig->port.now_ms += 7000;

	assert_int_equal(rig->b.last_relief_pages, 0);
	assert_int_equal(aero_relieve(&rig->b, 250), 250);
	assert_int_equal(rig->b.last_relief_pages, 250);
	assert_int_equal(rig->b.last_relief_ms, now);
	rig->port.now_ms += 1000;
	aero_relieve(&rig->b, UINT64_MAX);
	assert_int_equal(rig->b.last_relief_pages, 1324 - 250);
	assert_int_equal(rig->b.last_relief_ms, now + 1000);
	rig->port.now_ms += 1000;
	assert_int_equal(aero_relieve(&rig->b, 10), 0);
	assert_int_equal(rig->b.last_relief_pages, 1324 - 250);
	assert_int_equal(rig->b.last_relief_ms, now + 1000);
}

static void relieve_holds_inflation_off_for_a_while(void **state)
{
	struct rig *rig = inflated(state, 0, 1000 % 512);
	uint64_t size = rig->b.size_pages;

	aero_relieve(&rig->b, 100);
	assert_int_equal(rig_run(rig), AERO_END_HELD_OFF);
	assert_int_equal(rig->b.size_pages, size - 100);
	rig->port.now_ms += 5000;
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, size);
}

static void deflation_goes_on_while_inflation_is_held_off(void **state)
{
	struct rig *rig = inflated(state, 2, 0);

	aero_relieve(&rig->b, 1);
	rig->fake.target_pages = 0;
	rig_run(rig);
	assert_int_equal(rig->b.size_pages, 0);
}

static void relieve_without_a_connection_does_nothing(void **state)
{
	struct rig *rig = inflated(state, 0, 100);

	rig->b.reset_required = true;
	assert_int_equal(aero_relieve(&rig->b, 10), 0);
	assert_int_equal(rig->b.size_pages, 100);
	assert_string_equal(rig->fake.course, "");
}

static void relieve_frees_refused_pages_too(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig->fake.target_pages = 1024;
	rig->fake.answer = fake_refuse_first;
	rig->fake.answer_arg = 5;
	rig_step(rig);
	rig_step(rig);
	assert_int_equal(rig->b.refused_n[AERO_UNIT_BASE], 5);
	aero_relieve(&rig->b, 1);
	rig_check(rig);
	assert_int_equal(rig->b.refused_n[AERO_UNIT_BASE], 0);
}

static void relieve_ends_when_the_hypervisor_will_not(void **state)
{
	struct rig *rig = inflated(state, 2, 100);

	rig->fake.answer = fake_keep_all;
	assert_int_equal(aero_relieve(&rig->b, 1000), 0);
	rig_check(rig);
	rig->fake.answer = NULL;
	rig->fake.on_reclaim = (struct fake_order){.reply = AERO_REPLY_RESET, .times = 1};
	assert_int_equal(aero_relieve(&rig->b, 1000), 0);
	rig_check(rig);
	assert_true(rig->b.reset_required);
}

static void reset_met_by_relieve_ends_the_run_in_progress(void **state)
{
	struct rig *rig = inflated(state, 0, 100);

	rig->fake.target_pages = 2000;
	rig_step(rig);
	rig->fake.on_reclaim = (struct fake_order){.reply = AERO_REPLY_RESET, .times = 1};
	aero_relieve(&rig->b, 10);
	rig_check(rig);
	assert_int_equal(rig_run(rig), AERO_END_RESET);
}

static void without_slack_a_run_is_broken_for_its_pages(void **state)
{
	struct rig *rig = inflated_by_runs(state, 2);

	rig->b.link.slack_pages = 0;
	rig->b.link.divisible = rig->fake.divisible = true;
	rig_reach(rig, 700);
	assert_int_equal(rig->b.size_pages, 700);
	assert_int_equal(rig->b.held[AERO_CLASS_SPLIT], 1);
	assert_int_equal(rig->b.held[AERO_CLASS_PAGE], 188);
}

static void without_slack_a_large_block_is_broken_where_it_may_be(void **state)
{
	struct rig *rig = inflated(state, 2, 0);

	rig->b.link.slack_pages = 0;
	rig->b.link.divisible = rig->fake.divisible = true;
	rig_reach(rig, 1);
	assert_int_equal(rig->b.size_pages, 1);
}

static void without_slack_an_indivisible_block_stays(void **state)
{
	struct rig *rig = inflated(state, 2, 0);

	rig->b.link.slack_pages = 0;
	rig_reach(rig, 600);
	assert_int_equal(rig->b.size_pages, 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST_CONNECTED(excess_of_512_pages_is_left_alone),
		RIG_TEST_CONNECTED(excess_of_513_pages_is_given_back),
		RIG_TEST_CONNECTED(never_falls_below_the_target),
		RIG_TEST_CONNECTED(target_0_empties_the_balloon),
		RIG_TEST_CONNECTED(target_0_frees_the_last_page),
		RIG_TEST_CONNECTED(small_pages_go_back_first),
		RIG_TEST_CONNECTED(guest_in_a_hurry_gets_large_blocks_first_and_one_by_one),
		RIG_TEST_CONNECTED(page_not_released_goes_back_into_the_balloon),
		RIG_TEST_CONNECTED(failed_command_puts_all_back_and_ends_the_run),
		RIG_TEST_CONNECTED(class_that_is_kept_is_not_asked_again_in_this_run),
		RIG_TEST_CONNECTED(reset_in_the_middle_keeps_the_rest_for_the_pop),
		RIG_TEST_CONNECTED(run_goes_back_whole),
		RIG_TEST_CONNECTED(run_released_in_part_becomes_pages),
		RIG_TEST_CONNECTED(run_kept_whole_stays_whole),
		RIG_TEST_CONNECTED(isolated_pages_wait_for_the_next_run),
		RIG_TEST_CONNECTED(relieve_gives_what_was_asked),
		RIG_TEST_CONNECTED(relieve_gives_at_least_one_block),
		RIG_TEST_CONNECTED(relieve_goes_on_to_larger_blocks),
		RIG_TEST_CONNECTED(relieve_of_more_than_all_empties_the_balloon),
		RIG_TEST_CONNECTED(last_relief_is_remembered_and_a_vain_one_is_not),
		RIG_TEST_CONNECTED(relieve_holds_inflation_off_for_a_while),
		RIG_TEST_CONNECTED(deflation_goes_on_while_inflation_is_held_off),
		RIG_TEST_CONNECTED(relieve_without_a_connection_does_nothing),
		RIG_TEST_CONNECTED(relieve_frees_refused_pages_too),
		RIG_TEST_CONNECTED(relieve_ends_when_the_hypervisor_will_not),
		RIG_TEST_CONNECTED(reset_met_by_relieve_ends_the_run_in_progress),
		RIG_TEST_CONNECTED(without_slack_a_run_is_broken_for_its_pages),
		RIG_TEST_CONNECTED(without_slack_a_large_block_is_broken_where_it_may_be),
		RIG_TEST_CONNECTED(without_slack_an_indivisible_block_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
