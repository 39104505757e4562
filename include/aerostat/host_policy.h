/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The host's policy: how much memory each of a host's guests should have, as a function of figures
 * of the host and of all its guests, and of the policy's state.  These functions need no library
 * and no floating point and call nothing else, so that the host's daemon and the simulated hosts
 * run the same code.
 *
 * Sizes are in KiB.  Any figures are accepted: they come from guests, which may lie.  Sums and
 * differences that are out of range become the end of the range instead of wrapping round.
 *
 * There is no locking: the caller makes sure that only one thread at a time uses a state.
 * Nothing here fails.
 *
 * docs/design/host-policy.md says why the rules are as they are.
 */
#ifndef AEROSTAT_HOST_POLICY_H
#define AEROSTAT_HOST_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <aerostat/policy.h>

/* A size, or a rate, that is not known. */
#define AERO_HOST_UNKNOWN (~(uint64_t)0)

/* What the host knows about itself. */
struct aero_host_figures {
	uint64_t total_kib;	/* its memory */
	uint64_t available_kib; /* free or easy to reclaim; AERO_HOST_UNKNOWN: not known */
	uint64_t reserve_kib;	/* what the administrator keeps from the guests */
	uint64_t overhead_kib;	/* what the host itself uses, beside the guests' memory */
	uint64_t room_kib;	/* asked for by make-room: to be left free on top of the reserve */
	/* Per mille of the last interval in which some, and all, tasks waited; AERO_POLICY_UNKNOWN.
	 */
	uint32_t some_permille;
	uint32_t full_permille;
	uint32_t interval_ms; /* since the last step */
};

/* Why the caller leaves a guest alone, or that it does not. */
enum aero_host_guest_mode {
	AERO_HOST_MANAGED,
	AERO_HOST_FIXED,       /* the administrator has switched the policy off for it */
	AERO_HOST_UNREACHABLE, /* no driver, paused, crashed: its size is what it is */
	AERO_HOST_STUCK,       /* asked, and made no progress: planned around, at its actual size */
	AERO_HOST_STARTING,    /* not up yet; it will take all of max_kib */
};

/* What the host knows about one guest.  A size that is not known is AERO_HOST_UNKNOWN. */
struct aero_host_guest {
	enum aero_host_guest_mode mode;
	/* Limits: min_kib <= target <= max_kib.  The caller validates; a policy clamps again. */
	uint64_t min_kib;
	uint64_t max_kib;      /* at most the size that the guest booted with */
	uint32_t shares;       /* its weight beside the others; 0 counts as 1 */
	uint64_t current_kib;  /* what the guest has now, as its balloon says */
	uint64_t target_kib;   /* what it was asked for last */
	uint64_t resident_kib; /* what it costs the host at the moment */

	/* What the guest says of itself.  statistics_age_ms is all ones when it says nothing. */
	uint32_t statistics_age_ms;
	uint64_t unused_kib;  /* free */
	uint64_t usable_kib;  /* free or easy to reclaim */
	uint64_t cache_kib;   /* page cache */
	uint64_t swap_in_kib; /* since the last step, as are all that follow */
	uint64_t swap_out_kib;
	uint64_t major_faults;
	uint64_t stalls;	/* allocations that had to reclaim by themselves */
	uint64_t reclaimed_kib; /* evicted by reclaim, in the background or by the allocation itself
				 */
	uint32_t some_permille; /* AERO_POLICY_UNKNOWN */
	uint32_t full_permille;
};

/* Why a guest gets what it gets.  aero_host_reason_name() gives a word for each. */
enum aero_host_reason {
	AERO_HOST_KEEPS,	 /* within the dead band of what it has */
	AERO_HOST_GROWS_TO_NEED, /* what it needs exceeds what it has */
	AERO_HOST_GROWS_SPARE,	 /* the host has more than all need */
	AERO_HOST_SHRINKS_SPARE, /* it has more than it needs, and others need it */
	AERO_HOST_SHRINKS_SHARE, /* not enough for all: its share */
	AERO_HOST_SHRINKS_HOST,	 /* the host itself is short of memory */
	AERO_HOST_SHRINKS_ROOM,	 /* room for a guest that starts */
	AERO_HOST_AT_MIN,
	AERO_HOST_AT_MAX,
	AERO_HOST_LEFT_ALONE, /* its mode is not AERO_HOST_MANAGED */
	AERO_HOST_WAITS,      /* it should grow, but what others give up is not there yet */
	AERO_HOST_REASONS
};

const char *aero_host_reason_name(enum aero_host_reason reason);

/* A policy's answer for one guest. */
struct aero_host_decision {
	uint64_t target_kib; /* of a guest that is not managed: its target_kib as it was */
	uint64_t need_kib;   /* what the policy thinks it needs, or AERO_HOST_UNKNOWN */
	enum aero_host_reason reason;
};

struct aero_host_policy {
	const char *name;
	const char *summary; /* a phrase */
	const struct aero_policy_option *options;
	size_t options_count;
	size_t config_size;
	size_t host_state_size; /* zeroes at first */
	/* Zeroes when a guest is first seen; the caller keeps it with the guest. */
	size_t guest_state_size;
	/*
	 * Makes one step.  @guests, @guest_states (pointers, one a guest) and @decisions have
	 * @count entries.  Promises: no target below a guest's min_kib or above its max_kib; the
	 * targets of all guests together are never raised beyond what the host has after reserve
	 * and room, nor before what others give up has really come (their current_kib says).
	 */
	void (*step)(const void *config, void *host_state, const struct aero_host_figures *host,
		     const struct aero_host_guest *guests, void *const *guest_states, size_t count,
		     struct aero_host_decision *decisions);
};

/*
 * All host policies: ours (`shares`) first, then rules that other managers use, for comparison.
 * A new one is an entry here; the daemon and the simulator need no change.
 */
extern const struct aero_host_policy *const aero_host_policies[];
extern const size_t aero_host_policies_count;

const struct aero_host_policy *aero_host_policy_find(const char *name); /* NULL: there is none */

/* Zeroes @config and sets every option in it to its initial value. */
void aero_host_policy_set_initial(const struct aero_host_policy *policy, void *config);

#endif
