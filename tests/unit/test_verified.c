// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Reported: a newer kernel may put a free block back where a look at it afterwards cannot tell, so
 * the methods that depend on a kernel's inside must be off on kernels that nobody has verified.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compat/verified.h"

#define VERSION(major, minor, patch) ((unsigned int)(major) << 16 | (minor) << 8 | (patch))

static void whole_series_are_verified(void **state)
{
	assert_true(aerostat_is_verified(VERSION(5, 10, 223), AEROSTAT_FREE_LISTS));
	assert_true(aerostat_is_verified(VERSION(6, 1, 0), AEROSTAT_FREE_LISTS));
	assert_true(aerostat_is_verified(VERSION(6, 1, 255), AEROSTAT_TAKE_OVER));
	assert_true(aerostat_is_verified(VERSION(6, 12, 1), AEROSTAT_TAKE_OVER));
	assert_true(aerostat_is_verified(VERSION(7, 2, 13), AEROSTAT_FREE_LISTS));
}

static void other_kernels_are_not(void **state)
{
	static const unsigned int others[] = {
		VERSION(4, 19, 1), VERSION(5, 9, 255),	VERSION(5, 11, 0), VERSION(6, 0, 0),
		VERSION(6, 2, 0),  VERSION(6, 11, 255), VERSION(6, 13, 0), VERSION(7, 1, 255),
		VERSION(7, 99, 0), VERSION(8, 0, 0),	UINT32_MAX,	   0,
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_false(aerostat_is_verified(others[i], AEROSTAT_FREE_LISTS));
		assert_false(aerostat_is_verified(others[i], AEROSTAT_TAKE_OVER));
	}
}

static void the_parameter_decides(void **state)
{
	const unsigned int known = VERSION(6, 1, 192), unknown = VERSION(6, 13, 0);

	assert_true(aerostat_may_use(-1, known, AEROSTAT_FREE_LISTS));
	assert_false(aerostat_may_use(0, known, AEROSTAT_FREE_LISTS));
	assert_false(aerostat_may_use(-1, unknown, AEROSTAT_FREE_LISTS));
	assert_true(aerostat_may_use(1, unknown, AEROSTAT_FREE_LISTS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_series_are_verified),
		cmocka_unit_test(other_kernels_are_not),
		cmocka_unit_test(the_parameter_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
