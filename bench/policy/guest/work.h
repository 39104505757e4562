/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The phases of the load, and the process that watches the guest meanwhile. */
#ifndef AEROSTAT_BENCH_POLICY_GUEST_WORK_H
#define AEROSTAT_BENCH_POLICY_GUEST_WORK_H

#include <stdint.h>
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

/* phases.c */
void load_compile(const struct load *l);
void load_read(const struct load *l);
void load_grow(const struct load *l);

/* sample.c: starts a process that prints the guest's figures each second until it is killed. */
pid_t load_sampler(void);

#endif
