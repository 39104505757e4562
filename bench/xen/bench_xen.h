/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The bench on real Xen: the same memory given to Xen and taken back by our driver
 * and by the one that is built into the kernel, in the same boot, in the same guests.
 *
 * A cell is one direction of one driver in one guest with one set of parameters. Each
 * figure of a cell is measured in each round; what counts is the median.  Instructions
 * and hypercalls come from boots in which instructions are counted, rates from
 * boots in which they are not, because counting slows the machine.
 */
#ifndef AEROSTAT_BENCH_BENCH_XEN_H
#define AEROSTAT_BENCH_BENCH_XEN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common.h"
#include "xen.h"

/* Rows. */
enum bench_set { SET_DEFAULT, SET_BARE, SETS }; /* bare: nobody zeroes or scrubs a page */
enum bench_guest { GUEST_DOM0, GUEST_PV, GUEST_PVH, GUESTS };
enum bench_direction { INFLATE, DEFLATE, DIRECTIONS };

/*
 * Columns.  A PV guest's memory is in pieces after the built-in driver had it, which
 * is what OURS finds; AGAIN is the same move right after, when our driver had it last.
 */
enum bench_driver { OURS, PEER, AGAIN, DRIVERS };

enum bench_figure {
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
	FIGURES
};

struct bench_cell {
	struct samples figure[FIGURES];
};

struct bench_options {
	unsigned int move_mib;
	unsigned int rounds;
	bool no_rates;
	bool profile; /* instead: one round, by function of the guest's kernel */
	const char *folder;
	const char *xen_symbols; /* a file, or NULL */
	/* Rows to measure; all by default. */
	bool set[SETS], guest[GUESTS];
};

struct bench {
	struct bench_options options;
	struct bench_cell cell[SETS][GUESTS][DIRECTIONS][DRIVERS];
	struct bench_counts *counts; /* shared with QEMU's plug-in */
	char counts_path[2048];
	struct bench_profile profile;
	bool counting; /* instructions, in this boot */
	int thread;    /* of QEMU's CPU, in this boot */
	json_t *moves; /* raw figures */
	json_t *qemu;  /* its version, as it says */
	int64_t start_ms;
};

/* Names as in the table and in the JSON file. */
extern const char *const bench_set_names[SETS];
extern const char *const bench_guest_names[GUESTS];
extern const char *const bench_direction_names[DIRECTIONS];
extern const char *const bench_driver_names[DRIVERS];
extern const char *const bench_figure_names[FIGURES];

double bench_value(const struct bench *b, int set, int guest, int direction, int driver,
		   enum bench_figure figure);

/* Is the row among those to be measured? */
bool bench_wants(const struct bench *b, int set, int guest);

/* measure.c: all moves of one boot go into the cells.  0, or -1 after a complaint. */
int bench_boot(struct bench *b, enum bench_set set, bool counting);

/* report.c */
void bench_table(const void *of, FILE *to);
/* Prints each requirement and whether it is met; how many are not. */
unsigned int bench_judge(const void *of, FILE *to);
int bench_write_json(const void *of, unsigned int missed);

/* picture.c: bench-xen.svg and bench-xen.png, by gnuplot. */
int bench_draw(const void *of);

#endif
