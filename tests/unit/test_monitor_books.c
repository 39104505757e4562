// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* host/books/: who owns which page, and the clamp, without any protocol. */
#include "test_monitor.h"

#include "books/books.h"
#include "books/target.h"

struct fixture {
	struct machine machine; /* takes the callbacks; it has no monitor here */
	struct aero_books books;
};

static int open_books(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct aero_guest_memory memory;

	assert_non_null(f);
	memory = machine_host(&f->machine).memory;
	assert_int_equal(aero_books_open(&f->books, &memory, PFN_END), 0);
	*state = f;
	return 0;
}

static int close_books(void **state)
{
	struct fixture *f = *state;

	aero_books_close(&f->books);
	free(f);
	return 0;
}

static void move(struct fixture *f, enum aero_books_direction direction, uint64_t pfn,
		 unsigned int order)
{
	struct aero_books_move one;

	aero_books_move_begin(&one, &f->books, direction);
	aero_books_move_block(&one, pfn, order);
	aero_books_move_end(&one);
	assert_true(aero_books_is_valid(&f->books));
	assert_int_equal(f->books.held_pages, f->machine.gone_pages);
}

static void sizes_of_books(void **state)
{
	struct fixture *f = *state;
	struct aero_guest_memory memory = f->books.memory;
	struct aero_books b = {0};

	assert_int_equal(aero_books_open(&b, &memory, 0), -EINVAL);
	assert_int_equal(aero_books_open(&b, &memory, AERO_BOOKS_PFN_MAX + 1), -EINVAL);
	assert_int_equal(aero_books_open(&b, &memory, 1), 0);
	assert_int_equal(aero_books_order(&b, 0), -1);
	assert_int_equal(aero_books_order(&b, 1), -1);
	assert_true(aero_books_is_valid(&b));
	aero_books_close(&b);
	/* Closing twice is harmless. */
	aero_books_close(&b);
}

static void a_page_is_ram_or_it_is_not(void **state)
{
	struct fixture *f = *state;

	assert_true(aero_books_is_ram(&f->books, 0, 0));
	assert_true(aero_books_is_ram(&f->books, PFN_END - 1, 0));
	assert_false(aero_books_is_ram(&f->books, PFN_END, 0));
	assert_false(aero_books_is_ram(&f->books, UINT64_MAX, 0));
	assert_false(aero_books_is_ram(&f->books, HOLE_FROM, 0));
	/* The last block is cut off, the one at the hole is not all RAM. */
	assert_false(aero_books_is_ram(&f->books, PFN_END - 100, 9));
	assert_false(aero_books_is_ram(&f->books, HOLE_FROM / RUN * RUN, 9));
	assert_true(aero_books_is_ram(&f->books, RUN, 9));
}

static void a_block_is_held_in_one_size(void **state)
{
	struct fixture *f = *state;

	move(f, AERO_INFLATE, 4 * RUN, 9);
	move(f, AERO_INFLATE, 8 * RUN + 511, 0);
	assert_true(aero_books_holds(&f->books, 4 * RUN, 9));
	assert_false(aero_books_holds(&f->books, 4 * RUN, 0));
	assert_true(aero_books_overlaps(&f->books, 4 * RUN + 77, 0));
	assert_false(aero_books_overlaps(&f->books, 5 * RUN, 9));
	/* One page is enough to be in the way of a block, the last of it as well. */
	assert_true(aero_books_overlaps(&f->books, 8 * RUN, 9));
	assert_false(aero_books_overlaps(&f->books, 8 * RUN + 510, 0));
	assert_true(aero_books_holds(&f->books, 8 * RUN + 511, 0));
	assert_false(aero_books_holds(&f->books, 8 * RUN, 9));
	assert_int_equal(f->books.held_pages, RUN + 1);
	move(f, AERO_DEFLATE, 8 * RUN + 511, 0);
	assert_false(aero_books_overlaps(&f->books, 8 * RUN, 9));
}

/* A move of both sizes and in both directions along the guest is one callback. */
static void adjacent_blocks_of_a_move_are_one_range(void **state)
{
	struct fixture *f = *state;
	struct aero_books_move m;

	aero_books_move_begin(&m, &f->books, AERO_INFLATE);
	aero_books_move_block(&m, 2 * RUN, 9);
	aero_books_move_block(&m, 3 * RUN, 0);
	aero_books_move_block(&m, 2 * RUN - 1, 0);
	assert_int_equal(f->machine.discards, 0);
	/* The owner has changed all the same. */
	assert_int_equal(aero_books_order(&f->books, 3 * RUN), 0);
	aero_books_move_block(&m, 50 * RUN, 9);
	assert_int_equal(f->machine.discards, 1);
	aero_books_move_end(&m);
	aero_books_move_end(&m);
	assert_int_equal(f->machine.discards, 2);
	assert_int_equal(f->books.counters.discards, 2);
	assert_int_equal(f->books.counters.discarded_pages, 2 * RUN + 2);
	assert_int_equal(f->machine.gone_pages, 2 * RUN + 2);

	aero_books_release_all(&f->books);
	assert_int_equal(f->machine.populates, 2);
	assert_int_equal(f->machine.gone_pages, 0);
	assert_int_equal(f->books.held_pages, 0);
	assert_true(aero_books_is_valid(&f->books));
	aero_books_release_all(&f->books);
	assert_int_equal(f->machine.populates, 2);
}

static int no_populate(void *ctx, uint64_t pfn, uint64_t pages)
{
	return -ENOMEM;
}

static void failures_are_counted_and_change_nothing_else(void **state)
{
	struct fixture *f = *state;

	f->machine.discard_error = -EIO;
	move(f, AERO_INFLATE, 7, 0);
	assert_int_equal(f->books.counters.discard_failures, 1);
	assert_int_equal(aero_books_order(&f->books, 7), 0);
	f->books.memory.populate = no_populate;
	aero_books_release_all(&f->books);
	assert_int_equal(f->books.counters.populate_failures, 1);
	assert_int_equal(aero_books_order(&f->books, 7), -1);
	assert_int_equal(f->books.held_pages, 0);
	f->books.memory.populate = NULL;
	f->machine.gone[7] = 0;
	f->machine.gone_pages = 0;
	move(f, AERO_INFLATE, 7, 0);
	aero_books_release_all(&f->books);
	assert_int_equal(f->books.counters.populate_failures, 1);
}

/* Each way in which the maps can contradict each other. */
static void wrong_books_are_noticed(void **state)
{
	struct fixture *f = *state;

	move(f, AERO_INFLATE, 4 * RUN, 9);
	f->books.held_pages++;
	assert_false(aero_books_is_valid(&f->books));
	f->books.held_pages--;
	assert_true(aero_books_is_valid(&f->books));

	/* A page of a block that is held as such. */
	f->books.page_map[4 * RUN / 64] |= 1;
	f->books.held_pages++;
	assert_false(aero_books_is_valid(&f->books));
	f->books.page_map[4 * RUN / 64] = 0;
	f->books.held_pages--;

	/* A page at pfn_end, and the block that is cut off there. */
	f->books.page_map[PFN_END / 64] |= 1ULL << (PFN_END % 64);
	f->books.held_pages++;
	assert_false(aero_books_is_valid(&f->books));
	f->books.page_map[PFN_END / 64] = 0;
	f->books.block_map[PFN_END / RUN / 64] |= 1ULL << (PFN_END / RUN % 64);
	f->books.held_pages += RUN - 1;
	assert_false(aero_books_is_valid(&f->books));
}

static void a_guest_keeps_its_last_memory(void **state)
{
	const uint64_t keep = AERO_BOOKS_KEEP_PAGES;
	struct aero_books_target t;

	aero_books_target_init(&t, 100000);
	assert_int_equal(t.pages, 0);
	assert_false(aero_books_target_update(&t));
	t.wanted = UINT64_MAX;
	assert_true(aero_books_target_update(&t));
	assert_int_equal(t.pages, 100000 - keep);
	assert_false(aero_books_target_update(&t));
	/* What the guest says can only lower it. */
	t.limit = UINT64_MAX;
	assert_false(aero_books_target_update(&t));
	assert_int_equal(aero_books_target_limit(&t), 100000);
	t.limit = keep + 7;
	assert_true(aero_books_target_update(&t));
	assert_int_equal(t.pages, 7);
	t.limit = 1;
	assert_true(aero_books_target_update(&t));
	assert_int_equal(t.pages, 0);

	/* From 32 times as much memory on, the sixteenth is more than the fixed part. */
	aero_books_target_init(&t, 32 * keep);
	t.wanted = UINT64_MAX;
	aero_books_target_update(&t);
	assert_int_equal(t.pages, 30 * keep);

	t.forced = UINT64_MAX - 1;
	aero_books_target_update(&t);
	assert_int_equal(t.pages, UINT64_MAX - 1);
	t.told_max = 9;
	assert_true(aero_books_target_update(&t));
	assert_int_equal(t.pages, 9);
	t.forced = AERO_BOOKS_NOT_FORCED;
	assert_false(aero_books_target_update(&t));
}

#define BOOKS_TEST(f) cmocka_unit_test_setup_teardown(f, open_books, close_books)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOOKS_TEST(sizes_of_books),
		BOOKS_TEST(a_page_is_ram_or_it_is_not),
		BOOKS_TEST(a_block_is_held_in_one_size),
		BOOKS_TEST(adjacent_blocks_of_a_move_are_one_range),
		BOOKS_TEST(failures_are_counted_and_change_nothing_else),
		BOOKS_TEST(wrong_books_are_noticed),
		cmocka_unit_test(a_guest_keeps_its_last_memory),
	};

	return cmocka_run_group_tests_name("monitor-books", tests, NULL, NULL);
}
