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

static void offer_block(struct aero_balloon *b, aero_page *block, enum aero_run_end *end)
{
	uint64_t before = b->held[AERO_CLASS_LARGE];

	b->batch.block[0] = block;
	aero_batch_fill(&b->batch, AERO_CLASS_LARGE, 1);
	aero_offer(b, end);
	b->counters.blocks_remade += b->held[AERO_CLASS_LARGE] - before;
}

/*
 * The single pages are asked back first, because a hypervisor takes no page of a balloon that has
 * its target.  The guest has the block by then, so nobody else can take it meanwhile.  If the
 * exchange fails half way, the balloon is smaller than its target, and the next run goes on as in
 * any inflation.
 */
void aero_remake(struct aero_balloon *b, enum aero_run_end *end)
{
	aero_page *block;

	if (!is_time_to_remake(b) ||
	    !aero_port_take(b->port, AERO_BLOCK_ORDER, AERO_LIGHT, &block, 1))
		return;
	b->counters.taken[AERO_UNIT_LARGE][AERO_LIGHT]++;
	if (aero_reclaim_pages(b, AERO_BLOCK_PAGES, end))
		offer_block(b, block, end);
	else
		aero_store_free(b, AERO_CLASS_LARGE, &block, 1);
}
