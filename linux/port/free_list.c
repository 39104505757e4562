// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Large blocks straight from the kernel's free lists.
 *
 * Where the kernel zeroes what it allocates (init_on_alloc), that is nearly all a
 * large block costs, for nothing: nobody in the guest will read it.  Page
 * reporting, made to tell a hypervisor which pages are free, hands its device
 * batches of free blocks, isolated from the allocator and as they are.  We are such
 * a device, which reports nothing and keeps some: the batch is a scatterlist, we
 * end it before the blocks we keep, and the kernel puts back what is left.  So the
 * first one always goes back.
 *
 * That the kernel stops at the list's end is no promise.  It is tried at every
 * take: a kept block that is in the free lists again was never ours, none of the
 * batch is touched, and this way is closed for good.
 *
 * docs/design/design.md, "Blocks from the free lists".
 */
#define pr_fmt(fmt) "aerostat: " fmt

#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/moduleparam.h>
#include <linux/page_reporting.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/vmstat.h>

#include "port/free_list.h"
#include "port/proc.h"

static bool free_list = true;
module_param(free_list, bool, 0444);
MODULE_PARM_DESC(free_list,
		 "1: take large blocks from the free lists without zeroing them (default)");

/* After the free lists had nothing to spare, they are not asked again for so long. */
#define PAUSE_MS     500

/*
 * A round isolates 32 blocks or so, whatever is kept of them, which costs what the
 * allocator takes for this many unless it zeroes.
 */
#define WORTH_BLOCKS 16

static struct {
	struct page_reporting_dev_info device;
	struct task_struct *taker; /* who asks; the step lock's holder, or NULL */
	struct page **blocks;	   /* the taker's: room for @wanted, @got are there */
	unsigned int wanted, got;
	/* Blocks at @more that came with the last one wanted, and go back. */
	struct page *more;
	unsigned int excess;
	unsigned long again_at; /* jiffies */
	bool on;
} list;

/* What a zone has above what it keeps for urgent and for less choosy requests. */
static unsigned long spare_blocks(struct zone *zone)
{
	unsigned long keep = 0, free = zone_page_state(zone, NR_FREE_PAGES);
	unsigned int i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		keep = max_t(unsigned long, keep, zone->lowmem_reserve[i]);
	keep += high_wmark_pages(zone);
	return free > keep ? (free - keep) >> AERO_BLOCK_ORDER : 0;
}

static struct page *nth_block(struct page *first, unsigned int n)
{
	return first + ((unsigned long)n << AERO_BLOCK_ORDER);
}

/*
 * An entry has one block or several, and is kept as a whole.  False: the kernel was
 * told to report less than a block at a time, and that is of no use.
 */
static bool keep_entry(struct scatterlist *entry, unsigned int room)
{
	unsigned int i, blocks = entry->length >> (PAGE_SHIFT + AERO_BLOCK_ORDER);

	if (!blocks)
		return false;
	for (i = 0; i < min(blocks, room); i++)
		list.blocks[list.got++] = nth_block(sg_page(entry), i);
	list.excess = blocks - i;
	list.more = nth_block(sg_page(entry), i);
	return true;
}

/*
 * Called with a batch of free blocks of one zone, ours alone until we return.  An
 * error ends the kernel's round, and its blocks don't count as reported.
 */
static int report(struct page_reporting_dev_info *device, struct scatterlist *batch,
		  unsigned int entries)
{
	struct zone *zone = page_zone(sg_page(batch));
	unsigned int limit, before = list.got;

	if (READ_ONCE(list.taker) != current || list.got == list.wanted)
		return -EAGAIN;
	if (zone_idx(zone) == ZONE_MOVABLE)
		return 0;
	limit = before + min_t(unsigned long, list.wanted - before, spare_blocks(zone));
	if (limit == before)
		return 0;
	for (; entries > 1 && list.got < limit; entries--)
		if (!keep_entry(&batch[entries - 1], limit - list.got))
			break;
	/* With nothing for us here, the kernel goes on to the next zone. */
	if (list.got == before)
		return 0;
	sg_mark_end(&batch[entries - 1]);
	return -EAGAIN;
}

/* Isolated, as free pages are, and in no free list: nobody's. */
static bool is_ours(struct page *block)
{
	return !PageBuddy(block) && !page_count(block);
}

/* As the allocator prepares what it hands out. */
static void prepare(struct page *block)
{
	set_page_private(block, 0);
	set_page_count(block, 1);
}

/*
 * One round of the kernel's, in this task: its work item's function, called as its
 * work queue would.
 */
static bool take_round(void)
{
	struct work_struct *round = &list.device.work.work;
	unsigned int i, before = list.got;

	list.excess = 0;
	round->func(round);
	for (i = before; i < list.got; i++)
		if (!is_ours(list.blocks[i]))
			goto not_kept;
	for (i = before; i < list.got; i++)
		prepare(list.blocks[i]);
	for (i = 0; i < list.excess; i++) {
		prepare(nth_block(list.more, i));
		__free_pages(nth_block(list.more, i), AERO_BLOCK_ORDER);
	}
	cond_resched();
	return list.got > before;

not_kept:
	list.got = before;
	list.on = false;
	pr_warn("this kernel takes back free blocks that it has reported; large blocks are taken from the allocator from now on\n");
	return false;
}

/* What the allocator would hand out zeroed, and is not zero already. */
static bool zeroes(void)
{
	return want_init_on_alloc(GFP_KERNEL) && !want_init_on_free();
}

unsigned int aerostat_free_list_take(struct aero_port *port, struct page **blocks, unsigned int n)
{
	unsigned int i;

	if (!list.on || time_before(jiffies, list.again_at))
		return 0;
	if (n < WORTH_BLOCKS && !want_init_on_alloc(GFP_KERNEL))
		return 0;
	list.blocks = blocks;
	list.wanted = n;
	list.got = 0;
	WRITE_ONCE(list.taker, current);
	while (list.got < n && take_round())
		;
	WRITE_ONCE(list.taker, NULL);
	if (list.got < n)
		list.again_at = jiffies + msecs_to_jiffies(PAUSE_MS);
	for (i = 0; i < list.got && port->zero_blocks && zeroes(); i++)
		aerostat_zero(blocks[i], AERO_BLOCK_ORDER);
	port->free_list_blocks += list.got;
	return list.got;
}

/* What keeps a book on each page that is allocated would miss ours, or find them unpoisoned. */
static const char *obstacle(void)
{
	if (IS_ENABLED(CONFIG_KASAN) || IS_ENABLED(CONFIG_KMSAN))
		return "the kernel checks each access to memory (KASAN or KMSAN)";
	if (debug_pagealloc_enabled_static() || page_poisoning_enabled())
		return "the kernel poisons or unmaps free pages";
	if (aerostat_booted_with("page_owner=on"))
		return "the kernel tracks the owner of each page (page_owner=on)";
	if (aerostat_has_cma())
		return "a part of free memory is set aside for contiguous allocation (CMA)";
	return NULL;
}

void aerostat_free_list_start(void)
{
	const char *why = obstacle();
	int err;

	if (!free_list)
		return;
	if (!why) {
		list.device.report = report;
		err = page_reporting_register(&list.device);
		if (err)
			why = err == -EBUSY ? "another driver reports free pages"
					    : "page reporting could not be enabled";
	}
	list.on = !why;
	list.again_at = jiffies;
	if (why)
		pr_info("large blocks are taken from the allocator instead of the free lists: %s\n",
			why);
}

void aerostat_free_list_stop(void)
{
	if (list.device.report)
		page_reporting_unregister(&list.device);
	memset(&list, 0, sizeof(list));
}
