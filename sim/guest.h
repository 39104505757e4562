/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A guest in virtual time: as much of a kernel's memory management as a policy
 * can see.  Whole numbers only, so that the same steps always give the same
 * figures.  docs/design/policy.md, "The simulated host", says what it leaves out.
 */
#ifndef AEROSTAT_SIMULATE_GUEST_H
#define AEROSTAT_SIMULATE_GUEST_H

#include <aerostat/policy.h>

/* What processes want now, in pages. */
struct sim_load {
	uint64_t anon_pages;	  /* memory of their own */
	uint64_t committed_pages; /* promised to them; at least anon_pages */
	uint64_t hot_pages;	  /* files they read again and again */
	uint64_t stream_pages;	  /* files they read once, in this step */
};

struct sim_guest {
	/* For all its life. */
	uint64_t total_pages;
	uint64_t unmanaged_pages; /* the kernel's own, in no count but the balloon's */
	uint64_t kernel_pages;	  /* what the kernel allocates and never gives back */
	uint64_t reserve_pages;
	uint64_t swap_pages;
	bool sealed; /* the balloon gives nothing back by itself, whatever the need is */

	/* Where its pages are now.  The rest of managed_pages is free. */
	uint64_t managed_pages;
	uint64_t anon_pages, swapped_pages;
	uint64_t hot_pages, cold_pages; /* page cache */
	uint64_t known_pages;		/* of the hot files: read before */

	/* In the last step. */
	struct aero_policy_figures figures;
	uint64_t unmet_pages;	 /* wanted, and not in memory: own memory, and hot files */
	uint64_t homeless_pages; /* own memory for which there is no swap either */
	uint64_t denied_pages;	 /* the host had no memory for */
	uint32_t stalled_permille;
};

/* A guest with all its memory, just booted. */
void sim_guest_init(struct sim_guest *g, uint64_t total_pages);

/*
 * One step of @step_ms: the balloon moves to @target_pages (as
 * figures.current_pages counts) as far as it can, then the load runs.  What the
 * balloon gives goes to *@host_free_pages, and what it takes back comes from
 * there.
 */
void sim_guest_step(struct sim_guest *g, const struct sim_load *load, uint64_t target_pages,
		    uint32_t step_ms, uint64_t *host_free_pages);

#endif
