// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "rig.h"

#include "internal.h"

static void take(struct rig *rig, unsigned int order, unsigned int n)
{
	assert_int_equal(aero_port_take(&rig->port, order, AERO_LIGHT, rig->b.batch.block, n), n);
	rig->b.counters.taken[AERO_UNIT_BASE][AERO_LIGHT] += (uint64_t)n << order;
}

static void hold_counts_blocks_and_pages(void **state)
{
	struct rig *rig = *state;

	take(rig, 0, 3);
	aero_store_hold(&rig->b, AERO_CLASS_PAGE, rig->b.batch.block, 3);
	take(rig, 9, 2);
	aero_store_hold(&rig->b, AERO_CLASS_LARGE, rig->b.batch.block, 2);
	take(rig, 9, 1);
	aero_store_hold(&rig->b, AERO_CLASS_SPLIT, rig->b.batch.block, 1);
	assert_int_equal(rig->b.held[AERO_CLASS_PAGE], 3);
	assert_int_equal(rig->b.held[AERO_CLASS_SPLIT], 1);
	assert_int_equal(rig->b.held[AERO_CLASS_LARGE], 2);
	assert_int_equal(rig->b.size_pages, 3 + 3 * 512);
	sim_check(&rig->b, NULL);
}

static void unhold_gives_what_there_is(void **state)
{
	struct rig *rig = *state;

	take(rig, 0, 5);
	aero_store_hold(&rig->b, AERO_CLASS_PAGE, rig->b.batch.block, 5);
	assert_int_equal(aero_store_unhold(&rig->b, AERO_CLASS_PAGE, rig->b.batch.block, 100), 5);
	assert_int_equal(rig->b.size_pages, 0);
	aero_store_free(&rig->b, AERO_CLASS_PAGE, rig->b.batch.block, 5);
	assert_int_equal(rig->b.counters.freed[AERO_UNIT_BASE], 5);
	sim_check(&rig->b, NULL);
}

static void unhold_leaves_isolated_pages_counted(void **state)
{
	struct rig *rig = *state;
	aero_page *page;

	take(rig, 0, 2);
	aero_store_hold(&rig->b, AERO_CLASS_PAGE, rig->b.batch.block, 2);
	page = sim_isolate(&rig->port);
	assert_int_equal(aero_store_unhold(&rig->b, AERO_CLASS_PAGE, rig->b.batch.block, 2), 1);
	assert_int_equal(rig->b.size_pages, 1);
	aero_store_hold(&rig->b, AERO_CLASS_PAGE, rig->b.batch.block, 1);
	sim_putback(&rig->port, page);
	sim_check(&rig->b, NULL);
}

static void give_counts_a_run_as_512_pages(void **state)
{
	struct rig *rig = *state;

	take(rig, 9, 1);
	aero_store_free(&rig->b, AERO_CLASS_SPLIT, rig->b.batch.block, 1);
	take(rig, 9, 1);
	aero_store_free(&rig->b, AERO_CLASS_LARGE, rig->b.batch.block, 1);
	assert_int_equal(rig->b.counters.freed[AERO_UNIT_BASE], 512);
	assert_int_equal(rig->b.counters.freed[AERO_UNIT_LARGE], 1);
}

static void sixteen_refused_pages_are_kept_the_seventeenth_is_freed(void **state)
{
	struct rig *rig = *state;
	unsigned int i;

	take(rig, 0, 17);
	for (i = 0; i < 17; i++)
		aero_store_refuse(&rig->b, AERO_UNIT_BASE, rig->b.batch.block[i]);
	assert_int_equal(rig->b.refused_n[AERO_UNIT_BASE], 16);
	assert_int_equal(rig->b.counters.refused[AERO_UNIT_BASE], 17);
	assert_int_equal(rig->b.counters.refused_freed[AERO_UNIT_BASE], 1);
	assert_int_equal(rig->port.owned[SIM_FLIGHT], 16);
	assert_int_equal(rig->b.batch.block[16]->owner, SIM_FREE);
}

static void refused_sizes_are_kept_apart(void **state)
{
	struct rig *rig = *state;
	unsigned int i;

	take(rig, 9, 3);
	for (i = 0; i < 3; i++)
		aero_store_refuse(&rig->b, AERO_UNIT_LARGE, rig->b.batch.block[i]);
	take(rig, 0, 16);
	for (i = 0; i < 16; i++)
		aero_store_refuse(&rig->b, AERO_UNIT_BASE, rig->b.batch.block[i]);
	assert_int_equal(rig->b.refused_n[AERO_UNIT_LARGE], 3);
	assert_int_equal(rig->b.refused_n[AERO_UNIT_BASE], 16);
	assert_int_equal(rig->b.counters.refused_freed[AERO_UNIT_BASE], 0);
}

static void all_refused_are_freed_in_their_size(void **state)
{
	struct rig *rig = *state;

	take(rig, 9, 1);
	aero_store_refuse(&rig->b, AERO_UNIT_LARGE, rig->b.batch.block[0]);
	take(rig, 0, 1);
	aero_store_refuse(&rig->b, AERO_UNIT_BASE, rig->b.batch.block[0]);
	aero_store_free_refused(&rig->b);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
	assert_int_equal(rig->b.counters.refused_freed[AERO_UNIT_BASE], 1);
	assert_int_equal(rig->b.counters.refused_freed[AERO_UNIT_LARGE], 1);
	aero_store_free_refused(&rig->b);
	sim_check(&rig->b, NULL);
}

static void pop_takes_one_batch_at_a_time(void **state)
{
	struct rig *rig = *state;

	take(rig, 0, 512);
	aero_store_hold(&rig->b, AERO_CLASS_PAGE, rig->b.batch.block, 512);
	take(rig, 0, 1);
	aero_store_hold(&rig->b, AERO_CLASS_PAGE, rig->b.batch.block, 1);
	take(rig, 9, 2);
	aero_store_hold(&rig->b, AERO_CLASS_SPLIT, rig->b.batch.block, 2);
	take(rig, 9, 3);
	aero_store_hold(&rig->b, AERO_CLASS_LARGE, rig->b.batch.block, 3);
	assert_true(aero_store_pop(&rig->b));
	assert_int_equal(rig->b.size_pages, 1 + 5 * 512);
	assert_true(aero_store_pop(&rig->b));
	assert_int_equal(rig->b.size_pages, 5 * 512);
	/* A run of 512 units fills a batch. */
	assert_true(aero_store_pop(&rig->b));
	assert_int_equal(rig->b.size_pages, 4 * 512);
	assert_true(aero_store_pop(&rig->b));
	assert_true(aero_store_pop(&rig->b));
	assert_int_equal(rig->b.size_pages, 0);
	assert_false(aero_store_pop(&rig->b));
	assert_int_equal(rig->b.counters.pages_popped, 513 + 5 * 512);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
}

static void broken_run_is_held_as_pages(void **state)
{
	struct rig *rig = *state;

	take(rig, 9, 1);
	aero_store_hold(&rig->b, AERO_CLASS_SPLIT, rig->b.batch.block, 1);
	assert_true(aero_store_break(&rig->b, &rig->b.batch));
	assert_int_equal(rig->b.held[AERO_CLASS_SPLIT], 0);
	assert_int_equal(rig->b.held[AERO_CLASS_PAGE], 512);
	assert_int_equal(rig->b.size_pages, 512);
	assert_int_equal(rig->b.counters.blocks_broken, 1);
	sim_check(&rig->b, NULL);
	assert_false(aero_store_break(&rig->b, &rig->b.batch));
}

static void large_block_is_broken_when_there_is_no_run(void **state)
{
	struct rig *rig = *state;

	take(rig, 9, 1);
	aero_store_hold(&rig->b, AERO_CLASS_LARGE, rig->b.batch.block, 1);
	assert_true(aero_store_break(&rig->b, &rig->b.batch));
	assert_int_equal(rig->b.held[AERO_CLASS_PAGE], 512);
	sim_check(&rig->b, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(hold_counts_blocks_and_pages),
		RIG_TEST(unhold_gives_what_there_is),
		RIG_TEST(unhold_leaves_isolated_pages_counted),
		RIG_TEST(give_counts_a_run_as_512_pages),
		RIG_TEST(sixteen_refused_pages_are_kept_the_seventeenth_is_freed),
		RIG_TEST(refused_sizes_are_kept_apart),
		RIG_TEST(all_refused_are_freed_in_their_size),
		RIG_TEST(pop_takes_one_batch_at_a_time),
		RIG_TEST(broken_run_is_held_as_pages),
		RIG_TEST(large_block_is_broken_when_there_is_no_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
