// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Each invariant, broken on purpose, is found. */
#include "rig.h"

static void assert_invalid(struct rig *rig, const char *reason)
{
	const char *why = NULL;

	assert_false(aero_is_valid(&rig->b, &why));
	assert_string_equal(why, reason);
}

static void balloon_at_work_is_valid(void **state)
{
	struct rig *rig = *state;
	const char *why;

	rig_reach(rig, 1100);
	assert_true(aero_is_valid(&rig->b, &why));
}

static void size_that_is_not_the_sum_is_found(void **state)
{
	struct rig *rig = *state;

	rig->b.held[AERO_CLASS_LARGE]++;
	assert_invalid(rig, "the size is not the sum of what is held");
}

static void unknown_phase_is_found(void **state)
{
	struct rig *rig = *state;

	rig->b.phase = AERO_PHASES;
	assert_invalid(rig, "unknown phase");
}

static void rate_out_of_bounds_is_found(void **state)
{
	struct rig *rig = *state;

	rig->b.pace.rate = 2049;
	assert_invalid(rig, "the rate is out of its bounds");
	rig->b.pace.rate = 511;
	assert_invalid(rig, "the rate is out of its bounds");
}

static void too_many_slow_runs_are_found(void **state)
{
	struct rig *rig = *state;

	rig->b.pace.slow_left = 5;
	assert_invalid(rig, "more slow runs than are ever set");
}

static void too_many_refused_are_found(void **state)
{
	struct rig *rig = *state;

	rig->b.refused_n[AERO_UNIT_LARGE] = 17;
	assert_invalid(rig, "too many refused pages kept");
}

static void refused_past_the_run_are_found(void **state)
{
	struct rig *rig = *state;

	rig->b.refused_n[AERO_UNIT_BASE] = 1;
	rig->b.counters.refused[AERO_UNIT_BASE] = 1;
	assert_invalid(rig, "refused pages kept past the run");
}

static void lost_refused_page_is_found(void **state)
{
	struct rig *rig = *state;

	rig->b.counters.refused[AERO_UNIT_BASE] = 1;
	assert_invalid(rig, "a refused page is lost");
}

static void target_above_the_limit_is_found(void **state)
{
	struct rig *rig = *state;

	rig->b.target_pages = RIG_PAGES + 1;
	assert_invalid(rig, "the target is above the limit");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST_CONNECTED(balloon_at_work_is_valid),
		RIG_TEST_CONNECTED(size_that_is_not_the_sum_is_found),
		RIG_TEST_CONNECTED(unknown_phase_is_found),
		RIG_TEST_CONNECTED(rate_out_of_bounds_is_found),
		RIG_TEST_CONNECTED(too_many_slow_runs_are_found),
		RIG_TEST_CONNECTED(too_many_refused_are_found),
		RIG_TEST_CONNECTED(refused_past_the_run_are_found),
		RIG_TEST_CONNECTED(lost_refused_page_is_found),
		RIG_TEST_CONNECTED(target_above_the_limit_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
