// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The end of a balloon: every page goes back to the guest, one batch a step.
 *
 * After aero_stop() a hypervisor with backed links has forgotten our pages, so they
 * are popped, and only pages that are isolated for migration make us wait.  On an
 * unbacked link each page has to be reclaimed from the hypervisor, which may have no
 * memory left for it; what can't be reclaimed is abandoned in the end.
 */
#include "internal.h"

/*
 * Attempts in a row without a page before an unbacked link's pages are abandoned.
 * With AERO_ISOLATED_RETRY_MS between them that is a fifth of a second: long enough
 * for a migration to end and for another guest's memory to be freed where that is
 * under way, short for the administrator who waits for the module to unload.
 */
#define ATTEMPTS_MAX 20U

void aero_stop(struct aero_balloon *b)
{
	if (b->phase == AERO_PHASE_STOPPED)
		return;
	b->ops->quiesce(b->hypervisor);
	b->ops->disconnect(b->hypervisor);
	aero_store_free_refused(b);
	b->phase = AERO_PHASE_STOPPED;
	b->target_pages = 0;
	b->barred_out = 0;
	b->unload = (struct aero_unload_state){.attempts_left = ATTEMPTS_MAX};
}

/*
 * Reclaims until the size falls.  A call of aero_deflate() that bars a class or breaks
 * a block gets no page and is still a step forward; there are two such calls a class
 * at the most, which bounds the loop.
 */
static void reclaim_unbacked(struct aero_balloon *b)
{
	uint64_t before = b->size_pages;
	unsigned int calls = 2 * AERO_CLASSES;
	enum aero_run_end end;

	while (b->size_pages && b->size_pages == before && calls--) {
		if (aero_deflate(b, &end)) {
			/* Classes that failed in this attempt are tried again in the next. */
			b->barred_out = 0;
			return;
		}
	}
}

static struct aero_unload answer(enum aero_unload_kind kind)
{
	return (struct aero_unload){
		.kind = kind,
		.delay_ms = kind == AERO_UNLOAD_WAIT ? AERO_ISOLATED_RETRY_MS : 0,
	};
}

/*
 * The caller takes the pages by aero_abandon().  When it has got none since we last
 * told it so, all that is left is isolated for migration, and comes back soon.
 */
static struct aero_unload abandon(struct aero_balloon *b)
{
	bool stuck = b->unload.told && b->unload.abandoned == b->counters.abandoned_pages;

	b->unload.told = !stuck;
	b->unload.abandoned = b->counters.abandoned_pages;
	return answer(stuck ? AERO_UNLOAD_WAIT : AERO_UNLOAD_ABANDON);
}

struct aero_unload aero_unload_step(struct aero_balloon *b)
{
	uint64_t before = b->size_pages;

	aero_stop(b);
	if (!b->size_pages)
		return answer(AERO_UNLOAD_DONE);
	if (!b->unload.attempts_left)
		return abandon(b);

	if (b->link.unbacked)
		reclaim_unbacked(b);
	else
		aero_store_pop(b);
	if (!b->size_pages)
		return answer(AERO_UNLOAD_DONE);
	if (b->size_pages < before) {
		b->unload.attempts_left = ATTEMPTS_MAX;
		return answer(AERO_UNLOAD_AGAIN);
	}
	/* Only on an unbacked link may a page never come back. */
	b->unload.attempts_left -= b->link.unbacked;
	return b->unload.attempts_left ? answer(AERO_UNLOAD_WAIT) : abandon(b);
}

unsigned int aero_abandon(struct aero_balloon *b, aero_page **pages, unsigned int n)
{
	unsigned int got;

	if (!b->held[AERO_CLASS_PAGE])
		aero_store_break(b);
	got = aero_store_unhold(b, AERO_CLASS_PAGE, pages, n);
	b->counters.abandoned_pages += got;
	return got;
}
