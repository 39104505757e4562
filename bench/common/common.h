/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the benches share. */
#ifndef AEROSTAT_BENCH_COMMON_H
#define AEROSTAT_BENCH_COMMON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "counts.h"
#include "lab.h"
#include "report.h"
#include "samples.h"

/* The chosen folder for results, or bench/ in the build folder, made; NULL after a complaint. */
const char *bench_folder(const char *chosen);

/* What one bench does; each function gets the `of` of bench_run(). */
struct bench_steps {
	const char *name; /* of the files of results, without the suffix */
	/* Takes all figures.  0, or -1 after a complaint. */
	int (*measure)(void *of);
	void (*table)(const void *of, FILE *to);
	/* Prints each requirement and whether it is met; returns how many are not. */
	unsigned int (*count_missed)(const void *of, FILE *to);
	int (*write_json)(const void *of, unsigned int missed);
	int (*draw)(const void *of);
};

/*
 * Measures, then prints the table and the verdict and writes the files of results.
 * 0 when all requirements are met, otherwise -1.
 */
int bench_run(const struct bench_steps *steps, void *of, const char *folder, bool picture);

/* What each file of results begins with; to be completed.  `qemu` is its version, or NULL. */
json_t *bench_document(int64_t start_ms, json_t *qemu, bool met);

/* The file shared with the counting plug-in, made and mapped, and removed. */
struct bench_counts *bench_counts_map(const char *path);
void bench_counts_unmap(struct bench_counts *counts, const char *path);

/* Has the guest's kernel (or Xen) complained?  -1 after saying so. */
int bench_check_log(struct lab_guest *g);

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
