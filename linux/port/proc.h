/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Figures that the kernel shows in /proc and for which it has no function that modules may call. */
#ifndef AEROSTAT_PROC_H
#define AEROSTAT_PROC_H

#include <linux/types.h>

/* Stores the number of pages of swap, and of those in use.  Returns false if they are not known. */
bool aerostat_swap_pages(u64 *total, u64 *used);

/* Whether memory is set aside for contiguous allocation (CMA).  True if that is not known. */
bool aerostat_has_cma(void);

/* Whether the kernel's command line contains @option. */
bool aerostat_booted_with(const char *option);

#endif
