// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The end of a balloon.  Every page goes back to the guest, one batch in each step.
 *
 * After aero_stop() a hypervisor whose link is backed has forgotten the balloon's pages.  They
 * are popped, and only pages that are isolated for migration have to be waited for.  On an
 * unbacked link each page has to be reclaimed from the hypervisor, which may have no memory
 * left for it.  Pages that cannot be reclaimed are abandoned in the end, and so are those that the
 * target leaves to the hypervisor if somebody takes the balloon over.
 */
#include "internal.h"

/*
 * The pages of an unbacked link are abandoned after so many attempts in a row that reclaimed no
 * page.  With AERO_ISOLATED_RETRY_MS between them, this is a fifth of a second.  It is enough
 * for a migration to end, or for memory that another guest is freeing at the moment, and an
 * administrator hardly notices it when the module is unloaded.
 */
#define ATTEMPTS_MAX 20U

void aero_stop(struct aero_balloon *b)
{
	if (b->phase == AERO_PHASE_STOPPED)
		return;
	b->ops->quiesce(b->hypervisor);
	b->ops->disconnect(b->hypervisor);
	aero_batch_void(b);
	aero_store_free_refused(b);
	b->phase = AERO_PHASE_STOPPED;
	if (!b->handed_over)
		b->target_pages = 0;
	b->barred_out = 0;
	b->unload = (struct aero_unload_state){.attempts_left = ATTEMPTS_MAX};
}

void aero_hand_over(struct aero_balloon *b)
{
	b->handed_over = b->link.unbacked && b->phase != AERO_PHASE_STOPPED;
}

bool aero_let_go(struct aero_balloon *b)
{
	if (b->phase == AERO_PHASE_STOPPED || b->link.unbacked)
		return true;
	if (!b->reset_required) {
		b->ops->quiesce(b->hypervisor);
		b->ops->disconnect(b->hypervisor);
		aero_batch_void(b);
		aero_store_free_refused(b);
		b->reset_required = true;
		b->phase = AERO_PHASE_REST;
	}
	aero_store_pop(b);
	return !b->size_pages;
}

/*
 * Calls aero_deflate() until the balloon has become smaller.  A call that only bars a class or
 * breaks a block reclaims no page, but is progress nevertheless.  There are at most two such
 * calls for each class, which limits the loop.
 */
static void reclaim_unbacked(struct aero_balloon *b)
{
	uint64_t before = b->size_pages;
	unsigned int calls = 2 * AERO_CLASSES;
	enum aero_run_end end;

	while (b->size_pages && b->size_pages == before && calls--) {
		if (aero_deflate(b, &end)) {
			/* Classes that failed in this attempt are tried again in the next one. */
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
 * Tells the caller to take pages by aero_abandon().  If it was told so the last time and got
 * none, all pages that are left are isolated for migration.  They come back soon, so the caller is
 * told to wait.
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
	if (!b->unload.attempts_left || (b->handed_over && b->size_pages <= b->target_pages))
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
	/* Attempts are limited on an unbacked link only; elsewhere each page comes back. */
	b->unload.attempts_left -= b->link.unbacked;
	return b->unload.attempts_left ? answer(AERO_UNLOAD_WAIT) : abandon(b);
}

unsigned int aero_abandon(struct aero_balloon *b, aero_page **pages, unsigned int n)
{
	unsigned int got;

	if (!b->held[AERO_CLASS_PAGE])
		aero_store_break(b, &b->batch);
	got = aero_store_unhold(b, AERO_CLASS_PAGE, pages, n);
	b->counters.abandoned_pages += got;
	return got;
}
