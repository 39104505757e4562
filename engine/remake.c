// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Makes blocks anew.  A balloon that grew while the guest had no free blocks holds single pages,
 * and the host has to break its large mappings for them.  Later the guest may have free blocks
 * again.  Then one such block takes the place of as many single pages, once in each run that finds
 * nothing else to do, which is slow enough not to be noticed.
 */
#include "internal.h"

/* How many blocks the guest must be able to spare, so that its own need for blocks comes first. */
#define SPARE_BLOCKS 8U

static bool is_time_to_remake(struct aero_balloon *b)
{
	if (!b->config.remake || !b->config.large || !b->link.large)
		return false;
	/* The exchange is made within one step, so the hypervisor has to answer at once. */
	if (b->ops->collect)
		return false;
	/*
	 * On an unbacked link the block's memory is the hypervisor's when the single pages are
	 * asked back, and another guest may have got it by then.
	 */
	if (b->link.unbacked)
		return false;
	if (b->held[AERO_CLASS_PAGE] < AERO_BLOCK_PAGES || b->size_pages > b->target_pages)
		return false;
	if (b->pace.limited || aero_is_held_off(b))
		return false;
	return aero_port_spare_pages(b->port) >= SPARE_BLOCKS * AERO_BLOCK_PAGES;
}

static bool offer_block(struct aero_balloon *b, enum aero_run_end *end)
{
	uint64_t before = b->held[AERO_CLASS_LARGE];

	if (!aero_port_take(b->port, AERO_BLOCK_ORDER, AERO_LIGHT, b->batch.block, 1))
		return false;
	b->counters.taken[AERO_UNIT_LARGE][AERO_LIGHT]++;
	aero_batch_fill(&b->batch, AERO_CLASS_LARGE, 1);
	return !aero_offer(b, end) && b->held[AERO_CLASS_LARGE] > before;
}

/*
 * The block is offered first.  If the hypervisor takes it, the balloon is one block larger than its
 * target for a moment, and what is too much is asked back in single pages.  If they do not come,
 * the next run asks again, and no further block is taken until they have come.  That does not wait
 * for the link's slack, which would let them stay.
 */
void aero_remake(struct aero_balloon *b, enum aero_run_end *end)
{
	if (is_time_to_remake(b) && offer_block(b, end)) {
		b->counters.blocks_remade++;
		b->remaking = true;
	}
	if (b->remaking && !b->reset_required && b->size_pages > b->target_pages)
		aero_deflate(b, end);
	b->remaking &= b->size_pages > b->target_pages;
}
