// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "rig.h"

#include "internal.h"

#include <string.h>

static void first_run_connects_and_follows_the_target(void **state)
{
	struct rig *rig = *state;

	rig->fake.target_pages = 512;
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_string_equal(rig->fake.course, "quiesce connect target offer:large:1 ");
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

static void end_of_the_last_run_is_remembered(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rig->b.runs_ended, 0);
	rig->fake.on_connect = (struct fake_order){.reply = AERO_REPLY_FAILED, .times = 1};
	rig_run(rig);
	assert_int_equal(rig->b.runs_ended, 1);
	assert_int_equal(rig->b.last_end, AERO_END_COMMAND);
	rig->fake.target_pages = 512;
	rig_run(rig);
	assert_int_equal(rig->b.runs_ended, 2);
	assert_int_equal(rig->b.last_end, AERO_END_DONE);
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
	assert_string_equal(rig->fake.course, "quiesce connect target offer:page:2 ");
}

static void reset_is_asked_for_again_until_it_works(void **state)
{
	struct rig *rig = *state;

	rig_reach(rig, 600);
	rig->fake.on_offer = (struct fake_order){.reply = AERO_REPLY_RESET, .times = 1};
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

static void adopted_pages_are_reclaimed_like_any_other(void **state)
{
	struct rig *rig = rig_unbacked(state, 0);
	aero_page *pages[10];
	enum aero_reply reply;

	assert_int_equal(aero_port_take(&rig->port, 0, AERO_LIGHT, pages, 10), 10);
	/* Their memory is gone already, in this rig by the fake's own hand. */
	for (unsigned int i = 0; i < 10; i++)
		rig->b.batch.block[i] = pages[i];
	aero_batch_fill(&rig->b.batch, AERO_CLASS_PAGE, 10);
	reply = rig->b.ops->offer(&rig->fake, &rig->b.batch);
	assert_int_equal(reply, AERO_REPLY_OK);
	aero_adopt(&rig->b, AERO_CLASS_PAGE, pages, 10);
	rig_check(rig);
	assert_int_equal(rig->b.size_pages, 10);
	rig_reach(rig, 0);
	assert_int_equal(rig->b.size_pages, 0);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
}

/* -- growing -------------------------------------------------------------------------- */

/* At rest with an empty balloon, and 2048 pages that may be added. */
static struct rig *growing(void **state, uint64_t beyond_pages)
{
	struct rig *rig = *state;

	rig_absent(rig, 2048);
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	rig->fake.beyond_pages = beyond_pages;
	rig->fake.beyond_calls = 0;
	rig->fake.course[0] = 0;
	return rig;
}

/* Tells the engine what was added; why the run ended, and the pause after it. */
static enum aero_run_end grown(struct rig *rig, uint64_t added_pages, uint32_t *delay_ms)
{
	struct aero_next next = aero_grown(&rig->b, added_pages);

	rig_check(rig);
	assert_int_equal(next.kind, AERO_NEXT_DELAY);
	if (delay_ms)
		*delay_ms = next.delay_ms;
	assert_int_equal(rig->b.phase, AERO_PHASE_REST);
	return (enum aero_run_end)sim_last_trace(&rig->port, AERO_EVENT_RUN_END)->c;
}

static void growth_asks_for_exactly_what_is_missing(void **state)
{
	struct rig *rig = growing(state, 1234);

	assert_int_equal(rig_growth(rig), 1234);
	assert_string_equal(rig->fake.course, "target ");
	assert_int_equal(rig->b.phase, AERO_PHASE_GROW);
	assert_int_equal(rig->b.size_pages, 0);
}

static void nothing_grows_while_the_balloon_holds_pages(void **state)
{
	struct rig *rig = growing(state, 1234);

	rig->fake.target_pages = 100;
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	/* Not even when it can't be emptied. */
	rig->fake.target_pages = 0;
	rig->fake.answer = fake_keep_all;
	assert_int_equal(rig_run(rig), AERO_END_NO_PROGRESS);
	assert_int_equal(rig->fake.beyond_calls, 0);
	rig->fake.answer = NULL;
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig_growth(rig), 1234);
}

static void nothing_grows_while_the_balloon_is_to_hold_pages(void **state)
{
	struct rig *rig = growing(state, 1234);

	rig->fake.target_pages = 100;
	rig->port.spare_floor = RIG_PAGES;
	assert_int_equal(rig_run(rig), AERO_END_NO_MEMORY);
	assert_int_equal(rig->b.size_pages, 0);
	assert_int_equal(rig->fake.beyond_calls, 0);
}

static void guest_that_has_all_it_should_does_not_grow(void **state)
{
	struct rig *rig = growing(state, 0);

	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->fake.beyond_calls, 1);
	assert_int_equal(rig->b.counters.grown_pages + rig->b.counters.grow_failed, 0);
}

static void hypervisor_without_growth_is_not_asked_for_it(void **state)
{
	struct rig *rig = growing(state, 1234);
	struct aero_hypervisor_ops ops = *rig->b.ops;

	ops.beyond = NULL;
	rig->b.ops = &ops;
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->fake.beyond_calls, 0);
}

static void added_memory_is_waited_for_and_not_asked_for_again(void **state)
{
	struct rig *rig = growing(state, 1024);
	uint32_t delay_ms;

	assert_int_equal(rig_growth(rig), 1024);
	assert_int_equal(grown(rig, 1024, &delay_ms), AERO_END_WAIT);
	assert_int_equal(delay_ms, 1000);
	assert_int_equal(rig->b.counters.grown_pages, 1024);
	assert_int_equal(rig_run(rig), AERO_END_WAIT);
	assert_int_equal(rig_run(rig), AERO_END_WAIT);
	rig_online(rig, AERO_CLASS_LARGE);
	assert_int_equal(rig->b.coming_pages, 512);
	assert_int_equal(rig->b.size_pages, 512);
	/* The guest gets these, and goes on waiting for the others. */
	rig->fake.beyond_pages = 512;
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 0);
	assert_int_equal(rig_run(rig), AERO_END_WAIT);
	rig_online(rig, AERO_CLASS_LARGE);
	rig->fake.beyond_pages = 0;
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->b.coming_pages, 0);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES - 1024);
}

static void memory_online_during_the_add_is_not_waited_for(void **state)
{
	struct rig *rig = growing(state, 1024);

	rig_growth(rig);
	rig_online(rig, AERO_CLASS_LARGE);
	rig_online(rig, AERO_CLASS_PAGE);
	assert_int_equal(grown(rig, 1024, NULL), AERO_END_WAIT);
	assert_int_equal(rig->b.coming_pages, 1024 - 513);
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	rig->fake.beyond_pages = 1024 - 513;
	assert_int_equal(rig_run(rig), AERO_END_WAIT);
}

static void all_online_during_the_add_leaves_nothing_to_come(void **state)
{
	struct rig *rig = growing(state, 512);

	rig_growth(rig);
	rig_online(rig, AERO_CLASS_SPLIT);
	assert_int_equal(grown(rig, 512, NULL), AERO_END_WAIT);
	assert_int_equal(rig->b.coming_pages, 0);
	/* A second growth starts from nothing again. */
	rig_run(rig);
	assert_int_equal(rig_growth(rig), 512);
	assert_int_equal(grown(rig, 512, NULL), AERO_END_WAIT);
	assert_int_equal(rig->b.coming_pages, 512);
}

/* What was added before comes online while more is being added. */
static void earlier_growth_may_come_online_during_the_next(void **state)
{
	struct rig *rig = growing(state, 1024);

	rig_growth(rig);
	grown(rig, 1024, NULL);
	rig->fake.beyond_pages = 1025;
	assert_int_equal(rig_growth(rig), 1);
	rig_online(rig, AERO_CLASS_LARGE);
	rig_online(rig, AERO_CLASS_LARGE);
	grown(rig, 512, NULL);
	assert_int_equal(rig->b.coming_pages, 512);
	rig_online(rig, AERO_CLASS_LARGE);
	assert_int_equal(rig->b.coming_pages, 0);
}

static void earlier_growth_may_come_online_during_one_that_fails(void **state)
{
	struct rig *rig = growing(state, 1024);

	rig_growth(rig);
	grown(rig, 1024, NULL);
	rig->fake.beyond_pages = 2000;
	assert_int_equal(rig_growth(rig), 976);
	rig_online(rig, AERO_CLASS_LARGE);
	rig_online(rig, AERO_CLASS_LARGE);
	assert_int_equal(grown(rig, 0, NULL), AERO_END_NO_GROWTH);
	assert_int_equal(rig->b.coming_pages, 0);
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	rig->fake.beyond_pages = 100;
	assert_int_equal(rig_growth(rig), 100);
}

static void partial_growth_asks_for_the_rest(void **state)
{
	struct rig *rig = growing(state, 1000);

	assert_int_equal(rig_growth(rig), 1000);
	assert_int_equal(grown(rig, 400, NULL), AERO_END_WAIT);
	assert_int_equal(rig_growth(rig), 600);
	/* Memory is added in larger pieces than were asked for. */
	assert_int_equal(grown(rig, 1024, NULL), AERO_END_WAIT);
	assert_int_equal(rig_run(rig), AERO_END_WAIT);
	assert_int_equal(rig->b.coming_pages, 1424);
	assert_int_equal(rig->b.counters.grown_pages, 1424);
}

static void failed_growth_backs_off_and_is_tried_again_at_the_recheck(void **state)
{
	static const uint32_t delays_ms[] = {2000, 4000, 8000, 60000, 60000};
	struct rig *rig = growing(state, 100);
	uint32_t delay_ms;
	unsigned int i;

	rig->b.config.pace.backoff_max_ms = 32000;
	rig->b.config.pace.retries_max = 4;
	rig->b.config.pace.recheck_ms = 60000;
	for (i = 0; i < 5; i++) {
		assert_int_equal(rig_growth(rig), 100);
		assert_int_equal(grown(rig, 0, &delay_ms), AERO_END_NO_GROWTH);
		assert_int_equal(delay_ms, delays_ms[i]);
	}
	assert_int_equal(rig->b.counters.grow_failed, 5);
	assert_int_equal(rig->b.counters.grown_pages, 0);
	assert_int_equal(rig_growth(rig), 100);
	assert_int_equal(grown(rig, 512, &delay_ms), AERO_END_WAIT);
	assert_int_equal(delay_ms, 1000);
	/* The next trouble starts anew. */
	rig->fake.beyond_pages = 1000;
	rig_growth(rig);
	grown(rig, 0, &delay_ms);
	assert_int_equal(delay_ms, 2000);
}

static void steps_during_the_add_do_nothing(void **state)
{
	struct rig *rig = growing(state, 100);
	struct aero_next next;

	rig_growth(rig);
	rig->fake.course[0] = 0;
	rig->fake.target_pages = 50;
	next = rig_step(rig);
	assert_int_equal(next.kind, AERO_NEXT_DELAY);
	assert_string_equal(rig->fake.course, "");
	assert_int_equal(rig->b.phase, AERO_PHASE_GROW);
	grown(rig, 0, NULL);
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 50);
}

/* The step lock is not held while memory is added. */
static void growth_that_ends_after_stop_moves_nothing(void **state)
{
	struct rig *rig = growing(state, 512);

	rig_growth(rig);
	aero_stop(&rig->b);
	assert_int_equal(aero_grown(&rig->b, 512).kind, AERO_NEXT_DELAY);
	assert_int_equal(rig->b.phase, AERO_PHASE_STOPPED);
	rig->fake.course[0] = 0;
	assert_int_equal(rig_step(rig).kind, AERO_NEXT_DELAY);
	assert_string_equal(rig->fake.course, "");
}

static void adopted_blocks_are_reclaimed_in_their_class(void **state)
{
	struct rig *rig = growing(state, 1025);

	rig_growth(rig);
	grown(rig, 1025, NULL);
	rig_online(rig, AERO_CLASS_LARGE);
	rig_online(rig, AERO_CLASS_SPLIT);
	rig_online(rig, AERO_CLASS_PAGE);
	assert_int_equal(rig->b.counters.adopted_pages, 1025);
	assert_int_equal(rig->b.size_pages, 1025);
	assert_int_equal(rig->b.coming_pages, 0);
	rig->fake.course[0] = 0;
	rig->fake.beyond_pages = 0;
	rig_run(rig);
	assert_string_equal(rig->fake.course,
			    "target reclaim:page:1 reclaim:split:1 reclaim:large:1 ");
	assert_int_equal(rig->b.counters.pages_out, 1025);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES - 2048 + 1025);
}

/* Pages that were there at boot are nothing that was waited for. */
static void pages_adopted_without_growth_are_not_missed_later(void **state)
{
	struct rig *rig = *state;

	rig_absent(rig, 2048);
	rig_online(rig, AERO_CLASS_LARGE);
	rig_online(rig, AERO_CLASS_PAGE);
	assert_int_equal(rig->b.coming_pages, 0);
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	rig->fake.beyond_pages = 300;
	assert_int_equal(rig_growth(rig), 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(first_run_connects_and_follows_the_target),
		RIG_TEST(nothing_is_called_before_the_first_step),
		RIG_TEST_CONNECTED(runs_are_a_second_apart),
		RIG_TEST(end_of_the_last_run_is_remembered),
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
		RIG_TEST(adopted_pages_are_reclaimed_like_any_other),
		RIG_TEST(growth_asks_for_exactly_what_is_missing),
		RIG_TEST(nothing_grows_while_the_balloon_holds_pages),
		RIG_TEST(nothing_grows_while_the_balloon_is_to_hold_pages),
		RIG_TEST(guest_that_has_all_it_should_does_not_grow),
		RIG_TEST(hypervisor_without_growth_is_not_asked_for_it),
		RIG_TEST(added_memory_is_waited_for_and_not_asked_for_again),
		RIG_TEST(memory_online_during_the_add_is_not_waited_for),
		RIG_TEST(all_online_during_the_add_leaves_nothing_to_come),
		RIG_TEST(earlier_growth_may_come_online_during_the_next),
		RIG_TEST(earlier_growth_may_come_online_during_one_that_fails),
		RIG_TEST(partial_growth_asks_for_the_rest),
		RIG_TEST(failed_growth_backs_off_and_is_tried_again_at_the_recheck),
		RIG_TEST(steps_during_the_add_do_nothing),
		RIG_TEST(growth_that_ends_after_stop_moves_nothing),
		RIG_TEST(adopted_blocks_are_reclaimed_in_their_class),
		RIG_TEST(pages_adopted_without_growth_are_not_missed_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
