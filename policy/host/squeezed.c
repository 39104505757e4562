// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The rule of squeezed, the memory manager of XenServer and XCP-ng: all memory is handed out, and
 * every guest is the same part of the way from its minimum to its maximum.
 *
 * From "Squeezed design" (https://xapi-project.github.io/new-docs/squeezed/) and "VM memory"
 * (https://docs.xenserver.com/en-us/xenserver/8/vms/vm-memory.html): "squeezed proportionally at
 * the same distance between the dynamic minimum and dynamic maximum", rebalanced every 30 s.
 */
#include "internal.h"

struct config {
	uint32_t interval_ms;
};

struct state {
	uint32_t passed_ms;
};

static void step(const void *config, void *host_state, const struct aero_host_figures *host,
		 const struct aero_host_guest *guests, void *const *guest_states, size_t count,
		 struct aero_host_decision *decisions)
{
	const struct config *c = config;
	struct state *s = host_state;
	struct aero_host_books books;
	uint64_t least = 0, range = 0, budget, low;
	size_t i;

	(void)guest_states;
	if (!aero_host_is_due(&s->passed_ms, c->interval_ms, host, guests, count, decisions))
		return;
	aero_host_count(host, guests, count, 0, &books);
	for (i = 0; i < count; i++) {
		if (!aero_host_is_managed(&guests[i]))
			continue;
		low = aero_host_min(&guests[i]);
		least = aero_sum(least, low);
		range = aero_sum(range, guests[i].max_kib - low);
	}
	budget = aero_less(books.guests_kib, books.others_kib);
	budget = aero_lesser(aero_less(budget, least), range);
	for (i = 0; i < count; i++) {
		low = aero_host_min(&guests[i]);
		decisions[i].need_kib = AERO_HOST_UNKNOWN;
		decisions[i].target_kib =
			low + (range ? aero_host_ratio(guests[i].max_kib - low, budget, range) : 0);
	}
	aero_host_settle(host, guests, count, decisions);
}

static const struct aero_policy_option options[] = {
	{"interval-ms", "ms", "how often memory is shared out anew", NULL, 30000, 0, 3600000,
	 offsetof(struct config, interval_ms)},
};

const struct aero_host_policy aero_host_policy_squeezed = {
	.name = "squeezed",
	.summary = "every guest at the same part of the way from minimum to maximum",
	.options = options,
	.options_count = sizeof(options) / sizeof(options[0]),
	.config_size = sizeof(struct config),
	.host_state_size = sizeof(struct state),
	.step = step,
};
