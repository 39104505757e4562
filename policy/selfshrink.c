// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Swapped pages lie in the store long after the memory they made room for is
 * free again.  While the store does not grow, a part of it is called home.
 */
#include "arithmetic.h"

void aero_selfshrink_defaults(struct aero_selfshrink_config *config)
{
	*config = (struct aero_selfshrink_config){
		.hysteresis = AERO_SHRINK_HYSTERESIS,
		.inertia = AERO_SHRINK_INERTIA,
	};
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
	/* So few pages come home at once; a part of them would be none. */
	if (stored_pages <= config->hysteresis)
		*target_pages = 0;
	else
		*target_pages = stored_pages - aero_quotient(stored_pages, config->hysteresis);
	return true;
}
