/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Changes to a PV guest's page tables before and after its reservation is changed. */
#ifndef AEROSTAT_LINUX_XEN_PV_H
#define AEROSTAT_LINUX_XEN_PV_H

#include <linux/types.h>

struct page;

#ifdef CONFIG_XEN_PV

/* Allocates what the functions below need.  Returns 0 or -ENOMEM.  Only PV guests call these. */
int aerostat_xen_pv_start(void);
void aerostat_xen_pv_stop(void);

/* See struct aero_xen_guest in include/aerostat/xen.h. */
bool aerostat_xen_pv_unmap(void *ctx, struct page **pages, u32 n, u64 *frames);
bool aerostat_xen_pv_map(void *ctx, struct page **pages, u32 n, const u64 *frames);

/*
 * Maps pages that have no memory behind them to the page of zeroes: @n blocks of 2^@order pages,
 * together at most AERO_XEN_FRAMES.  Called under the step lock.
 */
void aerostat_xen_pv_hide(struct page **blocks, u32 n, u32 order);

/*
 * Unmaps pages that stay without memory and leave the balloon.  If they remained mapped to the page
 * of zeroes, Xen could not take that page back when it is freed.
 */
void aerostat_xen_pv_forget(struct page **pages, u32 n);

#else

/* This kernel cannot run as a PV guest (arm64, for example), so these are never called. */
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
