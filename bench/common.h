/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the benches share. */
#ifndef AEROSTAT_BENCH_COMMON_H
#define AEROSTAT_BENCH_COMMON_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "counts.h"
#include "lab.h"

#define BENCH_ROUNDS 9u /* at most */

/* One figure, measured in each round; what counts is the median. */
struct bench_samples {
	double value[BENCH_ROUNDS];
	unsigned int count;
};

void bench_add(struct bench_samples *samples, double value);

/* The median, the lowest, the highest; 0 when nothing was measured. */
double bench_median(const struct bench_samples *samples);
double bench_low(const struct bench_samples *samples);
double bench_high(const struct bench_samples *samples);

/* Could the difference of two medians be chance? */
bool bench_overlap(const struct bench_samples *a, const struct bench_samples *b);

/* {"median": N, "rounds": [...]} */
json_t *bench_samples_to_json(const struct bench_samples *samples);

/* Digits behind the point that a table shows. */
int bench_decimals(double value);

/* A line on standard error; always -1. */
int bench_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* An option's value; ends the program with a message when it is out of bounds. */
unsigned int bench_number(const char *text, const char *name, unsigned int min, unsigned int max,
			  struct argp_state *state);

/* The chosen folder for results, or bench/ in the build folder, made; NULL after a complaint. */
const char *bench_folder(const char *chosen);

/* "2026-01-31T12:00:00Z" */
void bench_date(char date[32]);

int bench_dump_json(const json_t *document, const char *folder, const char *name);

/* The file shared with the counting plug-in, made and mapped, and removed. */
struct bench_counts *bench_counts_map(const char *path);
void bench_counts_unmap(struct bench_counts *counts, const char *path);

/* Has the guest's kernel (or Xen) complained?  -1 after saying so. */
int bench_check_log(struct lab_guest *g);

/* 0, or -1 after a complaint. */
int bench_run_gnuplot(const char *script);

/*
 * profile.c: instructions by function of the guest's kernel, whose names it knows itself.
 * Around a phase; 0, or -1 after a complaint.
 */
struct bench_profile {
	const struct bench_counts *counts;
	uint64_t *before;	 /* of the slots; to be freed */
	const char *xen_symbols; /* as nm prints them; NULL: all of Xen is one function */
};

int bench_profile_before(struct bench_profile *p);
int bench_profile_print(const struct bench_profile *p, struct lab_guest *g, const char *title,
			double pages);

#endif
