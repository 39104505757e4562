// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The hypervisor's answers to a batch: puts each page where they say.  For some hypervisors that
 * is in the step that made the call, for others in a later one.
 */
#include "internal.h"

/* -- what was offered -------------------------------------------------------------- */

/* Puts away a block or page that the hypervisor did not accept. */
static void put_rejected(struct aero_balloon *b, enum aero_class class, aero_page *block,
			 aero_pfn pfn, enum aero_answer answer)
{
	aero_port_trace(b->port, AERO_EVENT_REFUSED, pfn.v, class, (uint64_t)answer);
	if (answer == AERO_ANSWER_REFUSED) {
		aero_store_refuse(b, aero_class_unit(class), block);
		return;
	}
	aero_store_free(b, class, &block, 1);
	if (answer != AERO_ANSWER_FAILED)
		return;
	b->counters.odd_answers++;
	if (aero_first_time(b, AERO_SAID_ODD_ANSWER))
		aero_port_log(
			b->port, AERO_LOG_WARNING,
			"%s: the hypervisor would not take frame 0x%llx, for no known reason (not logged again)",
			b->ops->name, pfn.v);
}

/*
 * The hypervisor accepted only some pages of a block.  The block is split into single pages;
 * those are held or put away, as the answers say.
 */
static void hold_broken_block(struct aero_balloon *b, struct aero_batch *batch, uint32_t block)
{
	uint32_t i, u;

	aero_port_split(b->port, batch->block[block], batch->held_order);
	b->counters.blocks_broken++;
	for (i = 0; i < batch->units_per_block; i++) {
		aero_page *page = aero_port_page(batch->block[block], i);

		u = block * batch->units_per_block + i;
		if (batch->answer[u] == AERO_ANSWER_OK)
			aero_store_hold(b, AERO_CLASS_PAGE, &page, 1);
		else
			put_rejected(b, AERO_CLASS_PAGE, page, aero_batch_pfn(batch, u),
				     (enum aero_answer)batch->answer[u]);
	}
}

/* Puts each unit where its answer says.  Called after a reply of OK or RESET. */
static void place_offered(struct aero_balloon *b, struct aero_batch *batch)
{
	uint32_t i;

	if (!batch->not_ok) {
		aero_store_hold(b, batch->class, batch->block, batch->blocks);
		return;
	}
	for (i = 0; i < batch->blocks; i++) {
		if (batch->class == AERO_CLASS_SPLIT)
			hold_broken_block(b, batch, i);
		else if (batch->answer[i] == AERO_ANSWER_OK)
			aero_store_hold(b, batch->class, &batch->block[i], 1);
		else
			put_rejected(b, batch->class, batch->block[i], batch->first[i],
				     (enum aero_answer)batch->answer[i]);
	}
}

static bool was_not_needed(const struct aero_batch *batch)
{
	uint32_t u;

	for (u = 0; batch->not_ok && u < batch->units; u++)
		if (batch->answer[u] == AERO_ANSWER_NOT_NEEDED)
			return true;
	return false;
}

bool aero_offered(struct aero_balloon *b, struct aero_batch *batch, enum aero_reply reply,
		  enum aero_run_end *end)
{
	uint64_t pages;

	if (reply != AERO_REPLY_OK && reply != AERO_REPLY_RESET) {
		aero_store_free(b, batch->class, batch->block, batch->blocks);
		*end = AERO_END_COMMAND;
		return true;
	}
	place_offered(b, batch);
	pages = (uint64_t)(batch->units - batch->not_ok) << batch->wire_order;
	b->counters.pages_in += pages;
	aero_port_trace(b->port, AERO_EVENT_OFFER, (uint64_t)batch->class, batch->blocks, pages);

	if (b->reset_required) {
		*end = AERO_END_RESET;
		return true;
	}
	if (was_not_needed(batch)) {
		*end = AERO_END_DONE;
		return true;
	}
	if (pages)
		return false;
	/* The hypervisor accepted nothing of this class, so this run offers no more of it. */
	b->barred_in |= 1U << batch->class;
	*end = AERO_END_NO_PROGRESS;
	return batch->class == AERO_CLASS_PAGE;
}

/* -- what was asked back ------------------------------------------------------------ */

/*
 * The hypervisor released only some pages of a block.  The block is split into single pages;
 * those are freed or held, as the answers say.
 */
static void free_broken_block(struct aero_balloon *b, struct aero_batch *batch, uint32_t block)
{
	uint32_t i;

	aero_port_split(b->port, batch->block[block], batch->held_order);
	b->counters.blocks_broken++;
	for (i = 0; i < batch->units_per_block; i++) {
		aero_page *page = aero_port_page(batch->block[block], i);

		if (batch->answer[block * batch->units_per_block + i] == AERO_ANSWER_OK)
			aero_store_free(b, AERO_CLASS_PAGE, &page, 1);
		else
			aero_store_hold(b, AERO_CLASS_PAGE, &page, 1);
	}
}

static void place_asked(struct aero_balloon *b, struct aero_batch *batch)
{
	uint32_t i;

	if (batch->not_ok == batch->units) {
		aero_store_hold(b, batch->class, batch->block, batch->blocks);
		return;
	}
	if (!batch->not_ok) {
		aero_store_free(b, batch->class, batch->block, batch->blocks);
		return;
	}
	for (i = 0; i < batch->blocks; i++) {
		if (batch->class == AERO_CLASS_SPLIT)
			free_broken_block(b, batch, i);
		else if (batch->answer[i] == AERO_ANSWER_OK)
			aero_store_free(b, batch->class, &batch->block[i], 1);
		else
			aero_store_hold(b, batch->class, &batch->block[i], 1);
	}
}

/*
 * A reply to a batch that was asked back.  A class of which nothing came back is not asked for
 * again in this run.
 */
bool aero_asked(struct aero_balloon *b, struct aero_batch *batch, enum aero_reply reply,
		enum aero_run_end *end)
{
	uint64_t pages;

	if (reply != AERO_REPLY_OK && reply != AERO_REPLY_RESET) {
		aero_store_hold(b, batch->class, batch->block, batch->blocks);
		*end = AERO_END_COMMAND;
		return true;
	}
	place_asked(b, batch);
	pages = (uint64_t)(batch->units - batch->not_ok) << batch->wire_order;
	b->counters.pages_out += pages;
	aero_port_trace(b->port, AERO_EVENT_RECLAIM, batch->class, batch->blocks, pages);
	if (!pages)
		b->barred_out |= 1U << batch->class;
	if (b->reset_required)
		*end = AERO_END_RESET;
	return b->reset_required;
}
