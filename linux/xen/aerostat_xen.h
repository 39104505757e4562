/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The functions that aerostat_xen.ko offers to other drivers. */
#ifndef AEROSTAT_XEN_LINUX_H
#define AEROSTAT_XEN_LINUX_H

#include <linux/types.h>

struct page;

/*
 * Borrows @n pages without memory behind them, into which the caller can map foreign memory.  They
 * come from the balloon.  If it holds too few, memory is added to the guest (with
 * hotplug_unpopulated), or the guest gives up memory of its own.  With @low_only, no page is from
 * high memory.  May sleep; with hotplug_unpopulated it waits, interruptibly, until the new memory
 * is online.
 *
 * Returns 0, -ENOMEM or -EINTR.  After an error nothing is borrowed.
 */
int aerostat_xen_alloc_pages(unsigned int n, struct page **pages, bool low_only);

/*
 * Gives borrowed pages back, from which the caller has unmapped the foreign memory.  Entries that
 * are NULL are skipped.  May sleep.
 */
void aerostat_xen_free_pages(unsigned int n, struct page **pages);

#endif
