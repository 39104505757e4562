// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Reads the figures that a module can see.  It cannot see the shares of stalled time. */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mmzone.h>
#include <linux/swap.h>
#include <linux/vmstat.h>

#include "port/proc.h"
#include "selfsize/selfsize.h"

static void read_nodes(struct aero_policy_figures *f)
{
	int nid;

	for_each_online_node(nid) {
		f->reserve_pages += NODE_DATA(nid)->totalreserve_pages;
		f->max_pfn = max_t(u64, f->max_pfn, pgdat_end_pfn(NODE_DATA(nid)));
	}
}

static void read_levels(struct aerostat *a, struct aero_policy_figures *f)
{
	u64 swap_total;

	f->managed_pages = totalram_pages();
	f->committed_pages = max_t(long, vm_memory_committed(), 0);
	/* A guest that may not choose its size has no count of its own. */
	f->current_pages = a->backend->guest_pages ? a->backend->guest_pages() : f->managed_pages;
	f->free_pages = global_zone_page_state(NR_FREE_PAGES);
	f->available_pages = max(si_mem_available(), 0L);
	f->file_active_pages = global_node_page_state(NR_ACTIVE_FILE);
	f->file_inactive_pages = global_node_page_state(NR_INACTIVE_FILE);
	f->anon_pages = global_node_page_state(NR_ANON_MAPPED);
	read_nodes(f);
	if (!aerostat_swap_pages(&swap_total, &f->swapped_pages))
		f->swapped_pages = 0;
}

/* Returns the sum of the @n counters from @first on, counted since the last reading. */
static u64 since(const unsigned long *now, const unsigned long *then, unsigned int first,
		 unsigned int n)
{
	u64 sum = 0;
	unsigned int i;

	for (i = first; i < first + n; i++)
		sum += now[i] - then[i];
	return sum;
}

static void read_events(struct aerostat_policy *p, struct aero_policy_figures *f)
{
	struct aerostat_counts *counts = &p->counts, *now = &p->counts_now;

	all_vm_events(now->events);
	now->refaults = global_node_page_state(WORKINGSET_REFAULT_ANON) +
			global_node_page_state(WORKINGSET_REFAULT_FILE);
	now->relieved_pages = READ_ONCE(p->a->balloon.counters.relieved_pages);
	now->read_at = jiffies ?: 1;
	if (counts->read_at) {
		f->swap_in_pages = since(now->events, counts->events, PSWPIN, 1);
		f->swap_out_pages = since(now->events, counts->events, PSWPOUT, 1);
		f->stalls = since(now->events, counts->events, ALLOCSTALL_NORMAL,
				  ALLOCSTALL_MOVABLE - ALLOCSTALL_NORMAL + 1);
		f->scanned_pages = since(now->events, counts->events, PGSCAN_ANON, 2);
		f->stolen_pages = since(now->events, counts->events, PGSTEAL_ANON, 2);
		f->refaults = now->refaults - min(now->refaults, counts->refaults);
		f->relieved_pages = now->relieved_pages - counts->relieved_pages;
		f->interval_ms = jiffies_to_msecs(now->read_at - counts->read_at) ?: 1;
	}
	*counts = *now;
}

void aerostat_figures(struct aerostat_policy *p, struct aero_policy_figures *f)
{
	*f = (struct aero_policy_figures){
		.some_permille = AERO_POLICY_UNKNOWN,
		.full_permille = AERO_POLICY_UNKNOWN,
	};
	read_levels(p->a, f);
	read_events(p, f);
}
