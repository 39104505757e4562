/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The frame of the benches that compare drivers: the same memory moved by our driver
 * and by the kernel's own, in the same guests.
 *
 * A cell is one move of one driver in one kind of guest (or mode) with one set of
 * parameters.  Each figure of a cell is measured in each round; what counts is the
 * median.  Instructions and calls come from boots in which instructions are counted,
 * seconds and rates from boots in which they are not, because counting slows the guest.
 *
 * A bench describes itself in a struct bench_frame and measures in its functions.
 * Options, order of the boots and rounds, table, verdict, JSON file and picture are
 * the frame's.  Functions that can fail return 0, or -1 after a complaint.
 */
#ifndef AEROSTAT_BENCH_FRAME_H
#define AEROSTAT_BENCH_FRAME_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common.h"

/* The most of each axis. */
#define BENCH_SETS    2
#define BENCH_KINDS   3
#define BENCH_FIGURES 12

enum bench_move {
	BENCH_INFLATE,
	BENCH_DEFLATE,
	/* Inflation of guests in some state: states.c. */
	BENCH_STATES,
	BENCH_CACHE = BENCH_STATES, /* full of clean page cache */
	BENCH_DIRTY,		    /* full of page cache that has to be written first */
	BENCH_FRAGMENTED,	    /* no block of 2 MiB is free */
	BENCH_BUSY,		    /* a process keeps on writing a part of the memory */
	BENCH_MOVES
};

/* Sets of rows or figures have a bit each; all of n; and what each bench moves. */
#define BENCH_BIT(n)	     (1u << (n))
#define BENCH_ALL(n)	     (BENCH_BIT(n) - 1)
#define BENCH_THERE_AND_BACK (BENCH_BIT(BENCH_INFLATE) | BENCH_BIT(BENCH_DEFLATE))

/* AGAIN is our driver's second time in succession, for benches in which that differs. */
enum bench_driver { BENCH_OURS, BENCH_PEER, BENCH_AGAIN, BENCH_DRIVERS };

/* Names as in the table and in the JSON file. */
extern const char *const bench_move_names[BENCH_MOVES];

struct bench;

struct bench_cell {
	struct samples figure[BENCH_FIGURES];
};

/* ---- what a bench says of itself ---- */

/* An axis of rows, with the option that chooses one of them; all are measured by default. */
struct bench_axis {
	const char *key;			 /* in the JSON file */
	const char *option, *argument, *purpose; /* as --help shows them */
	const char *const *words;		 /* of the option */
	const char *const *names;		 /* in table, picture and JSON file */
	unsigned int count;
};

struct bench_figure {
	const char *name;    /* in the JSON file, and where a requirement is missed */
	bool more_is_better; /* else less is */
	bool timed;	     /* from boots without counting */
};

/* A column of a table. */
struct bench_column {
	const char *heading;
	unsigned int figure;
	enum {
		BENCH_TIMES, /* ours, the peer's, and how many times better ours is */
		BENCH_PAIR,  /* ours and the peer's */
		BENCH_PARTS, /* the same as percentages */
	} shows;
};

/* One for each set of parameters, of inflation and deflation. */
struct bench_table {
	const char *const *headings; /* by set */
	const struct bench_column *columns;
	unsigned int count;
};

/* So many times better than the peer, in each figure of each of these rows (a bit each). */
struct bench_requirement {
	const char *text;
	double times;
	unsigned int figures, sets, kinds, moves;
	/* Explains a miss in further lines; may be NULL. */
	void (*explain)(const struct bench *b, FILE *to);
};

/* One panel of the picture, from left to right parts of its width. */
struct bench_panel {
	unsigned int figure;
	const char *title;
	double left, right;
	const char *axis; /* gnuplot's settings of x */
};

struct bench_picture {
	unsigned int width;
	const char *title;	     /* what is moved where; follows "N MiB " */
	const char *const *headings; /* by set */
	double left, ours_at, peer_at;
	const struct bench_panel *panels;
	unsigned int count;
};

struct bench_frame {
	const char *name;	       /* of the files, without suffix */
	const char *documentation;     /* what --help says first */
	const struct argp *options;    /* of this bench alone; its input is bench.own */
	const char *const *versions;   /* pairs of JSON key and key of lab.env, up to NULL */
	unsigned int move_mib, rounds; /* by default */
	unsigned int move_most_mib;
	/* The guest's memory by default, and how far it must exceed what is moved; 0: the bench's.
	 */
	unsigned int memory_mib, spare_mib;
	struct bench_axis set, kind;
	const char *const *drivers; /* names */
	unsigned int driver_count;
	const struct bench_figure *figures;
	unsigned int figure_count;
	struct bench_table table;
	const struct bench_requirement *requirements;
	unsigned int requirement_count;
	struct bench_picture picture;

	/* ---- measuring, in this order ---- */

	/* One boot serves all kinds, or each has a boot of its own. */
	bool boots_each_kind;
	/* The machine of b->set, and of b->kind if it has a boot; the frame adds what counts. */
	void (*configure)(struct bench *b, struct lab_config *out);
	bool counts_calls; /* hypercalls, in each boot */
	/* After the boot; may be NULL. */
	int (*booted)(struct bench *b);
	/*
	 * Makes b->guest ready for b->kind; after a failure it ends with its host, without end().
	 * Both may be NULL.
	 */
	int (*begin)(struct bench *b);
	int (*end)(struct bench *b);
	int (*load)(struct bench *b, enum bench_driver driver);
	int (*unload)(struct bench *b, enum bench_driver driver);
	/* There and back, with the driver loaded, into the cells; bench_there_and_back() for most.
	 */
	int (*measure)(struct bench *b, enum bench_driver driver);
	/* For bench_there_and_back(): one move, to a balloon of so many pages, into the cells. */
	int (*move)(struct bench *b, enum bench_driver driver, enum bench_move move,
		    uint64_t goal_pages);

	/* ---- for the rows that are measured the same way everywhere ---- */

	/*
	 * Is this row measured at all?  NULL: inflation and deflation of all, and the rest
	 * is not asked for.
	 */
	bool (*has)(unsigned int set, unsigned int kind, enum bench_move move);
	/* Moves so much to the host and waits for it; 0: all of it back. */
	int (*give)(struct bench *b, unsigned int mib);
	/* Pages given as units of 2 MiB since some moment; only differences count. */
	int (*large_pages)(struct bench *b, enum bench_driver driver, double *pages);
	unsigned int seconds, gap, large; /* their figures */
};

/* ---- a run ---- */

struct bench_options {
	unsigned int move_mib;	 /* into the balloon, and out again */
	unsigned int memory_mib; /* of the guest */
	unsigned int rounds;
	bool no_rates; /* leave the boots without counting out */
	bool profile;  /* instead: one round, by function of the guest's kernel */
	const char *folder;
	bool set[BENCH_SETS], kind[BENCH_KINDS]; /* rows to measure */
};

struct bench {
	const struct bench_frame *frame;
	struct bench_options options;
	void *own; /* the bench's own options and state */
	struct bench_cell cell[BENCH_SETS][BENCH_KINDS][BENCH_MOVES][BENCH_DRIVERS];
	struct bench_counts *counts; /* shared with QEMU's plug-in */
	char counts_path[2048];
	struct bench_profile profile;
	json_t *moves; /* raw figures */
	json_t *qemu;  /* its version, as it says */
	int64_t start_ms;

	/* What is under way. */
	unsigned int set, kind;
	bool counting; /* instructions, in this boot */
	/* Instructions of an idle guest, in this boot; 0: not known yet. */
	double idle_per_ms[BENCH_DRIVERS];
	struct lab_guest *host, *guest;
};

/* The program: its exit status. */
int bench_main(const struct bench_frame *frame, void *own, int argc, char **argv);

/* options.c: fills in b->options; ends the program when the command line is wrong. */
void bench_parse(struct bench *b, int argc, char **argv);

/* rounds.c: all boots and rounds. */
int bench_measure(struct bench *b);

/* Memory that was written before, into the balloon and out again, from and to a guest at rest. */
int bench_there_and_back(struct bench *b, enum bench_driver driver);

/*
 * profile.c: around a move of options.move_mib, prints its profile if one is wanted.  Return 0, or
 * -1 after a complaint.
 */
int bench_begin_profile(struct bench *b);
int bench_end_profile(struct bench *b, enum bench_driver driver, enum bench_move move);

/*
 * rest.c, where instructions are counted: those that the guest has executed since the boot.  Waits
 * until it does nothing but tick.  Learns what it executes anyway with a driver that is loaded and
 * has nothing to do.  The last one waits for rest and gives what was executed since @start, which
 * was at @start_ms, less the idle guest's share.
 */
uint64_t bench_instructions_now(const struct bench *b);
int bench_wait_for_rest(const struct bench *b);
int bench_measure_idle(struct bench *b, enum bench_driver driver);
int bench_instructions_since(const struct bench *b, enum bench_driver driver, uint64_t start,
			     int64_t start_ms, uint64_t *instructions);

/*
 * states.c.  Each page of the guest that can be used is written once and freed, so that the
 * host backs it, whatever balloon had it before.
 */
int bench_write_memory(const struct bench *b);
/* Memory of the host behind the machine's RAM, in MiB. */
int bench_backed_mib(const struct bench *b, double *mib);
/* Has b->set and b->kind rows of guests in a state?  And these, with a driver that is loaded. */
bool bench_has_states(const struct bench *b);
int bench_measure_states(struct bench *b, enum bench_driver driver);

/* ---- cells.c ---- */

/* Where a figure that is being measured belongs. */
struct samples *bench_samples(struct bench *b, enum bench_move move, enum bench_driver driver,
			      unsigned int figure);

/*
 * Keeps the raw figures of one move, which are taken over; adds what they are of.
 * `raw` may be NULL for want of memory.
 */
int bench_keep(struct bench *b, enum bench_move move, enum bench_driver driver, json_t *raw);

/* Are the rows among those to be measured? */
bool bench_wants(const struct bench *b, unsigned int set, unsigned int kind);

/* Are all rows and figures to be measured? */
bool bench_complete(const struct bench *b);

/* Is the row among those of this bench? */
bool bench_has(const struct bench_frame *f, unsigned int set, unsigned int kind,
	       enum bench_move move);

/* The median; 0 when nothing was measured. */
double bench_value(const struct bench *b, unsigned int set, unsigned int kind, enum bench_move move,
		   enum bench_driver driver, unsigned int figure);

/* How many times better than the peer ours is; 0 unless both were measured. */
double bench_times(const struct bench *b, unsigned int set, unsigned int kind, enum bench_move move,
		   enum bench_driver driver, unsigned int figure);

/* ---- results ---- */

void bench_print_table(const struct bench *b, FILE *to);

/* verdict.c: a requirement's rows. */
struct bench_verdict {
	unsigned int met, missed;
	unsigned int left_out; /* by the options */
};

/* Rows that fall short are written to `to` (may be NULL). */
struct bench_verdict bench_judge_one(const struct bench *b, const struct bench_requirement *r,
				     FILE *to);
/* "met", "MISSED", "not measured", or "met in part" when only some of the rows were measured. */
const char *bench_verdict_word(const struct bench_verdict *v);
/* Prints each requirement and whether it is met; how many are not. */
unsigned int bench_judge(const struct bench *b, FILE *to);

json_t *bench_rows_to_json(const struct bench *b);
json_t *bench_requirements_to_json(const struct bench *b);

int bench_draw(const struct bench *b);

#endif
