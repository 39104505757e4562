/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Cut points: each call that the engine or a protocol makes to the port or to the
 * hypervisor is counted, and a plan says which of them goes wrong, and in which way.
 */
#ifndef AEROSTAT_TESTS_CUT_H
#define AEROSTAT_TESTS_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The calls that can go wrong. */
enum cut_call {
	CUT_TAKE,   /* the port: the allocator */
	CUT_UNHOLD, /* the port: pages of the store may be isolated */
	CUT_SPARE,  /* the port: what the guest can spare */

	CUT_START, /* VMware's commands */
	CUT_GOODBYE,
	CUT_GET_TARGET,
	CUT_IDENTIFY,
	CUT_SET_DOORBELL,
	CUT_LOCK,
	CUT_UNLOCK,
	CUT_BATCHED_LOCK,
	CUT_BATCHED_UNLOCK,
	CUT_BATCH_PAGE, /* the guest's page for batches */
	CUT_OPEN_DOORBELL,

	CUT_WANTED, /* Xen: the target in xenstore */
	CUT_DECREASE,
	CUT_POPULATE,
	CUT_UNMAP,
	CUT_MAP,
	CUT_ADD, /* the worker adds memory */
	CUT_CALLS
};

/* The ways in which they go wrong.  Not each of them suits each call. */
enum cut_way {
	CUT_NOT, /* the call does what it should */
	CUT_FAILED,
	CUT_BUSY,
	CUT_RESET,
	CUT_REFUSED,
	CUT_NOT_NEEDED,
	CUT_NOTHING, /* success, and nothing was done */
	CUT_PARTIAL, /* half of it was done, rounded down */
	CUT_PARTIAL_REFUSED,
	CUT_PARTIAL_RESET,
	CUT_TOO_MUCH, /* claims more than there can be */
	CUT_GARBAGE,  /* an answer without a meaning */
	CUT_OLD,      /* the answer of an old host, without capabilities */
	CUT_WAYS
};

/* Cuts in one plan, and calls in one run that are remembered. */
#define CUT_PLAN_MAX  4U
#define CUT_CALLS_MAX 4096U

struct cut {
	uint32_t at; /* which call, counted from 1 */
	enum cut_way way;
};

struct cut_plan {
	struct cut cut[CUT_PLAN_MAX];
	unsigned int n;
	bool active; /* calls are counted and cut */
	uint32_t calls;
	uint8_t made[CUT_CALLS_MAX + 1]; /* enum cut_call, by number */
};

/* The one plan of this program. */
extern struct cut_plan cut_plan;

/* Starts counting anew, with the first @n of @cuts. */
void cut_begin(const struct cut *cuts, unsigned int n);
void cut_end(void);

/* Asked by each call: does it go wrong, and how? */
enum cut_way cut_here(enum cut_call call);

/* Whether @way suits @call; the first and later ways, CUT_NOT at the end. */
enum cut_way cut_next_way(enum cut_call call, enum cut_way after);
unsigned int cut_ways_of(enum cut_call call);

/* "12:busy,40:reset"; "none" for an empty plan.  Parsing: false if it is no such list. */
void cut_print(const struct cut *cuts, unsigned int n, char *text, size_t size);
bool cut_parse(const char *text, struct cut *cuts, unsigned int *n);

const char *cut_call_name(enum cut_call call);

#endif
