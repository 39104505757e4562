// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Memory blocks that go offline.  The kernel migrates the single pages that the balloon holds in
 * such a block, but not its blocks of 2 MiB, which are given back here: the kernel keeps them from
 * being allocated again, and the balloon takes other memory in their place.
 *
 * The kernel would also let them go offline as they are, if their references were dropped.  But the
 * hypervisor would then not be told when the memory comes online again, perhaps after this module
 * has gone, and the guest would use pages that the hypervisor takes for the balloon's.
 */
#define pr_fmt(fmt) "aerostat: " fmt

#include <linux/memory.h>
#include <linux/printk.h>

#include "core/core.h"

#ifdef CONFIG_MEMORY_HOTREMOVE

/*
 * The kernel migrates the single pages, for which it needs the step lock at once, each time.  A
 * worker that takes other memory meanwhile would make most of that fail.  It rests, but not for
 * ever: the kernel goes on trying for as long as the administrator waits.
 */
#define REST_MS 20000

static void let_worker_rest(struct aerostat *a)
{
	WRITE_ONCE(a->offline_until, jiffies + msecs_to_jiffies(REST_MS));
	/* Pairs with the barrier of aerostat_rests_for_offline(). */
	smp_store_release(&a->going_offline, true);
}

static void wake_worker(struct aerostat *a)
{
	if (!a->going_offline)
		return;
	WRITE_ONCE(a->going_offline, false);
	aerostat_kick();
}

static int memory_event(struct notifier_block *nb, unsigned long event, void *data)
{
	struct aerostat *a = container_of(nb, struct aerostat, memory);
	const struct memory_notify *notify = data;
	struct aero_range range = {
		.first = {.v = notify->start_pfn},
		.pages = notify->nr_pages,
	};
	bool empty;

	/* The latter also comes when others have refused before this was asked. */
	if (event == MEM_OFFLINE || event == MEM_CANCEL_OFFLINE)
		wake_worker(a);
	if (event != MEM_GOING_OFFLINE)
		return NOTIFY_OK;
	let_worker_rest(a);
	atomic_inc(&a->port.awaited);
	/* Blocks of these could not be moved either. */
	aerostat_stash_free(&a->stash, U64_MAX);
	aerostat_relieve_beside(a, U64_MAX);
	mutex_lock(&a->step);
	empty = aero_vacate(&a->balloon, range);
	mutex_unlock(&a->step);
	atomic_dec(&a->port.awaited);
	if (empty)
		return NOTIFY_OK;
	pr_warn_ratelimited(
		"memory at 0x%llx stays online, because the hypervisor does not return what the balloon holds there\n",
		(u64)PFN_PHYS(notify->start_pfn));
	return notifier_from_errno(-EBUSY);
}

int aerostat_offline_start(struct aerostat *a)
{
	a->memory.notifier_call = memory_event;
	return register_memory_notifier(&a->memory);
}

void aerostat_offline_stop(struct aerostat *a)
{
	unregister_memory_notifier(&a->memory);
	/* The end of what has begun will not be heard of any more. */
	wake_worker(a);
}

#else

int aerostat_offline_start(struct aerostat *a)
{
	return 0;
}

void aerostat_offline_stop(struct aerostat *a)
{
}

#endif
