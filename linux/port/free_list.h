/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Large blocks from the kernel's free lists, where there is page reporting. */
#ifndef AEROSTAT_LINUX_FREE_LIST_H
#define AEROSTAT_LINUX_FREE_LIST_H

#include <aerostat/balloon.h>

#if defined(CONFIG_PAGE_REPORTING) && defined(CONFIG_64BIT)

/*
 * start() says in the log why this way is closed, if it is; take() then finds
 * nothing.  No balloon works during either of start() and stop().
 */
void aerostat_free_list_start(void);
void aerostat_free_list_stop(void);

/*
 * Up to @n free blocks of 2 MiB, a reference on each, as alloc_pages() gives them
 * without __GFP_COMP; zeroed only where the hypervisor wants what the kernel
 * zeroes.  Returns how many.  Step lock; may sleep.
 */
unsigned int aerostat_free_list_take(struct aero_port *port, struct page **blocks, unsigned int n);

#else

static inline void aerostat_free_list_start(void)
{
}

static inline void aerostat_free_list_stop(void)
{
}

static inline unsigned int aerostat_free_list_take(struct aero_port *port, struct page **blocks,
						   unsigned int n)
{
	return 0;
}

#endif
#endif
