// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The port's functions, to be filled in.  aerostat/port.h has the contract; the comments
 * here say what to do in a kernel, and what goes wrong.  Each body is the least that is
 * correct: this guest has no page to spare, so nothing is ever taken or held.
 */
#include <aerostat/balloon.h>

/* -- pages --------------------------------------------------------------------- */

/*
 * TODO: call your page allocator @n times, or once for many pages if it can do that.
 *
 * Order 0 gets single pages, AERO_BLOCK_ORDER naturally aligned contiguous blocks.
 * AERO_LIGHT: the flags of an allocation that may neither sleep nor touch reserves
 * (Linux: no __GFP_RECLAIM; FreeBSD: VM_ALLOC_NOWAIT | VM_ALLOC_NORMAL).  AERO_RECLAIM: it may
 * sleep, but must fail rather than have the OOM killer called or a process swapped out
 * without end.
 *
 * Pitfalls.  Zeroing: nobody needs these pages zeroed unless the hypervisor shows them to
 * others (then the protocol scrubs them).  Accounting: they must not be counted as some
 * process's.  Recursion: reclaim inside this call may reach your relief hook, which must
 * find the step lock taken and give up, not wait for it.  Partial success: return the number
 * you have got; don't free what you took because there was not enough.
 */
unsigned int aero_port_take(struct aero_port *port, unsigned int order, enum aero_effort effort,
			    aero_page **blocks, unsigned int n)
{
	(void)port;
	(void)order;
	(void)effort;
	(void)blocks;
	(void)n;
	return 0;
}

/*
 * TODO: give the blocks to your allocator, in the order they were taken or, after
 * aero_port_split(), as single pages.
 *
 * Pitfalls.  This runs while the guest is out of memory (aero_relieve()): allocate
 * nothing and wait for nobody.  The memory behind the pages is there again, with
 * unknown content: have your allocator treat it as dirty.  A block of which the pages were
 * split and held singly comes back page by page, never as a whole.
 */
void aero_port_free(struct aero_port *port, unsigned int order, aero_page **blocks, unsigned int n)
{
	(void)port;
	(void)order;
	(void)blocks;
	(void)n;
}

/*
 * TODO: make the block's pages independent of each other: a reference count, and whatever
 * else your allocator looks at, for each of them (Linux: split_page()).
 *
 * Pitfall.  The memory behind the pages may be gone: change descriptors only, never content.
 * If your allocator can't divide an allocation, take blocks as runs of single pages.
 */
void aero_port_split(struct aero_port *port, aero_page *block, unsigned int order)
{
	(void)port;
	(void)block;
	(void)order;
}

/*
 * TODO: the descriptor of the @index-th page of a block; where descriptors are an array that
 * is contiguous for a block, block + index.
 */
aero_page *aero_port_page(aero_page *block, unsigned int index)
{
	(void)index;
	return block;
}

/*
 * TODO: the guest-physical address divided by the size of a base page.
 *
 * Pitfall.  It is the guest's frame number, on Xen PV too, where machine frames differ; and
 * it counts base pages of the guest, whatever size the hypervisor's pages have.
 */
aero_pfn aero_port_pfn(const aero_page *page)
{
	(void)page;
	return (aero_pfn){.v = 0};
}

/* -- the store: the pages that the balloon holds ----------------------------------- */

/*
 * TODO: link the blocks into the list of their class, through a field of the descriptor
 * that the owner of a page may use.  Mark the pages, so that crash dumps, /dev/mem and the
 * like leave them alone: they may have no memory, and reading one then faults.
 *
 * Pitfalls.  Allocate nothing: there must be room in the descriptors themselves.  If your
 * kernel moves pages, offer it those of AERO_CLASS_PAGE only, under a lock of the port that
 * is taken inside the step lock; a mover that comes with page locks held must only try
 * the step lock, and calls aero_migrate() under it.
 */
void aero_port_hold(struct aero_port *port, enum aero_class class, aero_page **blocks,
		    unsigned int n)
{
	(void)port;
	(void)class;
	(void)blocks;
	(void)n;
}

/*
 * TODO: take up to @n blocks out of the list of @class, undo their marks, and return how many.
 *
 * Pitfall.  Pages that are isolated for migration are not in the list and are still counted
 * as held by the engine: return fewer, don't wait.  The engine comes again.
 */
unsigned int aero_port_unhold(struct aero_port *port, enum aero_class class, aero_page **blocks,
			      unsigned int n)
{
	(void)port;
	(void)class;
	(void)blocks;
	(void)n;
	return 0;
}

/*
 * TODO: the same for blocks whose first page lies in @range.
 *
 * Pitfall.  It is called when part of the memory leaves your guest, and only then.  If yours cannot
 * do that, return 0.
 */
unsigned int aero_port_unhold_within(struct aero_port *port, enum aero_class class,
				     struct aero_range range, aero_page **blocks, unsigned int n)
{
	(void)port;
	(void)class;
	(void)range;
	(void)blocks;
	(void)n;
	return 0;
}

/* -- figures, time, log, trace --------------------------------------------------------- */

/*
 * TODO: all pages the guest was given: those your kernel manages, plus those of the balloon
 * if it does not count them any more.
 *
 * Pitfall.  It must not shrink when the balloon grows, or the balloon would limit itself.
 * It changes when memory is added or removed.
 */
uint64_t aero_port_limit_pages(struct aero_port *port)
{
	(void)port;
	return 0;
}

/*
 * TODO: free pages plus what reclaim would free easily (clean cache), minus the allocator's
 * own reserves, minus port->reserve_pages; not below 0.
 *
 * Pitfall.  This is the guest's protection from a target that is too high.  When in doubt,
 * report less.
 */
uint64_t aero_port_spare_pages(struct aero_port *port)
{
	(void)port;
	return 0;
}

/*
 * TODO: whether relief waits for the step lock; set by your hook for low memory.  With a hook
 * that only tries the lock, false is right.
 */
bool aero_port_awaited(struct aero_port *port)
{
	(void)port;
	return false;
}

/*
 * TODO: your monotonic clock.
 *
 * Pitfall.  Wall time will not do: it jumps.  Whether the clock goes on while the guest is
 * suspended does not matter.
 */
uint64_t aero_port_now_ms(struct aero_port *port)
{
	(void)port;
	return 0;
}

/*
 * TODO: print one line to the system's log, with the driver's name before it and a newline
 * after it.  The engine limits itself: each message is logged once, or once a connection.
 *
 * Pitfall.  On Linux and others it is simpler as a macro around the kernel's own function,
 * in aerostat_port.h.  Allocate nothing.
 */
void aero_port_log(struct aero_port *port, enum aero_level level, const char *format, ...)
{
	(void)port;
	(void)level;
	(void)format;
}

/*
 * TODO: hand the event to your kernel's tracing, or leave this empty.
 *
 * Pitfall.  It is called once a batch and once for each refused page: with nobody listening
 * it should cost a test of a flag.
 */
void aero_port_trace(struct aero_port *port, enum aero_event event, uint64_t a, uint64_t b,
		     uint64_t c)
{
	(void)port;
	(void)event;
	(void)a;
	(void)b;
	(void)c;
}
