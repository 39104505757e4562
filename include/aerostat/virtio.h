/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The guest's half of virtio's balloon protocol.  The guest's operating system provides the device
 * and its queues by a table of functions, none of which is called for each page.
 *
 * The device answers later.  A request is identified by a *slot*: there are as many slots as the
 * engine may have batches in flight.
 */
#ifndef AEROSTAT_VIRTIO_H
#define AEROSTAT_VIRTIO_H

#include <aerostat/abi/virtio.h>
#include <aerostat/hypervisor.h>

/* The engine has at most two batches in flight: hypervisor.h, collect(). */
#define AERO_VIRTIO_SLOTS 2U

/* What became of a request. */
enum aero_virtio_state {
	AERO_VIRTIO_PENDING,
	AERO_VIRTIO_ANSWERED,
	AERO_VIRTIO_BROKEN, /* the device is broken or gone and will not answer any more */
};

/* What the guest's operating system provides.  All functions are called under the step lock. */
struct aero_virtio_guest {
	/*
	 * Resets the device, negotiates no more than the features @wanted (AERO_VIRTIO_F_*), and
	 * makes the queues.  Stores the features in use.  Returns false if that is impossible now.
	 */
	bool (*start)(void *ctx, uint32_t wanted, uint32_t *features);

	/*
	 * Resets the device.  When it returns, the device accesses no memory of a request, no
	 * request is answered any more, and nothing kicks the worker.  May be called repeatedly.
	 */
	void (*reset)(void *ctx);

	/* The fields num_pages and actual of the configuration, in frames of 4 KiB. */
	uint32_t (*read_target)(void *ctx);
	void (*write_actual)(void *ctx, uint32_t frames);

	/*
	 * Allocates memory for @n frame numbers, which the device reads, or returns NULL.
	 * free_frames() frees it.
	 */
	uint32_t *(*alloc_frames)(void *ctx, uint32_t n);
	void (*free_frames)(void *ctx, uint32_t *frames, uint32_t n);

	/*
	 * Queues a request on @queue and notifies the device: @n frame numbers, which stay as they
	 * are until it is answered.  Returns false if nothing was queued.  Must not wait for
	 * memory.
	 */
	bool (*send_frames)(void *ctx, uint32_t slot, enum aero_virtio_queue queue,
			    const uint32_t *frames, uint32_t n);

	/* The same on the reporting queue, with each block of @batch as a buffer. */
	bool (*send_blocks)(void *ctx, uint32_t slot, const struct aero_batch *batch);

	/* How many buffers one request on the reporting queue may have.  Called after start(). */
	uint32_t (*blocks_max)(void *ctx);

	/* Waits up to @patience_ms until the request of @slot is answered; 0 only looks. */
	enum aero_virtio_state (*answered)(void *ctx, uint32_t slot, uint32_t patience_ms);
};

struct aero_virtio_slot {
	const struct aero_batch *batch; /* what is in flight, or NULL */
	uint32_t *frames;		/* of frames_max numbers */
};

/* All fields are protected by the step lock. */
struct aero_virtio {
	struct aero_port *port; /* for its log and its clock */
	const struct aero_virtio_guest *guest;
	void *ctx;
	uint32_t features_wanted; /* AERO_VIRTIO_F_* */
	uint32_t frame_shift;	  /* a page is 2^frame_shift frames */
	bool report_blocks;	  /* use the reporting queue for large blocks where there is one */

	uint32_t features; /* in use; meaningless without a connection */
	bool connected;
	uint32_t frames_max;
	struct aero_virtio_slot slot[AERO_VIRTIO_SLOTS];
	uint32_t actual; /* what the device was told last */
	uint64_t actual_ms;
	uint32_t said; /* messages that were logged and are not repeated, one bit each */
	uint64_t requests[AERO_VIRTIO_QUEUES];
	uint64_t late;	 /* requests that were not answered while somebody waited for them */
	uint64_t broken; /* how often the device was found broken */
};

/* The table for aero_init(), whose @hypervisor is then a struct aero_virtio. */
extern const struct aero_hypervisor_ops aero_virtio_ops;

/*
 * @guest and @ctx must exist as long as @v is used.  @page_shift is the guest's: 12 for pages of
 * 4 KiB.
 */
void aero_virtio_init(struct aero_virtio *v, struct aero_port *port,
		      const struct aero_virtio_guest *guest, void *ctx, uint32_t page_shift);

/* Frees the arrays of frame numbers.  Called after aero_stop(). */
void aero_virtio_destroy(struct aero_virtio *v);

/* Whether large blocks go to the device by the reporting queue. */
bool aero_virtio_reports_blocks(const struct aero_virtio *v);

/* The lower-case name of a queue or of one feature bit, or "unknown". */
const char *aero_virtio_queue_name(uint32_t queue);
const char *aero_virtio_feature_name(uint32_t feature);

#endif
