// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The loop that drives the engine.  It owns time: the engine never sleeps. */
#include "guest.h"

static struct aero_next step(struct aero_balloon *b)
{
	struct aero_next next;
	uint64_t added;

	guest_lock();
	next = aero_step(b);
	guest_unlock();
	if (next.kind != AERO_NEXT_GROW)
		return next;
	/* Not under the lock: pages that come online take it, to join the balloon. */
	added = guest_add_memory(next.grow_pages);
	guest_lock();
	next = aero_grown(b, added);
	guest_unlock();
	return next;
}

static struct aero_unload unload_step(struct aero_balloon *b)
{
	struct aero_unload next;
	aero_page *pages[32];

	guest_lock();
	next = aero_unload_step(b);
	if (next.kind == AERO_UNLOAD_ABANDON)
		guest_keep_unbacked(pages, aero_abandon(b, pages, 32));
	guest_unlock();
	return next;
}

void balloon_worker(struct aero_balloon *b)
{
	struct aero_unload end;
	struct aero_next next;

	while (!guest_is_ending()) {
		next = step(b);
		if (next.kind == AERO_NEXT_DELAY || next.kind == AERO_NEXT_WAIT)
			guest_wait_ms(next.delay_ms);
		else
			guest_yield();
	}
	do {
		end = unload_step(b);
		if (end.kind == AERO_UNLOAD_WAIT)
			guest_wait_ms(end.delay_ms);
		else
			guest_yield();
	} while (end.kind != AERO_UNLOAD_DONE);
}

uint64_t balloon_relieve(struct aero_balloon *b, uint64_t pages)
{
	uint64_t got;

	/* The worker may be what runs short of memory, and holds the lock then. */
	if (!guest_trylock())
		return 0;
	got = aero_relieve(b, pages);
	guest_unlock();
	return got;
}
