/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Two sockets in /run/aerostat-hostd: `control`, for root and a group, takes every request; `read`,
 * for everybody, those that change nothing.  One line in, one line out, and the end.
 */
#ifndef AEROSTAT_HOSTD_CONTROL_H
#define AEROSTAT_HOSTD_CONTROL_H

#include "hostd.h"
#include "loop.h"

#define CONTROL_FOLDER "/run/aerostat-hostd"

struct control;

/* Opens both; only one daemon can.  NULL: it has been said. */
struct control *control_new(const struct hostd *d, const struct loop *loop, struct aero_manager *m);

/* After each step: answers what waits, and ends what takes too long. */
void control_step(struct control *c);

void control_free(struct control *c);

#endif
