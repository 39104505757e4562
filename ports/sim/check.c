// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The ownership checker: every frame has exactly one owner, and all books agree on which.  And what
 * a test looks up in the records.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

struct proof {
	const struct aero_balloon *b;
	struct aero_port *port;
	const struct sim_view *view;
	uint8_t *seen; /* by frame: how many owners were found */
	char *why;
	size_t why_size;
};

__attribute__((format(printf, 2, 3))) static bool wrong(struct proof *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(p->why, p->why_size, format, args);
	va_end(args);
	return false;
}

/* @block and the pages after it have the owner whose list it was found in. */
static bool claim(struct proof *p, const aero_page *block, unsigned int order, enum sim_owner owner,
		  const char *list)
{
	uint32_t index = (uint32_t)(block - p->port->page), i;

	if (index >= p->port->pages || index % (1U << order) ||
	    (uint64_t)index + (1U << order) > p->port->pages)
		return wrong(p, "%s: a block of order %u at page %u", list, order, index);
	if (!block->head || block->order != order)
		return wrong(p, "%s: frame 0x%llx does not head a block of order %u", list,
			     block->pfn.v, order);
	for (i = 0; i < 1U << order; i++) {
		if (block[i].owner != owner)
			return wrong(p, "%s: frame 0x%llx has owner %u", list, block[i].pfn.v,
				     block[i].owner);
		if (p->seen[index + i]++)
			return wrong(p, "%s: frame 0x%llx has a second owner", list,
				     block[i].pfn.v);
	}
	return true;
}

/* @order SIM_ANY: each block says its own. */
static bool claim_list(struct proof *p, const struct sim_list *list, unsigned int order,
		       enum sim_owner owner, const char *name)
{
	const aero_page *block;
	uint32_t blocks = 0;

	for (block = list->first; block; block = block->next) {
		if (++blocks > list->blocks)
			break;
		if (!claim(p, block, order == SIM_ANY ? block->order : order, owner, name))
			return false;
	}
	if (blocks != list->blocks)
		return wrong(p, "%s: the list is not as long as it says", name);
	return true;
}

static bool claim_allocator(struct proof *p)
{
	unsigned int order;

	for (order = 0; order < SIM_ORDERS; order++)
		if (!claim_list(p, &p->port->free[order], order, SIM_FREE, "free list"))
			return false;
	return claim_list(p, &p->port->guest, SIM_ANY, SIM_GUEST, "the guest's pages") &&
	       claim_list(p, &p->port->cache, SIM_ANY, SIM_GUEST, "the guest's cache");
}

static bool claim_store(struct proof *p)
{
	unsigned int c;

	for (c = 0; c < AERO_CLASSES; c++) {
		enum aero_class class = (enum aero_class)c;
		const struct sim_list *list = &p->port->held[c];
		uint64_t held = list->blocks;

		if (!claim_list(p, list, aero_class_held_order(class), SIM_HELD,
				aero_class_name(class)))
			return false;
		if (class == AERO_CLASS_PAGE)
			held += p->port->isolated.blocks;
		if (p->b->held[c] != held)
			return wrong(p,
				     "class %s: the engine counts %llu blocks, the store has %llu",
				     aero_class_name(class), (unsigned long long)p->b->held[c],
				     (unsigned long long)held);
	}
	return claim_list(p, &p->port->isolated, 0, SIM_ISOLATED, "isolated");
}

static bool claim_unbacked(struct proof *p)
{
	uint32_t absent = p->port->owned[SIM_ABSENT], i;

	if (p->b->lent_pages != p->port->lent.blocks)
		return wrong(p, "the engine counts %llu pages lent, the borrowers %u",
			     (unsigned long long)p->b->lent_pages, p->port->lent.blocks);
	for (i = p->port->pages - absent; i < p->port->pages; i++)
		if (!claim(p, p->port->page + i, 0, SIM_ABSENT, "absent"))
			return false;
	return claim_list(p, &p->port->lent, 0, SIM_LENT, "lent");
}

static bool claim_aside(struct proof *p)
{
	return claim_list(p, &p->port->aside[SIM_TOLD], AERO_BLOCK_ORDER, SIM_ASIDE, "told") &&
	       claim_list(p, &p->port->aside[SIM_HINTED], AERO_BLOCK_ORDER, SIM_ASIDE, "hinted");
}

static bool claim_refused(struct proof *p)
{
	unsigned int unit, i, order;

	for (unit = 0; unit < AERO_UNITS; unit++) {
		order = unit == AERO_UNIT_LARGE ? AERO_BLOCK_ORDER : 0;
		if (p->b->refused_n[unit] > AERO_REFUSED_MAX)
			return wrong(p, "%u refused blocks kept", p->b->refused_n[unit]);
		for (i = 0; i < p->b->refused_n[unit]; i++)
			if (!claim(p, p->b->refused[unit][i], order, SIM_FLIGHT, "refused"))
				return false;
	}
	return true;
}

/* Blocks that the hypervisor has still to answer for. */
static bool claim_batch(struct proof *p, const struct aero_batch *batch)
{
	uint32_t i;

	for (i = 0; batch->flight && i < batch->blocks; i++)
		if (!claim(p, batch->block[i], batch->held_order, SIM_FLIGHT, "in flight"))
			return false;
	return true;
}

static bool claim_in_flight(struct proof *p)
{
	return claim_batch(p, &p->b->batch) && claim_batch(p, &p->b->urgent);
}

/* What the hypervisor must have locked, given who owns the frame; -1: it must not. */
static int due_order(const struct proof *p, const aero_page *page)
{
	if (!p->view->connected)
		return -1;
	/* Nothing is behind these either, and nobody held them in another size. */
	if (page->owner == SIM_LENT || page->owner == SIM_ABSENT)
		return 0;
	if (page->owner != SIM_HELD && page->owner != SIM_ISOLATED)
		return -1;
	return (int)aero_class_wire_order((enum aero_class)page->class);
}

static bool compare_views(struct proof *p)
{
	uint64_t due = p->b->size_pages + p->b->lent_pages + p->port->owned[SIM_ABSENT];
	uint64_t locked = 0;
	uint32_t i;

	for (i = 0; i < p->port->pages; i++) {
		const aero_page *page = p->port->page + i;
		int order = p->view->locked_order(p->view->ctx, page->pfn.v);

		if (order != due_order(p, page))
			return wrong(p, "frame 0x%llx (owner %u): locked in order %d instead of %d",
				     page->pfn.v, page->owner, order, due_order(p, page));
		if (page->discarded != (order >= 0))
			return wrong(p, "frame 0x%llx: locked in order %d, but its memory is %s",
				     page->pfn.v, order, page->discarded ? "gone" : "there");
		locked += order >= 0;
	}
	if (locked != p->view->locked_pages)
		return wrong(p, "the hypervisor has %llu pages, of which %llu are this guest's",
			     (unsigned long long)p->view->locked_pages, (unsigned long long)locked);
	if (p->view->connected && locked != due)
		return wrong(p, "%llu pages are to have no memory, the hypervisor has %llu",
			     (unsigned long long)due, (unsigned long long)locked);
	return true;
}

static uint64_t sum_pages(uint64_t base, uint64_t large)
{
	return base + (large << AERO_BLOCK_ORDER);
}

/* What came from the allocator and did not go back to it is somewhere in the balloon. */
static bool compare_counters(struct proof *p)
{
	const struct aero_counters *c = &p->b->counters;
	uint64_t in = c->adopted_pages, out = c->abandoned_pages, here;
	unsigned int effort;

	for (effort = 0; effort < AERO_EFFORTS; effort++)
		in += sum_pages(c->taken[AERO_UNIT_BASE][effort],
				c->taken[AERO_UNIT_LARGE][effort]);
	out += sum_pages(c->freed[AERO_UNIT_BASE], c->freed[AERO_UNIT_LARGE]);
	here = p->b->size_pages + p->b->lent_pages + aero_in_flight_pages(p->b) +
	       sum_pages(p->b->refused_n[AERO_UNIT_BASE], p->b->refused_n[AERO_UNIT_LARGE]);
	if (in - out != here)
		return wrong(p, "%llu pages were taken, %llu given back, and %llu are here",
			     (unsigned long long)in, (unsigned long long)out,
			     (unsigned long long)here);
	return true;
}

static bool count_owners(struct proof *p)
{
	uint32_t owned[SIM_OWNERS] = {0};
	unsigned int owner;
	uint32_t i;

	for (i = 0; i < p->port->pages; i++) {
		const aero_page *page = p->port->page + i;

		owned[page->owner < SIM_OWNERS ? page->owner : SIM_FLIGHT]++;
		/* A wired page is the hypervisor table's, in no list of the guest. */
		if (!p->seen[i] && page->owner != SIM_WIRED)
			return wrong(p, "frame 0x%llx is lost: its owner %u does not know it",
				     page->pfn.v, page->owner);
	}
	for (owner = 0; owner < SIM_OWNERS; owner++)
		if (owned[owner] != p->port->owned[owner])
			return wrong(p, "owner %u has %u pages and counts %u", owner, owned[owner],
				     p->port->owned[owner]);
	return true;
}

bool sim_is_sound(const struct aero_balloon *b, const struct sim_view *view, char *why,
		  size_t why_size)
{
	struct proof p = {.b = b, .port = b->port, .view = view, .why = why, .why_size = why_size};
	const char *reason;
	bool sound;

	if (!aero_is_valid(b, &reason))
		return wrong(&p, "%s", reason);
	p.seen = calloc(b->port->pages, 1);
	if (!p.seen)
		return wrong(&p, "no memory for the checker");
	sound = claim_allocator(&p) && claim_store(&p) && claim_unbacked(&p) && claim_aside(&p) &&
		claim_refused(&p) && claim_in_flight(&p) && count_owners(&p) &&
		(!view || compare_views(&p)) && compare_counters(&p);
	free(p.seen);
	return sound;
}

void sim_check(const struct aero_balloon *b, const struct sim_view *view)
{
	char why[256];

	if (!sim_is_sound(b, view, why, sizeof(why)))
		sim_fail("the books do not agree: %s", why);
}

void sim_end_guest(struct aero_port *port, uint32_t pages)
{
	while (port->guest.first)
		sim_guest_free(port, port->guest.first);
	while (port->cache.first)
		sim_guest_free(port, port->cache.first);
	if (sim_free_pages(port) != pages)
		sim_fail("%u of %u pages are free in the end", sim_free_pages(port), pages);
}

const struct sim_trace *sim_last_trace(const struct aero_port *port, enum aero_event event)
{
	const struct sim_recorder *record = &port->record;
	uint64_t n;

	for (n = record->traces; n && record->traces - n < SIM_RECORDS; n--)
		if (record->trace[(n - 1) % SIM_RECORDS].event == event)
			return &record->trace[(n - 1) % SIM_RECORDS];
	return NULL;
}

unsigned int sim_logged(const struct aero_port *port, const char *text)
{
	const struct sim_recorder *record = &port->record;
	unsigned int found = 0;
	uint64_t n;

	for (n = record->logs; n && record->logs - n < SIM_RECORDS; n--)
		found += !!strstr(record->log[(n - 1) % SIM_RECORDS].text, text);
	return found;
}
