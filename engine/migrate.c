// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Moving one ballooned page, so that the balloon does not fragment the guest.
 * The new page is given before the old one is asked back: the failure that does
 * happen, a page the hypervisor will not take, then changes nothing at all.
 */
#include "internal.h"

static bool one_page(struct aero_balloon *b, aero_page *page,
		     enum aero_reply (*call)(void *, struct aero_batch *))
{
	b->batch.block[0] = page;
	aero_batch_fill(b, AERO_CLASS_PAGE, 1);
	return aero_batch_send(b, call) == AERO_REPLY_OK && !b->batch.not_ok;
}

/*
 * True when @from is the guest's again.  Else @from still is the hypervisor's,
 * and *@kept says whether @to is as well.
 */
static bool swap_pages(struct aero_balloon *b, aero_page *from, aero_page *to, bool *kept)
{
	*kept = false;
	if (!one_page(b, to, b->ops->give))
		return false;
	if (one_page(b, from, b->ops->reclaim))
		return true;
	/* A hypervisor that asks for a reset has forgotten both. */
	if (b->reset_required || one_page(b, to, b->ops->reclaim) || b->reset_required)
		return false;
	*kept = true;
	return false;
}

bool aero_migrate(struct aero_balloon *b, aero_page *from, aero_page *to, bool *kept)
{
	bool moved;

	*kept = false;
	if (!aero_is_connected(b))
		return false;
	moved = swap_pages(b, from, to, kept);
	if (moved || *kept)
		aero_store_hold(b, AERO_CLASS_PAGE, &to, 1);
	if (moved) {
		b->held[AERO_CLASS_PAGE]--;
		b->size_pages--;
		b->counters.migrated++;
	} else {
		b->counters.migrate_failed++;
	}
	aero_port_trace(b->port, AERO_EVENT_MIGRATE, aero_port_pfn(from).v, aero_port_pfn(to).v,
			moved);
	return moved;
}
