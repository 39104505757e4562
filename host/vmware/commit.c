// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The second half of a call: the answers are written to the guest, and then the state
 * changes.  Everything that can fail comes before the first change.
 */
#include <endian.h>

#include "internal.h"

/* Writes the statuses into the guest's batch page.  This is the last step that may fail. */
static void write_answers(const struct aero_monitor *m, struct aero_command *c)
{
	const struct aero_guest_memory *memory = &m->books.memory;

	for (unsigned int i = 0; i < c->entries; i++)
		c->wire[i] = htole64((c->entry[i].raw & ~AERO_VMW_ENTRY_STATUS) |
				     (c->entry[i].status & AERO_VMW_ENTRY_STATUS));
	if (memory->write(memory->ctx, c->batch_pfn << AERO_VMW_PAGE_SHIFT, c->wire,
			  c->entries * sizeof(c->wire[0])))
		c->status = AERO_VMW_FAILURE;
}

static void commit_entries(struct aero_monitor *m, const struct aero_command *c)
{
	struct aero_books_move move;

	aero_books_move_begin(&move, &m->books, c->direction);
	for (unsigned int i = 0; i < c->entries; i++)
		if (c->entry[i].status == AERO_VMW_OK)
			aero_books_move_block(&move, c->entry[i].pfn, c->order);
	aero_books_move_end(&move);
}

static void commit_start(struct aero_monitor *m, const struct aero_command *c)
{
	aero_monitor_forget(m);
	m->connected = true;
	m->caps = c->grant;
	aero_monitor_update_target(m);
}

static void commit_doorbell(struct aero_monitor *m, const struct aero_command *c)
{
	m->doorbell_context = (uint32_t)c->arg1;
	m->doorbell_resource = (uint32_t)c->arg2;
	m->doorbell_set = !(m->doorbell_context == AERO_VMCI_INVALID &&
			    m->doorbell_resource == AERO_VMCI_INVALID);
}

static void commit(struct aero_monitor *m, const struct aero_command *c)
{
	switch (c->number) {
	case AERO_VMW_START:
		commit_start(m, c);
		break;
	case AERO_VMW_GET_TARGET:
		m->target.limit = c->arg1;
		aero_monitor_update_target(m);
		break;
	case AERO_VMW_GUEST_ID:
		m->guest_id = c->arg1;
		break;
	case AERO_VMW_DOORBELL_SET:
		commit_doorbell(m, c);
		break;
	default:
		commit_entries(m, c);
		break;
	}
}

/*
 * Carries out a decoded call that no fault rule has overridden.  The answers are written
 * first; when that fails, c->status says so and nothing has changed.
 */
void aero_commit_call(struct aero_monitor *m, struct aero_command *c)
{
	if (c->status == AERO_VMW_OK && c->is_batched && c->moves_pages)
		write_answers(m, c);
	if (c->status == AERO_VMW_OK || c->status == AERO_VMW_OK_CAPS)
		commit(m, c);
	else if (c->number == AERO_VMW_START && c->arg1 == 0)
		/*
		 * The guest ends the connection.  The answer is an error all the same:
		 * on success Debian's driver, when it is unloaded while it holds 2 MiB
		 * pages, would repeat this call for ever.
		 */
		aero_monitor_forget(m);
}
