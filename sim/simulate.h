/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A host full of guests in virtual time: what its files share. */
#ifndef AEROSTAT_SIMULATE_H
#define AEROSTAT_SIMULATE_H

#include <stdio.h>

#include "guest.h"
#include "load.h"

/* Between two points of the picture. */
#define SIM_SAMPLE_MS	 300000U

#define SIM_POLICIES_MAX 16

/*
 * What is compared, by number: 0 is memory shared out once and for all; the others
 * are the policies of the table that size a guest.
 */
int sim_policies(void);
const struct aero_policy *sim_policy(int number); /* NULL for 0 */
const char *sim_policy_name(int number);

struct sim_options {
	uint64_t seed;
	uint32_t guests, hours, step_ms;
	uint32_t host_percent; /* of the guests' memory together */
	const char *folder;
	bool picture;
};

/* At one moment, in pages. */
struct sim_sample {
	uint64_t has;
	uint64_t want;	/* whatever they have */
	uint64_t unmet; /* of want */
};

/* Of one kind of load, or all together; sums over guests and steps. */
struct sim_sums {
	uint64_t guest_steps;
	uint64_t total, has; /* page-steps: of the guests' sizes, and what they had */
	uint64_t unmet;	     /* page-steps: wanted and not in memory */
	uint64_t stalled;    /* per-mille-steps */
	uint64_t slow_steps; /* stalled a tenth of the time or more */
	uint64_t full_steps; /* memory and swap were full: a kernel would kill */
	uint64_t fetched;    /* pages: refaults and from swap */
	uint64_t swapped_out;
	uint64_t denied; /* pages the host did not have */
	uint64_t turns;	 /* from shrinking to growing or back */
};

struct sim_result {
	struct sim_sums all, by_load[LOADS];
	uint64_t host_pages, least_free_pages;
	uint64_t broken; /* rules of the simulation that did not hold: should be 0 */
	size_t samples;
	struct sim_sample *sample; /* to be freed */
};

/* Runs one policy.  0, or -1 without memory. */
int sim_run(const struct sim_options *options, int number, struct sim_result *result);

/* report.c, picture.c; 0 or -1 after a complaint */
void sim_table(FILE *to, const struct sim_options *o, const struct sim_result *results);
int sim_write_json(const struct sim_options *o, const struct sim_result *results);
int sim_draw(const struct sim_options *o, const struct sim_result *results);

/* Shares of a result, for table and JSON alike. */
double sim_saved_percent(const struct sim_sums *s);
double sim_unmet_percent(const struct sim_sums *s);
double sim_stalled_percent(const struct sim_sums *s);
double sim_slow_percent(const struct sim_sums *s);
double sim_full_percent(const struct sim_sums *s);
double sim_turns_per_hour(const struct sim_options *o, const struct sim_sums *s);
double sim_mib_per_hour(const struct sim_options *o, const struct sim_sums *s, uint64_t pages);

#endif
