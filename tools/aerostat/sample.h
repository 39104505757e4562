/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A guest's figures, from the files its kernel shows. */
#ifndef AEROSTAT_CLI_SAMPLE_H
#define AEROSTAT_CLI_SAMPLE_H

#include "cli.h"

/* Counters since boot, whose differences are the events of a recording. */
struct sample_counters {
	uint64_t refaults, scanned_pages, stolen_pages, swap_in_pages, swap_out_pages;
	uint64_t stalls, relieved_pages;
	uint64_t some_us, full_us;
	bool stalls_timed; /* some_us and full_us are known */
};

/*
 * Reads levels into *@figures and counters into *@counters.  @root: what stands
 * before /proc and /sys, usually nothing.  Errors: -1, and it has been said.
 */
int sample_read(const char *root, struct aero_policy_figures *figures,
		struct sample_counters *counters);

/* Fills in the events from @before to @now, in which @interval_ms went by. */
void sample_events(struct aero_policy_figures *figures, const struct sample_counters *before,
		   const struct sample_counters *now, uint32_t interval_ms);

#endif
