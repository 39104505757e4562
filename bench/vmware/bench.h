/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The bench: the same pages moved by our driver and by the kernel's own, in the
 * same guest, against the same monitor.
 *
 * A cell is one direction of one driver in one mode, with init_on_alloc off or on.
 * Each figure of a cell is measured in each round; what counts is the median.
 * Instructions and commands come from boots in which instructions are counted,
 * rates from boots in which they are not, because counting slows the guest.
 */
#ifndef AEROSTAT_BENCH_H
#define AEROSTAT_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common.h"

/* Rows. */
enum bench_zeroing { ZEROING_OFF, ZEROING_ON, ZEROINGS }; /* init_on_alloc */
enum bench_mode { MODE_2M, MODE_4K, MODE_UNBATCHED, MODES };
enum bench_direction { INFLATE, DEFLATE, DIRECTIONS };

/* Columns. */
enum bench_driver { OURS, PEER, DRIVERS };

enum bench_figure {
	/* Guest instructions per page up to the run's last command, as the monitor counts. */
	FIGURE_INSTRUCTIONS,
	/* The same with what comes after that command; the idle guest's share taken off. */
	FIGURE_WHOLE,
	/* Lock or unlock commands per GiB. */
	FIGURE_COMMANDS,
	/* GiB/s up to the run's last command. */
	FIGURE_RATE,
	FIGURES
};

struct bench_cell {
	struct samples figure[FIGURES];
};

struct bench_options {
	unsigned int memory_mib; /* of the guest */
	unsigned int move_mib;	 /* into the balloon, and out again */
	unsigned int rounds;
	bool no_rates; /* leave the boots without counting out */
	const char *folder;
	bool profile; /* instead: one round, by function of the guest's kernel */
	/* Rows to measure; all by default. */
	bool zeroing[ZEROINGS], mode[MODES];
};

struct bench {
	struct bench_options options;
	struct bench_cell cell[ZEROINGS][MODES][DIRECTIONS][DRIVERS];
	struct bench_counts *counts; /* shared with QEMU's plug-in */
	char counts_path[2048];
	struct bench_profile profile;
	double idle_per_ms[DRIVERS]; /* instructions of an idle guest, this boot */
	bool counting;		     /* in this boot */
	json_t *cycles;		     /* raw figures */
	json_t *qemu;		     /* its version, as it says */
	int64_t start_ms;
};

/* Names as in the table and in bench.json. */
extern const char *const bench_zeroing_names[ZEROINGS];
extern const char *const bench_mode_names[MODES];
extern const char *const bench_direction_names[DIRECTIONS];
extern const char *const bench_driver_names[DRIVERS];
extern const char *const bench_figure_names[FIGURES];

double bench_value(const struct bench *b, enum bench_zeroing z, enum bench_mode m,
		   enum bench_direction d, enum bench_driver driver, enum bench_figure figure);

/* measure.c: all cycles of one boot go into the cells.  0, or -1 after a complaint. */
int bench_boot(struct bench *b, enum bench_zeroing z, bool counting);

/* Is the row among those to be measured? */
bool bench_wants(const struct bench *b, int zeroing, int mode);

/* report.c */
void bench_table(const void *of, FILE *to);
/* Prints each requirement and whether it is met; how many are not. */
unsigned int bench_judge(const void *of, FILE *to);
int bench_write_json(const void *of, unsigned int missed);

/* picture.c: bench.svg and bench.png, by gnuplot. */
int bench_draw(const void *of);

#endif
