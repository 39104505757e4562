// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Checks the invariants of struct aero_balloon.  Tests and debug builds call it. */
#include "internal.h"

static bool fail(const char **why, const char *what)
{
	*why = what;
	return false;
}

bool aero_is_valid(const struct aero_balloon *b, const char **why)
{
	const struct aero_pace_config *config = &b->config.pace;
	uint64_t pages = 0;
	unsigned int i;

	for (i = 0; i < AERO_CLASSES; i++)
		pages += b->held[i] << aero_class_held_order((enum aero_class)i);
	if (pages != b->size_pages)
		return fail(why, "the size is not the sum of what is held");
	if ((unsigned int)b->phase >= AERO_PHASES)
		return fail(why, "unknown phase");
	if (b->pace.rate < config->rate_min || b->pace.rate > config->rate_max)
		return fail(why, "the rate is out of its bounds");
	if (b->pace.slow_left > config->slow_runs)
		return fail(why, "more slow runs than are ever set");
	for (i = 0; i < AERO_UNITS; i++) {
		if (b->refused_n[i] > AERO_REFUSED_MAX)
			return fail(why, "too many refused pages kept");
		if (b->refused_n[i] && b->phase != AERO_PHASE_INFLATE &&
		    b->phase != AERO_PHASE_DEFLATE)
			return fail(why, "refused pages kept past the run");
		if (b->counters.refused[i] != b->counters.refused_freed[i] + b->refused_n[i])
			return fail(why, "a refused page is lost");
	}
	if (b->batch.flight && !b->reset_required && b->phase != AERO_PHASE_INFLATE &&
	    b->phase != AERO_PHASE_DEFLATE)
		return fail(why, "a batch of the worker is in flight past the run");
	if ((b->batch.flight || b->urgent.flight) && !b->ops->collect)
		return fail(why, "a batch is in flight that cannot be answered");
	if (b->target_pages > aero_port_limit_pages(b->port))
		return fail(why, "the target is above the limit");
	return true;
}
