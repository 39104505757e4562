/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* How different kernels keep and migrate ballooned pages. */
#ifndef AEROSTAT_COMPAT_BALLOON_H
#define AEROSTAT_COMPAT_BALLOON_H

#include <linux/mm.h>
#include <linux/version.h>
#include <linux/vmstat.h>

/*
 * From 7.0 on, the kernel itself puts pages on a balloon's list and replaces those that were
 * migrated.  The lock that it takes for that is not available to modules.
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

/*
 * A kernel may be built without any balloon driver of its own but Xen's, which does not use what
 * these share.  Its list of pages and its counters are lacking then.
 */
#if IS_ENABLED(CONFIG_MEMORY_BALLOON) || IS_ENABLED(CONFIG_BALLOON)
#define AERO_BALLOON_LIST 1
#else
#define AERO_BALLOON_LIST 0
#endif

static inline void aero_compat_count_inflated(long pages)
{
#if AERO_BALLOON_LIST
	count_vm_events(BALLOON_INFLATE, pages);
#endif
}

static inline void aero_compat_count_deflated(long pages)
{
#if AERO_BALLOON_LIST
	count_vm_events(BALLOON_DEFLATE, pages);
#endif
}

#if !AERO_BALLOON_CORE

/* Removes the marks of a ballooned page from an isolated page, which is locked. */
static inline void aero_compat_finalize(struct page *page)
{
#ifdef AERO_HAVE_BALLOON_PAGE_FINALIZE
	balloon_page_finalize(page);
#else
	balloon_page_delete(page);
#endif
}

#endif

/* Counts ballooned pages of a node, for kernels that show their number in /proc/meminfo. */
static inline void aero_compat_count_held(struct page *page, long pages)
{
#ifdef AERO_HAVE_NR_BALLOON_PAGES
	mod_node_page_state(page_pgdat(page), NR_BALLOON_PAGES, pages);
#endif
}

#endif
