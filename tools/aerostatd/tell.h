/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Tells the host of a guest of Xen how its memory is used: one line in xenstore, data/aerostat
 * (docs/use/abi.md), by which aerostat-hostd shares memory out.  On VMware and KVM the balloon's
 * device or the tools do that.
 */
#ifndef AEROSTAT_DAEMON_TELL_H
#define AEROSTAT_DAEMON_TELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AERO_TELL_ANSWER_MAX 64U

struct aero_tell {
	const char *root;
	int bus;    /* the kernel's device for xenstore; -1: it is not open */
	bool off;   /* there is nobody to tell */
	bool waits; /* for an answer; until it comes nothing is written */
	size_t has; /* of the answer */
	char answer[AERO_TELL_ANSWER_MAX];
	uint64_t told_us;
};

void aero_tell_start(struct aero_tell *t, const char *root, bool off);

/* At each report: never waits. */
void aero_tell_step(struct aero_tell *t);

/* The line goes: what is old says nothing. */
void aero_tell_end(struct aero_tell *t);

#endif
