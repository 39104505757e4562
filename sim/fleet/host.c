// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* One host with its guests, step by step; and all hosts, one after another. */
#include <stdlib.h>

#include "fleet.h"

#define PAGE_KIB    4U
#define GIB_KIB	    (1024U * 1024U)

/* A guest has turned when it went back by more than this part of its size. */
#define TURN_SHIFT  7

/* Of guests of one host, which number is which must not depend on how many there are. */
#define HOST_STRIDE 4096U

struct host {
	const struct fleet_options *options;
	const struct aero_host_policy *policy;
	uint32_t count;
	struct aero_host_figures figures;
	struct fleet_guest *guests;
	uint64_t free_pages;
	uint64_t most_pages; /* that its guests may have together */
	void *config, *state;
	/* What the policy gets and returns. */
	struct aero_host_guest *seen;
	void **states;
	struct aero_host_decision *decisions;
};

static void destroy(struct host *h)
{
	for (uint32_t i = 0; h->states && i < h->count; i++)
		free(h->states[i]);
	free(h->states);
	free(h->decisions);
	free(h->seen);
	free(h->state);
	free(h->config);
	free(h->guests);
}

/* Memory is zeroed; a rule without options or state still has a place for them. */
static int allocate(struct host *h)
{
	h->guests = calloc(h->count, sizeof(*h->guests));
	h->seen = calloc(h->count, sizeof(*h->seen));
	h->states = calloc(h->count, sizeof(*h->states));
	h->decisions = calloc(h->count, sizeof(*h->decisions));
	h->config = calloc(1, h->policy->config_size + 1);
	h->state = calloc(1, h->policy->host_state_size + 1);
	if (!h->guests || !h->seen || !h->states || !h->decisions || !h->config || !h->state)
		return -1;
	for (uint32_t i = 0; i < h->count; i++) {
		h->states[i] = calloc(1, h->policy->guest_state_size + 1);
		if (!h->states[i])
			return -1;
	}
	return 0;
}

/* Each begins at the same part of the way from its minimum to its maximum. */
static void share_out(struct host *h)
{
	uint64_t least = 0, range = 0, budget = h->free_pages - FLEET_RESERVE_GIB * FLEET_GIB_PAGES,
		 part;

	for (uint32_t i = 0; i < h->count; i++) {
		least += h->guests[i].min_pages;
		range += h->guests[i].load.total_pages - h->guests[i].min_pages;
	}
	budget = budget > least ? budget - least : 0;
	for (uint32_t i = 0; i < h->count; i++) {
		struct fleet_guest *g = &h->guests[i];

		part = g->load.total_pages - g->min_pages;
		part = budget < range ? (uint64_t)((double)part * (double)budget / (double)range)
				      : part;
		fleet_guest_size(g, g->min_pages + part);
		h->free_pages -= g->min_pages + part;
	}
}

static bool fits(const struct host *h)
{
	uint64_t least = 0;

	for (uint32_t i = 0; i < h->count; i++)
		least += h->guests[i].min_pages;
	return least + FLEET_RESERVE_GIB * FLEET_GIB_PAGES <= h->free_pages;
}

/* 1: the guests' minima do not even fit. */
static int create(struct host *h, uint32_t number)
{
	if (allocate(h))
		return -1;
	aero_host_policy_set_initial(h->policy, h->config);
	h->figures = (struct aero_host_figures){
		.total_kib = (uint64_t)h->options->host_gib * GIB_KIB,
		.reserve_kib = FLEET_RESERVE_GIB * GIB_KIB,
		.overhead_kib = FLEET_OVERHEAD_GIB * GIB_KIB,
		.some_permille = AERO_POLICY_UNKNOWN,
		.full_permille = AERO_POLICY_UNKNOWN,
		.interval_ms = h->options->step_ms,
	};
	h->free_pages = (uint64_t)(h->options->host_gib - FLEET_OVERHEAD_GIB) * FLEET_GIB_PAGES;
	h->most_pages = h->free_pages - FLEET_RESERVE_GIB * FLEET_GIB_PAGES;
	for (uint32_t i = 0; i < h->count; i++)
		fleet_guest_init(&h->guests[i], h->options->seed, number * HOST_STRIDE + i);
	if (!fits(h))
		return 1;
	share_out(h);
	return 0;
}

/* -- a step -------------------------------------------------------------------------------- */

/* The interface's promises, as the host sees them. */
static void check(const struct host *h, struct fleet_result *r)
{
	uint64_t before = 0, after = 0, most;

	most = h->figures.total_kib - h->figures.overhead_kib - h->figures.reserve_kib;
	most = most > h->figures.room_kib ? most - h->figures.room_kib : 0;
	for (uint32_t i = 0; i < h->count; i++) {
		const struct aero_host_guest *g = &h->seen[i];
		uint64_t target = h->decisions[i].target_kib;

		if (g->mode == AERO_HOST_MANAGED)
			r->broken += target < g->min_kib || target > g->max_kib;
		before += g->current_kib > g->target_kib ? g->current_kib : g->target_kib;
		after += g->current_kib > target ? g->current_kib : target;
	}
	r->broken += after > before && after > most;
}

/* Who starts needs room, which is asked for. */
static void decide(struct host *h, struct fleet_result *r)
{
	h->figures.available_kib = h->free_pages * PAGE_KIB;
	h->figures.room_kib = 0;
	for (uint32_t i = 0; i < h->count; i++) {
		const struct fleet_guest *g = &h->guests[i];

		h->seen[i] = g->figures;
		if (g->waits_for_room)
			h->figures.room_kib += g->load.total_pages / 4 * PAGE_KIB;
	}
	h->policy->step(h->config, h->state, &h->figures, h->seen, h->states, h->count,
			h->decisions);
	check(h, r);
	for (uint32_t i = 0; i < h->count; i++) {
		r->moves += h->guests[i].figures.target_kib != h->decisions[i].target_kib;
		h->guests[i].figures.target_kib = h->decisions[i].target_kib;
	}
}

/* As on a chart: small movements back are no turn. */
static bool has_turned(struct fleet_guest *g)
{
	uint64_t now = fleet_guest_pages(g), far = g->extreme_pages;
	uint64_t least = g->guest.total_pages >> TURN_SHIFT;
	int way = now > far ? 1 : -1;
	bool turned;

	if (!now || now == far)
		return false;
	if (way == g->direction) {
		g->extreme_pages = now;
		return false;
	}
	if ((now > far ? now - far : far - now) <= least)
		return false;
	turned = g->direction != 0;
	g->direction = way;
	g->extreme_pages = now;
	return turned;
}

static void add(struct fleet_guest *g, struct fleet_result *r, struct fleet_sample *s)
{
	r->guest_steps++;
	r->size += g->load.total_pages;
	r->has += fleet_guest_pages(g);
	r->turns += has_turned(g);
	r->start_waits += g->waits_for_room;
	s->has += fleet_guest_pages(g);
	s->whole += g->down_until_ms ? 0 : fleet_guest_whole_pages(g);
	/* What a liar wants is no measure, only what it takes from the others. */
	if (g->kind == FLEET_GREEDY || g->kind == FLEET_NONSENSE)
		return;
	r->wanted += g->wanted_pages;
	r->unmet += g->unmet_pages;
	r->wanted_by[g->load.kind] += g->wanted_pages;
	r->unmet_by[g->load.kind] += g->unmet_pages;
	s->want += g->wanted_pages;
	s->unmet += g->unmet_pages;
	if (g->down_until_ms)
		return;
	r->stalled += g->guest.stalled_permille;
	r->slow_steps += g->guest.stalled_permille >= 100;
}

/* Who starts gets only what nobody was promised. */
static void live(struct host *h, uint64_t now_ms, struct fleet_result *r)
{
	uint64_t kept = FLEET_RESERVE_GIB * FLEET_GIB_PAGES;
	bool was_down;

	for (uint32_t i = 0; i < h->count; i++)
		kept += fleet_guest_growth(&h->guests[i]);
	for (uint32_t i = 0; i < h->count; i++) {
		struct fleet_guest *g = &h->guests[i];

		was_down = g->down_until_ms;
		fleet_guest_live(g, now_ms, h->options->step_ms, kept, &h->free_pages);
		r->starts += was_down && !g->down_until_ms;
	}
}

static void step(struct host *h, uint64_t now_ms, uint64_t n, struct fleet_result *r,
		 struct fleet_sample *s)
{
	*s = (struct fleet_sample){0};
	live(h, now_ms, r);
	for (uint32_t i = 0; i < h->count; i++) {
		/* Another one is the first each time. */
		struct fleet_guest *g = &h->guests[(i + n) % h->count];

		fleet_guest_step(g, now_ms, h->options->step_ms, &h->free_pages);
		add(g, r, s);
	}
	r->lacking += s->whole > h->most_pages ? s->whole - h->most_pages : 0;
	r->host_steps++;
	r->under_reserve += h->free_pages < FLEET_RESERVE_GIB * FLEET_GIB_PAGES;
	decide(h, r);
}

static int run_host(struct host *h, uint32_t number, struct fleet_result *r)
{
	uint64_t end_ms = (uint64_t)h->options->hours * 3600000, n = 0;
	int ret = create(h, number);

	if (ret > 0) {
		/* All they want is unmet. */
		r->wanted++;
		r->unmet++;
	}
	for (uint64_t now = 0; !ret && now < end_ms; now += h->options->step_ms, n++) {
		struct fleet_sample now_is;
		size_t at = (size_t)(now / FLEET_SAMPLE_MS);

		step(h, now, n, r, &now_is);
		if (now % FLEET_SAMPLE_MS >= h->options->step_ms || !r->sample)
			continue;
		r->sample[at].has += now_is.has;
		r->sample[at].want += now_is.want;
		r->sample[at].unmet += now_is.unmet;
		if (at >= r->samples)
			r->samples = at + 1;
	}
	destroy(h);
	return ret < 0 ? -1 : 0;
}

int fleet_run(const struct fleet_options *o, const struct aero_host_policy *policy, uint32_t hosts,
	      uint32_t guests, struct fleet_result *result)
{
	int ret = 0;

	*result = (struct fleet_result){0};
	result->sample =
		calloc((size_t)o->hours * 3600000 / FLEET_SAMPLE_MS + 1, sizeof(*result->sample));
	if (!result->sample)
		return -1;
	for (uint32_t i = 0; !ret && i < hosts; i++) {
		struct host h = {.options = o, .policy = policy, .count = guests};

		ret = run_host(&h, i, result);
	}
	return ret;
}
