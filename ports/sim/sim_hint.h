/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The hint queue of a simulated balloon device, and a guest's operating system that keeps the
 * blocks.  Like sim.h it ends the test at a mistake: at a block whose content the device drops
 * while the guest uses it.
 */
#ifndef AEROSTAT_TESTS_SIM_HINT_H
#define AEROSTAT_TESTS_SIM_HINT_H

#include <aerostat/virtio_hint.h>

#include "sim.h"

#define SIM_HINT_RING 64U

struct sim_hint_entry {
	bool queued, answered;
	aero_page *block; /* NULL: a command */
	uint32_t command;
};

struct sim_hint {
	struct aero_port *port;
	struct aero_virtio_hint_guest guest; /* for aero_virtio_hint_init(); ctx is this struct */

	/* A test may change these at any time. */
	uint32_t command; /* what the configuration shows */
	bool changed;	  /* and the guest was not there yet to read it */
	uint32_t ring;	  /* entries, SIM_HINT_RING at most */
	bool full;	  /* nothing can be queued, although there is room */
	bool relieved;	  /* the guest ran short */

	/* What happened. */
	char course[512]; /* what the device read: "7 ", "0 ", "block " */
	bool started;	  /* it follows its own command */
	uint64_t hinted;  /* blocks that it dropped */

	struct sim_hint_entry entry[SIM_HINT_RING];
};

void sim_hint_create(struct sim_hint *h, struct aero_port *port);

/* The host has a new command. */
void sim_hint_command(struct sim_hint *h, uint32_t command);

/*
 * The device works on an entry, the @nth of those that wait, counted from 0.  Returns false if
 * there are not so many.
 */
bool sim_hint_work(struct sim_hint *h, uint32_t nth);

/* The guest runs short, and gets up to @blocks of the held ones.  Returns how many. */
uint32_t sim_hint_relieve(struct sim_hint *h, uint32_t blocks);

/* The device is reset, and forgets what is queued; then the guest's half is to be told. */
void sim_hint_reset(struct sim_hint *h);

#endif
