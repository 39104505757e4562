/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The port to the Linux kernel.  The contract is in include/aerostat/port.h. */
#ifndef AEROSTAT_LINUX_PORT_H
#define AEROSTAT_LINUX_PORT_H

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/types.h>

#include "compat/balloon.h"

/*
 * A block is 2 MiB, whatever the page size, because hypervisors accept that as one unit.  With
 * pages of 4 KiB it is also what one page-table entry of the next level maps.
 */
#define AERO_BLOCK_ORDER (21 - PAGE_SHIFT)

#ifndef UINT32_MAX
#define UINT32_MAX U32_MAX
#endif
#ifndef UINT64_MAX
#define UINT64_MAX U64_MAX
#endif

typedef struct page aero_page;

struct aero_port;

/* Moves a ballooned page for page migration, which holds both page locks.  Returns 0 or -errno. */
typedef int (*aerostat_migrate_fn)(struct aero_port *port, struct page *to, struct page *from);

struct aero_port {
	/* Single pages.  List and lock are the kernel's, because its compaction isolates them. */
	struct balloon_dev_info pages;
	/* Large blocks of each class, linked by the lru of their first page.  Step lock. */
	struct list_head blocks[AERO_CLASSES];
	/* Pages that the guest does not count as its memory any more.  Step lock. */
	u64 unmanaged_pages;
	/* Held pages are taken off the guest's count of its memory.  Constant. */
	bool uncounted;
	/* Available pages that are left to the guest.  Single word, set by the administrator. */
	u64 reserve_pages;
	/* What the allocator would have zeroed is zeroed if this is set.  May be NULL. */
	const bool *zeroed;
	/* Pages that are taken now go to a borrower, who does not let them migrate.  Step lock. */
	bool keeps_pages;
	/* How many tasks wait for the step lock and need it soon.  Steps end early meanwhile. */
	atomic_t awaited;
	/* What page migration calls.  Constant. */
	aerostat_migrate_fn migrate;
	/* Counts the blocks that came from the free lists.  Step lock. */
	u64 free_list_blocks;
};

static inline aero_page *aero_port_page(aero_page *block, unsigned int index)
{
	return block + index;
}

static inline aero_pfn aero_port_pfn(const aero_page *page)
{
	return (aero_pfn){.v = page_to_pfn(page)};
}

static inline u64 aero_port_limit_pages(struct aero_port *port)
{
	return totalram_pages() + READ_ONCE(port->unmanaged_pages);
}

static inline bool aero_port_awaited(struct aero_port *port)
{
	return atomic_read(&port->awaited);
}

static inline u64 aero_port_now_ms(struct aero_port *port)
{
	return ktime_to_ms(ktime_get());
}

/* source.c */
unsigned int aero_port_take(struct aero_port *port, unsigned int order, enum aero_effort effort,
			    aero_page **blocks, unsigned int n);
void aero_port_free(struct aero_port *port, unsigned int order, aero_page **blocks, unsigned int n);
void aero_port_split(struct aero_port *port, aero_page *block, unsigned int order);
u64 aero_port_spare_pages(struct aero_port *port);

/* store.c */
void aero_port_hold(struct aero_port *port, enum aero_class class, aero_page **blocks,
		    unsigned int n);
unsigned int aero_port_unhold(struct aero_port *port, enum aero_class class, aero_page **blocks,
			      unsigned int n);
unsigned int aero_port_unhold_within(struct aero_port *port, enum aero_class class,
				     struct aero_range range, aero_page **blocks, unsigned int n);

/* trace.c */
void aero_port_trace(struct aero_port *port, enum aero_event event, u64 a, u64 b, u64 c);

#define aero_port_log(port, level, format, ...)             \
	printk("%saerostat: " format "\n",                  \
	       (level) == AERO_LOG_ERROR     ? KERN_ERR     \
	       : (level) == AERO_LOG_WARNING ? KERN_WARNING \
					     : KERN_INFO,   \
	       ##__VA_ARGS__)

/* -- what the port offers to the rest of the modules ----------------------------------- */

static inline u64 aerostat_kib(u64 pages)
{
	return pages << (PAGE_SHIFT - 10);
}

/* Whether pages that the kernel zeroes when it allocates them must be zero. */
static inline bool aerostat_must_be_zero(const struct aero_port *port)
{
	return port->zeroed && READ_ONCE(*port->zeroed) && want_init_on_alloc(GFP_KERNEL);
}

/* Whether free pages have a content that the allocator relies on. */
static inline bool aerostat_free_pages_matter(void)
{
	return want_init_on_free() || page_poisoning_enabled();
}

/* Zeroes a block that nobody uses, 8 bytes at a time, which is fast on every processor. */
static inline void aerostat_zero(struct page *block, unsigned int order)
{
	memset64(page_address(block), 0, PAGE_SIZE / sizeof(u64) << order);
	cond_resched();
}

#endif
