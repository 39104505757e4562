// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Targets that no toolstack means.  It was reported that a PVH guest dies at target 0 and
 * at a huge one: the kernel takes away what the guest does not see of its memory, the
 * result is negative, it was read as a number near 2^64, and memory was added until its
 * page structures had used up the guest's own.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <aerostat/xen.h>

#define ALL  65280U
#define ROOM 256U

static void negative_targets_ask_for_nothing(void **state)
{
	(void)state;
	/* What a guest showed as guest_target_pages. */
	assert_int_equal(aero_xen_target(18446744073709551519ULL), 0);
	assert_int_equal(aero_xen_target(1ULL << 63), 0);
	assert_int_equal(aero_xen_target(UINT64_MAX), 0);
	assert_int_equal(aero_xen_beyond(18446744073709551519ULL, ALL, ROOM), 0);
}

static void sane_targets_stay_what_they_are(void **state)
{
	(void)state;
	assert_int_equal(aero_xen_target(0), 0);
	assert_int_equal(aero_xen_target(ALL), ALL);
	assert_int_equal(aero_xen_beyond(ALL, ALL, ROOM), 0);
	assert_int_equal(aero_xen_beyond(ALL - 1, ALL, ROOM), 0);
	assert_int_equal(aero_xen_beyond(ALL + 1, ALL, ROOM), 1);
	assert_int_equal(aero_xen_beyond(ALL + ROOM, ALL, ROOM), ROOM);
}

static void huge_targets_ask_for_what_xen_allows(void **state)
{
	(void)state;
	assert_int_equal(aero_xen_beyond(99999999999ULL / 4, ALL, ROOM), ROOM);
	assert_int_equal(aero_xen_beyond(INT64_MAX, ALL, ROOM), ROOM);
	assert_int_equal(aero_xen_beyond(INT64_MAX, ALL, 0), 0);
}

static void unknown_limits_leave_no_room(void **state)
{
	(void)state;
	assert_int_equal(aero_xen_room(-1, ALL), 0);
	assert_int_equal(aero_xen_room(ALL, -38), 0);
	assert_int_equal(aero_xen_room(LONG_MIN, LONG_MIN), 0);
	assert_int_equal(aero_xen_room(ALL, ALL + 1), 0);
	assert_int_equal(aero_xen_room(ALL + ROOM, ALL), ROOM);
	assert_int_equal(aero_xen_room(UINT32_MAX, ALL), UINT32_MAX - ALL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(negative_targets_ask_for_nothing),
		cmocka_unit_test(sane_targets_stay_what_they_are),
		cmocka_unit_test(huge_targets_ask_for_what_xen_allows),
		cmocka_unit_test(unknown_limits_leave_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
