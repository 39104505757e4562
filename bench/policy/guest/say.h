/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The load of the policies' bench, as it runs in the guest: the same work every time,
 * counted in pages, requests and loops, never in time.  What it costs is the result.
 *
 * Lines on standard output, times in ms since the start:
 *
 *     start REALTIME_MS
 *     phase NAME FROM UNTIL
 *     killed NAME SIGNAL
 *     sample MS and the figures of sample_names[]
 */
#ifndef AEROSTAT_BENCH_POLICY_GUEST_SAY_H
#define AEROSTAT_BENCH_POLICY_GUEST_SAY_H

#include <stdint.h>
#include <stdnoreturn.h>
#include <time.h>

/* The clock's time in ms. */
int64_t load_clock_ms(clockid_t clock);

/* Times count from here. */
void load_begin(void);
int64_t load_ms(void); /* since load_begin() */

/* One whole line, whoever else writes at the same time. */
void load_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
noreturn void load_die(const char *what);

/* splitmix64: the same numbers from the same seed. */
uint64_t load_random(uint64_t *state);

#endif
