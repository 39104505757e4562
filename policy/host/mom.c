// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The rules of MOM, the Memory Overcommitment Manager of oVirt: while less than a fifth of the
 * host is free all guests shrink, and otherwise all grow, by at most 5 % in a step.
 *
 * From "mom-balloon.policy" and "mom-balloon.conf"
 * (https://www.ovirt.org/develop/sla/autoballooning-howto/): every constant below, the averages
 * over 10 samples, and a step every 10 s.  Free memory of a guest is its unused memory, so page
 * cache counts as used.
 */
#include "internal.h"

#define SAMPLES 10U
#define PART	10000U /* of parts: the constants have four digits */

struct config {
	uint32_t pressure, critical, guest_free, change_most, change_least; /* parts */
	uint32_t interval_ms;
};

/* The average of the last samples. */
struct average {
	uint32_t count, next;
	uint64_t sample[SAMPLES];
};

struct state {
	uint32_t passed_ms;
	struct average free_kib;
};

struct guest_state {
	struct average used_kib;
};

static void sample(struct average *a, uint64_t value)
{
	a->sample[a->next] = value;
	a->next = (a->next + 1) % SAMPLES;
	if (a->count < SAMPLES)
		a->count++;
}

static uint64_t average(const struct average *a)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < a->count; i++)
		sum = aero_sum(sum, aero_quotient(a->sample[i], a->count));
	return sum;
}

static bool has_statistics(const struct aero_host_guest *g)
{
	return aero_host_is_managed(g) && g->statistics_age_ms != AERO_POLICY_UNKNOWN &&
	       g->unused_kib != AERO_HOST_UNKNOWN;
}

static uint64_t free_of(const struct aero_host_figures *host, const struct aero_host_guest *guests,
			size_t count)
{
	uint64_t used = host->overhead_kib;
	size_t i;

	if (host->available_kib != AERO_HOST_UNKNOWN)
		return host->available_kib;
	for (i = 0; i < count; i++)
		used = aero_sum(used, aero_host_has(&guests[i]));
	return aero_less(host->total_kib, used);
}

/* Leaves the guest as much free as the host has; nothing, and less, when that is critical. */
static uint64_t shrunk(const struct config *c, const struct guest_state *s,
		       const struct aero_host_guest *g, uint32_t free)
{
	uint64_t has = aero_host_has(g), least = average(&s->used_kib), size;

	if (free <= c->critical)
		least = aero_less(least, aero_part(has, c->critical - free, PART));
	else
		least = aero_sum(least,
				 aero_part(aero_part(has, c->guest_free, PART), free, c->pressure));
	size = aero_greater(has - aero_part(has, c->change_most, PART), least);
	return size <= has ? size : has;
}

static uint64_t grown(const struct config *c, const struct guest_state *s,
		      const struct aero_host_guest *g)
{
	uint64_t has = aero_host_has(g), size, least;

	least = aero_sum(average(&s->used_kib), aero_part(g->max_kib, c->guest_free, PART));
	size = aero_sum(has, aero_part(has, c->change_most, PART));
	return aero_greater(aero_lesser(size, g->max_kib), least);
}

static bool is_enough(const struct config *c, uint64_t has, uint64_t size)
{
	uint64_t change = size > has ? size - has : has - size;

	return change > aero_part(has, c->change_least, PART);
}

static void step(const void *config, void *host_state, const struct aero_host_figures *host,
		 const struct aero_host_guest *guests, void *const *guest_states, size_t count,
		 struct aero_host_decision *decisions)
{
	const struct config *c = config;
	struct state *s = host_state;
	uint64_t size, free;
	size_t i;

	sample(&s->free_kib, free_of(host, guests, count));
	for (i = 0; i < count; i++)
		if (has_statistics(&guests[i]))
			sample(&((struct guest_state *)guest_states[i])->used_kib,
			       aero_less(aero_host_has(&guests[i]), guests[i].unused_kib));
	if (!aero_host_is_due(&s->passed_ms, c->interval_ms, host, guests, count, decisions))
		return;
	free = aero_host_ratio(PART, average(&s->free_kib), host->total_kib);
	for (i = 0; i < count; i++) {
		const struct aero_host_guest *g = &guests[i];

		aero_host_hold(g, &decisions[i]);
		if (!has_statistics(g))
			continue;
		size = free < c->pressure ? shrunk(c, guest_states[i], g, (uint32_t)free)
					  : grown(c, guest_states[i], g);
		if (is_enough(c, aero_host_has(g), size))
			decisions[i].target_kib = size;
	}
	aero_host_settle(host, guests, count, decisions);
}

#define AT(member) offsetof(struct config, member)

static const struct aero_policy_option options[] = {
	{"pressure", "1/10000", "of the host: with less free than this, guests shrink", NULL, 2000,
	 1, PART, AT(pressure)},
	{"critical", "1/10000", "of the host: with less, they have to swap", NULL, 500, 0, PART,
	 AT(critical)},
	{"guest-free", "1/10000", "of a guest: free in a guest that is not short", NULL, 2000, 0,
	 PART, AT(guest_free)},
	{"change-most", "1/10000", "of a guest: the most it changes in a step", NULL, 500, 0, PART,
	 AT(change_most)},
	{"change-least", "1/10000", "of a guest: less is not worth it", NULL, 25, 0, PART,
	 AT(change_least)},
	{"interval-ms", "ms", "how often the rules are applied", NULL, 10000, 0, 3600000,
	 AT(interval_ms)},
};

const struct aero_host_policy aero_host_policy_mom = {
	.name = "mom",
	.summary = "all guests shrink while less than 20 % of the host is free, or grow",
	.options = options,
	.options_count = sizeof(options) / sizeof(options[0]),
	.config_size = sizeof(struct config),
	.host_state_size = sizeof(struct state),
	.guest_state_size = sizeof(struct guest_state),
	.step = step,
};
