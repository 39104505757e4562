// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The pages the balloon holds.  Single pages are on the list that the kernel's
 * balloon compaction knows, so they can be migrated; large blocks are on lists
 * of our own, for a whole block fragments nothing.  All are marked offline, so
 * that dump tools and /proc/kcore leave their content alone.
 */
#include <linux/delay.h>
#include <linux/pagemap.h>
#include <linux/vmstat.h>

#include "core.h"

/* Marking is most of what a held block costs, so these two loops are unrolled. */
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

static void hold_blocks(struct list_head *list, struct page **blocks, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		mark_offline(blocks[i]);
		list_add(&blocks[i]->lru, list);
		aero_compat_count_held(blocks[i], 1L << AERO_BLOCK_ORDER);
	}
	count_vm_events(BALLOON_INFLATE, (long)n << AERO_BLOCK_ORDER);
}

static unsigned int unhold_blocks(struct list_head *list, struct page **blocks, unsigned int n)
{
	struct page *block;
	unsigned int got = 0;

	while (got < n) {
		block = list_first_entry_or_null(list, struct page, lru);
		if (!block)
			break;
		list_del(&block->lru);
		mark_online(block);
		aero_compat_count_held(block, -(1L << AERO_BLOCK_ORDER));
		blocks[got++] = block;
	}
	count_vm_events(BALLOON_DEFLATE, (long)got << AERO_BLOCK_ORDER);
	return got;
}

#if AERO_BALLOON_CORE

static void hold_pages(struct balloon_dev_info *info, struct page **pages, unsigned int n)
{
	unsigned int i;
	LIST_HEAD(list);

	for (i = 0; i < n; i++)
		list_add(&pages[i]->lru, &list);
	balloon_page_list_enqueue(info, &list);
}

#else

/*
 * A page that was held before may have been looked at by compaction, which
 * locks it for a moment: so the lock is waited for, not assumed.
 */
static void hold_pages(struct balloon_dev_info *info, struct page **pages, unsigned int n)
{
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < n; i++)
		lock_page(pages[i]);
	spin_lock_irqsave(&info->pages_lock, flags);
	for (i = 0; i < n; i++) {
		balloon_page_insert(info, pages[i]);
		aero_compat_count_held(pages[i], 1);
	}
	spin_unlock_irqrestore(&info->pages_lock, flags);
	for (i = 0; i < n; i++)
		unlock_page(pages[i]);
	count_vm_events(BALLOON_INFLATE, n);
}

#endif

static unsigned int unhold_pages(struct balloon_dev_info *info, struct page **pages, unsigned int n)
{
	struct page *page, *next;
	unsigned int got = 0;
	LIST_HEAD(list);

	balloon_page_list_dequeue(info, &list, n);
	list_for_each_entry_safe(page, next, &list, lru) {
		list_del(&page->lru);
		pages[got++] = page;
	}
	return got;
}

void aero_port_hold(struct aero_port *port, enum aero_class class, aero_page **blocks,
		    unsigned int n)
{
	if (class == AERO_CLASS_PAGE)
		hold_pages(&port->pages, blocks, n);
	else
		hold_blocks(&port->blocks[class], blocks, n);
}

unsigned int aero_port_unhold(struct aero_port *port, enum aero_class class, aero_page **blocks,
			      unsigned int n)
{
	if (class == AERO_CLASS_PAGE)
		return unhold_pages(&port->pages, blocks, n);
	return unhold_blocks(&port->blocks[class], blocks, n);
}

#if AERO_MIGRATION && AERO_BALLOON_CORE

/* The kernel replaces the page by itself when it has heard how it went. */
static int finish_migration(struct balloon_dev_info *info, struct page *to, struct page *from,
			    enum aero_migration result)
{
	switch (result) {
	case AERO_MIGRATE_MOVED:
		return 0;
	case AERO_MIGRATE_SHRUNK:
		return -ENOENT;
	default:
		return -EAGAIN;
	}
}

#elif AERO_MIGRATION

/* The isolated page @from is gone from the store; @to, if any, takes its place. */
static void replace_page(struct balloon_dev_info *info, struct page *to, struct page *from)
{
	unsigned long flags;

	if (to)
		get_page(to);
	spin_lock_irqsave(&info->pages_lock, flags);
	if (to) {
		balloon_page_insert(info, to);
		aero_compat_count_held(to, 1);
	}
	info->isolated_pages--;
	spin_unlock_irqrestore(&info->pages_lock, flags);
	aero_compat_count_held(from, -1);
	aero_compat_finalize(from);
	put_page(from);
}

static int finish_migration(struct balloon_dev_info *info, struct page *to, struct page *from,
			    enum aero_migration result)
{
	switch (result) {
	case AERO_MIGRATE_MOVED:
		replace_page(info, to, from);
		count_vm_event(BALLOON_MIGRATE);
		return 0;
	case AERO_MIGRATE_SHRUNK:
		replace_page(info, NULL, from);
		count_vm_event(BALLOON_DEFLATE);
		/* To the kernel a page that became free has been migrated well enough. */
		return 0;
	default:
		return -EAGAIN;
	}
}

#endif

#if AERO_MIGRATION

/*
 * Called by page migration with both pages locked and @from isolated.  The step
 * lock may be held by ourselves further up the stack, for an allocation of ours
 * may compact: so it is tried, never waited for.
 */
static int migrate_one(struct balloon_dev_info *info, struct page *to, struct page *from,
		       enum migrate_mode mode)
{
	struct aerostat *a = container_of(info, struct aerostat, port.pages);
	int err;

	if (!mutex_trylock(&a->step))
		return -EAGAIN;
	err = finish_migration(info, to, from, aero_migrate(&a->balloon, from, to));
	mutex_unlock(&a->step);
	return err;
}

#endif

void aerostat_store_init(struct aerostat *a)
{
	unsigned int i;

	balloon_devinfo_init(&a->port.pages);
#if AERO_MIGRATION
	a->port.pages.migratepage = migrate_one;
#endif
#if AERO_MIGRATION_BY_MAPPING
	a->port.pages.inode = aerostat_mapping_inode;
#endif
	for (i = 0; i < AERO_CLASSES; i++)
		INIT_LIST_HEAD(&a->port.blocks[i]);
}

void aerostat_store_settle(struct aerostat *a)
{
	while (READ_ONCE(a->port.pages.isolated_pages))
		usleep_range(1000, 2000);
}
