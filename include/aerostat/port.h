/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The port contract: everything the engine needs from the guest's operating
 * system.  A port supplies one header, aerostat_port.h, found through the
 * include path, so that all of this binds at compile time and a page costs no
 * indirect call.  linux/ and ports/sim/ are the two ports of this project.
 *
 * Words: a *page* is the guest's base page; a *block* is 2^order naturally
 * aligned pages that were taken from the allocator together and are named by
 * their first page.
 *
 * aerostat_port.h defines these types:
 *
 *	bool, size_t, uint8_t, uint16_t, uint32_t, uint64_t and UINT32_MAX, UINT64_MAX
 *	aero_page		what the guest calls a page's descriptor (incomplete is enough)
 *	struct aero_port	the port's state for one balloon (complete)
 *
 * and AERO_BLOCK_ORDER, the order of the large block worth keeping together
 * (2 MiB on x86: 9).
 *
 * and these functions.  None may fail but where it says so, and none calls
 * back into the engine.  The caller holds the *step lock* (balloon.h).
 *
 * -- pages ------------------------------------------------------------------
 *
 * unsigned int aero_port_take(struct aero_port *port, unsigned int order,
 *			       enum aero_effort effort, aero_page **blocks, unsigned int n);
 *	Takes up to @n blocks of 2^@order pages from the allocator and stores
 *	them in @blocks.  Returns how many it got; fewer than @n means that the
 *	allocator has no more at this effort.  The blocks then belong to the
 *	caller.  With AERO_LIGHT it neither sleeps nor reclaims, and leaves the
 *	allocator's reserves alone; with AERO_RECLAIM it may do both.  It never
 *	wakes an OOM killer.  For order 0 it is free to take larger blocks and
 *	split them.
 *
 * void aero_port_free(struct aero_port *port, unsigned int order, aero_page **blocks,
 *		       unsigned int n);
 *	Gives @n blocks back to the allocator.  The caller owned them.
 *
 * void aero_port_split(struct aero_port *port, aero_page *block, unsigned int order);
 *	Makes one block of @order into 2^@order pages that can be held and given
 *	back singly.
 *
 * aero_page *aero_port_page(aero_page *block, unsigned int index);
 *	The @index-th page of a block.
 *
 * aero_pfn aero_port_pfn(const aero_page *page);
 *	The page's frame number, as the hypervisor counts frames of a base page.
 *
 * -- the store: pages the balloon holds ----------------------------------------
 *
 * void aero_port_hold(struct aero_port *port, enum aero_class class, aero_page **blocks,
 *		       unsigned int n);
 *	Puts @n blocks into the store under @class.  A port that migrates pages
 *	may offer those of AERO_CLASS_PAGE for it from here on.
 *
 * unsigned int aero_port_unhold(struct aero_port *port, enum aero_class class,
 *				 aero_page **blocks, unsigned int n);
 *	Takes up to @n blocks of @class out of the store; returns how many.
 *	Fewer than @n means that the store has no more that are not isolated
 *	for migration at this moment.
 *
 * -- figures, time, log, trace ---------------------------------------------------
 *
 * uint64_t aero_port_limit_pages(struct aero_port *port);
 *	All the pages the guest has, ballooned or not: the most a balloon could
 *	ever hold, and the limit a hypervisor is told.
 *
 * uint64_t aero_port_spare_pages(struct aero_port *port);
 *	How many pages the guest could part with now, by reclaim if need be,
 *	without coming to harm.  The engine never takes more than this.
 *
 * uint64_t aero_port_now_ms(struct aero_port *port);
 *	Milliseconds of a clock that never goes back.
 *
 * void aero_port_log(struct aero_port *port, enum aero_level level, const char *format, ...);
 *	One line for the administrator; printf's %s, %u, %x and %llu only.
 *
 * void aero_port_trace(struct aero_port *port, enum aero_event event, uint64_t a, uint64_t b,
 *			uint64_t c);
 *	For whoever follows the engine's course; must cost next to nothing when
 *	nobody does.
 */
#ifndef AEROSTAT_PORT_H
#define AEROSTAT_PORT_H

/* How hard aero_port_take() may try. */
enum aero_effort { AERO_LIGHT, AERO_RECLAIM, AERO_EFFORTS };

/*
 * In what form the balloon holds memory: what was taken from the allocator as
 * one, and in what size the hypervisor was told of it.
 */
enum aero_class {
	AERO_CLASS_PAGE,  /* single pages, told singly */
	AERO_CLASS_SPLIT, /* a large block, its pages told singly */
	AERO_CLASS_LARGE, /* a large block, told as one */
	AERO_CLASSES
};

enum aero_level { AERO_LOG_ERROR, AERO_LOG_WARNING, AERO_LOG_INFO };

/* What is traced, and what a, b, c are. */
enum aero_event {
	AERO_EVENT_RUN,	    /* a run begins: target, size, 0 (pages) */
	AERO_EVENT_RUN_END, /* target, size (pages), why (enum aero_run_end) */
	AERO_EVENT_OFFER,   /* a batch was offered: class, blocks, pages the hypervisor took */
	AERO_EVENT_RECLAIM, /* a batch was taken back: class, blocks, pages it gave back */
	AERO_EVENT_REFUSED, /* frame number, class, answer (enum aero_answer) */
	AERO_EVENT_TARGET,  /* new target, old target, size (pages) */
	AERO_EVENT_RESET,   /* size at that moment, 0, 0 */
	AERO_EVENT_RELIEVE, /* the guest was short: pages asked, pages released, 0 */
	AERO_EVENT_MIGRATE, /* old frame, new frame, 1 if it worked */
	AERO_EVENTS
};

/* A frame number, so that it is not mixed up with a count of pages. */
typedef struct aero_pfn {
	unsigned long long v;
} aero_pfn;

#include <aerostat_port.h>

#endif
