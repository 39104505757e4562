// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "rig.h"

#include "internal.h"

/* One loan as a driver makes it: what is there, and then what the guest can spare. */
static unsigned int lend(struct rig *rig, unsigned int n)
{
	unsigned int got = sim_lend(&rig->b, n);

	rig_check(rig);
	return got;
}

static unsigned int fund(struct rig *rig, unsigned int n)
{
	uint64_t size = rig->b.size_pages;
	unsigned int got = aero_fund(&rig->b, n);

	rig_check(rig);
	assert_int_equal(rig->b.size_pages, size + got);
	return got;
}

static unsigned int repay(struct rig *rig, unsigned int n)
{
	unsigned int paid = sim_repay(&rig->b, n);

	rig_check(rig);
	return paid;
}

/* All comes back: nothing was lost on the way. */
static void assert_whole(struct rig *rig)
{
	while (repay(rig, AERO_BATCH_MAX))
		;
	rig->fake.answer = NULL;
	rig_reach(rig, 0);
	assert_int_equal(rig->b.lent_pages, 0);
	assert_int_equal(rig->b.size_pages, 0);
	assert_int_equal(rig->fake.locked_pages, 0);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
}

/* -- lending ---------------------------------------------------------------------- */

static void pages_are_lent_without_a_word_to_the_hypervisor(void **state)
{
	struct rig *rig = rig_unbacked(state, 100);

	assert_int_equal(lend(rig, 30), 30);
	assert_int_equal(rig->b.size_pages, 70);
	assert_int_equal(rig->b.lent_pages, 30);
	assert_int_equal(rig->fake.locked_pages, 100);
	assert_string_equal(rig->fake.course, "");
	assert_whole(rig);
}

static void blocks_are_broken_for_a_loan(void **state)
{
	struct rig *rig = rig_unbacked(state, 1024);

	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 2);
	assert_int_equal(lend(rig, 10), 10);
	assert_int_equal(rig->b.counters.blocks_broken, 1);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 1);
	assert_int_equal(rig->b.held[AERO_CLASS_PAGE], 502);
	/* Single pages first: no block is broken as long as they last. */
	assert_int_equal(lend(rig, 502), 502);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 1);
	assert_int_equal(lend(rig, 1), 1);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 0);
	assert_whole(rig);
}

static void loan_over_several_sources_is_one(void **state)
{
	struct rig *rig = rig_unbacked(state, 512 + 7);

	assert_int_equal(rig->b.held[AERO_CLASS_PAGE], 7);
	assert_int_equal(lend(rig, 500), 500);
	assert_int_equal(rig->b.size_pages, 19);
	assert_whole(rig);
}

static void runs_are_broken_too(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig->b.config.split = true;
	rig_unbacked(state, 512);
	assert_int_equal(rig->b.held[AERO_CLASS_SPLIT], 1);
	assert_int_equal(lend(rig, 5), 5);
	assert_int_equal(rig->b.held[AERO_CLASS_PAGE], 507);
	assert_whole(rig);
}

static void no_more_is_lent_than_there_is(void **state)
{
	struct rig *rig = rig_unbacked(state, 100);

	assert_int_equal(lend(rig, 101), 100);
	assert_int_equal(rig->b.size_pages, 0);
	assert_int_equal(lend(rig, 1), 0);
	assert_int_equal(rig->b.lent_pages, 100);
	assert_whole(rig);
}

static void empty_balloon_lends_nothing(void **state)
{
	struct rig *rig = rig_unbacked(state, 0);

	assert_int_equal(lend(rig, 10), 0);
	assert_int_equal(rig->b.lent_pages, 0);
}

static void nobody_borrows_nothing(void **state)
{
	struct rig *rig = rig_unbacked(state, 1024);

	assert_int_equal(lend(rig, 0), 0);
	assert_int_equal(fund(rig, 0), 0);
	assert_int_equal(repay(rig, 0), 0);
	assert_int_equal(rig->b.counters.blocks_broken, 0);
	assert_string_equal(rig->fake.course, "");
}

static void a_loan_is_a_batch_at_the_most(void **state)
{
	struct rig *rig = rig_unbacked(state, 2048);
	aero_page *pages[2048];

	assert_int_equal(aero_lend(&rig->b, pages, 2048), AERO_BATCH_MAX);
	aero_repay(&rig->b, pages, AERO_BATCH_MAX);
	assert_whole(rig);
}

static void isolated_pages_are_not_lent(void **state)
{
	struct rig *rig = rig_unbacked(state, 10);
	aero_page *page = sim_isolate(&rig->port);

	assert_int_equal(lend(rig, 10), 9);
	assert_int_equal(rig->b.size_pages, 1);
	sim_putback(&rig->port, page);
	assert_whole(rig);
}

static void loan_in_the_middle_of_a_run_is_no_hindrance(void **state)
{
	struct rig *rig = rig_unbacked(state, 0);

	rig->b.config.large = false;
	rig->fake.target_pages = 1500;
	while (!rig->b.size_pages)
		rig_step(rig);
	assert_int_equal(rig->b.phase, AERO_PHASE_INFLATE);
	assert_int_equal(lend(rig, 100), 100);
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 1500);
	rig->fake.target_pages = 0;
	rig_step(rig);
	assert_int_equal(rig->b.phase, AERO_PHASE_DEFLATE);
	assert_int_equal(lend(rig, 100), 100);
	assert_int_equal(repay(rig, 50), 50);
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 0);
	assert_int_equal(rig->b.lent_pages, 150);
	assert_whole(rig);
}

/* -- funding ------------------------------------------------------------------------- */

static void funding_takes_free_pages_first(void **state)
{
	struct rig *rig = rig_unbacked(state, 0);

	assert_int_equal(fund(rig, 50), 50);
	assert_string_equal(rig->fake.course, "offer:page:50 ");
	assert_int_equal(rig->b.counters.taken[AERO_UNIT_BASE][AERO_LIGHT], 50);
	assert_int_equal(rig->b.counters.taken[AERO_UNIT_BASE][AERO_RECLAIM], 0);
	assert_int_equal(rig->b.counters.pages_in, 50);
	assert_int_equal(lend(rig, 50), 50);
	assert_int_equal(rig->b.size_pages, 0);
	assert_whole(rig);
}

static void funding_reclaims_what_is_not_free(void **state)
{
	struct rig *rig = rig_unbacked(state, 0);

	rig->port.low_pages = RIG_PAGES - 20;
	assert_int_equal(fund(rig, 50), 50);
	assert_string_equal(rig->fake.course, "offer:page:50 ");
	assert_int_equal(rig->b.counters.taken[AERO_UNIT_BASE][AERO_LIGHT], 20);
	assert_int_equal(rig->b.counters.taken[AERO_UNIT_BASE][AERO_RECLAIM], 30);
	assert_int_equal(lend(rig, 50), 50);
	rig->port.low_pages = 0;
	assert_whole(rig);
}

static void guest_with_nothing_to_spare_funds_nothing(void **state)
{
	struct rig *rig = rig_unbacked(state, 0);

	rig->port.spare_floor = RIG_PAGES;
	assert_int_equal(fund(rig, 50), 0);
	assert_string_equal(rig->fake.course, "");
	assert_whole(rig);
}

static void funding_stops_at_what_the_guest_can_spare(void **state)
{
	struct rig *rig = rig_unbacked(state, 0);

	rig->port.spare_floor = RIG_PAGES - 10;
	assert_int_equal(fund(rig, 50), 10);
	assert_int_equal(lend(rig, 50), 10);
	assert_int_equal(fund(rig, 40), 0);
	rig->port.spare_floor = 0;
	assert_whole(rig);
}

static void allocator_that_fails_funds_nothing(void **state)
{
	struct rig *rig = rig_unbacked(state, 0);

	rig->port.rule[0] = (struct sim_rule){
		.effort = SIM_ANY, .order = SIM_ANY, .first = 1, .times = UINT64_MAX};
	assert_int_equal(fund(rig, 50), 0);
	assert_string_equal(rig->fake.course, "");
	rig->port.rule[0].times = 0;
	assert_whole(rig);
}

static void allocator_that_fails_half_way_funds_a_part(void **state)
{
	struct rig *rig = rig_unbacked(state, 0);

	rig->port.rule[0] = (struct sim_rule){
		.effort = SIM_ANY, .order = SIM_ANY, .first = 21, .times = UINT64_MAX};
	assert_int_equal(fund(rig, 50), 20);
	assert_string_equal(rig->fake.course, "offer:page:20 ");
	rig->port.rule[0].times = 0;
	assert_whole(rig);
}

static void pages_the_hypervisor_refuses_fund_nothing(void **state)
{
	struct rig *rig = rig_unbacked(state, 0);

	rig->fake.answer = fake_refuse_all;
	assert_int_equal(fund(rig, 50), 0);
	/* At rest nothing is kept aside: the guest has all its pages. */
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
	assert_int_equal(rig->b.counters.refused[AERO_UNIT_BASE], 50);
	assert_whole(rig);
}

/* They would only be taken and refused again; the end of the run frees them. */
static void pages_refused_during_a_run_are_kept_aside(void **state)
{
	static const enum aero_phase runs[] = {AERO_PHASE_INFLATE, AERO_PHASE_DEFLATE};
	struct rig *rig = rig_unbacked(state, 0);

	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		rig->b.phase = runs[i];
		rig->fake.answer = fake_refuse_first;
		rig->fake.answer_arg = 5;
		assert_int_equal(fund(rig, 5), 0);
		assert_int_equal(rig->b.refused_n[AERO_UNIT_BASE], 5);
		rig->b.phase = AERO_PHASE_REST;
		aero_store_free_refused(&rig->b);
	}
	assert_whole(rig);
}

static void pages_refused_in_part_fund_the_rest(void **state)
{
	struct rig *rig = rig_unbacked(state, 0);

	rig->fake.answer = fake_refuse_first;
	rig->fake.answer_arg = 15;
	assert_int_equal(fund(rig, 50), 35);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES - 35);
	assert_int_equal(lend(rig, 50), 35);
	assert_whole(rig);
}

static void failed_command_funds_nothing(void **state)
{
	struct rig *rig = rig_unbacked(state, 0);

	rig->fake.on_offer = (struct fake_order){.reply = AERO_REPLY_BUSY, .times = 1};
	assert_int_equal(fund(rig, 50), 0);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
	assert_int_equal(fund(rig, 50), 50);
	assert_whole(rig);
}

static void funding_is_a_batch_at_the_most(void **state)
{
	struct rig *rig = rig_unbacked(state, 0);

	assert_int_equal(fund(rig, 5000), AERO_BATCH_MAX);
	assert_whole(rig);
}

static void funding_is_no_blocks(void **state)
{
	struct rig *rig = rig_unbacked(state, 512);

	assert_int_equal(fund(rig, 100), 100);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 1);
	assert_int_equal(rig->b.held[AERO_CLASS_PAGE], 100);
	assert_whole(rig);
}

static void funds_that_are_not_lent_go_back_to_the_guest(void **state)
{
	struct rig *rig = rig_unbacked(state, 100);

	assert_int_equal(fund(rig, 50), 50);
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 100);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES - 100);
	assert_whole(rig);
}

static void run_goes_on_after_funds_in_the_middle_of_it(void **state)
{
	struct rig *rig = rig_unbacked(state, 0);

	rig->b.config.large = false;
	rig->fake.target_pages = 1500;
	rig->fake.answer = fake_refuse_first;
	rig->fake.answer_arg = 3;
	while (!rig->b.size_pages)
		rig_step(rig);
	assert_int_equal(rig->b.phase, AERO_PHASE_INFLATE);
	assert_int_equal(rig->b.refused_n[AERO_UNIT_BASE], 3);
	assert_int_equal(fund(rig, 50), 47);
	/* What the run put aside stays there, or the allocator would hand it out again. */
	assert_int_equal(rig->b.refused_n[AERO_UNIT_BASE], 6);
	rig->fake.answer = NULL;
	assert_int_equal(lend(rig, 47), 47);
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 1500);
	assert_int_equal(rig->b.refused_n[AERO_UNIT_BASE], 0);
	assert_whole(rig);
}

static void refusal_of_funds_does_not_end_a_run(void **state)
{
	struct rig *rig = rig_unbacked(state, 0);

	rig->b.config.large = false;
	rig->fake.target_pages = 1500;
	while (!rig->b.size_pages)
		rig_step(rig);
	rig->fake.answer = fake_refuse_all;
	assert_int_equal(fund(rig, 50), 0);
	rig->fake.answer = NULL;
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 1500);
	assert_whole(rig);
}

static void funds_in_the_middle_of_a_deflation(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig_unbacked(state, 1500);
	rig->fake.target_pages = 100;
	rig_step(rig);
	rig_step(rig);
	assert_int_equal(rig->b.phase, AERO_PHASE_DEFLATE);
	assert_int_equal(fund(rig, 50), 50);
	assert_int_equal(lend(rig, 200), 200);
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 100);
	assert_whole(rig);
}

/* -- paying back ------------------------------------------------------------------------ */

static void repaid_pages_are_the_balloons(void **state)
{
	struct rig *rig = rig_unbacked(state, 100);

	lend(rig, 60);
	assert_int_equal(repay(rig, 20), 20);
	assert_int_equal(rig->b.size_pages, 60);
	assert_int_equal(rig->b.held[AERO_CLASS_PAGE], 60);
	assert_int_equal(rig->b.lent_pages, 40);
	assert_string_equal(rig->fake.course, "");
	assert_int_equal(repay(rig, 60), 40);
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 100);
	assert_whole(rig);
}

static void pages_repaid_at_the_end_are_drained(void **state)
{
	struct rig *rig = rig_unbacked(state, 100);

	lend(rig, 60);
	assert_int_equal(rig_unload_step(rig).kind, AERO_UNLOAD_DONE);
	assert_int_equal(repay(rig, 60), 60);
	assert_int_equal(rig_unload_step(rig).kind, AERO_UNLOAD_DONE);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
}

/* -- when there is nothing to lend ---------------------------------------------------------- */

static void assert_lends_nothing(struct rig *rig)
{
	uint64_t size = rig->b.size_pages;

	rig->fake.course[0] = 0;
	assert_int_equal(lend(rig, 10), 0);
	assert_int_equal(fund(rig, 10), 0);
	assert_string_equal(rig->fake.course, "");
	assert_int_equal(rig->b.size_pages, size);
	assert_int_equal(rig->b.lent_pages, 0);
}

static void nothing_is_lent_before_the_connection(void **state)
{
	struct rig *rig = *state;

	rig_absent(rig, 512);
	rig_online(rig, AERO_CLASS_LARGE);
	assert_lends_nothing(rig);
	rig_run(rig);
	assert_int_equal(fund(rig, 10), 10);
}

static void nothing_is_lent_after_stop(void **state)
{
	struct rig *rig = rig_unbacked(state, 100);

	aero_stop(&rig->b);
	assert_lends_nothing(rig);
}

static void nothing_is_lent_where_a_reset_pops_the_balloon(void **state)
{
	struct rig *rig = *state;

	rig_reach(rig, 100);
	assert_lends_nothing(rig);
}

static void nothing_is_lent_while_the_connection_is_lost(void **state)
{
	struct rig *rig = rig_unbacked(state, 100);

	rig->b.reset_required = true;
	assert_lends_nothing(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(pages_are_lent_without_a_word_to_the_hypervisor),
		RIG_TEST(blocks_are_broken_for_a_loan),
		RIG_TEST(loan_over_several_sources_is_one),
		RIG_TEST(runs_are_broken_too),
		RIG_TEST(no_more_is_lent_than_there_is),
		RIG_TEST(empty_balloon_lends_nothing),
		RIG_TEST(nobody_borrows_nothing),
		RIG_TEST(a_loan_is_a_batch_at_the_most),
		RIG_TEST(isolated_pages_are_not_lent),
		RIG_TEST(loan_in_the_middle_of_a_run_is_no_hindrance),
		RIG_TEST(funding_takes_free_pages_first),
		RIG_TEST(funding_reclaims_what_is_not_free),
		RIG_TEST(guest_with_nothing_to_spare_funds_nothing),
		RIG_TEST(funding_stops_at_what_the_guest_can_spare),
		RIG_TEST(allocator_that_fails_funds_nothing),
		RIG_TEST(allocator_that_fails_half_way_funds_a_part),
		RIG_TEST(pages_the_hypervisor_refuses_fund_nothing),
		RIG_TEST(pages_refused_in_part_fund_the_rest),
		RIG_TEST(failed_command_funds_nothing),
		RIG_TEST(funding_is_a_batch_at_the_most),
		RIG_TEST(funding_is_no_blocks),
		RIG_TEST(funds_that_are_not_lent_go_back_to_the_guest),
		RIG_TEST(run_goes_on_after_funds_in_the_middle_of_it),
		RIG_TEST(refusal_of_funds_does_not_end_a_run),
		RIG_TEST(funds_in_the_middle_of_a_deflation),
		RIG_TEST(repaid_pages_are_the_balloons),
		RIG_TEST(pages_repaid_at_the_end_are_drained),
		RIG_TEST(nothing_is_lent_before_the_connection),
		RIG_TEST(nothing_is_lent_after_stop),
		RIG_TEST(nothing_is_lent_where_a_reset_pops_the_balloon),
		RIG_TEST(nothing_is_lent_while_the_connection_is_lost),
		RIG_TEST(pages_refused_during_a_run_are_kept_aside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
