/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What worker.c needs of the guest's operating system, and what it offers to it.  The
 * guest_*() functions are yours to supply.
 */
#ifndef AEROSTAT_SKELETON_GUEST_H
#define AEROSTAT_SKELETON_GUEST_H

#include <aerostat/balloon.h>

/* The step lock: a mutex that may sleep.  guest_trylock() returns whether it got it. */
void guest_lock(void);
bool guest_trylock(void);
void guest_unlock(void);

/* Lets other threads run. */
void guest_yield(void);

/*
 * Sleeps for @ms, or until the driver is kicked: by a doorbell, by a watch on xenstore, or
 * because the driver is to end.  A kick that came just before the call must not be lost.
 */
void guest_wait_ms(uint32_t ms);

/* Whether the driver is to end.  Once true it stays true. */
bool guest_is_ending(void);

/*
 * Adds up to @pages of memory to the guest and returns how many were added.  Each page that
 * comes online, now or later, joins the balloon by aero_adopt() under the step lock.  Without
 * memory hotplug: return 0.
 */
uint64_t guest_add_memory(uint64_t pages);

/* Keeps @n pages without memory behind them out of everybody's hands for good. */
void guest_keep_unbacked(aero_page **pages, unsigned int n);

/* The driver's thread: runs until guest_is_ending(), then gives all pages back. */
void balloon_worker(struct aero_balloon *b);

/*
 * For the hook that your kernel calls when memory is short.  Returns how many pages the
 * guest got.  May be called from inside an allocation that the worker itself makes.
 */
uint64_t balloon_relieve(struct aero_balloon *b, uint64_t pages);

#endif
