/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Large blocks from the kernel's free lists, where there is page reporting. */
#ifndef AEROSTAT_LINUX_FREE_LIST_H
#define AEROSTAT_LINUX_FREE_LIST_H

#include <aerostat/balloon.h>

#if defined(CONFIG_PAGE_REPORTING) && defined(CONFIG_64BIT)

/*
 * If blocks cannot be taken from the free lists, start() writes the reason to the log, and take()
 * returns 0.  No balloon is active while start() or stop() runs.
 */
void aerostat_free_list_start(void);
void aerostat_free_list_stop(void);

/*
 * Lets go of the kernel's page reporting, so that other drivers can register.  Called under the
 * step lock when the balloon is empty; may sleep.  The next take() registers again.
 */
void aerostat_free_list_idle(void);

/*
 * Takes up to @n free blocks of 2 MiB.  Each has one reference, like a block from alloc_pages()
 * without __GFP_COMP.  They are zeroed only if aerostat_must_be_zero().  Returns how many there
 * were.  Called under the step lock; may sleep.
 */
unsigned int aerostat_free_list_take(struct aero_port *port, struct page **blocks, unsigned int n);

#else

static inline void aerostat_free_list_start(void)
{
}

static inline void aerostat_free_list_stop(void)
{
}

static inline void aerostat_free_list_idle(void)
{
}

static inline unsigned int aerostat_free_list_take(struct aero_port *port, struct page **blocks,
						   unsigned int n)
{
	return 0;
}

#endif
#endif
