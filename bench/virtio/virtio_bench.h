/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The bench for virtio: our driver and the kernel's own in the same guest, with the balloon device
 * of stock QEMU.  measure.c is called by the frame.
 */
#ifndef AEROSTAT_BENCH_VIRTIO_H
#define AEROSTAT_BENCH_VIRTIO_H

#include "zeroing.h"

/* What the device offers, and what the guest's memory is. */
enum offer { OFFER_REPORTING, OFFER_REPORTING_FILE, OFFER_NUMBERS, OFFERS };

enum figure {
	/* Guest instructions per page until the guest rests; the idle guest's share taken off. */
	FIGURE_INSTRUCTIONS,
	/* How often the device has answered, per GiB: its interrupts. */
	FIGURE_ANSWERS,
	/* GiB/s from setting the target until the device knows that it is reached. */
	FIGURE_RATE,
	/* MiB of the host behind the guest's memory, before the move and after it. */
	FIGURE_BACKED,
	FIGURE_LEFT,
	/* Of a guest in some state: until the target, the heartbeat's largest gap, part. */
	FIGURE_SECONDS,
	FIGURE_GAP,
	FIGURE_LARGE,
	FIGURES
};

int virtio_load(struct bench *b, enum bench_driver driver);
int virtio_unload(struct bench *b, enum bench_driver driver);
int virtio_move(struct bench *b, enum bench_driver driver, enum bench_move direction,
		uint64_t goal);
int virtio_give(struct bench *b, unsigned int mib);
int virtio_large_pages(struct bench *b, enum bench_driver driver, double *pages);

#endif
