/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What xen-balloon and xen-busy have in common; $AERO_SEED repeats or varies their targets. */
#ifndef AEROSTAT_TESTS_GUEST_XEN_STORM_H
#define AEROSTAT_TESTS_GUEST_XEN_STORM_H

#include "domain.h"

#define MAX_MIB 512u /* what their domUs, of 256 MiB, may have */

uint64_t storm_seed(void);

/*
 * Targets the way `xl mem-set` leaves them, but without its process, which takes longer
 * than many of them need to be met.  Xen must let the
 * domain grow to all it may have.
 */
const char *write_targets(struct subject *s, uint64_t *state, unsigned int n, uint64_t low_kib,
			  uint64_t high_kib, unsigned int max_mib);

/* 200 targets that come faster than they can be met. */
const char *storm_dom0(struct lab_guest *dom0);
const char *storm_pv(struct lab_guest *dom0);
const char *storm_pvh(struct lab_guest *dom0);

/* Two domUs whose targets cross while the host holds only their sum. */
const char *crossing(struct lab_guest *dom0);

#endif
