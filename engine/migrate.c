// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Replaces one ballooned page by another, so that ballooned pages do not keep the kernel from
 * compacting the guest's memory.
 *
 * The old page is asked back before the new one is offered.  If the hypervisor then accepts
 * neither, both pages belong to the guest, and there is no page whose owner is unknown.
 */
#include "internal.h"

/* Whether the page changed its owner.  If b->urgent.flight is set then, nobody knows yet. */
static bool one_page(struct aero_balloon *b, aero_page *page, enum aero_flight flight)
{
	enum aero_reply reply;

	b->urgent.block[0] = page;
	aero_batch_fill(&b->urgent, AERO_CLASS_PAGE, 1);
	reply = aero_batch_send(b, &b->urgent, flight);
	if (reply == AERO_REPLY_PENDING)
		reply = aero_batch_collect(b, &b->urgent, AERO_URGENT_PATIENCE_MS);
	return reply == AERO_REPLY_OK && !b->urgent.not_ok;
}

static enum aero_migration swap_pages(struct aero_balloon *b, aero_page *from, aero_page *to)
{
	if (!one_page(b, from, AERO_FLIGHT_ASKED))
		return b->urgent.flight ? AERO_MIGRATE_FROM_IN_FLIGHT : AERO_MIGRATE_FAILED;
	if (one_page(b, to, AERO_FLIGHT_OFFERED))
		return AERO_MIGRATE_MOVED;
	if (b->urgent.flight)
		return AERO_MIGRATE_TO_IN_FLIGHT;
	/*
	 * After a reset the hypervisor owns no page any more.  @from counts as held then, and is
	 * freed together with the others before the next connection.
	 */
	if (b->reset_required || one_page(b, from, AERO_FLIGHT_OFFERED))
		return AERO_MIGRATE_FAILED;
	if (b->urgent.flight)
		return AERO_MIGRATE_FROM_IN_FLIGHT;
	return b->reset_required ? AERO_MIGRATE_FAILED : AERO_MIGRATE_SHRUNK;
}

enum aero_migration aero_migrate(struct aero_balloon *b, aero_page *from, aero_page *to)
{
	enum aero_migration result = AERO_MIGRATE_FAILED;
	bool moved;

	if (aero_is_connected(b) && aero_batch_land(b, &b->urgent, 0) && !b->reset_required)
		result = swap_pages(b, from, to);
	moved = result == AERO_MIGRATE_MOVED || result == AERO_MIGRATE_TO_IN_FLIGHT;
	b->counters.migrated += moved;
	b->counters.migrate_failed += !moved;
	if (result != AERO_MIGRATE_FAILED && result != AERO_MIGRATE_MOVED) {
		b->held[AERO_CLASS_PAGE]--;
		b->size_pages--;
		/* A page that is asked back is counted when the answer has come. */
		b->counters.pages_out += b->urgent.flight != AERO_FLIGHT_ASKED;
	}
	/* Who isolated the page frees it, and not the store, which would have counted it. */
	b->counters.freed[AERO_UNIT_BASE] += result == AERO_MIGRATE_SHRUNK;
	aero_port_trace(b->port, AERO_EVENT_MIGRATE, aero_port_pfn(from).v, aero_port_pfn(to).v,
			moved);
	return result;
}
