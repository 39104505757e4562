// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Takes pages from the kernel and gives them back.  There are several ways to take them, and the
 * cheapest that works is used.  The engine asks for an order and does not know which it was.
 */
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/sched.h>

#include <aerostat/balloon.h>

#include "port/cache_blocks.h"
#include "port/free_list.h"

/*
 * Takes memory that is free and not part of a reserve, without sleeping and without waking kswapd.
 */
#define GFP_LIGHT   (__GFP_HIGHMEM | __GFP_NOWARN | __GFP_NOMEMALLOC)

/*
 * Reclaims memory as long as that makes progress, but never calls the OOM killer.  With
 * __GFP_NORETRY, one attempt that finds no page is a failure, also in a guest full of page cache.
 */
#define GFP_RECLAIM (GFP_HIGHUSER | __GFP_NOWARN | __GFP_NOMEMALLOC | __GFP_RETRY_MAYFAIL)

static gfp_t gfp_of(enum aero_effort effort)
{
	return effort == AERO_RECLAIM ? GFP_RECLAIM : GFP_LIGHT;
}

/*
 * Single pages that the balloon holds are offered for migration, so they may be taken from zones in
 * which only movable pages are allowed.
 */
static gfp_t movable(const struct aero_port *port)
{
	return AERO_MIGRATION && !port->keeps_pages ? __GFP_MOVABLE : 0;
}

static unsigned int take_blocks(struct aero_port *port, unsigned int order, gfp_t gfp,
				struct page **blocks, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n && !aero_port_awaited(port); i++) {
		blocks[i] = alloc_pages(gfp, order);
		if (!blocks[i])
			break;
		/* To zero a block can take a tenth of a millisecond. */
		cond_resched();
	}
	return i;
}

/*
 * Takes larger blocks and splits them into single pages.  Blocks of the largest order that is
 * free and not more than is wanted come first, then those of the next smaller one.
 */
static unsigned int take_split(struct aero_port *port, gfp_t gfp, struct page **pages,
			       unsigned int n)
{
	unsigned int order = AERO_BLOCK_ORDER - 1;
	unsigned int got = 0, i;
	struct page *block;

	while (got < n && !aero_port_awaited(port)) {
		order = min_t(unsigned int, order, ilog2(n - got));
		block = alloc_pages(gfp, order);
		if (!block) {
			if (!order--)
				break;
			continue;
		}
		if (order)
			split_page(block, order);
		for (i = 0; i < 1U << order; i++)
			pages[got++] = block + i;
	}
	cond_resched();
	return got;
}

unsigned int aero_port_take(struct aero_port *port, unsigned int order, enum aero_effort effort,
			    aero_page **blocks, unsigned int n)
{
	gfp_t gfp = gfp_of(effort);
	unsigned int got = 0;

	if (order == AERO_BLOCK_ORDER && effort == AERO_RECLAIM)
		return aerostat_cache_blocks_take(port, blocks, n);
	if (order == AERO_BLOCK_ORDER)
		got = aerostat_free_list_take(port, blocks, n);
	if (order)
		return got + take_blocks(port, order, gfp, blocks + got, n - got);
	if (effort == AERO_LIGHT)
		return take_split(port, gfp | movable(port), blocks, n);
	return take_blocks(port, 0, gfp | movable(port), blocks, n);
}

/*
 * Frees a block in two halves, which the buddy allocator joins again.  A whole block, of the size
 * of a huge page, would go to a list of the CPU.  As much memory as the zone's low watermark, tens
 * of MiB, can lie there; smaller allocations cannot use it, so the OOM killer may run while
 * it lies idle.
 */
static void free_block(struct page *block, unsigned int order)
{
	struct page *half = block + (1UL << (order - 1));

	set_page_count(half, 1);
	__free_pages(block, order - 1);
	__free_pages(half, order - 1);
}

void aero_port_free(struct aero_port *port, unsigned int order, aero_page **blocks, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (order)
			free_block(blocks[i], order);
		else
			__free_pages(blocks[i], 0);
	}
	cond_resched();
}

void aero_port_split(struct aero_port *port, aero_page *block, unsigned int order)
{
	split_page(block, order);
}

u64 aero_port_spare_pages(struct aero_port *port)
{
	long available = si_mem_available();
	u64 reserve = READ_ONCE(port->reserve_pages);

	return available > 0 && (u64)available > reserve ? (u64)available - reserve : 0;
}
