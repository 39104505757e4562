/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The order of the blocks that the kernel's page reporting reports. */
#ifndef AEROSTAT_COMPAT_PAGE_REPORTING_H
#define AEROSTAT_COMPAT_PAGE_REPORTING_H

#include <linux/minmax.h>
#include <linux/mmzone.h>
#include <linux/page_reporting.h>

#include <aerostat/balloon.h>

/* Newer kernels export this setting, but no header for modules declares it.  Use symbol_get(). */
extern unsigned int page_reporting_order;

/*
 * Asks for the order of a page block, which is what the kernel uses if no driver asks for an order.
 * The setting holds for the whole system.  Some kernels before 7.2 took an order of 0 for "not
 * specified"; from 7.2 on it means single pages.
 */
static inline void aero_compat_reporting_order(struct page_reporting_dev_info *device)
{
#ifdef AERO_HAVE_REPORTING_ORDER
	device->order = max_t(unsigned int, pageblock_order, AERO_BLOCK_ORDER);
#endif
}

#endif
