/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the kernel tells every reader of /proc, but offers no module a function for. */
#ifndef AEROSTAT_PROC_H
#define AEROSTAT_PROC_H

#include <linux/types.h>

/* Pages of swap there are, and how many of them are in use; false if nobody can tell. */
bool aerostat_swap_pages(u64 *total, u64 *used);

/* Whether memory is set aside for contiguous allocation; true if nobody can tell. */
bool aerostat_has_cma(void);

/* Whether the kernel's command line contains @option. */
bool aerostat_booted_with(const char *option);

#endif
