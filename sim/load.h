/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What a guest's processes want over time: drawn from a seed, whatever the guest gets. */
#ifndef AEROSTAT_SIMULATE_LOAD_H
#define AEROSTAT_SIMULATE_LOAD_H

#include "guest.h"

enum load_kind {
	LOAD_IDLE,    /* a little, and always about the same */
	LOAD_BURST,   /* a little, and now and then most of the guest for some minutes */
	LOAD_RAMP,    /* more and more for an hour or so, then nothing */
	LOAD_CACHE,   /* files read again and again, others after some time */
	LOAD_DIURNAL, /* a working day and a night */
	LOADS,

	/* Only in fleets. */
	LOAD_AGENT = LOADS, /* next to nothing, and bursts to 15 times the average, and more */
	LOAD_COMPILE,	    /* jobs of all sizes for some minutes, then nothing */
	FLEET_LOADS
};

extern const char *const load_names[FLEET_LOADS];

struct load {
	enum load_kind kind;
	uint64_t chance; /* state of the generator */
	uint64_t total_pages;
	uint32_t promise_permille; /* committed of used */
	uint64_t base_pages;
	uint32_t rise_ms; /* how long a burst takes to reach its peak */
	/* The phase it is in, and the wants it moves between. */
	bool busy;
	uint64_t phase_ms, phase_left_ms;
	uint64_t from_pages, to_pages;
	uint64_t day_ms; /* where in its day it began */
};

/* The @index-th guest of a world: its size is drawn too. */
void load_init(struct load *load, uint64_t seed, uint32_t index);

/* The @index-th guest of a fleet, of a wider mix. */
void load_init_fleet(struct load *load, uint64_t seed, uint32_t index);

/* The next step's wants. */
void load_step(struct load *load, uint64_t now_ms, uint32_t step_ms, struct sim_load *want);

#endif
