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
#ifndef AEROSTAT_BENCH_POLICY_GUEST_LOAD_H
#define AEROSTAT_BENCH_POLICY_GUEST_LOAD_H

#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#define PAGE 4096UL
#define MIB  (1024UL * 1024)

struct load {
	const char *disk;
	uint64_t seed;
	unsigned int idle_s;	 /* before the work, and three halves of it behind */
	unsigned int jobs;	 /* of compilation */
	unsigned int cache_mib;	 /* the files that are read again and again */
	unsigned int requests;	 /* so often */
	unsigned int growth_mib; /* wanted at once */
	unsigned int passes;	 /* of work over it */
	unsigned int hold_s;	 /* and used for so long besides */
};

int64_t load_ms(void); /* since the start */

/* One whole line, whoever else writes at the same time. */
void load_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
noreturn void load_die(const char *what);

/* splitmix64: the same numbers from the same seed. */
uint64_t load_random(uint64_t *state);

/* phases.c */
void load_compile(const struct load *l);
void load_read(const struct load *l);
void load_grow(const struct load *l);

/* sample.c: a process that says how the guest is, each second, until it is killed. */
pid_t load_sampler(void);

#endif
