/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a port for a new guest OS starts from: this header and port.c are the port,
 * guest.h and worker.c the loop that drives the engine.  All of it compiles and links
 * with the engine as it stands, and gives a balloon that stays empty.  Copy the folder,
 * and fill in function by function; docs/design/porting.md names a good order.
 *
 * Once copied, this header is found through the include path as <aerostat_port.h>.
 */
#ifndef AEROSTAT_SKELETON_PORT_H
#define AEROSTAT_SKELETON_PORT_H

/*
 * TODO: a kernel has its own header for these types.  It must also give UINT32_MAX and
 * UINT64_MAX.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * TODO: log2 of how many base pages make a large block: 2 MiB on most hypervisors, so 9
 * for pages of 4 KiB and 5 for pages of 64 KiB.  9 is the most.
 */
#define AERO_BLOCK_ORDER 9

/*
 * TODO: the type by which your kernel describes a page, such as Linux's struct page or
 * FreeBSD's struct vm_page.  The engine only passes pointers to it around.
 */
typedef struct aero_page aero_page;

/*
 * TODO: the port's state for one balloon, which the engine passes to each function.
 * Whatever your store needs: a list for each class, a lock for pages that may be isolated
 * for migration, the reserve that spare_pages() leaves alone.  Guard what the step lock
 * does not guard, and say so at each field.
 */
struct aero_port {
	uint64_t reserve_pages; /* written by the administrator: a single word */
};

/*
 * Functions that are called for each page are worth defining here as static inline:
 * aero_port_page() and aero_port_pfn().  All the others are in port.c; their prototypes are
 * in aerostat/port.h, which includes this file.
 */

#endif
