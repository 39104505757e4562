/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Pictures that compare two drivers row by row, drawn by gnuplot. */
#ifndef AEROSTAT_BENCH_PLOT_H
#define AEROSTAT_BENCH_PLOT_H

#include <stdio.h>

#include "common.h"

/* " MEDIAN LOWEST HIGHEST": three columns of a row of $rows. */
void plot_samples(FILE *to, const struct bench_samples *samples);

/* Begins one picture: 600 points high, BASE.svg or BASE.png (which is 1.5 times as large). */
void plot_begin(FILE *to, unsigned int width, const char *base, const char *suffix);

/*
 * A panel of $rows with y in column 1, ours in columns ours_at and the next two, the
 * peer in peer_at and the next two; names is ":ytic(2)" where rows are labelled.
 */
void plot_panel(FILE *to, unsigned int ours_at, unsigned int peer_at, const char *names);

#endif
