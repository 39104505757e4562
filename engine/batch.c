// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Blocks in flight: from b->batch.block[] to an offer, and its answer. */
#include "internal.h"

/* Describes the first @blocks of b->batch.block[] as a batch of @class. */
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
 * Makes the call and takes note of what concerns the balloon as a whole: a new
 * target, a reset.  @answer is clean before the call, and must be cleaned after
 * a call that soiled it, so that the common case touches none of it.
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
