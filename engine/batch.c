// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Blocks in flight: what is offered to the hypervisor or asked back from it, and its answers. */
#include "internal.h"

/* Describes the first @blocks entries of b->batch.block[] as a batch of @class. */
void aero_batch_fill(struct aero_balloon *b, enum aero_class class, unsigned int blocks)
{
	struct aero_batch *batch = &b->batch;
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

/*
 * Makes the call, and records what its reply says about the balloon as a whole: a new target
 * or a reset.
 *
 * The protocol finds all entries of batch->answer[] set to AERO_ANSWER_OK and writes only those
 * that are different.  They are set again only after a call that wrote some (not_ok is not 0), so
 * that a batch without errors does not touch the array at all.
 */
enum aero_reply aero_batch_send(struct aero_balloon *b,
				enum aero_reply (*call)(void *, struct aero_batch *))
{
	struct aero_batch *batch = &b->batch;
	enum aero_reply reply;
	uint32_t u;

	if (batch->not_ok)
		for (u = 0; u < AERO_BATCH_MAX; u++)
			batch->answer[u] = AERO_ANSWER_OK;
	batch->not_ok = 0;
	batch->has_target = false;

	reply = call(b->hypervisor, batch);
	if (batch->has_target)
		aero_note_target(b, batch->target_pages);
	if (reply == AERO_REPLY_RESET)
		b->reset_required = true;
	return reply;
}
