// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Free page hints: the hint queue, and the blocks that the device was told of.  The state machine
 * is in protocol/virtio_hint.c.
 *
 * Everything runs under the step lock, as the device's resets do, but for two things that may
 * happen at any moment: callbacks, and a guest that runs short and is given held blocks.
 */
#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/virtio_config.h>

#include "core/backend.h"
#include "virtio/internal.h"

/* When the step lock could not be had.  Nothing else may lead to the next attempt. */
#define RETRY_MS	   20

/* A command before the blocks and one after them. */
#define ENTRIES_OF_COMMAND 2U

static bool is_used(const struct aerostat_virtio *d)
{
	return d->running && virtio_has_feature(d->vdev, VIRTIO_BALLOON_F_FREE_PAGE_HINT);
}

/* Called under @lock. */
static void queue_work_in(struct aerostat_virtio *d, unsigned long delay)
{
	if (d->hint.on)
		mod_delayed_work(system_freezable_wq, &d->hint.work, delay);
}

void aerostat_virtio_hint_answered(struct virtqueue *queue)
{
	struct aerostat_virtio *d = queue->vdev->priv;
	unsigned long flags;

	spin_lock_irqsave(&d->lock, flags);
	if (d->running) {
		virtqueue_disable_cb(queue);
		queue_work_in(d, 0);
	}
	spin_unlock_irqrestore(&d->lock, flags);
}

void aerostat_virtio_hint_look(struct aerostat_virtio *d)
{
	unsigned long flags;

	spin_lock_irqsave(&d->lock, flags);
	d->hint.changed = true;
	if (is_used(d))
		queue_work_in(d, 0);
	spin_unlock_irqrestore(&d->lock, flags);
}

/* -- blocks ------------------------------------------------------------------------ */

/* Called under @lock. */
static struct page *pop(struct list_head *blocks, u32 *count)
{
	struct page *block = list_first_entry_or_null(blocks, struct page, lru);

	if (block) {
		list_del(&block->lru);
		WRITE_ONCE(*count, *count - 1);
	}
	return block;
}

static struct page *unhold(void *ctx)
{
	struct aerostat_virtio *d = ctx;
	struct page *block;
	unsigned long flags;

	spin_lock_irqsave(&d->lock, flags);
	block = pop(&d->hint.held, &d->hint.held_blocks);
	spin_unlock_irqrestore(&d->lock, flags);
	return block;
}

static u32 told(void *ctx)
{
	struct aerostat_virtio *d = ctx;

	return READ_ONCE(d->hint.told_blocks);
}

static u32 held(void *ctx)
{
	struct aerostat_virtio *d = ctx;

	return READ_ONCE(d->hint.held_blocks);
}

static void free_blocks(void *ctx, struct page **blocks, u32 n)
{
	aerostat_free_blocks(blocks, n);
}

static void release(void *ctx, bool told)
{
	struct aerostat_virtio *d = ctx;
	struct page *block;
	unsigned long flags;

	spin_lock_irqsave(&d->lock, flags);
	if (told) {
		list_splice_tail_init(&d->hint.told, &d->hint.held);
		WRITE_ONCE(d->hint.held_blocks, d->hint.held_blocks + d->hint.told_blocks);
		WRITE_ONCE(d->hint.told_blocks, 0);
		d->hint.sent[0].queued = false;
		d->hint.sent[1].queued = false;
	}
	WRITE_ONCE(d->hint.relieved, false);
	spin_unlock_irqrestore(&d->lock, flags);
	while ((block = unhold(d)))
		aerostat_free_blocks(&block, 1);
}

u64 aerostat_virtio_hint_relieve(void *hypervisor, u64 pages)
{
	struct aerostat_virtio *d = container_of(hypervisor, struct aerostat_virtio, protocol);
	struct page *block;
	u64 freed = 0;

	if (!pages || !held(d))
		return 0;
	/* Before the pages are free, or they would be taken again. */
	WRITE_ONCE(d->hint.relieved, true);
	while (freed < pages && (block = unhold(d))) {
		aerostat_free_blocks(&block, 1);
		freed += 1UL << AERO_BLOCK_ORDER;
	}
	atomic64_add(freed, &d->hint.relieved_pages);
	return freed;
}

u64 aerostat_virtio_hint_held(void *hypervisor)
{
	struct aerostat_virtio *d = container_of(hypervisor, struct aerostat_virtio, protocol);

	return (u64)held(d) << AERO_BLOCK_ORDER;
}

static u32 take(void *ctx, struct page **blocks, u32 n)
{
	struct aerostat_virtio *d = ctx;

	return READ_ONCE(d->hint.relieved) ? 0 : aerostat_take_blocks(blocks, n);
}

/* -- the queue --------------------------------------------------------------------- */

static bool new_command(void *ctx, u32 *command)
{
	struct aerostat_virtio *d = ctx;
	bool changed;

	spin_lock_irq(&d->lock);
	changed = d->hint.changed;
	d->hint.changed = false;
	spin_unlock_irq(&d->lock);
	if (changed)
		virtio_cread_le(d->vdev, struct virtio_balloon_config, free_page_hint_cmd_id,
				command);
	return changed;
}

/* Called under @lock. */
static bool add(struct aerostat_virtio *d, struct scatterlist *sg, void *token, bool in)
{
	struct virtqueue *queue = d->queue[AERO_VIRTIO_HINT];
	int err = -ENODEV;

	if (is_used(d))
		err = in ? virtqueue_add_inbuf(queue, sg, 1, token, GFP_ATOMIC)
			 : virtqueue_add_outbuf(queue, sg, 1, token, GFP_ATOMIC);
	if (!err)
		virtqueue_kick(queue);
	return !err;
}

/* The device reads a command's number where it lies, so there is a place for each. */
static bool send_command(void *ctx, u32 command)
{
	struct aerostat_virtio *d = ctx;
	struct aerostat_virtio_command *place = &d->hint.sent[command == AERO_VIRTIO_COMMAND_STOP];
	struct scatterlist sg;
	bool queued = false;

	sg_init_one(&sg, &place->number, sizeof(place->number));
	spin_lock_irq(&d->lock);
	if (!place->queued) {
		place->number = cpu_to_virtio32(d->vdev, command);
		queued = add(d, &sg, place, false);
		place->queued = queued;
	}
	spin_unlock_irq(&d->lock);
	return queued;
}

static u32 room(void *ctx)
{
	struct aerostat_virtio *d = ctx;
	u32 entries = d->queue[AERO_VIRTIO_HINT]->num_free;

	return entries > ENTRIES_OF_COMMAND ? entries - ENTRIES_OF_COMMAND : 0;
}

static bool send_block(void *ctx, struct page *block)
{
	struct aerostat_virtio *d = ctx;
	struct scatterlist sg;
	bool queued;

	sg_init_table(&sg, 1);
	sg_set_page(&sg, block, PAGE_SIZE << AERO_BLOCK_ORDER, 0);
	spin_lock_irq(&d->lock);
	queued = add(d, &sg, block, true);
	if (queued) {
		list_add_tail(&block->lru, &d->hint.told);
		WRITE_ONCE(d->hint.told_blocks, d->hint.told_blocks + 1);
	}
	spin_unlock_irq(&d->lock);
	return queued;
}

/* Called under @lock.  Neither a length nor anything else that the device writes matters. */
static void note_answer(struct aerostat_virtio *d, void *token)
{
	struct page *block = token;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(d->hint.sent); i++)
		if (token == &d->hint.sent[i]) {
			d->hint.sent[i].queued = false;
			return;
		}
	list_move_tail(&block->lru, &d->hint.held);
	WRITE_ONCE(d->hint.told_blocks, d->hint.told_blocks - 1);
	WRITE_ONCE(d->hint.held_blocks, d->hint.held_blocks + 1);
}

static void collect(void *ctx)
{
	struct aerostat_virtio *d = ctx;
	struct virtqueue *queue = d->queue[AERO_VIRTIO_HINT];
	unsigned int length;
	void *token;

	spin_lock_irq(&d->lock);
	do {
		virtqueue_disable_cb(queue);
		while ((token = virtqueue_get_buf(queue, &length)))
			note_answer(d, token);
	} while (!virtqueue_enable_cb(queue));
	spin_unlock_irq(&d->lock);
}

static const struct aero_virtio_hint_guest guest = {
	.new_command = new_command,
	.send_command = send_command,
	.room = room,
	.send_block = send_block,
	.collect = collect,
	.take = take,
	.free = free_blocks,
	.told = told,
	.held = held,
	.unhold = unhold,
	.release = release,
};

/* -- life -------------------------------------------------------------------------- */

static void work(struct work_struct *w)
{
	struct aerostat_virtio *d =
		container_of(to_delayed_work(w), struct aerostat_virtio, hint.work);
	unsigned long delay = msecs_to_jiffies(RETRY_MS);
	bool again = true;

	if (aerostat_begin()) {
		again = is_used(d) && aero_virtio_hint_step(&d->hint.protocol);
		delay = 0;
		aerostat_end();
	}
	spin_lock_irq(&d->lock);
	if (again)
		queue_work_in(d, delay);
	spin_unlock_irq(&d->lock);
}

void aerostat_virtio_hint_init(struct aerostat_virtio *d)
{
	INIT_LIST_HEAD(&d->hint.told);
	INIT_LIST_HEAD(&d->hint.held);
	INIT_DELAYED_WORK(&d->hint.work, work);
	aero_virtio_hint_init(&d->hint.protocol, &guest, d);
}

void aerostat_virtio_hint_start(struct aerostat_virtio *d)
{
	spin_lock_irq(&d->lock);
	d->hint.on = true;
	spin_unlock_irq(&d->lock);
	aerostat_virtio_hint_look(d);
}

void aerostat_virtio_hint_stop(struct aerostat_virtio *d)
{
	spin_lock_irq(&d->lock);
	d->hint.on = false;
	spin_unlock_irq(&d->lock);
	cancel_delayed_work_sync(&d->hint.work);
}

void aerostat_virtio_hint_show(struct seq_file *m, const struct aerostat_virtio *d)
{
	const struct aero_virtio_hint *h = &d->hint.protocol;

	seq_printf(m, "hint_state %s\n", aero_virtio_hint_state_name(h->state));
	seq_printf(m, "hint_runs %llu\n", h->runs);
	seq_printf(m, "hint_told_pages %llu\n", h->blocks << AERO_BLOCK_ORDER);
	seq_printf(m, "hint_held_pages %llu\n",
		   (u64)READ_ONCE(d->hint.held_blocks) << AERO_BLOCK_ORDER);
	seq_printf(m, "hint_relieved_pages %llu\n", (u64)atomic64_read(&d->hint.relieved_pages));
}
