/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The bench on real Xen: our driver and the one that is built into the kernel, in the
 * same boot, in the same guests.  What the frame calls, and what goes on in the
 * machine under test, and how much of it goes on anyway.
 */
#ifndef AEROSTAT_BENCH_XEN_H
#define AEROSTAT_BENCH_XEN_H

#include "frame.h"
#include "xen.h"

#define KIB_PER_MIB 1024u

enum set { SET_DEFAULT, SET_BARE, SETS }; /* bare: nobody zeroes or scrubs a page */
enum kind { KIND_DOM0, KIND_PV, KIND_PVH, KINDS };

enum figure {
	/* MiB per second in which the emulated CPU was busy. */
	FIGURE_RATE,
	/* Seconds from the target until the last memory_op. */
	FIGURE_WALL,
	/* Hypercalls about memory and page tables per GiB; memory_op alone. */
	FIGURE_CALLS,
	FIGURE_MEMORY_OPS,
	/* Instructions per page: of guests, of Xen, of both. */
	FIGURE_GUEST,
	FIGURE_XEN,
	FIGURE_ALL,
	/* Part of the pages that went in extents of 2 MiB. */
	FIGURE_LARGE,
	/* MiB of the host behind the machine's memory, before the move. */
	FIGURE_BACKED,
	FIGURES
};

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

struct xen {
	const char *symbols; /* a file, or NULL */
	struct lab_xen lab;
	int thread;	   /* of QEMU's CPU, in this boot */
	uint64_t high_kib; /* the guest's target with an empty balloon, as the toolstack says it */
	/* What is not a move's: with our driver loaded, and without. */
	struct background {
		struct state idle;  /* what goes on anyway, in some time */
		struct state write; /* what setting a target costs that changes nothing */
		bool known;
	} background[2];
};

/* ---- guest.c and measure.c: for the frame ---- */

void xen_configure(struct bench *b, struct lab_config *out);
int xen_booted(struct bench *b);
int xen_begin(struct bench *b);
int xen_end(struct bench *b);
int xen_load(struct bench *b, enum bench_driver driver);
int xen_unload(struct bench *b, enum bench_driver driver);
int xen_measure(struct bench *b, enum bench_driver driver);

/* ---- state.c ---- */

double state_clock_ns(void);

/* Those that can fail return 0, or -1 after a complaint. */
int state_take(const struct bench *b, struct state *out);

/* out = until - from */
struct state state_between(const struct state *from, const struct state *until);

/* Takes off what goes on anyway in as much time, and what setting the target costs. */
struct state state_net(const struct state *cost, const struct background *other);

/* What the toolstack does in the end, but without its million instructions. */
int state_set_target(const struct bench *b, uint64_t kib);

/* Waits for rest, and measures the background with this driver loaded, once for each guest. */
int state_background(struct bench *b, enum bench_driver driver);

#endif
