/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Pictures, drawn by gnuplot. */
#ifndef AEROSTAT_REPORT_PLOT_H
#define AEROSTAT_REPORT_PLOT_H

#include <stdio.h>

#include "samples.h"

/*
 * FOLDER/NAME.svg and FOLDER/NAME.png.  What gnuplot gets stays as FOLDER/NAME.gnuplot,
 * so that a picture can be changed without measuring again.
 */
struct plot_picture {
	const char *folder, *name;
	unsigned int width, height; /* of the SVG file */
	/* Both get the `of` of plot_draw(); panels are written once for each file. */
	void (*write_data)(const void *of, FILE *to);
	void (*write_panels)(const void *of, FILE *to);
};

/* 0, or -1 after a complaint. */
int plot_draw(const struct plot_picture *picture, const void *of);

/*
 * Can gnuplot run?  To be asked before the minutes that a bench takes.  0, or -1 after
 * a complaint.
 */
int plot_check(void);

/* ---- pictures that compare two drivers row by row ---- */

/* " MEDIAN LOWEST HIGHEST": three columns of a row of $rows. */
void plot_samples(FILE *to, const struct samples *samples);

/* Colours, axes and functions, before the panels of such a picture. */
void plot_style(FILE *to);

/*
 * A panel of $rows with y in column 1, ours in columns ours_at and the next two, the
 * peer in peer_at and the next two; names is ":ytic(2)" where rows are labelled.
 */
void plot_panel(FILE *to, unsigned int ours_at, unsigned int peer_at, const char *names);

#endif
