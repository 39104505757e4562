// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Keeps the guest's count of its own pages, balloon_stats.current_pages, right.  Drivers in the
 * kernel that borrow pages of the built-in balloon change it under a lock of their own, which
 * modules cannot take, while Aerostat changes it under the step lock.  With several CPUs an update
 * can be lost, and the guest's size would then be wrong for ever.  So the count is compared with
 * Xen's own whenever a run has ended.
 *
 * The two differ by a constant: Xen also counts pages that the guest does not see as memory.  What
 * the difference is, is learned when the guest has reached its target.
 */
#define pr_fmt(fmt) "aerostat: xen: " fmt

#include <linux/notifier.h>
#include <linux/printk.h>

#include <xen/balloon.h>
#include <xen/interface/xen.h>
#include <xen/interface/memory.h>

#include <asm/xen/hypercall.h>

#include <aerostat/abi/xen.h>

#include "compat/xen_resume.h"
#include "core/backend.h"
#include "xen/internal.h"

/* The counts at one moment.  A borrower that is at work changes some of them. */
struct sight {
	long reserved; /* Xen's count, in pages of the guest */
	unsigned long current_pages, target_unpopulated, balloon_low;
};

static struct sight last;
static long unseen; /* Xen's count less the guest's, while both are right */
static bool known;  /* @unseen is */
static atomic_t resumed;
static u64 mended_pages;
/* Without notice of a migration the difference could be a stale one, and nothing is mended. */
static bool watched;

static struct sight look(void)
{
	domid_t self = DOMID_SELF;

	return (struct sight){
		.reserved = HYPERVISOR_memory_op(XENMEM_current_reservation, &self) >>
			    (PAGE_SHIFT - AERO_XEN_PAGE_SHIFT),
		.current_pages = READ_ONCE(balloon_stats.current_pages),
		.target_unpopulated = READ_ONCE(balloon_stats.target_unpopulated),
		.balloon_low = READ_ONCE(balloon_stats.balloon_low),
	};
}

static bool is_same(const struct sight *a, const struct sight *b)
{
	return a->reserved == b->reserved && a->current_pages == b->current_pages &&
	       a->target_unpopulated == b->target_unpopulated && a->balloon_low == b->balloon_low;
}

static void mend(const struct sight *now)
{
	long right = now->reserved - unseen;
	long off = (long)now->current_pages - right;

	pr_info_ratelimited("the guest's size was counted as %lu KiB and is %lu KiB; corrected\n",
			    now->current_pages << (PAGE_SHIFT - 10), right << (PAGE_SHIFT - 10));
	WRITE_ONCE(balloon_stats.current_pages, right);
	mended_pages += abs(off);
}

void aerostat_xen_count_check(void)
{
	struct sight now = look();
	bool steady = is_same(&now, &last);

	last = now;
	/* After a migration to another host, the difference may be another one. */
	if (atomic_xchg(&resumed, 0))
		known = false;
	/*
	 * A borrower changes Xen's count and the guest's one after the other.  What is the same
	 * in two runs is not seen between the two.
	 */
	if (!watched || !steady || now.reserved <= 0)
		return;
	if (!known && now.current_pages == READ_ONCE(balloon_stats.target_pages)) {
		unseen = now.reserved - (long)now.current_pages;
		known = true;
	}
	if (known && now.reserved - (long)now.current_pages != unseen && now.reserved > unseen)
		mend(&now);
}

u64 aerostat_xen_count_mended(void)
{
	return mended_pages;
}

static int resume_event(struct notifier_block *nb, unsigned long event, void *unused)
{
	atomic_set(&resumed, 1);
	return NOTIFY_OK;
}

static struct notifier_block resume = {.notifier_call = resume_event};

void aerostat_xen_count_start(void)
{
	watched = aero_compat_watch_resume(&resume);
}

void aerostat_xen_count_stop(void)
{
	if (watched)
		aero_compat_unwatch_resume(&resume);
	watched = false;
}
