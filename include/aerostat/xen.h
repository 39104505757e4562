/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The guest's half of Xen's balloon.  There is no connection and nobody to ask: a
 * guest decreases its reservation and populates it again, to follow a target that
 * the toolstack leaves in xenstore.
 */
#ifndef AEROSTAT_XEN_H
#define AEROSTAT_XEN_H

#include <aerostat/abi/xen.h>
#include <aerostat/hypervisor.h>

/* What the guest's operating system does; all called under the step lock. */
struct aero_xen_guest {
	/*
	 * HYPERVISOR_memory_op for @extents extents of 2^@order Xen pages; their
	 * first frames are in @frames, where populate leaves machine frames in a
	 * PV guest.  Returns how many were done, counted from the first, or a
	 * negative error.  Not trusted: it may return anything.
	 */
	long (*memory_op)(void *ctx, enum aero_xen_op op, uint64_t *frames, uint32_t extents,
			  uint32_t order);

	/* How many pages the balloon should hold. */
	uint64_t (*wanted_pages)(void *ctx);

	/* How many pages the guest wants beyond all there are; may be NULL. */
	uint64_t (*beyond_pages)(void *ctx);

	/* 2^@order pages from @block on left the guest's memory, or came back. */
	void (*left)(void *ctx, aero_page *block, uint32_t order);
	void (*came_back)(void *ctx, aero_page *block, uint32_t order);

	/* Zeroes a block, so that its next owner learns nothing; may be NULL. */
	void (*scrub)(void *ctx, aero_page *block, uint32_t order);

	/*
	 * In a PV guest only, where page_order is 0; else NULL.  unmap() stores the
	 * machine frames of @n pages, and takes the pages out of the kernel's mapping
	 * and out of its table of frames; false: nothing was done.  map() puts them
	 * back, on the machine frames given; false: none of them is mapped.
	 */
	bool (*unmap)(void *ctx, aero_page **pages, uint32_t n, uint64_t *frames);
	bool (*map)(void *ctx, aero_page **pages, uint32_t n, const uint64_t *frames);

	/* log2 of how many Xen pages one page of the guest is. */
	uint32_t page_order;
};

/* All under the step lock. */
struct aero_xen {
	struct aero_port *port;
	const struct aero_xen_guest *guest;
	void *ctx;
	uint32_t said; /* messages that are given once, a bit each */
	uint64_t decrease_calls, populate_calls;
	uint64_t decreased_base, decreased_large; /* extents */
	uint64_t populated_base, populated_large;
	uint64_t short_answers; /* fewer extents were done than asked */
	uint64_t unmapped;	/* pages that could not be mapped again */

	/*
	 * PV: machine frames that are the guest's and behind none of its pages,
	 * for those could not be mapped.  Xen gets them back before anything else.
	 */
	uint32_t strays;
	aero_page *page[AERO_XEN_FRAMES];
	uint64_t frame[AERO_XEN_FRAMES];
	uint64_t machine[AERO_XEN_FRAMES];
	uint64_t stray[AERO_XEN_FRAMES];
};

/* The ops for aero_init(); its hypervisor pointer is a struct aero_xen. */
extern const struct aero_hypervisor_ops aero_xen_ops;

/*
 * A target as the guest's system stores it, in pages.  Some kernels take away what the
 * guest does not see of its memory without a look at the sign, so what stands for a
 * negative number asks for nothing.
 */
uint64_t aero_xen_target(uint64_t stored);

/*
 * How many pages more than @all a stored target asks for, and no more than the @room
 * pages that Xen would still give this guest.
 */
uint64_t aero_xen_beyond(uint64_t stored, uint64_t all, uint64_t room);

/*
 * The room in a guest, from Xen's answers to XENMEM_maximum_reservation and
 * XENMEM_current_reservation.  An error, or a guest that has more than its maximum,
 * means that there is none.
 */
uint64_t aero_xen_room(long maximum, long reserved);

/* @guest and @ctx must outlive the use. */
void aero_xen_init(struct aero_xen *x, struct aero_port *port, const struct aero_xen_guest *guest,
		   void *ctx);

#endif
