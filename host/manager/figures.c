// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What the policy gets to see: figures that are possible, from those that were said. */
#include "internal.h"

#define RESERVE_SHARE	  20U
#define RESERVE_LEAST_KIB (128U * 1024)

/* A guest has no more than it booted with. */
static uint64_t possible(const struct guest *g, uint64_t kib)
{
	return kib > g->sight.boot_kib ? AERO_HOST_UNKNOWN : kib;
}

/* A counter that goes back has begun anew. */
static uint64_t since(const struct guest *g, uint64_t before, uint64_t now)
{
	if (!g->has_before || before == AERO_HOST_UNKNOWN || now == AERO_HOST_UNKNOWN)
		return 0;
	return less(now, before);
}

static void statistics(struct aero_manager *m, struct guest *g, struct aero_host_guest *f)
{
	uint64_t age = less(m->now_ms, g->mark_ms);

	f->unused_kib = possible(g, g->sight.unused_kib);
	f->usable_kib = possible(g, g->sight.usable_kib);
	f->cache_kib = possible(g, g->sight.cache_kib);
	f->statistics_age_ms = age < UINT32_MAX ? (uint32_t)age : UINT32_MAX - 1;
	/* No kernel lives with nothing free; that is a driver that fills in nothing. */
	if (!g->sight.mark || (!f->unused_kib && !f->usable_kib && !f->cache_kib) ||
	    (f->unused_kib == AERO_HOST_UNKNOWN && f->usable_kib == AERO_HOST_UNKNOWN))
		f->statistics_age_ms = UINT32_MAX;
	f->swap_in_kib = since(g, g->before.swap_in_kib, g->sight.swap_in_kib);
	f->swap_out_kib = since(g, g->before.swap_out_kib, g->sight.swap_out_kib);
	f->major_faults = since(g, g->before.major_faults, g->sight.major_faults);
}

void aero_guest_figures(struct aero_manager *m, struct guest *g, struct aero_host_guest *f)
{
	*f = (struct aero_host_guest){
		.mode = g->mode,
		.min_kib = g->min_kib,
		.max_kib = g->max_kib,
		.shares = g->shares,
		.current_kib = g->sight.current_kib,
		.target_kib = g->target_kib,
		.resident_kib = g->sight.resident_kib,
		.some_permille = AERO_POLICY_UNKNOWN,
		.full_permille = AERO_POLICY_UNKNOWN,
	};
	if (g->mode == AERO_HOST_STARTING)
		f->max_kib = starts_with(g);
	/* Without a driver it is as large as it booted. */
	if (f->current_kib == AERO_HOST_UNKNOWN)
		f->current_kib = starts_with(g);
	if (!g->asked)
		f->target_kib = f->current_kib;
	if (g->floor_kib > f->min_kib)
		f->min_kib = g->floor_kib < f->max_kib ? g->floor_kib : f->max_kib;
	statistics(m, g, f);
}

static uint64_t reserve(const struct aero_manager *m, uint64_t total_kib)
{
	uint64_t kib = m->config.reserve_kib;

	if (kib == AERO_HOST_UNKNOWN) {
		kib = total_kib / RESERVE_SHARE;
		kib = kib > RESERVE_LEAST_KIB ? kib : RESERVE_LEAST_KIB;
	}
	return kib < total_kib ? kib : total_kib;
}

void aero_manager_host_figures(struct aero_manager *m, const struct aero_host_reading *reading)
{
	struct aero_host_figures *h = &m->host;
	uint64_t passed = m->stepped ? less(m->now_ms, m->last_ms) : m->config.period_ms;
	uint64_t has = 0;

	*h = (struct aero_host_figures){
		.total_kib = m->config.memory_kib ? m->config.memory_kib : reading->total_kib,
		.available_kib = AERO_HOST_UNKNOWN,
		.some_permille = reading->some_permille,
		.full_permille = reading->full_permille,
		.interval_ms = passed < UINT32_MAX ? (uint32_t)passed : UINT32_MAX,
		.room_kib = m->room.wanted_kib,
	};
	h->reserve_kib = reserve(m, h->total_kib);
	for (size_t i = 0; i < m->count; i++) {
		uint64_t kib = m->guests[i]->sight.resident_kib;

		if (m->config.memory_kib || kib == AERO_HOST_UNKNOWN)
			kib = m->guests[i]->sight.current_kib;
		has = sum(has, kib == AERO_HOST_UNKNOWN ? 0 : kib);
	}
	/* A part of the host's memory: what lies beside it is not the guests' business. */
	if (m->config.memory_kib) {
		h->available_kib = less(h->total_kib, has);
		return;
	}
	h->available_kib = reading->available_kib;
	if (h->available_kib != AERO_HOST_UNKNOWN)
		h->overhead_kib = less(less(h->total_kib, h->available_kib), has);
}
