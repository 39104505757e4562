// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Inflation, one batch at a time: choose a class, take blocks from the allocator, offer them to the
 * hypervisor, and put each page where the answer says.
 */
#include "internal.h"

static bool is_barred(const struct aero_balloon *b, enum aero_class class)
{
	return b->barred_in & (1U << class);
}

/* Big first: it is cheaper for everybody.  Not in slow runs, where it would take the last of it. */
static enum aero_class pick_class(const struct aero_balloon *b, uint64_t want_pages)
{
	if (want_pages < AERO_BLOCK_PAGES || b->pace.limited || b->pace.taken < b->pace.large_from)
		return AERO_CLASS_PAGE;
	if (b->link.large && b->config.large && !is_barred(b, AERO_CLASS_LARGE))
		return AERO_CLASS_LARGE;
	if (b->config.split && !is_barred(b, AERO_CLASS_SPLIT))
		return AERO_CLASS_SPLIT;
	return AERO_CLASS_PAGE;
}

/*
 * The allocator had only @got blocks, fewer than were asked for.  The run goes on with reclaim, as
 * long as that finds some.  When it finds no large block, the run goes on with pages; when it finds
 * no page, the run is over.  Returns whether it is.
 */
static bool ran_dry(struct aero_balloon *b, enum aero_class class, unsigned int got,
		    enum aero_run_end *end)
{
	enum aero_unit unit = aero_class_held_order(class) ? AERO_UNIT_LARGE : AERO_UNIT_BASE;
	enum aero_effort effort = b->pace.effort[unit];

	/* Enough time was spent; the next step goes on. */
	if (got && effort == AERO_RECLAIM && class != AERO_CLASS_PAGE)
		return false;
	b->counters.take_failed[aero_class_unit(class)][effort]++;
	if (effort == AERO_LIGHT) {
		aero_pace_light_failed(b, unit);
		return false;
	}
	/*
	 * One allocation that failed in spite of reclaim says little: other tasks may have been
	 * given what it reclaimed.  A whole batch that found nothing says that nothing is left.
	 */
	if (got)
		return false;
	if (class != AERO_CLASS_PAGE) {
		aero_pace_large_failed(b);
		return false;
	}
	aero_pace_reclaim_failed(b);
	*end = AERO_END_NO_MEMORY;
	return true;
}

/* Offers the batch.  Returns true when the run is over. */
bool aero_offer(struct aero_balloon *b, enum aero_run_end *end)
{
	enum aero_reply reply = aero_batch_send(b, &b->batch, AERO_FLIGHT_OFFERED);

	return reply != AERO_REPLY_PENDING && aero_offered(b, &b->batch, reply, end);
}

bool aero_inflate(struct aero_balloon *b, enum aero_run_end *end)
{
	uint64_t want = b->target_pages - b->size_pages;
	uint64_t spare = aero_port_spare_pages(b->port);
	uint64_t allowance = aero_pace_allowance(b);
	enum aero_class class;
	enum aero_effort effort;
	unsigned int n, got;
	bool over = false;

	if (!spare || !allowance) {
		*end = spare ? AERO_END_RATE : AERO_END_NO_MEMORY;
		return true;
	}
	want = aero_min(want, aero_min(spare, allowance));
	class = pick_class(b, want);
	n = (unsigned int)aero_min(want >> aero_class_held_order(class),
				   aero_batch_limit(b, class));

	effort = b->pace.effort[aero_class_held_order(class) ? AERO_UNIT_LARGE : AERO_UNIT_BASE];

	got = aero_port_take(b->port, aero_class_held_order(class), effort, b->batch.block, n);
	b->pace.taken += (uint64_t)got << aero_class_held_order(class);
	b->counters.taken[aero_class_unit(class)][effort] +=
		(uint64_t)got * aero_class_units(class);
	if (got < n && !aero_port_awaited(b->port))
		over = ran_dry(b, class, got, end);
	if (got) {
		aero_batch_fill(&b->batch, class, got);
		over |= aero_offer(b, end);
	}
	return over;
}
