// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Large blocks straight from the kernel's free lists.
 *
 * Where the kernel zeroes what it allocates (init_on_alloc), zeroing is nearly the whole cost of a
 * large block, although nobody in the guest will read it.  The kernel's page reporting was made to
 * tell a hypervisor which pages are free.  It hands batches of free blocks, which it has
 * isolated from the allocator and not zeroed, to one registered device.  This file registers as
 * that device, reports nothing, and keeps some of the blocks.  A batch is a scatterlist: if it is
 * made to end before the blocks that are kept, the kernel puts back only those before its
 * end.  The list cannot be empty, so the first block always goes back.
 *
 * The kernel does not promise to stop at the end of the list.  So this is done only on kernels for
 * which it was verified (compat/verified.h).  It is also checked each time, as far as that is
 * possible: if a kept block is in the free lists again, it does not belong to the balloon.  Then no
 * block of the batch is touched, and all further blocks are taken from the allocator.  The check
 * does not find a block that has been merged into a larger one or is on the list of a CPU.
 *
 * docs/design/design.md, "Blocks from the free lists".
 */
#define pr_fmt(fmt) "aerostat: " fmt

#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/nodemask.h>
#include <linux/page_reporting.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/version.h>
#include <linux/vmstat.h>

#include "compat/page_reporting.h"
#include "compat/verified.h"
#include "port/free_list.h"
#include "port/proc.h"

static int free_list = -1;
module_param(free_list, int, 0444);
MODULE_PARM_DESC(
	free_list,
	"1: take large blocks from the free lists without zeroing them; 0: never; -1: on verified kernels (default)");

/* When the free lists had nothing to spare, they are not asked again for so long. */
#define PAUSE_MS     500

/*
 * One round of page reporting isolates about 32 blocks, however few of them are kept.  That costs
 * as much as to allocate this many blocks without zeroing.
 */
#define WORTH_BLOCKS 16

static struct {
	struct page_reporting_dev_info device;
	struct task_struct *taker; /* the task that takes blocks now, or NULL */
	struct page **blocks;	   /* its array of @wanted blocks, of which it has @got */
	unsigned int wanted, got;
	struct zone *zone; /* of which it takes some in this round */
	/* Blocks of the last batch that were not wanted, linked by lru. */
	struct list_head others;
	unsigned long again_at; /* jiffies */
	bool on;		/* the free lists may be used */
	bool registered;	/* with the kernel's page reporting */
	bool refused;		/* not registered, and not to be tried again until idle */
	bool refusal_logged;
} list;

/*
 * How many blocks a zone has above its high watermark, the reserve that it keeps for requests
 * that cannot be served from a higher zone, and that for urgent requests of several pages
 * (HIGHATOMIC).  A block taken may be one of the latter; as many others are then left in its place.
 */
static unsigned long spare_blocks(struct zone *zone)
{
	unsigned long keep = 0, free = zone_page_state(zone, NR_FREE_PAGES);
	unsigned int i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		keep = max_t(unsigned long, keep, zone->lowmem_reserve[i]);
	keep += high_wmark_pages(zone) + READ_ONCE(zone->nr_reserved_highatomic);
	return free > keep ? (free - keep) >> AERO_BLOCK_ORDER : 0;
}

/*
 * The zone from which the next blocks come: one of the highest that have any to spare, because low
 * zones can serve requests that others cannot, and among these, which are on different nodes, the
 * one that has most.  ZONE_MOVABLE is not for blocks, which cannot be moved.
 */
static struct zone *best_zone(void)
{
	unsigned long spare, most = 0;
	struct zone *zone, *best = NULL;
	int node, i;

	for (i = MAX_NR_ZONES - 1; i >= 0 && !best; i--) {
		if (i == ZONE_MOVABLE)
			continue;
		for_each_online_node(node) {
			zone = &NODE_DATA(node)->node_zones[i];
			spare = populated_zone(zone) ? spare_blocks(zone) : 0;
			if (spare <= most)
				continue;
			best = zone;
			most = spare;
		}
	}
	return best;
}

static struct page *nth_block(struct page *first, unsigned int n)
{
	return first + ((unsigned long)n << AERO_BLOCK_ORDER);
}

/*
 * Keeps an entry, which consists of one or more blocks, as a whole.  Up to @room of its blocks are
 * the taker's.  Returns false if it is smaller than a block, because the kernel was told to report
 * smaller units; such entries are of no use.
 */
static bool keep_entry(struct scatterlist *entry, unsigned int room)
{
	unsigned int i, blocks = entry->length >> (PAGE_SHIFT + AERO_BLOCK_ORDER);

	if (!blocks)
		return false;
	for (i = 0; i < min(blocks, room); i++)
		list.blocks[list.got++] = nth_block(sg_page(entry), i);
	for (; i < blocks; i++)
		list_add(&nth_block(sg_page(entry), i)->lru, &list.others);
	return true;
}

/*
 * Keeps entries of the batch, from its end, until @limit blocks are the taker's.  The kernel puts
 * back those before its new end.
 */
static void keep_entries(struct scatterlist *batch, unsigned int entries, unsigned int limit,
			 bool all)
{
	for (; entries > 1 && (all || list.got < limit); entries--)
		if (!keep_entry(&batch[entries - 1], limit - list.got))
			break;
	sg_mark_end(&batch[entries - 1]);
}

/* Whether a block is isolated: it has no reference, like free pages, and is in no free list. */
static bool is_ours(struct page *block)
{
	return !PageBuddy(block) && !page_count(block);
}

/* Prepares a block as the allocator does before it hands one out. */
static void prepare(struct page *block)
{
	set_page_private(block, 0);
	set_page_count(block, 1);
}

/*
 * Frees the blocks that were not wanted.  Returns false if they are the kernel's again, which means
 * that it does not stop at the end of the list.
 */
static bool free_others(void)
{
	struct page *block, *next;

	list_for_each_entry(block, &list.others, lru)
		if (!is_ours(block))
			return false;
	list_for_each_entry_safe(block, next, &list.others, lru) {
		list_del(&block->lru);
		prepare(block);
		aero_port_free(NULL, AERO_BLOCK_ORDER, &block, 1);
	}
	return true;
}

/*
 * The kernel calls this with a batch of free blocks of one zone, which nobody else uses until it
 * returns.  An error ends the kernel's round, and the blocks do not count as reported.
 *
 * The kernel goes through all zones in its own order.  Blocks of another zone than the one wanted
 * are kept, too, and freed after the batch, because what goes back as reported is not offered a
 * second time, when that zone's turn has come.
 */
static int report(struct page_reporting_dev_info *device, struct scatterlist *batch,
		  unsigned int entries)
{
	struct zone *zone = page_zone(sg_page(batch));
	unsigned int before = list.got;

	if (READ_ONCE(list.taker) != current || list.got == list.wanted)
		return -EAGAIN;
	if (!free_others())
		return -EIO;
	if (zone_idx(zone) == ZONE_MOVABLE)
		return 0;
	if (zone != list.zone) {
		keep_entries(batch, entries, before, true);
		return 0;
	}
	keep_entries(batch, entries,
		     before + min_t(unsigned long, list.wanted - before, spare_blocks(zone)),
		     false);
	return list.got > before ? -EAGAIN : 0;
}

/*
 * Runs one round of the kernel's page reporting in this task, by calling the function of its work
 * item as the work queue would.
 */
static bool take_round(void)
{
	struct work_struct *round = &list.device.work.work;
	unsigned int i, before = list.got;

	list.zone = best_zone();
	if (!list.zone)
		return false;
	INIT_LIST_HEAD(&list.others);
	round->func(round);
	for (i = before; i < list.got; i++)
		if (!is_ours(list.blocks[i]))
			goto not_kept;
	if (!free_others())
		goto not_kept;
	for (i = before; i < list.got; i++)
		prepare(list.blocks[i]);
	return list.got > before;

not_kept:
	list.got = before;
	list.on = false;
	pr_warn("this kernel takes back free blocks that it has reported; large blocks are taken from the allocator from now on\n");
	return false;
}

static void log_why_not(const char *why)
{
	pr_info("large blocks are taken from the allocator instead of the free lists: %s\n", why);
}

/*
 * Whether the administrator, or a driver before us, chose to report less than a large block.  The
 * kernels that respect such a choice export the setting; on older ones a device that registers
 * replaces it.
 */
static bool reports_less(void)
{
	unsigned int *order = symbol_get(page_reporting_order);
	bool less = order && *order < AERO_BLOCK_ORDER;

	if (order)
		symbol_put(page_reporting_order);
	return less;
}

/* Registers for page reporting.  Returns NULL, or the reason why the free lists cannot be used. */
static const char *register_device(void)
{
	int err;

	memset(&list.device, 0, sizeof(list.device));
	list.device.report = report;
	aero_compat_reporting_order(&list.device);
	err = page_reporting_register(&list.device);
	if (err)
		return err == -EBUSY ? "another driver reports free pages"
				     : "page reporting could not be enabled";
	if (reports_less()) {
		page_reporting_unregister(&list.device);
		return "page_reporting_order is less than a large block";
	}
	return NULL;
}

/*
 * Page reporting has room for one device in the whole system.  It is therefore taken only when
 * blocks are wanted, and only as long as the balloon is not empty (aerostat_free_list_idle()), so
 * that a driver which needs it, like virtio_balloon, can be loaded after this module.  After a
 * refusal the allocator is used until the balloon has been empty.
 */
static bool enlist(void)
{
	const char *why = register_device();

	if (why) {
		if (!list.refusal_logged)
			log_why_not(why);
		list.refusal_logged = true;
		list.refused = true;
		return false;
	}
	list.registered = true;
	return true;
}

unsigned int aerostat_free_list_take(struct aero_port *port, struct page **blocks, unsigned int n)
{
	unsigned int i;

	if (!list.on || list.refused || time_before(jiffies, list.again_at))
		return 0;
	if (n < WORTH_BLOCKS && !want_init_on_alloc(GFP_KERNEL))
		return 0;
	if (!list.registered && !enlist())
		return 0;
	list.blocks = blocks;
	list.wanted = n;
	list.got = 0;
	WRITE_ONCE(list.taker, current);
	while (list.got < n && !aero_port_awaited(port) && take_round())
		;
	WRITE_ONCE(list.taker, NULL);
	if (list.got < n)
		list.again_at = jiffies + msecs_to_jiffies(PAUSE_MS);
	/* With init_on_free they are zero already. */
	if (aerostat_must_be_zero(port) && !want_init_on_free())
		for (i = 0; i < list.got; i++)
			aerostat_zero(blocks[i], AERO_BLOCK_ORDER);
	port->free_list_blocks += list.got;
	return list.got;
}

/*
 * Debugging features that track each allocated page would miss blocks from the free lists, or find
 * that their poison is missing.  Returns the reason why the free lists cannot be used, or NULL.
 */
static const char *obstacle(void)
{
	if (!aerostat_may_use(free_list, LINUX_VERSION_CODE, AEROSTAT_FREE_LISTS))
		return "they are not verified for this kernel (free_list=1 uses them all the same)";
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
	const char *why;

	if (!free_list)
		return;
	why = obstacle();
	list.on = !why;
	list.again_at = jiffies;
	if (why)
		log_why_not(why);
}

void aerostat_free_list_idle(void)
{
	if (list.registered)
		page_reporting_unregister(&list.device);
	list.registered = false;
	list.refused = false;
}

void aerostat_free_list_stop(void)
{
	aerostat_free_list_idle();
	memset(&list, 0, sizeof(list));
}
