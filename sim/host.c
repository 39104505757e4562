// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* All guests, step by step, on the host's memory. */
#include "simulate.h"

#include <stdlib.h>

#define PAGE_SHIFT 12

/* A guest has turned when it went back by more than this part of its size. */
#define TURN_SHIFT 7

const struct aero_policy *sim_policy(int number)
{
	for (size_t i = 0; i < aero_guest_policies_count && number; i++)
		if (aero_guest_policies[i]->kind == AERO_POLICY_SIZE && !--number)
			return aero_guest_policies[i];
	return NULL;
}

int sim_policies(void)
{
	int n = 1;

	while (n < SIM_POLICIES_MAX && sim_policy(n))
		n++;
	return n;
}

const char *sim_policy_name(int number)
{
	return number ? sim_policy(number)->name : "fixed";
}

struct member {
	struct sim_guest guest;
	struct load load;
	void *state; /* the policy's */
	uint64_t target_pages;
	uint64_t extreme_pages; /* the farthest it got in its direction */
	int direction;
};

struct world {
	const struct sim_options *options;
	const struct aero_policy *policy; /* NULL: fixed shares */
	void *config;
	struct aero_committed_config committed;
	struct member *members;
	uint64_t free_pages; /* the host's */
};

/* The host has not enough for all: each begins with its share. */
static int create(struct world *w, struct sim_result *result)
{
	const struct sim_options *o = w->options;
	struct member *m;

	if (w->policy) {
		w->config = calloc(1, w->policy->config_size);
		if (!w->config)
			return -1;
		w->policy->defaults(w->config, PAGE_SHIFT);
	}
	w->members = calloc(o->guests, sizeof(*w->members));
	result->sample =
		calloc((size_t)o->hours * 3600000 / SIM_SAMPLE_MS + 1, sizeof(*result->sample));
	if (!w->members || !result->sample)
		return -1;
	for (uint32_t i = 0; i < o->guests; i++) {
		m = &w->members[i];
		load_init(&m->load, o->seed, i);
		sim_guest_init(&m->guest, m->load.total_pages);
		m->target_pages = m->load.total_pages * o->host_percent / 100;
		m->guest.managed_pages = m->target_pages - m->guest.unmanaged_pages;
		m->extreme_pages = m->guest.managed_pages;
		result->host_pages += m->target_pages;
		m->state = calloc(1, w->policy ? w->policy->state_size + 1 : 1);
		if (!m->state)
			return -1;
		if (w->policy && w->policy->init)
			w->policy->init(w->config, m->state);
	}
	aero_committed_defaults(&w->committed, PAGE_SHIFT);
	return 0;
}

/* As on a chart: small movements back are no turn. */
static bool has_turned(struct member *m)
{
	uint64_t now = m->guest.managed_pages, far = m->extreme_pages;
	uint64_t least = m->guest.total_pages >> TURN_SHIFT;
	int way = now > far ? 1 : -1;
	bool turned;

	if (way == m->direction) {
		m->extreme_pages = now;
		return false;
	}
	if ((now > far ? now - far : far - now) <= least)
		return false;
	turned = m->direction != 0;
	m->direction = way;
	m->extreme_pages = now;
	return turned;
}

static void add(struct sim_sums *s, const struct member *m, bool turned)
{
	const struct sim_guest *g = &m->guest;

	s->guest_steps++;
	s->total += g->total_pages;
	s->has += g->managed_pages + g->unmanaged_pages;
	s->unmet += g->unmet_pages;
	s->stalled += g->stalled_permille;
	s->slow_steps += g->stalled_permille >= 100;
	s->full_steps += g->homeless_pages != 0;
	s->fetched += g->figures.refaults + g->figures.swap_in_pages;
	s->swapped_out += g->figures.swap_out_pages;
	s->denied += g->denied_pages;
	s->turns += turned;
}

static void step_member(struct world *w, struct member *m, uint64_t now_ms,
			struct sim_result *result)
{
	const struct aero_policy_figures *f = &m->guest.figures;
	struct sim_load want;
	uint64_t floor;
	bool turned;

	load_step(&m->load, now_ms, w->options->step_ms, &want);
	sim_guest_step(&m->guest, &want, m->target_pages, w->options->step_ms, &w->free_pages);
	turned = has_turned(m);
	add(&result->all, m, turned);
	add(&result->by_load[m->load.kind], m, turned);
	if (!w->policy)
		return;
	w->policy->step(w->config, m->state, f, &m->target_pages);
	floor = aero_committed_floor_pages(&w->committed, f) + m->guest.unmanaged_pages;
	result->broken += m->target_pages < floor || m->guest.managed_pages > f->max_pfn;
}

static uint64_t wanted_pages(const struct sim_guest *g)
{
	return g->unmanaged_pages + g->kernel_pages + g->reserve_pages + g->anon_pages +
	       g->hot_pages + g->unmet_pages;
}

/* Every page of the host is free or some guest's. */
static void look(struct world *w, uint64_t now_ms, struct sim_result *result)
{
	struct sim_sample s = {0};

	for (uint32_t i = 0; i < w->options->guests; i++) {
		const struct sim_guest *g = &w->members[i].guest;

		s.has += g->managed_pages + g->unmanaged_pages;
		s.want += wanted_pages(g);
		s.unmet += g->unmet_pages;
	}
	result->broken += s.has + w->free_pages != result->host_pages;
	if (w->free_pages < result->least_free_pages)
		result->least_free_pages = w->free_pages;
	if (now_ms % SIM_SAMPLE_MS < w->options->step_ms)
		result->sample[result->samples++] = s;
}

int sim_run(const struct sim_options *o, int number, struct sim_result *result)
{
	struct world w = {.options = o, .policy = sim_policy(number)};
	uint64_t end_ms = (uint64_t)o->hours * 3600000, n = 0;
	int ret;

	*result = (struct sim_result){.least_free_pages = UINT64_MAX};
	ret = create(&w, result);
	for (uint64_t now = 0; !ret && now < end_ms; now += o->step_ms, n++) {
		/* Another one is the first to get what is free each time. */
		for (uint32_t i = 0; i < o->guests; i++)
			step_member(&w, &w.members[(i + n) % o->guests], now, result);
		look(&w, now, result);
	}
	for (uint32_t i = 0; w.members && i < o->guests; i++)
		free(w.members[i].state);
	free(w.members);
	free(w.config);
	return ret;
}
