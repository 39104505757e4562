// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Which pages the hypervisor holds: two bitmaps, and the moves between owners. */
#include "books.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORD_BITS   64u
#define BLOCK_WORDS (AERO_BOOKS_BLOCK_PAGES / WORD_BITS)

static bool bit(const uint64_t *map, uint64_t n)
{
	return map[n / WORD_BITS] >> (n % WORD_BITS) & 1;
}

int aero_books_open(struct aero_books *b, const struct aero_guest_memory *memory, uint64_t pfn_end)
{
	uint64_t blocks;

	if (!memory->is_ram || !memory->read || !memory->write || !memory->discard)
		return -EINVAL;
	if (pfn_end == 0 || pfn_end > AERO_BOOKS_PFN_MAX)
		return -EINVAL;
	*b = (struct aero_books){.memory = *memory, .pfn_end = pfn_end};

	/* Whole blocks, so that all words of a block exist and need no bound check. */
	blocks = (pfn_end + AERO_BOOKS_BLOCK_PAGES - 1) / AERO_BOOKS_BLOCK_PAGES;
	b->page_words = blocks * BLOCK_WORDS;
	b->block_words = (blocks + WORD_BITS - 1) / WORD_BITS;
	b->page_map = calloc(b->page_words, sizeof(uint64_t));
	b->block_map = calloc(b->block_words, sizeof(uint64_t));
	if (b->page_map && b->block_map)
		return 0;
	aero_books_close(b);
	return -ENOMEM;
}

void aero_books_close(struct aero_books *b)
{
	free(b->page_map);
	free(b->block_map);
	b->page_map = NULL;
	b->block_map = NULL;
}

bool aero_books_is_ram(const struct aero_books *b, uint64_t pfn, unsigned int order)
{
	uint64_t pages = 1ULL << order;

	return pfn < b->pfn_end && pages <= b->pfn_end - pfn &&
	       b->memory.is_ram(b->memory.ctx, pfn, pages);
}

/* ---- looking pages up ---- */

int aero_books_order(const struct aero_books *b, uint64_t pfn)
{
	if (pfn >= b->pfn_end)
		return -1;
	if (bit(b->block_map, pfn >> AERO_BOOKS_BLOCK_ORDER))
		return AERO_BOOKS_BLOCK_ORDER;
	return bit(b->page_map, pfn) ? 0 : -1;
}

bool aero_books_holds(const struct aero_books *b, uint64_t pfn, unsigned int order)
{
	return bit(order ? b->block_map : b->page_map, pfn >> order);
}

bool aero_books_overlaps(const struct aero_books *b, uint64_t pfn, unsigned int order)
{
	if (bit(b->block_map, pfn >> AERO_BOOKS_BLOCK_ORDER))
		return true;
	if (!order)
		return bit(b->page_map, pfn);
	for (uint64_t i = 0; i < BLOCK_WORDS; i++)
		if (b->page_map[pfn / WORD_BITS + i])
			return true;
	return false;
}

bool aero_books_next(const struct aero_books *b, uint64_t from, uint64_t *pfn, unsigned int *order)
{
	while (from < b->pfn_end) {
		bool starts_block = from % AERO_BOOKS_BLOCK_PAGES == 0 &&
				    bit(b->block_map, from >> AERO_BOOKS_BLOCK_ORDER);

		if (starts_block || bit(b->page_map, from)) {
			*pfn = from;
			*order = starts_block ? AERO_BOOKS_BLOCK_ORDER : 0;
			return true;
		}
		/* In a balloon of 2 MiB blocks most words are empty, and are skipped whole. */
		from = from % WORD_BITS || b->page_map[from / WORD_BITS] ? from + 1
									 : from + WORD_BITS;
	}
	return false;
}

/* ---- moving pages ---- */

static void discard(struct aero_books *b, uint64_t pfn, uint64_t pages)
{
	b->counters.discards++;
	b->counters.discarded_pages += pages;
	if (b->memory.discard(b->memory.ctx, pfn, pages))
		b->counters.discard_failures++;
}

static void populate(struct aero_books *b, uint64_t pfn, uint64_t pages)
{
	if (b->memory.populate && b->memory.populate(b->memory.ctx, pfn, pages))
		b->counters.populate_failures++;
}

void aero_books_move_begin(struct aero_books_move *move, struct aero_books *b,
			   enum aero_books_direction direction)
{
	*move = (struct aero_books_move){.books = b, .direction = direction};
}

/* Adds a block to the range for which the callback is still to come. */
static void merge(struct aero_books_move *move, uint64_t pfn, uint64_t pages)
{
	if (move->pages && pfn == move->from + move->pages) {
		move->pages += pages;
	} else if (move->pages && pfn + pages == move->from) {
		move->from = pfn;
		move->pages += pages;
	} else {
		aero_books_move_end(move);
		move->from = pfn;
		move->pages = pages;
	}
}

void aero_books_move_block(struct aero_books_move *move, uint64_t pfn, unsigned int order)
{
	struct aero_books *b = move->books;
	uint64_t *map = order ? b->block_map : b->page_map;
	uint64_t n = pfn >> order;
	uint64_t mask = 1ULL << (n % WORD_BITS);

	if (move->direction == AERO_INFLATE) {
		map[n / WORD_BITS] |= mask;
		b->held_pages += 1ULL << order;
	} else {
		map[n / WORD_BITS] &= ~mask;
		b->held_pages -= 1ULL << order;
	}
	merge(move, pfn, 1ULL << order);
}

void aero_books_move_end(struct aero_books_move *move)
{
	if (move->pages == 0)
		return;
	if (move->direction == AERO_INFLATE)
		discard(move->books, move->from, move->pages);
	else
		populate(move->books, move->from, move->pages);
	move->pages = 0;
}

void aero_books_release_all(struct aero_books *b)
{
	struct aero_books_move move;
	unsigned int order;
	uint64_t at = 0;
	uint64_t pfn;

	if (b->held_pages == 0)
		return;
	aero_books_move_begin(&move, b, AERO_DEFLATE);
	while (aero_books_next(b, at, &pfn, &order)) {
		aero_books_move_block(&move, pfn, order);
		at = pfn + (1ULL << order);
	}
	aero_books_move_end(&move);
}

/* ---- the check ---- */

/* Checks the books of one block, and adds the pages of it that are held to *held. */
static bool block_is_valid(const struct aero_books *b, uint64_t block, uint64_t *held)
{
	uint64_t pages = 0;

	for (uint64_t i = 0; i < BLOCK_WORDS; i++)
		pages += (uint64_t)__builtin_popcountll(b->page_map[block * BLOCK_WORDS + i]);
	if (bit(b->block_map, block)) {
		if (pages || (block + 1) * AERO_BOOKS_BLOCK_PAGES > b->pfn_end)
			return false;
		pages = AERO_BOOKS_BLOCK_PAGES;
	}
	*held += pages;
	return true;
}

bool aero_books_is_valid(const struct aero_books *b)
{
	uint64_t blocks = b->page_words / BLOCK_WORDS;
	uint64_t held = 0;

	for (uint64_t block = 0; block < blocks; block++)
		if (!block_is_valid(b, block, &held))
			return false;
	for (uint64_t pfn = b->pfn_end; pfn < blocks * AERO_BOOKS_BLOCK_PAGES; pfn++)
		if (bit(b->page_map, pfn))
			return false;
	return held == b->held_pages;
}
