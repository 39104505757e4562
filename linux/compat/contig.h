/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The allocation of a given range of pages, and the flags of a page. */
#ifndef AEROSTAT_COMPAT_CONTIG_H
#define AEROSTAT_COMPAT_CONTIG_H

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/version.h>

/* The last argument but one was the migrate type of the range before it became a set of flags. */
static inline int aero_compat_alloc_range(unsigned long start, unsigned long end, gfp_t gfp)
{
#ifdef AERO_HAVE_ACR_FLAGS
	return alloc_contig_range(start, end, ACR_FLAGS_NONE, gfp);
#else
	return alloc_contig_range(start, end, MIGRATE_MOVABLE, gfp);
#endif
}

/* Before 5.13 pages of such a range did not pass through the zeroing of init_on_alloc. */
#define AERO_RANGE_IS_ZEROED (LINUX_VERSION_CODE >= KERNEL_VERSION(5, 13, 0))

static inline unsigned long aero_compat_page_flags(const struct page *page)
{
#ifdef AERO_HAVE_MEMDESC_FLAGS
	return READ_ONCE(page->flags.f);
#else
	return READ_ONCE(page->flags);
#endif
}

/* How often a page was used through file descriptors, where the multi-generational LRU counts. */
#ifdef LRU_REFS_MASK
#define AERO_REFS_MASK LRU_REFS_MASK
#else
#define AERO_REFS_MASK 0UL
#endif

#endif
