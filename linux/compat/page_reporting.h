/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The order of the blocks that the kernel's page reporting reports. */
#ifndef AEROSTAT_COMPAT_PAGE_REPORTING_H
#define AEROSTAT_COMPAT_PAGE_REPORTING_H

#include <linux/page_reporting.h>

#include <aerostat/balloon.h>

/* Newer kernels export this setting, but no header for modules declares it.  Use symbol_get(). */
extern unsigned int page_reporting_order;

/*
 * Asks for blocks of 2 MiB.  With pages of 4 KiB this is the order of a page block, which is what
 * the kernel uses if no driver asks for an order.  With pages of 16 KiB a page block has 32 MiB:
 * the kernel then reports nothing before 32 of them are free, which a guest of 1 GiB never has. The
 * setting holds for the whole system.  Some kernels before 7.2 took an order of 0 for "not
 * specified"; from 7.2 on it means single pages.
 */
static inline void aero_compat_reporting_order(struct page_reporting_dev_info *device)
{
#ifdef AERO_HAVE_REPORTING_ORDER
	device->order = AERO_BLOCK_ORDER;
#endif
}

#endif
