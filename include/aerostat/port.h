/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The port contract: everything the engine needs from the guest's operating
 * system.  A port supplies one header, aerostat_port.h, which is found through the
 * include path, so that all of this binds at compile time and no page costs an
 * indirect call.  linux/port/ is the kernel's port, ports/sim/ the one of the tests,
 * and ports/skeleton/ what a new one starts from; docs/design/porting.md says how.
 *
 * aerostat_port.h defines these types:
 *
 *	bool, size_t, uint8_t, uint16_t, uint32_t, uint64_t and UINT32_MAX, UINT64_MAX
 *	aero_page		a page's descriptor in this guest (may be incomplete)
 *	struct aero_port	the port's state for one balloon (complete)
 *
 * and AERO_BLOCK_ORDER, the order of the large block that is worth keeping together
 * (2 MiB on x86: 9).  At most 9, because a block's pages must fit one batch.
 *
 * It also defines or declares the functions whose prototypes stand at the end of this
 * file.  A port is free to make them static inline; a definition that does not agree with
 * its prototype does not compile.
 *
 * Words: a *page* is the guest's base page.  A *block* is 2^order pages, naturally
 * aligned, that were taken from the allocator together; it is named by its first page.
 * All sizes and figures are counts of pages, but where a name says otherwise.
 */
#ifndef AEROSTAT_PORT_H
#define AEROSTAT_PORT_H

/* How much effort aero_port_take() may make. */
enum aero_effort { AERO_LIGHT, AERO_RECLAIM, AERO_EFFORTS };

/*
 * The form in which the balloon holds memory: what was taken from the allocator as one block, and
 * in which units it was offered to the hypervisor.
 */
enum aero_class {
	AERO_CLASS_PAGE,  /* single pages, offered singly */
	AERO_CLASS_SPLIT, /* a large block, whose pages are offered singly */
	AERO_CLASS_LARGE, /* a large block, offered as one unit */
	AERO_CLASSES
};

enum aero_level { AERO_LOG_ERROR, AERO_LOG_WARNING, AERO_LOG_INFO };

/* Events that are traced.  The comments say what a, b and c are. */
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

/* A frame number.  It is a type of its own so that it cannot be mixed up with a count of pages. */
typedef struct aero_pfn {
	unsigned long long v;
} aero_pfn;

/* A range of frames. */
struct aero_range {
	aero_pfn first;
	unsigned long long pages;
};

#include <aerostat_port.h>

/*
 * For all of the functions below:
 *
 * Locking.  The caller holds the step lock (balloon.h), which may sleep; a port's own
 * locks are taken inside it.  aero_port_log(), aero_port_page() and aero_port_pfn() may be
 * called by the guest's half of a protocol as well, under the same lock.
 *
 * Sleeping.  Only aero_port_take() with AERO_RECLAIM may wait for memory.  The others run
 * inside aero_relieve() too, which the guest calls when it has no memory left, so they
 * must neither allocate nor wait for anything that does.
 *
 * Errors.  No function may fail, unless its comment says so.  None may call the engine.
 *
 * Bounds.  @n is from 1 to AERO_BATCH_MAX (hypervisor.h), and @order is 0 or
 * AERO_BLOCK_ORDER.
 */

/* -- pages --------------------------------------------------------------------- */

/*
 * Takes up to @n blocks of 2^@order pages from the allocator, stores them in @blocks, and
 * returns how many it got.  They then belong to the caller.  Fewer than @n means that
 * the allocator has no more with this effort; the engine does not ask again at once.  With
 * AERO_RECLAIM, 0 means that, and fewer than @n may also mean that enough time was spent.  A port
 * ends early when the step lock is awaited (below).
 *
 * AERO_LIGHT neither sleeps nor reclaims, and leaves the allocator's reserves alone.
 * AERO_RECLAIM may do both.  Neither may wake an OOM killer: a balloon that does not grow
 * does no harm.  For order 0 the port may take larger blocks and split them.
 *
 * The engine's entry points may be called from within (a shrinker, page migration); they
 * only *try* the step lock, which is held here.
 */
unsigned int aero_port_take(struct aero_port *port, unsigned int order, enum aero_effort effort,
			    aero_page **blocks, unsigned int n);

/* Gives @n blocks of 2^@order pages back to the allocator.  The caller owned them. */
void aero_port_free(struct aero_port *port, unsigned int order, aero_page **blocks, unsigned int n);

/*
 * Splits one block of AERO_BLOCK_ORDER, which the caller owns, into pages that can be held and
 * freed one by one.
 */
void aero_port_split(struct aero_port *port, aero_page *block, unsigned int order);

/* Returns the page of a block with the index @index, counted from 0. */
aero_page *aero_port_page(aero_page *block, unsigned int index);

/* Returns the page's frame number, in units of the guest's base page. */
aero_pfn aero_port_pfn(const aero_page *page);

/* -- the store: the pages that the balloon holds ----------------------------------- */

/*
 * Puts @n blocks into the store under @class; the order is aero_class_held_order().  Their
 * memory may be gone: nothing may read or write them while they are here.  A port that
 * migrates pages may isolate those of AERO_CLASS_PAGE from here on, under its own lock.
 */
void aero_port_hold(struct aero_port *port, enum aero_class class, aero_page **blocks,
		    unsigned int n);

/*
 * Takes up to @n blocks of @class out of the store, any of them, and returns how many.
 * Fewer than @n means that all that is left is isolated for migration at this moment.
 */
unsigned int aero_port_unhold(struct aero_port *port, enum aero_class class, aero_page **blocks,
			      unsigned int n);

/*
 * The same for blocks whose first page lies in @range; @class is not AERO_CLASS_PAGE, because
 * single pages are the business of a port that migrates them.  Returns 0 only if there is none.
 */
unsigned int aero_port_unhold_within(struct aero_port *port, enum aero_class class,
				     struct aero_range range, aero_page **blocks, unsigned int n);

/* -- figures, time, log, trace --------------------------------------------------------- */

/*
 * All the pages the guest has, ballooned or not: the most a balloon could ever hold, and
 * the limit that a hypervisor is told.
 */
uint64_t aero_port_limit_pages(struct aero_port *port);

/*
 * Whether another task waits for the step lock and has to get it soon, because the guest is short
 * of memory or about to sleep.  Then aero_port_take() returns early, and what it returns says
 * nothing about the allocator.
 */
bool aero_port_awaited(struct aero_port *port);

/*
 * How many pages the guest could part with now, by reclaim if need be, without coming
 * to harm.  The engine takes no more than this in one step; 0 ends a run of inflation.
 */
uint64_t aero_port_spare_pages(struct aero_port *port);

/* Returns the time in milliseconds, by a clock that never goes back.  Its start does not matter. */
uint64_t aero_port_now_ms(struct aero_port *port);

/*
 * Logs one line for the administrator.  @format has no newline, and of printf's conversions only
 * %s, %u, %x, %llu and %llx.  This may be a macro; the parentheses keep it from being expanded
 * here.
 */
__attribute__((format(printf, 3, 4))) void(aero_port_log)(struct aero_port *port,
							  enum aero_level level, const char *format,
							  ...);

/* Traces an event.  Must cost next to nothing while nobody reads the trace. */
void aero_port_trace(struct aero_port *port, enum aero_event event, uint64_t a, uint64_t b,
		     uint64_t c);

#endif
