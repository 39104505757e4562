/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The guest's own policy: how much memory it should have, from figures it reads
 * about itself.  Pure functions: figures and a state in, a number of pages out.
 * No library, no floating point, no call to anybody; so the kernel's worker, the
 * command line and the simulated host run the same code.
 *
 * Any figures are taken: sums and differences stop at the ends of their range
 * instead of wrapping round, so a target is never negative and never small
 * because a large number overflowed.
 *
 * Locking: none.  The caller sees to it that one thread at a time uses a state.
 * Nothing here fails.
 *
 * docs/design/policy.md says why the rules are as they are.
 */
#ifndef AEROSTAT_POLICY_H
#define AEROSTAT_POLICY_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stdint.h>
#endif

/* A share of stalled time that nobody can tell. */
#define AERO_POLICY_UNKNOWN (~(uint32_t)0)

/*
 * What a guest knows of itself.  Levels are read now; events were counted since
 * the last reading.  A figure that a guest can't tell is 0, but for the shares of
 * stalled time (AERO_POLICY_UNKNOWN).  Pages are the guest's base pages.
 */
struct aero_policy_figures {
	/* Levels that every policy looks at. */
	uint64_t managed_pages;	  /* what the kernel's allocator has, without the balloon */
	uint64_t committed_pages; /* promised to processes (Committed_AS); never below 0 */
	uint64_t reserve_pages;	  /* all zones' reserves, which processes can't have */
	uint64_t swapped_pages;	  /* lying in swap */
	uint64_t max_pfn;	  /* pages the guest could ever have, counted with holes */
	uint64_t current_pages;	  /* as the balloon counts what the guest has */

	/* Levels that `pressure` looks at. */
	uint64_t free_pages;
	uint64_t available_pages;     /* free or soon to be had (MemAvailable) */
	uint64_t file_active_pages;   /* page cache used more than once */
	uint64_t file_inactive_pages; /* and the rest of it */
	uint64_t anon_pages;	      /* processes' own memory */

	/* Events that `pressure` looks at. */
	uint64_t refaults;	 /* pages read again soon after they had been evicted */
	uint64_t scanned_pages;	 /* looked at by reclaim */
	uint64_t stolen_pages;	 /* and evicted */
	uint64_t swap_in_pages;	 /* read from swap */
	uint64_t swap_out_pages; /* written to swap */
	uint64_t stalls;	 /* allocations that had to reclaim by themselves */
	uint64_t relieved_pages; /* given back by the balloon in an emergency */

	/* Of the time since the last reading, per mille with a task, with all tasks waiting. */
	uint32_t some_permille;
	uint32_t full_permille;

	uint32_t interval_ms; /* since the last reading; 0: AERO_POLICY_INTERVAL_MS */
};

/* How often a policy is asked, unless somebody says otherwise. */
#define AERO_POLICY_INTERVAL_MS 5000U

/* -- committed: a step towards what processes were promised ------------------------- */

/*
 * The constants are those of the self-ballooning driver that the Linux kernel had
 * up to 5.2; docs/design/policy.md, "committed".
 */
#define AERO_DOWN_HYSTERESIS	8U
#define AERO_UP_HYSTERESIS	1U

struct aero_committed_config {
	uint32_t down_hysteresis; /* 1/this of the way down is gone in a step; at least 1 */
	uint32_t up_hysteresis;	  /* and up */
	uint32_t min_usable_mb;	  /* the floor above the reserve, MiB; 0: by the guest's size */
	uint32_t page_shift;	  /* log2 of the page in bytes, 12 to 20 */
	bool leave_swapped;	  /* no room is made to bring swapped pages home */
};

void aero_committed_defaults(struct aero_committed_config *config, uint32_t page_shift);

/* The least pages to manage, whatever the goal is. */
uint64_t aero_committed_floor_pages(const struct aero_committed_config *config,
				    const struct aero_policy_figures *figures);

/* What the balloon should leave the guest, in pages as figures->current_pages counts. */
uint64_t aero_committed_target_pages(const struct aero_committed_config *config,
				     const struct aero_policy_figures *figures);

/* -- selfshrink: stale swapped pages come home ---------------------------------------- */

#define AERO_SHRINK_HYSTERESIS 20U
#define AERO_SHRINK_INERTIA    3U

struct aero_selfshrink_config {
	uint32_t hysteresis; /* 1/this of the store goes in a step; at least 1 */
	uint32_t inertia;    /* steps without growth before the first */
};

/* Starts as zeroes.  Who changes the inertia sets inertia_left to it. */
struct aero_selfshrink {
	uint64_t stored_pages; /* at the last step */
	uint32_t inertia_left;
};

void aero_selfshrink_defaults(struct aero_selfshrink_config *config);

/*
 * One step.  True: bring pages home until *@target_pages are left in the store.
 * False: leave it alone, and *@target_pages is not written.
 */
bool aero_selfshrink_step(const struct aero_selfshrink_config *config,
			  struct aero_selfshrink *state, uint64_t stored_pages,
			  uint64_t *target_pages);

/* -- pressure: what is needed, as the guest's own trouble tells ------------------------ */

#define AERO_HEADROOM_PERMILLE 100U
#define AERO_HEADROOM_MB       16U
#define AERO_STALL_PERMILLE    10U
#define AERO_REFAULTS_PER_S    64U
#define AERO_FREE_RETURN_MS    20000U
#define AERO_CACHE_RETURN_MS   160000U
#define AERO_QUIET_MS	       30000U
#define AERO_QUIET_MAX_MS      3600000U

/* docs/design/policy.md, "pressure", gives the reason of each default above. */
struct aero_pressure_config {
	uint32_t headroom_permille; /* of the memory in use that stays available, at least */
	uint32_t headroom_mb;	    /* and never less than so many MiB */
	uint32_t stall_permille;    /* a share of stalled time from which on it is pressure */
	uint32_t refaults_per_s;    /* so many refaults and pages from swap likewise */
	uint32_t free_return_ms;    /* time constant with which spare free memory is given up */
	uint32_t cache_return_ms;   /* and page cache that nobody uses */
	uint32_t quiet_ms;	/* no shrinking for so long after pressure, nor below what hurt */
	uint32_t quiet_max_ms;	/* the latter for up to this where shrinking was wrong */
	uint32_t min_usable_mb; /* the floor, as in aero_committed_config */
	uint32_t page_shift;
};

/* How the guest does, from best to worst. */
enum aero_pressure_level {
	AERO_PRESSURE_NONE,
	AERO_PRESSURE_DOUBT,  /* some, but our own shrinking may have made it */
	AERO_PRESSURE_SHORT,  /* memory will not do, nobody suffers yet */
	AERO_PRESSURE_MILD,   /* work is done twice */
	AERO_PRESSURE_URGENT, /* tasks wait */
	AERO_PRESSURE_LEVELS
};

/* Starts as zeroes; all zeroes again when another policy was at work in between. */
struct aero_pressure {
	bool started;
	bool shrinking;			/* the last step asked for less */
	enum aero_pressure_level level; /* of the last step */
	uint32_t rising;		/* steps in a row that hurt */
	uint32_t quiet_ms;		/* how long what hurt is avoided now */
	uint32_t quiet_left_ms;
	uint32_t calm_ms;	  /* since the last pressure, or halving of quiet_ms */
	uint32_t since_shrink_ms; /* all ones: never, or long ago */
	uint64_t wanted_pages;	  /* of managed memory, as of the last step */
	uint64_t used_pages;	  /* at the last step */
	uint64_t rise_pages;	  /* of used_pages in the last step */
	uint64_t committed_pages; /* at the last step */
	uint64_t lesson_pages;	  /* used when it last hurt */
	uint64_t hurt_pages;	  /* what shrinking had come to when it was wrong */
	uint64_t enough_pages;	  /* not to go below in the quiet time */
};

void aero_pressure_defaults(struct aero_pressure_config *config, uint32_t page_shift);

/* The name of a level: "none" and so on. */
const char *aero_pressure_level_name(enum aero_pressure_level level);

/* One step.  Returns what the balloon should leave the guest, as committed does. */
uint64_t aero_pressure_step(const struct aero_pressure_config *config, struct aero_pressure *state,
			    const struct aero_policy_figures *figures);

#endif
