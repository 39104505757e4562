// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The pages that the balloon holds.  Single pages are on the list that the kernel's balloon
 * compaction knows, so that they can be migrated.  Large blocks are on the port's own lists,
 * because a whole block fragments nothing.  All pages are marked as offline, so that crash dumps
 * and /proc/kcore do not read them.
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/vmstat.h>

#include "compat/balloon_pages.h"
#include "compat/mapping.h"
#include "port/store.h"

/* Most of the cost of a held block is the marking of its pages, so these two loops are unrolled. */
static void mark_offline(struct page *block)
{
	unsigned int i;

#pragma GCC unroll 8
	for (i = 0; i < 1U << AERO_BLOCK_ORDER; i++)
		__SetPageOffline(block + i);
}

static void mark_online(struct page *block)
{
	unsigned int i;

#pragma GCC unroll 8
	for (i = 0; i < 1U << AERO_BLOCK_ORDER; i++)
		__ClearPageOffline(block + i);
}

/*
 * Adds @n blocks to the guest's count of its memory, or takes them off it, where held pages do not
 * belong to it.  Neighbours are mostly of one zone, and are counted together.
 */
static void count(struct aero_port *port, struct page **blocks, unsigned int n, unsigned int order,
		  bool add)
{
	unsigned int i, first;
	long pages;

	if (!port->uncounted)
		return;
	for (first = 0; first < n; first = i) {
		for (i = first + 1; i < n; i++)
			if (page_zone(blocks[i]) != page_zone(blocks[first]))
				break;
		pages = (long)(i - first) << order;
		adjust_managed_page_count(blocks[first], add ? pages : -pages);
		WRITE_ONCE(port->unmanaged_pages, port->unmanaged_pages - (add ? pages : -pages));
	}
}

static void hold_blocks(struct list_head *list, struct page **blocks, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		mark_offline(blocks[i]);
		list_add(&blocks[i]->lru, list);
		aero_compat_count_held(blocks[i], 1L << AERO_BLOCK_ORDER);
	}
	aero_compat_count_inflated((long)n << AERO_BLOCK_ORDER);
}

static void unhold_block(struct page *block, struct page **to)
{
	list_del(&block->lru);
	mark_online(block);
	aero_compat_count_held(block, -(1L << AERO_BLOCK_ORDER));
	*to = block;
}

static unsigned int unhold_blocks(struct list_head *list, struct page **blocks, unsigned int n)
{
	struct page *block;
	unsigned int got = 0;

	while (got < n) {
		block = list_first_entry_or_null(list, struct page, lru);
		if (!block)
			break;
		unhold_block(block, &blocks[got++]);
	}
	aero_compat_count_deflated((long)got << AERO_BLOCK_ORDER);
	return got;
}

unsigned int aero_port_unhold_within(struct aero_port *port, enum aero_class class,
				     struct aero_range range, aero_page **blocks, unsigned int n)
{
	struct page *block, *next;
	unsigned int got = 0;

	list_for_each_entry_safe(block, next, &port->blocks[class], lru) {
		if (got == n)
			break;
		if (page_to_pfn(block) - range.first.v < range.pages)
			unhold_block(block, &blocks[got++]);
	}
	aero_compat_count_deflated((long)got << AERO_BLOCK_ORDER);
	count(port, blocks, got, aero_class_held_order(class), true);
	return got;
}

static unsigned int unhold_pages(struct balloon_dev_info *info, struct page **pages, unsigned int n)
{
	struct page *page, *next;
	unsigned int got = 0;
	LIST_HEAD(list);

	aero_compat_unhold_pages(info, &list, n);
	list_for_each_entry_safe(page, next, &list, lru) {
		list_del(&page->lru);
		pages[got++] = page;
	}
	return got;
}

void aero_port_hold(struct aero_port *port, enum aero_class class, aero_page **blocks,
		    unsigned int n)
{
	count(port, blocks, n, aero_class_held_order(class), false);
	if (class == AERO_CLASS_PAGE)
		aero_compat_hold_pages(&port->pages, blocks, n);
	else
		hold_blocks(&port->blocks[class], blocks, n);
}

unsigned int aero_port_unhold(struct aero_port *port, enum aero_class class, aero_page **blocks,
			      unsigned int n)
{
	if (class == AERO_CLASS_PAGE)
		n = unhold_pages(&port->pages, blocks, n);
	else
		n = unhold_blocks(&port->blocks[class], blocks, n);
	count(port, blocks, n, aero_class_held_order(class), true);
	return n;
}

#if AERO_MIGRATION

/* Called by page migration with both pages locked and @from isolated. */
static int migrate_one(struct balloon_dev_info *info, struct page *to, struct page *from,
		       enum migrate_mode mode)
{
	struct aero_port *port = container_of(info, struct aero_port, pages);

	return port->migrate(port, to, from);
}

int aerostat_store_migrated(struct aero_port *port, struct page *to, struct page *from,
			    enum aero_migration result)
{
	/* In the other cases @from leaves the store as well, whoever has it then. */
	if (result != AERO_MIGRATE_FAILED)
		count(port, &from, 1, 0, true);
	if (result == AERO_MIGRATE_MOVED)
		count(port, &to, 1, 0, false);
	return aero_compat_finish_migration(&port->pages, to, from, result);
}

#else

int aerostat_store_migrated(struct aero_port *port, struct page *to, struct page *from,
			    enum aero_migration result)
{
	return -EAGAIN;
}

#endif

void aerostat_store_init(struct aero_port *port, aerostat_migrate_fn migrate)
{
	unsigned int i;

	balloon_devinfo_init(&port->pages);
#if AERO_MIGRATION
	port->pages.migratepage = migrate_one;
#endif
	port->migrate = migrate;
	aero_compat_set_mapping(&port->pages);
	for (i = 0; i < AERO_CLASSES; i++)
		INIT_LIST_HEAD(&port->blocks[i]);
}

void aerostat_store_settle(struct aero_port *port)
{
	while (READ_ONCE(port->pages.isolated_pages))
		usleep_range(1000, 2000);
}
