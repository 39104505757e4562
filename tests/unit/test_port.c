// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The tests' own ground: that the simulated guest and the ownership checker catch what they must.
 */
#include "rig.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs @deed in a child process; true if it did not survive. */
static bool dies(struct rig *rig, void (*deed)(struct rig *))
{
	int status = 0;
	pid_t child;

	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		/* What it says on its way out is not this test's output. */
		if (!freopen("/dev/null", "w", stderr))
			_exit(0);
		deed(rig);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return !WIFEXITED(status) || WEXITSTATUS(status);
}

static aero_page *take(struct rig *rig, unsigned int order)
{
	aero_page *block;

	assert_int_equal(aero_port_take(&rig->port, order, AERO_LIGHT, &block, 1), 1);
	rig->b.counters.taken[AERO_UNIT_BASE][AERO_LIGHT] += 1ULL << order;
	return block;
}

static void give(struct rig *rig, aero_page *block, unsigned int order)
{
	aero_port_free(&rig->port, order, &block, 1);
	rig->b.counters.freed[AERO_UNIT_BASE] += 1ULL << order;
}

/* -- the allocator --------------------------------------------------------------- */

static void freed_neighbours_join_again(void **state)
{
	struct rig *rig = *state;
	aero_page *block[RIG_PAGES];
	unsigned int i;

	assert_int_equal(rig->port.free[10].blocks, RIG_PAGES / 1024);
	for (i = 0; i < RIG_PAGES; i++)
		block[i] = take(rig, 0);
	assert_int_equal(sim_free_pages(&rig->port), 0);
	for (i = 0; i < RIG_PAGES; i += 2)
		give(rig, block[i], 0);
	assert_int_equal(rig->port.free[0].blocks, RIG_PAGES / 2);
	for (i = 1; i < RIG_PAGES; i += 2)
		give(rig, block[i], 0);
	assert_int_equal(rig->port.free[10].blocks, RIG_PAGES / 1024);
	sim_check(&rig->b, NULL);
}

static void memory_of_any_size_is_all_given_out(void **state)
{
	struct aero_port port;
	aero_page *page;
	unsigned int n = 0;

	sim_create(&port, 1537, 1ULL << 33, 1);
	assert_int_equal(port.free[10].blocks, 1);
	assert_int_equal(port.free[9].blocks, 1);
	assert_int_equal(port.free[0].blocks, 1);
	while (aero_port_take(&port, 0, AERO_LIGHT, &page, 1)) {
		assert_true(aero_port_pfn(page).v >= 1ULL << 33);
		n++;
	}
	assert_int_equal(n, 1537);
	sim_destroy(&port);
}

static void light_effort_leaves_the_reserve_alone(void **state)
{
	struct rig *rig = *state;
	aero_page *blocks[100];

	rig->port.low_pages = RIG_PAGES - 10;
	assert_int_equal(aero_port_take(&rig->port, 0, AERO_LIGHT, blocks, 100), 10);
	assert_int_equal(aero_port_take(&rig->port, 9, AERO_LIGHT, blocks, 1), 0);
	assert_int_equal(aero_port_take(&rig->port, 9, AERO_RECLAIM, blocks, 1), 1);
}

static void reclaim_takes_from_the_cache(void **state)
{
	struct rig *rig = *state;
	aero_page *block;
	unsigned int i;

	for (i = 0; i < RIG_PAGES; i++)
		assert_non_null(sim_guest_alloc(&rig->port, 0, i % 2));
	assert_int_equal(aero_port_spare_pages(&rig->port), RIG_PAGES / 2);
	assert_int_equal(aero_port_take(&rig->port, 0, AERO_LIGHT, &block, 1), 0);
	assert_int_equal(aero_port_take(&rig->port, 0, AERO_RECLAIM, &block, 1), 1);
	assert_int_equal(rig->port.cache.blocks, RIG_PAGES / 2 - 1);
}

static void rules_make_allocations_fail(void **state)
{
	struct rig *rig = *state;
	aero_page *blocks[10];

	rig->port.rule[0] =
		(struct sim_rule){.effort = AERO_LIGHT, .order = 0, .first = 3, .times = 2};
	assert_int_equal(aero_port_take(&rig->port, 0, AERO_LIGHT, blocks, 10), 2);
	assert_int_equal(aero_port_take(&rig->port, 0, AERO_LIGHT, blocks, 10), 0);
	assert_int_equal(aero_port_take(&rig->port, 0, AERO_LIGHT, blocks, 10), 10);
	rig->port.rule[0] =
		(struct sim_rule){.effort = SIM_ANY, .order = SIM_ANY, .per_1024 = 1024};
	assert_int_equal(aero_port_take(&rig->port, 9, AERO_RECLAIM, blocks, 1), 0);
}

static void fragmented_memory_has_no_block_of_two(void **state)
{
	struct rig *rig = *state;

	sim_fragment(&rig->port);
	assert_int_equal(rig->port.free[0].blocks, RIG_PAGES / 2);
	assert_null(sim_guest_alloc(&rig->port, 1, false));
	sim_check(&rig->b, NULL);
}

/* -- mistakes end the test ---------------------------------------------------------- */

static void deed_give_twice(struct rig *rig)
{
	aero_page *page = take(rig, 0);

	give(rig, page, 0);
	give(rig, page, 0);
}

static void deed_hold_twice(struct rig *rig)
{
	aero_page *page = take(rig, 0);

	aero_port_hold(&rig->port, AERO_CLASS_PAGE, &page, 1);
	aero_port_hold(&rig->port, AERO_CLASS_PAGE, &page, 1);
}

static void deed_give_held(struct rig *rig)
{
	aero_page *page = take(rig, 0);

	aero_port_hold(&rig->port, AERO_CLASS_PAGE, &page, 1);
	give(rig, page, 0);
}

static void deed_give_block_as_page(struct rig *rig)
{
	give(rig, take(rig, 9), 0);
}

static void deed_give_page_as_block(struct rig *rig)
{
	aero_page *block = take(rig, 9);

	aero_port_split(&rig->port, block, 9);
	give(rig, block, 9);
}

static void deed_hold_block_as_page(struct rig *rig)
{
	aero_page *block = take(rig, 9);

	aero_port_hold(&rig->port, AERO_CLASS_PAGE, &block, 1);
}

static void deed_write_to_discarded(struct rig *rig)
{
	aero_page *page = take(rig, 0);

	sim_discard(&rig->port, page->pfn.v, 1);
	*(volatile char *)sim_memory(page) = 1;
}

static void deed_free_locked(struct rig *rig)
{
	aero_page *page = take(rig, 0);

	sim_discard(&rig->port, page->pfn.v, 1);
	give(rig, page, 0);
}

static void deed_write_to_free(struct rig *rig)
{
	aero_page *page = take(rig, 0);

	give(rig, page, 0);
	*(uint64_t *)sim_memory(page) = 1;
	take(rig, 0);
}

static void deed_write_to_guests_data(struct rig *rig)
{
	aero_page *page = sim_guest_alloc(&rig->port, 0, false);

	((uint64_t *)sim_memory(page))[64] ^= 1;
	sim_guest_free(&rig->port, page);
}

static void deed_discard_twice(struct rig *rig)
{
	sim_discard(&rig->port, 5, 1);
	sim_discard(&rig->port, 5, 1);
}

static void deed_discard_beyond_memory(struct rig *rig)
{
	sim_discard(&rig->port, RIG_PAGES - 1, 2);
}

static void deed_nothing(struct rig *rig)
{
	give(rig, take(rig, 9), 9);
}

static void wrong_changes_of_owner_are_fatal(void **state)
{
	struct rig *rig = *state;

	assert_false(dies(rig, deed_nothing));
	assert_true(dies(rig, deed_give_twice));
	assert_true(dies(rig, deed_hold_twice));
	assert_true(dies(rig, deed_give_held));
	assert_true(dies(rig, deed_give_block_as_page));
	assert_true(dies(rig, deed_give_page_as_block));
	assert_true(dies(rig, deed_hold_block_as_page));
}

static void touching_memory_the_hypervisor_took_is_fatal(void **state)
{
	struct rig *rig = *state;

	assert_true(dies(rig, deed_write_to_discarded));
	assert_true(dies(rig, deed_free_locked));
	rig->port.protect = true;
	assert_true(dies(rig, deed_write_to_discarded));
	assert_true(dies(rig, deed_free_locked));
}

static void changed_content_is_fatal(void **state)
{
	struct rig *rig = *state;

	assert_true(dies(rig, deed_write_to_free));
	assert_true(dies(rig, deed_write_to_guests_data));
}

static void hypervisor_out_of_bounds_is_fatal(void **state)
{
	struct rig *rig = *state;

	assert_true(dies(rig, deed_discard_twice));
	assert_true(dies(rig, deed_discard_beyond_memory));
}

static void memory_comes_back_when_populated(void **state)
{
	struct rig *rig = *state;
	aero_page *page = take(rig, 9);

	rig->port.protect = true;
	sim_discard(&rig->port, page->pfn.v, 512);
	sim_populate(&rig->port, page->pfn.v, 512);
	give(rig, page, 9);
	sim_check(&rig->b, NULL);
}

/* -- the checker finds ----------------------------------------------------------------- */

struct lock {
	uint64_t pfn;
	int order;
};

static int lock_of_one(void *ctx, uint64_t pfn)
{
	const struct lock *lock = ctx;

	return pfn == lock->pfn ? lock->order : -1;
}

static void assert_unsound(struct rig *rig, const struct sim_view *view, const char *part)
{
	char why[256] = "";

	assert_false(sim_is_sound(&rig->b, view, why, sizeof(why)));
	if (!strstr(why, part))
		fail_msg("\"%s\" does not say \"%s\"", why, part);
}

/* The store holds one page; returns its frame. */
static uint64_t hold_one(struct rig *rig)
{
	aero_page *page = take(rig, 0);

	aero_port_hold(&rig->port, AERO_CLASS_PAGE, &page, 1);
	rig->b.held[AERO_CLASS_PAGE] = 1;
	rig->b.size_pages = 1;
	return page->pfn.v;
}

static void page_the_hypervisor_does_not_know(void **state)
{
	struct rig *rig = *state;
	struct lock lock = {3, -1};
	struct sim_view view = {.ctx = &lock, .connected = true, .locked_order = lock_of_one};

	lock.pfn = hold_one(rig);
	sim_check(&rig->b, NULL);
	assert_unsound(rig, &view, "locked in order -1 instead of 0");
	/* Without a connection it has forgotten all: that is sound. */
	view.connected = false;
	sim_check(&rig->b, &view);
}

static void page_locked_in_the_wrong_size(void **state)
{
	struct rig *rig = *state;
	struct lock lock = {3, 9};
	struct sim_view view = {
		.ctx = &lock, .connected = true, .locked_order = lock_of_one, .locked_pages = 1};

	lock.pfn = hold_one(rig);
	sim_discard(&rig->port, lock.pfn, 1);
	assert_unsound(rig, &view, "locked in order 9 instead of 0");
	lock.order = 0;
	sim_check(&rig->b, &view);
}

static void page_of_the_guest_that_is_locked(void **state)
{
	struct rig *rig = *state;
	struct lock lock = {3, 0};
	struct sim_view view = {
		.ctx = &lock, .connected = true, .locked_order = lock_of_one, .locked_pages = 1};

	assert_unsound(rig, &view, "frame 0x3 (owner 0): locked in order 0 instead of -1");
}

static void lock_beyond_the_guests_memory(void **state)
{
	struct rig *rig = *state;
	struct lock lock = {3, -1};
	struct sim_view view = {
		.ctx = &lock, .connected = true, .locked_order = lock_of_one, .locked_pages = 7};

	assert_unsound(rig, &view, "the hypervisor has 7 pages, of which 0");
}

static void page_that_is_lost(void **state)
{
	struct rig *rig = *state;

	take(rig, 0);
	assert_unsound(rig, NULL, "is lost");
}

static void page_with_two_owners(void **state)
{
	struct rig *rig = *state;
	aero_page *page = take(rig, 0);

	rig->b.phase = AERO_PHASE_INFLATE;
	rig->b.refused[0][0] = page;
	rig->b.refused[0][1] = page;
	rig->b.refused_n[0] = 2;
	rig->b.counters.refused[0] = 2;
	assert_unsound(rig, NULL, "has a second owner");
	rig->b.refused_n[0] = 1;
	rig->b.counters.refused[0] = 1;
	sim_check(&rig->b, NULL);
}

static void engine_and_store_that_count_differently(void **state)
{
	struct rig *rig = *state;

	hold_one(rig);
	rig->b.held[AERO_CLASS_PAGE] = 2;
	rig->b.size_pages = 2;
	assert_unsound(rig, NULL, "the engine counts 2 blocks, the store has 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(freed_neighbours_join_again),
		cmocka_unit_test(memory_of_any_size_is_all_given_out),
		RIG_TEST(light_effort_leaves_the_reserve_alone),
		RIG_TEST(reclaim_takes_from_the_cache),
		RIG_TEST(rules_make_allocations_fail),
		RIG_TEST(fragmented_memory_has_no_block_of_two),
		RIG_TEST(wrong_changes_of_owner_are_fatal),
		RIG_TEST(touching_memory_the_hypervisor_took_is_fatal),
		RIG_TEST(changed_content_is_fatal),
		RIG_TEST(hypervisor_out_of_bounds_is_fatal),
		RIG_TEST(memory_comes_back_when_populated),
		RIG_TEST(page_the_hypervisor_does_not_know),
		RIG_TEST(page_locked_in_the_wrong_size),
		RIG_TEST(page_of_the_guest_that_is_locked),
		RIG_TEST(lock_beyond_the_guests_memory),
		RIG_TEST(page_that_is_lost),
		RIG_TEST(page_with_two_owners),
		RIG_TEST(engine_and_store_that_count_differently),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
