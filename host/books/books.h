/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The books of one virtual machine's balloon on the hypervisor's side: which pages
 * the hypervisor holds, and in which size the guest gave each of them up.  Nothing
 * here knows a protocol; each of the folders beside this one that speaks a protocol
 * to guests keeps its pages here.
 *
 * A page is held either by itself (order 0) or as part of a block of 2 MiB (order
 * 9), never both.  A block begins at a multiple of its size.
 *
 * Locking: none.  The caller serialises all functions of one struct aero_books.
 */
#ifndef AEROSTAT_HOST_BOOKS_H
#define AEROSTAT_HOST_BOOKS_H

#include "memory.h"

#define AERO_BOOKS_BLOCK_ORDER 9u
#define AERO_BOOKS_BLOCK_PAGES (1ULL << AERO_BOOKS_BLOCK_ORDER)

/* The books take one bit for each page: 8 GiB for this many. */
#define AERO_BOOKS_PFN_MAX     (1ULL << 36)

/* Inflating moves pages from the guest to the hypervisor, deflating moves them back. */
enum aero_books_direction { AERO_INFLATE, AERO_DEFLATE, AERO_DIRECTIONS };

/* These only grow, until the owner of the books sets them to 0. */
struct aero_books_counters {
	uint64_t discards; /* callbacks; one may cover many pages */
	uint64_t discarded_pages;
	uint64_t discard_failures; /* callbacks that returned an error */
	uint64_t populate_failures;
};

/* The fields may be read; only the functions below write them, but for the counters. */
struct aero_books {
	struct aero_guest_memory memory;
	uint64_t pfn_end;
	uint64_t held_pages;
	struct aero_books_counters counters;

	/* One bit for each page held by itself, and one for each block held as such. */
	uint64_t *page_map;
	uint64_t *block_map;
	uint64_t page_words;
	uint64_t block_words;
};

/*
 * Opens books in which nothing is held, for PFNs below pfn_end.  Takes about
 * pfn_end / 8 bytes, and nothing more later.  memory is copied.  Returns 0, -EINVAL
 * (pfn_end is 0 or above AERO_BOOKS_PFN_MAX, or a required callback is missing) or
 * -ENOMEM.
 */
int aero_books_open(struct aero_books *b, const struct aero_guest_memory *memory, uint64_t pfn_end);

/* Frees the maps.  Calls no callback.  Books that were zeroed or not opened may be closed. */
void aero_books_close(struct aero_books *b);

/* Is all of the block RAM that the guest could give up?  Any pfn may be asked for. */
bool aero_books_is_ram(const struct aero_books *b, uint64_t pfn, unsigned int order);

/* The order in which the page is held (0 or 9), or -1.  Any pfn may be asked for. */
int aero_books_order(const struct aero_books *b, uint64_t pfn);

/* Is the block, which must lie below pfn_end, held in exactly this size? */
bool aero_books_holds(const struct aero_books *b, uint64_t pfn, unsigned int order);

/* Is any page of the block, which must lie below pfn_end, held in either size? */
bool aero_books_overlaps(const struct aero_books *b, uint64_t pfn, unsigned int order);

/*
 * Finds the first block that is held at or above from; false when there is none.
 * This visits all of them:
 *
 *     for (at = 0; aero_books_next(b, at, &pfn, &order); at = pfn + (1ULL << order))
 */
bool aero_books_next(const struct aero_books *b, uint64_t from, uint64_t *pfn, unsigned int *order);

/*
 * Moves blocks in one direction.  Each block changes its owner at once; the callback
 * discard or populate comes later, with adjacent blocks merged, and at the latest in
 * aero_books_move_end().  To inflate, a block must not overlap one that is held; to
 * deflate, it must be held in exactly this size.
 */
struct aero_books_move {
	struct aero_books *books;
	enum aero_books_direction direction;
	uint64_t from; /* the range for which the callback is still to come */
	uint64_t pages;
};

void aero_books_move_begin(struct aero_books_move *move, struct aero_books *b,
			   enum aero_books_direction direction);
void aero_books_move_block(struct aero_books_move *move, uint64_t pfn, unsigned int order);
void aero_books_move_end(struct aero_books_move *move);

/* Gives all pages back to the guest, adjacent ones in one callback. */
void aero_books_release_all(struct aero_books *b);

/*
 * Checks the books against themselves: held_pages is the number of pages held, none
 * is held in both sizes, and none lies at or above pfn_end.  Takes time in proportion
 * to pfn_end; for tests.
 */
bool aero_books_is_valid(const struct aero_books *b);

#endif
