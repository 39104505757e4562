// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Every number here was worked out by hand: 1 MiB is 256 pages of 4 KiB. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arithmetic.h"

/* A guest of 1 GiB; 10000 of its pages are the kernel's own. */
static const struct aero_policy_figures gib = {
	.managed_pages = 200000,
	.committed_pages = 50000,
	.reserve_pages = 5000,
	.max_pfn = 262144,
	.current_pages = 210000,
};

static struct aero_committed_config config(void)
{
	struct aero_committed_config c;

	aero_committed_defaults(&c, 12);
	return c;
}

static uint64_t floor_of(uint64_t max_pfn, uint64_t reserve)
{
	struct aero_policy_figures f = {.max_pfn = max_pfn, .reserve_pages = reserve};
	struct aero_committed_config c = config();

	return aero_committed_floor_pages(&c, &f);
}

static uint64_t target(struct aero_policy_figures f)
{
	struct aero_committed_config c = config();

	return aero_committed_target_pages(&c, &f);
}

static void floor_of_a_tiny_guest_is_all_of_it(void **state)
{
	assert_int_equal(floor_of(4000, 100), 4000);
	assert_int_equal(floor_of(4195, 100), 4195);
}

static void floor_below_64_mib_leaves_half(void **state)
{
	/* 16 MiB useful: 100 + 4096 + 0 */
	assert_int_equal(floor_of(4196, 100), 4196);
	/* 9500 useful: 500 + 4096 + 5404 / 2 */
	assert_int_equal(floor_of(10000, 500), 7298);
	/* 16383 useful: 100 + 4096 + 12287 / 2 */
	assert_int_equal(floor_of(16483, 100), 10339);
}

static void floor_below_512_mib_leaves_an_eighth(void **state)
{
	/* 16384 useful: 100 + 10240 + 6144 / 8 */
	assert_int_equal(floor_of(16484, 100), 11108);
	/* 98000 useful: 2000 + 10240 + 87760 / 8 */
	assert_int_equal(floor_of(100000, 2000), 23210);
	/* 131071 useful: 10240 + 120831 / 8 */
	assert_int_equal(floor_of(131071, 0), 25343);
}

static void floor_of_a_large_guest_leaves_a_32nd(void **state)
{
	/* 131072 useful: 25344 + 105728 / 32 */
	assert_int_equal(floor_of(131072, 0), 28648);
	/* 257144 useful: 5000 + 25344 + 231800 / 32 */
	assert_int_equal(floor_of(262144, 5000), 37587);
}

static void reserve_above_all_memory_leaves_nothing_useful(void **state)
{
	assert_int_equal(floor_of(1000, 2000), 1000);
}

static void administrators_floor_is_above_the_reserve(void **state)
{
	struct aero_committed_config c = config();

	c.min_usable_mb = 200;
	assert_int_equal(aero_committed_floor_pages(&c, &gib), 5000 + 51200);
	/* Also where the guest is too small to have another floor than all of it. */
	assert_int_equal(
		aero_committed_floor_pages(
			&c, &(struct aero_policy_figures){.max_pfn = 100, .reserve_pages = 7}),
		51207);
}

static void floor_follows_the_size_of_a_page(void **state)
{
	struct aero_committed_config c = config();

	/* 64 KiB: 16 pages a MiB.  16000 useful: 384 + 1584 + 14416 / 32 */
	c.page_shift = 16;
	assert_int_equal(
		aero_committed_floor_pages(
			&c, &(struct aero_policy_figures){.max_pfn = 16384, .reserve_pages = 384}),
		384 + 1584 + 450);
}

static void goal_below_goes_an_eighth_of_the_way(void **state)
{
	/* goal 55000: 200000 - 145000 / 8 = 181875, and 10000 unmanaged */
	assert_int_equal(target(gib), 191875);
}

/* A part that is less than a block would never be given, so the guest would stop too early. */
static void one_block_goes_where_a_part_is_less(void **state)
{
	struct aero_policy_figures f = gib;

	f.grain_pages = 512;
	assert_int_equal(target(f), 191875);
	f.managed_pages = 55000 + 4000;
	f.current_pages = f.managed_pages;
	assert_int_equal(target(f), 55000 + 4000 - 512);
	f.managed_pages = 55000 + 511;
	f.current_pages = f.managed_pages;
	assert_int_equal(target(f), 55000 + 511 - 511 / 8);
}

static void division_rounds_the_way_down(void **state)
{
	struct aero_policy_figures f = gib;

	/* 145007 / 8 = 18125: the rest of 7 is not taken */
	f.managed_pages = 200007;
	f.current_pages = 200007;
	assert_int_equal(target(f), 181882);
}

static void goal_above_is_met_at_once(void **state)
{
	struct aero_policy_figures f = gib;

	f.managed_pages = 50000;
	f.current_pages = 60000;
	f.committed_pages = 90000;
	f.swapped_pages = 1000;
	assert_int_equal(target(f), 96000 + 10000);
}

static void goal_equal_changes_nothing(void **state)
{
	struct aero_policy_figures f = gib;

	f.managed_pages = 55000;
	f.current_pages = 65000;
	assert_int_equal(target(f), 65000);
}

static void swapped_pages_need_room(void **state)
{
	struct aero_policy_figures f = gib;
	struct aero_committed_config c = config();

	f.swapped_pages = 8000;
	/* goal 63000: 200000 - 137000 / 8 = 182875 */
	assert_int_equal(target(f), 192875);
	c.leave_swapped = true;
	assert_int_equal(aero_committed_target_pages(&c, &f), 191875);
}

static void hysteresis_of_1_goes_all_the_way(void **state)
{
	struct aero_committed_config c = config();

	c.down_hysteresis = 1;
	assert_int_equal(aero_committed_target_pages(&c, &gib), 55000 + 10000);
}

static void large_hysteresis_goes_a_little_or_not_at_all(void **state)
{
	struct aero_committed_config c = config();
	struct aero_policy_figures f = gib;

	c.down_hysteresis = 1000;
	assert_int_equal(aero_committed_target_pages(&c, &f), 210000 - 145);
	c.down_hysteresis = UINT32_MAX;
	assert_int_equal(aero_committed_target_pages(&c, &f), 210000);

	f.managed_pages = 50000;
	f.current_pages = 60000;
	f.committed_pages = 91000;
	c.up_hysteresis = 4;
	assert_int_equal(aero_committed_target_pages(&c, &f), 60000 + 11500);
	c.up_hysteresis = 1000;
	assert_int_equal(aero_committed_target_pages(&c, &f), 60000 + 46);
	c.up_hysteresis = UINT32_MAX;
	assert_int_equal(aero_committed_target_pages(&c, &f), 60000);
}

static void hysteresis_of_0_counts_as_1(void **state)
{
	struct aero_committed_config c = config();

	c.down_hysteresis = 0;
	assert_int_equal(aero_committed_target_pages(&c, &gib), 65000);
}

static void nothing_committed_goes_down_to_the_floor(void **state)
{
	struct aero_policy_figures f = gib;

	f.committed_pages = 0;
	f.managed_pages = 60000;
	f.current_pages = 60000;
	/* 60000 - 55000 / 8 */
	assert_int_equal(target(f), 53125);
	f.managed_pages = 38000;
	f.current_pages = 38000;
	/* 38000 - 33000 / 8 = 33875, which is below 37587 */
	assert_int_equal(target(f), 37587);
	/* and from below the floor up to it */
	f.managed_pages = 20000;
	f.current_pages = 21000;
	assert_int_equal(target(f), 38587);
}

static void all_zeroes_are_no_target(void **state)
{
	assert_int_equal(target((struct aero_policy_figures){0}), 0);
}

static void all_ones_do_not_overflow(void **state)
{
	static const struct aero_policy_figures ones = {
		.managed_pages = UINT64_MAX,
		.committed_pages = UINT64_MAX,
		.reserve_pages = UINT64_MAX,
		.swapped_pages = UINT64_MAX,
		.max_pfn = UINT64_MAX,
		.current_pages = UINT64_MAX,
	};
	struct aero_policy_figures f;
	struct aero_committed_config c = config();

	assert_true(target(ones) == UINT64_MAX);
	c.min_usable_mb = UINT32_MAX;
	assert_true(aero_committed_target_pages(&c, &ones) == UINT64_MAX);
	/* one at a time */
	f = gib;
	f.committed_pages = UINT64_MAX;
	assert_true(target(f) == UINT64_MAX);
	f = gib;
	f.swapped_pages = UINT64_MAX;
	assert_true(target(f) == UINT64_MAX);
	f = gib;
	f.reserve_pages = UINT64_MAX;
	assert_true(target(f) == UINT64_MAX);
	f = gib;
	f.current_pages = UINT64_MAX;
	/* 181875 managed and more unmanaged than there can be */
	assert_true(target(f) == UINT64_MAX - 18125);
	f = gib;
	f.managed_pages = UINT64_MAX;
	/* managed more than there is: the step down is 2^64 / 8, the rest is below 0 */
	assert_int_equal(target(f), 0);
	f = gib;
	f.max_pfn = UINT64_MAX;
	/* the floor: 5000 + 25344 + (2^64 - 1 - 5000 - 25344) / 32 */
	assert_true(target(f) == 5000 + 25344 + (UINT64_MAX - 30344) / 32 + 10000);
}

static void all_ones_of_32_bits_are_only_large(void **state)
{
	static const struct aero_policy_figures f = {
		.managed_pages = UINT32_MAX,
		.committed_pages = UINT32_MAX,
		.reserve_pages = UINT32_MAX,
		.swapped_pages = UINT32_MAX,
		.max_pfn = UINT32_MAX,
		.current_pages = UINT32_MAX,
	};

	assert_int_equal(target(f), 3 * (uint64_t)UINT32_MAX);
}

static void balloon_that_counts_less_than_is_managed_stops_at_0(void **state)
{
	struct aero_policy_figures f = gib;

	f.current_pages = 190000;
	assert_int_equal(target(f), 171875);
	f.current_pages = 0;
	assert_int_equal(target(f), 0);
}

/* The ways to divide on a machine of 32 bits and one of 64 agree. */
static void long_division_divides(void **state)
{
	static const uint64_t numbers[] = {0,
					   1,
					   7,
					   8,
					   9,
					   UINT32_MAX,
					   (uint64_t)UINT32_MAX + 1,
					   1ULL << 63,
					   UINT64_MAX - 1,
					   UINT64_MAX,
					   0x123456789abcdef0ULL};
	static const uint32_t divisors[] = {1, 2, 3, 8, 20, 1000, UINT32_MAX - 1, UINT32_MAX};

	for (size_t n = 0; n < sizeof(numbers) / sizeof(*numbers); n++)
		for (size_t d = 0; d < sizeof(divisors) / sizeof(*divisors); d++) {
			assert_true(aero_long_division(numbers[n], divisors[d]) ==
				    numbers[n] / divisors[d]);
			assert_true(aero_quotient(numbers[n], divisors[d]) ==
				    numbers[n] / divisors[d]);
		}
}

static void parts_are_exact_until_they_do_not_fit(void **state)
{
	assert_int_equal(aero_part(1000, 3, 7), 428);
	assert_true(aero_part(UINT64_MAX, 1000, 1000) == UINT64_MAX);
	assert_true(aero_part(UINT64_MAX, 1, 2) == UINT64_MAX / 2);
	assert_true(aero_part(UINT64_MAX, 1001, 1000) == UINT64_MAX);
	assert_true(aero_part(UINT64_MAX, 0, 7) == 0);
	assert_true(aero_part(1ULL << 40, 3000000000U, 3000000000U) == 1ULL << 40);
	assert_int_equal(aero_part(5, 4, 0), 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(floor_of_a_tiny_guest_is_all_of_it),
		cmocka_unit_test(floor_below_64_mib_leaves_half),
		cmocka_unit_test(floor_below_512_mib_leaves_an_eighth),
		cmocka_unit_test(floor_of_a_large_guest_leaves_a_32nd),
		cmocka_unit_test(reserve_above_all_memory_leaves_nothing_useful),
		cmocka_unit_test(administrators_floor_is_above_the_reserve),
		cmocka_unit_test(floor_follows_the_size_of_a_page),
		cmocka_unit_test(goal_below_goes_an_eighth_of_the_way),
		cmocka_unit_test(one_block_goes_where_a_part_is_less),
		cmocka_unit_test(division_rounds_the_way_down),
		cmocka_unit_test(goal_above_is_met_at_once),
		cmocka_unit_test(goal_equal_changes_nothing),
		cmocka_unit_test(swapped_pages_need_room),
		cmocka_unit_test(hysteresis_of_1_goes_all_the_way),
		cmocka_unit_test(large_hysteresis_goes_a_little_or_not_at_all),
		cmocka_unit_test(hysteresis_of_0_counts_as_1),
		cmocka_unit_test(nothing_committed_goes_down_to_the_floor),
		cmocka_unit_test(all_zeroes_are_no_target),
		cmocka_unit_test(all_ones_do_not_overflow),
		cmocka_unit_test(all_ones_of_32_bits_are_only_large),
		cmocka_unit_test(balloon_that_counts_less_than_is_managed_stops_at_0),
		cmocka_unit_test(long_division_divides),
		cmocka_unit_test(parts_are_exact_until_they_do_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
