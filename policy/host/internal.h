/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the rules for hosts share: the host's books, which keep every rule to the promises of the
 * interface, and levels to share something out by.  All sizes are KiB.
 */
#ifndef AEROSTAT_POLICY_HOST_INTERNAL_H
#define AEROSTAT_POLICY_HOST_INTERNAL_H

#include <aerostat/host_policy.h>

#include "../arithmetic.h"

#define AERO_MIB_KIB 1024U

extern const struct aero_host_policy aero_host_policy_shares;
extern const struct aero_host_policy aero_host_policy_fixed;
extern const struct aero_host_policy aero_host_policy_squeezed;
extern const struct aero_host_policy aero_host_policy_qmemman;
extern const struct aero_host_policy aero_host_policy_proxmox;
extern const struct aero_host_policy aero_host_policy_mom;

/* Returns n * part / whole or a little less, to 31 bits or better; n if whole is 0. */
uint64_t aero_host_ratio(uint64_t n, uint64_t part, uint64_t whole);

static inline uint64_t aero_host_between(uint64_t n, uint64_t least, uint64_t most)
{
	return aero_lesser(aero_greater(n, least), most);
}

static inline uint64_t aero_host_known(uint64_t size, uint64_t otherwise)
{
	return size == AERO_HOST_UNKNOWN ? otherwise : size;
}

static inline bool aero_host_is_managed(const struct aero_host_guest *g)
{
	return g->mode == AERO_HOST_MANAGED;
}

/* The limits; the maximum counts where they contradict each other. */
uint64_t aero_host_min(const struct aero_host_guest *g);
uint64_t aero_host_weight(const struct aero_host_guest *g);

/* What the guest has, as far as anybody knows. */
uint64_t aero_host_has(const struct aero_host_guest *g);

/* What it was asked for, within its limits. */
uint64_t aero_host_asked(const struct aero_host_guest *g);

/* What it may take without being given anything more: what is in flight counts once. */
uint64_t aero_host_promised(const struct aero_host_guest *g);

struct aero_host_books {
	uint64_t guests_kib;   /* what all guests may have together */
	uint64_t promised_kib; /* what they have or may take */
	uint64_t free_kib;     /* by which they may grow now */
	uint64_t short_kib;    /* they have too much by so much, beside what is coming */
	uint64_t coming_kib;   /* they were asked to give, and have not given yet */
	uint64_t others_kib;   /* of promised_kib: guests that are not managed */
};

/* @kept_kib: left free on top of the host's reserve and the room asked for. */
void aero_host_count(const struct aero_host_figures *host, const struct aero_host_guest *guests,
		     size_t count, uint64_t kept_kib, struct aero_host_books *books);

/*
 * The largest level at which a monotonous sum over all guests is at most @most.  @sum adds up what
 * the guests get at a level, without wrapping round.
 */
uint64_t aero_host_level(uint64_t (*sum)(const void *of, uint64_t level), const void *of,
			 uint64_t most);

/* What a guest of this weight gets at a level. */
uint64_t aero_host_part(uint64_t level, uint64_t weight);

/* The decision that leaves a guest as it is. */
void aero_host_hold(const struct aero_host_guest *g, struct aero_host_decision *d);

/*
 * For rules that say only where each guest should be: @decisions have that as target_kib (of
 * managed guests).  Brings it within the limits, and lets guests grow by what is free now, each
 * by the same part of its wish if it is not enough.
 */
void aero_host_settle(const struct aero_host_figures *host, const struct aero_host_guest *guests,
		      size_t count, struct aero_host_decision *decisions);

/*
 * For rules that act at intervals: false if nothing is to be done in this step, and then all
 * guests are left as they are.  @passed_ms is the rule's state.
 */
bool aero_host_is_due(uint32_t *passed_ms, uint32_t every_ms, const struct aero_host_figures *host,
		      const struct aero_host_guest *guests, size_t count,
		      struct aero_host_decision *decisions);

#endif
