/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* aerostatd: what its files share.  One thread, one daemon. */
#ifndef AEROSTAT_DAEMON_DAEMON_H
#define AEROSTAT_DAEMON_DAEMON_H

#include "export.h"
#include "home.h"
#include "psi.h"
#include "tell.h"

/* docs/use/selfballoon.md promises these. */
enum aero_exit {
	AERO_OK = 0,
	AERO_FAILED = 1,      /* the machine did not let us */
	AERO_MISUSE = 2,      /* options are wrong; nothing was done */
	AERO_NO_PRESSURE = 3, /* the kernel does not measure pressure */
	AERO_NO_BALLOON = 4,  /* no balloon's module is loaded */
};

#define AERO_STALL_FILE AERO_POLICY_FOLDER "/stall"

struct aero_daemon {
	const char *root; /* stands before /proc, /sys, /dev and /run; usually nothing */
	bool verbose, once, dry_run;
	uint32_t period_ms;
	int alone;   /* the lock that only one daemon holds */
	int trigger; /* to poll; -1: there is none */
	struct aero_psi before;
	bool away; /* the module was unloaded meanwhile */
	struct aero_home home;
	struct aero_export figures;
	struct aero_tell tell;
};

/* Works until it is told to stop.  Returns an enum aero_exit. */
int aero_daemon_run(struct aero_daemon *d);

#endif
