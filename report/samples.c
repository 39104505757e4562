// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "samples.h"

#include <stdlib.h>
#include <string.h>

void samples_add(struct samples *s, double value)
{
	if (s->count < SAMPLES_MOST)
		s->value[s->count++] = value;
}

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

double samples_median(const struct samples *samples)
{
	double sorted[SAMPLES_MOST];
	unsigned int n = samples->count;

	if (!n)
		return 0;
	memcpy(sorted, samples->value, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), ascending);
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

double samples_low(const struct samples *s)
{
	double low = s->count ? s->value[0] : 0;

	for (unsigned int i = 1; i < s->count; i++)
		low = s->value[i] < low ? s->value[i] : low;
	return low;
}

double samples_high(const struct samples *s)
{
	double high = s->count ? s->value[0] : 0;

	for (unsigned int i = 1; i < s->count; i++)
		high = s->value[i] > high ? s->value[i] : high;
	return high;
}

bool samples_overlap(const struct samples *a, const struct samples *b)
{
	return samples_low(a) <= samples_high(b) && samples_low(b) <= samples_high(a) &&
	       samples_median(a) != samples_median(b);
}

json_t *samples_to_json(const struct samples *s)
{
	json_t *values = json_array();

	for (unsigned int i = 0; i < s->count; i++)
		json_array_append_new(values, json_real(s->value[i]));
	return json_pack("{s:f, s:o}", "median", samples_median(s), "rounds", values);
}

int samples_decimals(double value)
{
	return value < 10 ? 2 : value < 1000 ? 1 : 0;
}
