/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * virtio's traditional memory balloon on the wire: numbers only.  They come from the virtio
 * standard 1.3, section 5.5; docs/design/virtio.md explains them in prose.
 */
#ifndef AEROSTAT_ABI_VIRTIO_H
#define AEROSTAT_ABI_VIRTIO_H

/* Feature bits. */
#define AERO_VIRTIO_F_MUST_TELL_HOST (1U << 0) /* a page may be used when deflation is answered */
#define AERO_VIRTIO_F_STATS	     (1U << 1) /* the statistics queue */
#define AERO_VIRTIO_F_DEFLATE_ON_OOM (1U << 2) /* the guest may deflate below the target */
#define AERO_VIRTIO_F_FREE_PAGE_HINT (1U << 3)
#define AERO_VIRTIO_F_PAGE_POISON    (1U << 4)
#define AERO_VIRTIO_F_PAGE_REPORTING (1U << 5) /* the reporting queue */

/* Queues, by what they are for.  Which index each has depends on the features in use. */
enum aero_virtio_queue {
	AERO_VIRTIO_INFLATE,
	AERO_VIRTIO_DEFLATE,
	AERO_VIRTIO_STATS,
	AERO_VIRTIO_HINT,
	AERO_VIRTIO_REPORTING,
	AERO_VIRTIO_QUEUES
};

/*
 * Commands of the free page hints: the configuration's free_page_hint_cmd_id, and what the driver
 * sends.  All other values are numbers of requests for hints.
 */
#define AERO_VIRTIO_COMMAND_STOP 0U
#define AERO_VIRTIO_COMMAND_DONE 1U

/* Frames are of 4 KiB, whatever the guest's page is, and their numbers have 32 bits. */
#define AERO_VIRTIO_FRAME_SHIFT	 12

#endif
