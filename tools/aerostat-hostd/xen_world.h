/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The machine that the daemon runs on, for the backend for Xen. */
#ifndef AEROSTAT_HOSTD_XEN_WORLD_H
#define AEROSTAT_HOSTD_XEN_WORLD_H

#include "loop.h"
#include "xen.h"

struct xen_machine;

/* The self of it is a struct xen_machine. */
extern const struct xen_world xen_world;

/* hurry() is called when a domain has come or gone.  NULL: no memory. */
struct xen_machine *xen_machine_new(const struct loop *loop, void (*hurry)(void *to), void *to);
void xen_machine_free(struct xen_machine *m);

#endif
