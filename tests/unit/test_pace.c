// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "rig.h"

#include "internal.h"

static struct rig *in_limited_run(void **state, uint32_t rate, uint64_t taken)
{
	struct rig *rig = *state;

	rig->b.pace.rate = rate;
	rig->b.pace.limited = true;
	rig->b.pace.taken = taken;
	return rig;
}

static void rate_starts_at_2048(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rig->b.pace.rate, 2048);
}

static void failed_reclaim_halves_the_rate_down_to_512(void **state)
{
	struct rig *rig = *state;

	aero_pace_reclaim_failed(&rig->b);
	assert_int_equal(rig->b.pace.rate, 1024);
	aero_pace_reclaim_failed(&rig->b);
	assert_int_equal(rig->b.pace.rate, 512);
	aero_pace_reclaim_failed(&rig->b);
	assert_int_equal(rig->b.pace.rate, 512);
	rig->b.pace.rate = 600;
	aero_pace_reclaim_failed(&rig->b);
	assert_int_equal(rig->b.pace.rate, 512);
}

static void run_at_its_limit_earns_16(void **state)
{
	struct rig *rig = in_limited_run(state, 512, 512);

	aero_pace_end(&rig->b);
	assert_int_equal(rig->b.pace.rate, 528);
}

static void run_earns_16_for_each_rate_taken(void **state)
{
	/* 5 whole rates of 512 in 3000. */
	struct rig *rig = in_limited_run(state, 512, 3000);

	aero_pace_end(&rig->b);
	assert_int_equal(rig->b.pace.rate, 512 + 5 * 16);
}

static void rate_does_not_grow_above_2048(void **state)
{
	struct rig *rig = in_limited_run(state, 2040, 2040);

	aero_pace_end(&rig->b);
	assert_int_equal(rig->b.pace.rate, 2048);
}

static void run_below_its_limit_earns_nothing(void **state)
{
	struct rig *rig = in_limited_run(state, 512, 511);

	aero_pace_end(&rig->b);
	assert_int_equal(rig->b.pace.rate, 512);
}

static void run_that_failed_earns_nothing(void **state)
{
	struct rig *rig = in_limited_run(state, 2048, 5000);

	aero_pace_reclaim_failed(&rig->b);
	aero_pace_end(&rig->b);
	assert_int_equal(rig->b.pace.rate, 1024);
}

static void failed_reclaim_sets_4_slow_cycles(void **state)
{
	struct rig *rig = *state;
	unsigned int left;

	aero_pace_begin(&rig->b);
	assert_false(rig->b.pace.limited);
	aero_pace_reclaim_failed(&rig->b);
	assert_int_equal(rig->b.pace.slow_left, 4);
	for (left = 3; left; left--) {
		aero_pace_begin(&rig->b);
		assert_int_equal(rig->b.pace.slow_left, left);
		assert_true(rig->b.pace.limited);
		assert_int_equal(rig->b.pace.effort[AERO_UNIT_BASE], AERO_LIGHT);
	}
	aero_pace_begin(&rig->b);
	assert_false(rig->b.pace.limited);
}

static void light_failure_goes_on_with_reclaim_at_any_speed(void **state)
{
	struct rig *rig = *state;

	rig->b.pace.taken = 1ULL << 40;
	aero_pace_light_failed(&rig->b, AERO_UNIT_BASE);
	assert_int_equal(rig->b.pace.effort[AERO_UNIT_BASE], AERO_RECLAIM);
	assert_int_equal(rig->b.pace.slow_left, 0);
	assert_true(aero_pace_allowance(&rig->b) == UINT64_MAX);
}

static void light_failure_leaves_a_limited_run_limited(void **state)
{
	struct rig *rig = in_limited_run(state, 2048, 2047);

	aero_pace_light_failed(&rig->b, AERO_UNIT_BASE);
	assert_int_equal(aero_pace_allowance(&rig->b), 1);
}

static void allowance_is_unlimited_until_memory_is_short(void **state)
{
	struct rig *rig = *state;

	aero_pace_begin(&rig->b);
	rig->b.pace.taken = 1ULL << 40;
	assert_true(aero_pace_allowance(&rig->b) == UINT64_MAX);
}

static void allowance_is_what_the_rate_leaves(void **state)
{
	struct rig *rig = in_limited_run(state, 1000, 300);

	assert_int_equal(aero_pace_allowance(&rig->b), 700);
	rig->b.pace.taken = 1001;
	assert_int_equal(aero_pace_allowance(&rig->b), 0);
}

static void hold_off_ends_after_its_time(void **state)
{
	struct rig *rig = *state;

	rig->port.now_ms = 100;
	assert_false(aero_is_held_off(&rig->b));
	aero_hold_off(&rig->b);
	assert_true(aero_is_held_off(&rig->b));
	rig->port.now_ms = 5099;
	assert_true(aero_is_held_off(&rig->b));
	rig->port.now_ms = 5100;
	assert_false(aero_is_held_off(&rig->b));
	assert_int_equal(rig->b.counters.holdoffs, 1);
}

static void slow_run_takes_rate_pages_and_no_more(void **state)
{
	struct rig *rig = *state;

	rig->b.pace.slow_left = 3;
	rig->b.pace.rate = 700;
	rig->fake.target_pages = 5000;
	rig_run(rig);
	assert_int_equal(rig->b.size_pages, 700);
	assert_int_equal(rig->b.pace.rate, 716);
}

static void run_whose_command_failed_earns_nothing(void **state)
{
	struct rig *rig = *state;

	rig->b.pace.slow_left = 3;
	rig->b.pace.rate = 512;
	rig->fake.target_pages = 5000;
	rig->fake.on_offer = (struct fake_order){.reply = AERO_REPLY_FAILED, .times = 1};
	assert_int_equal(rig_run(rig), AERO_END_COMMAND);
	assert_int_equal(rig->b.pace.rate, 512);
}

static void growing_guest_gets_back_to_full_speed(void **state)
{
	struct rig *rig = *state;
	unsigned int run;

	/* Reclaim fails at 4096.  The 3 runs after it are slow; then the rate is not limited. */
	rig->port.low_pages = RIG_PAGES - 4096;
	rig->port.rule[0] =
		(struct sim_rule){.effort = AERO_RECLAIM, .order = SIM_ANY, .first = 1, .times = 1};
	rig->fake.target_pages = 8000;
	rig->b.config.large = false;
	assert_int_equal(rig_run(rig), AERO_END_NO_MEMORY);
	assert_int_equal(rig->b.size_pages, 4096);
	rig->port.low_pages = 0;
	for (run = 1; run <= 3; run++) {
		rig->b.pace.rate = 512;
		assert_int_equal(rig_run(rig), AERO_END_RATE);
		assert_int_equal(rig->b.size_pages, 4096 + run * 512);
	}
	assert_int_equal(rig_run(rig), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 8000);
}

static void pause_is_the_period_without_back_off(void **state)
{
	struct rig *rig = *state;
	unsigned int i;

	for (i = 0; i < 3; i++)
		assert_int_equal(aero_pace_delay_ms(&rig->b, AERO_END_COMMAND), 1000);
}

static void back_off_doubles_the_pause_up_to_its_limit(void **state)
{
	struct rig *rig = *state;

	rig->b.config.pace.backoff_max_ms = 5000;
	assert_int_equal(aero_pace_delay_ms(&rig->b, AERO_END_NO_MEMORY), 2000);
	assert_int_equal(aero_pace_delay_ms(&rig->b, AERO_END_NO_PROGRESS), 4000);
	assert_int_equal(aero_pace_delay_ms(&rig->b, AERO_END_COMMAND), 5000);
	assert_int_equal(aero_pace_delay_ms(&rig->b, AERO_END_COMMAND), 5000);
}

static void good_run_ends_the_back_off(void **state)
{
	struct rig *rig = *state;

	rig->b.config.pace.backoff_max_ms = 32000;
	aero_pace_delay_ms(&rig->b, AERO_END_NO_MEMORY);
	aero_pace_delay_ms(&rig->b, AERO_END_NO_MEMORY);
	assert_int_equal(aero_pace_delay_ms(&rig->b, AERO_END_DONE), 1000);
	assert_int_equal(aero_pace_delay_ms(&rig->b, AERO_END_NO_MEMORY), 2000);
}

static void new_target_ends_the_back_off(void **state)
{
	struct rig *rig = *state;

	rig->b.config.pace.backoff_max_ms = 32000;
	aero_pace_delay_ms(&rig->b, AERO_END_NO_MEMORY);
	aero_pace_delay_ms(&rig->b, AERO_END_NO_MEMORY);
	aero_note_target(&rig->b, 77);
	assert_int_equal(aero_pace_delay_ms(&rig->b, AERO_END_NO_MEMORY), 2000);
}

static void too_many_retries_end_in_rechecks(void **state)
{
	struct rig *rig = *state;

	rig->b.config.pace.backoff_max_ms = 3000;
	rig->b.config.pace.retries_max = 3;
	rig->b.config.pace.recheck_ms = 60000;
	assert_int_equal(aero_pace_delay_ms(&rig->b, AERO_END_NO_MEMORY), 2000);
	assert_int_equal(aero_pace_delay_ms(&rig->b, AERO_END_NO_MEMORY), 3000);
	assert_int_equal(aero_pace_delay_ms(&rig->b, AERO_END_NO_MEMORY), 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(rate_starts_at_2048),
		RIG_TEST(failed_reclaim_halves_the_rate_down_to_512),
		RIG_TEST(run_at_its_limit_earns_16),
		RIG_TEST(run_earns_16_for_each_rate_taken),
		RIG_TEST(rate_does_not_grow_above_2048),
		RIG_TEST(run_below_its_limit_earns_nothing),
		RIG_TEST(run_that_failed_earns_nothing),
		RIG_TEST(failed_reclaim_sets_4_slow_cycles),
		RIG_TEST(light_failure_goes_on_with_reclaim_at_any_speed),
		RIG_TEST(light_failure_leaves_a_limited_run_limited),
		RIG_TEST(allowance_is_unlimited_until_memory_is_short),
		RIG_TEST(allowance_is_what_the_rate_leaves),
		RIG_TEST(hold_off_ends_after_its_time),
		RIG_TEST(slow_run_takes_rate_pages_and_no_more),
		RIG_TEST_CONNECTED(run_whose_command_failed_earns_nothing),
		RIG_TEST(growing_guest_gets_back_to_full_speed),
		RIG_TEST(pause_is_the_period_without_back_off),
		RIG_TEST(back_off_doubles_the_pause_up_to_its_limit),
		RIG_TEST(good_run_ends_the_back_off),
		RIG_TEST(new_target_ends_the_back_off),
		RIG_TEST(too_many_retries_end_in_rechecks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
