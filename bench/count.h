/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the counting plug-in (count.c, inside QEMU) shares with the bench: a file
 * that both map.  QEMU adds, the bench only reads.
 */
#ifndef AEROSTAT_BENCH_COUNT_H
#define AEROSTAT_BENCH_COUNT_H

#include <stdint.h>

/* A power of two.  Should it not suffice, only the detail suffers: see `rest`. */
#define BENCH_SLOTS	   (1u << 18)

/* The upper half of the addresses is the kernel's. */
#define BENCH_KERNEL_START (1ULL << 63)

/* One translated block: where it begins, and the instructions executed in it. */
struct bench_slot {
	uint64_t address; /* 0: free */
	uint64_t instructions;
};

struct bench_counts {
	uint64_t user; /* instructions of user programs */
	uint64_t rest; /* of kernel blocks that found no slot */
	struct bench_slot slot[BENCH_SLOTS];
};

#endif
