/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the guest tests of all platforms have in common: our driver in the guest and
 * its statistics, and loads.  As in scenario.h, a message means failure and NULL success.
 */
#ifndef AEROSTAT_TESTS_GUEST_COMMON_DRIVER_H
#define AEROSTAT_TESTS_GUEST_COMMON_DRIVER_H

#include "scenario.h"

#define STATS	 "/sys/kernel/debug/aerostat/stats"
#define SIZE_KIB "/sys/kernel/aerostat/size_kib"

/* Loads the platform's module of ours and what it needs, without waiting for anything. */
const char *driver_insert(struct lab_guest *g);

/* Unloads both modules of ours. */
const char *driver_remove(struct lab_guest *g);

/* Unloads whatever balloon driver is loaded, the kernel's own included. */
const char *drivers_gone(struct lab_guest *g);

/* A verb of the agent (docs/lab/lab.md) that must succeed. */
const char *agent(struct lab_guest *g, const char *request);

/*
 * All of four CPUs but the first leave and come back, again and again, between the two calls; @id
 * is the first one's for the second.
 */
const char *switch_cpus(struct lab_guest *g, int *id);
const char *switch_no_more_cpus(struct lab_guest *g, int id);

/* A process takes so much memory and keeps using it; waits until it has all of it. */
const char *hog(struct lab_guest *g, unsigned int mib);

/* The same where there is no room for it: waits until it has been killed. */
const char *hog_is_killed(struct lab_guest *g, unsigned int mib);

/* Waits until the guest has ended; @how says by what, for the reader. */
const char *guest_ends(struct lab_guest *g, const char *how, unsigned int limit_ms);

/* Adds `scale` times the figure NAME of the statistics' text to *sum; false: it is not there. */
bool stats_add(const char *text, const char *name, uint64_t scale, uint64_t *sum);

/* One figure of debugfs aerostat/stats. */
const char *driver_stat(struct lab_guest *g, const char *name, uint64_t *out);
uint64_t driver_stat_or_0(struct lab_guest *g, const char *name);

#endif
