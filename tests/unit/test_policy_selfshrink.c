// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <aerostat/policy.h>

#define ALONE (-1)

static struct aero_selfshrink_config config(void)
{
	struct aero_selfshrink_config c;

	aero_selfshrink_defaults(&c);
	return c;
}

static void run(const struct aero_selfshrink_config *c, struct aero_selfshrink *s, uint64_t stored,
		int64_t expected)
{
	uint64_t target = 12345;
	bool moves = aero_selfshrink_step(c, s, stored, &target);

	assert_int_equal(moves, expected != ALONE);
	assert_int_equal(target, moves ? expected : 12345);
}

static void defaults_are_20_and_3(void **state)
{
	assert_int_equal(config().hysteresis, 20);
	assert_int_equal(config().inertia, 3);
}

static void first_sight_of_a_store_is_growth(void **state)
{
	struct aero_selfshrink_config c = config();
	struct aero_selfshrink s = {0};

	run(&c, &s, 1000, ALONE);
	assert_int_equal(s.inertia_left, 3);
}

static void third_step_without_growth_moves_and_each_one_after_it(void **state)
{
	struct aero_selfshrink_config c = config();
	struct aero_selfshrink s = {0};

	run(&c, &s, 1000, ALONE);
	run(&c, &s, 1000, ALONE);
	run(&c, &s, 1000, ALONE);
	run(&c, &s, 1000, 950);
	run(&c, &s, 950, 903); /* 950 / 20 = 47 */
	run(&c, &s, 903, 858);
}

static void growth_starts_the_wait_again(void **state)
{
	struct aero_selfshrink_config c = config();
	struct aero_selfshrink s = {.stored_pages = 1000};

	run(&c, &s, 1000, 950);
	run(&c, &s, 1001, ALONE);
	run(&c, &s, 1001, ALONE);
	run(&c, &s, 1002, ALONE);
	run(&c, &s, 1002, ALONE);
	run(&c, &s, 1002, ALONE);
	run(&c, &s, 1002, 952);
}

static void empty_store_starts_the_wait_again(void **state)
{
	struct aero_selfshrink_config c = config();
	struct aero_selfshrink s = {.stored_pages = 10};

	run(&c, &s, 0, ALONE);
	assert_int_equal(s.inertia_left, 3);
	run(&c, &s, 0, ALONE);
	assert_int_equal(s.inertia_left, 3);
}

static void few_pages_come_home_together(void **state)
{
	struct aero_selfshrink_config c = config();
	struct aero_selfshrink s = {.stored_pages = 21};

	run(&c, &s, 21, 20);
	run(&c, &s, 20, 0);
	run(&c, &s, 1, 0);
}

static void inertia_of_0_and_1_wait_for_one_step_without_growth(void **state)
{
	struct aero_selfshrink_config c = config();
	struct aero_selfshrink s = {0};

	c.inertia = 1;
	run(&c, &s, 100, ALONE);
	run(&c, &s, 100, 95);
	c.inertia = 0;
	run(&c, &s, 101, ALONE);
	run(&c, &s, 101, 96);
}

static void hysteresis_of_0_and_1_empty_the_store(void **state)
{
	struct aero_selfshrink_config c = config();
	struct aero_selfshrink s = {.stored_pages = 100};

	c.hysteresis = 1;
	run(&c, &s, 100, 0);
	c.hysteresis = 0;
	run(&c, &s, 100, 0);
}

static void large_hysteresis_counts_the_store_as_few_pages(void **state)
{
	struct aero_selfshrink_config c = config();
	struct aero_selfshrink s = {.stored_pages = 5000};

	c.hysteresis = 4999;
	run(&c, &s, 5000, 4999);
	c.hysteresis = UINT32_MAX;
	run(&c, &s, 5000, 0);
}

static void all_ones_do_not_overflow(void **state)
{
	struct aero_selfshrink_config c = config();
	struct aero_selfshrink s = {.stored_pages = UINT64_MAX};
	uint64_t target;

	assert_true(aero_selfshrink_step(&c, &s, UINT64_MAX, &target));
	assert_true(target == UINT64_MAX - UINT64_MAX / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_20_and_3),
		cmocka_unit_test(first_sight_of_a_store_is_growth),
		cmocka_unit_test(third_step_without_growth_moves_and_each_one_after_it),
		cmocka_unit_test(growth_starts_the_wait_again),
		cmocka_unit_test(empty_store_starts_the_wait_again),
		cmocka_unit_test(few_pages_come_home_together),
		cmocka_unit_test(inertia_of_0_and_1_wait_for_one_step_without_growth),
		cmocka_unit_test(hysteresis_of_0_and_1_empty_the_store),
		cmocka_unit_test(large_hysteresis_counts_the_store_as_few_pages),
		cmocka_unit_test(all_ones_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
