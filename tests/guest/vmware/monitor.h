/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the guest tests on VMware have in common: our driver in the guest, the monitor
 * outside, and what must hold between the two.  As in scenario.h, a message means
 * failure and NULL success.
 */
#ifndef AEROSTAT_TESTS_GUEST_VMWARE_MONITOR_H
#define AEROSTAT_TESTS_GUEST_VMWARE_MONITOR_H

#include "../common/driver.h"

#define SLACK_PAGES 512u /* deflation may leave less than this */
#define LARGE_PAGES 512u
#define SETTLE_MS   30000u /* a slow host meets a target within this time */

/* Loads aerostat_vmware.ko and what it needs; waits until it is connected. */
const char *driver_load(struct lab_guest *g);

/* Unloads it; afterwards the monitor must know of no page and no connection. */
const char *driver_unload(struct lab_guest *g);

/* Loads the kernel's own vmw_balloon.ko and waits until it is connected. */
const char *peer_load(struct lab_guest *g);

/* One number of the monitor's report, by keys separated with '.'. */
const char *monitor_number(struct lab_guest *g, const char *path, uint64_t *out);

/* Asks for a balloon of this many pages and waits until it has exactly so many. */
const char *inflate_to(struct lab_guest *g, uint64_t pages);

/*
 * With a data set of @data_mib and no free block of 2 MiB in the guest, loads the driver so that it
 * takes single pages only, and inflates to so many @pages.
 */
const char *inflate_single_pages(struct lab_guest *g, unsigned int data_mib, uint64_t pages);

/* The same downward, to within the slack; to nothing, exactly. */
const char *deflate_to(struct lab_guest *g, uint64_t pages);

/* Driver and monitor agree on the size, and it is this. */
const char *sizes_agree(struct lab_guest *g, uint64_t pages);

/* With an empty balloon: every page that was taken has been given back. */
const char *nothing_lost(struct lab_guest *g);

/* Settings of the monitor, as in docs/lab/monitor.md. */
#define MONITOR(g, ...) LAB_OK(lab_monitor_control(g, __VA_ARGS__))

/* For suites' after_test: whatever a test left behind is gone. */
const char *tidy(struct lab_guest *g);

#endif
