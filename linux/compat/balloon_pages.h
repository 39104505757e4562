/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Puts single pages on the kernel's list of ballooned pages, and completes the migration of such
 * a page.  Kernels from 7.0 on do most of this by themselves.
 */
#ifndef AEROSTAT_COMPAT_BALLOON_PAGES_H
#define AEROSTAT_COMPAT_BALLOON_PAGES_H

#include <linux/pagemap.h>

#include <aerostat/balloon.h>

#include "compat/balloon.h"

#if AERO_BALLOON_CORE

static inline void aero_compat_hold_pages(struct balloon_dev_info *info, struct page **pages,
					  unsigned int n)
{
	unsigned int i;
	LIST_HEAD(list);

	for (i = 0; i < n; i++)
		list_add(&pages[i]->lru, &list);
	balloon_page_list_enqueue(info, &list);
}

#else

/*
 * Compaction may be examining a page that was held before, and locks it for a moment.  Therefore
 * the page lock is waited for.
 */
static inline void aero_compat_hold_pages(struct balloon_dev_info *info, struct page **pages,
					  unsigned int n)
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
	aero_compat_count_inflated(n);
}

#endif

#if AERO_BALLOON_LIST

/* Moves up to @n pages from the kernel's list to @list. */
static inline void aero_compat_unhold_pages(struct balloon_dev_info *info, struct list_head *list,
					    unsigned int n)
{
	balloon_page_list_dequeue(info, list, n);
}

#else

/* Without the kernel's list there is no migration either, so nobody else looks at these pages. */
static inline void aero_compat_unhold_pages(struct balloon_dev_info *info, struct list_head *list,
					    unsigned int n)
{
	struct page *page, *next;
	unsigned long flags;

	spin_lock_irqsave(&info->pages_lock, flags);
	list_for_each_entry_safe(page, next, &info->pages, lru) {
		if (!n--)
			break;
		list_move(&page->lru, list);
		__ClearPageOffline(page);
		aero_compat_count_held(page, -1);
	}
	spin_unlock_irqrestore(&info->pages_lock, flags);
}

#endif

#if AERO_MIGRATION && AERO_BALLOON_CORE

/* The kernel replaces the page by itself when it is told the result. */
static inline int aero_compat_finish_migration(struct balloon_dev_info *info, struct page *to,
					       struct page *from, enum aero_migration result)
{
	switch (result) {
	case AERO_MIGRATE_MOVED:
		return 0;
	/* The kernel drops the page's reference, so one is taken for the batch in flight. */
	case AERO_MIGRATE_FROM_IN_FLIGHT:
		get_page(from);
		return -ENOENT;
	case AERO_MIGRATE_TO_IN_FLIGHT:
		get_page(to);
		return -ENOENT;
	case AERO_MIGRATE_SHRUNK:
		return -ENOENT;
	default:
		return -EAGAIN;
	}
}

#elif AERO_MIGRATION

/* The isolated page @from leaves the store.  @to takes its place, unless it is NULL. */
static inline void aero_compat_replace_page(struct balloon_dev_info *info, struct page *to,
					    struct page *from)
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

static inline int aero_compat_finish_migration(struct balloon_dev_info *info, struct page *to,
					       struct page *from, enum aero_migration result)
{
	switch (result) {
	case AERO_MIGRATE_MOVED:
		aero_compat_replace_page(info, to, from);
		count_vm_event(BALLOON_MIGRATE);
		return 0;
	case AERO_MIGRATE_FROM_IN_FLIGHT:
	case AERO_MIGRATE_TO_IN_FLIGHT:
		/* Only the reference of the page that is in flight outlives the migration. */
		get_page(result == AERO_MIGRATE_FROM_IN_FLIGHT ? from : to);
		fallthrough;
	case AERO_MIGRATE_SHRUNK:
		aero_compat_replace_page(info, NULL, from);
		aero_compat_count_deflated(1);
		/* The kernel is told that the migration succeeded, since the page became free. */
		return 0;
	default:
		return -EAGAIN;
	}
}

#endif

#endif
