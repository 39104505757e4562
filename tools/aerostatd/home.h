/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Brings stale swapped pages home, when the kernel's policy says so
 * (frontswap_selfshrinking): a child process switches one of the areas that
 * `aerostat swap setup` made off, which brings all that lies in it into memory, and
 * on again.  docs/use/selfballoon.md says when, and when it gives up.
 */
#ifndef AEROSTAT_DAEMON_HOME_H
#define AEROSTAT_DAEMON_HOME_H

#include <sys/types.h>

#include "areas.h"
#include "psi.h"

#define AERO_POLICY_FOLDER "/sys/kernel/aerostat/policy"

/* Counted since boot: tasks that had to reclaim memory themselves, pages put into swap. */
struct aero_effort {
	uint64_t stalls, swap_out_pages;
};

struct aero_home {
	const char *root;
	bool verbose, dry_run;
	uint64_t due_kib;     /* should be home by now, by the policy's pace */
	uint64_t due_rest;    /* of a KiB, in KiB * ms of the policy's interval */
	uint64_t paced_us;    /* until when that was worked out; 0: begin anew */
	unsigned int calm;    /* reports in a row without pressure */
	unsigned int resting; /* reports to go after it gave up */
	unsigned int rest;    /* for how many the next time */
	bool short_said, bad_said, off_said, blind_said; /* once, not at each report */
	uint64_t told_own_us; /* of what children waited, what aero_home_own_us() has told */
	bool off;	      /* an area that should be on is not */

	/* While a child is at work. */
	pid_t child; /* 0: none is */
	struct aero_area area;
	int priority, lock;
	bool killed;
	unsigned int working; /* reports since it began */
	uint64_t started_us;
	struct aero_effort effort; /* when it began */
	struct aero_psi psi;
	uint64_t own_us; /* what children had waited for memory then */
};

/* Areas that an earlier daemon did not get round to switching on are on again. */
void aero_home_start(struct aero_home *h);

/* At each report: begins if it is time to. */
void aero_home_step(struct aero_home *h, const struct aero_stall *stall);

/* Every AERO_HOME_WATCH_MS while h->child is not 0, and with news of pressure. */
#define AERO_HOME_WATCH_MS 100U
void aero_home_watch(struct aero_home *h);

/* How long children waited for memory since the last call: what is not others' pressure. */
uint64_t aero_home_own_us(struct aero_home *h);

/* Gives up what is going on; all areas are on again if the kernel lets us. */
void aero_home_end(struct aero_home *h);

/*
 * ---- among the files: home.c decides when to begin and calls bring.c, which runs and
 * watches the child; both call restore.c, which switches areas on again ----
 */

/* After giving up, so many reports without another try. */
#define AERO_REST_REPORTS 30U

/* Says, once until it is over, why nothing can be brought home. */
void aero_home_blind(struct aero_home *h, const char *why);

/* The child starts; @area is on and holds pages. */
void aero_home_begin(struct aero_home *h, const struct aero_area *area, int priority);

void aero_home_restore(struct aero_home *h, const struct aero_area *area, int priority);
void aero_home_restore_all(struct aero_home *h);

#endif
