// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The target: taken note of wherever it is told, and what it asks for. */
#include "internal.h"

void aero_note_target(struct aero_balloon *b, uint64_t target_pages)
{
	uint64_t limit = aero_port_limit_pages(b->port);

	/* Nothing but to empty it is left to do, whatever the last calls tell. */
	if (b->phase == AERO_PHASE_STOPPED)
		return;
	if (target_pages > limit) {
		if (aero_first_time(b, AERO_SAID_HUGE_TARGET))
			aero_port_log(b->port, AERO_LOG_WARNING,
				      "%s: the hypervisor asks for %llu of %llu pages; said once",
				      b->ops->name, (unsigned long long)target_pages,
				      (unsigned long long)limit);
		target_pages = limit;
	}
	if (target_pages == b->target_pages)
		return;
	aero_port_trace(b->port, AERO_EVENT_TARGET, target_pages, b->target_pages, b->size_pages);
	b->target_pages = target_pages;
	b->pace.retries = 0;
}

/* What the size asks for, given the phase we are in. */
enum aero_phase aero_direction(const struct aero_balloon *b)
{
	uint64_t size = b->size_pages, target = b->target_pages;

	if (size < target)
		return AERO_PHASE_INFLATE;
	if (size == target)
		return AERO_PHASE_REST;
	if (!target || b->phase == AERO_PHASE_DEFLATE || size - target > b->link.slack_pages)
		return AERO_PHASE_DEFLATE;
	return AERO_PHASE_REST;
}
