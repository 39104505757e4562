// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Rules on figures made by hand; the whole is in test_policy_pressure_guest.c. */
#include "pressure_rig.h"

#include <string.h>

/*
 * A guest of 1 GiB, 100 MiB of it used: headroom is 16 MiB, its half 8 MiB.  What
 * is available lies between: nothing is to be done.
 */
static const struct aero_policy_figures content = {
	.managed_pages = 112 * MIB + 5000,
	.committed_pages = 100 * MIB,
	.reserve_pages = 5000,
	.max_pfn = 1024 * MIB,
	.current_pages = 112 * MIB + 5000 + 3000,
	.free_pages = 12 * MIB + 5000,
	.available_pages = 12 * MIB,
	.some_permille = AERO_POLICY_UNKNOWN,
	.full_permille = AERO_POLICY_UNKNOWN,
	.interval_ms = STEP,
};

/* And one with 800 MiB free. */
static struct aero_policy_figures roomy(void)
{
	struct aero_policy_figures f = content;

	f.managed_pages += 800 * MIB;
	f.current_pages += 800 * MIB;
	f.free_pages += 800 * MIB;
	f.available_pages += 800 * MIB;
	return f;
}

/* By how much the target differs from what the guest has. */
static int64_t move(struct rig *rig, const struct aero_policy_figures *f)
{
	return (int64_t)(aero_pressure_step(&rig->config, &rig->state, f) - f->current_pages);
}

static void content_guest_is_left_alone(void **state)
{
	struct rig *rig = *state;

	for (int i = 0; i < 20; i++)
		assert_int_equal(move(rig, &content), 0);
	assert_int_equal(rig->state.level, AERO_PRESSURE_NONE);
}

static void surplus_in_the_dead_band_is_left_alone(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = content;

	/* 16 MiB headroom and a 32nd of 116 MiB */
	f.managed_pages += 4 * MIB;
	f.current_pages += 4 * MIB;
	f.free_pages += 7 * MIB;
	f.available_pages += 7 * MIB;
	assert_int_equal(move(rig, &f), 0);
	f.free_pages += 2 * MIB;
	f.available_pages += 2 * MIB;
	assert_true(move(rig, &f) < 0);
}

static void free_surplus_goes_a_quarter_a_step(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = roomy();

	/* 812 MiB available, 16 stay: 796 * 5 s / 20 s */
	assert_int_equal(move(rig, &f), -(int64_t)(199 * MIB));
	assert_true(rig->state.shrinking);
}

static void cache_goes_more_slowly_and_used_cache_still_more(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = roomy();

	/* 800 MiB of cache instead of free pages; 12 MiB free are 4 below the headroom */
	f.free_pages -= 800 * MIB;
	f.file_inactive_pages = 800 * MIB;
	/* 796 MiB * 5 s / 160 s = 24 MiB; of the free pages no more than half */
	assert_int_equal(move(rig, &f), -(int64_t)(f.free_pages / 2));
	f.free_pages += 60 * MIB;
	f.file_inactive_pages = 340 * MIB;
	f.file_active_pages = 400 * MIB;
	memset(&rig->state, 0, sizeof(rig->state));
	/*
	 * 796 MiB surplus: 56 free above reserve and headroom, of which 14; 400 active,
	 * of which 3.125; 340 of other cache, of which 10.625
	 */
	assert_int_equal(move(rig, &f), -(int64_t)(27.75 * MIB));
}

static void steps_of_any_length_add_up_alike(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = roomy();
	int64_t whole = move(rig, &f), parts;

	memset(&rig->state, 0, sizeof(rig->state));
	f.interval_ms = STEP / 5;
	parts = move(rig, &f) * 5;
	assert_in_range(-parts, -whole - 5, -whole + 5);
}

static void short_guest_gets_its_headroom_at_once(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = content;

	move(rig, &content);
	rig->state.wanted_pages = 0;
	f.available_pages = 8 * MIB;
	f.managed_pages -= 4 * MIB;
	f.current_pages -= 4 * MIB;
	assert_int_equal(move(rig, &f), 0);
	/* used is the same; one page below half of the headroom */
	f.available_pages -= 1;
	f.managed_pages -= 1;
	f.current_pages -= 1;
	assert_int_equal(move(rig, &f), 8 * MIB + 1);
	assert_int_equal(rig->state.level, AERO_PRESSURE_SHORT);
}

static void growing_use_is_met_ahead(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = content;

	move(rig, &content);
	/* 6 MiB of 12 used: so may half of that be in the next step, and it is below 8 + 3 */
	f.available_pages -= 6 * MIB;
	f.free_pages -= 6 * MIB;
	/* 106 used: headroom 16, and 3 to come, less the 6 there are */
	assert_int_equal(move(rig, &f), 13 * MIB);
	/* And the next 4 have a rise before them: all of it may come again. */
	f.available_pages -= 4 * MIB;
	f.managed_pages += 1 * MIB;
	rig->state.wanted_pages = 0;
	assert_int_equal(move(rig, &f), (16 + 5 - 2) * MIB);
}

static void promise_is_kept_before_it_is_called_in(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = content;

	move(rig, &content);
	f.committed_pages += 300 * MIB;
	assert_int_equal(move(rig, &f), 300 * MIB + 4 * MIB);
	assert_int_equal(rig->state.level, AERO_PRESSURE_SHORT);
}

static void promise_that_fits_moves_nothing(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = content;

	move(rig, &content);
	f.committed_pages += 4 * MIB;
	assert_int_equal(move(rig, &f), 0);
}

static void refaults_are_paid_twice(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = content;

	f.refaults = 319; /* 63.8 a second */
	assert_int_equal(move(rig, &f), 0);
	f.refaults = 20 * MIB;
	f.swap_in_pages = 5 * MIB;
	assert_int_equal(move(rig, &f), 50 * MIB);
	assert_int_equal(rig->state.level, AERO_PRESSURE_MILD);
}

static void growth_doubles_while_it_hurts(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = content;
	int64_t part = (int64_t)f.managed_pages / 32;

	f.refaults = 400;
	assert_in_range(move(rig, &f), 800, (uintmax_t)part);
	assert_in_range(move(rig, &f), part * 2 - 2, part * 2 + 2);
	assert_in_range(move(rig, &f), part * 4 - 4, part * 4 + 4);
	/* The limit is what the guest can have. */
	for (int i = 0; i < 10; i++)
		move(rig, &f);
	assert_int_equal(move(rig, &f) + (int64_t)f.current_pages, (int64_t)f.max_pfn);
}

static void growth_under_way_is_not_taken_back(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = content;
	int64_t grown;

	f.relieved_pages = 30 * MIB;
	grown = move(rig, &f);
	assert_int_equal(grown, 30 * MIB);
	/* The host is slow: nothing has come yet. */
	assert_int_equal(move(rig, &content), grown);
	assert_int_equal(move(rig, &content), grown);
}

static void stalls_are_urgent(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = content;
	int64_t eighth = (int64_t)f.managed_pages / 8;

	f.full_permille = 10;
	assert_int_equal(move(rig, &f), eighth);
	assert_int_equal(rig->state.level, AERO_PRESSURE_URGENT);
	memset(&rig->state, 0, sizeof(rig->state));
	f.full_permille = 9;
	f.some_permille = 40;
	assert_int_equal(move(rig, &f), eighth);
	memset(&rig->state, 0, sizeof(rig->state));
	f.some_permille = 39;
	assert_int_equal(move(rig, &f), eighth / 4);
	assert_int_equal(rig->state.level, AERO_PRESSURE_MILD);
	memset(&rig->state, 0, sizeof(rig->state));
	f.some_permille = 9;
	assert_int_equal(move(rig, &f), 0);
}

static void stalls_are_counted_where_time_is_unknown(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = content;

	/* 50 of 1 ms in 5 s are 10 per mille */
	f.stalls = 49;
	assert_int_equal(move(rig, &f), 0);
	f.stalls = 50;
	assert_true(move(rig, &f) > 0);
	assert_int_equal(rig->state.level, AERO_PRESSURE_MILD);
	f.stalls = 200;
	move(rig, &f);
	assert_int_equal(rig->state.level, AERO_PRESSURE_URGENT);
	/* Where it is known, the count says nothing. */
	f.some_permille = 0;
	move(rig, &f);
	assert_int_equal(rig->state.level, AERO_PRESSURE_NONE);
}

static void reclaim_that_finds_nothing_is_pressure(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = content;

	f.scanned_pages = 8000;
	f.stolen_pages = 1000;
	assert_int_equal(move(rig, &f), 0);
	f.stolen_pages = 999;
	assert_true(move(rig, &f) > 0);
}

static void swapping_out_is_pressure(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = content;

	f.swap_out_pages = 320;
	assert_true(move(rig, &f) > 0);
}

static void own_shrinking_is_no_pressure_but_a_reason_to_stop(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = roomy();

	assert_true(move(rig, &f) < 0);
	f.stalls = 200;
	f.swap_out_pages = 1000;
	assert_int_equal(move(rig, &f), 0);
	assert_int_equal(rig->state.level, AERO_PRESSURE_DOUBT);
	assert_int_equal(rig->state.quiet_ms, 2 * AERO_QUIET_MS);
	/* Now nothing is shrinking. */
	f.free_pages = f.reserve_pages;
	assert_true(move(rig, &f) > 0);
}

static void shrinking_stops_for_the_quiet_time(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = roomy();
	unsigned int steps = 0;

	f.refaults = 400;
	/* There are free pages, so that growth would not help. */
	assert_int_equal(move(rig, &f), 0);
	f.refaults = 0;
	while (move(rig, &f) >= 0)
		steps++;
	assert_int_equal((steps + 1) * STEP, AERO_QUIET_MS);
}

static void wrong_shrinking_doubles_the_quiet_time(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = roomy();
	uint32_t quiet = AERO_QUIET_MS;

	for (int i = 0; i < 12; i++) {
		f.refaults = 0;
		while (move(rig, &f) >= 0)
			;
		f.refaults = 400;
		move(rig, &f);
		quiet = quiet * 2 < AERO_QUIET_MAX_MS ? quiet * 2 : AERO_QUIET_MAX_MS;
		assert_int_equal(rig->state.quiet_ms, quiet);
	}
	assert_int_equal(quiet, AERO_QUIET_MAX_MS);
}

static void right_shrinking_halves_it_again(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = content;
	uint32_t before = AERO_QUIET_MAX_MS;

	move(rig, &content);
	rig->state.quiet_ms = before;
	/* This is a 16th less than what was too little then. */
	rig->state.hurt_pages = f.managed_pages + f.managed_pages / 16;
	for (int i = 0; i < 10000; i++) {
		move(rig, &f);
		assert_in_range(rig->state.quiet_ms, before / 2, before);
		before = rig->state.quiet_ms;
	}
	assert_int_equal(before, AERO_QUIET_MS);
}

/* With each halving the wait for the next one begins anew. */
static void halvings_are_a_quiet_time_apart(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = content;
	unsigned int steps;

	move(rig, &content);
	rig->state.quiet_ms = AERO_QUIET_MS * 8;
	rig->state.hurt_pages = f.managed_pages + f.managed_pages / 16;
	move(rig, &f);
	assert_int_equal(rig->state.quiet_ms, AERO_QUIET_MS * 4);
	for (steps = 0; rig->state.quiet_ms == AERO_QUIET_MS * 4; steps++)
		move(rig, &f);
	assert_int_equal(steps * STEP, AERO_QUIET_MS * 4 - AERO_QUIET_MS);
}

/* It is the size that counts with which the guest was too small, not the one it grew to. */
static void size_that_was_too_little_is_remembered(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = roomy();
	uint64_t wanted;

	wanted = f.managed_pages + move(rig, &f);
	f.refaults = 400;
	move(rig, &f);
	assert_int_equal(rig->state.hurt_pages, wanted);
}

static void quiet_time_ends_at_its_maximum(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = roomy();
	static const uint32_t most[] = {3 * AERO_QUIET_MS, UINT32_MAX};
	uint32_t before;

	for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
		memset(&rig->state, 0, sizeof(rig->state));
		rig->config.quiet_max_ms = most[i];
		f.refaults = 0;
		move(rig, &f);
		before = most[i] - AERO_QUIET_MS;
		rig->state.quiet_ms = before;
		rig->state.since_shrink_ms = 0;
		f.refaults = 400;
		move(rig, &f);
		assert_int_equal(rig->state.quiet_ms, most[i]);
	}
}

/* Even where the guest never was smaller since, pressure is forgotten in the end. */
static void pressure_of_long_ago_halves_the_quiet_time(void **state)
{
	struct rig *rig = *state;
	unsigned int steps;

	move(rig, &content);
	rig->state.quiet_ms = AERO_QUIET_MS * 4;
	rig->state.hurt_pages = content.managed_pages;
	rig->state.calm_ms = 0;
	for (steps = 0; rig->state.quiet_ms == AERO_QUIET_MS * 4; steps++)
		move(rig, &content);
	assert_int_equal(steps * STEP, AERO_QUIET_MS * 4 * 16);
	assert_int_equal(rig->state.quiet_ms, AERO_QUIET_MS * 2);
}

static void another_load_waits_the_shortest_quiet_time_at_least(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = content;

	move(rig, &content);
	rig->state.quiet_ms = AERO_QUIET_MS * 2;
	rig->state.quiet_left_ms = AERO_QUIET_MS * 2;
	rig->state.calm_ms = 0;
	rig->state.lesson_pages = 100 * MIB;
	f.available_pages = f.managed_pages - 74 * MIB;
	move(rig, &f);
	assert_int_equal(rig->state.quiet_left_ms, AERO_QUIET_MS - STEP);
}

/* A guest that slept for days does not give up all at once. */
static void step_counts_for_an_hour_at_the_most(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = roomy();
	int64_t hour;

	rig->config.free_return_ms = UINT32_MAX;
	f.interval_ms = 3600000;
	hour = move(rig, &f);
	assert_true(hour < 0);
	memset(&rig->state, 0, sizeof(rig->state));
	f.interval_ms = UINT32_MAX;
	assert_int_equal(move(rig, &f), hour);
	memset(&rig->state, 0, sizeof(rig->state));
	aero_pressure_defaults(&rig->config, 12);
	rig->config.min_usable_mb = 1;
	f.interval_ms = 0;
	assert_int_equal(move(rig, &f), -(int64_t)(199 * MIB));
}

static void another_load_need_not_wait_as_long(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = content;

	move(rig, &content);
	rig->state.quiet_ms = AERO_QUIET_MAX_MS;
	rig->state.quiet_left_ms = AERO_QUIET_MAX_MS;
	rig->state.calm_ms = 0;
	rig->state.lesson_pages = 100 * MIB;
	/* 76 MiB used: a little more than three quarters */
	f.available_pages = f.managed_pages - 76 * MIB;
	move(rig, &f);
	assert_int_equal(rig->state.quiet_left_ms, AERO_QUIET_MAX_MS - STEP);
	f.available_pages = f.managed_pages - 74 * MIB;
	move(rig, &f);
	assert_int_equal(rig->state.quiet_left_ms, AERO_QUIET_MAX_MS / 16 - STEP);
}

static void promise_that_is_called_in_is_not_counted_twice(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = content;

	move(rig, &content);
	f.committed_pages += 8 * MIB;
	f.available_pages -= 6 * MIB;
	f.free_pages -= 6 * MIB;
	/* headroom 16, 3 expected and 2 promised, less the 6 there are */
	assert_int_equal(move(rig, &f), 15 * MIB);
}

static void shrinking_under_way_goes_on(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = roomy();

	assert_int_equal(move(rig, &f), -(int64_t)(199 * MIB));
	/* Nothing went yet, and a quarter of what is spare now would be less. */
	f.available_pages -= 100 * MIB;
	f.free_pages -= 100 * MIB;
	assert_int_equal(move(rig, &f), -(int64_t)(199 * MIB));
}

/* 299 pages a step: a block goes as soon as so much is owed, and no sooner. */
static void less_than_a_block_is_owed(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = roomy();
	static const int64_t moves[] = {0, -512, 0, -512, 0};

	f.grain_pages = 512;
	rig->config.free_return_ms *= 170;
	for (unsigned int i = 0; i < sizeof(moves) / sizeof(*moves); i++) {
		int64_t moved = move(rig, &f);

		assert_int_equal(moved, moves[i]);
		f.managed_pages += moved;
		f.current_pages += moved;
	}
	assert_int_equal(rig->state.owed_pages, 5 * 299 - 2 * 512);
}

static void what_was_too_little_is_a_wall_for_the_quiet_time(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = roomy();
	uint64_t hurt = f.managed_pages;
	unsigned int steps;
	int64_t moved;

	move(rig, &content);
	rig->state.quiet_ms = 120 * STEP;
	f.refaults = 400;
	move(rig, &f);
	f.refaults = 0;
	f.managed_pages += 400 * MIB;
	f.current_pages += 400 * MIB;
	f.free_pages += 400 * MIB;
	f.available_pages += 400 * MIB;
	for (steps = 0; f.managed_pages > hurt + hurt / 32 || steps < 100; steps++) {
		moved = move(rig, &f);
		assert_in_range(f.managed_pages + moved, hurt + hurt / 32, UINT64_MAX);
		f.managed_pages += moved;
		f.current_pages += moved;
		f.free_pages += moved;
		f.available_pages += moved;
		assert_in_range(steps, 0, 118);
	}
	for (; steps < 120; steps++)
		moved = move(rig, &f);
	assert_true(moved < 0);
}

static void processes_memory_is_never_asked_for(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = roomy();

	/* The guest takes 800 MiB for available, but processes have all but 50 MiB. */
	f.anon_pages = f.managed_pages - f.reserve_pages - 50 * MIB;
	assert_int_equal(move(rig, &f), -(int64_t)(50 * MIB));
}

static void floor_is_kept(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f = content;

	rig->config.min_usable_mb = 0;
	/* 5000 + 25344 + (262144 - 5000 - 25344) / 32 */
	f.managed_pages = 37600;
	f.current_pages = 37600;
	f.available_pages = 37000;
	f.free_pages = 37500;
	assert_int_equal(aero_pressure_step(&rig->config, &rig->state, &f), 37587);
	rig->config.min_usable_mb = 200;
	assert_int_equal(aero_pressure_step(&rig->config, &rig->state, &f), 5000 + 200 * MIB);
}

static void extreme_figures_do_no_harm(void **state)
{
	struct rig *rig = *state;
	struct aero_policy_figures f;

	rig->config.min_usable_mb = 0;
	memset(&f, 0xff, sizeof(f));
	for (int i = 0; i < 40; i++)
		assert_true(aero_pressure_step(&rig->config, &rig->state, &f) == UINT64_MAX);
	memset(&f, 0, sizeof(f));
	memset(&rig->state, 0, sizeof(rig->state));
	for (int i = 0; i < 40; i++)
		assert_int_equal(aero_pressure_step(&rig->config, &rig->state, &f), 0);
	memset(&rig->config, 0, sizeof(rig->config));
	rig->config.page_shift = 12;
	f = roomy();
	for (int i = 0; i < 40; i++)
		aero_pressure_step(&rig->config, &rig->state, &f);
}

static void levels_have_names(void **state)
{
	assert_string_equal(aero_pressure_level_name(AERO_PRESSURE_NONE), "none");
	assert_string_equal(aero_pressure_level_name(AERO_PRESSURE_URGENT), "urgent");
	assert_string_equal(aero_pressure_level_name(AERO_PRESSURE_LEVELS), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(content_guest_is_left_alone),
		TEST(surplus_in_the_dead_band_is_left_alone),
		TEST(free_surplus_goes_a_quarter_a_step),
		TEST(cache_goes_more_slowly_and_used_cache_still_more),
		TEST(steps_of_any_length_add_up_alike),
		TEST(short_guest_gets_its_headroom_at_once),
		TEST(growing_use_is_met_ahead),
		TEST(promise_is_kept_before_it_is_called_in),
		TEST(promise_that_fits_moves_nothing),
		TEST(refaults_are_paid_twice),
		TEST(growth_doubles_while_it_hurts),
		TEST(growth_under_way_is_not_taken_back),
		TEST(stalls_are_urgent),
		TEST(stalls_are_counted_where_time_is_unknown),
		TEST(reclaim_that_finds_nothing_is_pressure),
		TEST(swapping_out_is_pressure),
		TEST(own_shrinking_is_no_pressure_but_a_reason_to_stop),
		TEST(shrinking_stops_for_the_quiet_time),
		TEST(wrong_shrinking_doubles_the_quiet_time),
		TEST(right_shrinking_halves_it_again),
		TEST(another_load_need_not_wait_as_long),
		TEST(promise_that_is_called_in_is_not_counted_twice),
		TEST(shrinking_under_way_goes_on),
		TEST(less_than_a_block_is_owed),
		TEST(what_was_too_little_is_a_wall_for_the_quiet_time),
		TEST(processes_memory_is_never_asked_for),
		TEST(floor_is_kept),
		TEST(extreme_figures_do_no_harm),
		TEST(levels_have_names),
		TEST(halvings_are_a_quiet_time_apart),
		TEST(size_that_was_too_little_is_remembered),
		TEST(quiet_time_ends_at_its_maximum),
		TEST(pressure_of_long_ago_halves_the_quiet_time),
		TEST(another_load_waits_the_shortest_quiet_time_at_least),
		TEST(step_counts_for_an_hour_at_the_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
