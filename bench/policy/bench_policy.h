/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The policies' bench: the same load in the same guest on real Xen, without a balloon,
 * with `committed` and with `pressure`.  What each costs, and what it saves.
 *
 * Time is the machine's own: its CPU executes an instruction in a fixed time, however
 * fast the host is (QEMU's -icount), and when nothing is to be done the clock is put
 * forward.  So times can be compared to the per cent on a busy host, and idle minutes
 * pass in seconds.
 */
#ifndef AEROSTAT_BENCH_POLICY_H
#define AEROSTAT_BENCH_POLICY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common.h"
#include "xen.h"

enum policy { POLICY_NONE, POLICY_COMMITTED, POLICY_PRESSURE, POLICIES };

/* As the load names them; PHASE_DEMAND is the beginning of PHASE_GROWTH. */
enum phase {
	PHASE_IDLE,
	PHASE_COMPILE,
	PHASE_CACHE,
	PHASE_DEMAND,
	PHASE_GROWTH,
	PHASE_IDLE_AGAIN,
	PHASES
};

/* In the order in which bench/policy/guest/sample.c prints them. */
enum field {
	FIELD_MS,
	FIELD_TARGET_KIB,
	FIELD_TOTAL_KIB,
	FIELD_FREE_KIB,
	FIELD_AVAILABLE_KIB,
	FIELD_SWAPPED_KIB,
	FIELD_SOME_US,
	FIELD_FULL_US,
	FIELD_SWAP_IN,
	FIELD_SWAP_OUT,
	FIELD_OOM_KILLS,
	FIELD_REFAULTS,
	FIELD_XEN_KIB, /* the domain's reservation; from dom0 */
	FIELDS
};

struct sample {
	int64_t v[FIELDS];
};

struct figures {
	double footprint; /* MiB x s of the domain's reservation */
	double work_s;	  /* all phases but the idle ones */
	double slowdown;  /* work_s by that without a balloon */
	double product;	  /* footprint x slowdown */
	double some_ms, full_ms;
	double swap_in_mib, swap_out_mib;
	double refaults;
	unsigned int kills;
};

struct result {
	struct sample *sample;
	size_t samples;
	int64_t start_ms; /* CLOCK_REALTIME of the load's 0 */
	struct {
		int64_t from_ms, until_ms;
	} phase[PHASES];
	unsigned int killed; /* processes of the load that a signal has ended */
	struct figures figures;
};

struct policy_options {
	unsigned int seed;
	const char *folder;
};

struct policy_bench {
	struct policy_options options;
	struct result result[POLICIES];
	json_t *qemu; /* its version, as it says */
	int64_t start_ms;
};

/* Names as in the table and in the JSON file. */
extern const char *const policy_names[POLICIES];
extern const char *const phase_names[PHASES];
extern const char *const field_names[FIELDS];

/* The guest and its load; docs/results/benchmarks-policy.md says why so much. */
#define GUEST_MIB     1024u
#define SWAP_MIB      1024u
#define IDLE_S	      90u
#define JOBS	      60u
#define CACHE_MIB     450u
#define REQUESTS      120000u
#define GROWTH_MIB    640u

/* What `pressure` has to keep to. */
#define SLOWDOWN_MOST 1.05

/* Those that can fail return 0, or -1 after a complaint. */

/* run.c: one boot, a guest for each policy. */
int policy_run(struct policy_bench *b);

/* series.c */
int policy_parse_load(struct result *r, char *text);
/* What Xen said of a domain; after policy_parse_load(). */
int policy_parse_xen(struct result *r, char *text, unsigned int domain);
/* All figures but those that want another result to be compared with. */
int policy_sum_up(struct result *r);
/* Those others. */
void policy_compare(struct result results[POLICIES]);
double policy_phase_s(const struct result *r, enum phase phase);

/* report.c */
void policy_table(const void *of, FILE *to);
/* Prints each requirement and whether it is met; how many are not. */
unsigned int policy_judge(const void *of, FILE *to);
int policy_write_json(const void *of, unsigned int missed);

/* picture.c: bench-policy.svg and bench-policy.png, by gnuplot. */
int policy_draw(const void *of);

#endif
