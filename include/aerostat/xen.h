/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The guest's half of Xen's balloon.  There is no connection, and the hypervisor has no target.  A
 * guest decreases its reservation and populates it again to follow a target that the toolstack
 * leaves in xenstore.
 */
#ifndef AEROSTAT_XEN_H
#define AEROSTAT_XEN_H

#include <aerostat/abi/xen.h>
#include <aerostat/hypervisor.h>

/* What the guest's operating system provides.  All functions are called under the step lock. */
struct aero_xen_guest {
	/*
	 * Calls HYPERVISOR_memory_op for @extents extents of 2^@order Xen pages.  The first
	 * frame of each is in @frames; in a PV guest, populate stores machine frames there.
	 * Returns how many extents were done, counted from the first, or a negative error.
	 * The result is not trusted: it may be anything.
	 */
	long (*memory_op)(void *ctx, enum aero_xen_op op, uint64_t *frames, uint32_t extents,
			  uint32_t order);

	/* Returns how many pages the balloon should hold. */
	uint64_t (*wanted_pages)(void *ctx);

	/* Returns how many pages to add beyond all that the guest has now.  May be NULL. */
	uint64_t (*beyond_pages)(void *ctx);

	/* The 2^@order pages of @block have left the guest's memory, or have come back to it. */
	void (*left)(void *ctx, aero_page *block, uint32_t order);
	void (*came_back)(void *ctx, aero_page *block, uint32_t order);

	/* Zeroes a block, so that its next owner cannot read this guest's data.  May be NULL. */
	void (*scrub)(void *ctx, aero_page *block, uint32_t order);

	/*
	 * Only in PV guests, whose page_order is 0; otherwise NULL.  unmap() stores the
	 * machine frames of @n pages and removes the pages from the kernel's mapping and from
	 * its table of frames; when it returns false, the pages are mapped as before, and when
	 * it cannot restore that, it returns true, because the guest cannot use them.  map() maps
	 * the pages to the given machine frames; when it returns false, none of them is mapped.
	 */
	bool (*unmap)(void *ctx, aero_page **pages, uint32_t n, uint64_t *frames);
	bool (*map)(void *ctx, aero_page **pages, uint32_t n, const uint64_t *frames);

	/*
	 * Only in PV guests; may be NULL.  After stay(ctx, true) and until stay(ctx, false), the
	 * guest must not be moved to another host, where its machine frames are others: some
	 * are known to this batch only, and neither to the page tables nor to the table of frames.
	 */
	void (*stay)(void *ctx, bool stay);

	/* One page of the guest is 2^page_order pages of Xen. */
	uint32_t page_order;
};

/* All fields are protected by the step lock. */
struct aero_xen {
	struct aero_port *port;
	const struct aero_xen_guest *guest;
	void *ctx;
	uint32_t said; /* messages that were logged and are not repeated, one bit each */
	uint64_t decrease_calls, populate_calls;
	uint64_t decreased_base, decreased_large; /* extents */
	uint64_t populated_base, populated_large;
	uint64_t short_answers; /* calls that did fewer extents than were asked for */
	uint64_t unmapped;	/* pages that could not be mapped again */

	/*
	 * Only in PV guests: machine frames that the guest owns and could not map to any of its
	 * pages.  They are given back to Xen before any other pages are moved.
	 */
	uint32_t strays;
	aero_page *page[AERO_XEN_FRAMES];
	uint64_t frame[AERO_XEN_FRAMES];
	uint64_t machine[AERO_XEN_FRAMES];
	uint64_t stray[AERO_XEN_FRAMES];
};

/* The table for aero_init(), whose @hypervisor is then a struct aero_xen. */
extern const struct aero_hypervisor_ops aero_xen_ops;

/*
 * Converts a target, in pages, as the guest's kernel stores it.  Some kernels subtract from it the
 * memory that the guest does not see, without checking for a negative result.  Such a
 * result is taken for 0.
 */
uint64_t aero_xen_target(uint64_t stored);

/*
 * Returns by how many pages a stored target exceeds @all, but at most @room, the number of pages
 * that Xen would still give to this guest.
 */
uint64_t aero_xen_beyond(uint64_t stored, uint64_t all, uint64_t room);

/*
 * Returns how many pages Xen would still give to this guest, from its answers to
 * XENMEM_maximum_reservation and XENMEM_current_reservation.  This is 0 if one of them is an error,
 * or if the guest has more than its maximum.
 */
uint64_t aero_xen_room(long maximum, long reserved);

/*
 * Ends the use of @x, after the last step of the unload: gives stray machine frames back to Xen,
 * because nobody would know of them any more.  Returns how many frames Xen did not accept in
 * several attempts.  They are lost to the guest; the log says so.
 */
uint32_t aero_xen_end(struct aero_xen *x);

/* @guest and @ctx must exist as long as @x is used. */
void aero_xen_init(struct aero_xen *x, struct aero_port *port, const struct aero_xen_guest *guest,
		   void *ctx);

#endif
