// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Ownership of pages.  A page belongs to the guest's allocator, to the batch in flight, to the
 * store, or to the refused pages that are set aside.  Every change between these goes through
 * this file and is counted here.
 */
#include "internal.h"

/* Moves blocks of the batch into the store. */
void aero_store_hold(struct aero_balloon *b, enum aero_class class, aero_page **blocks,
		     unsigned int n)
{
	if (!n)
		return;
	aero_port_hold(b->port, class, blocks, n);
	b->held[class] += n;
	b->size_pages += (uint64_t)n << aero_class_held_order(class);
}

static void count_unheld(struct aero_balloon *b, enum aero_class class, unsigned int got)
{
	b->held[class] -= got;
	b->size_pages -= (uint64_t)got << aero_class_held_order(class);
}

/*
 * Moves up to @n blocks out of the store into the batch.  Returns how many there were, which may
 * be fewer: pages that are isolated for migration stay where they are.
 */
unsigned int aero_store_unhold(struct aero_balloon *b, enum aero_class class, aero_page **blocks,
			       unsigned int n)
{
	unsigned int got = aero_port_unhold(b->port, class, blocks, n);

	count_unheld(b, class, got);
	return got;
}

/* The same for blocks, not single pages, that lie in @range.  Returns 0 if there is none. */
unsigned int aero_store_unhold_within(struct aero_balloon *b, enum aero_class class,
				      struct aero_range range, aero_page **blocks, unsigned int n)
{
	unsigned int got = aero_port_unhold_within(b->port, class, range, blocks, n);

	count_unheld(b, class, got);
	return got;
}

/* Gives blocks of the batch back to the guest's allocator. */
void aero_store_free(struct aero_balloon *b, enum aero_class class, aero_page **blocks,
		     unsigned int n)
{
	if (!n)
		return;
	aero_port_free(b->port, aero_class_held_order(class), blocks, n);
	b->counters.freed[aero_class_unit(class)] += (uint64_t)n * aero_class_units(class);
}

static void free_one_refused(struct aero_balloon *b, enum aero_unit unit, aero_page *block)
{
	enum aero_class class = unit == AERO_UNIT_LARGE ? AERO_CLASS_LARGE : AERO_CLASS_PAGE;

	aero_store_free(b, class, &block, 1);
	b->counters.refused_freed[unit]++;
}

/*
 * Sets a block aside that the hypervisor refused, until the run is over.  If it were freed at
 * once, the allocator would probably hand out the same block for the next batch.  When the
 * limit is reached it is freed nevertheless, because a hypervisor that refuses everything must
 * not make the guest run out of memory.
 */
void aero_store_refuse(struct aero_balloon *b, enum aero_unit unit, aero_page *block)
{
	b->counters.refused[unit]++;
	if (b->refused_n[unit] < AERO_REFUSED_MAX)
		b->refused[unit][b->refused_n[unit]++] = block;
	else
		free_one_refused(b, unit, block);
}

void aero_store_free_refused(struct aero_balloon *b)
{
	unsigned int unit;

	for (unit = 0; unit < AERO_UNITS; unit++)
		while (b->refused_n[unit])
			free_one_refused(b, (enum aero_unit)unit,
					 b->refused[unit][--b->refused_n[unit]]);
}

/*
 * Pops one batch: gives it back to the allocator without asking the hypervisor, which has
 * forgotten the pages already.  Returns false when nothing could be popped.
 */
bool aero_store_pop(struct aero_balloon *b)
{
	unsigned int c, got;

	for (c = 0; c < AERO_CLASSES; c++) {
		enum aero_class class = (enum aero_class)c;

		got = aero_store_unhold(b, class, b->batch.block, aero_class_batch(class));
		if (!got)
			continue;
		aero_store_free(b, class, b->batch.block, got);
		b->counters.pages_popped += (uint64_t)got << aero_class_held_order(class);
		return true;
	}
	return false;
}

/*
 * Breaks one held block into single pages, which stay in the store.  This is needed when the
 * hypervisor cannot give a block back as a whole, and when the target needs only a part of
 * it.  The caller makes sure that the link is divisible, and that @scratch, of which the array of
 * blocks is overwritten, is not in flight.  Returns false when no block is held.
 */
bool aero_store_break(struct aero_balloon *b, struct aero_batch *scratch)
{
	enum aero_class class = AERO_CLASS_SPLIT;
	aero_page *block;
	uint32_t i;

	if (!b->held[class])
		class = AERO_CLASS_LARGE;
	if (!aero_store_unhold(b, class, &block, 1))
		return false;
	aero_port_split(b->port, block, AERO_BLOCK_ORDER);
	b->counters.blocks_broken++;
	for (i = 0; i < AERO_BLOCK_PAGES; i++)
		scratch->block[i] = aero_port_page(block, i);
	aero_store_hold(b, AERO_CLASS_PAGE, scratch->block, AERO_BLOCK_PAGES);
	return true;
}
