// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Deflation, one batch at a time.  The hypervisor is asked before a page goes back to the
 * guest.  Pages that it does not release stay in the store.
 */
#include "internal.h"

/*
 * Asks the hypervisor for up to @max_blocks blocks of @class.  Returns false if none are to be had
 * in the store; otherwise *@reply is set, and their pages are in flight if it is
 * AERO_REPLY_PENDING.
 */
static bool ask(struct aero_balloon *b, struct aero_batch *batch, enum aero_class class,
		uint64_t max_blocks, enum aero_reply *reply)
{
	unsigned int got;

	got = aero_store_unhold(b, class, batch->block,
				(unsigned int)aero_min(max_blocks, aero_batch_limit(b, class)));
	if (!got)
		return false;
	aero_batch_fill(batch, class, got);
	*reply = aero_batch_send(b, batch, AERO_FLIGHT_ASKED);
	return true;
}

/*
 * A guest that can spare less than 64 MiB, or 1/16 of its memory, is in a hurry for the rest of the
 * run, and gets so much at a time: some milliseconds of a hypervisor's work.  A whole batch may be
 * 1 GiB, of which the guest could use nothing before the last page has come.
 */
#define HURRY_BLOCKS 32U
#define HURRY_SHARE  16U

static uint64_t hurry_pages(struct aero_balloon *b)
{
	uint64_t little = aero_min(HURRY_BLOCKS * AERO_BLOCK_PAGES,
				   aero_port_limit_pages(b->port) / HURRY_SHARE);

	if (!b->hurry && aero_port_spare_pages(b->port) < little)
		b->hurry = true;
	return b->hurry ? little : 0;
}

/*
 * Chooses a class that is held and not barred, and of which a whole block is not more than @excess:
 * the smallest, because large blocks are worth more to the host; but in a @hurry the largest,
 * because its pages cost the least time.
 */
static bool pick_class(const struct aero_balloon *b, uint64_t excess, bool hurry,
		       enum aero_class *class)
{
	unsigned int i, c;

	for (i = 0; i < AERO_CLASSES; i++) {
		c = hurry ? AERO_CLASSES - 1 - i : i;
		if (b->held[c] && !(b->barred_out & (1U << c)) &&
		    excess >> aero_class_held_order((enum aero_class)c)) {
			*class = (enum aero_class)c;
			return true;
		}
	}
	return false;
}

/*
 * Whether a block has to be broken into single pages: no whole block can be reclaimed, because
 * less than one is wanted or the hypervisor has no contiguous memory for it, and no single
 * pages are held.
 */
static bool wants_pages(const struct aero_balloon *b, uint64_t excess)
{
	return b->link.divisible && excess > b->link.slack_pages && !b->held[AERO_CLASS_PAGE] &&
	       !(b->barred_out & (1U << AERO_CLASS_PAGE));
}

bool aero_deflate(struct aero_balloon *b, enum aero_run_end *end)
{
	uint64_t excess = b->size_pages - b->target_pages, hurry = hurry_pages(b), blocks;
	enum aero_class class;
	enum aero_reply reply;

	if (!pick_class(b, excess, hurry > 0, &class)) {
		if (wants_pages(b, excess) && aero_store_break(b, &b->batch))
			return false;
		*end = b->barred_out ? AERO_END_NO_PROGRESS : AERO_END_DONE;
		return true;
	}
	blocks = excess >> aero_class_held_order(class);
	if (hurry)
		blocks = aero_min(blocks, (hurry >> aero_class_held_order(class)) ?: 1);
	if (!ask(b, &b->batch, class, blocks, &reply)) {
		b->barred_out |= 1U << class;
		return false;
	}
	return reply != AERO_REPLY_PENDING && aero_asked(b, &b->batch, reply, end);
}

/*
 * Asks for @n single pages, at most a batch, of a hypervisor that answers at once.  Returns whether
 * all of them are the guest's and the connection still stands; *@end changes if not.
 */
bool aero_reclaim_pages(struct aero_balloon *b, unsigned int n, enum aero_run_end *end)
{
	uint64_t before = b->size_pages;
	enum aero_reply reply;

	if (!ask(b, &b->batch, AERO_CLASS_PAGE, n, &reply))
		return false;
	return !aero_asked(b, &b->batch, reply, end) && before - b->size_pages == n;
}

/*
 * Relief: reclaims up to @pages from one class in one batch, rounded up to whole blocks.  Returns
 * how many pages the guest got.
 */
static uint64_t relieve_batch(struct aero_balloon *b, enum aero_class class, uint64_t pages)
{
	unsigned int order = aero_class_held_order(class);
	uint64_t before = b->counters.pages_out;
	uint32_t barred = b->barred_out;
	enum aero_run_end end;
	enum aero_reply reply;

	if (!ask(b, &b->urgent, class, (pages + (1U << order) - 1) >> order, &reply))
		return 0;
	if (reply == AERO_REPLY_PENDING)
		aero_batch_land(b, &b->urgent, AERO_URGENT_PATIENCE_MS);
	else
		aero_asked(b, &b->urgent, reply, &end);
	b->barred_out = barred;
	return b->counters.pages_out - before;
}

/* Whether relief may ask for another batch. */
static bool may_relieve(const struct aero_balloon *b)
{
	return !b->urgent.flight && !b->reset_required;
}

static uint64_t relieve_class(struct aero_balloon *b, enum aero_class class, uint64_t pages)
{
	uint64_t batches = b->held[class] / aero_batch_limit(b, class) + 1;
	uint64_t freed = 0, got;

	while (freed < pages && batches-- && may_relieve(b)) {
		got = relieve_batch(b, class, pages - freed);
		if (!got)
			break;
		freed += got;
	}
	return freed;
}

/*
 * The hypervisor had no contiguous memory for whole blocks.  Breaks them and reclaims single
 * pages, as long as that makes progress.
 */
static uint64_t relieve_broken(struct aero_balloon *b, uint64_t pages)
{
	uint64_t freed = 0, got;

	while (freed < pages && b->link.divisible && !b->held[AERO_CLASS_PAGE] && may_relieve(b) &&
	       aero_store_break(b, &b->urgent)) {
		got = relieve_class(b, AERO_CLASS_PAGE, aero_min(pages - freed, AERO_BLOCK_PAGES));
		if (!got)
			break;
		freed += got;
	}
	return freed;
}

uint64_t aero_relieve(struct aero_balloon *b, uint64_t pages)
{
	uint64_t freed, before = b->counters.pages_out;
	unsigned int c;

	if (!aero_is_connected(b) || !pages)
		return 0;
	aero_hold_off(b);
	aero_store_free_refused(b);
	/* An earlier request may be on its way, and pages on offer help once they are held. */
	aero_batch_land(b, &b->urgent, AERO_URGENT_PATIENCE_MS);
	if (b->size_pages < pages)
		aero_batch_land(b, &b->batch, AERO_URGENT_PATIENCE_MS);
	freed = b->counters.pages_out - before;
	pages = aero_min(pages, b->size_pages + freed);
	for (c = 0; c < AERO_CLASSES && freed < pages; c++)
		freed += relieve_class(b, (enum aero_class)c, pages - freed);
	if (freed < pages)
		freed += relieve_broken(b, pages - freed);
	b->counters.relieved_pages += freed;
	if (freed) {
		b->last_relief_pages = freed;
		b->last_relief_ms = aero_port_now_ms(b->port);
		aero_tell_size(b, true);
	}
	aero_port_trace(b->port, AERO_EVENT_RELIEVE, pages, freed, 0);
	return freed;
}
