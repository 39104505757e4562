// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A simulated virtio balloon device: its configuration, two requests, and the frames it was told.
 */
#include "sim_virtio.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static uint32_t all_parts(const struct sim_virtio *v)
{
	return (uint32_t)((1ULL << (1U << v->frame_shift)) - 1);
}

static uint32_t *parts_of(struct sim_virtio *v, uint64_t pfn)
{
	if (!sim_page(v->port, pfn))
		sim_fail("frame 0x%" PRIx64 " is told, but is not the guest's", pfn);
	return &v->told[pfn - v->port->base_pfn];
}

/* A page is gone when all of its frames were told. */
static void inflate(struct sim_virtio *v, uint32_t frame)
{
	uint64_t pfn = frame >> v->frame_shift;
	uint32_t *parts = parts_of(v, pfn), part = 1U << (frame & ((1U << v->frame_shift) - 1));

	if (*parts & part)
		sim_fail("frame 0x%x is told twice", frame);
	*parts |= part;
	if (*parts == all_parts(v))
		sim_discard(v->port, pfn, 1);
	v->told_in++;
}

/* Frames of a block that was reported, not told, may be told back. */
static void deflate(struct sim_virtio *v, uint32_t frame)
{
	uint64_t pfn = frame >> v->frame_shift;
	uint32_t *parts = parts_of(v, pfn), part = 1U << (frame & ((1U << v->frame_shift) - 1));

	if (*parts == all_parts(v))
		sim_populate(v->port, pfn, 1);
	*parts &= ~part;
	v->told_out++;
}

static void report(struct sim_virtio *v, uint64_t pfn)
{
	sim_discard(v->port, pfn, 1U << AERO_BLOCK_ORDER);
	sim_populate(v->port, pfn, 1U << AERO_BLOCK_ORDER);
	v->reports++;
}

void sim_virtio_work(struct sim_virtio *v, uint32_t slot)
{
	struct sim_virtio_request *r = &v->request[slot];
	uint32_t i;

	if (!r->queued || r->answered || v->stalled || v->broken)
		return;
	for (i = 0; i < r->blocks; i++)
		report(v, r->block[i]);
	for (i = 0; i < r->n; i++) {
		if (r->queue == AERO_VIRTIO_INFLATE)
			inflate(v, r->frames[i]);
		else
			deflate(v, r->frames[i]);
	}
	r->answered = true;
	v->kicks++;
}

/* -- what the guest's half calls ------------------------------------------------ */

/* After a reset, memory that was told is there again, when it is touched. */
static void reset(void *ctx)
{
	struct sim_virtio *v = ctx;
	uint32_t i;

	v->resets++;
	v->running = v->broken = false;
	memset(v->request, 0, sizeof(v->request));
	for (i = 0; i < v->port->pages; i++) {
		if (v->told[i] == all_parts(v))
			sim_populate(v->port, v->port->base_pfn + i, 1);
		v->told[i] = 0;
	}
}

static bool start(void *ctx, uint32_t wanted, uint32_t *features)
{
	struct sim_virtio *v = ctx;

	reset(v);
	if (v->no_start) {
		v->no_start--;
		return false;
	}
	*features = v->offered & wanted;
	v->running = true;
	return true;
}

static uint32_t read_target(void *ctx)
{
	return ((struct sim_virtio *)ctx)->num_pages;
}

static void write_actual(void *ctx, uint32_t frames)
{
	((struct sim_virtio *)ctx)->actual = frames;
}

static uint32_t *alloc_frames(void *ctx, uint32_t n)
{
	struct sim_virtio *v = ctx;

	if (v->no_frames) {
		v->no_frames--;
		return NULL;
	}
	return calloc(n, sizeof(uint32_t));
}

static void free_frames(void *ctx, uint32_t *frames, uint32_t n)
{
	(void)ctx;
	(void)n;
	free(frames);
}

static struct sim_virtio_request *queue(struct sim_virtio *v, uint32_t slot,
					enum aero_virtio_queue queue)
{
	struct sim_virtio_request *r = &v->request[slot];

	if (!v->running)
		sim_fail("a request to a device that was not started");
	if (r->queued)
		sim_fail("slot %u is in use", slot);
	if (v->full)
		return NULL;
	*r = (struct sim_virtio_request){.queued = true, .queue = queue};
	return r;
}

static bool send_frames(void *ctx, uint32_t slot, enum aero_virtio_queue on, const uint32_t *frames,
			uint32_t n)
{
	struct sim_virtio_request *r = queue(ctx, slot, on);

	if (!r)
		return false;
	r->frames = frames;
	r->n = n;
	return true;
}

static bool send_blocks(void *ctx, uint32_t slot, const struct aero_batch *batch)
{
	struct sim_virtio_request *r = queue(ctx, slot, AERO_VIRTIO_REPORTING);

	if (!r)
		return false;
	for (r->blocks = 0; r->blocks < batch->blocks; r->blocks++)
		r->block[r->blocks] = batch->first[r->blocks].v;
	return true;
}

static uint32_t blocks_max(void *ctx)
{
	return ((struct sim_virtio *)ctx)->blocks_max;
}

/* While the guest waits, the device works. */
static enum aero_virtio_state answered(void *ctx, uint32_t slot, uint32_t patience_ms)
{
	struct sim_virtio *v = ctx;
	struct sim_virtio_request *r = &v->request[slot];

	if (!r->queued)
		sim_fail("slot %u is asked for, and is not in use", slot);
	if (patience_ms)
		sim_virtio_work(v, slot);
	if (!r->answered)
		return v->broken ? AERO_VIRTIO_BROKEN : AERO_VIRTIO_PENDING;
	r->queued = false;
	return AERO_VIRTIO_ANSWERED;
}

void sim_virtio_create(struct sim_virtio *v, struct aero_port *port, uint32_t frame_shift)
{
	*v = (struct sim_virtio){
		.port = port,
		.frame_shift = frame_shift,
		.blocks_max = 128,
		.guest = {.start = start,
			  .reset = reset,
			  .read_target = read_target,
			  .write_actual = write_actual,
			  .alloc_frames = alloc_frames,
			  .free_frames = free_frames,
			  .send_frames = send_frames,
			  .send_blocks = send_blocks,
			  .blocks_max = blocks_max,
			  .answered = answered},
	};
	v->told = calloc(port->pages, sizeof(*v->told));
	if (!v->told)
		sim_fail("no memory for a device");
}

void sim_virtio_destroy(struct sim_virtio *v)
{
	free(v->told);
}
