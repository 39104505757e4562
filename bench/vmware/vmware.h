/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The bench for VMware: our driver and the kernel's own in the same guest, against the
 * same monitor.  measure.c is called by the frame.
 */
#ifndef AEROSTAT_BENCH_VMWARE_H
#define AEROSTAT_BENCH_VMWARE_H

#include "zeroing.h"

enum mode { MODE_2M, MODE_4K, MODE_UNBATCHED, MODES };

enum figure {
	/* Guest instructions per page up to the run's last command, as the monitor counts. */
	FIGURE_INSTRUCTIONS,
	/* The same with what comes after that command; the idle guest's share taken off. */
	FIGURE_WHOLE,
	/* Lock or unlock commands per GiB. */
	FIGURE_COMMANDS,
	/* GiB/s up to the run's last command. */
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

int vmware_load(struct bench *b, enum bench_driver driver);
int vmware_unload(struct bench *b, enum bench_driver driver);
int vmware_move(struct bench *b, enum bench_driver driver, enum bench_move direction,
		uint64_t goal);
int vmware_give(struct bench *b, unsigned int mib);
int vmware_large_pages(struct bench *b, enum bench_driver driver, double *pages);

#endif
