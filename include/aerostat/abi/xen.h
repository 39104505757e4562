/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Xen's memory operations on the wire: numbers only.  They come from Xen's
 * public interface (memory.h); docs/design/xen.md explains them in prose.
 */
#ifndef AEROSTAT_ABI_XEN_H
#define AEROSTAT_ABI_XEN_H

/* Commands of HYPERVISOR_memory_op. */
enum aero_xen_op {
	AERO_XEN_DECREASE_RESERVATION = 1,
	AERO_XEN_POPULATE_PHYSMAP = 6,
};

/* Xen counts in pages of 4 KiB, whatever the guest's page is. */
#define AERO_XEN_PAGE_SHIFT 12

/* Frames named in one call: a list of one page. */
#define AERO_XEN_FRAMES	    512U

#endif
