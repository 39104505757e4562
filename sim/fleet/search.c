// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* How many guests fit on a host under each rule, and how long a decision takes. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fleet.h"

#define GUESTS_LEAST	2U
#define GUESTS_MOST	256U

#define MEASURE_GUESTS	1000U
#define MEASURE_MINUTES 10U

double fleet_unmet_ppm(const struct fleet_result *r)
{
	return r->wanted ? 1e6 * (double)r->unmet / (double)r->wanted : 0;
}

double fleet_per_guest_hour(const struct fleet_options *o, const struct fleet_result *r,
			    uint64_t events)
{
	double hours = (double)r->guest_steps * o->step_ms / 3600000;

	return r->guest_steps ? (double)events / hours : 0;
}

double fleet_saved_percent(const struct fleet_result *r)
{
	return r->size ? 100 * (1 - (double)r->has / (double)r->size) : 0;
}

double fleet_stalled_permille(const struct fleet_result *r)
{
	return r->guest_steps ? (double)r->stalled / (double)r->guest_steps : 0;
}

/* Points are kept in order of the number of guests. */
static void keep(struct fleet_rule *rule, const struct fleet_point *point)
{
	size_t at = rule->points;

	if (rule->points == FLEET_POINTS_MAX)
		return;
	while (at && rule->point[at - 1].guests > point->guests) {
		rule->point[at] = rule->point[at - 1];
		at--;
	}
	rule->point[at] = *point;
	rule->points++;
}

static int try(const struct fleet_options *o, struct fleet_rule *rule, uint32_t guests, bool *fits)
{
	struct fleet_point point = {.guests = guests};
	int ret = fleet_run(o, rule->policy, o->search_hosts, guests, &point.result);

	free(point.result.sample);
	point.result.sample = NULL;
	if (ret)
		return ret;
	*fits = fleet_unmet_ppm(&point.result) <= o->unmet_ppm;
	keep(rule, &point);
	if (*fits && guests > rule->best.guests)
		rule->best = point;
	return 0;
}

/* By halves: more guests never want less. */
int fleet_search(const struct fleet_options *o, struct fleet_rule *rule)
{
	uint32_t low = 0, high = GUESTS_LEAST, middle;
	bool fits = true;

	while (fits && high <= GUESTS_MOST) {
		if (try(o, rule, high, &fits))
			return -1;
		low = fits ? high : low;
		high = fits ? high * 2 : high;
	}
	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (try(o, rule, middle, &fits))
			return -1;
		low = fits ? middle : low;
		high = fits ? high : middle;
	}
	return 0;
}

const struct fleet_rule *fleet_best_reference(const struct fleet_rule *rules, size_t count)
{
	const struct fleet_rule *best = NULL;

	for (size_t i = 0; i < count; i++)
		if (strcmp(rules[i].policy->name, "shares") &&
		    (!best || rules[i].best.guests > best->best.guests))
			best = &rules[i];
	return best && best->best.guests ? best : NULL;
}

/* -- how long a decision takes ---------------------------------------------------------------- */

static uint64_t spent_ns;

/* The rule that is measured, and the same with a clock. */
static const struct aero_host_policy *measured;

static void timed_step(const void *config, void *host_state, const struct aero_host_figures *host,
		       const struct aero_host_guest *guests, void *const *guest_states,
		       size_t count, struct aero_host_decision *decisions)
{
	struct timespec from, to;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	measured->step(config, host_state, host, guests, guest_states, count, decisions);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	spent_ns +=
		(uint64_t)((to.tv_sec - from.tv_sec) * 1000000000LL + to.tv_nsec - from.tv_nsec);
}

/* One host, of such a size that its guests have to share. */
int fleet_measure(const struct fleet_options *o, struct fleet_rule *rule)
{
	struct fleet_options one = *o;
	struct aero_host_policy timed = *rule->policy;
	struct fleet_result result;
	int ret;

	one.hours = 1;
	one.step_ms = o->step_ms;
	one.host_gib = MEASURE_GUESTS;
	measured = rule->policy;
	timed.step = timed_step;
	spent_ns = 0;
	ret = fleet_run(&one, &timed, 1, MEASURE_GUESTS, &result);
	free(result.sample);
	rule->step_ms = result.host_steps ? (double)spent_ns / 1e6 / (double)result.host_steps : 0;
	return ret;
}
