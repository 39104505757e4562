/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The guest's own policy: how much memory the guest should have, as a function of figures that it
 * knows about itself and of the policy's state.  These functions need no library and no
 * floating point and call nothing else, so that the kernel's worker, the command line and the
 * simulated host run the same code.
 *
 * Any figures are accepted.  Sums and differences that are out of range become the end of the range
 * instead of wrapping round, so that no figures lead to a target below 0 or to one that is small
 * because of an overflow.
 *
 * There is no locking: the caller makes sure that only one thread at a time uses a state.
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

/* The value of a share of stalled time that is not known. */
#define AERO_POLICY_UNKNOWN (~(uint32_t)0)

/*
 * What a guest knows about itself.  Levels are those at the moment; events were counted since the
 * last reading.  A figure that the guest does not know is 0, except for the shares of stalled
 * time (AERO_POLICY_UNKNOWN).  Pages are the guest's base pages.
 */
struct aero_policy_figures {
	/* Levels that every policy looks at. */
	uint64_t managed_pages;	  /* what the kernel's allocator has, without the balloon */
	uint64_t committed_pages; /* promised to processes (Committed_AS); never below 0 */
	uint64_t reserve_pages;	  /* the reserves of all zones, which processes cannot have */
	uint64_t swapped_pages;	  /* pages in swap */
	uint64_t max_pfn;	  /* pages that the guest could ever have, holes included */
	uint64_t current_pages;	  /* what the guest has, as the balloon counts it */

	/* Levels that `pressure` looks at. */
	uint64_t free_pages;
	uint64_t available_pages;     /* free or easy to reclaim (MemAvailable) */
	uint64_t file_active_pages;   /* page cache used more than once */
	uint64_t file_inactive_pages; /* all other page cache */
	uint64_t anon_pages;	      /* processes' own memory */

	/* Events that `pressure` looks at. */
	uint64_t refaults;	 /* pages read again soon after they had been evicted */
	uint64_t scanned_pages;	 /* pages that reclaim looked at */
	uint64_t stolen_pages;	 /* pages that it evicted */
	uint64_t swap_in_pages;	 /* read from swap */
	uint64_t swap_out_pages; /* written to swap */
	uint64_t stalls;	 /* allocations that had to reclaim by themselves */
	uint64_t relieved_pages; /* pages that the balloon gave back in an emergency */

	/* Per mille of the time since the last reading in which some, and all, tasks waited. */
	uint32_t some_permille;
	uint32_t full_permille;

	uint32_t interval_ms; /* the time since the last reading; 0: AERO_POLICY_INTERVAL_MS */
	uint32_t grain_pages; /* the guest shrinks by blocks of so many pages; 0 or 1: by pages */
};

/* The time from one step of a policy to the next, unless another one is chosen. */
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
 * In a running guest the policy needs the shares of stalled time, which only user space can
 * read.  While user space does not report them, another policy takes over.
 */
#define AERO_NEEDS_STALL_REPORT	  (1U << 31)

/* What a policy's target means. */
enum aero_policy_kind {
	AERO_POLICY_SIZE, /* pages that the guest should have */
	AERO_POLICY_SWAP, /* pages that should be left in swap */
};

/* A number that the administrator may choose.  It is a uint32_t in the policy's config. */
struct aero_policy_option {
	const char *name;      /* as on the command line, with hyphens */
	const char *unit;      /* "" for a number without a unit */
	const char *text;      /* what it does, a phrase */
	const char *not_below; /* the option that this one must not be below, or NULL */
	uint32_t initial, least, most;
	size_t offset; /* in the config */
};

struct aero_policy {
	const char *name;
	const char *summary; /* a phrase */
	enum aero_policy_kind kind;
	uint32_t needs; /* AERO_FIGURE_* that it must have, and AERO_NEEDS_* */
	uint32_t reads; /* further figures that it looks at */
	const struct aero_policy_option *options;
	size_t options_count;
	size_t config_size, state_size;
	/* Sets every option to its initial value. */
	void (*defaults)(void *config, uint32_t page_shift);
	/* Prepares the state.  NULL if a state of zeroes is good. */
	void (*init)(const void *config, void *state);
	/* Makes one step.  Returns false if nothing should change; *@target is not written then. */
	bool (*step)(const void *config, void *state, const struct aero_policy_figures *figures,
		     uint64_t *target);
	/* Tells how the last step judged the guest.  NULL if there is nothing to tell. */
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

/* Returns the option of this name, or NULL. */
const struct aero_policy_option *aero_policy_option_find(const struct aero_policy *policy,
							 const char *name);

/* Returns the place of @option in @config. */
static inline uint32_t *aero_policy_option_at(const struct aero_policy_option *option, void *config)
{
	return (uint32_t *)((char *)config + option->offset);
}

extern const struct aero_policy aero_policy_committed;
extern const struct aero_policy aero_policy_pressure;
extern const struct aero_policy aero_policy_selfshrink;

/* -- committed: follows the memory that processes were promised ---------------------- */

struct aero_committed_config {
	uint32_t down_hysteresis; /* a step goes 1/this of the way down; at least 1 */
	uint32_t up_hysteresis;	  /* a step goes 1/this of the way up; at least 1 */
	uint32_t min_usable_mb;	  /* the floor above the reserve, MiB; 0: by the guest's size */
	uint32_t page_shift;	  /* log2 of the page in bytes, 12 to 20 */
	bool leave_swapped;	  /* swapped pages do not count in the goal */
};

void aero_committed_defaults(struct aero_committed_config *config, uint32_t page_shift);

/* Returns the smallest number of managed pages that is allowed, whatever the goal is. */
uint64_t aero_committed_floor_pages(const struct aero_committed_config *config,
				    const struct aero_policy_figures *figures);

/* Returns how many pages the guest should have, counted as figures->current_pages. */
uint64_t aero_committed_target_pages(const struct aero_committed_config *config,
				     const struct aero_policy_figures *figures);

/* -- selfshrink: calls pages home that stay in swap without need ------------------------ */

struct aero_selfshrink_config {
	uint32_t hysteresis; /* a step calls 1/this of the store home; at least 1 */
	uint32_t inertia;    /* steps without growth of the store before the first call */
};

/* Zeroes at first.  Code that changes the inertia has to set inertia_left to the new value. */
struct aero_selfshrink {
	uint64_t stored_pages; /* at the last step */
	uint32_t inertia_left;
};

void aero_selfshrink_defaults(struct aero_selfshrink_config *config);

/*
 * Makes one step.  Returns true if pages should be brought home until *@target_pages are left in
 * the store.  Returns false if the store should be left alone; *@target_pages is not written
 * then.
 */
bool aero_selfshrink_step(const struct aero_selfshrink_config *config,
			  struct aero_selfshrink *state, uint64_t stored_pages,
			  uint64_t *target_pages);

/* -- pressure: shrinks the guest until there is pressure, and then grows it -------------- */

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
	uint32_t headroom_permille; /* stays available, per mille of the memory in use */
	uint32_t headroom_mb;	    /* the least that stays available, in MiB */
	uint32_t stall_permille;    /* so much stalled time, or more, is pressure */
	uint32_t refaults_per_s;  /* so many refaults and pages from swap, or more, are pressure */
	uint32_t free_return_ms;  /* time constant with which spare free memory is given up */
	uint32_t cache_return_ms; /* time constant with which unused page cache is given up */
	uint32_t quiet_ms;	  /* the quiet time: nothing shrinks for so long after pressure */
	uint32_t quiet_max_ms;	  /* the quiet time is at most so long when shrinking was wrong */
	uint32_t min_usable_mb;	  /* the floor, as in aero_committed_config */
	uint32_t page_shift;
};

/* How much pressure there is, from none to the most. */
enum aero_pressure_level {
	AERO_PRESSURE_NONE,
	AERO_PRESSURE_DOUBT,  /* some, which the balloon's own growth may have caused */
	AERO_PRESSURE_SHORT,  /* memory will not be enough, but no task has to wait yet */
	AERO_PRESSURE_MILD,   /* work is done twice: evicted pages are read again */
	AERO_PRESSURE_URGENT, /* tasks wait for memory */
	AERO_PRESSURE_LEVELS
};

/* Zeroes at first, and again when another policy was active in between. */
struct aero_pressure {
	bool started;
	bool shrinking;			/* the last step asked for less memory */
	enum aero_pressure_level level; /* in the last step */
	uint32_t rising;		/* steps in a row with pressure */
	uint32_t quiet_ms;		/* the present quiet time */
	uint32_t quiet_left_ms;		/* how much of it is left */
	uint32_t calm_ms;	  /* since the last pressure or the last halving of quiet_ms */
	uint32_t since_shrink_ms; /* since the last shrinking; all ones: never, or long ago */
	uint64_t wanted_pages;	  /* managed pages that the last step wanted */
	uint64_t used_pages;	  /* pages in use at the last step */
	uint64_t rise_pages;	  /* growth of used_pages in the last step */
	uint64_t committed_pages; /* at the last step */
	uint64_t lesson_pages;	  /* pages in use when there was pressure last */
	uint64_t hurt_pages;	  /* the size at which shrinking was found to be wrong */
	uint64_t enough_pages;	  /* the guest keeps this size during the quiet time */
	uint64_t owed_pages;	  /* less than a block, by which the guest has still to shrink */
};

void aero_pressure_defaults(struct aero_pressure_config *config, uint32_t page_shift);

/* Returns the name of a level, such as "none". */
const char *aero_pressure_level_name(enum aero_pressure_level level);

/* Makes one step.  Returns how many pages the guest should have, counted as current_pages. */
uint64_t aero_pressure_step(const struct aero_pressure_config *config, struct aero_pressure *state,
			    const struct aero_policy_figures *figures);

#endif
