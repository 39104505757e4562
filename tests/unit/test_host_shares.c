// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Our own rule for hosts: what it promises to guests, to the host, and to who watches them move. */
#include <time.h>

#include "host_rig.h"

static struct host_rig shares(uint64_t total)
{
	struct host_rig r;

	rig_init(&r, "shares", total);
	return r;
}

static void settle(struct host_rig *r, int steps)
{
	for (int i = 0; i < steps; i++)
		rig_step(r);
}

/* -- growth ----------------------------------------------------------------------------------- */

static void guest_that_needs_more_grows_at_once(void **state)
{
	struct host_rig r = shares(8 * GIB);

	rig_add(&r, GIB, 512 * MIB);
	rig_step(&r);
	assert_int_equal(r.decision[0].target_kib, GIB);
	/* The jump counts half again: 1000 + 100 + 244 MiB. */
	rig_use(&r, 0, 1000 * MIB, 0);
	rig_step(&r);
	assert_in_range(r.decision[0].target_kib, 1343 * MIB, 1345 * MIB);
	assert_int_equal(r.decision[0].reason, AERO_HOST_GROWS_TO_NEED);
	rig_free(&r);
}

static void guest_that_swaps_grows_more_with_each_step(void **state)
{
	struct host_rig r = shares(8 * GIB);
	uint64_t last, grown = 0;

	rig_add(&r, GIB, GIB - MIB);
	rig_step(&r);
	for (int i = 0; i < 3; i++) {
		last = r.guest[0].current_kib;
		rig_use(&r, 0, last - MIB, 0);
		r.guest[0].swap_in_kib = 8 * MIB;
		r.guest[0].major_faults = 2048;
		rig_step(&r);
		assert_true(r.guest[0].current_kib - last > grown);
		grown = r.guest[0].current_kib - last;
	}
	rig_free(&r);
}

/* Its faults belong to the recovery: the memory is there, and not used yet. */
static void faults_while_memory_is_free_are_no_need(void **state)
{
	struct host_rig r = shares(8 * GIB);

	rig_add(&r, 2 * GIB, 512 * MIB);
	rig_step(&r);
	r.guest[0].major_faults = 100000;
	settle(&r, 10);
	assert_int_equal(r.guest[0].current_kib, 2 * GIB);
	rig_free(&r);
}

static void growth_that_is_not_there_yet_waits(void **state)
{
	struct host_rig r = shares(4 * GIB);

	rig_add(&r, GIB, GIB);
	rig_add(&r, 3 * GIB, 512 * MIB);
	rig_step(&r);
	assert_int_equal(r.decision[0].target_kib, GIB);
	assert_int_equal(r.decision[0].reason, AERO_HOST_WAITS);
	assert_true(r.decision[1].target_kib < 3 * GIB);
	rig_step(&r);
	assert_true(r.decision[0].target_kib > GIB);
	rig_free(&r);
}

/* What was taken from it and has not left yet is simply left with it. */
static void shrinking_guest_that_needs_memory_keeps_what_it_has(void **state)
{
	struct host_rig r = shares(4 * GIB);

	rig_add(&r, 2 * GIB, 2 * GIB - 100 * MIB);
	rig_add(&r, 2 * GIB, GIB);
	r.guest[0].target_kib = GIB;
	rig_decide(&r);
	assert_true(r.decision[0].target_kib >= 2 * GIB);
	rig_free(&r);
}

/* -- taking -------------------------------------------------------------------------------------
 */

static void nothing_is_taken_while_nobody_needs_it(void **state)
{
	struct host_rig r = shares(16 * GIB);

	rig_set(&r, "spare-ms", 86400000);
	rig_add(&r, 4 * GIB, 300 * MIB);
	rig_add(&r, 2 * GIB, GIB);
	for (int i = 0; i < 1000; i++) {
		rig_step(&r);
		assert_int_equal(r.guest[0].current_kib, 4 * GIB);
		assert_int_equal(r.guest[1].current_kib, 2 * GIB);
	}
	rig_free(&r);
}

/* The first has free memory, the second page cache, the third neither. */
static void those_that_miss_it_least_give_first(void **state)
{
	struct host_rig r = shares(8 * GIB + 100 * MIB);

	rig_add(&r, 2 * GIB, 512 * MIB);
	rig_add(&r, 2 * GIB, 512 * MIB);
	rig_add(&r, 2 * GIB, 1800 * MIB);
	rig_add(&r, 2 * GIB, 2000 * MIB);
	rig_use(&r, 1, 512 * MIB, 1500 * MIB);
	rig_step(&r);
	assert_true(r.decision[0].target_kib < 2 * GIB);
	assert_int_equal(r.decision[0].reason, AERO_HOST_SHRINKS_SPARE);
	assert_int_equal(r.decision[1].target_kib, 2 * GIB);
	assert_int_equal(r.decision[2].target_kib, 2 * GIB);
	rig_free(&r);
}

static void page_cache_that_was_needed_is_not_taken_again(void **state)
{
	struct host_rig r = shares(5 * GIB);
	uint64_t before;

	rig_add(&r, 2 * GIB, 512 * MIB);
	rig_use(&r, 0, 512 * MIB, 1500 * MIB);
	rig_step(&r);
	/* It reads again what it had evicted. */
	r.guest[0].major_faults = 2000;
	rig_step(&r);
	r.guest[0].major_faults = 0;
	before = r.guest[0].current_kib;
	rig_add(&r, 3 * GIB, 3 * GIB - MIB);
	settle(&r, 5);
	assert_true(r.guest[0].current_kib >= before - before / 16);
	rig_free(&r);
}

static void need_of_one_leaves_the_other_what_it_needs(void **state)
{
	struct host_rig r = shares(4 * GIB);

	rig_add(&r, 2 * GIB, GIB);
	rig_add(&r, 2 * GIB, 2 * GIB);
	for (int i = 0; i < 50; i++) {
		rig_use(&r, 1, r.guest[1].current_kib, 0);
		rig_step(&r);
	}
	assert_true(r.guest[0].current_kib >= GIB + 64 * MIB);
	assert_true(r.guest[1].current_kib > 2 * GIB + 512 * MIB);
	rig_free(&r);
}

/* -- shares
 * ---------------------------------------------------------------------------------------- */

static void not_enough_for_all_is_divided_by_shares(void **state)
{
	struct host_rig r = shares(3 * GIB);

	rig_add(&r, GIB + 512 * MIB, GIB);
	rig_add(&r, GIB + 512 * MIB, GIB);
	r.guest[0].shares = 2000;
	for (int i = 0; i < 60; i++) {
		rig_use(&r, 0, r.guest[0].current_kib, 0);
		rig_use(&r, 1, r.guest[1].current_kib, 0);
		rig_step(&r);
	}
	assert_in_range(r.guest[0].current_kib, 1900 * MIB, 2050 * MIB);
	assert_in_range(r.guest[1].current_kib, 1000 * MIB, 1100 * MIB);
	rig_free(&r);
}

static void no_shares_count_as_one(void **state)
{
	struct host_rig r = shares(3 * GIB);

	rig_add(&r, GIB, GIB);
	r.guest[0].shares = 0;
	settle(&r, 5);
	assert_true(r.guest[0].current_kib > GIB);
	rig_free(&r);
}

static void greedy_liar_gets_no_more_than_its_share(void **state)
{
	struct host_rig r = shares(4 * GIB);

	rig_add(&r, 2 * GIB, GIB);
	rig_add(&r, 2 * GIB, 2 * GIB);
	for (int i = 0; i < 500; i++) {
		rig_use(&r, 1, r.guest[1].current_kib, 0);
		r.guest[1].major_faults = ~(uint64_t)0;
		r.guest[1].swap_in_kib = ~(uint64_t)0;
		/* Half of the way the honest one wants more than its half. */
		rig_use(&r, 0, i < 250 ? GIB : r.guest[0].current_kib, 0);
		rig_step(&r);
	}
	assert_true(r.guest[0].current_kib >= 2 * GIB - 2 * GIB / 16);
	rig_free(&r);
}

static void spare_memory_is_shared_out_when_it_lasts(void **state)
{
	struct host_rig r = shares(8 * GIB);

	rig_add(&r, GIB, 512 * MIB);
	rig_add(&r, GIB, 512 * MIB);
	r.guest[0].shares = 3000;
	settle(&r, 100);
	assert_int_equal(r.guest[0].current_kib, GIB);
	settle(&r, 200);
	assert_int_equal(r.guest[0].current_kib, 4 * GIB);
	assert_true(r.guest[1].current_kib > GIB);
	rig_free(&r);
}

/* -- guests that say little
 * --------------------------------------------------------------------------- */

static void guest_without_statistics_keeps_what_it_has_touched(void **state)
{
	struct host_rig r = shares(4 * GIB);

	rig_add(&r, 2 * GIB, GIB);
	r.guest[0].statistics_age_ms = AERO_POLICY_UNKNOWN;
	r.guest[0].resident_kib = GIB;
	rig_add(&r, 2 * GIB, 2 * GIB);
	rig_step(&r);
	assert_int_equal(r.decision[0].need_kib, GIB);
	/* What it has not touched is taken for the other one. */
	assert_in_range(r.decision[0].target_kib, GIB, 2 * GIB - 100 * MIB);
	rig_free(&r);
}

static void stale_statistics_leave_the_last_opinion(void **state)
{
	struct host_rig r = shares(8 * GIB);
	uint64_t need;

	rig_add(&r, GIB, 700 * MIB);
	rig_step(&r);
	need = r.decision[0].need_kib;
	r.guest[0].statistics_age_ms = 600000;
	r.guest[0].usable_kib = 0;
	r.guest[0].major_faults = 100000;
	rig_step(&r);
	assert_int_equal(r.decision[0].need_kib, need);
	assert_int_equal(r.decision[0].target_kib, GIB);
	rig_free(&r);
}

/* The figures are from before the growth: what was given must not look like use. */
static void statistics_older_than_the_growth_do_not_feed_it(void **state)
{
	struct host_rig r = shares(16 * GIB);

	rig_add(&r, GIB, 900 * MIB);
	rig_step(&r);
	for (int i = 0; i < 6; i++) {
		uint64_t grown = r.guest[0].current_kib;

		r.guest[0].statistics_age_ms = 4900;
		r.guest[0].usable_kib = 124 * MIB;
		r.guest[0].unused_kib = 124 * MIB;
		rig_decide(&r);
		r.guest[0].target_kib = r.decision[0].target_kib;
		r.guest[0].current_kib = r.decision[0].target_kib;
		if (i)
			assert_true(r.guest[0].current_kib < grown + 400 * MIB);
		/* The next figures are of this size. */
		r.guest[0].usable_kib = r.guest[0].current_kib - 900 * MIB;
		r.guest[0].unused_kib = r.guest[0].usable_kib;
		r.guest[0].statistics_age_ms = 0;
		rig_step(&r);
	}
	assert_true(r.guest[0].current_kib < 2 * GIB);
	rig_free(&r);
}

/* -- the host comes first
 * --------------------------------------------------------------------------------- */

static void host_short_of_memory_gets_it_back(void **state)
{
	struct host_rig r = shares(4 * GIB);

	r.host.reserve_kib = 512 * MIB;
	rig_add(&r, 2 * GIB, GIB);
	rig_add(&r, 2 * GIB, GIB);
	rig_step(&r);
	assert_int_equal(r.decision[0].reason, AERO_HOST_SHRINKS_HOST);
	assert_true(r.guest[0].current_kib + r.guest[1].current_kib <= 3 * GIB + 512 * MIB);
	rig_free(&r);
}

static void host_that_stalls_is_given_more_and_more(void **state)
{
	struct host_rig r = shares(8 * GIB);
	uint64_t before, after;

	rig_add(&r, 4 * GIB, 2 * GIB);
	rig_add(&r, 4 * GIB, 2 * GIB);
	settle(&r, 100);
	before = r.guest[0].current_kib + r.guest[1].current_kib;
	r.host.full_permille = 100;
	settle(&r, 10);
	after = r.guest[0].current_kib + r.guest[1].current_kib;
	assert_true(after + 400 * MIB < before);
	/* But not without an end. */
	settle(&r, 1000);
	assert_true(r.guest[0].current_kib + r.guest[1].current_kib > 4 * GIB);
	rig_free(&r);
}

static void room_is_made_for_a_guest_that_starts(void **state)
{
	struct host_rig r = shares(8 * GIB);

	rig_add(&r, 4 * GIB, GIB);
	rig_add(&r, 4 * GIB, GIB);
	r.host.room_kib = 4 * GIB;
	settle(&r, 20);
	assert_true(r.guest[0].current_kib + r.guest[1].current_kib <= 4 * GIB);
	assert_true(r.guest[0].current_kib >= GIB + 64 * MIB);
	rig_free(&r);
}

static void shrinking_for_room_says_so(void **state)
{
	struct host_rig r = shares(4 * GIB);

	rig_add(&r, 4 * GIB, GIB);
	r.host.room_kib = GIB;
	rig_decide(&r);
	assert_int_equal(r.decision[0].reason, AERO_HOST_SHRINKS_ROOM);
	rig_free(&r);
}

/* -- who watches them move
 * ------------------------------------------------------------------------------------ */

/* Use that swings by 200 MiB every half minute: the guest grows once and then keeps that. */
static void pulses_do_not_move_a_guest(void **state)
{
	struct host_rig r = shares(6 * GIB);
	uint64_t size;

	rig_set(&r, "spare-ms", 86400000);
	rig_add(&r, GIB, 600 * MIB);
	rig_add(&r, 4 * GIB, 3 * GIB);
	for (int i = 0; i < 60; i++) {
		rig_use(&r, 0, (i / 6 % 2 ? 900 : 600) * MIB, 0);
		rig_step(&r);
	}
	size = r.guest[0].current_kib;
	for (int i = 0; i < 600; i++) {
		rig_use(&r, 0, (i / 6 % 2 ? 900 : 600) * MIB, 0);
		rig_step(&r);
		assert_int_equal(r.guest[0].current_kib, size);
	}
	rig_free(&r);
}

/* 1000 guests, all of which want more than there is: every search for a level is made. */
static void step_for_1000_guests_takes_less_than_10_ms(void **state)
{
	enum { GUESTS = 1000, STEPS = 20 };
	static struct aero_host_guest guests[GUESTS];
	static struct aero_host_decision decisions[GUESTS];
	static uint64_t memory[GUESTS][64];
	static void *states[GUESTS];
	struct host_rig r = shares(GUESTS * GIB + GUESTS * 512 * MIB);
	struct timespec from, to;
	double ms;

	assert_true(r.policy->guest_state_size <= sizeof(memory[0]));
	rig_add(&r, GIB, GIB);
	for (size_t i = 0; i < GUESTS; i++) {
		guests[i] = r.guest[0];
		guests[i].current_kib = (i % 2 ? 2 : 1) * GIB;
		guests[i].target_kib = guests[i].current_kib;
		guests[i].usable_kib = i % 2 ? GIB : 0;
		guests[i].unused_kib = i % 2 ? 512 * MIB : 0;
		guests[i].swap_in_kib = i % 2 ? 0 : 100 * MIB;
		states[i] = memory[i];
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	for (int n = 0; n < STEPS; n++) {
		r.policy->step(r.config, r.host_state, &r.host, guests, states, GUESTS, decisions);
		for (size_t i = 0; i < GUESTS; i++)
			guests[i].target_kib = decisions[i].target_kib;
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	ms = ((double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6) /
	     STEPS;
	print_message("# %.2f ms of CPU time a step, with the sanitizers\n", ms);
	/* The sanitizers make it several times slower than it is. */
	assert_true(ms < 10 * 5);
	rig_free(&r);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(guest_that_needs_more_grows_at_once),
		T(guest_that_swaps_grows_more_with_each_step),
		T(faults_while_memory_is_free_are_no_need),
		T(growth_that_is_not_there_yet_waits),
		T(shrinking_guest_that_needs_memory_keeps_what_it_has),
		T(nothing_is_taken_while_nobody_needs_it),
		T(those_that_miss_it_least_give_first),
		T(page_cache_that_was_needed_is_not_taken_again),
		T(need_of_one_leaves_the_other_what_it_needs),
		T(not_enough_for_all_is_divided_by_shares),
		T(no_shares_count_as_one),
		T(greedy_liar_gets_no_more_than_its_share),
		T(spare_memory_is_shared_out_when_it_lasts),
		T(guest_without_statistics_keeps_what_it_has_touched),
		T(stale_statistics_leave_the_last_opinion),
		T(statistics_older_than_the_growth_do_not_feed_it),
		T(host_short_of_memory_gets_it_back),
		T(host_that_stalls_is_given_more_and_more),
		T(room_is_made_for_a_guest_that_starts),
		T(shrinking_for_room_says_so),
		T(pulses_do_not_move_a_guest),
		T(step_for_1000_guests_takes_less_than_10_ms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
