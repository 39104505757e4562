// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Who owns which page.  Every change of hands between allocator, batch, store
 * and refused pages goes through here, and is counted here.
 */
#include "internal.h"

/* Flight to store. */
void aero_store_hold(struct aero_balloon *b, enum aero_class class, aero_page **blocks,
		     unsigned int n)
{
	if (!n)
		return;
	aero_port_hold(b->port, class, blocks, n);
	b->held[class] += n;
	b->size_pages += (uint64_t)n << aero_class_held_order(class);
}

/* Store to flight. */
unsigned int aero_store_unhold(struct aero_balloon *b, enum aero_class class, aero_page **blocks,
			       unsigned int n)
{
	unsigned int got = aero_port_unhold(b->port, class, blocks, n);

	b->held[class] -= got;
	b->size_pages -= (uint64_t)got << aero_class_held_order(class);
	return got;
}

/* Flight to allocator. */
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
 * Flight to aside: freed at once, the allocator would hand the same page out
 * again.  Beyond the limit that is the lesser evil.
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
 * Store to allocator without a word to the hypervisor, which has forgotten
 * the pages already: at most one batch.  False when there was nothing to pop.
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
 * One block becomes pages, all still held: for a hypervisor that can't give it
 * back whole, or a target that does not need all of it.  Only where the link is
 * divisible.  False when there is none.
 */
bool aero_store_break(struct aero_balloon *b)
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
		b->batch.block[i] = aero_port_page(block, i);
	aero_store_hold(b, AERO_CLASS_PAGE, b->batch.block, AERO_BLOCK_PAGES);
	return true;
}
