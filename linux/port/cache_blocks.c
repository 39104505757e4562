// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Large blocks out of page cache.
 *
 * A guest that has run for a while is full of page cache and has hardly a free block.  To reclaim
 * single pages in the order of their age and to wait until two MiB of neighbours have become free
 * takes long, and ends with single pages.  Files that were read in one go lie in whole blocks,
 * though.  This file looks for blocks that hold hardly anything but page cache which the kernel
 * could drop at once: clean, not mapped, not in the active list.  Such a block is allocated with
 * alloc_contig_range(), which drops clean page cache in the range and moves the few other pages.
 *
 * The look at a block takes no reference and no lock, so what it sees may be out of date.  It only
 * decides which block is tried; alloc_contig_range() decides by its own rules whether it can be
 * had.
 *
 * docs/design/design.md, "Blocks of page cache".
 */
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/vmstat.h>

#include "compat/contig.h"
#include "port/cache_blocks.h"
#include "port/proc.h"

#define BLOCK_PAGES (1UL << AERO_BLOCK_ORDER)

/* Of a block's pages, so many may be something else than clean page cache, and are moved. */
#define OTHERS_MAX  (BLOCK_PAGES / 8)

/* Adjacent blocks are allocated together, because each allocation makes all CPUs flush lists. */
#define RUN_BLOCKS  32UL

/* How many blocks one call takes, and how many it looks at.  This bounds the time of a step. */
#define TAKE_BLOCKS 32U
#define LOOKS	    8192U

/* Clean page cache that is in an LRU list, is not in active use and is not being read. */
#define LOOK_MASK                                                                                 \
	(BIT(PG_lru) | BIT(PG_active) | BIT(PG_unevictable) | BIT(PG_dirty) | BIT(PG_writeback) | \
	 BIT(PG_swapbacked) | BIT(PG_locked) | AERO_REFS_MASK)

/* Where the search goes on: at the end of the node it is in, downwards.  Step lock. */
static struct {
	int node;
	unsigned long pfn;
} cursor = {.node = NUMA_NO_NODE};

struct look {
	unsigned long free, others;
};

/* Whether nobody but the page cache refers to a page, which means that it is not mapped either. */
static bool is_idle(struct page *head, unsigned long flags)
{
	return page_count(head) == (int)compound_nr(head) + !!(flags & BIT(PG_private));
}

/* Looks at one page.  Returns false if it cannot be dropped or moved. */
static bool look_at(struct page *page, struct look *look)
{
	struct page *head = compound_head(page);
	unsigned long flags = aero_compat_page_flags(head);

	if ((flags & LOOK_MASK) == BIT(PG_lru) && is_idle(head, flags))
		return true;
	if (!page_count(head)) {
		look->free++;
		return true;
	}
	return flags & BIT(PG_lru) && ++look->others <= OTHERS_MAX;
}

/*
 * Free pages in the block are taken too, and alloc_contig_range() does not care for watermarks.
 */
static bool leaves_enough(struct zone *zone, unsigned long free)
{
	return free <= OTHERS_MAX ||
	       zone_page_state(zone, NR_FREE_PAGES) > high_wmark_pages(zone) + free;
}

static bool is_cache(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);
	struct look look = {0};
	unsigned long i;

	if (!page || page_zone(page) != page_zone(page + BLOCK_PAGES - 1))
		return false;
	if (zone_idx(page_zone(page)) == ZONE_MOVABLE)
		return false;
	for (i = 0; i < BLOCK_PAGES; i++)
		if (!look_at(page + i, &look))
			return false;
	return leaves_enough(page_zone(page), look.free);
}

/* Moves the search to the end of the next node. */
static void to_next_node(void)
{
	cursor.node = cursor.node == NUMA_NO_NODE ? first_online_node
						  : next_online_node(cursor.node);
	if (cursor.node >= MAX_NUMNODES)
		cursor.node = first_online_node;
	cursor.pfn = ALIGN_DOWN(node_end_pfn(cursor.node), BLOCK_PAGES);
}

/* Moves the search one block on.  Returns the frame number of the block to look at. */
static unsigned long next_block(void)
{
	while (cursor.node == NUMA_NO_NODE || !node_online(cursor.node) ||
	       cursor.pfn < node_start_pfn(cursor.node) + BLOCK_PAGES)
		to_next_node();
	cursor.pfn -= BLOCK_PAGES;
	return cursor.pfn;
}

/* Makes a block, whose pages have one reference each, what alloc_pages() would have returned. */
static void join(struct aero_port *port, struct page *block)
{
	unsigned long i;

	for (i = 1; i < BLOCK_PAGES; i++)
		set_page_count(block + i, 0);
	if (!AERO_RANGE_IS_ZEROED && aerostat_must_be_zero(port))
		aerostat_zero(block, AERO_BLOCK_ORDER);
}

static unsigned int take_range(struct aero_port *port, unsigned long pfn, unsigned long n,
			       struct page **blocks)
{
	unsigned long i;

	if (aero_compat_alloc_range(pfn, pfn + n * BLOCK_PAGES,
				    GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN))
		return 0;
	for (i = 0; i < n; i++) {
		blocks[i] = pfn_to_page(pfn + i * BLOCK_PAGES);
		join(port, blocks[i]);
	}
	return n;
}

/*
 * Takes a run of adjacent blocks.  If that fails, because some page of it is in use, the halves are
 * tried, and so on down to single blocks.  The depth is ilog2(RUN_BLOCKS).
 */
static unsigned int take_run(struct aero_port *port, unsigned long pfn, unsigned long n,
			     struct page **blocks)
{
	unsigned int got = take_range(port, pfn, n, blocks);
	unsigned long half = n / 2;

	cond_resched();
	if (got || !half || aero_port_awaited(port))
		return got;
	got = take_run(port, pfn, half, blocks);
	return got + take_run(port, pfn + half * BLOCK_PAGES, n - half, blocks + got);
}

/* Adjacent blocks that were found and not taken yet. */
struct run {
	unsigned long pfn, n;
};

static bool extends(const struct run *run, unsigned long pfn)
{
	return pfn + BLOCK_PAGES == run->pfn &&
	       page_zone(pfn_to_page(pfn)) == page_zone(pfn_to_page(run->pfn));
}

unsigned int aerostat_cache_blocks_take(struct aero_port *port, struct page **blocks,
					unsigned int n)
{
	unsigned int got = 0, looks;
	struct run run = {0};

	n = min(n, TAKE_BLOCKS);
	for (looks = 0; looks < LOOKS && got < n && !aero_port_awaited(port); looks++) {
		unsigned long pfn = next_block();
		bool fits = is_cache(pfn);

		if (run.n && !(fits && extends(&run, pfn))) {
			got += take_run(port, run.pfn, run.n, blocks + got);
			run.n = 0;
		}
		if (fits) {
			run.pfn = pfn;
			run.n++;
		}
		if (run.n == min_t(unsigned long, RUN_BLOCKS, n - got)) {
			got += take_run(port, run.pfn, run.n, blocks + got);
			run.n = 0;
		}
		cond_resched();
	}
	/* It has been found, but not taken yet. */
	if (aero_port_awaited(port))
		return got;
	return run.n ? got + take_run(port, run.pfn, run.n, blocks + got) : got;
}
