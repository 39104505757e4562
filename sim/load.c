// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "load.h"

#define MIB_PAGES     256ULL
#define MINUTE_MS     60000ULL
#define DAY_MS	      (24 * 60 * MINUTE_MS)
/* Nobody fills a guest to the last page. */
#define MOST_PERMILLE 850U

const char *const load_names[FLEET_LOADS] = {"idle",	"burst", "ramp",   "cache",
					     "diurnal", "agent", "compile"};

/* splitmix64: every seed is good, and neighbours have nothing in common. */
static uint64_t chance(struct load *l)
{
	uint64_t z = l->chance += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static uint64_t between(struct load *l, uint64_t least, uint64_t most)
{
	return least + chance(l) % (most - least + 1);
}

/* A part of the guest, drawn from per mille to per mille. */
static uint64_t part(struct load *l, uint64_t least, uint64_t most)
{
	return l->total_pages * between(l, least, most) / 1000;
}

static void start(struct load *l)
{
	l->promise_permille = (uint32_t)between(l, 1100, 2000);
	l->base_pages = part(l, 40, 100);
	l->to_pages = l->base_pages;
	/* People are up at about the same time. */
	l->day_ms = between(l, 0, 4 * 60) * MINUTE_MS;
	l->phase_left_ms = between(l, 0, 60) * MINUTE_MS;
	l->phase_ms = l->phase_left_ms;
}

void load_init(struct load *l, uint64_t seed, uint32_t index)
{
	static const uint16_t sizes_mib[] = {512, 1024, 1024, 2048, 2048, 4096, 8192};
	/* Most guests of a host do nothing most of the time. */
	static const enum load_kind kinds[] = {LOAD_IDLE, LOAD_IDLE,  LOAD_IDLE,  LOAD_BURST,
					       LOAD_RAMP, LOAD_CACHE, LOAD_CACHE, LOAD_DIURNAL};

	*l = (struct load){.chance = seed ^ (uint64_t)index << 32};
	chance(l);
	l->kind = kinds[chance(l) % (sizeof(kinds) / sizeof(*kinds))];
	l->total_pages =
		sizes_mib[chance(l) % (sizeof(sizes_mib) / sizeof(*sizes_mib))] * MIB_PAGES;
	start(l);
}

void load_init_fleet(struct load *l, uint64_t seed, uint32_t index)
{
	static const uint16_t sizes_mib[] = {1024, 2048, 2048, 4096, 4096, 8192};
	static const enum load_kind kinds[] = {LOAD_IDLE,    LOAD_IDLE,	  LOAD_IDLE,  LOAD_AGENT,
					       LOAD_AGENT,   LOAD_AGENT,  LOAD_CACHE, LOAD_DIURNAL,
					       LOAD_DIURNAL, LOAD_COMPILE};

	*l = (struct load){.chance = seed ^ (uint64_t)index << 32};
	chance(l);
	l->kind = kinds[chance(l) % (sizeof(kinds) / sizeof(*kinds))];
	l->total_pages =
		sizes_mib[chance(l) % (sizeof(sizes_mib) / sizeof(*sizes_mib))] * MIB_PAGES;
	if (l->kind == LOAD_AGENT)
		l->total_pages = (l->total_pages > 2048 * MIB_PAGES ? 8192 : 4096) * MIB_PAGES;
	start(l);
	if (l->kind != LOAD_AGENT)
		return;
	l->base_pages = part(l, 20, 30);
	l->to_pages = l->base_pages;
	l->phase_left_ms = between(l, 0, 120) * MINUTE_MS;
	l->phase_ms = l->phase_left_ms;
}

static void begin_phase(struct load *l, uint64_t minutes_least, uint64_t minutes_most)
{
	l->phase_ms = between(l, minutes_least, minutes_most) * MINUTE_MS;
	l->phase_left_ms = l->phase_ms;
	l->busy = !l->busy;
	l->from_pages = l->base_pages;
}

/* When a phase ends, the other one begins. */
static void next_phase(struct load *l)
{
	switch (l->kind) {
	case LOAD_BURST:
		begin_phase(l, l->busy ? 5 : 1, l->busy ? 40 : 6);
		l->to_pages = part(l, 400, MOST_PERMILLE);
		break;
	case LOAD_RAMP:
		begin_phase(l, 20, l->busy ? 60 : 90);
		l->to_pages = part(l, 500, MOST_PERMILLE);
		break;
	case LOAD_CACHE:
		begin_phase(l, 20, 90);
		l->busy = true;
		l->to_pages = part(l, 150, 500);
		break;
	case LOAD_AGENT:
		begin_phase(l, l->busy ? 60 : 2, l->busy ? 180 : 6);
		l->to_pages = part(l, 600, MOST_PERMILLE);
		l->rise_ms = (uint32_t)between(l, 20, 60) * 1000;
		break;
	case LOAD_COMPILE:
		begin_phase(l, l->busy ? 10 : 5, l->busy ? 90 : 25);
		l->to_pages = part(l, 300, 700);
		break;
	default:
		l->phase_left_ms = DAY_MS;
	}
}

/* 0 at night, 1000 at noon, with mornings and evenings between: 3 x^2 - 2 x^3. */
static uint64_t daylight_permille(uint64_t ms)
{
	uint64_t in_day = ms % DAY_MS, half = DAY_MS / 2;
	uint64_t x = (in_day < half ? in_day : DAY_MS - in_day) * 1000 / half;

	return x * x * (3000 - 2 * x) / 1000000;
}

static uint64_t own_memory(struct load *l, uint64_t now_ms)
{
	uint64_t gone = l->phase_ms - l->phase_left_ms;

	switch (l->kind) {
	case LOAD_AGENT:
		if (!l->busy)
			return l->base_pages;
		gone = gone < l->rise_ms ? gone : l->rise_ms;
		return l->base_pages + (l->to_pages - l->base_pages) * gone / l->rise_ms;
	case LOAD_COMPILE:
		/* Each step other processes run, from half of the most to all of it. */
		return l->busy ? between(l, l->to_pages / 2, l->to_pages) : l->base_pages;
	case LOAD_BURST:
		return l->busy ? l->to_pages : l->base_pages;
	case LOAD_RAMP:
		if (!l->busy)
			return l->base_pages;
		return l->from_pages +
		       (l->to_pages - l->from_pages) * (gone / 1000) / (l->phase_ms / 1000);
	case LOAD_DIURNAL:
		return l->base_pages +
		       l->total_pages * 6 / 10 * daylight_permille(now_ms + l->day_ms) / 1000;
	default:
		return l->base_pages;
	}
}

void load_step(struct load *l, uint64_t now_ms, uint32_t step_ms, struct sim_load *want)
{
	if (l->phase_left_ms < step_ms)
		next_phase(l);
	l->phase_left_ms -= l->phase_left_ms < step_ms ? l->phase_left_ms : step_ms;
	/* A hundredth up or down, for nothing is ever quite the same. */
	want->anon_pages = own_memory(l, now_ms) * between(l, 990, 1010) / 1000;
	want->committed_pages = want->anon_pages * l->promise_permille / 1000;
	want->hot_pages = l->kind == LOAD_CACHE ? l->to_pages : l->base_pages / 2;
	/* Logs and such; and who reads much also reads other things. */
	want->stream_pages = between(l, 0, l->kind == LOAD_CACHE ? 4096 : 64);
}
