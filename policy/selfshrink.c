// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Pages stay in the swap store long after the memory that they made room for is free again.
 * While the store does not grow, each step calls a part of it home, that is, wants it brought
 * back into memory.
 */
#include "arithmetic.h"

void aero_selfshrink_defaults(struct aero_selfshrink_config *config)
{
	aero_policy_set_initial(&aero_policy_selfshrink, config);
}

bool aero_selfshrink_step(const struct aero_selfshrink_config *config,
			  struct aero_selfshrink *state, uint64_t stored_pages,
			  uint64_t *target_pages)
{
	uint64_t before = state->stored_pages;

	state->stored_pages = stored_pages;
	if (!stored_pages || stored_pages > before) {
		state->inertia_left = config->inertia;
		return false;
	}
	if (state->inertia_left && --state->inertia_left)
		return false;
	/* The part of so few pages would be rounded down to none, so all are called home. */
	if (stored_pages <= config->hysteresis)
		*target_pages = 0;
	else
		*target_pages = stored_pages - aero_quotient(stored_pages, config->hysteresis);
	return true;
}

/* -- the entry of the table of policies ---------------------------------------------- */

static void defaults(void *config, uint32_t page_shift)
{
	(void)page_shift;
	aero_selfshrink_defaults(config);
}

/* After a change of the options, the full inertia has to pass again. */
static void init(const void *config, void *state)
{
	const struct aero_selfshrink_config *c = config;

	*(struct aero_selfshrink *)state = (struct aero_selfshrink){.inertia_left = c->inertia};
}

static bool step(const void *config, void *state, const struct aero_policy_figures *figures,
		 uint64_t *target)
{
	return aero_selfshrink_step(config, state, figures->swapped_pages, target);
}

static const struct aero_policy_option options[] = {
	{"hysteresis", "", "1/N of the store comes home in a step", NULL, 20, 1, ~(uint32_t)0,
	 offsetof(struct aero_selfshrink_config, hysteresis)},
	{"inertia", "steps", "steps without growth before the first", NULL, 3, 1, ~(uint32_t)0,
	 offsetof(struct aero_selfshrink_config, inertia)},
};

const struct aero_policy aero_policy_selfshrink = {
	.name = "selfshrink",
	.summary = "brings swapped pages home while the store does not grow",
	.kind = AERO_POLICY_SWAP,
	.needs = AERO_FIGURE_SWAPPED,
	.options = options,
	.options_count = sizeof(options) / sizeof(options[0]),
	.config_size = sizeof(struct aero_selfshrink_config),
	.state_size = sizeof(struct aero_selfshrink),
	.defaults = defaults,
	.init = init,
	.step = step,
};
