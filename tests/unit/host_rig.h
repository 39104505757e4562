/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A host with a few guests, whose figures tests set by hand. */
#ifndef AEROSTAT_TESTS_HOST_RIG_H
#define AEROSTAT_TESTS_HOST_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <aerostat/host_policy.h>

#define MIB	   1024ULL
#define GIB	   (1024 * MIB)
#define RIG_GUESTS 8

struct host_rig {
	const struct aero_host_policy *policy;
	void *config, *host_state, *states[RIG_GUESTS];
	size_t count;
	struct aero_host_figures host;
	struct aero_host_guest guest[RIG_GUESTS];
	struct aero_host_decision decision[RIG_GUESTS];
};

/* A host with @total_kib for its guests alone; a step is 5 s. */
void rig_init(struct host_rig *r, const char *policy, uint64_t total_kib);
void rig_free(struct host_rig *r);

/* Sets an option of the policy. */
void rig_set(struct host_rig *r, const char *option, uint32_t value);

/*
 * Adds a guest of 256 MiB to 4 GiB with 1000 shares that has @has_kib and uses @used_kib of it;
 * the rest is free.  Returns its number.
 */
size_t rig_add(struct host_rig *r, uint64_t has_kib, uint64_t used_kib);

/* The guest now uses so much; of the rest, @cache_kib is page cache. */
void rig_use(struct host_rig *r, size_t i, uint64_t used_kib, uint64_t cache_kib);

/* One step; the guests then have what they were asked to have, and use what they used. */
void rig_step(struct host_rig *r);

/* The same, but the guests stay as they are. */
void rig_decide(struct host_rig *r);

#endif
