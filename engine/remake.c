// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Makes blocks anew.  A balloon that grew while the guest had no free blocks holds single pages,
 * and the host has to break its large mappings for them.  Later the guest may have free blocks
 * again.  Then one such block takes the place of as many single pages, once in each run that finds
 * nothing else to do, which is slow enough not to be noticed.
 */
#include "internal.h"

/* After an exchange that failed, in whole or in part, there is no other for so long. */
#define FAILURE_PAUSE_MS 60000U

/* How many blocks the guest must be able to spare, so that its own need for blocks comes first. */
#define SPARE_BLOCKS	 8U

static bool is_time_to_remake(struct aero_balloon *b)
{
	if (!b->config.remake || !b->config.large || !b->link.large)
		return false;
	/* The exchange is made within one step, so the hypervisor has to answer at once. */
	if (b->ops->collect)
		return false;
	if (b->held[AERO_CLASS_PAGE] < AERO_BLOCK_PAGES || b->size_pages > b->target_pages)
		return false;
	if (b->pace.limited || aero_is_held_off(b) || aero_port_now_ms(b->port) < b->remake_from_ms)
		return false;
	return aero_port_spare_pages(b->port) >= SPARE_BLOCKS * AERO_BLOCK_PAGES;
}

/* Whether the hypervisor took the block; if not, it is no longer the caller's either. */
static bool offer_block(struct aero_balloon *b, aero_page *block, enum aero_run_end *end)
{
	uint64_t before = b->held[AERO_CLASS_LARGE];

	b->batch.block[0] = block;
	aero_batch_fill(&b->batch, AERO_CLASS_LARGE, 1);
	aero_offer(b, end);
	return b->held[AERO_CLASS_LARGE] > before && !b->reset_required;
}

/*
 * A hypervisor that has a target for the balloon takes no page of one that has reached it, so the
 * single pages are asked back first.  The guest has the block by then, so nobody else can take it
 * meanwhile.  If the exchange fails half way, the balloon is smaller than its target, and the next
 * run goes on as in any inflation.
 */
static bool pages_first(struct aero_balloon *b, aero_page *block, enum aero_run_end *end)
{
	if (aero_reclaim_pages(b, AERO_BLOCK_PAGES, end))
		return offer_block(b, block, end);
	aero_store_free(b, AERO_CLASS_LARGE, &block, 1);
	return false;
}

/*
 * On an unbacked link the hypervisor limits what the guest has, not what the balloon has: a guest
 * at its target gets no page more, so the block is given up first.  Another guest may get its
 * memory before the single pages are asked back.  Then the balloon is larger than its target by a
 * block, which the guest could spare, and the next run goes on as in any deflation.
 */
static bool block_first(struct aero_balloon *b, aero_page *block, enum aero_run_end *end)
{
	return offer_block(b, block, end) && aero_reclaim_pages(b, AERO_BLOCK_PAGES, end);
}

void aero_remake(struct aero_balloon *b, enum aero_run_end *end)
{
	aero_page *block;

	if (!is_time_to_remake(b) ||
	    !aero_port_take(b->port, AERO_BLOCK_ORDER, AERO_LIGHT, &block, 1))
		return;
	b->counters.taken[AERO_UNIT_LARGE][AERO_LIGHT]++;
	if (b->link.unbacked ? block_first(b, block, end) : pages_first(b, block, end))
		b->counters.blocks_remade++;
	else
		b->remake_from_ms = aero_port_now_ms(b->port) + FAILURE_PAUSE_MS;
}
