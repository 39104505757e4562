/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A guest with a balloon whose life is written in a fuzzer's input: what its fuzzers share. */
#ifndef AEROSTAT_TESTS_FUZZ_LIFE_H
#define AEROSTAT_TESTS_FUZZ_LIFE_H

#include <stddef.h>
#include <stdint.h>

#include "sim.h"

#define LIFE_PAGES    1100U
#define LIFE_BASE_PFN 1024U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct life {
	/* What is left of the input. */
	const uint8_t *at;
	size_t left;

	struct aero_port port;
	struct aero_balloon b;
	uint8_t mood; /* the last change's bits; 4 and 5 are the hypervisor's to read */
};

/* A guest without a balloon yet. */
void life_begin(struct life *l, const uint8_t *data, size_t size);

/* The next bytes as a number; those that are not there are zeros. */
uint64_t life_take(struct life *l, unsigned int bytes);

/* A number that is small most of the time. */
uint64_t life_take_number(struct life *l);

/* How the engine is set: large units by bit 0, their splitting by bit 1. */
struct aero_config life_config(uint8_t flavour);

/* One step of the engine, and the time that it wants to pass. */
void life_step(struct life *l);

/* The guest takes the pages back that it moves to somewhere else. */
void life_put_all_back(struct life *l);

/*
 * What happens in the guest by itself, for events from 0x80 to 0xef: an emergency, another mood of
 * the allocator, migration, allocations.  Any other event is a step.
 */
void life_happen(struct life *l, uint8_t what);

#endif
