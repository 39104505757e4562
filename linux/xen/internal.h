/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the files of aerostat_xen.ko share. */
#ifndef AEROSTAT_LINUX_XEN_H
#define AEROSTAT_LINUX_XEN_H

#include <linux/mm_types.h>
#include <linux/types.h>

#include <xen/features.h>
#include <xen/xen.h>

#include <aerostat/balloon.h>

/* A PV guest, whose page tables name machine frames. */
static inline bool aerostat_xen_sees_machine_frames(void)
{
	return xen_pv_domain() && !xen_feature(XENFEAT_auto_translated_physmap);
}

/* -- target.c: where the target comes from -- */

/*
 * The watch on xenstore and, where the kernel has none, the files of xen_memory0.
 * After start() a change of the target kicks the balloon.  May sleep.
 */
int aerostat_xen_target_start(void);
void aerostat_xen_target_stop(void);

/* The target in pages, as Xen's tools wrote it, for the worker that acts on it now. */
unsigned long aerostat_xen_target_read(void);

/* Takes the administrator's limits over into the engine, and shows how it goes; step lock. */
void aerostat_xen_target_pace(void);
void aerostat_xen_target_run_ended(u32 retries, u32 delay_ms);

/* -- takeover.c: the balloon that is built into the kernel -- */

/*
 * Stops its thread.  Its sysfs files and its watch go on, and with them
 * balloon_stats.target_pages.  0, or -ESRCH when there is no such thread; says
 * what it did.  May sleep.
 */
int aerostat_xen_takeover(void);

/* Starts it again.  Says so, also when it could not. */
void aerostat_xen_giveback(void);

/*
 * Moves the pages it holds, which have no memory behind them, into our balloon.
 * Takes the step lock.  Cheap when there are none.
 */
void aerostat_xen_adopt(void);

/* -- grow.c: memory beyond what the guest booted with -- */

/*
 * Called when memory that was added has come online (@failed is false) or could not be
 * added (@failed is true).  Must not sleep.
 */
typedef void (*aerostat_xen_grow_news)(bool failed);

/* 0 or -errno.  @news is called from now on, until aerostat_xen_grow_stop(). */
int aerostat_xen_grow_start(aerostat_xen_grow_news news);
void aerostat_xen_grow_stop(void);

/* Whether this kernel can add memory at all. */
bool aerostat_xen_can_grow(void);

/*
 * Adds memory for @pages, rounded up to what the kernel can add, or less when its
 * page structures would take too much of what there is.  Returns the pages added;
 * 0: the log says why.  May sleep; not under the step lock.
 */
u64 aerostat_xen_grow(u64 pages);

/* -- lend.c -- */

int aerostat_xen_lend_start(void);
void aerostat_xen_lend_stop(void);

/* Whether memory is added in place of what is lent. */
bool aerostat_xen_lend_adds(void);

/* Pages that borrowers wait for, and which memory is to be added for. */
u64 aerostat_xen_lend_wanted(void);

/* Borrowers that wait have something new to look at: pages came, or adding failed. */
void aerostat_xen_lend_news(bool failed);

#endif
