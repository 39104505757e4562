/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* aerostat-hostd: what its files share.  One thread, which an event loop runs (loop.h). */
#ifndef AEROSTAT_HOSTD_HOSTD_H
#define AEROSTAT_HOSTD_HOSTD_H

#include "manager.h"
#include "psi.h"

/* docs/use/host.md promises these. */
enum hostd_exit {
	HOSTD_OK = 0,
	HOSTD_FAILED = 1, /* the machine did not let us */
	HOSTD_MISUSE = 2, /* options or, with --check, the configuration are wrong */
};

struct hostd {
	const char *root;  /* stands before /proc, /etc and /run; usually nothing */
	const char *kind;  /* libvirt or xen; NULL: what this machine is */
	const char *uri;   /* of libvirt; NULL: its default */
	const char *file;  /* of the configuration; NULL: /etc/aerostat/host.conf */
	const char *group; /* the first of these that exists may change things */
	bool check;
	struct aero_manager_config config;
};

/* "aerostat-hostd: ..." on standard error, in one line. */
void hostd_say_line(const char *line);
__attribute__((format(printf, 1, 2))) void hostd_say(const char *format, ...);

/* Works until it is told to stop.  Returns an enum hostd_exit. */
int hostd_run(struct hostd *d);

/* ---- reading.c ---- */

/* Figures of the host.  @before: the last reading of its pressure, zeroes at first. */
void hostd_read(const char *root, struct aero_psi *before, struct aero_host_reading *reading);

#endif
