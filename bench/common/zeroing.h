/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The set of rows of the benches with one guest: whether its kernel zeroes what it allocates. */
#ifndef AEROSTAT_BENCH_ZEROING_H
#define AEROSTAT_BENCH_ZEROING_H

#include "frame.h"

enum bench_zeroing { ZEROING_OFF, ZEROING_ON, ZEROINGS }; /* init_on_alloc */

extern const char *const bench_zeroing_words[ZEROINGS]; /* of the option */
extern const char *const bench_zeroing_names[ZEROINGS]; /* in the JSON file and on the terminal */
extern const char *const bench_zeroing_headings[ZEROINGS]; /* of tables and pictures */

#define BENCH_ZEROING_AXIS                                                                       \
	{                                                                                        \
		"init_on_alloc", "init-on-alloc", "0|1", "Only the rows with zeroing off or on", \
			bench_zeroing_words, bench_zeroing_names, ZEROINGS                       \
	}

/* A guest with one CPU, the memory that the options say, and the kernel parameter of b->set. */
void bench_zeroing_configure(const struct bench *b, struct lab_config *out);

#endif
