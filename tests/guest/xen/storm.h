/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Tests of xen-balloon; $AERO_SEED repeats or varies their targets. */
#ifndef AEROSTAT_TESTS_GUEST_XEN_STORM_H
#define AEROSTAT_TESTS_GUEST_XEN_STORM_H

#include "domain.h"

#define MAX_MIB 512u /* what their domUs, of 256 MiB, may have */

/* 200 targets that come faster than they can be met. */
const char *storm_dom0(struct lab_guest *dom0);
const char *storm_pv(struct lab_guest *dom0);
const char *storm_pvh(struct lab_guest *dom0);

/* Two domUs whose targets cross while the host holds only their sum. */
const char *crossing(struct lab_guest *dom0);

#endif
