// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The rule of Proxmox VE: while the host uses less than 80 % of its memory, guests get more than
 * their minimum, by shares; when it uses more, they give back, in steps.
 *
 * From the administration guide, "Automatic Memory Allocation"
 * (https://pve.proxmox.com/pve-docs/chapter-qm.html#qm_memory): the goal, the shares (1000 unless
 * set) and the example of 32 * 80/100 - 16 GB that are shared out above the minima.  The guide
 * does not say how large a step is, nor how often: 100 MiB a guest every 10 s are assumed here.
 */
#include "internal.h"

struct config {
	uint32_t goal_percent, step_mb, interval_ms;
};

struct state {
	uint32_t passed_ms;
};

struct plan {
	const struct aero_host_guest *guests;
	size_t count;
};

static uint64_t size_at(const struct aero_host_guest *g, uint64_t level)
{
	uint64_t extra = aero_host_part(level, aero_host_weight(g));

	return aero_lesser(aero_sum(aero_host_min(g), extra), g->max_kib);
}

static uint64_t sum_at(const void *of, uint64_t level)
{
	const struct plan *p = of;
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < p->count; i++)
		if (aero_host_is_managed(&p->guests[i]))
			sum = aero_sum(sum, size_at(&p->guests[i], level));
	return sum;
}

static void step(const void *config, void *host_state, const struct aero_host_figures *host,
		 const struct aero_host_guest *guests, void *const *guest_states, size_t count,
		 struct aero_host_decision *decisions)
{
	const struct config *c = config;
	const struct plan p = {guests, count};
	struct state *s = host_state;
	struct aero_host_books books;
	uint64_t goal, level, most = (uint64_t)c->step_mb * AERO_MIB_KIB;
	size_t i;

	(void)guest_states;
	if (!aero_host_is_due(&s->passed_ms, c->interval_ms, host, guests, count, decisions))
		return;
	aero_host_count(host, guests, count, 0, &books);
	goal = aero_less(aero_part(host->total_kib, c->goal_percent, 100), host->overhead_kib);
	goal = aero_less(aero_lesser(goal, books.guests_kib), books.others_kib);
	level = aero_host_level(sum_at, &p, goal);
	for (i = 0; i < count; i++) {
		uint64_t asked = aero_host_asked(&guests[i]);

		decisions[i].need_kib = AERO_HOST_UNKNOWN;
		decisions[i].target_kib = aero_host_between(
			size_at(&guests[i], level), aero_less(asked, most), aero_sum(asked, most));
	}
	aero_host_settle(host, guests, count, decisions);
}

#define AT(member) offsetof(struct config, member)

static const struct aero_policy_option options[] = {
	{"goal-percent", "per cent", "of the host's memory are to be used", NULL, 80, 1, 100,
	 AT(goal_percent)},
	{"step-mb", "MiB", "the most that a guest changes by", NULL, 100, 1, 1U << 20, AT(step_mb)},
	{"interval-ms", "ms", "how often a step is made", NULL, 10000, 0, 3600000, AT(interval_ms)},
};

const struct aero_host_policy aero_host_policy_proxmox = {
	.name = "proxmox",
	.summary = "minimum and a part by shares of 80 % of the host, in steps",
	.options = options,
	.options_count = sizeof(options) / sizeof(options[0]),
	.config_size = sizeof(struct config),
	.host_state_size = sizeof(struct state),
	.step = step,
};
