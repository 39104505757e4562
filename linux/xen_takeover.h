/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Taking over from the balloon that is built into the kernel, and giving it back. */
#ifndef AEROSTAT_LINUX_XEN_TAKEOVER_H
#define AEROSTAT_LINUX_XEN_TAKEOVER_H

/*
 * Stops the built-in balloon's thread.  Its sysfs files and its watch go on, and
 * with them balloon_stats.target_pages.  0, or -ESRCH when there is no such
 * thread; says what it did.  May sleep.
 */
int aerostat_xen_takeover(void);

/* Starts it again.  Says so, also when it could not. */
void aerostat_xen_giveback(void);

/* Moves the pages it holds, which have no memory behind them, into our balloon. */
void aerostat_xen_adopt(void);

#endif
