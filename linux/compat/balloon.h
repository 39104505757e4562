/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* How different kernels keep and migrate ballooned pages. */
#ifndef AEROSTAT_COMPAT_BALLOON_H
#define AEROSTAT_COMPAT_BALLOON_H

#include <linux/mm.h>
#include <linux/version.h>
#include <linux/vmstat.h>

/*
 * From 7.0 on the kernel puts pages on a balloon's list and replaces those that have
 * migrated all by itself, and keeps the lock it takes for that to itself.
 */
#ifdef AERO_HAVE_BALLOON_H
#include <linux/balloon.h>
#define AERO_BALLOON_CORE 1
#else
#include <linux/balloon_compaction.h>
#define AERO_BALLOON_CORE 0
#endif

#if IS_ENABLED(CONFIG_BALLOON_MIGRATION) || IS_ENABLED(CONFIG_BALLOON_COMPACTION)
#define AERO_MIGRATION 1
#else
#define AERO_MIGRATION 0
#endif

/* Before 6.0 a page could only be migrated through the mapping of an inode (compat/mapping.c). */
#if AERO_MIGRATION && LINUX_VERSION_CODE < KERNEL_VERSION(6, 0, 0)
#define AERO_MIGRATION_BY_MAPPING 1
#else
#define AERO_MIGRATION_BY_MAPPING 0
#endif

#if !AERO_BALLOON_CORE

/* An isolated page stops being one of a balloon's; it is locked. */
static inline void aero_compat_finalize(struct page *page)
{
#ifdef AERO_HAVE_BALLOON_PAGE_FINALIZE
	balloon_page_finalize(page);
#else
	balloon_page_delete(page);
#endif
}

#endif

/* How much of a node is ballooned, for /proc/meminfo where the kernel shows it there. */
static inline void aero_compat_count_held(struct page *page, long pages)
{
#ifdef AERO_HAVE_NR_BALLOON_PAGES
	mod_node_page_state(page_pgdat(page), NR_BALLOON_PAGES, pages);
#endif
}

#endif
