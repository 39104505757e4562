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

static int memory_event(struct notifier_block *nb, unsigned long event, void *data)
{
	struct aerostat *a = container_of(nb, struct aerostat, memory);
	const struct memory_notify *notify = data;
	struct aero_range range = {
		.first = {.v = notify->start_pfn},
		.pages = notify->nr_pages,
	};
	bool empty;

	if (event != MEM_GOING_OFFLINE)
		return NOTIFY_OK;
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
