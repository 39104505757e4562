/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* One figure, measured in each round of a bench; the median is the result. */
#ifndef AEROSTAT_REPORT_SAMPLES_H
#define AEROSTAT_REPORT_SAMPLES_H

#include <jansson.h>
#include <stdbool.h>

#define SAMPLES_MOST 9u

struct samples {
	double value[SAMPLES_MOST];
	unsigned int count;
};

/* Values beyond SAMPLES_MOST are dropped. */
void samples_add(struct samples *samples, double value);

/* The median, the lowest, the highest; 0 when nothing was measured. */
double samples_median(const struct samples *samples);
double samples_low(const struct samples *samples);
double samples_high(const struct samples *samples);

/* True when the ranges of both overlap, so that the difference of the medians may be chance. */
bool samples_overlap(const struct samples *a, const struct samples *b);

/* {"median": N, "rounds": [...]} */
json_t *samples_to_json(const struct samples *samples);

/* The number of digits after the decimal point that a table shows of a value. */
int samples_decimals(double value);

#endif
