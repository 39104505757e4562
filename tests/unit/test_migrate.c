// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "rig.h"

#include <string.h>

/* A balloon of 10 pages at its target, one of them isolated. */
static aero_page *isolated(struct rig *rig)
{
	rig_reach(rig, 10);
	rig->fake.course[0] = 0;
	return sim_isolate(&rig->port);
}

static void page_moves_at_the_target(void **state)
{
	struct rig *rig = *state;
	aero_page *page = isolated(rig);

	assert_int_equal(sim_migrate(&rig->b, page), AERO_MIGRATE_MOVED);
	rig_check(rig);
	assert_int_equal(page->owner, SIM_FREE);
	assert_int_equal(rig->b.size_pages, 10);
	assert_int_equal(rig->b.counters.migrated, 1);
	/* The old one first: at its target a hypervisor needs no page more. */
	assert_string_equal(rig->fake.course, "reclaim:page:1 offer:page:1 ");
}

static void page_the_hypervisor_keeps_stays(void **state)
{
	struct rig *rig = *state;
	aero_page *page = isolated(rig);

	rig->fake.answer = fake_keep_all;
	assert_int_equal(sim_migrate(&rig->b, page), AERO_MIGRATE_FAILED);
	rig_check(rig);
	assert_int_equal(page->owner, SIM_ISOLATED);
	sim_putback(&rig->port, page);
	rig_check(rig);
	assert_int_equal(rig->b.counters.migrate_failed, 1);
	assert_string_equal(rig->fake.course, "reclaim:page:1 ");
}

static enum aero_answer refuse_another(struct fake *fake, bool giving, aero_pfn pfn, uint32_t u)
{
	return giving && pfn.v != fake->answer_arg ? AERO_ANSWER_REFUSED : AERO_ANSWER_OK;
}

static void old_page_is_given_again_when_the_new_one_is_refused(void **state)
{
	struct rig *rig = *state;
	aero_page *page = isolated(rig);

	rig->fake.answer = refuse_another;
	rig->fake.answer_arg = page->pfn.v;
	assert_int_equal(sim_migrate(&rig->b, page), AERO_MIGRATE_FAILED);
	sim_putback(&rig->port, page);
	rig_check(rig);
	assert_int_equal(rig->b.size_pages, 10);
	assert_string_equal(rig->fake.course, "reclaim:page:1 offer:page:1 offer:page:1 ");
}

static void balloon_shrinks_when_both_are_refused(void **state)
{
	struct rig *rig = *state;
	aero_page *page = isolated(rig);

	rig->fake.answer = fake_refuse_all;
	assert_int_equal(sim_migrate(&rig->b, page), AERO_MIGRATE_SHRUNK);
	rig_check(rig);
	assert_int_equal(rig->b.size_pages, 9);
	assert_int_equal(page->owner, SIM_FREE);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES - 9);
	rig->fake.answer = NULL;
	rig_reach(rig, 10);
	assert_int_equal(rig->b.size_pages, 10);
}

static void failed_commands_leave_no_doubt(void **state)
{
	struct rig *rig = *state;
	aero_page *page = isolated(rig);

	rig->fake.on_reclaim = (struct fake_order){.reply = AERO_REPLY_BUSY, .times = 1};
	assert_int_equal(sim_migrate(&rig->b, page), AERO_MIGRATE_FAILED);
	rig->fake.on_offer = (struct fake_order){.reply = AERO_REPLY_FAILED, .times = 1};
	assert_int_equal(sim_migrate(&rig->b, page), AERO_MIGRATE_FAILED);
	rig->fake.on_offer = (struct fake_order){.reply = AERO_REPLY_FAILED, .times = 2};
	assert_int_equal(sim_migrate(&rig->b, page), AERO_MIGRATE_SHRUNK);
	rig_check(rig);
}

static void reset_in_any_of_its_calls_loses_no_page(void **state)
{
	struct rig *rig = *state;
	unsigned int call;
	aero_page *page;

	for (call = 0; call < 3; call++) {
		page = isolated(rig);
		rig->fake.on_reclaim =
			(struct fake_order){.reply = AERO_REPLY_RESET, .times = call == 0};
		rig->fake.on_offer = (struct fake_order){
			.reply = AERO_REPLY_RESET, .skip = call == 2, .times = call != 0};
		if (call == 2) {
			rig->fake.answer = refuse_another;
			rig->fake.answer_arg = page->pfn.v;
		}
		assert_int_equal(sim_migrate(&rig->b, page), AERO_MIGRATE_FAILED);
		sim_putback(&rig->port, page);
		rig_check(rig);
		assert_true(rig->b.reset_required);
		rig->fake.answer = NULL;
		rig_run(rig);
		assert_int_equal(rig->b.size_pages, 10);
	}
}

static void nothing_is_asked_without_a_connection(void **state)
{
	struct rig *rig = *state;
	aero_page *page = isolated(rig);

	rig->b.reset_required = true;
	assert_int_equal(sim_migrate(&rig->b, page), AERO_MIGRATE_FAILED);
	rig->b.reset_required = false;
	aero_stop(&rig->b);
	rig->fake.course[0] = 0;
	assert_int_equal(sim_migrate(&rig->b, page), AERO_MIGRATE_FAILED);
	assert_string_equal(rig->fake.course, "");
}

static void move_is_traced(void **state)
{
	struct rig *rig = *state;
	aero_page *page = isolated(rig);
	const struct sim_trace *trace;

	sim_migrate(&rig->b, page);
	trace = sim_last_trace(&rig->port, AERO_EVENT_MIGRATE);
	assert_non_null(trace);
	assert_true(trace->a == page->pfn.v);
	assert_true(sim_page(&rig->port, trace->b)->owner == SIM_HELD);
	assert_int_equal(trace->c, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST_CONNECTED(page_moves_at_the_target),
		RIG_TEST_CONNECTED(page_the_hypervisor_keeps_stays),
		RIG_TEST_CONNECTED(old_page_is_given_again_when_the_new_one_is_refused),
		RIG_TEST_CONNECTED(balloon_shrinks_when_both_are_refused),
		RIG_TEST_CONNECTED(failed_commands_leave_no_doubt),
		RIG_TEST_CONNECTED(reset_in_any_of_its_calls_loses_no_page),
		RIG_TEST_CONNECTED(nothing_is_asked_without_a_connection),
		RIG_TEST_CONNECTED(move_is_traced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
