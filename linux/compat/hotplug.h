/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* How different kernels add memory and mark what comes online. */
#ifndef AEROSTAT_COMPAT_HOTPLUG_H
#define AEROSTAT_COMPAT_HOTPLUG_H

#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/version.h>

/* How a page that comes online is marked: as reserved, and in newer kernels as offline. */
static inline void aero_compat_claim_onlined(struct page *page)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
	__ClearPageOffline(page);
#else
	__ClearPageReserved(page);
#endif
}

#ifdef CONFIG_MEMORY_HOTPLUG

/* The first address that the kernel's direct mapping of memory cannot contain. */
static inline u64 aero_compat_hotplug_end(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 12, 0)
	u64 last = mhp_get_pluggable_range(true).end;

	return last == U64_MAX ? last : last + 1;
#else
	return U64_MAX;
#endif
}

/* Its name before 5.12. */
#ifndef MHP_MERGE_RESOURCE
#define MHP_MERGE_RESOURCE MEMHP_MERGE_RESOURCE
#endif

static inline int aero_compat_add_memory(u64 start, u64 size)
{
	return add_memory_driver_managed(memory_add_physaddr_to_nid(start), start, size,
					 "System RAM (aerostat)", MHP_MERGE_RESOURCE);
}

#endif

#endif
