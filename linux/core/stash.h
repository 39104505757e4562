/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A few blocks of memory for a guest that runs short: relief that does not need the step lock. */
#ifndef AEROSTAT_LINUX_STASH_H
#define AEROSTAT_LINUX_STASH_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct aerostat;

struct aerostat_stash {
	spinlock_t lock;	 /* protects the list and the two counts below */
	struct list_head blocks; /* of AERO_BLOCK_ORDER, linked by lru; @lock */
	u64 held_pages;		 /* written under @lock, read as a single word */
	u64 given_pages;	 /* the same: how many pages the guest was given */
	u64 max_pages;		 /* single word, set by the administrator */
	/* The guest was given pages, and the worker does not know yet.  Each change is atomic. */
	atomic_t used;
};

void aerostat_stash_init(struct aerostat_stash *stash);

/*
 * Frees at least @pages pages, or all there are.  Returns how many.  Takes no lock but its own and
 * waits for nothing, so it may be called while an allocation fails.
 */
u64 aerostat_stash_free(struct aerostat_stash *stash, u64 pages);

/*
 * The same for a guest that runs short: the balloon will not grow for a while.  The caller kicks
 * the worker afterwards, which must learn of it.
 */
u64 aerostat_stash_relieve(struct aerostat *a, u64 pages);

/*
 * For the worker.  note_use() takes the step lock if the guest was given pages since the last call;
 * fill() is called under it when a run has ended, and takes one batch of blocks or frees what is
 * too much.
 */
void aerostat_stash_note_use(struct aerostat *a);
void aerostat_stash_fill(struct aerostat *a);

#endif
