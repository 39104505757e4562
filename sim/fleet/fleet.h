/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Hosts full of guests in virtual time, each host sized by one of the host's policies. */
#ifndef AEROSTAT_FLEET_H
#define AEROSTAT_FLEET_H

#include <stdio.h>

#include <aerostat/host_policy.h>

#include "../guest.h"
#include "../load.h"

/* What a host itself uses, and what its administrator keeps free. */
#define FLEET_OVERHEAD_GIB 1U
#define FLEET_RESERVE_GIB  1U
#define FLEET_GIB_PAGES	   262144U

#define FLEET_POLICIES_MAX 8
#define FLEET_POINTS_MAX   64
/* Between two points of the picture's curves over time. */
#define FLEET_SAMPLE_MS	   300000U

struct fleet_options {
	uint64_t seed;
	uint32_t hosts, guests; /* guests a host */
	uint32_t search_hosts;	/* for the search; 0: none */
	uint32_t hours, step_ms;
	uint32_t host_gib;
	uint32_t unmet_ppm; /* what the search lets pass, of what is wanted */
	const char *folder;
	bool picture, measure;
};

/* -- one guest as its host sees it --------------------------------------------------- */

enum fleet_guest_kind {
	FLEET_HONEST,
	FLEET_GREEDY,	/* says it has nothing left, whatever it has */
	FLEET_NONSENSE, /* says what comes to its mind */
	FLEET_SILENT,	/* says nothing at all */
};

struct fleet_guest {
	struct sim_guest guest;
	struct load load;
	uint64_t chance;
	enum fleet_guest_kind kind;
	struct aero_host_guest figures;
	uint64_t min_pages;
	/* Trouble: its driver does not answer, it is down, it waits for room to start. */
	uint64_t stalled_until_ms, down_until_ms;
	bool waits_for_room;
	uint32_t no_progress; /* steps since it was asked for less and gave nothing */
	/* In the last step, in pages. */
	uint64_t wanted_pages, unmet_pages;
	/* For counting turns. */
	uint64_t extreme_pages;
	int direction;
};

void fleet_guest_init(struct fleet_guest *g, uint64_t seed, uint32_t index);

/* Begins with a size between its minimum and its maximum. */
void fleet_guest_size(struct fleet_guest *g, uint64_t pages);

/* What it has of the host's memory now. */
uint64_t fleet_guest_pages(const struct fleet_guest *g);

/* What it wants with all that its kernel needs; its minimum it has in any case. */
uint64_t fleet_guest_whole_pages(const struct fleet_guest *g);

/* By how much it was asked to grow, and has not grown yet. */
uint64_t fleet_guest_growth(const struct fleet_guest *g);

/* Troubles that begin and end by chance.  It starts only if @kept_pages then stay free. */
void fleet_guest_live(struct fleet_guest *g, uint64_t now_ms, uint32_t step_ms, uint64_t kept_pages,
		      uint64_t *host_free_pages);

/* One step of its life, and then its figures for the host.  Counts what it wants. */
void fleet_guest_step(struct fleet_guest *g, uint64_t now_ms, uint32_t step_ms,
		      uint64_t *host_free_pages);

/* -- one run -------------------------------------------------------------------------- */

struct fleet_sample {
	uint64_t has, want, unmet; /* pages, of all hosts */
	uint64_t whole;		   /* want, and what the guests' kernels need */
};

struct fleet_result {
	uint64_t guest_steps, host_steps;
	uint64_t size, has, wanted, unmet; /* page-steps */
	uint64_t wanted_by[FLEET_LOADS], unmet_by[FLEET_LOADS];
	uint64_t lacking;    /* by which all guests of a host want more than it has */
	uint64_t stalled;    /* per-mille-steps */
	uint64_t slow_steps; /* stalled a tenth of the time or more */
	uint64_t moves, turns;
	uint64_t starts, start_waits; /* guests started anew; steps they waited for room */
	uint64_t under_reserve;	      /* host-steps with less free than the reserve */
	uint64_t broken;	      /* promises of the interface that did not hold */
	size_t samples;
	struct fleet_sample *sample; /* to be freed */
};

/* 0, or -1 without memory. */
int fleet_run(const struct fleet_options *o, const struct aero_host_policy *policy, uint32_t hosts,
	      uint32_t guests, struct fleet_result *result);

double fleet_unmet_ppm(const struct fleet_result *r);
double fleet_per_guest_hour(const struct fleet_options *o, const struct fleet_result *r,
			    uint64_t events);
double fleet_saved_percent(const struct fleet_result *r);
double fleet_stalled_permille(const struct fleet_result *r);

/* -- all rules side by side ------------------------------------------------------------ */

/* What one rule does to as many guests as the search tried. */
struct fleet_point {
	uint32_t guests;
	struct fleet_result result; /* without samples */
};

struct fleet_rule {
	const struct aero_host_policy *policy;
	struct fleet_result fleet; /* with the guests that were asked for */
	size_t points;
	struct fleet_point point[FLEET_POINTS_MAX]; /* by number of guests */
	struct fleet_point best; /* the most guests whose unmet demand stays below the limit */
	double step_ms;		 /* for 1000 guests, if measured */
};

/* Finds rule->best.  0, or -1 without memory. */
int fleet_search(const struct fleet_options *o, struct fleet_rule *rule);

/* Milliseconds that a step for 1000 guests takes, on average over busy guests. */
int fleet_measure(const struct fleet_options *o, struct fleet_rule *rule);

/* The reference that holds the most guests; NULL without a search. */
const struct fleet_rule *fleet_best_reference(const struct fleet_rule *rules, size_t count);

/* report.c, picture.c; 0 or -1 after a complaint */
void fleet_table(FILE *to, const struct fleet_options *o, const struct fleet_rule *rules,
		 size_t count);
int fleet_write_json(const struct fleet_options *o, const struct fleet_rule *rules, size_t count);
int fleet_draw(const struct fleet_options *o, const struct fleet_rule *rules, size_t count);

#endif
