// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "rig.h"

#include <string.h>

#include "internal.h"

static void inflates_to_the_page(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig->fake.target_pages = 1537;
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 1537);
	assert_string_equal(rig->fake.course,
			    "target offer:page:512 offer:page:512 offer:page:512 offer:page:1 ");
	assert_int_equal(rig->b.counters.pages_in, 1537);
}

static void large_blocks_first_then_pages(void **state)
{
	struct rig *rig = *state;

	rig->fake.target_pages = 1100;
	rig_run(rig);
	assert_string_equal(rig->fake.course, "target offer:large:2 offer:page:76 ");
	assert_int_equal(rig->b.size_pages, 1100);
}

static void large_only_where_the_hypervisor_takes_it(void **state)
{
	struct rig *rig = *state;

	rig->b.link.large = false;
	rig->fake.target_pages = 1024;
	rig_run(rig);
	assert_string_equal(rig->fake.course, "target offer:page:512 offer:page:512 ");
}

static void large_only_where_the_administrator_wants_it(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig->fake.target_pages = 512;
	rig_run(rig);
	assert_string_equal(rig->fake.course, "target offer:page:512 ");
}

static void runs_are_taken_where_large_units_are_not(void **state)
{
	struct rig *rig = *state;

	rig->b.link.large = false;
	rig->b.config.split = true;
	rig->fake.target_pages = 1025;
	rig_run(rig);
	assert_string_equal(rig->fake.course, "target offer:split:1 offer:split:1 offer:page:1 ");
	assert_int_equal(rig->b.held[AERO_CLASS_SPLIT], 2);
}

static void failed_large_allocation_sends_what_it_has_and_goes_on_with_pages(void **state)
{
	struct rig *rig = *state;

	rig->port.rule[0] =
		(struct sim_rule){.effort = SIM_ANY, .order = 9, .first = 3, .times = 2};
	rig->fake.target_pages = 4 * 512;
	rig_run(rig);
	assert_string_equal(rig->fake.course,
			    "target offer:large:2 offer:page:512 offer:page:512 ");
	assert_int_equal(rig->b.counters.take_failed[AERO_UNIT_LARGE][AERO_LIGHT], 1);
	assert_int_equal(rig->b.counters.take_failed[AERO_UNIT_LARGE][AERO_RECLAIM], 1);
	assert_int_equal(rig->b.counters.taken[AERO_UNIT_LARGE][AERO_LIGHT], 2);
	assert_int_equal(rig->b.counters.taken[AERO_UNIT_BASE][AERO_LIGHT], 1024);
	/* It does not count as pressure. */
	assert_int_equal(rig->b.pace.slow_left, 0);
}

/*
 * It was reported that a guest full of page cache gave single pages only, because large blocks were
 * taken without reclaim only and were given up after the first failure.
 */
static void large_blocks_are_reclaimed_before_pages(void **state)
{
	struct rig *rig = *state;

	rig->port.low_pages = RIG_PAGES - 2 * 512;
	rig->fake.target_pages = 5 * 512;
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_string_equal(rig->fake.course, "target offer:large:2 offer:large:3 ");
	assert_int_equal(rig->b.counters.taken[AERO_UNIT_LARGE][AERO_LIGHT], 2);
	assert_int_equal(rig->b.counters.taken[AERO_UNIT_LARGE][AERO_RECLAIM], 3);
}

/*
 * It was reported that one large block that could not be had made the rest of a run, which may be
 * the whole balloon, single pages.
 */
static void large_blocks_are_tried_again_in_the_same_run(void **state)
{
	struct rig *rig = *state;

	rig->port.rule[0] =
		(struct sim_rule){.effort = SIM_ANY, .order = 9, .first = 1, .times = 2};
	rig->fake.target_pages = 12 * 512;
	rig_run(rig);
	assert_int_equal(rig->b.held[AERO_CLASS_PAGE], 8 * 512);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 4);
	/* The next failure has to wait twice as long. */
	rig_reach(rig, 0);
	rig->port.rule[0] =
		(struct sim_rule){.effort = SIM_ANY, .order = 9, .first = 1, .times = 4};
	rig->fake.target_pages = 12 * 512;
	rig_run(rig);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 0);
	assert_int_equal(rig->b.counters.take_failed[AERO_UNIT_LARGE][AERO_RECLAIM], 3);
}

/* One failure is no reason to give up large blocks for ever. */
static void large_blocks_are_tried_again_in_the_next_run(void **state)
{
	struct rig *rig = *state;

	rig->port.rule[0] =
		(struct sim_rule){.effort = SIM_ANY, .order = 9, .first = 1, .times = 2};
	rig->fake.target_pages = 512;
	rig_run(rig);
	assert_string_equal(rig->fake.course, "target offer:page:512 ");
	rig->fake.course[0] = 0;
	rig->fake.target_pages = 3 * 512;
	rig_run(rig);
	assert_string_equal(rig->fake.course, "target offer:large:2 ");
}

/* Both kinds of block are one allocation of the same order. */
static void failed_large_allocation_is_not_repeated_for_a_run(void **state)
{
	struct rig *rig = *state;

	rig->b.config.split = true;
	rig->port.rule[0] =
		(struct sim_rule){.effort = SIM_ANY, .order = 9, .first = 1, .times = 2};
	rig->fake.target_pages = 1024;
	rig_run(rig);
	assert_string_equal(rig->fake.course, "target offer:page:512 offer:page:512 ");
	assert_int_equal(rig->b.counters.take_failed[AERO_UNIT_LARGE][AERO_LIGHT], 1);
}

static void fragmented_guest_gives_pages(void **state)
{
	struct rig *rig = *state;

	sim_fragment(&rig->port);
	rig->fake.target_pages = 2000;
	rig_run(rig);
	assert_int_equal(rig->b.size_pages, 2000);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 0);
}

static void slow_cycles_use_pages_only(void **state)
{
	struct rig *rig = *state;

	rig->b.pace.slow_left = 2;
	rig->fake.target_pages = 1024;
	rig_run(rig);
	assert_string_equal(rig->fake.course, "target offer:page:512 offer:page:512 ");
}

static void first_without_reclaim_then_with(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig->port.low_pages = RIG_PAGES - 600;
	rig->fake.target_pages = 1000;
	rig_run(rig);
	assert_int_equal(rig->b.size_pages, 1000);
	assert_int_equal(rig->b.counters.taken[AERO_UNIT_BASE][AERO_LIGHT], 600);
	assert_int_equal(rig->b.counters.taken[AERO_UNIT_BASE][AERO_RECLAIM], 400);
	assert_int_equal(rig->b.pace.slow_left, 0);
}

/*
 * It was reported that a guest full of page cache gave 8 MiB/s, because the first allocation that
 * failed without reclaim limited the run and the next ones, although reclaim succeeded.
 */
static void reclaim_that_succeeds_is_not_limited(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig->b.pace.rate = 512;
	rig->port.low_pages = RIG_PAGES - 100;
	rig->fake.target_pages = 5000;
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 5000);
	assert_int_equal(rig->b.counters.taken[AERO_UNIT_BASE][AERO_RECLAIM], 4900);
	assert_int_equal(rig->b.pace.slow_left, 0);
}

static void slow_run_reclaims_rate_pages_and_no_more(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig->b.pace.slow_left = 4;
	rig->b.pace.rate = 512;
	rig->port.low_pages = RIG_PAGES - 100;
	rig->fake.target_pages = 2000;
	assert_int_equal(rig_run(rig), AERO_END_RATE);
	assert_int_equal(rig->b.size_pages, 512);
	assert_int_equal(rig->b.pace.rate, 528);
	assert_int_equal(rig_run(rig), AERO_END_RATE);
	assert_int_equal(rig->b.size_pages, 512 + 528);
}

static void failed_reclaim_halves_the_rate_and_ends_the_run(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig->port.low_pages = RIG_PAGES;
	rig->port.rule[0] = (struct sim_rule){
		.effort = AERO_RECLAIM, .order = SIM_ANY, .first = 101, .times = 2};
	rig->fake.target_pages = 2000;
	assert_int_equal(rig_run(rig), AERO_END_NO_MEMORY);
	/* What it got before was sent. */
	assert_int_equal(rig->b.size_pages, 100);
	assert_int_equal(rig->b.pace.rate, 1024);
	assert_int_equal(rig->b.pace.slow_left, 4);
	assert_int_equal(rig->b.counters.take_failed[AERO_UNIT_BASE][AERO_RECLAIM], 2);
}

/*
 * It was reported that a guest full of page cache was given up for a second, in the middle of a run
 * in which reclaim succeeded, because one allocation had failed.
 */
static void reclaim_that_makes_progress_does_not_end_the_run(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig->port.low_pages = RIG_PAGES;
	rig->port.rule[0] = (struct sim_rule){
		.effort = AERO_RECLAIM, .order = SIM_ANY, .first = 101, .times = 1};
	rig->fake.target_pages = 2000;
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 2000);
	assert_int_equal(rig->b.pace.slow_left, 0);
	assert_int_equal(rig->b.counters.take_failed[AERO_UNIT_BASE][AERO_RECLAIM], 1);
}

/*
 * It was reported that a guest short of memory waited for a whole batch.  What an interrupted batch
 * did not get says nothing about the allocator.
 */
static void awaited_step_ends_early_and_is_no_failure(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig->port.awaited_after = 100;
	rig->fake.target_pages = 1000;
	rig_step(rig); /* asks the target */
	rig_step(rig);
	assert_int_equal(rig->b.size_pages, 100);
	rig->port.awaited = false;
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->b.counters.take_failed[AERO_UNIT_BASE][AERO_LIGHT], 0);
	assert_int_equal(rig->b.counters.taken[AERO_UNIT_BASE][AERO_LIGHT], 1000);
}

static void single_pages_are_exchanged_for_blocks(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig_reach(rig, 2 * 512 + 100);
	rig->b.config.large = true;
	rig_reach(rig, 2 * 512 + 100);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 0);
	rig->b.config.remake = true;
	rig->fake.course[0] = 0;
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_string_equal(rig->fake.course, "target reclaim:page:512 offer:large:1 ");
	assert_int_equal(rig->b.size_pages, 2 * 512 + 100);
	rig_run(rig);
	rig_run(rig);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 2);
	assert_int_equal(rig->b.held[AERO_CLASS_PAGE], 100);
	assert_int_equal(rig->b.size_pages, 2 * 512 + 100);
	assert_int_equal(rig->b.counters.blocks_remade, 2);
}

/* Xen gives a guest that has its target no page more, so the block goes first. */
static void unbacked_block_is_given_before_the_pages_come_back(void **state)
{
	struct rig *rig = rig_unbacked(state, 0);

	rig->b.config.large = false;
	rig_reach(rig, 2 * 512 + 100);
	rig->b.config.large = true;
	rig->b.config.remake = true;
	rig_run(rig);
	rig->fake.course[0] = 0;
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_string_equal(rig->fake.course, "target offer:large:1 reclaim:page:512 ");
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 2);
	assert_int_equal(rig->b.held[AERO_CLASS_PAGE], 100);
	assert_int_equal(rig->b.size_pages, 2 * 512 + 100);
}

/* Another guest got the memory in between: the deflation that follows asks again for it. */
static void unbacked_exchange_that_falls_short_is_ended_later(void **state)
{
	struct rig *rig = rig_unbacked(state, 0);

	rig->b.config.large = false;
	rig_reach(rig, 4 * 512);
	rig->b.config.large = true;
	rig->b.config.remake = true;
	rig->fake.on_reclaim = (struct fake_order){.reply = AERO_REPLY_BUSY, .times = 1};
	rig_run(rig);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 1);
	assert_int_equal(rig->b.size_pages, 5 * 512);
	assert_int_equal(rig->b.counters.blocks_remade, 0);
	rig_run(rig);
	assert_int_equal(rig->b.size_pages, 4 * 512);
	/* There is no other exchange for a minute. */
	rig_run(rig);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 1);
	rig->port.now_ms += 60000;
	rig_run(rig);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 2);
}

/* The guest keeps the block, and an exchange is tried again a minute later. */
static void exchange_that_fails_half_way_is_ended_later(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig_reach(rig, 4 * 512);
	rig->b.config.large = true;
	rig->b.config.remake = true;
	rig->fake.on_reclaim = (struct fake_order){.reply = AERO_REPLY_BUSY, .times = 1};
	assert_int_equal(rig_run(rig), AERO_END_COMMAND);
	assert_int_equal(rig->b.size_pages, 4 * 512);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 0);
	rig_run(rig);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 0);
	rig->port.now_ms += 60000;
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 4 * 512);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 1);
}

static void no_exchange_while_the_guest_is_short(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig_reach(rig, 4 * 512);
	rig->b.config.large = true;
	rig->b.config.remake = true;
	rig->port.spare_floor = RIG_PAGES - 4 * 512 - 7 * 512;
	rig_run(rig);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 0);
	rig->port.spare_floor = 0;
	aero_hold_off(&rig->b);
	rig_run(rig);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 0);
}

static void never_takes_more_than_is_spare(void **state)
{
	struct rig *rig = *state;

	rig->port.spare_floor = RIG_PAGES - 700;
	rig->fake.target_pages = 8000;
	assert_int_equal(rig_run(rig), AERO_END_NO_MEMORY);
	assert_int_equal(rig->b.size_pages, 700);
	assert_int_equal(rig->b.pace.rate, 2048);
}

static void refused_page_is_kept_until_the_run_ends(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig->fake.target_pages = 1024;
	rig->fake.answer = fake_refuse_first;
	rig->fake.answer_arg = 3;
	rig_step(rig); /* asks the target */
	rig_step(rig);
	assert_int_equal(rig->b.refused_n[AERO_UNIT_BASE], 3);
	assert_int_equal(rig->b.size_pages, 509);
	rig->fake.answer = NULL;
	rig_run(rig);
	assert_int_equal(rig->b.refused_n[AERO_UNIT_BASE], 0);
	assert_int_equal(rig->b.counters.refused_freed[AERO_UNIT_BASE], 3);
	assert_int_equal(rig->b.size_pages, 1024);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES - 1024);
}

static void at_most_16_refused_are_kept_the_rest_is_freed_at_once(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig->fake.target_pages = 512;
	rig->fake.answer = fake_refuse_first;
	rig->fake.answer_arg = 20;
	rig_step(rig);
	rig_step(rig);
	assert_int_equal(rig->b.refused_n[AERO_UNIT_BASE], 16);
	assert_int_equal(rig->b.counters.refused[AERO_UNIT_BASE], 20);
	assert_int_equal(rig->b.counters.refused_freed[AERO_UNIT_BASE], 4);
}

static void refused_large_blocks_are_kept_apart(void **state)
{
	struct rig *rig = *state;

	rig->fake.target_pages = 4 * 512 + 5;
	rig->fake.answer = fake_refuse_first;
	rig->fake.answer_arg = 2;
	rig_step(rig);
	rig_step(rig);
	assert_int_equal(rig->b.refused_n[AERO_UNIT_LARGE], 2);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 2);
	assert_int_equal(rig->port.owned[SIM_FLIGHT], 2 * 512);
}

static void large_that_is_refused_is_followed_by_runs_and_then_pages(void **state)
{
	struct rig *rig = *state;

	rig->b.config.split = true;
	rig->fake.target_pages = 512;
	rig->fake.answer = fake_refuse_all;
	assert_int_equal(rig_run(rig), AERO_END_NO_PROGRESS);
	assert_string_equal(rig->fake.course, "target offer:large:1 offer:split:1 offer:page:512 ");
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
}

static void run_taken_in_part_becomes_pages(void **state)
{
	struct rig *rig = *state;

	rig->b.config.split = true;
	rig->b.link.large = false;
	rig->fake.target_pages = 512;
	rig->fake.answer = fake_refuse_first;
	rig->fake.answer_arg = 1;
	rig_step(rig);
	rig_step(rig);
	assert_int_equal(rig->b.held[AERO_CLASS_SPLIT], 0);
	assert_int_equal(rig->b.held[AERO_CLASS_PAGE], 511);
	assert_int_equal(rig->b.refused_n[AERO_UNIT_BASE], 1);
	assert_int_equal(rig->b.counters.blocks_broken, 1);
}

static void not_needed_is_freed_at_once_and_ends_the_run(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig->fake.target_pages = 2000;
	rig->fake.answer = fake_enough_after;
	rig->fake.answer_arg = 100;
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 100);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES - 100);
	assert_int_equal(rig->b.counters.refused[AERO_UNIT_BASE], 0);
	assert_int_equal(rig->b.counters.odd_answers, 0);
}

static void unknown_answer_frees_the_page_and_is_counted_and_said_once(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig->fake.target_pages = 300;
	rig->fake.answer = fake_odd_all;
	assert_int_equal(rig_run(rig), AERO_END_NO_PROGRESS);
	assert_int_equal(rig_run(rig), AERO_END_NO_PROGRESS);
	assert_int_equal(rig->b.counters.odd_answers, 600);
	assert_int_equal(sim_logged(&rig->port, "would not take frame"), 1);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
}

static void failed_batch_frees_all_its_pages(void **state)
{
	static const enum aero_reply replies[] = {AERO_REPLY_FAILED, AERO_REPLY_BUSY};
	struct rig *rig = *state;
	unsigned int i;

	rig->fake.target_pages = 2048;
	for (i = 0; i < 2; i++) {
		rig->fake.on_offer = (struct fake_order){.reply = replies[i], .times = 1};
		assert_int_equal(rig_run(rig), AERO_END_COMMAND);
		assert_int_equal(rig->b.size_pages, 0);
		assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
		/* It said nothing of single pages. */
		assert_int_equal(rig->b.counters.odd_answers, 0);
	}
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 2048);
}

static void reset_in_the_middle_of_a_batch_frees_nothing_twice(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig->fake.target_pages = 2000;
	rig_step(rig);
	rig_step(rig);
	rig->fake.answer = fake_reset_after;
	rig->fake.answer_arg = 200;
	assert_int_equal(rig_run(rig), AERO_END_RESET);
	/* 512 of the first batch and 200 of the second, all of which it has forgotten. */
	assert_int_equal(rig->b.size_pages, 712);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES - 712);
	rig->fake.answer = NULL;
	rig_run(rig);
	assert_int_equal(rig->b.counters.pages_popped, 712);
	assert_int_equal(rig->b.size_pages, 2000);
}

static void reset_in_the_middle_of_a_run_frees_nothing_twice(void **state)
{
	struct rig *rig = *state;

	rig->b.config.split = true;
	rig->b.link.large = false;
	rig->fake.target_pages = 1024;
	rig->fake.answer = fake_reset_after;
	rig->fake.answer_arg = 1;
	assert_int_equal(rig_run(rig), AERO_END_RESET);
	assert_int_equal(rig->b.held[AERO_CLASS_PAGE], 1);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES - 1);
}

static void reset_of_a_whole_batch_frees_it(void **state)
{
	struct rig *rig = *state;

	rig->fake.target_pages = 1024;
	rig->fake.on_offer = (struct fake_order){.reply = AERO_REPLY_RESET, .times = 1};
	assert_int_equal(rig_run(rig), AERO_END_RESET);
	assert_true(rig->b.reset_required);
	assert_int_equal(rig->b.size_pages, 0);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
	assert_int_equal(rig->b.counters.odd_answers, 0);
}

static enum aero_answer turn_round(struct fake *fake, bool giving, aero_pfn pfn, uint32_t u)
{
	if (giving)
		fake->target_pages = 100;
	return AERO_ANSWER_OK;
}

static void target_lowered_in_the_middle_of_an_inflation_turns_it_round(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig->fake.target_pages = 2000;
	rig->fake.answer = turn_round;
	rig_run(rig);
	/* The answer to the second batch tells what the first changed. */
	assert_string_equal(
		rig->fake.course,
		"target offer:page:512 offer:page:512 reclaim:page:512 reclaim:page:412 ");
	assert_int_equal(rig->b.size_pages, 100);
}

static void every_give_is_traced(void **state)
{
	struct rig *rig = *state;
	const struct sim_trace *trace;

	rig->fake.target_pages = 1024;
	rig_run(rig);
	trace = sim_last_trace(&rig->port, AERO_EVENT_OFFER);
	assert_non_null(trace);
	assert_int_equal(trace->a, AERO_CLASS_LARGE);
	assert_int_equal(trace->b, 2);
	assert_int_equal(trace->c, 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST_CONNECTED(inflates_to_the_page),
		RIG_TEST_CONNECTED(large_blocks_first_then_pages),
		RIG_TEST_CONNECTED(large_only_where_the_hypervisor_takes_it),
		RIG_TEST_CONNECTED(large_only_where_the_administrator_wants_it),
		RIG_TEST_CONNECTED(runs_are_taken_where_large_units_are_not),
		RIG_TEST_CONNECTED(
			failed_large_allocation_sends_what_it_has_and_goes_on_with_pages),
		RIG_TEST_CONNECTED(large_blocks_are_reclaimed_before_pages),
		RIG_TEST_CONNECTED(large_blocks_are_tried_again_in_the_same_run),
		RIG_TEST_CONNECTED(fragmented_guest_gives_pages),
		RIG_TEST_CONNECTED(slow_cycles_use_pages_only),
		RIG_TEST_CONNECTED(first_without_reclaim_then_with),
		RIG_TEST_CONNECTED(reclaim_that_succeeds_is_not_limited),
		RIG_TEST_CONNECTED(slow_run_reclaims_rate_pages_and_no_more),
		RIG_TEST_CONNECTED(failed_reclaim_halves_the_rate_and_ends_the_run),
		RIG_TEST_CONNECTED(reclaim_that_makes_progress_does_not_end_the_run),
		RIG_TEST_CONNECTED(awaited_step_ends_early_and_is_no_failure),
		RIG_TEST_CONNECTED(single_pages_are_exchanged_for_blocks),
		RIG_TEST_CONNECTED(exchange_that_fails_half_way_is_ended_later),
		RIG_TEST(unbacked_block_is_given_before_the_pages_come_back),
		RIG_TEST(unbacked_exchange_that_falls_short_is_ended_later),
		RIG_TEST_CONNECTED(no_exchange_while_the_guest_is_short),
		RIG_TEST_CONNECTED(never_takes_more_than_is_spare),
		RIG_TEST_CONNECTED(refused_page_is_kept_until_the_run_ends),
		RIG_TEST_CONNECTED(at_most_16_refused_are_kept_the_rest_is_freed_at_once),
		RIG_TEST_CONNECTED(refused_large_blocks_are_kept_apart),
		RIG_TEST_CONNECTED(large_that_is_refused_is_followed_by_runs_and_then_pages),
		RIG_TEST_CONNECTED(run_taken_in_part_becomes_pages),
		RIG_TEST_CONNECTED(not_needed_is_freed_at_once_and_ends_the_run),
		RIG_TEST_CONNECTED(unknown_answer_frees_the_page_and_is_counted_and_said_once),
		RIG_TEST_CONNECTED(failed_batch_frees_all_its_pages),
		RIG_TEST_CONNECTED(reset_in_the_middle_of_a_batch_frees_nothing_twice),
		RIG_TEST_CONNECTED(reset_in_the_middle_of_a_run_frees_nothing_twice),
		RIG_TEST_CONNECTED(reset_of_a_whole_batch_frees_it),
		RIG_TEST_CONNECTED(target_lowered_in_the_middle_of_an_inflation_turns_it_round),
		RIG_TEST_CONNECTED(every_give_is_traced),
		RIG_TEST_CONNECTED(large_blocks_are_tried_again_in_the_next_run),
		RIG_TEST_CONNECTED(failed_large_allocation_is_not_repeated_for_a_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
