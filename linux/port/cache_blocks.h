/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Large blocks that hold clean page cache, where the kernel can allocate a given range. */
#ifndef AEROSTAT_LINUX_CACHE_BLOCKS_H
#define AEROSTAT_LINUX_CACHE_BLOCKS_H

#include <aerostat/balloon.h>

#ifdef CONFIG_CONTIG_ALLOC

/*
 * Evicts clean page cache and takes up to @n of the 2 MiB blocks that it lay in, at most as many as
 * take some tens of milliseconds.  Each has one reference, like a block from alloc_pages() without
 * __GFP_COMP.  They are zeroed where the kernel zeroes what it allocates, or
 * aerostat_must_be_zero() asks for it.  Returns how many there were; 0 means that no such block was
 * found.  Called under the step lock; may sleep.
 */
unsigned int aerostat_cache_blocks_take(struct aero_port *port, struct page **blocks,
					unsigned int n);

#else

static inline unsigned int aerostat_cache_blocks_take(struct aero_port *port, struct page **blocks,
						      unsigned int n)
{
	return 0;
}

#endif
#endif
