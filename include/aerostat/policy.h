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
#include <linux/stddef.h>
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
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
#define AERO_POLICY_INTERVAL_MS	  5000U

/* -- the table ------------------------------------------------------------------------ */

/* The figures above, one bit each, for the masks `needs` and `reads` of a policy. */
#define AERO_FIGURE_MANAGED	  (1U << 0)
#define AERO_FIGURE_COMMITTED	  (1U << 1)
#define AERO_FIGURE_RESERVE	  (1U << 2)
#define AERO_FIGURE_SWAPPED	  (1U << 3)
#define AERO_FIGURE_MAX_PFN	  (1U << 4)
#define AERO_FIGURE_CURRENT	  (1U << 5)
#define AERO_FIGURE_FREE	  (1U << 6)
#define AERO_FIGURE_AVAILABLE	  (1U << 7)
#define AERO_FIGURE_FILE_ACTIVE	  (1U << 8)
#define AERO_FIGURE_FILE_INACTIVE (1U << 9)
#define AERO_FIGURE_ANON	  (1U << 10)
#define AERO_FIGURE_REFAULTS	  (1U << 11)
#define AERO_FIGURE_SCANNED	  (1U << 12)
#define AERO_FIGURE_STOLEN	  (1U << 13)
#define AERO_FIGURE_SWAP_IN	  (1U << 14)
#define AERO_FIGURE_SWAP_OUT	  (1U << 15)
#define AERO_FIGURE_STALLS	  (1U << 16)
#define AERO_FIGURE_RELIEVED	  (1U << 17)
#define AERO_FIGURE_SOME	  (1U << 18)
#define AERO_FIGURE_FULL	  (1U << 19)
#define AERO_FIGURE_INTERVAL	  (1U << 20)
#define AERO_FIGURES		  21U

/*
 * In a running guest the policy needs the shares of stalled time, which only user
 * space can read.  While there is no report of them, another policy takes over.
 */
#define AERO_NEEDS_STALL_REPORT	  (1U << 31)

/* What a policy's target is a number of. */
enum aero_policy_kind {
	AERO_POLICY_SIZE, /* pages that the guest should have */
	AERO_POLICY_SWAP, /* pages that should be left in swap */
};

/* A number that the administrator may choose; a uint32_t in the policy's config. */
struct aero_policy_option {
	const char *name;      /* as on the command line, with hyphens */
	const char *unit;      /* "" if it is a mere number */
	const char *text;      /* what it does, a phrase */
	const char *not_below; /* the option that this one must not be below, or NULL */
	uint32_t initial, least, most;
	size_t offset; /* in the config */
};

struct aero_policy {
	const char *name;
	const char *summary; /* a phrase */
	enum aero_policy_kind kind;
	uint32_t needs; /* figures it cannot do without, AERO_NEEDS_... */
	uint32_t reads; /* further figures that it looks at */
	const struct aero_policy_option *options;
	size_t options_count;
	size_t config_size, state_size;
	/* Every option at its initial value. */
	void (*defaults)(void *config, uint32_t page_shift);
	/* NULL where zeroes will do. */
	void (*init)(const void *config, void *state);
	/* True: *@target is written.  False: nothing should change now. */
	bool (*step)(const void *config, void *state, const struct aero_policy_figures *figures,
		     uint64_t *target);
	/* How the last step saw the guest; NULL where there is nothing to tell. */
	void (*explain)(const void *state, const char **level, uint32_t *quiet_left_ms);
};

/*
 * All guest policies.  A new one is an entry here; the module, the command line and
 * the simulator need no change.
 */
extern const struct aero_policy *const aero_guest_policies[];
extern const size_t aero_guest_policies_count;

/* Zeroes @config and sets every option in it to its initial value. */
void aero_policy_set_initial(const struct aero_policy *policy, void *config);

/* The option of this name, or NULL. */
const struct aero_policy_option *aero_policy_option_find(const struct aero_policy *policy,
							 const char *name);

/* Where @option lies in @config. */
static inline uint32_t *aero_policy_option_at(const struct aero_policy_option *option, void *config)
{
	return (uint32_t *)((char *)config + option->offset);
}

extern const struct aero_policy aero_policy_committed;
extern const struct aero_policy aero_policy_pressure;
extern const struct aero_policy aero_policy_selfshrink;

/* -- committed: a step towards what processes were promised ------------------------- */

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
