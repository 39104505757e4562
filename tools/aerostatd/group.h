/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A control group for the child that brings pages home, below the daemon's own: the
 * kernel then says how long the child itself waited for memory, which is no pressure.
 * Where there are no control groups (version 2) all waiting counts as others'.
 */
#ifndef AEROSTAT_DAEMON_GROUP_H
#define AEROSTAT_DAEMON_GROUP_H

#include <stdint.h>

void aero_group_start(const char *root);
void aero_group_end(void);

/* The calling process from now on; and how long those in the group waited so far, us. */
void aero_group_enter(void);
uint64_t aero_group_waited_us(void);

#endif
