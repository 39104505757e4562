/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What a PV guest must do with its page tables around a change of its reservation. */
#ifndef AEROSTAT_LINUX_XEN_PV_H
#define AEROSTAT_LINUX_XEN_PV_H

#include <linux/types.h>

struct page;

#ifdef CONFIG_XEN_PV

/* Prepares; -ENOMEM.  Nothing to do, and nothing below to call, in other guests. */
int aerostat_xen_pv_start(void);
void aerostat_xen_pv_stop(void);

/* See struct aero_xen_guest in include/aerostat/xen.h. */
bool aerostat_xen_pv_unmap(void *ctx, struct page **pages, u32 n, u64 *frames);
bool aerostat_xen_pv_map(void *ctx, struct page **pages, u32 n, const u64 *frames);

/*
 * Pages that came without memory behind them show our page of zeroes from now on.
 * @n blocks of 2^@order pages, together at most AERO_XEN_FRAMES.  Step lock.
 */
void aerostat_xen_pv_hide(struct page **blocks, u32 n, u32 order);

/*
 * Pages that stay without memory behind them, and leave our care: their addresses
 * no longer show our page of zeroes, which would keep Xen from ever taking that.
 */
void aerostat_xen_pv_forget(struct page **pages, u32 n);

#else

/* No guest of this kernel is a PV guest (arm64): none of these is ever called. */
static inline int aerostat_xen_pv_start(void)
{
	return 0;
}

static inline void aerostat_xen_pv_stop(void)
{
}

static inline bool aerostat_xen_pv_unmap(void *ctx, struct page **pages, u32 n, u64 *frames)
{
	return false;
}

static inline bool aerostat_xen_pv_map(void *ctx, struct page **pages, u32 n, const u64 *frames)
{
	return false;
}

static inline void aerostat_xen_pv_hide(struct page **blocks, u32 n, u32 order)
{
}

static inline void aerostat_xen_pv_forget(struct page **pages, u32 n)
{
}

#endif
#endif
