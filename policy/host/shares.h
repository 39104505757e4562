/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Our own rule for hosts, `shares`: what its files share.  All sizes are KiB. */
#ifndef AEROSTAT_POLICY_HOST_SHARES_H
#define AEROSTAT_POLICY_HOST_SHARES_H

#include "internal.h"

/* docs/design/host-policy.md gives the reason of each initial value. */
struct aero_shares_config {
	uint32_t headroom_permille; /* stays usable, of what the guest uses */
	uint32_t headroom_mb;	    /* and at least so much */
	uint32_t pool_permille;	    /* of the host: kept free for growth, at least and at most */
	uint32_t pool_max_permille;
	uint32_t faults_per_s;	 /* pages from disk and swap that are pressure in a guest */
	uint32_t stall_permille; /* stalled time that is pressure, of a guest and of the host */
	uint32_t free_return_ms; /* time constants with which memory is taken: free, cache */
	uint32_t cache_return_ms;
	uint32_t quiet_ms;     /* a guest that grew is left alone for so long, */
	uint32_t quiet_max_ms; /* and at most for so long when taking was wrong */
	uint32_t stale_ms;     /* statistics that are older say nothing */
	uint32_t spare_ms;     /* memory that was free for so long is shared out */
};

/* Of one guest.  Zeroes at first. */
struct aero_shares_guest {
	bool seen;
	uint64_t has_kib;	     /* at the last step */
	uint64_t used_kib, rise_kib; /* then, and how much that had grown */
	uint64_t jump_kib;	     /* the largest growth in a step, slowly forgotten */
	uint64_t cache_kib;	     /* page cache that it was found to need, slowly forgotten */
	uint64_t swapped_kib;	     /* in its swap, as far as it was seen */
	uint32_t rising;	     /* steps in a row with pressure */
	uint32_t quiet_ms, quiet_left_ms, calm_ms, since_shrink_ms;

	/* What the step works with. */
	uint64_t need_kib;    /* without less than this it suffers */
	uint64_t comfort_kib; /* and with this it can bear its usual jumps */
	uint64_t easy_kib;    /* down to this, taking costs it nothing */
	uint64_t limit_kib;   /* what of its need the host can meet: its share if not all */
	uint64_t weight;
	uint64_t hold_kib;  /* the target so far */
	uint64_t floor_kib; /* in this round it is not taken below */
};

/* Looks at a managed guest's figures: fills need_kib, comfort_kib and easy_kib. */
void aero_shares_look(const struct aero_shares_config *config, uint32_t step_ms,
		      const struct aero_host_guest *g, struct aero_shares_guest *s);

/* The guest is asked for less, or for more, than before. */
void aero_shares_shrank(struct aero_shares_guest *s);
void aero_shares_grew(const struct aero_shares_config *config, struct aero_shares_guest *s);

#endif
