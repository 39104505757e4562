// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The loads of simulated fleets are what they are said to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "load.h"

#define STEP_MS 5000U
#define DAYS	10U

struct seen {
	unsigned int guests;
	double average, peak; /* of all guests' own memory, in parts of their sizes */
};

static void watch(uint32_t index, struct seen *seen)
{
	struct load load;
	uint64_t steps = (uint64_t)DAYS * 86400000 / STEP_MS, sum = 0, peak = 0;

	load_init_fleet(&load, 1, index);
	for (uint64_t i = 0; i < steps; i++) {
		struct sim_load want;

		load_step(&load, i * STEP_MS, STEP_MS, &want);
		assert_true(want.anon_pages + want.hot_pages <= load.total_pages);
		assert_true(want.committed_pages >= want.anon_pages);
		sum += want.anon_pages;
		peak = want.anon_pages > peak ? want.anon_pages : peak;
	}
	seen[load.kind].guests++;
	seen[load.kind].average += (double)sum / (double)steps / (double)load.total_pages;
	seen[load.kind].peak += (double)peak / (double)load.total_pages;
}

static void agents_peak_is_15_times_their_average_and_more(void **state)
{
	struct seen seen[FLEET_LOADS] = {0};
	double ratio;

	for (uint32_t i = 0; i < 60; i++)
		watch(i, seen);
	assert_true(seen[LOAD_AGENT].guests >= 10);
	ratio = seen[LOAD_AGENT].peak / seen[LOAD_AGENT].average;
	print_message("# %.1f times\n", ratio);
	assert_true(ratio > 15 && ratio < 20);
	/* And nobody else is like that. */
	for (int kind = 0; kind < FLEET_LOADS; kind++)
		if (kind != LOAD_AGENT && seen[kind].guests)
			assert_true(seen[kind].peak / seen[kind].average < 10);
}

/* The guests of a host stay the same when more are added, and differ from each other. */
static void guest_depends_on_its_number_only(void **state)
{
	struct load a, b, again;

	load_init_fleet(&a, 1, 5);
	load_init_fleet(&b, 1, 6);
	load_init_fleet(&again, 1, 5);
	assert_memory_equal(&a, &again, sizeof(a));
	assert_memory_not_equal(&a, &b, sizeof(a));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(agents_peak_is_15_times_their_average_and_more),
		cmocka_unit_test(guest_depends_on_its_number_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
