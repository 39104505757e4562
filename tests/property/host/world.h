/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A host and guests with random figures, for tests of the promises that every rule makes. */
#ifndef AEROSTAT_TESTS_PROPERTY_HOST_WORLD_H
#define AEROSTAT_TESTS_PROPERTY_HOST_WORLD_H

#include <aerostat/host_policy.h>

#define WORLD_GUESTS_MAX 64

struct world {
	uint64_t chance;
	const struct aero_host_policy *policy;
	void *config, *host_state;
	size_t count;
	struct aero_host_figures host;
	struct aero_host_guest guests[WORLD_GUESTS_MAX];
	void *states[WORLD_GUESTS_MAX];
	struct aero_host_decision decisions[WORLD_GUESTS_MAX];
	uint64_t used_kib[WORLD_GUESTS_MAX]; /* what processes in the guest want */
	const char *broken;		     /* the promise that did not hold */
};

void world_init(struct world *w, const struct aero_host_policy *policy, uint64_t seed);
void world_free(struct world *w);

uint64_t world_between(struct world *w, uint64_t least, uint64_t most);

/* Figures that make no sense: zero, huge, contradictory, in random guests. */
void world_lie(struct world *w);

/* Guests that are consistent; what they use changes, unless the world is @steady. */
void world_live(struct world *w, bool steady);

/* One step of the policy; sets broken.  Returns how many targets were changed. */
size_t world_step(struct world *w);

/* The guests go where they were asked to go, some of them only a part of the way. */
void world_move(struct world *w, bool all_the_way);

#endif
