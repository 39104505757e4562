/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What aerostat_xen.ko offers to other drivers. */
#ifndef AEROSTAT_XEN_LINUX_H
#define AEROSTAT_XEN_LINUX_H

#include <linux/types.h>

struct page;

/*
 * Borrows @n pages without memory behind them, to map foreign memory into.  They
 * come from the balloon; when it holds too few, memory is added to the guest
 * (with hotplug_unpopulated) or the guest's own is given up.  @low_only: none from
 * high memory.  May sleep; with hotplug_unpopulated until the new memory is online,
 * interruptibly.
 *
 * 0, -ENOMEM, -EINTR.  After an error nothing is borrowed.
 */
int aerostat_xen_alloc_pages(unsigned int n, struct page **pages, bool low_only);

/* Gives borrowed pages back, foreign memory unmapped; NULL entries are skipped.  May sleep. */
void aerostat_xen_free_pages(unsigned int n, struct page **pages);

#endif
