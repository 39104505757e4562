// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A guest of a fleet: its load, what it tells its host, and its troubles. */
#include "fleet.h"

#define PAGE_KIB    4U
#define HOUR_MS	    3600000ULL
#define MINUTE_MS   60000ULL

/* How often a driver stops answering, and a guest crashes: once in so many hours. */
#define STALL_HOURS 200U
#define CRASH_HOURS 240U
#define STALL_MS    (10 * MINUTE_MS)
#define DOWN_MS	    (2 * MINUTE_MS)
/* A guest that starts touches this part of its memory at first. */
#define START_PART  4U

/* Of 100 guests. */
#define GREEDY	    2U
#define NONSENSE    1U
#define SILENT	    3U

/* A guest that gave nothing for so many steps is stuck, until it gives something, */
#define STUCK_STEPS 6U
/* And after so many it is tried again, from where it is. */
#define RETRY_STEPS 24U

static uint64_t chance(struct fleet_guest *g)
{
	uint64_t z = g->chance += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static bool happens(struct fleet_guest *g, uint32_t step_ms, uint32_t hours)
{
	return chance(g) % (hours * HOUR_MS) < step_ms;
}

static enum fleet_guest_kind kind_of(uint64_t of_100)
{
	if (of_100 < GREEDY)
		return FLEET_GREEDY;
	if (of_100 < GREEDY + NONSENSE)
		return FLEET_NONSENSE;
	return of_100 < GREEDY + NONSENSE + SILENT ? FLEET_SILENT : FLEET_HONEST;
}

/* The least that administrators give: a sixteenth, and 256 MiB. */
static uint64_t min_pages(uint64_t total)
{
	uint64_t least = 256 * 1024 / PAGE_KIB;

	return total / 16 > least ? total / 16 : least;
}

void fleet_guest_init(struct fleet_guest *g, uint64_t seed, uint32_t index)
{
	*g = (struct fleet_guest){.chance = ~(seed ^ (uint64_t)index << 32)};
	load_init_fleet(&g->load, seed, index);
	sim_guest_init(&g->guest, g->load.total_pages);
	g->guest.sealed = true;
	g->kind = kind_of(chance(g) % 100);
	g->min_pages = min_pages(g->load.total_pages);
	g->figures = (struct aero_host_guest){
		.min_kib = g->min_pages * PAGE_KIB,
		.max_kib = g->load.total_pages * PAGE_KIB,
		.shares = 1000,
		.statistics_age_ms = AERO_POLICY_UNKNOWN,
		.unused_kib = AERO_HOST_UNKNOWN,
		.usable_kib = AERO_HOST_UNKNOWN,
		.cache_kib = AERO_HOST_UNKNOWN,
		/* No hypervisor's statistics have these. */
		.some_permille = AERO_POLICY_UNKNOWN,
		.full_permille = AERO_POLICY_UNKNOWN,
	};
}

void fleet_guest_size(struct fleet_guest *g, uint64_t pages)
{
	g->guest.managed_pages = pages - g->guest.unmanaged_pages;
	g->extreme_pages = pages;
	g->figures.current_kib = pages * PAGE_KIB;
	g->figures.target_kib = g->figures.current_kib;
	g->figures.resident_kib = g->figures.current_kib;
}

uint64_t fleet_guest_pages(const struct fleet_guest *g)
{
	return g->down_until_ms ? 0 : g->guest.managed_pages + g->guest.unmanaged_pages;
}

uint64_t fleet_guest_whole_pages(const struct fleet_guest *g)
{
	const struct sim_guest *s = &g->guest;
	uint64_t whole = g->wanted_pages + s->unmanaged_pages + s->kernel_pages + s->reserve_pages;

	return whole > g->min_pages ? whole : g->min_pages;
}

/* -- troubles ---------------------------------------------------------------------------- */

/* All its memory is free again; when it comes back, it needs room first. */
static void crash(struct fleet_guest *g, uint64_t now_ms, uint64_t *host_free_pages)
{
	*host_free_pages += fleet_guest_pages(g);
	g->down_until_ms = now_ms + DOWN_MS;
	g->stalled_until_ms = 0;
	g->figures.mode = AERO_HOST_UNREACHABLE;
	g->figures.current_kib = 0;
	g->figures.target_kib = 0;
	g->figures.resident_kib = 0;
	g->figures.statistics_age_ms = AERO_POLICY_UNKNOWN;
}

static uint64_t start_pages(const struct fleet_guest *g)
{
	uint64_t part = g->load.total_pages / START_PART;

	return part > g->min_pages ? part : g->min_pages;
}

static void start(struct fleet_guest *g, uint64_t *host_free_pages)
{
	uint64_t pages = start_pages(g);

	sim_guest_init(&g->guest, g->load.total_pages);
	g->guest.sealed = true;
	*host_free_pages -= pages;
	g->down_until_ms = 0;
	g->waits_for_room = false;
	g->figures.mode = AERO_HOST_MANAGED;
	g->no_progress = 0;
	g->direction = 0;
	fleet_guest_size(g, pages);
}

uint64_t fleet_guest_growth(const struct fleet_guest *g)
{
	uint64_t target = g->figures.target_kib / PAGE_KIB, now = fleet_guest_pages(g);

	return target > now ? target - now : 0;
}

void fleet_guest_live(struct fleet_guest *g, uint64_t now_ms, uint32_t step_ms, uint64_t kept_pages,
		      uint64_t *host_free_pages)
{
	bool stalls = happens(g, step_ms, STALL_HOURS), crashes = happens(g, step_ms, CRASH_HOURS);

	if (g->down_until_ms) {
		g->waits_for_room = now_ms >= g->down_until_ms;
		if (g->waits_for_room && *host_free_pages >= start_pages(g) + kept_pages)
			start(g, host_free_pages);
		return;
	}
	if (stalls)
		g->stalled_until_ms = now_ms + STALL_MS;
	if (crashes)
		crash(g, now_ms, host_free_pages);
}

/* -- a step -------------------------------------------------------------------------------- */

/* What the statistics of a virtio balloon say, but for the guest's own knowledge of stalls. */
static void tell_truth(struct fleet_guest *g)
{
	const struct aero_policy_figures *f = &g->guest.figures;
	struct aero_host_guest *h = &g->figures;

	h->statistics_age_ms = 0;
	h->unused_kib = f->free_pages * PAGE_KIB;
	h->usable_kib = f->available_pages * PAGE_KIB;
	h->cache_kib = (f->file_active_pages + f->file_inactive_pages) * PAGE_KIB;
	h->swap_in_kib = f->swap_in_pages * PAGE_KIB;
	h->swap_out_kib = f->swap_out_pages * PAGE_KIB;
	/* Files that are read, not mapped, come back without a fault: half of them. */
	h->major_faults = f->refaults / 2 + f->swap_in_pages;
	h->stalls = f->stalls;
	h->reclaimed_kib = f->stolen_pages * PAGE_KIB;
}

static void tell(struct fleet_guest *g)
{
	struct aero_host_guest *h = &g->figures;

	if (g->kind == FLEET_SILENT)
		return;
	tell_truth(g);
	if (g->kind == FLEET_GREEDY) {
		h->unused_kib = 0;
		h->usable_kib = 0;
		h->cache_kib = 0;
		h->major_faults = 100000;
	} else if (g->kind == FLEET_NONSENSE) {
		h->unused_kib = chance(g) >> chance(g) % 64;
		h->usable_kib = chance(g) >> chance(g) % 64;
		h->cache_kib = chance(g) >> chance(g) % 64;
		h->swap_in_kib = chance(g) >> chance(g) % 64;
		h->major_faults = chance(g) >> chance(g) % 64;
	}
}

/* As a host has to: who is asked for less and gives nothing is planned around. */
static void watch(struct fleet_guest *g, uint64_t before_kib)
{
	struct aero_host_guest *h = &g->figures;

	if (h->target_kib < h->current_kib && h->current_kib == before_kib)
		g->no_progress++;
	else
		g->no_progress = 0;
	if (g->no_progress >= RETRY_STEPS) {
		g->no_progress = 0;
		h->target_kib = h->current_kib;
	}
	h->mode = g->no_progress >= STUCK_STEPS ? AERO_HOST_STUCK : AERO_HOST_MANAGED;
}

void fleet_guest_step(struct fleet_guest *g, uint64_t now_ms, uint32_t step_ms,
		      uint64_t *host_free_pages)
{
	uint64_t before = fleet_guest_pages(g), target = g->figures.target_kib / PAGE_KIB, given;
	struct sim_load want;

	load_step(&g->load, now_ms, step_ms, &want);
	g->wanted_pages = want.anon_pages + want.hot_pages;
	if (g->down_until_ms) {
		/* That it was down is its own fault, but not that it has to wait. */
		g->unmet_pages = g->waits_for_room ? g->wanted_pages : 0;
		return;
	}
	if (g->stalled_until_ms > now_ms)
		target = before;
	given = target > before ? target - before : 0;
	given = given < *host_free_pages ? given : *host_free_pages;
	*host_free_pages -= given;
	sim_guest_step(&g->guest, &want, target, step_ms, &given);
	*host_free_pages += given;
	g->unmet_pages = g->guest.unmet_pages;
	g->figures.current_kib = fleet_guest_pages(g) * PAGE_KIB;
	g->figures.resident_kib = g->figures.current_kib;
	watch(g, before * PAGE_KIB);
	tell(g);
}
