// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Blocks on their way to or from the hypervisor, and its answers.  A hypervisor may answer later.
 * Until then the batch is *in flight*: its pages are neither the guest's nor in the store.
 */
#include "internal.h"

/* Describes the first @blocks entries of batch->block[] as a batch of @class. */
void aero_batch_fill(struct aero_batch *batch, enum aero_class class, unsigned int blocks)
{
	unsigned int i;

	batch->class = class;
	batch->held_order = (uint8_t)aero_class_held_order(class);
	batch->wire_order = (uint8_t)aero_class_wire_order(class);
	batch->blocks = blocks;
	batch->units_per_block = aero_class_units(class);
	batch->units = blocks * batch->units_per_block;
	for (i = 0; i < blocks; i++)
		batch->first[i] = aero_port_pfn(batch->block[i]);
}

/* Records what a reply says about the balloon as a whole: a new target or a reset. */
static enum aero_reply note_reply(struct aero_balloon *b, struct aero_batch *batch,
				  enum aero_reply reply)
{
	if (batch->has_target)
		aero_note_target(b, batch->target_pages);
	batch->has_target = false;
	if (reply == AERO_REPLY_RESET)
		b->reset_required = true;
	return reply;
}

/*
 * Makes the call.  If the answer comes later, the batch is in flight as @flight.
 *
 * The protocol finds all entries of batch->answer[] set to AERO_ANSWER_OK and writes only those
 * that are different.  They are set again only after a call that wrote some (not_ok is not 0), so
 * that a batch without errors does not touch the array at all.
 */
enum aero_reply aero_batch_send(struct aero_balloon *b, struct aero_batch *batch,
				enum aero_flight flight)
{
	bool offer = flight == AERO_FLIGHT_OFFERED;
	enum aero_reply reply;
	uint32_t u;

	if (batch->not_ok)
		for (u = 0; u < AERO_BATCH_MAX; u++)
			batch->answer[u] = AERO_ANSWER_OK;
	batch->not_ok = 0;
	batch->has_target = false;

	reply = (offer ? b->ops->offer : b->ops->reclaim)(b->hypervisor, batch);
	if (reply == AERO_REPLY_PENDING)
		batch->flight = flight;
	return note_reply(b, batch, reply);
}

/*
 * Looks whether a batch in flight was answered, for up to @patience_ms.  Its pages are still
 * to be put where the answers say, unless the reply is AERO_REPLY_PENDING.
 */
enum aero_reply aero_batch_collect(struct aero_balloon *b, struct aero_batch *batch,
				   uint32_t patience_ms)
{
	enum aero_reply reply = b->ops->collect(b->hypervisor, batch, patience_ms);

	if (reply != AERO_REPLY_PENDING)
		batch->flight = AERO_FLIGHT_NONE;
	return note_reply(b, batch, reply);
}
