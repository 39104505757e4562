// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "rig.h"

#include "internal.h"

#include <string.h>

static void first_run_connects_and_follows_the_target(void **state)
{
	struct rig *rig = *state;

	rig->fake.target_pages = 512;
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_string_equal(rig->fake.course, "quiesce connect target give:large:1 ");
	assert_int_equal(rig->b.counters.resets, 1);
	assert_int_equal(rig->fake.limit_pages, RIG_PAGES);
}

static void nothing_is_called_before_the_first_step(void **state)
{
	struct rig *rig = *state;

	assert_string_equal(rig->fake.course, "");
	assert_true(rig->b.reset_required);
	rig_check(rig);
}

static void runs_are_a_second_apart(void **state)
{
	struct rig *rig = *state;
	struct aero_next next = rig_step(rig);

	assert_int_equal(next.kind, AERO_NEXT_DELAY);
	assert_int_equal(next.delay_ms, 1000);
}

static void failed_connect_is_tried_again_and_said_once(void **state)
{
	struct rig *rig = *state;

	rig->fake.on_connect = (struct fake_order){.reply = AERO_REPLY_FAILED, .times = 3};
	assert_int_equal(rig_run(rig), AERO_END_COMMAND);
	assert_int_equal(rig_run(rig), AERO_END_COMMAND);
	assert_int_equal(rig_run(rig), AERO_END_COMMAND);
	assert_int_equal(rig->b.counters.failed_connects, 3);
	assert_int_equal(sim_logged(&rig->port, "no connection"), 1);
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_false(rig->b.reset_required);
}

static void lost_connection_is_said_again_after_a_good_one(void **state)
{
	struct rig *rig = *state;

	rig->fake.on_connect = (struct fake_order){.reply = AERO_REPLY_BUSY, .times = 1};
	rig_run(rig);
	rig_run(rig);
	rig->fake.on_target = (struct fake_order){.reply = AERO_REPLY_RESET, .times = 1};
	assert_int_equal(rig_run(rig), AERO_END_RESET);
	rig->fake.on_connect = (struct fake_order){.reply = AERO_REPLY_BUSY, .times = 1};
	rig_run(rig);
	assert_int_equal(sim_logged(&rig->port, "no connection"), 2);
}

static void reset_while_connecting_is_a_failed_connect(void **state)
{
	struct rig *rig = *state;

	rig->fake.on_connect = (struct fake_order){.reply = AERO_REPLY_RESET, .times = 1};
	assert_int_equal(rig_run(rig), AERO_END_COMMAND);
	assert_true(rig->b.reset_required);
	assert_int_equal(rig_run(rig), AERO_END_DONE);
}

static void failed_get_target_ends_the_run_and_changes_nothing(void **state)
{
	struct rig *rig = *state;

	rig_reach(rig, 700);
	rig->fake.target_pages = 0;
	rig->fake.on_target = (struct fake_order){.reply = AERO_REPLY_FAILED, .times = 1};
	assert_int_equal(rig_run(rig), AERO_END_COMMAND);
	assert_int_equal(rig->b.size_pages, 700);
	assert_int_equal(rig->b.target_pages, 700);
	assert_false(rig->b.reset_required);
}

static void reset_pops_all_without_telling_the_hypervisor(void **state)
{
	struct rig *rig = *state;

	rig_reach(rig, 1100);
	rig->fake.course[0] = 0;
	rig->fake.target_pages = 0;
	rig->fake.on_target = (struct fake_order){.reply = AERO_REPLY_RESET, .times = 1};
	assert_int_equal(rig_run(rig), AERO_END_RESET);
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_string_equal(rig->fake.course, "target quiesce connect target ");
	assert_int_equal(rig->b.counters.pages_popped, 1100);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
}

static void pop_frees_at_most_a_batch_a_step(void **state)
{
	struct rig *rig = *state;
	uint64_t before;
	unsigned int steps = 0;

	rig->b.config.large = false;
	rig_reach(rig, 2000);
	fake_forget(&rig->fake);
	rig->b.reset_required = true;
	rig->fake.target_pages = 0;
	while (rig->b.size_pages) {
		before = rig->b.size_pages;
		rig_step(rig);
		assert_true(before - rig->b.size_pages <= 512);
		steps++;
	}
	assert_int_equal(steps, 4);
}

static void pop_waits_for_isolated_pages(void **state)
{
	struct rig *rig = *state;
	struct aero_next next;
	aero_page *page;

	rig_reach(rig, 2);
	page = sim_isolate(&rig->port);
	fake_forget(&rig->fake);
	rig->b.reset_required = true;
	rig->fake.course[0] = 0;
	rig_step(rig);
	next = rig_step(rig);
	assert_int_equal(next.kind, AERO_NEXT_DELAY);
	assert_int_equal(next.delay_ms, 10);
	assert_string_equal(rig->fake.course, "quiesce ");
	/* Nothing is known of it at the hypervisor any more, so it cannot be moved. */
	assert_int_equal(sim_migrate(&rig->b, page), AERO_MIGRATE_FAILED);
	sim_putback(&rig->port, page);
	rig_run(rig);
	assert_int_equal(rig->b.size_pages, 2);
	assert_string_equal(rig->fake.course, "quiesce connect target give:page:2 ");
}

static void reset_is_asked_for_again_until_it_works(void **state)
{
	struct rig *rig = *state;

	rig_reach(rig, 600);
	rig->fake.on_give = (struct fake_order){.reply = AERO_REPLY_RESET, .times = 1};
	rig->fake.target_pages = 700;
	assert_int_equal(rig_run(rig), AERO_END_RESET);
	rig->fake.on_connect = (struct fake_order){.reply = AERO_REPLY_RESET, .times = 2};
	rig_run(rig);
	assert_int_equal(rig->b.size_pages, 0);
	rig_run(rig);
	rig_run(rig);
	assert_int_equal(rig->b.size_pages, 700);
}

static void target_above_the_limit_is_cut_and_said_once(void **state)
{
	struct rig *rig = *state;

	rig->port.spare_floor = 5000;
	rig->fake.target_pages = 1ULL << 63;
	rig_run(rig);
	rig_run(rig);
	assert_int_equal(rig->b.target_pages, RIG_PAGES);
	assert_int_equal(sim_logged(&rig->port, "asks for 9223372036854775808"), 1);
	assert_int_equal(rig->b.size_pages, RIG_PAGES - 5000);
}

static void change_of_target_is_traced(void **state)
{
	struct rig *rig = *state;
	const struct sim_trace *trace;

	rig_reach(rig, 100);
	rig_reach(rig, 50);
	trace = sim_last_trace(&rig->port, AERO_EVENT_TARGET);
	assert_non_null(trace);
	assert_int_equal(trace->a, 50);
	assert_int_equal(trace->b, 100);
	assert_int_equal(trace->c, 100);
}

static void a_step_does_at_most_one_batch(void **state)
{
	struct rig *rig = *state;
	uint64_t before;

	rig->b.config.large = false;
	rig->fake.target_pages = 8000;
	do {
		before = rig->b.size_pages;
		rig_step(rig);
		assert_true(rig->b.size_pages - before <= 512);
	} while (rig->b.size_pages < 8000);
}

static void stop_says_goodbye_before_a_page_is_freed(void **state)
{
	struct rig *rig = *state;

	rig_reach(rig, 1100);
	rig->fake.course[0] = 0;
	aero_stop(&rig->b);
	assert_string_equal(rig->fake.course, "quiesce disconnect ");
	assert_int_equal(rig->b.size_pages, 1100);
	rig_check(rig);
	while (aero_drain(&rig->b))
		rig_check(rig);
	rig_check(rig);
	assert_string_equal(rig->fake.course, "quiesce disconnect ");
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
}

static void stop_in_the_middle_of_a_run_frees_refused_pages(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig->fake.target_pages = 1024;
	rig->fake.answer = fake_refuse_first;
	rig->fake.answer_arg = 5;
	while (rig->b.size_pages == 0)
		rig_step(rig);
	assert_int_equal(rig->b.refused_n[AERO_UNIT_BASE], 5);
	aero_stop(&rig->b);
	rig_check(rig);
	while (aero_drain(&rig->b))
		;
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
}

static void stop_before_the_first_step_is_fine(void **state)
{
	struct rig *rig = *state;

	aero_stop(&rig->b);
	assert_int_equal(aero_drain(&rig->b), 0);
	rig_check(rig);
}

static void second_stop_does_nothing(void **state)
{
	struct rig *rig = *state;

	rig_run(rig);
	aero_stop(&rig->b);
	rig->fake.course[0] = 0;
	aero_stop(&rig->b);
	assert_string_equal(rig->fake.course, "");
}

static void nothing_moves_after_stop(void **state)
{
	struct rig *rig = *state;

	rig_reach(rig, 100);
	aero_stop(&rig->b);
	rig->fake.course[0] = 0;
	assert_int_equal(rig_step(rig).kind, AERO_NEXT_DELAY);
	assert_int_equal(aero_relieve(&rig->b, 10), 0);
	assert_string_equal(rig->fake.course, "");
	assert_int_equal(rig->b.size_pages, 100);
}

static void drain_waits_for_isolated_pages(void **state)
{
	struct rig *rig = *state;
	aero_page *page;

	rig_reach(rig, 3);
	page = sim_isolate(&rig->port);
	aero_stop(&rig->b);
	assert_int_equal(aero_drain(&rig->b), 1);
	assert_int_equal(aero_drain(&rig->b), 1);
	sim_putback(&rig->port, page);
	assert_int_equal(aero_drain(&rig->b), 0);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
}

/* Connected to a hypervisor that leaves nothing behind a page it was given. */
static struct rig *hollow(void **state, uint64_t target_pages)
{
	struct rig *rig = *state;

	rig->fake.hollow = true;
	rig->fake.divisible = true;
	rig->fake.slack_pages = 0;
	rig_reach(rig, target_pages);
	assert_int_equal(rig->b.size_pages, target_pages);
	rig->fake.course[0] = 0;
	return rig;
}

static void hollow_balloon_is_reclaimed_at_the_end_never_popped(void **state)
{
	struct rig *rig = hollow(state, 1100);
	unsigned int calls = 0;

	aero_stop(&rig->b);
	assert_string_equal(rig->fake.course, "quiesce disconnect ");
	while (aero_drain(&rig->b))
		assert_true(++calls < 10);
	assert_int_equal(rig->b.counters.pages_popped, 0);
	assert_int_equal(rig->b.counters.pages_out, 1100);
	assert_int_equal(rig->fake.locked_pages, 0);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
}

static void hollow_pages_that_cannot_be_had_stay(void **state)
{
	struct rig *rig = hollow(state, 100);
	unsigned int i;

	aero_stop(&rig->b);
	rig->fake.answer = fake_keep_all;
	for (i = 0; i < 5; i++)
		assert_int_equal(aero_drain(&rig->b), 100);
	rig->fake.answer = NULL;
	for (i = 0; i < 3 && aero_drain(&rig->b); i++)
		;
	assert_int_equal(rig->b.size_pages, 0);
}

static void adopted_pages_are_reclaimed_like_any_other(void **state)
{
	struct rig *rig = hollow(state, 0);
	aero_page *pages[10];
	enum aero_reply reply;

	assert_int_equal(aero_port_take(&rig->port, 0, AERO_LIGHT, pages, 10), 10);
	/* Their memory is gone already, in this rig by the fake's own hand. */
	for (unsigned int i = 0; i < 10; i++)
		rig->b.batch.block[i] = pages[i];
	aero_batch_fill(&rig->b, AERO_CLASS_PAGE, 10);
	reply = rig->b.ops->give(&rig->fake, &rig->b.batch);
	assert_int_equal(reply, AERO_REPLY_OK);
	aero_adopt(&rig->b, AERO_CLASS_PAGE, pages, 10);
	rig_check(rig);
	assert_int_equal(rig->b.size_pages, 10);
	rig_reach(rig, 0);
	assert_int_equal(rig->b.size_pages, 0);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
}

static void abandoned_pages_are_the_callers(void **state)
{
	struct rig *rig = hollow(state, 512);
	aero_page *pages[20];

	/* All it has is a large block, which is broken for it. */
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 1);
	assert_int_equal(aero_abandon(&rig->b, pages, 20), 20);
	assert_int_equal(rig->b.size_pages, 492);
	assert_int_equal(rig->port.owned[SIM_FLIGHT], 20);
	/* Still without memory: nobody was asked. */
	assert_string_equal(rig->fake.course, "");
	aero_adopt(&rig->b, AERO_CLASS_PAGE, pages, 20);
	rig_check(rig);
	rig_reach(rig, 0);
	assert_int_equal(rig->b.size_pages, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(first_run_connects_and_follows_the_target),
		RIG_TEST(nothing_is_called_before_the_first_step),
		RIG_TEST_CONNECTED(runs_are_a_second_apart),
		RIG_TEST(failed_connect_is_tried_again_and_said_once),
		RIG_TEST(lost_connection_is_said_again_after_a_good_one),
		RIG_TEST(reset_while_connecting_is_a_failed_connect),
		RIG_TEST(failed_get_target_ends_the_run_and_changes_nothing),
		RIG_TEST(reset_pops_all_without_telling_the_hypervisor),
		RIG_TEST(pop_frees_at_most_a_batch_a_step),
		RIG_TEST(pop_waits_for_isolated_pages),
		RIG_TEST(reset_is_asked_for_again_until_it_works),
		RIG_TEST(target_above_the_limit_is_cut_and_said_once),
		RIG_TEST(change_of_target_is_traced),
		RIG_TEST(a_step_does_at_most_one_batch),
		RIG_TEST(stop_says_goodbye_before_a_page_is_freed),
		RIG_TEST(stop_in_the_middle_of_a_run_frees_refused_pages),
		RIG_TEST(stop_before_the_first_step_is_fine),
		RIG_TEST(second_stop_does_nothing),
		RIG_TEST(nothing_moves_after_stop),
		RIG_TEST(drain_waits_for_isolated_pages),
		RIG_TEST(hollow_balloon_is_reclaimed_at_the_end_never_popped),
		RIG_TEST(hollow_pages_that_cannot_be_had_stay),
		RIG_TEST(adopted_pages_are_reclaimed_like_any_other),
		RIG_TEST(abandoned_pages_are_the_callers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
