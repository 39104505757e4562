// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The stash: blocks that are the guest's own, with memory behind them, and that nobody uses.  When
 * the guest runs short they are freed at once, without the step lock and without the hypervisor,
 * while other relief may have to wait until the hypervisor has answered a batch.
 */
#include <linux/mm.h>

#include "core/core.h"
#include "core/stash.h"

void aerostat_stash_init(struct aerostat_stash *stash)
{
	spin_lock_init(&stash->lock);
	INIT_LIST_HEAD(&stash->blocks);
}

static struct page *pop(struct aerostat_stash *stash)
{
	struct page *block;

	spin_lock(&stash->lock);
	block = list_first_entry_or_null(&stash->blocks, struct page, lru);
	if (block) {
		list_del(&block->lru);
		WRITE_ONCE(stash->held_pages, stash->held_pages - (1UL << AERO_BLOCK_ORDER));
	}
	spin_unlock(&stash->lock);
	return block;
}

u64 aerostat_stash_free(struct aerostat_stash *stash, u64 pages)
{
	struct page *block;
	u64 freed = 0;

	while (freed < pages && (block = pop(stash))) {
		aero_port_free(NULL, AERO_BLOCK_ORDER, &block, 1);
		freed += 1UL << AERO_BLOCK_ORDER;
	}
	return freed;
}

u64 aerostat_stash_relieve(struct aerostat *a, u64 pages)
{
	struct aerostat_stash *stash = &a->stash;
	u64 freed;

	/* Before the pages are free: a step in progress must not take them for the balloon. */
	if (!atomic_xchg(&stash->used, 1))
		atomic_inc(&a->port.awaited);
	freed = aerostat_stash_free(stash, pages);
	spin_lock(&stash->lock);
	WRITE_ONCE(stash->given_pages, stash->given_pages + freed);
	spin_unlock(&stash->lock);
	return freed;
}

void aerostat_stash_note_use(struct aerostat *a)
{
	if (!atomic_read(&a->stash.used))
		return;
	mutex_lock(&a->step);
	aero_hold_off(&a->balloon);
	mutex_unlock(&a->step);
	atomic_set(&a->stash.used, 0);
	atomic_dec(&a->port.awaited);
}

static void add(struct aerostat_stash *stash, struct page **blocks, unsigned int n)
{
	unsigned int i;

	spin_lock(&stash->lock);
	for (i = 0; i < n; i++)
		list_add(&blocks[i]->lru, &stash->blocks);
	WRITE_ONCE(stash->held_pages, stash->held_pages + ((u64)n << AERO_BLOCK_ORDER));
	spin_unlock(&stash->lock);
}

/* How many blocks the guest can spare for the stash without missing them. */
static u64 blocks_wanted(struct aerostat *a)
{
	u64 max = round_up(READ_ONCE(a->stash.max_pages), 1UL << AERO_BLOCK_ORDER);
	u64 held = READ_ONCE(a->stash.held_pages);

	if (held >= max || aero_is_held_off(&a->balloon) || atomic_read(&a->stash.used))
		return 0;
	return min(max - held, aero_port_spare_pages(&a->port)) >> AERO_BLOCK_ORDER;
}

#define FILL_BLOCKS 16U

void aerostat_stash_fill(struct aerostat *a)
{
	u64 max = round_up(READ_ONCE(a->stash.max_pages), 1UL << AERO_BLOCK_ORDER);
	struct page *blocks[FILL_BLOCKS];
	u64 held = READ_ONCE(a->stash.held_pages), n;

	if (held > max)
		aerostat_stash_free(&a->stash, held - max);
	n = min_t(u64, blocks_wanted(a), FILL_BLOCKS);
	if (n)
		add(&a->stash, blocks,
		    aero_port_take(&a->port, AERO_BLOCK_ORDER, AERO_LIGHT, blocks, n));
}
