/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Figures for Prometheus in a file: `aerostat export` is run again and again. */
#ifndef AEROSTAT_DAEMON_EXPORT_H
#define AEROSTAT_DAEMON_EXPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct aero_export {
	const char *root, *file; /* NULL: nothing is written */
	pid_t child;		 /* 0: none is at work */
	uint64_t next_us;
	bool bad; /* it failed the last time, which has been said */
};

/* Begins if it is time to.  To be called at least as often as the file should be written. */
void aero_export_step(struct aero_export *e);

/* Waits for what has begun. */
void aero_export_end(struct aero_export *e);

#endif
