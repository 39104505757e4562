// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Part of the guest's memory goes offline, and the blocks that the balloon holds there stand in the
 * way.  They are asked back and freed, and later runs take other memory in their place.
 */
#include "internal.h"

/* Gives @n blocks that have left the store back to the guest, as far as the hypervisor agrees. */
static void give_back(struct aero_balloon *b, enum aero_class class, unsigned int n)
{
	struct aero_batch *batch = &b->urgent;
	uint32_t barred = b->barred_out;
	enum aero_run_end end;
	enum aero_reply reply;

	if (!aero_is_connected(b) && b->link.unbacked) {
		aero_store_hold(b, class, batch->block, n);
		return;
	}
	if (!aero_is_connected(b)) {
		aero_store_free(b, class, batch->block, n);
		b->counters.pages_popped += (uint64_t)n << aero_class_held_order(class);
		return;
	}
	aero_batch_fill(batch, class, n);
	reply = aero_batch_send(b, batch, AERO_FLIGHT_ASKED);
	if (reply == AERO_REPLY_PENDING)
		aero_batch_land(b, batch, AERO_URGENT_PATIENCE_MS);
	else
		aero_asked(b, batch, reply, &end);
	b->barred_out = barred;
}

/* Returns false if blocks of @class are left in the range.  Each turn makes the balloon smaller. */
static bool vacate_class(struct aero_balloon *b, enum aero_class class, struct aero_range range)
{
	uint64_t before;
	unsigned int got;

	while (!b->urgent.flight) {
		before = b->size_pages;
		got = aero_store_unhold_within(b, class, range, b->urgent.block,
					       aero_batch_limit(b, class));
		if (!got)
			return true;
		give_back(b, class, got);
		if (b->size_pages == before)
			return false;
	}
	return false;
}

bool aero_vacate(struct aero_balloon *b, struct aero_range range)
{
	uint64_t before = b->size_pages;
	bool empty = true;
	unsigned int c;

	aero_store_free_refused(b);
	if (aero_is_connected(b)) {
		aero_batch_land(b, &b->urgent, AERO_URGENT_PATIENCE_MS);
		aero_batch_land(b, &b->batch, AERO_URGENT_PATIENCE_MS);
	}
	for (c = 0; c < AERO_CLASSES; c++)
		if (aero_class_held_order((enum aero_class)c))
			empty &= vacate_class(b, (enum aero_class)c, range);
	if (b->size_pages < before)
		b->counters.vacated_pages += before - b->size_pages;
	aero_tell_size(b, true);
	return empty;
}
