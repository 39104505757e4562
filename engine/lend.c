// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Pages that are lent to other drivers, which map foreign memory into them.  A page on loan
 * belongs to its borrower: it is not in the store and does not count in the balloon's size.
 */
#include "internal.h"

unsigned int aero_lend(struct aero_balloon *b, aero_page **pages, unsigned int n)
{
	unsigned int got = 0, more;

	if (!b->link.unbacked || !aero_is_connected(b))
		return 0;
	n = (unsigned int)aero_min(n, AERO_BATCH_MAX);
	while (got < n) {
		more = aero_store_unhold(b, AERO_CLASS_PAGE, pages + got, n - got);
		got += more;
		if (!more && !aero_store_break(b, &b->batch))
			break;
	}
	b->lent_pages += got;
	return got;
}

unsigned int aero_fund(struct aero_balloon *b, unsigned int n)
{
	uint64_t before = b->held[AERO_CLASS_PAGE];
	enum aero_run_end end;
	unsigned int e, got = 0, more;

	if (!b->link.unbacked || !aero_is_connected(b))
		return 0;
	n = (unsigned int)aero_min(n, AERO_BATCH_MAX);
	n = (unsigned int)aero_min(n, aero_port_spare_pages(b->port));
	for (e = 0; e < AERO_EFFORTS && got < n; e++) {
		more = aero_port_take(b->port, 0, (enum aero_effort)e, b->batch.block + got,
				      n - got);
		b->counters.taken[AERO_UNIT_BASE][e] += more;
		got += more;
	}
	if (!got)
		return 0;
	aero_batch_fill(&b->batch, AERO_CLASS_PAGE, got);
	aero_offer(b, &end);
	/* Refused pages are set aside only during a run. */
	if (b->phase != AERO_PHASE_INFLATE && b->phase != AERO_PHASE_DEFLATE)
		aero_store_free_refused(b);
	return (unsigned int)(b->held[AERO_CLASS_PAGE] - before);
}

void aero_repay(struct aero_balloon *b, aero_page **pages, unsigned int n)
{
	b->lent_pages -= n;
	aero_store_hold(b, AERO_CLASS_PAGE, pages, n);
}
