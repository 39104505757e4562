/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a hypervisor's toolstack is to the manager: a table of functions.  tools/aerostat-hostd has
 * those for libvirt and Xen.
 */
#ifndef AEROSTAT_HOST_BACKEND_H
#define AEROSTAT_HOST_BACKEND_H

#include <aerostat/host_policy.h>

#include "settings.h"

#define AERO_HOST_ID_MAX     64U
#define AERO_HOST_NAME_MAX   128U
#define AERO_HOST_WORDS_MAX  256U
#define AERO_HOST_GUESTS_MAX 16384U

enum aero_host_life {
	AERO_HOST_RUNNING,
	AERO_HOST_PAUSED,
	AERO_HOST_ENDING, /* shuts down */
	AERO_HOST_CRASHED,
};

/*
 * A guest as the backend sees it at one moment.  Sizes are in KiB; what the backend does not know
 * is AERO_HOST_UNKNOWN.  Nothing of it is trusted.
 */
struct aero_host_sight {
	char id[AERO_HOST_ID_MAX]; /* stays the same while the guest runs */
	char name[AERO_HOST_NAME_MAX];
	enum aero_host_life life;
	bool balloon;	    /* it has a balloon device */
	uint64_t boot_kib;  /* the size that it booted with, which is the most that it can have */
	uint64_t start_kib; /* where it booted with less than that: this; 0: boot_kib */
	uint64_t asked_kib; /* what it was asked for, by whomever; 0: not known */
	uint64_t current_kib;
	uint64_t resident_kib;

	/* The guest's statistics.  A mark that changes with each; 0: it has never given any. */
	uint64_t mark;
	uint64_t unused_kib, usable_kib, cache_kib;
	uint64_t swap_in_kib, swap_out_kib, major_faults; /* since it booted */

	struct aero_host_settings settings;  /* that are kept with the guest */
	char complaint[AERO_HOST_WORDS_MAX]; /* what is wrong with them; "": nothing */
};

/* Of the host; AERO_HOST_UNKNOWN and AERO_POLICY_UNKNOWN where it is not known. */
struct aero_host_reading {
	uint64_t total_kib, available_kib;
	uint32_t some_permille, full_permille;
};

struct aero_host_backend {
	const char *name;
	/*
	 * Calls see() once for each guest that has memory.  0 or -errno; then error() says why,
	 * and what was seen so far does not count.
	 */
	int (*look)(void *self, void (*see)(void *to, const struct aero_host_sight *sight),
		    void *to);
	/*
	 * The host's figures, where they are not those of this kernel.  They are asked for after
	 * look(): what a guest takes in between is then counted twice, and not left out.
	 * NULL: those of this kernel.
	 */
	void (*host)(void *self, struct aero_host_reading *reading);
	/* Asks a running guest for this size; does not wait for it.  0 or -errno. */
	int (*set_target)(void *self, const char *id, uint64_t kib);
	/* Keeps settings with the guest, in place of those that are there.  0 or -errno. */
	int (*save)(void *self, const char *id, const struct aero_host_settings *settings);
	/* The last failure: a line that says what to do. */
	const char *(*error)(void *self);
};

#endif
