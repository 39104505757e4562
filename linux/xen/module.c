// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* aerostat_xen.ko: what a Linux guest has to do for Xen's balloon. */
#define pr_fmt(fmt) "aerostat: xen: " fmt

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/slab.h>

#include <xen/balloon.h>
#include <xen/interface/xen.h>
#include <xen/interface/memory.h>
#include <xen/page.h>
#include <xen/xen.h>

#include <asm/xen/hypercall.h>

#include <aerostat/xen.h>

#include "compat/xen.h"
#include "core/backend.h"
#include "xen/internal.h"
#include "xen/pv.h"

/* A port that is only used for logging.  aero_port_log() uses nothing of its contents. */
static struct aero_port log_port;

static struct aero_xen *xen;

static bool scrub = true;
module_param(scrub, bool, 0644);
MODULE_PARM_DESC(scrub,
		 "1: zero memory before it is given to Xen, where the kernel has not (default)");

static long memory_op(void *ctx, enum aero_xen_op op, u64 *frames, u32 extents, u32 order)
{
	struct xen_memory_reservation reservation = {
		.nr_extents = extents,
		.extent_order = order,
		.domid = DOMID_SELF,
	};

	BUILD_BUG_ON(sizeof(xen_pfn_t) != sizeof(*frames));
	BUILD_BUG_ON(AERO_XEN_DECREASE_RESERVATION != XENMEM_decrease_reservation);
	BUILD_BUG_ON(AERO_XEN_POPULATE_PHYSMAP != XENMEM_populate_physmap);
	set_xen_guest_handle(reservation.extent_start, (xen_pfn_t *)frames);
	return HYPERVISOR_memory_op(op, &reservation);
}

/*
 * The sum of what the guest has and what the balloon holds, at the start of the last run.  It is
 * exact there, because no batch is in flight.  At other times it may be too small, because the
 * pages of a batch count in neither until Xen has answered.
 */
static u64 all_pages;

/* Returns how many pages Xen would still give to this guest, by the toolstack's limit. */
static u64 room(void)
{
	domid_t self = DOMID_SELF;
	long maximum = HYPERVISOR_memory_op(XENMEM_maximum_reservation, &self);
	long reserved = HYPERVISOR_memory_op(XENMEM_current_reservation, &self);

	return aero_xen_room(maximum, reserved);
}

/*
 * The target is what the guest should have.  What it has now and what the balloon holds are all
 * pages that there are.  The balloon's size follows from these, even if something else changes the
 * guest's reservation.
 */
static u64 wanted_pages(void *ctx)
{
	u64 all = balloon_stats.current_pages + aerostat_size_pages();
	u64 target = aero_xen_target(aerostat_xen_target_read());

	WRITE_ONCE(all_pages, all);
	aerostat_xen_target_pace();
	return all > target ? all - target : 0;
}

/*
 * Cuts the target.  No memory can be added, so a target above all pages that there are cannot be
 * met.  It is cut to what the guest will have when all loans are back, those of Aerostat and those
 * of the built-in balloon.
 */
static void cut_target(u64 all)
{
	u64 target = aero_xen_target(READ_ONCE(balloon_stats.target_pages));
	u64 most = all + aerostat_lent_pages() + READ_ONCE(balloon_stats.target_unpopulated);

	if (target <= most)
		return;
	pr_warn_ratelimited(
		"no memory can be added: the target is cut back from %llu to %llu KiB\n",
		aerostat_kib(target), aerostat_kib(most));
	WRITE_ONCE(balloon_stats.target_pages, most);
	aerostat_xen_target_read();
}

/*
 * Returns how much memory to add.  Pages on loan are missing in the guest, and memory is added in
 * their place if the administrator wants that.  For a target, not more memory is added than Xen
 * lets the guest have, because the page structures of memory that stays empty would use up the
 * memory that the guest has.
 */
static u64 beyond_pages(void *ctx)
{
	u64 all = balloon_stats.current_pages + aerostat_size_pages();
	u64 target = READ_ONCE(balloon_stats.target_pages);
	u64 beyond;

	if (!aerostat_xen_can_grow()) {
		cut_target(all);
		return 0;
	}
	/* Borrowers need pages without memory, and Xen does not limit those. */
	beyond = aerostat_xen_lend_wanted();
	if (!aerostat_xen_lend_adds())
		all += aerostat_lent_pages();
	if (aero_xen_target(target) > all)
		return beyond + aero_xen_beyond(target, all, room());
	return beyond - min(beyond, all - aero_xen_target(target));
}

static void left(void *ctx, struct page *block, u32 order)
{
	balloon_stats.current_pages -= 1UL << order;
	aerostat_adjust_managed(block, -(1L << order));
}

static void came_back(void *ctx, struct page *block, u32 order)
{
	balloon_stats.current_pages += 1UL << order;
	aerostat_adjust_managed(block, 1L << order);
}

static void scrub_block(void *ctx, struct page *block, u32 order)
{
	if (READ_ONCE(scrub) && !want_init_on_alloc(GFP_KERNEL))
		aerostat_zero(block, order);
}

/*
 * The kernel is moved to another host, or saved, while all CPUs run a thread that preempts all
 * others (stop_machine()).  That cannot happen where preemption is off.  The worker is frozen
 * before anyway, but reclaim and compaction, which give pages back and move them, are not.
 */
static void stay(void *ctx, bool on)
{
	if (on)
		preempt_disable();
	else
		preempt_enable();
}

/*
 * The rate is not limited: all pages are taken, with reclaim if need be.  The limits of the pause
 * after a run without progress are those of the administrator (target.c).
 */
static const struct aero_pace_config pace = {
	.rate_max = U32_MAX,
	.rate_min = U32_MAX,
	.backoff_max_ms = 32 * 1000,
	.retries_max = 4,
	.recheck_ms = 60 * 1000,
};

static struct aero_xen_guest guest = {
	.memory_op = memory_op,
	.wanted_pages = wanted_pages,
	.beyond_pages = beyond_pages,
	.left = left,
	.came_back = came_back,
	.scrub = scrub_block,
	.page_order = PAGE_SHIFT - AERO_XEN_PAGE_SHIFT,
};

/* Hands pages to the built-in balloon, which knows that they have no memory behind them. */
static void keep_unbacked(struct page **pages, unsigned int n)
{
	if (aerostat_xen_sees_machine_frames())
		aerostat_xen_pv_forget(pages, n);
	balloon_stats.target_unpopulated += n;
	xen_free_ballooned_pages(n, pages);
}

static void hide_unbacked(enum aero_class class, struct page **blocks, unsigned int n)
{
	unsigned int order = aero_class_held_order(class), i;

	if (!aerostat_xen_sees_machine_frames())
		return;
	if (!order)
		aerostat_xen_pv_hide(blocks, n, 0);
	for (i = 0; order && i < n; i++)
		aerostat_xen_pv_hide(blocks + i, 1, order);
}

static u64 guest_pages(void)
{
	return READ_ONCE(balloon_stats.current_pages);
}

/* The target is never above all pages that there are: a guest must not add memory to itself. */
static void set_target(u64 pages)
{
	WRITE_ONCE(balloon_stats.target_pages, min(pages, READ_ONCE(all_pages)));
}

/* Takes over what drivers gave back to the built-in balloon, and what came online there. */
static void before_run(void)
{
	aerostat_xen_adopt();
	aerostat_xen_lend_news(false);
}

static void run_ended(u32 retries, u32 delay_ms)
{
	aerostat_xen_count_check();
	aerostat_xen_target_run_ended(retries, delay_ms);
}

static void show(struct seq_file *m, void *hypervisor)
{
	const struct aero_xen *x = hypervisor;

	seq_printf(m, "guest_pages %lu\n", balloon_stats.current_pages);
	seq_printf(m, "guest_target_pages %lu\n", balloon_stats.target_pages);
	seq_printf(m, "decrease_calls %llu\n", x->decrease_calls);
	seq_printf(m, "populate_calls %llu\n", x->populate_calls);
	seq_printf(m, "decreased_base %llu\n", x->decreased_base);
	seq_printf(m, "decreased_large %llu\n", x->decreased_large);
	seq_printf(m, "populated_base %llu\n", x->populated_base);
	seq_printf(m, "populated_large %llu\n", x->populated_large);
	seq_printf(m, "short_answers %llu\n", x->short_answers);
	seq_printf(m, "unmapped %llu\n", x->unmapped);
	seq_printf(m, "mended_pages %llu\n", aerostat_xen_count_mended());
}

static struct aerostat_backend backend = {
	.ops = &aero_xen_ops,
	.pace = &pace,
	.keep_unbacked = keep_unbacked,
	/* The built-in balloon follows the target only if the kernel watches xenstore for it. */
	.has_successor = IS_ENABLED(CONFIG_XEN_BALLOON),
	.hide_unbacked = hide_unbacked,
	.grow = aerostat_xen_grow,
	.before_run = before_run,
	.run_ended = run_ended,
	.guest_pages = guest_pages,
	.set_target = set_target,
	.show = show,
};

static int prepare(void)
{
	int err;

	xen = kvzalloc(sizeof(*xen), GFP_KERNEL);
	if (!xen)
		return -ENOMEM;
	if (!aerostat_xen_sees_machine_frames())
		return 0;
	err = aerostat_xen_pv_start();
	if (err)
		kvfree(xen);
	guest.unmap = aerostat_xen_pv_unmap;
	guest.map = aerostat_xen_pv_map;
	guest.stay = stay;
	return err;
}

static void clean_up(void)
{
	if (aerostat_xen_sees_machine_frames())
		aerostat_xen_pv_stop();
	kvfree(xen);
}

/* Starts everything that uses the balloon: the target, lending, and adding memory. */
static int open_doors(void)
{
	int err = aerostat_xen_target_start();

	if (err)
		return err;
	err = aerostat_xen_lend_start();
	if (err)
		goto no_lend;
	/* This is the last step, because it cannot be undone once memory was added. */
	err = aerostat_xen_grow_start(aerostat_xen_lend_news);
	if (!err)
		return 0;
	aerostat_xen_lend_stop();
no_lend:
	aerostat_xen_target_stop();
	return err;
}

static void close_doors(void)
{
	aerostat_xen_grow_stop();
	aerostat_xen_lend_stop();
	aerostat_xen_target_stop();
}

static int start(void)
{
	int err = aerostat_xen_takeover();

	if (err)
		return err;
	aero_xen_init(xen, &log_port, &guest, NULL);
	backend.hypervisor = xen;
	backend.zeroed = &scrub;
	if (xen_initial_domain())
		backend.no_policy = "the initial domain's size is for its toolstack to say";
	err = aerostat_register(&backend);
	if (err)
		goto no_balloon;
	aerostat_xen_count_start();
	err = open_doors();
	if (!err)
		return 0;
	aerostat_xen_count_stop();
	aerostat_unregister(&backend);
	aero_xen_end(xen);
no_balloon:
	aerostat_xen_giveback();
	return err;
}

static int __init aerostat_xen_init(void)
{
	int err;

	if (!xen_domain())
		return -ENODEV;
	err = prepare();
	if (err)
		return err;
	err = start();
	if (err)
		clean_up();
	return err;
}
module_init(aerostat_xen_init);

static void __exit aerostat_xen_exit(void)
{
	close_doors();
	aerostat_xen_count_stop();
	aerostat_unregister(&backend);
	aero_xen_end(xen);
	aerostat_xen_giveback();
	clean_up();
}
module_exit(aerostat_xen_exit);

MODULE_AUTHOR("The Aerostat developers");
MODULE_DESCRIPTION("Aerostat, a memory balloon: Xen guests");
MODULE_LICENSE("Dual MIT/GPL");
MODULE_VERSION(AEROSTAT_VERSION);
