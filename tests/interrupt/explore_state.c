// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A state as bytes: all that decides what the engine, the protocol and the hypervisor do
 * next.  Left out, so that the number of states is finite and small:
 *  - counters, and messages that are given once;
 *  - which of several like blocks, and which of several like pages in a block, has which
 *    owner; the order of pages in lists; which machine frame is behind a page;
 *  - how long a hold-off still lasts, and how many attempts are left of an unload that
 *    waits (explore.h: ACT_TIME, ACT_PATIENT): only whether there are any.
 */
#include "explore.h"

#include <string.h>

struct writer {
	uint8_t *bytes;
	unsigned int n;
};

static void put(struct writer *to, uint64_t value)
{
	if (to->n + 3 > STATE_BYTES_MAX)
		sim_fail("a state has more bytes than STATE_BYTES_MAX");
	/* All numbers are small, but targets without bound, of which more is not told. */
	if (value > 0xffff)
		value = 0xffff;
	to->bytes[to->n++] = (uint8_t)value;
	to->bytes[to->n++] = (uint8_t)(value >> 8);
}

static void put_pace(struct writer *to, const struct aero_balloon *b, uint64_t now_ms)
{
	const struct aero_pace *pace = &b->pace;
	uint64_t moved = b->counters.pages_in + b->counters.pages_out;

	put(to, pace->rate);
	put(to, pace->slow_left);
	put(to, pace->retries);
	put(to, pace->held_off && now_ms < pace->held_off_until_ms);
	put(to, pace->held_off);
	/* The rest begins anew with each run. */
	if (b->phase == AERO_PHASE_REST || b->phase == AERO_PHASE_STOPPED)
		return;
	put(to, pace->taken < pace->rate ? pace->taken : pace->rate);
	put(to, pace->limited);
	put(to, pace->effort[AERO_UNIT_BASE]);
	put(to, pace->effort[AERO_UNIT_LARGE]);
	put(to, pace->large_from > pace->taken ? pace->large_from - pace->taken : 0);
	put(to, pace->large_pause);
	put(to, moved != pace->moved_before);
}

static void put_unload(struct writer *to, const struct aero_balloon *b)
{
	const struct aero_unload_state *unload = &b->unload;

	if (b->phase != AERO_PHASE_STOPPED)
		return;
	put(to, unload->attempts_left < 2 ? unload->attempts_left : 2);
	put(to, unload->told && unload->abandoned == b->counters.abandoned_pages);
}

static void put_engine(struct writer *to, const struct aero_balloon *b, uint64_t now_ms)
{
	unsigned int i;

	put(to, b->phase);
	put(to, b->target_pages);
	put(to, b->size_pages);
	put(to, b->lent_pages);
	put(to, b->reset_required);
	put(to, b->coming_pages);
	put(to, b->arrived_pages);
	put(to, b->link.large | b->link.divisible << 1 | b->link.unbacked << 2);
	put(to, b->link.slack_pages);
	for (i = 0; i < AERO_CLASSES; i++)
		put(to, b->held[i]);
	for (i = 0; i < AERO_UNITS; i++)
		put(to, b->refused_n[i]);
	put_pace(to, b, now_ms);
	put_unload(to, b);
	if (b->phase != AERO_PHASE_REST && b->phase != AERO_PHASE_STOPPED) {
		put(to, b->barred_in);
		put(to, b->barred_out);
	}
}

static void put_hypervisor(struct writer *to, const struct place *p)
{
	const struct world *w = &p->w;

	if (w->setting->xen) {
		put(to, w->xen.target);
		put(to, w->xen.reservation);
		put(to, w->x.strays);
		put(to, w->coming);
		put(to, w->kept_n);
		return;
	}
	put(to, w->host.connected);
	put(to, w->host.target_pages);
	put(to, w->v.caps);
	put(to, w->v.batch_page != NULL);
	put(to, w->v.doorbell_open | w->v.doorbell_set << 1);
}

static uint32_t page_code(const struct world *w, uint32_t i)
{
	const aero_page *page = w->port.page + i;
	bool stored = page->owner == SIM_HELD || page->owner == SIM_ISOLATED;
	uint32_t code = page->owner;

	code |= (stored ? page->class : 0U) << 4;
	code |= (page->owner == SIM_GUEST && page->cache) << 8;
	code |= (uint32_t)page->discarded << 9;
	if (w->setting->xen)
		code |= (uint32_t)sim_xen_is_usable(&w->xen, page) << 10;
	else
		code |= (uint32_t)w->host.lock[i] << 10;
	return code;
}

static void sort(uint64_t *of, unsigned int n)
{
	unsigned int i, j;

	for (i = 1; i < n; i++) {
		uint64_t value = of[i];

		for (j = i; j && of[j - 1] > value; j--)
			of[j] = of[j - 1];
		of[j] = value;
	}
}

_Static_assert(BLOCK <= 4, "the codes of a block's pages fit 64 bits");

static void put_pages(struct writer *to, const struct world *w)
{
	uint64_t block[PAGES_MAX / BLOCK], page[BLOCK];
	unsigned int i, j, k, n = w->pages / BLOCK;

	for (i = 0; i < n; i++) {
		for (j = 0; j < BLOCK; j++)
			page[j] = page_code(w, i * BLOCK + j);
		sort(page, BLOCK);
		for (j = 0, block[i] = 0; j < BLOCK; j++)
			block[i] = block[i] << 16 | page[j];
	}
	sort(block, n);
	for (i = 0; i < n; i++)
		for (k = 0; k < BLOCK; k++)
			put(to, block[i] >> (16 * k) & 0xffff);
}

unsigned int state_describe(const struct place *p, uint8_t *bytes)
{
	struct writer to = {.bytes = bytes};

	put(&to, p->unloading | p->unloaded << 1);
	/* Between an unload and the next load the engine does not exist. */
	if (!p->unloaded) {
		put_engine(&to, &p->w.b, p->w.port.now_ms);
	}
	put_hypervisor(&to, p);
	put_pages(&to, &p->w);
	return to.n;
}
