// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Memory that is added to a guest of Xen, and loans of pages without memory. */
#include "world.h"

#include <inttypes.h>

/* The period; the pauses after a setback; and the one after too many of them. */
static bool is_a_pause(uint32_t delay_ms)
{
	static const uint32_t pauses_ms[] = {1000, 2000, 4000, 8000, 16000, 60000};
	unsigned int i;

	for (i = 0; i < sizeof(pauses_ms) / sizeof(pauses_ms[0]); i++)
		if (delay_ms == pauses_ms[i])
			return true;
	return false;
}

/* -- memory that is added ------------------------------------------------------------------ */

static void lend_to_those_who_wait(struct world *w)
{
	uint64_t n = w->xen.lend_wanted;

	if (!n)
		return;
	n = sim_lend(&w->b, (unsigned int)(n < AERO_BATCH_MAX ? n : AERO_BATCH_MAX));
	w->xen.lend_wanted -= n;
	see(w, SIGHT_WAITED, n);
}

/* Up to @pages that were added, as blocks where they form some, or singly. */
void bring_online(struct world *w, uint64_t pages)
{
	enum aero_class large = w->kind->pv ? AERO_CLASS_SPLIT : AERO_CLASS_LARGE, class;
	bool singly = chance(w, 4) == 0;
	aero_page *block;

	if (pages > w->coming)
		pages = w->coming;
	if (!pages)
		return;
	tell(w, "%" PRIu64 " of %" PRIu64 " pages come online", pages, w->coming);
	see(w, SIGHT_ONLINE, pages);
	w->coming -= pages;
	w->adopted += pages;
	while (pages) {
		class = large;
		block = singly || pages < BLOCK_PAGES ? NULL
						      : sim_online(&w->port, AERO_BLOCK_ORDER);
		if (!block) {
			class = AERO_CLASS_PAGE;
			block = sim_online(&w->port, 0);
		}
		aero_adopt(&w->b, class, &block, 1);
		pages -= 1U << aero_class_held_order(class);
	}
	lend_to_those_who_wait(w);
}

void happen_online(struct world *w)
{
	if (w->coming)
		bring_online(w, 1 + chance(w, chance(w, 2) ? 40 : w->coming));
}

void rest(struct world *w, struct aero_next next)
{
	const struct sim_trace *end = sim_last_trace(&w->port, AERO_EVENT_RUN_END);

	see(w, SIGHT_RUN_ENDS + (unsigned int)end->c, 1);
	see(w, SIGHT_RECHECKS, next.delay_ms == 60000);
	if (!is_a_pause(next.delay_ms))
		sim_fail("a pause of %u ms", next.delay_ms);
	w->port.now_ms += next.delay_ms;
}

/* All of it, more than that, a part of it, or nothing; some is online at once. */
void add_memory(struct world *w, bool honestly)
{
	uint64_t left = w->port.owned[SIM_ABSENT] - w->coming;
	uint64_t n = w->asked < left ? w->asked : left;

	switch (honestly ? 2 : chance(w, 4)) {
	case 0:
		n = 0;
		break;
	case 1:
		n = n ? chance(w, n) : 0;
		break;
	case 2:
		break;
	default:
		n += chance(w, left - n + 1);
		break;
	}
	tell(w, "%" PRIu64 " of %" PRIu64 " pages are added", n, w->asked);
	see(w, n < w->asked ? SIGHT_GROWN_IN_PART : SIGHT_GROWN, n);
	w->added = n;
	w->coming += n;
	if (n && chance(w, 2)) {
		n = w->coming;
		bring_online(w, chance(w, n + 1));
		see(w, SIGHT_ONLINE_EARLY, n - w->coming);
	}
	check(w);
	if (!w->added)
		w->xen.lend_wanted = 0;
	n = w->added;
	w->added = w->asked = 0;
	rest(w, aero_grown(&w->b, n));
}

/* Exactly what is missing, and only when the balloon could not help. */
void note_growth(struct world *w, uint64_t pages)
{
	uint64_t beyond = w->xen.guest.beyond_pages(&w->xen);

	tell(w, "%" PRIu64 " pages are asked for", pages);
	see(w, SIGHT_ASKED, 1);
	if (w->b.size_pages || w->b.target_pages)
		sim_fail("growth is asked for at size %" PRIu64 " and target %" PRIu64,
			 w->b.size_pages, w->b.target_pages);
	if (pages + w->coming != beyond)
		sim_fail("%" PRIu64 " pages are asked for, %" PRIu64 " come already, and %" PRIu64
			 " are missing",
			 pages, w->coming, beyond);
	w->asked = pages;
}

/* -- loans ------------------------------------------------------------------------------ */

/* The guest gives some of its own; not all who ask for that take it. */
static unsigned int fund_loan(struct world *w, unsigned int n)
{
	uint64_t size = w->b.size_pages, spare = aero_port_spare_pages(&w->port);
	unsigned int got = aero_fund(&w->b, n);

	tell(w, "%u of %u pages are given up for a loan", got, n);
	see(w, SIGHT_FUNDED, got);
	if (got > n || got > spare || w->b.size_pages != size + got)
		sim_fail("%u of %u pages for a loan, spare are %" PRIu64
			 ", and the size went from %" PRIu64 " to %" PRIu64,
			 got, n, spare, size, w->b.size_pages);
	check(w);
	if (chance(w, 8))
		return sim_lend(&w->b, n);
	see(w, SIGHT_WASTED, got);
	return 0;
}

void happen_lend(struct world *w)
{
	unsigned int n = 1 + (unsigned int)chance(w, chance(w, 3) ? 64 : AERO_BATCH_MAX);
	unsigned int got;

	/* So that something is left for the guest. */
	if (w->b.lent_pages + w->xen.lend_wanted + n > w->kind->pages / 4)
		return;
	got = sim_lend(&w->b, n);
	if (got < n && w->xen.lend_adds)
		w->xen.lend_wanted += n - got;
	else if (got < n)
		got += fund_loan(w, n - got);
	tell(w, "%u of %u pages are lent", got, n);
	see(w, SIGHT_LENT, got);
	/* A driver that has got too few may have no use for them. */
	if (got < n && !w->xen.lend_wanted && chance(w, 2))
		see(w, SIGHT_REPAID, sim_repay(&w->b, got));
}

void happen_repay(struct world *w)
{
	unsigned int n = 1 + (unsigned int)chance(w, chance(w, 2) ? 20 : AERO_BATCH_MAX);

	n = sim_repay(&w->b, n);
	tell(w, "%u pages are repaid", n);
	see(w, SIGHT_REPAID, n);
	lend_to_those_who_wait(w);
}

void close_doors(struct world *w)
{
	w->xen.lend_wanted = 0;
	while (w->port.lent.first)
		see(w, SIGHT_REPAID, sim_repay(&w->b, AERO_BATCH_MAX));
	if (w->asked)
		add_memory(w, true);
	bring_online(w, w->coming);
	check(w);
}
