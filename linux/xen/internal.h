/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Declarations that the files of aerostat_xen.ko share. */
#ifndef AEROSTAT_LINUX_XEN_H
#define AEROSTAT_LINUX_XEN_H

#include <linux/mm_types.h>
#include <linux/types.h>

#include <xen/features.h>
#include <xen/xen.h>

#include <aerostat/balloon.h>

/* Whether this is a PV guest, whose page tables contain machine frames. */
static inline bool aerostat_xen_sees_machine_frames(void)
{
	return xen_pv_domain() && !xen_feature(XENFEAT_auto_translated_physmap);
}

/* -- target.c: the guest's target -- */

/*
 * start() registers a watch on xenstore and, if the kernel has none, makes the files of
 * xen_memory0. From then on, a change of the target kicks the balloon.  Both may sleep.
 */
int aerostat_xen_target_start(void);
void aerostat_xen_target_stop(void);

/* Returns the target in pages, as Xen's tools wrote it, for the worker that acts on it. */
unsigned long aerostat_xen_target_read(void);

/*
 * The first passes the administrator's limits of the pause on to the engine.  The second updates
 * the figures that show the present pause.  Both are called under the step lock.
 */
void aerostat_xen_target_pace(void);
void aerostat_xen_target_run_ended(u32 retries, u32 delay_ms);

/* -- takeover.c: the balloon that is built into the kernel -- */

/*
 * Stops the thread of the built-in balloon.  Its files in sysfs and its watch go on working, and so
 * they go on setting balloon_stats.target_pages.  Returns 0, -EOPNOTSUPP if that is not verified
 * for this kernel and not forced, or -ESRCH if there is no such thread, and logs what it did.  May
 * sleep.
 */
int aerostat_xen_takeover(void);

/* Starts the thread again and logs whether that worked. */
void aerostat_xen_giveback(void);

/*
 * Moves the pages of the built-in balloon, which have no memory behind them, to Aerostat's.  Takes
 * the step lock.  Costs next to nothing when there are none.
 */
void aerostat_xen_adopt(void);

/* -- count.c: the guest's count of its own pages -- */

/* Compares the count with Xen's and corrects it.  Called under the step lock when a run has ended.
 */
void aerostat_xen_count_check(void);

/* By how many pages the count has been corrected.  Called under the step lock. */
u64 aerostat_xen_count_mended(void);

/* From start() to stop(), a migration to another host is noticed.  Both may sleep. */
void aerostat_xen_count_start(void);
void aerostat_xen_count_stop(void);

/* -- grow.c: memory beyond what the guest booted with -- */

/*
 * Called when memory that was added has come online (@failed is false) or could not be
 * added (@failed is true).  Must not sleep.
 */
typedef void (*aerostat_xen_grow_news)(bool failed);

/* 0 or -errno.  @news is called from now on, until aerostat_xen_grow_stop(). */
int aerostat_xen_grow_start(aerostat_xen_grow_news news);
void aerostat_xen_grow_stop(void);

/* Whether memory can be added at all. */
bool aerostat_xen_can_grow(void);

/*
 * Adds memory for @pages pages, rounded up to whole memory blocks, or less if the page structures
 * would take too much of the available memory.  Returns how many pages were added; if this is 0,
 * the reason was logged.  Called without the step lock; may sleep.
 */
u64 aerostat_xen_grow(u64 pages);

/* -- lend.c -- */

int aerostat_xen_lend_start(void);
void aerostat_xen_lend_stop(void);

/* Whether memory is added in place of what is lent. */
bool aerostat_xen_lend_adds(void);

/* Returns how many pages borrowers wait for.  Memory has to be added for them. */
u64 aerostat_xen_lend_wanted(void);

/* Wakes the borrowers that wait: pages have come, or memory could not be added (@failed). */
void aerostat_xen_lend_news(bool failed);

#endif
