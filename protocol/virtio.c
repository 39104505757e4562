// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The guest's half of virtio's balloon protocol.  docs/design/virtio.md describes it.
 *
 * Pages are told by their frame numbers on the inflate and deflate queues.  If the device offers
 * the reporting queue, large blocks are reported there as free instead, and a block needs no
 * message when the guest takes it back: a reported page is the driver's to use again at any time.
 */
#include <aerostat/virtio.h>

#define NULL_FRAMES	((uint32_t *)0)
#define NULL_BATCH	((const struct aero_batch *)0)

/*
 * One request tells up to this many frames: 256 MiB.  The time that a request takes to the device
 * and back does not matter then, and the array is not too large to be allocated.
 */
#define FRAMES_MAX	65536U

/* During a run the device is told the balloon's size not more often than this. */
#define ACTUAL_EVERY_MS 100U

#define SAID_HIGH_FRAME (1U << 0)
#define SAID_BROKEN	(1U << 1)

static bool has(const struct aero_virtio *v, uint32_t feature)
{
	return v->features & feature;
}

bool aero_virtio_reports_blocks(const struct aero_virtio *v)
{
	return v->connected && v->report_blocks && has(v, AERO_VIRTIO_F_PAGE_REPORTING);
}

static void say_once(struct aero_virtio *v, uint32_t message, const char *text)
{
	if (!(v->said & message))
		aero_port_log(v->port, AERO_LOG_WARNING, "virtio: %s (not logged again)", text);
	v->said |= message;
}

/* -- the connection --------------------------------------------------------- */

/* QEMU keeps the last size when the driver leaves, so it is told that nothing is held. */
static void end_connection(struct aero_virtio *v)
{
	uint32_t s;

	if (v->actual)
		v->guest->write_actual(v->ctx, 0);
	v->actual = 0;
	v->guest->reset(v->ctx);
	v->connected = false;
	for (s = 0; s < AERO_VIRTIO_SLOTS; s++)
		v->slot[s].batch = NULL_BATCH;
}

static void quiesce(void *hypervisor)
{
	end_connection(hypervisor);
}

static void disconnect(void *hypervisor)
{
	(void)hypervisor;
}

static void free_frames(struct aero_virtio *v)
{
	uint32_t s;

	for (s = 0; s < AERO_VIRTIO_SLOTS; s++) {
		if (v->slot[s].frames)
			v->guest->free_frames(v->ctx, v->slot[s].frames, v->frames_max);
		v->slot[s].frames = NULL_FRAMES;
	}
}

/* At least a batch of single pages has to fit. */
static uint32_t frames_min(const struct aero_virtio *v)
{
	return AERO_BATCH_MAX << v->frame_shift;
}

/* Allocates arrays as long as there is memory for.  Returns false if there is too little. */
static bool get_frames(struct aero_virtio *v)
{
	uint32_t n, s;

	if (v->slot[0].frames)
		return true;
	for (n = FRAMES_MAX; n >= frames_min(v); n /= 2) {
		v->frames_max = n;
		for (s = 0; s < AERO_VIRTIO_SLOTS; s++) {
			v->slot[s].frames = v->guest->alloc_frames(v->ctx, n);
			if (!v->slot[s].frames)
				break;
		}
		if (s == AERO_VIRTIO_SLOTS)
			return true;
		free_frames(v);
	}
	return false;
}

/* How many large blocks one request may have, on the queue that is used for them. */
static uint32_t large_units(const struct aero_virtio *v)
{
	if (aero_virtio_reports_blocks(v))
		return v->guest->blocks_max(v->ctx);
	return v->frames_max >> (AERO_BLOCK_ORDER + v->frame_shift);
}

static enum aero_reply connect(void *hypervisor, struct aero_link *link)
{
	struct aero_virtio *v = hypervisor;

	if (!get_frames(v) || !v->guest->start(v->ctx, v->features_wanted, &v->features))
		return AERO_REPLY_FAILED;
	v->features &= v->features_wanted;
	v->connected = true;
	link->divisible = true;
	link->large_units = large_units(v);
	link->large = link->large_units != 0;
	return AERO_REPLY_OK;
}

static enum aero_reply get_target(void *hypervisor, uint64_t limit_pages, uint64_t *target_pages)
{
	struct aero_virtio *v = hypervisor;

	(void)limit_pages;
	*target_pages = v->guest->read_target(v->ctx) >> v->frame_shift;
	return AERO_REPLY_OK;
}

static void note_size(void *hypervisor, uint64_t size_pages, bool at_rest)
{
	struct aero_virtio *v = hypervisor;
	uint64_t now, frames = size_pages << v->frame_shift;

	if (frames > UINT32_MAX)
		frames = UINT32_MAX;
	if (frames == v->actual)
		return;
	now = aero_port_now_ms(v->port);
	if (!at_rest && now - v->actual_ms < ACTUAL_EVERY_MS)
		return;
	v->actual = (uint32_t)frames;
	v->actual_ms = now;
	v->guest->write_actual(v->ctx, v->actual);
}

/* -- batches ------------------------------------------------------------------ */

static bool find_slot(const struct aero_virtio *v, const struct aero_batch *batch, uint32_t *slot)
{
	for (*slot = 0; *slot < AERO_VIRTIO_SLOTS; (*slot)++)
		if (v->slot[*slot].batch == batch)
			return true;
	return false;
}

/*
 * Writes the frame numbers of all units.  A unit whose numbers do not fit in 32 bits cannot be
 * told, and is refused.  Returns how many numbers there are.
 */
static uint32_t write_frames(struct aero_virtio *v, struct aero_batch *batch, uint32_t *frames)
{
	uint32_t u, i, n = 0, each = 1U << (batch->wire_order + v->frame_shift);

	for (u = 0; u < batch->units; u++) {
		uint64_t first = (uint64_t)aero_batch_pfn(batch, u).v << v->frame_shift;

		if (first + each - 1 > UINT32_MAX) {
			aero_batch_answer(batch, u, AERO_ANSWER_REFUSED);
			say_once(v, SAID_HIGH_FRAME,
				 "memory above 16 TiB cannot be told to the device");
			continue;
		}
		for (i = 0; i < each; i++)
			frames[n++] = (uint32_t)first + i;
	}
	return n;
}

/* The device is broken or gone.  After a reset it knows no page and touches none. */
static enum aero_reply lost(struct aero_virtio *v, struct aero_batch *batch)
{
	uint32_t u;

	v->broken++;
	say_once(v, SAID_BROKEN, "the device does not work any more; it is reset");
	end_connection(v);
	for (u = 0; u < batch->units; u++)
		aero_batch_answer(batch, u, AERO_ANSWER_RESET);
	return AERO_REPLY_RESET;
}

static enum aero_reply in_flight(struct aero_virtio *v, enum aero_virtio_queue queue, uint32_t slot,
				 struct aero_batch *batch)
{
	v->slot[slot].batch = batch;
	v->requests[queue]++;
	return AERO_REPLY_PENDING;
}

static enum aero_reply tell(struct aero_virtio *v, enum aero_virtio_queue queue,
			    struct aero_batch *batch)
{
	uint32_t n, slot;

	if (!v->connected)
		return lost(v, batch);
	if (!find_slot(v, NULL_BATCH, &slot))
		return AERO_REPLY_BUSY;
	n = write_frames(v, batch, v->slot[slot].frames);
	if (!n)
		return AERO_REPLY_OK;
	if (!v->guest->send_frames(v->ctx, slot, queue, v->slot[slot].frames, n))
		return AERO_REPLY_BUSY;
	return in_flight(v, queue, slot, batch);
}

static enum aero_reply report(struct aero_virtio *v, struct aero_batch *batch)
{
	uint32_t slot;

	if (!find_slot(v, NULL_BATCH, &slot) || !v->guest->send_blocks(v->ctx, slot, batch))
		return AERO_REPLY_BUSY;
	return in_flight(v, AERO_VIRTIO_REPORTING, slot, batch);
}

static enum aero_reply offer(void *hypervisor, struct aero_batch *batch)
{
	struct aero_virtio *v = hypervisor;

	if (batch->wire_order && aero_virtio_reports_blocks(v))
		return report(v, batch);
	return tell(v, AERO_VIRTIO_INFLATE, batch);
}

/*
 * A reported block is taken back without a message.  A page that was told is told again: a host
 * with larger pages than the guest's discards one of its pages when all of its parts are in the
 * balloon, and must not believe so of a part that the guest uses again.
 */
static enum aero_reply reclaim(void *hypervisor, struct aero_batch *batch)
{
	struct aero_virtio *v = hypervisor;

	if (batch->wire_order && aero_virtio_reports_blocks(v))
		return AERO_REPLY_OK;
	return tell(v, AERO_VIRTIO_DEFLATE, batch);
}

static enum aero_reply collect(void *hypervisor, struct aero_batch *batch, uint32_t patience_ms)
{
	struct aero_virtio *v = hypervisor;
	uint32_t slot;

	if (!find_slot(v, batch, &slot))
		return lost(v, batch);
	switch (v->guest->answered(v->ctx, slot, patience_ms)) {
	case AERO_VIRTIO_PENDING:
		v->late += patience_ms != 0;
		return AERO_REPLY_PENDING;
	case AERO_VIRTIO_ANSWERED:
		v->slot[slot].batch = NULL_BATCH;
		return AERO_REPLY_OK;
	default:
		return lost(v, batch);
	}
}

const struct aero_hypervisor_ops aero_virtio_ops = {
	.name = "virtio",
	.connect = connect,
	.quiesce = quiesce,
	.disconnect = disconnect,
	.get_target = get_target,
	.offer = offer,
	.reclaim = reclaim,
	.collect = collect,
	.note_size = note_size,
};

void aero_virtio_init(struct aero_virtio *v, struct aero_port *port,
		      const struct aero_virtio_guest *guest, void *ctx, uint32_t page_shift)
{
	*v = (struct aero_virtio){
		.port = port,
		.guest = guest,
		.ctx = ctx,
		.features_wanted = AERO_VIRTIO_F_MUST_TELL_HOST | AERO_VIRTIO_F_STATS |
				   AERO_VIRTIO_F_DEFLATE_ON_OOM | AERO_VIRTIO_F_FREE_PAGE_HINT |
				   AERO_VIRTIO_F_PAGE_POISON | AERO_VIRTIO_F_PAGE_REPORTING,
		.frame_shift = page_shift - AERO_VIRTIO_FRAME_SHIFT,
		.report_blocks = true,
	};
}

void aero_virtio_destroy(struct aero_virtio *v)
{
	free_frames(v);
}

/* -- names ------------------------------------------------------------------- */

static const char *const queue_names[AERO_VIRTIO_QUEUES] = {
	[AERO_VIRTIO_INFLATE] = "inflate",     [AERO_VIRTIO_DEFLATE] = "deflate",
	[AERO_VIRTIO_STATS] = "statistics",    [AERO_VIRTIO_HINT] = "hint",
	[AERO_VIRTIO_REPORTING] = "reporting",
};

const char *aero_virtio_queue_name(uint32_t queue)
{
	return queue < AERO_VIRTIO_QUEUES ? queue_names[queue] : "unknown";
}

const char *aero_virtio_feature_name(uint32_t feature)
{
	switch (feature) {
	case AERO_VIRTIO_F_MUST_TELL_HOST:
		return "must_tell_host";
	case AERO_VIRTIO_F_STATS:
		return "statistics";
	case AERO_VIRTIO_F_DEFLATE_ON_OOM:
		return "deflate_on_oom";
	case AERO_VIRTIO_F_FREE_PAGE_HINT:
		return "free_page_hint";
	case AERO_VIRTIO_F_PAGE_POISON:
		return "page_poison";
	case AERO_VIRTIO_F_PAGE_REPORTING:
		return "page_reporting";
	default:
		return "unknown";
	}
}
