// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* tools/common/psi.c: the shares of time in which tasks waited for memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "psi.h"

/* After a second, in which some waited @some_us and all @full_us; the daemon itself @own_us. */
static struct aero_stall second(uint64_t some_us, uint64_t full_us, uint64_t own_us)
{
	const struct aero_psi before = {.some_us = 5000, .full_us = 3000, .at_us = 7000};
	const struct aero_psi now = {
		.some_us = 5000 + some_us, .full_us = 3000 + full_us, .at_us = 1007000};

	return aero_psi_stall(&before, &now, own_us);
}

static void shares_are_thousandths(void **state)
{
	(void)state;
	assert_int_equal(second(20000, 5000, 0).some_permille, 20);
	assert_int_equal(second(20000, 5000, 0).full_permille, 5);
	assert_int_equal(second(2000000, 0, 0).some_permille, 1000);
}

static void own_waiting_does_not_count(void **state)
{
	(void)state;
	assert_int_equal(second(20000, 15000, 8000).some_permille, 12);
	assert_int_equal(second(20000, 15000, 8000).full_permille, 7);
	assert_int_equal(second(20000, 15000, 20001).some_permille, 0);
	assert_int_equal(second(20000, 15000, UINT64_MAX).full_permille, 0);
}

static void all_do_not_wait_longer_than_some(void **state)
{
	(void)state;
	assert_int_equal(second(20000, 30000, 0).full_permille, 20);
}

static void totals_and_clocks_that_go_back_say_nothing(void **state)
{
	const struct aero_psi late = {.some_us = 9000, .full_us = 9000, .at_us = 2000000};
	const struct aero_psi early = {.some_us = 1000, .full_us = 1000, .at_us = 1000000};
	const struct aero_psi fresh = {.some_us = 0, .full_us = 0, .at_us = 3000000};

	(void)state;
	assert_int_equal(aero_psi_stall(&late, &early, 0).some_permille, 0);
	assert_int_equal(aero_psi_stall(&late, &fresh, 0).some_permille, 0);
	assert_int_equal(aero_psi_stall(&late, &late, 0).some_permille, 0);
}

/* So much time has passed, and some tasks waited so long, the daemon's child @own_us of it. */
static bool is_urgent(uint64_t passed_us, uint64_t some_us, uint64_t own_us)
{
	const struct aero_psi before = {.some_us = 5000, .at_us = 7000};
	const struct aero_psi now = {.some_us = 5000 + some_us, .at_us = 7000 + passed_us};

	return aero_psi_is_urgent(&before, &now, own_us);
}

static void urgent_is_a_share_of_a_second_at_first(void **state)
{
	const uint64_t share_us = AERO_PSI_URGENT_PERMILLE * 1000;

	(void)state;
	assert_false(is_urgent(0, share_us, 0));
	assert_true(is_urgent(0, share_us + 1, 0));
	assert_false(is_urgent(1000000, share_us, 0));
	assert_true(is_urgent(1000000, share_us + 1, 0));
}

static void urgent_is_a_share_of_the_time_later(void **state)
{
	const uint64_t share_us = AERO_PSI_URGENT_PERMILLE * 1000;

	(void)state;
	assert_false(is_urgent(10000000, 10 * share_us, 0));
	assert_true(is_urgent(10000000, 10 * share_us + 1, 0));
}

static void own_waiting_is_not_urgent(void **state)
{
	const uint64_t share_us = AERO_PSI_URGENT_PERMILLE * 1000;

	(void)state;
	assert_false(is_urgent(1000000, 90000 + share_us, 90000));
	assert_true(is_urgent(1000000, 90000 + share_us + 1, 90000));
	assert_false(is_urgent(1000000, 90000, UINT64_MAX));
}

static void totals_that_begin_anew_are_not_urgent(void **state)
{
	const struct aero_psi late = {.some_us = 9000000, .at_us = 2000000};
	const struct aero_psi fresh = {.some_us = 0, .at_us = 3000000};

	(void)state;
	assert_false(aero_psi_is_urgent(&late, &fresh, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_are_thousandths),
		cmocka_unit_test(own_waiting_does_not_count),
		cmocka_unit_test(all_do_not_wait_longer_than_some),
		cmocka_unit_test(totals_and_clocks_that_go_back_say_nothing),
		cmocka_unit_test(urgent_is_a_share_of_a_second_at_first),
		cmocka_unit_test(urgent_is_a_share_of_the_time_later),
		cmocka_unit_test(own_waiting_is_not_urgent),
		cmocka_unit_test(totals_that_begin_anew_are_not_urgent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
