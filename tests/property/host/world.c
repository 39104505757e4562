// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define MIB 1024ULL
#define GIB (1024 * MIB)

static uint64_t chance(struct world *w)
{
	uint64_t z = w->chance += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

uint64_t world_between(struct world *w, uint64_t least, uint64_t most)
{
	return least + chance(w) % (most - least + 1);
}

static void create_guest(struct world *w, size_t i)
{
	struct aero_host_guest *g = &w->guests[i];

	*g = (struct aero_host_guest){
		.max_kib = world_between(w, 512, 8192) * MIB,
		.shares = (uint32_t)world_between(w, 0, 4) * 500,
		.some_permille = AERO_POLICY_UNKNOWN,
		.full_permille = AERO_POLICY_UNKNOWN,
	};
	g->min_kib = g->max_kib / world_between(w, 4, 8);
	w->used_kib[i] = g->max_kib / 8;
}

/* The guests' minima fit, and what they begin with as well. */
void world_init(struct world *w, const struct aero_host_policy *policy, uint64_t seed)
{
	uint64_t maxima = 0, part;

	*w = (struct world){.chance = seed, .policy = policy};
	w->count = world_between(w, 1, WORLD_GUESTS_MAX);
	w->config = calloc(1, policy->config_size + 1);
	w->host_state = calloc(1, policy->host_state_size + 1);
	aero_host_policy_set_initial(policy, w->config);
	for (size_t i = 0; i < w->count; i++) {
		create_guest(w, i);
		w->states[i] = calloc(1, policy->guest_state_size + 1);
		maxima += w->guests[i].max_kib;
	}
	part = world_between(w, 30, 120);
	w->host = (struct aero_host_figures){
		.total_kib = maxima * part / 100 + 2 * GIB,
		.available_kib = AERO_HOST_UNKNOWN,
		.reserve_kib = GIB,
		.overhead_kib = GIB / 2,
		.some_permille = AERO_POLICY_UNKNOWN,
		.full_permille = AERO_POLICY_UNKNOWN,
		.interval_ms = 5000,
	};
	for (size_t i = 0; i < w->count; i++) {
		struct aero_host_guest *g = &w->guests[i];

		g->current_kib = g->max_kib * (part < 100 ? part : 100) / 100;
		g->target_kib = g->current_kib;
	}
}

void world_free(struct world *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->states[i]);
	free(w->host_state);
	free(w->config);
}

static uint64_t nonsense(struct world *w)
{
	static const uint64_t values[] = {0,	  1, AERO_HOST_UNKNOWN, 1ULL << 63, ~(uint64_t)1,
					  4 * GIB};

	return world_between(w, 0, 2) ? values[chance(w) % (sizeof(values) / sizeof(*values))]
				      : chance(w);
}

/* Everything but what the caller knows by itself: mode, limits, target. */
static void lie(struct world *w, struct aero_host_guest *g)
{
	g->statistics_age_ms = (uint32_t)nonsense(w);
	g->resident_kib = nonsense(w);
	g->unused_kib = nonsense(w);
	g->usable_kib = nonsense(w);
	g->cache_kib = nonsense(w);
	g->swap_in_kib = nonsense(w);
	g->swap_out_kib = nonsense(w);
	g->major_faults = nonsense(w);
	g->stalls = nonsense(w);
	g->reclaimed_kib = nonsense(w);
	g->some_permille = (uint32_t)nonsense(w);
	g->full_permille = (uint32_t)nonsense(w);
}

void world_lie(struct world *w)
{
	for (size_t i = 0; i < w->count; i++) {
		if (world_between(w, 0, 1))
			lie(w, &w->guests[i]);
		if (!world_between(w, 0, 9))
			w->guests[i].mode =
				(enum aero_host_guest_mode)world_between(w, 0, AERO_HOST_STARTING);
	}
	w->host.available_kib = world_between(w, 0, 3) ? AERO_HOST_UNKNOWN : nonsense(w);
	w->host.some_permille = (uint32_t)nonsense(w);
	w->host.full_permille = (uint32_t)nonsense(w);
	w->host.interval_ms = world_between(w, 0, 5) ? 5000 : (uint32_t)nonsense(w);
	w->host.room_kib = world_between(w, 0, 5) ? 0 : world_between(w, 0, 8 * GIB);
}

void world_live(struct world *w, bool steady)
{
	for (size_t i = 0; i < w->count; i++) {
		struct aero_host_guest *g = &w->guests[i];
		uint64_t *used = &w->used_kib[i], in = 0;

		if (!steady && !world_between(w, 0, 9))
			*used = world_between(w, g->max_kib / 20, g->max_kib * 17 / 20);
		if (*used > g->current_kib)
			in = *used - g->current_kib;
		g->statistics_age_ms = 0;
		g->usable_kib = g->current_kib - (*used - in);
		g->unused_kib = g->usable_kib / 2;
		g->cache_kib = g->usable_kib - g->unused_kib;
		g->resident_kib = g->current_kib;
		g->major_faults = in / 64;
		g->swap_in_kib = in / 16;
		g->swap_out_kib = in / 16;
	}
}

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* What a guest has or may take. */
static uint64_t promised(const struct aero_host_guest *g, uint64_t target)
{
	if (g->mode == AERO_HOST_STARTING)
		return greater(g->current_kib, g->max_kib);
	return greater(g->current_kib, target);
}

static void check_sum(struct world *w, const uint64_t *before)
{
	uint64_t kept = w->host.reserve_kib + w->host.room_kib + w->host.overhead_kib;
	uint64_t most = w->host.total_kib > kept ? w->host.total_kib - kept : 0;
	uint64_t sum = 0;
	bool raised = false;

	for (size_t i = 0; i < w->count; i++) {
		const struct aero_host_guest *g = &w->guests[i];
		uint64_t now = promised(g, w->decisions[i].target_kib);

		sum += now;
		raised |= now > promised(g, before[i]) && now > g->min_kib;
	}
	if (raised && sum > most)
		w->broken = "more is promised than there is";
}

size_t world_step(struct world *w)
{
	uint64_t before[WORLD_GUESTS_MAX];
	size_t moves = 0;

	for (size_t i = 0; i < w->count; i++)
		before[i] = w->guests[i].target_kib;
	/* What a rule does not write is found. */
	memset(w->decisions, 0xa5, sizeof(w->decisions));
	w->policy->step(w->config, w->host_state, &w->host, w->guests, w->states, w->count,
			w->decisions);
	for (size_t i = 0; i < w->count; i++) {
		const struct aero_host_decision *d = &w->decisions[i];
		const struct aero_host_guest *g = &w->guests[i];

		if ((unsigned int)d->reason >= AERO_HOST_REASONS)
			w->broken = "a decision has no reason";
		moves += d->target_kib != before[i];
		if (g->mode != AERO_HOST_MANAGED) {
			if (d->target_kib != before[i] || d->reason != AERO_HOST_LEFT_ALONE)
				w->broken = "a guest that is not managed was moved";
			continue;
		}
		if (d->target_kib < g->min_kib)
			w->broken = "a target is below the minimum";
		if (d->target_kib > g->max_kib)
			w->broken = "a target is above the maximum";
	}
	check_sum(w, before);
	for (size_t i = 0; i < w->count; i++)
		w->guests[i].target_kib = w->decisions[i].target_kib;
	return moves;
}

void world_move(struct world *w, bool all_the_way)
{
	for (size_t i = 0; i < w->count; i++) {
		struct aero_host_guest *g = &w->guests[i];
		uint64_t part = all_the_way ? 4 : world_between(w, 0, 4);

		if (g->mode == AERO_HOST_UNREACHABLE || g->mode == AERO_HOST_STUCK)
			continue;
		if (g->target_kib > g->current_kib)
			g->current_kib += (g->target_kib - g->current_kib) * part / 4;
		else
			g->current_kib -= (g->current_kib - g->target_kib) * part / 4;
	}
}
