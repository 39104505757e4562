/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A simulated virtio balloon device under the simulated guest.  It works when it is told to, so a
 * request can stay unanswered for as long as a test likes.  Like sim.h it ends the test at a
 * mistake: a frame that is told twice, or one that is not the guest's.
 *
 * Memory of frames that were told is gone until they are told back.  Reported memory loses its
 * content when the request is worked on, and is there again at once.
 */
#ifndef AEROSTAT_TESTS_SIM_VIRTIO_H
#define AEROSTAT_TESTS_SIM_VIRTIO_H

#include <aerostat/virtio.h>

#include "sim.h"

struct sim_virtio_request {
	bool queued, answered;
	enum aero_virtio_queue queue;
	const uint32_t *frames;
	uint32_t n;
	uint64_t block[AERO_BATCH_MAX]; /* first frames of reported blocks */
	uint32_t blocks;
};

struct sim_virtio {
	struct aero_port *port;
	struct aero_virtio_guest guest; /* for aero_virtio_init(); its ctx is this struct */
	uint32_t frame_shift;

	/* A test may change these at any time. */
	uint32_t offered; /* AERO_VIRTIO_F_* */
	uint32_t num_pages;
	uint32_t blocks_max;
	bool stalled;	    /* answers nothing */
	bool broken;	    /* will not answer any more until it is reset */
	bool full;	    /* no request can be queued */
	uint32_t no_start;  /* so many attempts to start fail */
	uint32_t no_frames; /* so many allocations fail */

	/* What happened. */
	uint32_t actual;
	uint64_t kicks, reports, told_in, told_out, resets;

	bool running;
	uint32_t *told; /* by guest page: one bit for each of its frames */
	struct sim_virtio_request request[AERO_VIRTIO_SLOTS];
};

void sim_virtio_create(struct sim_virtio *v, struct aero_port *port, uint32_t frame_shift);
void sim_virtio_destroy(struct sim_virtio *v);

/* The device works on the request of @slot, if there is one and it is not stalled or broken. */
void sim_virtio_work(struct sim_virtio *v, uint32_t slot);

#endif
