// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The target.  The hypervisor may tell a new one in its reply to any command; it is recorded
 * here.  From target and size follows whether to inflate or to deflate.
 */
#include "internal.h"

void aero_note_target(struct aero_balloon *b, uint64_t target_pages)
{
	uint64_t limit = aero_port_limit_pages(b->port);

	/* A stopped balloon is only emptied.  Its last commands may still report a target. */
	if (b->phase == AERO_PHASE_STOPPED)
		return;
	if (target_pages > limit) {
		if (aero_first_time(b, AERO_SAID_HUGE_TARGET))
			aero_port_log(
				b->port, AERO_LOG_WARNING,
				"%s: the hypervisor asks for %llu pages, but the guest has %llu (not logged again)",
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

/*
 * Whether the balloon has to grow or to shrink.  It does not begin to shrink for less than the
 * link's slack, but a deflation that has begun goes on down to the target.  A target of 0 is
 * always met exactly.
 */
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

/* Tells a hypervisor that wants to know how many pages the balloon holds. */
void aero_tell_size(struct aero_balloon *b, bool at_rest)
{
	if (b->ops->note_size && aero_is_connected(b))
		b->ops->note_size(b->hypervisor, b->size_pages, at_rest);
}
