// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Replaces one ballooned page by another, so that ballooned pages do not keep the kernel from
 * compacting the guest's memory.
 *
 * The old page is asked back before the new one is offered.  If the hypervisor then accepts
 * neither, both pages belong to the guest, and there is no page whose owner is unknown.
 */
#include "internal.h"

static bool one_page(struct aero_balloon *b, aero_page *page,
		     enum aero_reply (*call)(void *, struct aero_batch *))
{
	b->batch.block[0] = page;
	aero_batch_fill(b, AERO_CLASS_PAGE, 1);
	return aero_batch_send(b, call) == AERO_REPLY_OK && !b->batch.not_ok;
}

static enum aero_migration swap_pages(struct aero_balloon *b, aero_page *from, aero_page *to)
{
	if (!one_page(b, from, b->ops->reclaim))
		return AERO_MIGRATE_FAILED;
	if (one_page(b, to, b->ops->offer))
		return AERO_MIGRATE_MOVED;
	/*
	 * After a reset the hypervisor owns no page any more.  @from counts as held then, and is
	 * freed together with the others before the next connection.
	 */
	if (b->reset_required || one_page(b, from, b->ops->offer) || b->reset_required)
		return AERO_MIGRATE_FAILED;
	return AERO_MIGRATE_SHRUNK;
}

enum aero_migration aero_migrate(struct aero_balloon *b, aero_page *from, aero_page *to)
{
	enum aero_migration result = AERO_MIGRATE_FAILED;

	if (aero_is_connected(b))
		result = swap_pages(b, from, to);
	if (result == AERO_MIGRATE_MOVED)
		b->counters.migrated++;
	else
		b->counters.migrate_failed++;
	if (result == AERO_MIGRATE_SHRUNK) {
		b->held[AERO_CLASS_PAGE]--;
		b->size_pages--;
		b->counters.pages_out++;
	}
	aero_port_trace(b->port, AERO_EVENT_MIGRATE, aero_port_pfn(from).v, aero_port_pfn(to).v,
			result == AERO_MIGRATE_MOVED);
	return result;
}
