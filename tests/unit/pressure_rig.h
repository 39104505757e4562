/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the tests of the policy `pressure` share. */
#ifndef AEROSTAT_TESTS_PRESSURE_RIG_H
#define AEROSTAT_TESTS_PRESSURE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <aerostat/policy.h>

#include "guest.h"

#define MIB	256ULL /* pages of 4 KiB */
#define STEP	AERO_POLICY_INTERVAL_MS
#define ENDLESS (1ULL << 40)

struct rig {
	struct aero_pressure_config config;
	struct aero_pressure state;
	struct sim_guest guest;
	struct sim_load load;
	uint64_t host_free_pages, target_pages;
	uint64_t lowest_managed;
	unsigned int turns; /* from growing to shrinking or back */
	int direction;
};

/* A cmocka fixture: *state is the rig, with the default settings and without a floor. */
int pressure_setup(void **state);

#define TEST(function) cmocka_unit_test_setup(function, pressure_setup)

#endif
