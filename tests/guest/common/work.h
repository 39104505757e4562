/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A guest whose CPUs all allocate and free: processes, files, compaction, huge pages and swap.
 * As in scenario.h, a message means failure and NULL success.
 */
#ifndef AEROSTAT_TESTS_GUEST_COMMON_WORK_H
#define AEROSTAT_TESTS_GUEST_COMMON_WORK_H

#include "scenario.h"

#define WORK_KINDS 4u

struct work {
	int ids[WORK_KINDS]; /* of requests to the agent */
};

/* Until work_end(), or for time_s seconds, after which work_end() fails. */
const char *work_start(struct lab_guest *g, struct work *work, unsigned int time_s);

/* Each kind of work must have gone on without a failure. */
const char *work_end(struct lab_guest *g, const struct work *work);

#endif
