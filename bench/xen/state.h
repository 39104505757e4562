/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What goes on in the machine under test, and how much of it goes on anyway. */
#ifndef AEROSTAT_BENCH_XEN_STATE_H
#define AEROSTAT_BENCH_XEN_STATE_H

#include <stdbool.h>

#include "bench_xen.h"

enum state_field {
	STATE_NS,      /* CLOCK_MONOTONIC */
	STATE_BUSY_NS, /* CPU time of QEMU's CPU thread, which sleeps while the CPU is halted */
	STATE_GUEST,   /* instructions of guests' kernels, where they are counted */
	STATE_XEN,     /* of Xen */
	STATE_CALLS,   /* the guest's hypercalls about memory and page tables */
	STATE_MEMORY_OPS,
	STATE_FIELDS
};

/* Differences of two of these are what is measured. */
struct state {
	double v[STATE_FIELDS];
};

/* A guest of the boot that is under way. */
struct subject {
	struct bench *b;
	struct lab_guest *dom0, *guest;
	enum bench_set set;
	enum bench_guest kind;
	uint64_t high_kib; /* its target with an empty balloon, as the toolstack says it */
	/* By driver, what is not a move's. */
	struct background {
		struct state idle;  /* what goes on anyway, in some time */
		struct state write; /* what setting a target costs that changes nothing */
		bool known;
	} background[DRIVERS];
};

double state_clock_ns(void);

/* Those that can fail return 0, or -1 after a complaint. */
int state_take(const struct subject *s, struct state *out);

/* out = until - from */
struct state state_between(const struct state *from, const struct state *until);

/* Takes off what goes on anyway in as much time, and what setting the target costs. */
struct state state_net(const struct state *cost, const struct background *other);

/* What the toolstack does in the end, but without its million instructions. */
int state_set_target(const struct subject *s, uint64_t kib);

/* Waits for rest, and measures the background with this driver loaded, once in a boot. */
int state_background(struct subject *s, enum bench_driver driver);

#endif
