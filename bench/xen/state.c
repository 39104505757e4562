// SPDX-License-Identifier: GPL-2.0-only OR MIT
#define _GNU_SOURCE
#include "xen_bench.h"

#include <stdlib.h>
#include <time.h>

/* Windows of time in which the background is measured. */
#define WINDOWS	     5
#define WINDOW_MS    700
/* At rest the CPU is busy for less than this part of a window; but nobody waits for ever. */
#define REST_PART    0.25
#define REST_WINDOWS 20

/* Xen's public header xen.h: what moves memory, or changes page tables. */
#define MEMORY_OP    12
static const unsigned int memory_calls[] = {
	1,	   /* mmu_update */
	MEMORY_OP, /* memory_op */
	13,	   /* multicall */
	14,	   /* update_va_mapping */
	26,	   /* mmuext_op */
};

double state_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* What else the host does hardly counts in. */
static int busy_ns(const struct bench *b, double *out)
{
	const struct xen *x = b->own;
	char path[64];
	FILE *from;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", x->thread);
	from = fopen(path, "r");
	if (from) {
		n = fscanf(from, "%lf", out);
		fclose(from);
	}
	return n == 1 ? 0 : report_complain("QEMU's CPU has ended, or %s can't be read", path);
}

static void add_instructions(const struct bench *b, struct state *s)
{
	s->v[STATE_GUEST] += (double)b->counts->rest;
	for (unsigned int i = 0; i < BENCH_SLOTS; i++) {
		const struct bench_slot *slot = &b->counts->slot[i];

		s->v[bench_is_xen(slot->address) ? STATE_XEN : STATE_GUEST] +=
			(double)__atomic_load_n(&slot->instructions, __ATOMIC_RELAXED);
	}
}

int state_take(const struct bench *b, struct state *out)
{
	const uint64_t *hypercalls =
		b->counts->hypercalls[b->kind == KIND_PVH ? BENCH_VMCALL : BENCH_SYSCALL];

	*out = (struct state){.v[STATE_NS] = state_clock_ns()};
	if (busy_ns(b, &out->v[STATE_BUSY_NS]))
		return -1;
	if (b->counting)
		add_instructions(b, out);
	for (size_t i = 0; i < sizeof(memory_calls) / sizeof(*memory_calls); i++)
		out->v[STATE_CALLS] += (double)hypercalls[memory_calls[i]];
	out->v[STATE_MEMORY_OPS] = (double)hypercalls[MEMORY_OP];
	return 0;
}

struct state state_between(const struct state *from, const struct state *until)
{
	struct state out;

	for (int f = 0; f < STATE_FIELDS; f++)
		out.v[f] = until->v[f] - from->v[f];
	return out;
}

/* cost less what is idle in the same time */
static struct state without_idle(const struct state *cost, const struct state *idle)
{
	double times = cost->v[STATE_NS] / idle->v[STATE_NS];
	struct state out;

	for (int f = 0; f < STATE_FIELDS; f++)
		out.v[f] = cost->v[f] - times * idle->v[f];
	return out;
}

struct state state_net(const struct state *cost, const struct background *other)
{
	struct state busy = without_idle(cost, &other->idle);

	return state_between(&other->write, &busy);
}

int state_set_target(const struct bench *b, uint64_t kib)
{
	int ret = lab_call(b->host, 20000, NULL, "store /local/domain/%u/memory/target %llu",
			   lab_domain(b->guest), (unsigned long long)kib);

	return ret ? report_complain("can't set a target (%d): %s", ret, lab_error()) : 0;
}

/* What one window of time costs, with or without a target that changes nothing set in it. */
static int window(const struct bench *b, bool set, struct state *out)
{
	const struct xen *x = b->own;
	struct state from, until;

	if (state_take(b, &from) || (set && state_set_target(b, x->high_kib)))
		return -1;
	lab_sleep_ms(WINDOW_MS);
	if (state_take(b, &until))
		return -1;
	*out = state_between(&from, &until);
	return 0;
}

/* Waits until loading a driver, or booting, has no more consequences. */
static int wait_for_rest(const struct bench *b)
{
	struct state state;

	for (int i = 0; i < REST_WINDOWS; i++) {
		if (window(b, false, &state))
			return -1;
		if (state.v[STATE_BUSY_NS] < REST_PART * state.v[STATE_NS])
			break;
	}
	return 0;
}

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The median of each field, so that one burst of something else does not count. */
static struct state median_of(const struct state states[WINDOWS])
{
	struct state out;

	for (int f = 0; f < STATE_FIELDS; f++) {
		double v[WINDOWS];

		for (int i = 0; i < WINDOWS; i++)
			v[i] = states[i].v[f];
		qsort(v, WINDOWS, sizeof(*v), ascending);
		out.v[f] = v[WINDOWS / 2];
	}
	return out;
}

int state_background(struct bench *b, enum bench_driver driver)
{
	struct xen *x = b->own;
	struct background *to = &x->background[driver == BENCH_PEER];
	struct state idle[WINDOWS], write[WINDOWS];

	if (wait_for_rest(b))
		return -1;
	if (to->known)
		return 0;
	for (int i = 0; i < WINDOWS; i++)
		if (window(b, false, &idle[i]))
			return -1;
	to->idle = median_of(idle);
	for (int i = 0; i < WINDOWS; i++) {
		if (window(b, true, &write[i]))
			return -1;
		write[i] = without_idle(&write[i], &to->idle);
	}
	to->write = median_of(write);
	to->known = true;
	return 0;
}
