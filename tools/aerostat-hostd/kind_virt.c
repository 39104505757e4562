// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A host with libvirt. */
#include "kind.h"
#include "loop_virt.h"
#include "virt.h"

static void *open_virt(const struct hostd *d, void (*hurry)(void *to), void *to)
{
	return virt_new(d->uri, hurry, to);
}

static void close_virt(void *self)
{
	virt_free(self);
}

const struct hostd_kind hostd_kind_libvirt = {
	.name = "libvirt",
	.loop = &loop_virt,
	.backend = &virt_backend,
	.open = open_virt,
	.close = close_virt,
};
