// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "host_rig.h"

#include <stdlib.h>
#include <string.h>

void rig_init(struct host_rig *r, const char *policy, uint64_t total_kib)
{
	*r = (struct host_rig){
		.policy = aero_host_policy_find(policy),
		.host =
			{
				.total_kib = total_kib,
				.available_kib = AERO_HOST_UNKNOWN,
				.some_permille = AERO_POLICY_UNKNOWN,
				.full_permille = AERO_POLICY_UNKNOWN,
				.interval_ms = 5000,
			},
	};
	assert_non_null(r->policy);
	r->config = calloc(1, r->policy->config_size + 1);
	r->host_state = calloc(1, r->policy->host_state_size + 1);
	aero_host_policy_set_initial(r->policy, r->config);
}

void rig_free(struct host_rig *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->states[i]);
	free(r->host_state);
	free(r->config);
}

void rig_set(struct host_rig *r, const char *option, uint32_t value)
{
	for (size_t i = 0; i < r->policy->options_count; i++)
		if (!strcmp(r->policy->options[i].name, option)) {
			*aero_policy_option_at(&r->policy->options[i], r->config) = value;
			return;
		}
	fail_msg("no option %s", option);
}

size_t rig_add(struct host_rig *r, uint64_t has_kib, uint64_t used_kib)
{
	size_t i = r->count++;

	assert_true(i < RIG_GUESTS);
	r->states[i] = calloc(1, r->policy->guest_state_size + 1);
	r->guest[i] = (struct aero_host_guest){
		.min_kib = 256 * MIB,
		.max_kib = 4 * GIB,
		.shares = 1000,
		.current_kib = has_kib,
		.target_kib = has_kib,
		.resident_kib = has_kib,
		.some_permille = AERO_POLICY_UNKNOWN,
		.full_permille = AERO_POLICY_UNKNOWN,
	};
	rig_use(r, i, used_kib, 0);
	return i;
}

void rig_use(struct host_rig *r, size_t i, uint64_t used_kib, uint64_t cache_kib)
{
	struct aero_host_guest *g = &r->guest[i];
	uint64_t rest = g->current_kib > used_kib ? g->current_kib - used_kib : 0;

	g->usable_kib = rest;
	g->cache_kib = cache_kib < rest ? cache_kib : rest;
	g->unused_kib = rest - g->cache_kib;
}

void rig_decide(struct host_rig *r)
{
	r->policy->step(r->config, r->host_state, &r->host, r->guest, r->states, r->count,
			r->decision);
}

void rig_step(struct host_rig *r)
{
	rig_decide(r);
	for (size_t i = 0; i < r->count; i++) {
		struct aero_host_guest *g = &r->guest[i];
		uint64_t used = g->current_kib - g->usable_kib, cache = g->cache_kib;

		g->target_kib = r->decision[i].target_kib;
		if (g->mode != AERO_HOST_MANAGED)
			continue;
		g->current_kib = g->target_kib;
		g->resident_kib = g->target_kib;
		rig_use(r, i, used, cache);
	}
}
