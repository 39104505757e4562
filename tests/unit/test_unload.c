// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The end of a balloon: goodbye, the way of each page, and what can't be reclaimed. */
#include "internal.h"
#include "rig.h"

/* Unload steps until one gains nothing; the size is then @left. */
static void drain(struct rig *rig, uint64_t left)
{
	unsigned int steps = 0;

	while (rig_unload_step(rig).kind == AERO_UNLOAD_AGAIN)
		assert_true(++steps < 20);
	assert_int_equal(rig->b.size_pages, left);
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
	drain(rig, 0);
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
	drain(rig, 0);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
}

/* A kernel whose memory is replaced lets go before; if that fails, the balloon comes back. */
static void balloon_that_let_go_is_connected_anew(void **state)
{
	struct rig *rig = *state;
	unsigned int calls = 0;

	rig_reach(rig, 1100);
	rig->fake.course[0] = 0;
	while (!aero_let_go(&rig->b)) {
		rig_check(rig);
		assert_true(++calls < 20);
	}
	assert_string_equal(rig->fake.course, "quiesce disconnect ");
	assert_int_equal(rig->b.size_pages, 0);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
	assert_int_equal(aero_relieve(&rig->b, 10), 0);
	assert_true(aero_let_go(&rig->b));
	rig_reach(rig, 1100);
	rig_check(rig);
}

/* In the middle of a run, with refused pages set aside, and not to the end. */
static void letting_go_in_a_run_frees_refused_pages(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig->fake.target_pages = 1024;
	rig->fake.answer = fake_refuse_first;
	rig->fake.answer_arg = 5;
	while (rig->b.size_pages == 0)
		rig_step(rig);
	aero_let_go(&rig->b);
	assert_int_equal(rig->b.refused_n[AERO_UNIT_BASE], 0);
	rig_check(rig);
	rig->fake.answer = NULL;
	rig_reach(rig, 1024);
	rig_check(rig);
}

static void stop_before_the_first_step_is_fine(void **state)
{
	struct rig *rig = *state;

	aero_stop(&rig->b);
	drain(rig, 0);
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
	drain(rig, 1);
	drain(rig, 1);
	sim_putback(&rig->port, page);
	drain(rig, 0);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
}

static void hollow_balloon_is_reclaimed_at_the_end_never_popped(void **state)
{
	struct rig *rig = rig_unbacked(state, 1100);

	aero_stop(&rig->b);
	assert_string_equal(rig->fake.course, "quiesce disconnect ");
	drain(rig, 0);
	assert_int_equal(rig->b.counters.pages_popped, 0);
	assert_int_equal(rig->b.counters.pages_out, 1100);
	assert_int_equal(rig->fake.locked_pages, 0);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
}

static void unbacked_pages_that_cannot_be_had_stay(void **state)
{
	struct rig *rig = rig_unbacked(state, 100);
	unsigned int i;

	aero_stop(&rig->b);
	rig->fake.answer = fake_keep_all;
	for (i = 0; i < 5; i++)
		drain(rig, 100);
	rig->fake.answer = NULL;
	drain(rig, 0);
	assert_int_equal(rig->b.size_pages, 0);
}

static void abandoned_pages_are_the_callers(void **state)
{
	struct rig *rig = rig_unbacked(state, 512);
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

/* -- what the steps say ------------------------------------------------------------------- */

static void unload_says_goodbye_by_itself(void **state)
{
	struct rig *rig = *state;

	rig_reach(rig, 1100);
	rig->fake.course[0] = 0;
	assert_int_equal(rig_unload_step(rig).kind, AERO_UNLOAD_AGAIN);
	assert_string_equal(rig->fake.course, "quiesce disconnect ");
	assert_int_equal(rig->b.phase, AERO_PHASE_STOPPED);
	drain(rig, 0);
	assert_string_equal(rig->fake.course, "quiesce disconnect ");
}

static void unload_moves_one_batch_a_step(void **state)
{
	struct rig *rig = *state;
	uint64_t before;

	rig->b.config.large = false;
	rig_reach(rig, 1500);
	do {
		before = rig->b.size_pages;
		rig_unload_step(rig);
		assert_true(before - rig->b.size_pages <= AERO_BATCH_MAX);
	} while (rig->b.size_pages);
	assert_int_equal(rig_unload_step(rig).kind, AERO_UNLOAD_DONE);
}

static void unload_waits_for_isolated_pages_for_ever_and_abandons_none(void **state)
{
	struct rig *rig = *state;
	struct aero_unload next;
	aero_page *page;
	unsigned int i;

	rig_reach(rig, 3);
	page = sim_isolate(&rig->port);
	drain(rig, 1);
	for (i = 0; i < 1000; i++) {
		next = rig_unload_step(rig);
		assert_int_equal(next.kind, AERO_UNLOAD_WAIT);
		assert_int_equal(next.delay_ms, AERO_ISOLATED_RETRY_MS);
	}
	sim_putback(&rig->port, page);
	assert_int_equal(rig_unload_step(rig).kind, AERO_UNLOAD_DONE);
}

/* Steps that gain nothing, until pages are to be abandoned; says how many there were. */
static unsigned int steps_to_abandon(struct rig *rig)
{
	struct aero_unload next;
	unsigned int steps = 1;

	while ((next = rig_unload_step(rig)).kind == AERO_UNLOAD_WAIT) {
		assert_int_equal(next.delay_ms, AERO_ISOLATED_RETRY_MS);
		assert_true(++steps < 100);
	}
	assert_int_equal(next.kind, AERO_UNLOAD_ABANDON);
	return steps;
}

static void unload_abandons_after_twenty_attempts(void **state)
{
	struct rig *rig = rig_unbacked(state, 100);

	rig->fake.answer = fake_keep_all;
	assert_int_equal(steps_to_abandon(rig), 20);
	assert_int_equal(rig->b.size_pages, 100);
}

static void page_gained_starts_the_attempts_anew(void **state)
{
	struct rig *rig = rig_unbacked(state, 100);
	unsigned int i;

	rig->fake.answer = fake_keep_all;
	for (i = 0; i < 19; i++)
		assert_int_equal(rig_unload_step(rig).kind, AERO_UNLOAD_WAIT);
	rig->fake.answer = fake_odd_frame;
	rig->fake.answer_arg = rig->port.held[AERO_CLASS_PAGE].first->pfn.v;
	assert_int_equal(rig_unload_step(rig).kind, AERO_UNLOAD_AGAIN);
	assert_int_equal(rig->b.size_pages, 1);
	assert_int_equal(steps_to_abandon(rig), 20);
}

/* Takes @n pages, as a worker does, and puts them where no program gets them. */
static unsigned int abandon(struct rig *rig, unsigned int n)
{
	aero_page *pages[32];

	assert_true(n <= 32);
	return aero_abandon(&rig->b, pages, n);
}

static void unload_ends_when_all_is_abandoned(void **state)
{
	struct rig *rig = rig_unbacked(state, 100);

	rig->fake.answer = fake_keep_all;
	steps_to_abandon(rig);
	assert_int_equal(abandon(rig, 32), 32);
	assert_int_equal(aero_unload_step(&rig->b).kind, AERO_UNLOAD_ABANDON);
	assert_int_equal(abandon(rig, 32), 32);
	assert_int_equal(aero_unload_step(&rig->b).kind, AERO_UNLOAD_ABANDON);
	assert_int_equal(abandon(rig, 32), 32);
	assert_int_equal(aero_unload_step(&rig->b).kind, AERO_UNLOAD_ABANDON);
	assert_int_equal(abandon(rig, 32), 4);
	assert_int_equal(aero_unload_step(&rig->b).kind, AERO_UNLOAD_DONE);
	assert_int_equal(rig->b.counters.abandoned_pages, 100);
	assert_int_equal(rig->port.owned[SIM_FLIGHT], 100);
}

/*
 * Reported: unloading populates everything, whatever the target, and the built-in balloon gives
 * it back to the hypervisor.
 */
static void balloon_is_handed_over_at_its_target(void **state)
{
	struct rig *rig = rig_unbacked(state, 100);

	rig->fake.target_pages = 40;
	rig->b.target_pages = 40;
	aero_hand_over(&rig->b);
	assert_int_equal(rig_unload_step(rig).kind, AERO_UNLOAD_AGAIN);
	assert_int_equal(rig->b.size_pages, 40);
	assert_int_equal(rig_unload_step(rig).kind, AERO_UNLOAD_ABANDON);
	assert_int_equal(abandon(rig, 32), 32);
	assert_int_equal(aero_unload_step(&rig->b).kind, AERO_UNLOAD_ABANDON);
	assert_int_equal(abandon(rig, 32), 8);
	assert_int_equal(aero_unload_step(&rig->b).kind, AERO_UNLOAD_DONE);
	assert_int_equal(rig->b.counters.pages_out, 60);
}

/* A target above the size changes nothing: all of it is handed over, and nobody is asked. */
static void balloon_below_its_target_is_handed_over_whole(void **state)
{
	struct rig *rig = rig_unbacked(state, 32);

	rig->b.target_pages = 64;
	aero_hand_over(&rig->b);
	assert_int_equal(aero_unload_step(&rig->b).kind, AERO_UNLOAD_ABANDON);
	assert_int_equal(abandon(rig, 32), 32);
	assert_int_equal(aero_unload_step(&rig->b).kind, AERO_UNLOAD_DONE);
	assert_int_equal(rig->b.counters.pages_out, 0);
}

static void isolated_page_is_waited_for_and_abandoned_with_the_rest(void **state)
{
	struct rig *rig = rig_unbacked(state, 3);
	aero_page *page = sim_isolate(&rig->port);
	unsigned int i;

	rig->fake.answer = fake_keep_all;
	steps_to_abandon(rig);
	assert_int_equal(abandon(rig, 32), 2);
	for (i = 0; i < 5; i++) {
		assert_int_equal(aero_unload_step(&rig->b).kind, AERO_UNLOAD_ABANDON);
		assert_int_equal(abandon(rig, 32), 0);
		assert_int_equal(aero_unload_step(&rig->b).kind, AERO_UNLOAD_WAIT);
	}
	sim_putback(&rig->port, page);
	assert_int_equal(aero_unload_step(&rig->b).kind, AERO_UNLOAD_ABANDON);
	assert_int_equal(abandon(rig, 32), 1);
	assert_int_equal(aero_unload_step(&rig->b).kind, AERO_UNLOAD_DONE);
}

static void unload_after_its_end_stays_done(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rig_unload_step(rig).kind, AERO_UNLOAD_DONE);
	rig->fake.course[0] = 0;
	assert_int_equal(rig_unload_step(rig).kind, AERO_UNLOAD_DONE);
	assert_string_equal(rig->fake.course, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(stop_says_goodbye_before_a_page_is_freed),
		RIG_TEST(stop_in_the_middle_of_a_run_frees_refused_pages),
		RIG_TEST(balloon_that_let_go_is_connected_anew),
		RIG_TEST(letting_go_in_a_run_frees_refused_pages),
		RIG_TEST(stop_before_the_first_step_is_fine),
		RIG_TEST(second_stop_does_nothing),
		RIG_TEST(nothing_moves_after_stop),
		RIG_TEST(drain_waits_for_isolated_pages),
		RIG_TEST(hollow_balloon_is_reclaimed_at_the_end_never_popped),
		RIG_TEST(unbacked_pages_that_cannot_be_had_stay),
		RIG_TEST(abandoned_pages_are_the_callers),
		RIG_TEST(unload_says_goodbye_by_itself),
		RIG_TEST(unload_moves_one_batch_a_step),
		RIG_TEST(unload_waits_for_isolated_pages_for_ever_and_abandons_none),
		RIG_TEST(unload_abandons_after_twenty_attempts),
		RIG_TEST(page_gained_starts_the_attempts_anew),
		RIG_TEST(unload_ends_when_all_is_abandoned),
		RIG_TEST(balloon_is_handed_over_at_its_target),
		RIG_TEST(balloon_below_its_target_is_handed_over_whole),
		RIG_TEST(isolated_page_is_waited_for_and_abandoned_with_the_rest),
		RIG_TEST(unload_after_its_end_stays_done),
	};

	return cmocka_run_group_tests_name("unload", tests, NULL, NULL);
}
