// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Xen's dom0. */
#include "kind.h"
#include "xen.h"
#include "xen_world.h"

static void *open_xen(const struct hostd *d, void (*hurry)(void *to), void *to)
{
	struct xen_machine *machine = xen_machine_new(&loop_own, hurry, to);
	struct xen *x = machine ? xen_new(&xen_world, machine) : NULL;

	(void)d;
	if (machine && !x)
		xen_machine_free(machine);
	return x;
}

static void close_xen(void *self)
{
	xen_free(self);
}

const struct hostd_kind hostd_kind_xen = {
	.name = "xen",
	.loop = &loop_own,
	.backend = &xen_backend,
	.open = open_xen,
	.close = close_xen,
};
