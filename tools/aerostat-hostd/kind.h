/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The kinds of host that the daemon knows: what differs between them.  Each is optional. */
#ifndef AEROSTAT_HOSTD_KIND_H
#define AEROSTAT_HOSTD_KIND_H

#include "hostd.h"
#include "loop.h"

struct hostd_kind {
	const char *name; /* of --backend */
	const struct loop *loop;
	const struct aero_host_backend *backend;
	/*
	 * Its self; hurry() is called when a guest has come, gone or changed its settings.  NULL:
	 * no memory.
	 */
	void *(*open)(const struct hostd *d, void (*hurry)(void *to), void *to);
	void (*close)(void *self);
};

/* As far as they were built. */
extern const struct hostd_kind hostd_kind_libvirt, hostd_kind_xen;

/* That of the name, or for NULL what this machine is.  NULL: it was not built, which has been said.
 */
const struct hostd_kind *hostd_kind_choose(const char *root, const char *name);

#endif
