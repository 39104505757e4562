// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Memory shared out once and for all: what a host without a manager does. */
#include "internal.h"

static void step(const void *config, void *host_state, const struct aero_host_figures *host,
		 const struct aero_host_guest *guests, void *const *guest_states, size_t count,
		 struct aero_host_decision *decisions)
{
	size_t i;

	(void)config;
	(void)host_state;
	(void)guest_states;
	for (i = 0; i < count; i++)
		aero_host_hold(&guests[i], &decisions[i]);
	aero_host_settle(host, guests, count, decisions);
}

const struct aero_host_policy aero_host_policy_fixed = {
	.name = "fixed",
	.summary = "leaves every guest as it is",
	.step = step,
};
