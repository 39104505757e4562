/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the files of one world share; world.h is what a test sees. */
#ifndef AEROSTAT_TESTS_WORLD_INTERNAL_H
#define AEROSTAT_TESTS_WORLD_INTERNAL_H

#include "world.h"

/* -- sights.c: what was seen, and what is told of it ------------------------------- */

/* A line of the world's course, when it is verbose. */
__attribute__((format(printf, 2, 3))) void tell(const struct world *w, const char *format, ...);

void see(struct world *w, enum world_sight sight, uint64_t n);

/* The monitor counts through its whole life. */
void collect_statuses(struct world *w);

bool is_batched(uint32_t command);

/* -- sides.c: the hypervisor's side and the guest's -------------------------------- */

extern const struct aero_vmware_guest guest_ops;

struct aero_monitor_host host_of(struct world *w);

/* The books of both sides agree, or the process ends with a message. */
void check(struct world *w);

#endif
