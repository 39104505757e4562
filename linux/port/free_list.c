// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Large blocks straight from the kernel's free lists.
 *
 * Where the kernel zeroes what it allocates (init_on_alloc), zeroing is nearly the whole cost of a
 * large block, although nobody in the guest will read it.  The kernel's page reporting was made to
 * tell a hypervisor which pages are free.  It hands batches of free blocks, which it has
 * isolated from the allocator and not zeroed, to one registered device.  This file registers as
 * that device, and keeps some of the blocks when the balloon wants any.  A batch is a scatterlist:
 * if it is made to end before the blocks that are kept, the kernel puts back only those before its
 * end.  The list cannot be empty, so the first block always goes back.
 *
 * The kernel does not promise to stop at the end of the list.  So this is done only on kernels for
 * which it was verified (compat/verified.h).  It is also checked each time, as far as that is
 * possible: if a kept block is in the free lists again, it does not belong to the balloon.  Then no
 * block of the batch is touched, and all further blocks are taken from the allocator.  The check
 * does not find a block that has been merged into a larger one or is on the list of a CPU.
 *
 * Some hypervisors are told of free memory as well (virtio).  There is one place for a device, so
 * this file passes on what the kernel hands out at other times.  Memory that was told of is marked,
 * and not handed out again; so the marks of as many blocks as are wanted are taken off before.
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

/* As often as the kernel itself reports.  Free memory that was not told of waits for so long. */
#define TELL_AGAIN   (2 * HZ)

/* When the free lists had nothing to spare, they are not asked again for so long. */
#define PAUSE_MS     500

/*
 * One round of page reporting isolates about 32 blocks, however few of them are kept.  That costs
 * as much as to allocate this many blocks without zeroing.
 */
#define WORTH_BLOCKS 16

#define LESS	     "page_reporting_order is less than a large block"

static struct {
	struct page_reporting_dev_info device;
	struct task_struct *taker; /* the task that takes blocks now, or NULL */
	struct page **blocks;	   /* its array of @wanted blocks, of which it has @got */
	unsigned int wanted, got;
	struct zone *zone; /* of which it takes some in this round */
	/* Blocks of the last batch that were not wanted, linked by lru. */
	struct list_head others;
	unsigned long again_at;	 /* jiffies */
	aerostat_report_fn tell; /* tells the hypervisor of free memory, or NULL */
	void *hypervisor;	 /* the first argument of @tell */
	bool on;		 /* the free lists may be used */
	bool used;		 /* blocks were taken in this run */
	bool skipped;		 /* the kernel believes blocks reported of which nobody was told */
	bool registered;	 /* with the kernel's page reporting */
	bool refused;		 /* not registered, and not to be tried again until idle */
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

/* Goes on to the next zone.  The kernel then counts these blocks as reported. */
static int skip(void)
{
	list.skipped = true;
	return 0;
}

/*
 * Keeps some blocks of a batch.  The kernel goes through all zones in its own order.  Blocks of
 * another zone than the one wanted are kept, too, and freed after the batch, because what goes back
 * as reported is not offered a second time, when that zone's turn has come.
 */
static int keep(struct scatterlist *batch, unsigned int entries)
{
	struct zone *zone = page_zone(sg_page(batch));
	unsigned int before = list.got;

	if (list.got == list.wanted)
		return -EAGAIN;
	if (!free_others())
		return -EIO;
	/* Units of less than a block come first, and are left to be told of. */
	if (list.tell && batch->length < PAGE_SIZE << AERO_BLOCK_ORDER)
		return -EAGAIN;
	if (zone_idx(zone) == ZONE_MOVABLE)
		return skip();
	if (zone != list.zone) {
		keep_entries(batch, entries, before, true);
		return skip();
	}
	keep_entries(batch, entries,
		     before + min_t(unsigned long, list.wanted - before, spare_blocks(zone)),
		     false);
	return list.got > before ? -EAGAIN : skip();
}

static void tell_later(void)
{
	if (list.tell)
		schedule_delayed_work(&list.device.work, TELL_AGAIN);
}

/*
 * The kernel calls this with a batch of free blocks of one zone, which nobody else uses until it
 * returns.  An error ends the kernel's round, and the blocks do not count as reported.
 */
static int report(struct page_reporting_dev_info *device, struct scatterlist *batch,
		  unsigned int entries)
{
	int err = -EAGAIN;

	if (READ_ONCE(list.taker) == current)
		return keep(batch, entries);
	if (list.tell)
		err = list.tell(list.hypervisor, batch, entries);
	if (err)
		tell_later();
	return err;
}

/* Takes the mark "reported" off up to @most pages' worth of free blocks of a zone. */
static void unmark_zone(struct zone *zone, unsigned long most)
{
	unsigned long flags, pages = 0;
	unsigned int order, type;
	struct page *block;

	spin_lock_irqsave(&zone->lock, flags);
	for (order = AERO_BLOCK_ORDER; order < ARRAY_SIZE(zone->free_area); order++)
		for (type = 0; type < MIGRATE_TYPES; type++)
			list_for_each_entry(block, &zone->free_area[order].free_list[type], lru) {
				if (pages >= most)
					goto enough;
				if (!PageReported(block))
					continue;
				__ClearPageReported(block);
				pages += 1UL << order;
			}
enough:
	spin_unlock_irqrestore(&zone->lock, flags);
}

static void unmark(unsigned long most)
{
	struct zone *zone;
	int node;

	for_each_online_node(node)
		for (zone = NODE_DATA(node)->node_zones;
		     zone < NODE_DATA(node)->node_zones + MAX_NR_ZONES; zone++)
			if (populated_zone(zone))
				unmark_zone(zone, most);
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
	cond_resched();
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
	if (reports_less() && !list.tell) {
		page_reporting_unregister(&list.device);
		return LESS;
	}
	return NULL;
}

static void refuse(const char *why)
{
	if (!list.refusal_logged)
		log_why_not(why);
	list.refusal_logged = true;
	list.refused = true;
}

/*
 * Page reporting has room for one device in the whole system.  It is therefore taken only when
 * blocks are wanted, and only until a run takes none (aerostat_free_list_rest()), so that a driver
 * which needs it, like virtio_balloon, can be loaded after this module.  After a refusal the
 * allocator is used until the balloon has been empty.
 */
static bool enlist(void)
{
	const char *why = register_device();

	if (why)
		refuse(why);
	list.registered = !why;
	return !why;
}

/* The administrator may choose a smaller unit at any time, of which the hypervisor is told. */
static bool may_take(void)
{
	if (!list.registered && !enlist())
		return false;
	if (list.tell && reports_less()) {
		refuse(LESS);
		return false;
	}
	return true;
}

/* Runs rounds of page reporting until there are enough blocks or no more. */
static void take_rounds(struct aero_port *port)
{
	if (list.tell)
		unmark((unsigned long)(list.wanted + PAGE_REPORTING_CAPACITY) << AERO_BLOCK_ORDER);
	list.skipped = false;
	WRITE_ONCE(list.taker, current);
	while (list.got < list.wanted && !aero_port_awaited(port) && take_round())
		;
	WRITE_ONCE(list.taker, NULL);
	if (list.tell && list.skipped)
		unmark(ULONG_MAX);
	tell_later();
}

unsigned int aerostat_free_list_take(struct aero_port *port, struct page **blocks, unsigned int n)
{
	unsigned int i;

	if (!list.on || list.refused || time_before(jiffies, list.again_at))
		return 0;
	if (n < WORTH_BLOCKS && !want_init_on_alloc(GFP_KERNEL))
		return 0;
	if (!may_take())
		return 0;
	list.blocks = blocks;
	list.wanted = n;
	list.got = 0;
	list.used = true;
	take_rounds(port);
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

static void start_telling(aerostat_report_fn tell, void *hypervisor)
{
	const char *why;

	list.hypervisor = hypervisor;
	list.tell = tell;
	why = register_device();
	list.registered = !why;
	if (why) {
		list.tell = NULL;
		pr_warn("the host is not told of free memory: %s\n", why);
	}
}

void aerostat_free_list_start(aerostat_report_fn tell, void *hypervisor)
{
	const char *why;

	if (tell)
		start_telling(tell, hypervisor);
	if (!free_list)
		return;
	why = obstacle();
	list.on = !why;
	list.again_at = jiffies;
	if (why)
		log_why_not(why);
}

static void withdraw(void)
{
	if (list.registered)
		page_reporting_unregister(&list.device);
	list.registered = false;
}

void aerostat_free_list_rest(bool empty)
{
	if (!list.tell && !list.used)
		withdraw();
	list.used = false;
	if (empty)
		list.refused = false;
}

void aerostat_free_list_stop(void)
{
	withdraw();
	memset(&list, 0, sizeof(list));
}
