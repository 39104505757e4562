// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "rig.h"

#include "internal.h"

/* Where the first held block of @class lies, and nothing else. */
static struct aero_range range_of(struct rig *rig, enum aero_class class)
{
	return (struct aero_range){
		.first = rig->port.held[class].first->pfn,
		.pages = AERO_BLOCK_PAGES,
	};
}

static struct aero_range everything(void)
{
	return (struct aero_range){.pages = UINT64_MAX};
}

static void block_in_the_range_is_asked_back_and_others_stay(void **state)
{
	struct rig *rig = *state;

	rig_reach(rig, 4 * AERO_BLOCK_PAGES + 5);
	rig->fake.course[0] = 0;
	assert_true(aero_vacate(&rig->b, range_of(rig, AERO_CLASS_LARGE)));
	rig_check(rig);
	assert_string_equal(rig->fake.course, "reclaim:large:1 ");
	assert_int_equal(rig->b.size_pages, 3 * AERO_BLOCK_PAGES + 5);
	assert_int_equal(rig->b.counters.vacated_pages, AERO_BLOCK_PAGES);
	rig_reach(rig, 4 * AERO_BLOCK_PAGES + 5);
}

static void nothing_is_said_when_nothing_is_in_the_way(void **state)
{
	struct rig *rig = *state;

	rig_reach(rig, AERO_BLOCK_PAGES + 5);
	rig->fake.course[0] = 0;
	assert_true(aero_vacate(&rig->b, (struct aero_range){.pages = AERO_BLOCK_PAGES}));
	assert_string_equal(rig->fake.course, "");
	assert_int_equal(rig->b.size_pages, AERO_BLOCK_PAGES + 5);
}

static void blocks_offered_as_pages_leave_too_and_single_pages_stay(void **state)
{
	struct rig *rig = *state;

	rig->b.config.large = false;
	rig->b.config.split = true;
	rig_reach(rig, 3 * AERO_BLOCK_PAGES + 5);
	assert_int_equal(rig->b.held[AERO_CLASS_SPLIT], 3);
	assert_true(aero_vacate(&rig->b, everything()));
	rig_check(rig);
	assert_int_equal(rig->b.size_pages, 5);
	assert_int_equal(rig->b.held[AERO_CLASS_PAGE], 5);
}

static void block_that_the_hypervisor_keeps_is_reported_and_stays(void **state)
{
	struct rig *rig = *state;

	rig_reach(rig, 2 * AERO_BLOCK_PAGES);
	rig->fake.answer = fake_keep_all;
	assert_false(aero_vacate(&rig->b, everything()));
	rig_check(rig);
	assert_int_equal(rig->b.size_pages, 2 * AERO_BLOCK_PAGES);
	rig->fake.answer = NULL;
	assert_true(aero_vacate(&rig->b, everything()));
	rig_check(rig);
	assert_int_equal(rig->b.size_pages, 0);
}

static void without_a_connection_blocks_are_simply_the_guests(void **state)
{
	struct rig *rig = *state;

	rig_reach(rig, 2 * AERO_BLOCK_PAGES);
	fake_forget(&rig->fake);
	rig->b.reset_required = true;
	rig->fake.course[0] = 0;
	assert_true(aero_vacate(&rig->b, everything()));
	assert_string_equal(rig->fake.course, "");
	assert_int_equal(rig->b.size_pages, 0);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
	rig_check(rig);
}

/* Without memory behind them they cannot be the guest's before the hypervisor is asked. */
static void hollow_blocks_stay_without_a_connection(void **state)
{
	struct rig *rig = rig_unbacked(state, 2 * AERO_BLOCK_PAGES);

	rig->b.reset_required = true;
	assert_false(aero_vacate(&rig->b, everything()));
	rig_check(rig);
	assert_int_equal(rig->b.size_pages, 2 * AERO_BLOCK_PAGES);
	rig->b.reset_required = false;
	assert_true(aero_vacate(&rig->b, everything()));
	rig_check(rig);
	assert_int_equal(rig->b.size_pages, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST_CONNECTED(block_in_the_range_is_asked_back_and_others_stay),
		RIG_TEST_CONNECTED(nothing_is_said_when_nothing_is_in_the_way),
		RIG_TEST_CONNECTED(blocks_offered_as_pages_leave_too_and_single_pages_stay),
		RIG_TEST_CONNECTED(block_that_the_hypervisor_keeps_is_reported_and_stays),
		RIG_TEST_CONNECTED(without_a_connection_blocks_are_simply_the_guests),
		RIG_TEST(hollow_blocks_stay_without_a_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
