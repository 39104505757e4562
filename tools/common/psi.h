/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How long tasks wait for memory, as the kernel measures it: /proc/pressure/memory.
 * Errors are -errno; -EOPNOTSUPP: this kernel does not measure it.
 */
#ifndef AEROSTAT_COMMON_PSI_H
#define AEROSTAT_COMMON_PSI_H

#include <aerostat/policy.h>

#include "files.h"

#define AERO_PSI_FILE "/proc/pressure/memory"

/* Waited since boot: some tasks, and all that had something to do. */
struct aero_psi {
	uint64_t some_us, full_us;
	uint64_t at_us; /* aero_now_us() of the reading */
};

struct aero_stall {
	uint32_t some_permille, full_permille; /* 0 to 1000; full is not above some */
};

/* The two totals of such a file's text; false: it is none. */
bool aero_psi_parse(const char *text, struct aero_psi *psi);

int aero_psi_read(const char *root, struct aero_psi *now);

/*
 * The shares of the time from @before to @now.  Of the time in which tasks waited,
 * @own_us does not count: what our own work may have waited for.
 */
struct aero_stall aero_psi_stall(const struct aero_psi *before, const struct aero_psi *now,
				 uint64_t own_us);

/* Four times the policy's threshold of some tasks' waiting is what it calls urgent. */
#define AERO_PSI_URGENT_PERMILLE (4 * AERO_STALL_PERMILLE)

/*
 * From @before to @now, did some tasks wait longer than that share of the time, or of a
 * second where less has passed?  @own_us is taken off, as above.
 */
bool aero_psi_is_urgent(const struct aero_psi *before, const struct aero_psi *now, uint64_t own_us);

/*
 * A file descriptor that poll() finds in POLLPRI when some task waited for that share of
 * a second.  At most once a second.
 */
int aero_psi_trigger(const char *root);

#endif
