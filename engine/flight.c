// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Batches in flight: the hypervisor has not answered yet.  They land when it has, or are void when
 * the connection ends.
 */
#include "internal.h"

/*
 * Puts the pages of a batch in flight where they belong, if it was answered within @patience_ms.
 * Returns false if it was not.  What that means for the run is noted for the worker.
 */
bool aero_batch_land(struct aero_balloon *b, struct aero_batch *batch, uint32_t patience_ms)
{
	bool offered = batch->flight == AERO_FLIGHT_OFFERED, over;
	enum aero_run_end end = AERO_END_DONE;
	enum aero_reply reply;

	if (!batch->flight)
		return true;
	reply = aero_batch_collect(b, batch, patience_ms);
	if (reply == AERO_REPLY_PENDING)
		return false;
	over = offered ? aero_offered(b, batch, reply, &end) : aero_asked(b, batch, reply, &end);
	if (over && batch == &b->batch && !b->landing_ends_run) {
		b->landing_ends_run = true;
		b->landing_end = end;
	}
	return true;
}

static void void_batch(struct aero_balloon *b, struct aero_batch *batch)
{
	if (!batch->flight)
		return;
	batch->flight = AERO_FLIGHT_NONE;
	aero_store_free(b, batch->class, batch->block, batch->blocks);
	b->counters.pages_popped += (uint64_t)batch->blocks << batch->held_order;
}

/*
 * The connection has ended: the hypervisor no longer touches what was in flight, and knows none of
 * it.  These pages are the guest's.
 */
void aero_batch_void(struct aero_balloon *b)
{
	void_batch(b, &b->batch);
	void_batch(b, &b->urgent);
	b->landing_ends_run = false;
}

uint64_t aero_in_flight_pages(const struct aero_balloon *b)
{
	uint64_t pages = 0;

	if (b->batch.flight)
		pages += (uint64_t)b->batch.blocks << b->batch.held_order;
	if (b->urgent.flight)
		pages += (uint64_t)b->urgent.blocks << b->urgent.held_order;
	return pages;
}
