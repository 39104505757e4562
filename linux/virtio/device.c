// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The device: its configuration, its queues, and the requests on them.
 *
 * Queues are used under the step lock, but for the statistics, which have a work item.  Both are
 * kept apart from the callbacks by a spin lock.
 */
#define pr_fmt(fmt) "aerostat: virtio: " fmt

#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/page_reporting.h>
#include <linux/poison.h>
#include <linux/printk.h>
#include <linux/virtio_config.h>

#include "compat/virtio.h"
#include "core/backend.h"
#include "virtio/internal.h"

/*
 * Returns whether the worker has to go on with what was answered.  Other tasks wait for the answers
 * to their own requests; the worker would only take the step lock from the next page that the
 * kernel migrates.
 */
static bool note_answers(struct aerostat_virtio *d, struct virtqueue *queue)
{
	struct aerostat_virtio_slot *slot;
	unsigned int length;
	bool kick = false;
	void *token;

	for (;;) {
		token = virtqueue_get_buf(queue, &length);
		if (!token)
			return kick;
		if (token == &d->report) {
			d->report.answered = true;
			d->report.in_flight = false;
			continue;
		}
		slot = token;
		slot->answered = true;
		kick |= slot->workers;
	}
}

/* Called in interrupt context when the device has answered requests. */
static void answered_callback(struct virtqueue *queue)
{
	struct aerostat_virtio *d = queue->vdev->priv;
	unsigned long flags;
	bool kick = false;

	spin_lock_irqsave(&d->lock, flags);
	if (d->running)
		kick = note_answers(d, queue);
	spin_unlock_irqrestore(&d->lock, flags);
	wake_up(&d->answers);
	if (kick)
		aerostat_kick();
}

/* -- statistics ------------------------------------------------------------------ */

/* Called in interrupt context when the device has read the statistics and wants new ones. */
static void stats_callback(struct virtqueue *queue)
{
	struct aerostat_virtio *d = queue->vdev->priv;
	unsigned long flags;

	spin_lock_irqsave(&d->lock, flags);
	if (d->running)
		queue_work(system_freezable_wq, &d->stats_work);
	spin_unlock_irqrestore(&d->lock, flags);
}

/* Gives the device the buffer, which is always there: it answers when it wants new figures. */
static void send_stats(struct aerostat_virtio *d, struct virtqueue *queue, unsigned int n)
{
	struct scatterlist sg;
	unsigned long flags;

	sg_init_one(&sg, d->stats, n * sizeof(d->stats[0]));
	spin_lock_irqsave(&d->lock, flags);
	if (virtqueue_add_outbuf(queue, &sg, 1, d, GFP_ATOMIC) == 0)
		virtqueue_kick(queue);
	spin_unlock_irqrestore(&d->lock, flags);
}

/* aerostat_virtio_remove_queues() waits for this before it removes the queue. */
static void stats_work(struct work_struct *work)
{
	struct aerostat_virtio *d = container_of(work, struct aerostat_virtio, stats_work);
	struct virtqueue *queue = d->queue[AERO_VIRTIO_STATS];
	unsigned int length, n = aerostat_virtio_read_stats(d);
	unsigned long flags;
	void *buffer;

	spin_lock_irqsave(&d->lock, flags);
	buffer = d->running ? virtqueue_get_buf(queue, &length) : NULL;
	spin_unlock_irqrestore(&d->lock, flags);
	if (buffer)
		send_stats(d, queue, n);
}

/* -- the queues ------------------------------------------------------------------- */

/*
 * QEMU numbers the queues one after the other for the features that it offers, whether they are
 * used or not.  Therefore each offered queue is made.
 */
static unsigned int list_queues(struct aerostat_virtio *d, enum aero_virtio_queue which[],
				vq_callback_t *callbacks[], const char *names[])
{
	u64 offered = aero_compat_virtio_offered(d->vdev);
	unsigned int i, n = 0;
	struct {
		enum aero_virtio_queue queue;
		u64 feature;
		vq_callback_t *callback;
	} all[] = {
		{AERO_VIRTIO_INFLATE, 0, answered_callback},
		{AERO_VIRTIO_DEFLATE, 0, answered_callback},
		{AERO_VIRTIO_STATS, AERO_VIRTIO_F_STATS, stats_callback},
		{AERO_VIRTIO_HINT, AERO_VIRTIO_F_FREE_PAGE_HINT, aerostat_virtio_hint_answered},
		{AERO_VIRTIO_REPORTING, AERO_VIRTIO_F_PAGE_REPORTING, answered_callback},
	};

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		if (all[i].feature && !(offered & all[i].feature))
			continue;
		which[n] = all[i].queue;
		callbacks[n] = all[i].callback;
		names[n++] = aero_virtio_queue_name(all[i].queue);
	}
	return n;
}

/* What the device has to leave behind in free pages that it discards. */
static void tell_poison(struct aerostat_virtio *d)
{
	u32 value = 0;

	if (!virtio_has_feature(d->vdev, VIRTIO_BALLOON_F_PAGE_POISON))
		return;
	if (!want_init_on_free())
		memset(&value, PAGE_POISON, sizeof(value));
	virtio_cwrite_le(d->vdev, struct virtio_balloon_config, poison_val, &value);
}

int aerostat_virtio_make_queues(struct aerostat_virtio *d)
{
	enum aero_virtio_queue which[AERO_VIRTIO_QUEUES];
	struct virtqueue *queues[AERO_VIRTIO_QUEUES] = {};
	vq_callback_t *callbacks[AERO_VIRTIO_QUEUES];
	const char *names[AERO_VIRTIO_QUEUES];
	unsigned int i, n = list_queues(d, which, callbacks, names);
	int err;

	INIT_WORK(&d->stats_work, stats_work);
	err = aero_compat_find_queues(d->vdev, n, queues, callbacks, names);
	if (err)
		return err;
	for (i = 0; i < n; i++)
		d->queue[which[i]] = queues[i];
	for (i = 0; i < AERO_VIRTIO_SLOTS; i++)
		d->slot[i].queue = NULL;
	tell_poison(d);
	virtio_device_ready(d->vdev);
	/* From here on others may use the queues. */
	spin_lock_irq(&d->lock);
	d->running = true;
	spin_unlock_irq(&d->lock);
	if (virtio_has_feature(d->vdev, VIRTIO_BALLOON_F_STATS_VQ))
		send_stats(d, d->queue[AERO_VIRTIO_STATS], aerostat_virtio_read_stats(d));
	aerostat_virtio_hint_look(d);
	d->fresh = true;
	return 0;
}

void aerostat_virtio_remove_queues(struct aerostat_virtio *d)
{
	bool running;

	spin_lock_irq(&d->lock);
	running = d->running;
	d->running = false;
	d->fresh = false;
	spin_unlock_irq(&d->lock);
	aero_compat_virtio_reset(d->vdev);
	if (!running)
		return;
	/* Only now does the device not touch any more what it was told of. */
	spin_lock_irq(&d->lock);
	d->report.in_flight = false;
	spin_unlock_irq(&d->lock);
	wake_up(&d->answers);
	aero_virtio_hint_reset(&d->hint.protocol);
	cancel_work_sync(&d->stats_work);
	d->vdev->config->del_vqs(d->vdev);
	memset(d->queue, 0, sizeof(d->queue));
}

/* Takes the device from a reset to the negotiated features, as the kernel's virtio does. */
static int negotiate(struct virtio_device *vdev)
{
	int err;

	virtio_add_status(vdev, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	virtio_add_status(vdev, VIRTIO_CONFIG_S_DRIVER);
	err = vdev->config->finalize_features(vdev);
	if (err || !virtio_has_feature(vdev, VIRTIO_F_VERSION_1))
		return err;
	virtio_add_status(vdev, VIRTIO_CONFIG_S_FEATURES_OK);
	return vdev->config->get_status(vdev) & VIRTIO_CONFIG_S_FEATURES_OK ? 0 : -ENODEV;
}

/* -- what the protocol calls ------------------------------------------------------- */

static bool start(void *ctx, u32 wanted, u32 *features)
{
	struct aerostat_virtio *d = ctx;
	unsigned int i;
	int err = 0;

	if (!d->fresh) {
		aerostat_virtio_remove_queues(d);
		err = negotiate(d->vdev);
		if (!err)
			err = aerostat_virtio_make_queues(d);
	}
	d->fresh = false;
	*features = 0;
	for (i = 0; !err && i <= VIRTIO_BALLOON_F_REPORTING; i++)
		if ((wanted & 1U << i) && virtio_has_feature(d->vdev, i))
			*features |= 1U << i;
	if (err)
		pr_warn_ratelimited("the device cannot be used (error %d)\n", err);
	return !err;
}

/* A device that was just made knows nothing of us yet. */
static void reset(void *ctx)
{
	struct aerostat_virtio *d = ctx;

	if (!d->fresh)
		aerostat_virtio_remove_queues(d);
}

/* A balloon that is to grow comes before hints, which may have taken all free memory. */
static u32 read_target(void *ctx)
{
	struct aerostat_virtio *d = ctx;
	u32 frames;

	virtio_cread_le(d->vdev, struct virtio_balloon_config, num_pages, &frames);
	if (frames > d->protocol.actual)
		aerostat_virtio_hint_relieve(&d->protocol, (frames - d->protocol.actual) >>
								   d->protocol.frame_shift);
	return frames;
}

static void write_actual(void *ctx, u32 frames)
{
	struct aerostat_virtio *d = ctx;

	virtio_cwrite_le(d->vdev, struct virtio_balloon_config, actual, &frames);
}

/* The device reads the array as one buffer, so it lies in one piece of memory. */
static u32 *alloc_frames(void *ctx, u32 n)
{
	return alloc_pages_exact(n * sizeof(u32), GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY);
}

static void free_frames(void *ctx, u32 *frames, u32 n)
{
	free_pages_exact(frames, n * sizeof(u32));
}

/* Queues a request of @n entries at @sg, which the device writes to if @in. */
static bool queue_request(struct aerostat_virtio *d, u32 slot, enum aero_virtio_queue on,
			  struct scatterlist *sg, unsigned int n, bool in)
{
	struct aerostat_virtio_slot *s = &d->slot[slot];
	struct virtqueue *queue = d->queue[on];
	unsigned long flags;
	int err = -ENODEV;

	spin_lock_irqsave(&d->lock, flags);
	s->answered = false;
	s->workers = aerostat_is_stepping();
	if (d->running && queue)
		err = in ? virtqueue_add_inbuf(queue, sg, n, s, GFP_ATOMIC)
			 : virtqueue_add_outbuf(queue, sg, n, s, GFP_ATOMIC);
	if (!err)
		virtqueue_kick(queue);
	spin_unlock_irqrestore(&d->lock, flags);
	/* A queue that is broken takes nothing.  Whoever asks for the answer is told so. */
	if (err == -EIO)
		err = 0;
	s->queue = err ? NULL : queue;
	return !err;
}

static bool send_frames(void *ctx, u32 slot, enum aero_virtio_queue queue, const u32 *frames, u32 n)
{
	struct scatterlist sg;

	sg_init_one(&sg, frames, n * sizeof(u32));
	return queue_request(ctx, slot, queue, &sg, 1, false);
}

static bool send_blocks(void *ctx, u32 slot, const struct aero_batch *batch)
{
	struct aerostat_virtio *d = ctx;
	struct scatterlist *sg = d->slot[slot].blocks;
	u32 i;

	sg_init_table(sg, batch->blocks);
	for (i = 0; i < batch->blocks; i++)
		sg_set_page(&sg[i], batch->block[i], PAGE_SIZE << AERO_BLOCK_ORDER, 0);
	return queue_request(d, slot, AERO_VIRTIO_REPORTING, sg, batch->blocks, true);
}

/* Indirect descriptors are not used (module.c), so each block takes an entry of the ring. */
static u32 blocks_max(void *ctx)
{
	struct aerostat_virtio *d = ctx;

	u32 ring = virtqueue_get_vring_size(d->queue[AERO_VIRTIO_REPORTING]);

	/* Free memory is told of on the same ring, so many entries at a time. */
	if (ring >= 2 * PAGE_REPORTING_CAPACITY)
		ring -= PAGE_REPORTING_CAPACITY;
	return min_t(u32, ring, AERO_BATCH_MAX);
}

static bool is_over(struct aerostat_virtio *d, const struct aerostat_virtio_slot *s)
{
	return READ_ONCE(s->answered) || !READ_ONCE(d->running) || virtqueue_is_broken(s->queue);
}

/* The task waits no longer, so the worker looks at the answer when it comes. */
static void leave_to_worker(struct aerostat_virtio *d, struct aerostat_virtio_slot *s)
{
	spin_lock_irq(&d->lock);
	s->workers = true;
	spin_unlock_irq(&d->lock);
}

static enum aero_virtio_state answered(void *ctx, u32 slot, u32 patience_ms)
{
	struct aerostat_virtio *d = ctx;
	struct aerostat_virtio_slot *s = &d->slot[slot];
	bool over;

	if (!s->queue)
		return AERO_VIRTIO_BROKEN;
	if (patience_ms &&
	    !wait_event_timeout(d->answers, is_over(d, s), msecs_to_jiffies(patience_ms)))
		leave_to_worker(d, s);
	/* In this order, because the answer may come between the two looks. */
	over = is_over(d, s);
	if (READ_ONCE(s->answered))
		return AERO_VIRTIO_ANSWERED;
	return over ? AERO_VIRTIO_BROKEN : AERO_VIRTIO_PENDING;
}

/* -- free memory ---------------------------------------------------------------------- */

static int send_report(struct aerostat_virtio *d, struct scatterlist *free, unsigned int n)
{
	struct virtqueue *queue;
	unsigned long flags;
	int err = -ENODEV;

	spin_lock_irqsave(&d->lock, flags);
	queue = d->queue[AERO_VIRTIO_REPORTING];
	if (d->running && queue)
		err = virtqueue_add_inbuf(queue, free, n, &d->report, GFP_ATOMIC);
	if (!err) {
		d->report.answered = false;
		d->report.in_flight = true;
		virtqueue_kick(queue);
	}
	spin_unlock_irqrestore(&d->lock, flags);
	return err;
}

static u64 count_pages(struct scatterlist *free, unsigned int n)
{
	struct scatterlist *entry;
	unsigned int i;
	u64 bytes = 0;

	for_each_sg(free, entry, n, i) bytes += entry->length;
	return bytes >> PAGE_SHIFT;
}

/*
 * The kernel must not have the memory back before the device has done with it.  That is so when it
 * has answered, or after a reset, which ends the wait as well.
 */
int aerostat_virtio_report_free(void *hypervisor, struct scatterlist *free, unsigned int n)
{
	struct aerostat_virtio *d = container_of(hypervisor, struct aerostat_virtio, protocol);
	int err = send_report(d, free, n);

	if (err)
		return err;
	wait_event(d->answers, !READ_ONCE(d->report.in_flight));
	if (!READ_ONCE(d->report.answered))
		return -ENODEV;
	WRITE_ONCE(d->report.pages, d->report.pages + count_pages(free, n));
	return 0;
}

const struct aero_virtio_guest aerostat_virtio_guest = {
	.start = start,
	.reset = reset,
	.read_target = read_target,
	.write_actual = write_actual,
	.alloc_frames = alloc_frames,
	.free_frames = free_frames,
	.send_frames = send_frames,
	.send_blocks = send_blocks,
	.blocks_max = blocks_max,
	.answered = answered,
};
