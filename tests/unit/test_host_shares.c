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

/* 500 MiB of it are in swap: it needs room for them at once, not a little more each time. */
static void what_is_in_swap_counts_as_use(void **state)
{
	struct host_rig r = shares(8 * GIB);
	uint64_t before;

	rig_add(&r, GIB, GIB - MIB);
	rig_step(&r);
	before = r.guest[0].current_kib;
	rig_use(&r, 0, before - MIB, 0);
	r.guest[0].swap_out_kib = 500 * MIB;
	rig_step(&r);
	assert_in_range(r.decision[0].target_kib, before + 500 * MIB, before + 510 * MIB);
	rig_free(&r);
}

/* And no longer, when the processes have ended. */
static void swap_is_forgotten_when_memory_is_free_again(void **state)
{
	struct host_rig r = shares(8 * GIB);

	rig_add(&r, GIB, GIB - MIB);
	rig_step(&r);
	r.guest[0].swap_out_kib = 500 * MIB;
	rig_step(&r);
	r.guest[0].swap_out_kib = 0;
	rig_use(&r, 0, 500 * MIB, 0);
	rig_step(&r);
	rig_use(&r, 0, r.guest[0].current_kib - 100 * MIB, 0);
	r.guest[0].swap_out_kib = MIB;
	rig_decide(&r);
	assert_true(r.decision[0].need_kib < r.guest[0].current_kib + 700 * MIB);
	rig_free(&r);
}

static void small_growth_is_not_worth_a_move(void **state)
{
	struct host_rig r = shares(8 * GIB);

	rig_add(&r, 2 * GIB, 1860 * MIB);
	rig_step(&r);
	/* 1873 + 187 + 6 MiB are 18 MiB more than it has: less than 1/64. */
	rig_use(&r, 0, 1873 * MIB, 0);
	rig_step(&r);
	assert_int_equal(r.decision[0].target_kib, 2 * GIB);
	assert_true(r.decision[0].need_kib > 2 * GIB);
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

/* An hour later nobody knows whether it still needs that. */
static void page_cache_that_was_needed_is_forgotten_slowly(void **state)
{
	struct host_rig r = shares(8 * GIB);
	uint64_t need;

	rig_add(&r, 2 * GIB, 512 * MIB);
	rig_use(&r, 0, 512 * MIB, 1500 * MIB);
	rig_step(&r);
	r.guest[0].major_faults = 2000;
	rig_step(&r);
	r.guest[0].major_faults = 0;
	need = r.decision[0].need_kib;
	assert_true(need > 2 * GIB - 100 * MIB);
	settle(&r, 60);
	assert_true(r.decision[0].need_kib > need - need / 4);
	settle(&r, 720);
	assert_true(r.decision[0].need_kib < GIB);
	rig_free(&r);
}

/* 2 % of 8 GiB are the pool, and when it is short it is filled to half as much again. */
static void pool_is_filled_from_what_nobody_misses(void **state)
{
	struct host_rig r = shares(8 * GIB);
	uint64_t both;

	rig_add(&r, 4 * GIB, GIB);
	rig_add(&r, 4 * GIB, GIB);
	settle(&r, 200);
	both = r.guest[0].current_kib + r.guest[1].current_kib;
	assert_in_range(8 * GIB - both, 240 * MIB, 260 * MIB);
	rig_free(&r);
}

static void guest_that_has_just_grown_is_left_alone(void **state)
{
	struct host_rig r = shares(4 * GIB);
	uint64_t size;

	rig_add(&r, GIB, 900 * MIB);
	rig_add(&r, 2 * GIB + 400 * MIB, 2 * GIB + 100 * MIB);
	rig_step(&r);
	/* It jumps, grows, and its use falls back; the pool is short. */
	rig_use(&r, 0, GIB, 0);
	rig_step(&r);
	size = r.guest[0].current_kib;
	assert_true(size > GIB);
	rig_use(&r, 0, 300 * MIB, 0);
	r.host.total_kib = size + r.guest[1].current_kib;
	for (int i = 0; i < 11; i++) {
		rig_step(&r);
		assert_int_equal(r.guest[0].current_kib, size);
	}
	settle(&r, 20);
	assert_true(r.guest[0].current_kib < size);
	rig_free(&r);
}

/* It had to grow soon after it was shrunk: the next time it is left alone for twice as long. */
static void wrong_taking_is_not_repeated_soon(void **state)
{
	struct host_rig r = shares(4 * GIB);
	uint64_t size;
	int first = 0, second = 0;

	rig_set(&r, "spare-ms", 86400000);
	rig_add(&r, 2 * GIB, 500 * MIB);
	rig_add(&r, 2 * GIB, GIB + 800 * MIB);
	rig_step(&r);
	assert_true(r.guest[0].current_kib < 2 * GIB);
	for (int n = 0; n < 2; n++) {
		/* A need that ends soon. */
		rig_use(&r, 0, r.guest[0].current_kib - 10 * MIB, 0);
		rig_step(&r);
		rig_use(&r, 0, 500 * MIB, 0);
		/* The pool is short from now on. */
		r.host.total_kib = r.guest[0].current_kib + r.guest[1].current_kib;
		size = r.guest[0].current_kib;
		for (int i = 0; i < 100 && r.guest[0].current_kib == size; i++) {
			rig_step(&r);
			*(n ? &second : &first) = i;
		}
	}
	assert_true(second >= 2 * first - 1);
	rig_free(&r);
}

static void room_for_the_usual_jump_is_taken_late(void **state)
{
	struct host_rig r = shares(4 * GIB);

	rig_set(&r, "quiet-ms", 0);
	rig_set(&r, "pool-permille", 500);
	rig_set(&r, "pool-max-permille", 500);
	rig_add(&r, GIB, 200 * MIB);
	rig_add(&r, 2 * GIB, 2 * GIB - 200 * MIB);
	rig_step(&r);
	/* It jumps by 600 MiB and comes back. */
	rig_use(&r, 0, 800 * MIB, 0);
	rig_step(&r);
	rig_use(&r, 0, 200 * MIB, 0);
	r.host.total_kib = r.guest[0].current_kib + r.guest[1].current_kib;
	settle(&r, 60);
	assert_in_range(r.guest[0].current_kib, 700 * MIB, 900 * MIB);
	rig_free(&r);
}

static void little_is_not_taken(void **state)
{
	struct host_rig r = shares(2 * GIB);

	rig_add(&r, 2 * GIB, 2 * GIB - 240 * MIB);
	settle(&r, 20);
	/* 60 MiB above need and headroom: less than 1/32. */
	assert_int_equal(r.guest[0].current_kib, 2 * GIB);
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

/* A moment without memory in between, and it does not last. */
static void memory_that_is_spare_for_a_moment_is_kept(void **state)
{
	struct host_rig r = shares(8 * GIB);

	rig_add(&r, GIB, 512 * MIB);
	for (int i = 0; i < 600; i++) {
		r.host.overhead_kib = i % 100 == 50 ? 6 * GIB + 800 * MIB : 0;
		rig_step(&r);
	}
	assert_int_equal(r.guest[0].current_kib, GIB);
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

	rig_add(&r, GIB, 500 * MIB);
	rig_step(&r);
	rig_use(&r, 0, 1000 * MIB, 0);
	rig_step(&r);
	assert_true(r.guest[0].current_kib > GIB + 300 * MIB);
	/* Nothing new is known. */
	r.guest[0].statistics_age_ms = 4900;
	r.guest[0].usable_kib = 24 * MIB;
	r.guest[0].unused_kib = 24 * MIB;
	rig_decide(&r);
	assert_int_equal(r.decision[0].target_kib, r.guest[0].current_kib);
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

/* By its books it has enough, but it uses more itself than they say. */
static void host_with_less_free_than_its_reserve_gets_it_back(void **state)
{
	struct host_rig r = shares(8 * GIB);

	r.host.reserve_kib = 512 * MIB;
	r.host.available_kib = 100 * MIB;
	rig_add(&r, 2 * GIB, GIB);
	rig_decide(&r);
	assert_true(r.decision[0].target_kib <= 2 * GIB - 400 * MIB);
	assert_int_equal(r.decision[0].reason, AERO_HOST_SHRINKS_HOST);
	/* It is on its way: nothing more is asked for. */
	r.guest[0].target_kib = r.decision[0].target_kib;
	rig_decide(&r);
	assert_int_equal(r.decision[0].target_kib, r.guest[0].target_kib);
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
		T(what_is_in_swap_counts_as_use),
		T(swap_is_forgotten_when_memory_is_free_again),
		T(small_growth_is_not_worth_a_move),
		T(pool_is_filled_from_what_nobody_misses),
		T(guest_that_has_just_grown_is_left_alone),
		T(wrong_taking_is_not_repeated_soon),
		T(room_for_the_usual_jump_is_taken_late),
		T(little_is_not_taken),
		T(memory_that_is_spare_for_a_moment_is_kept),
		T(host_with_less_free_than_its_reserve_gets_it_back),
		T(page_cache_that_was_needed_is_forgotten_slowly),
		T(pulses_do_not_move_a_guest),
		T(step_for_1000_guests_takes_less_than_10_ms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
