/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the counting plug-in (count.c, inside QEMU) shares with the bench: a file
 * that both map.  QEMU adds, the bench only reads.
 */
#ifndef AEROSTAT_BENCH_COUNTS_H
#define AEROSTAT_BENCH_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

/* A power of two.  Should it not suffice, only the detail suffers: see `rest`. */
#define BENCH_SLOTS	   (1u << 18)

/* The upper half of the addresses is the kernel's. */
#define BENCH_KERNEL_START (1ULL << 63)

/* Where Xen itself lives in the address space of every guest (its public header xen-x86_64.h). */
#define BENCH_XEN_START	   0xffff800000000000ULL
#define BENCH_XEN_END	   0xffff880000000000ULL

/* Xen's public header xen.h: hypercall numbers are below 64. */
#define BENCH_HYPERCALLS   64u

/* How a guest enters Xen. */
enum bench_entry {
	BENCH_SYSCALL, /* PV */
	BENCH_VMCALL,  /* PVH, HVM */
	BENCH_ENTRIES
};

/* One translated block: where it begins, and the instructions executed in it. */
struct bench_slot {
	uint64_t address; /* 0: free */
	uint64_t instructions;
};

struct bench_counts {
	uint64_t user; /* instructions of user programs */
	uint64_t rest; /* of kernel blocks that found no slot */
	/* By number.  What Xen interrupts and has the guest repeat is one. */
	uint64_t hypercalls[BENCH_ENTRIES][BENCH_HYPERCALLS];
	/* The last memory_op that moves memory, interrupted ones included; CLOCK_MONOTONIC. */
	uint64_t memory_op_ns;
	struct bench_slot slot[BENCH_SLOTS];
};

static inline bool bench_is_xen(uint64_t address)
{
	return address >= BENCH_XEN_START && address < BENCH_XEN_END;
}

#endif
