/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Large blocks from the kernel's free lists, where there is page reporting. */
#ifndef AEROSTAT_LINUX_FREE_LIST_H
#define AEROSTAT_LINUX_FREE_LIST_H

#include <linux/scatterlist.h>

#include <aerostat/balloon.h>

/* Tells the hypervisor of free memory: struct aerostat_backend, report_free(). */
typedef int (*aerostat_report_fn)(void *hypervisor, struct scatterlist *free, unsigned int n);

#if defined(CONFIG_PAGE_REPORTING) && defined(CONFIG_64BIT)

/*
 * If blocks cannot be taken from the free lists, start() writes the reason to the log, and take()
 * returns 0.  If @tell is not NULL, it is told of free memory from start() to stop().  No balloon
 * is active while start() or stop() runs.
 */
void aerostat_free_list_start(aerostat_report_fn tell, void *hypervisor);
void aerostat_free_list_stop(void);

/*
 * Called under the step lock at the end of each run; may sleep.  After a run that took no block,
 * lets go of the kernel's page reporting, so that other drivers can register, unless the
 * hypervisor is told of free memory.  The next take() registers again.  If the balloon is @empty,
 * an earlier refusal is forgotten.
 */
void aerostat_free_list_rest(bool empty);

/*
 * Takes up to @n free blocks of 2 MiB.  Each has one reference, like a block from alloc_pages()
 * without __GFP_COMP.  They are zeroed only if aerostat_must_be_zero().  Returns how many there
 * were.  Called under the step lock; may sleep.
 */
unsigned int aerostat_free_list_take(struct aero_port *port, struct page **blocks, unsigned int n);

#else

static inline void aerostat_free_list_start(aerostat_report_fn tell, void *hypervisor)
{
}

static inline void aerostat_free_list_stop(void)
{
}

static inline void aerostat_free_list_rest(bool empty)
{
}

static inline unsigned int aerostat_free_list_take(struct aero_port *port, struct page **blocks,
						   unsigned int n)
{
	return 0;
}

#endif
#endif
