// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What is Xen's own in the bench: how a move is made, and what it costs. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "xen_bench.h"

#define PAGES_PER_GIB	 (1024.0 * LAB_PAGES_PER_MIB)
#define PAGES_PER_EXTENT 512u

/* Code that was just loaded is code that QEMU has not translated yet. */
#define WARM_UP_MIB	 16u

/* The error of a measurement: nothing costs less (docs/results/benchmarks-xen.md). */
#define BUSY_LEAST_NS	 20e6

#define MOVE_TIMEOUT_MS	 240000
#define SETTLE_MS	 60000
#define QUIET_MS	 1500
#define POLL_MS		 20
/* What follows the last memory_op, freeing the pages, is over after this. */
#define AFTER_MS	 300
/* Without a memory_op for so long it may be done: longer than a driver waits for its clock. */
#define DONE_MS		 2000

#define STATS		 "/sys/kernel/debug/aerostat/stats"

/*
 * Waits for the last memory_op that leads to goal_kib; *after is the state soon after
 * it, *last_ns when it was.
 */
static int wait_for(const struct bench *b, uint64_t goal_kib, double start_ns, struct state *after,
		    double *last_ns)
{
	struct lab_domain_memory now = {0};
	double seen_ns = 0, looked_ns = start_ns;

	while (state_clock_ns() - start_ns < MOVE_TIMEOUT_MS * 1e6) {
		double last = (double)__atomic_load_n(&b->counts->memory_op_ns, __ATOMIC_RELAXED);
		double quiet_ns = state_clock_ns() - last;

		if (last > start_ns && last > seen_ns && quiet_ns > AFTER_MS * 1e6) {
			if (state_take(b, after))
				return -1;
			seen_ns = *last_ns = last;
		}
		if (seen_ns > 0 && last <= seen_ns && quiet_ns > DONE_MS * 1e6 &&
		    state_clock_ns() - looked_ns > DONE_MS * 1e6) {
			if (lab_domain_memory(b->guest, &now))
				return report_complain("%s", lab_error());
			if (now.kib == goal_kib)
				return 0;
			looked_ns = state_clock_ns();
		}
		lab_sleep_ms(POLL_MS);
	}
	return report_complain("the guest has %" PRIu64 " KiB instead of %" PRIu64 " after %d s",
			       now.kib, goal_kib, MOVE_TIMEOUT_MS / 1000);
}

/* ---- one move ---- */

struct move {
	enum bench_move direction;
	enum bench_driver driver;
	unsigned int mib;
	struct state cost;
	double wall_ns, memory_ops, large_pages, backed_mib;
};

/* Pages in extents of 2 MiB, both ways, since our driver was loaded. */
static int large_pages_of(struct bench *b, enum bench_driver driver, double *pages)
{
	static const char *const names[] = {"decreased_large ", "populated_large "};
	char *text = NULL;
	int ret = 0;

	*pages = 0;
	/* The built-in driver knows no extents of 2 MiB. */
	if (driver == BENCH_PEER)
		return 0;
	if (lab_read_file(b->guest, STATS, &text))
		return report_complain("the guest has no %s: %s", STATS, lab_error());
	for (int i = 0; !ret && i < 2; i++) {
		const char *at = strstr(text, names[i]);

		if (!at)
			ret = report_complain("%s has no %s", STATS, names[i]);
		else
			*pages += (double)(PAGES_PER_EXTENT *
					   strtoull(at + strlen(names[i]), NULL, 10));
	}
	free(text);
	return ret;
}

static int move(struct bench *b, struct move *m)
{
	const struct xen *x = b->own;
	const struct background *other = &x->background[m->driver == BENCH_PEER];
	uint64_t way_kib = (uint64_t)m->mib * KIB_PER_MIB;
	bool down = m->direction == BENCH_INFLATE;
	struct lab_domain_memory was;
	struct state before, after, cost;
	double large, last_ns = 0;

	if (lab_wait_domain_steady(b->guest, QUIET_MS, SETTLE_MS, &was))
		return report_complain("%s", lab_error());
	if (large_pages_of(b, m->driver, &m->large_pages) || bench_backed_mib(b, &m->backed_mib))
		return -1;
	lab_sleep_ms(AFTER_MS);
	if (state_take(b, &before) || state_set_target(b, x->high_kib - (down ? way_kib : 0)) ||
	    wait_for(b, down ? was.kib - way_kib : was.kib + way_kib, before.v[STATE_NS], &after,
		     &last_ns) ||
	    large_pages_of(b, m->driver, &large))
		return -1;
	cost = state_between(&before, &after);
	m->memory_ops = cost.v[STATE_MEMORY_OPS];
	m->cost = state_net(&cost, other);
	if (m->cost.v[STATE_BUSY_NS] < BUSY_LEAST_NS)
		m->cost.v[STATE_BUSY_NS] = BUSY_LEAST_NS;
	m->large_pages = large - m->large_pages;
	m->wall_ns = last_ns - before.v[STATE_NS];
	return 0;
}

static void add(struct bench *b, const struct move *m, unsigned int figure, double value)
{
	samples_add(bench_samples(b, m->direction, m->driver, figure), value);
}

static int keep(struct bench *b, const struct move *m)
{
	const struct state *cost = &m->cost;
	double pages = (double)m->mib * LAB_PAGES_PER_MIB;

	if (m->memory_ops < 1)
		return report_complain("%s moved no memory", b->frame->drivers[m->driver]);
	if (b->counting) {
		add(b, m, FIGURE_CALLS, cost->v[STATE_CALLS] * PAGES_PER_GIB / pages);
		add(b, m, FIGURE_MEMORY_OPS, m->memory_ops * PAGES_PER_GIB / pages);
		add(b, m, FIGURE_GUEST, cost->v[STATE_GUEST] / pages);
		add(b, m, FIGURE_XEN, cost->v[STATE_XEN] / pages);
		add(b, m, FIGURE_ALL, (cost->v[STATE_GUEST] + cost->v[STATE_XEN]) / pages);
		add(b, m, FIGURE_LARGE, m->large_pages / pages);
	} else {
		add(b, m, FIGURE_RATE, m->mib / (cost->v[STATE_BUSY_NS] / 1e9));
		add(b, m, FIGURE_WALL, m->wall_ns / 1e9);
	}
	add(b, m, FIGURE_BACKED, m->backed_mib);
	return bench_keep(b, m->direction, m->driver,
			  json_pack("{s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "pages",
				    (json_int_t)pages, "memory_ops", m->memory_ops, "hypercalls",
				    cost->v[STATE_CALLS], "guest_instructions",
				    cost->v[STATE_GUEST], "xen_instructions", cost->v[STATE_XEN],
				    "busy_s", cost->v[STATE_BUSY_NS] / 1e9, "wall_s",
				    m->wall_ns / 1e9, "large_pages", m->large_pages, "backed_mib",
				    m->backed_mib));
}

/* Profiles are made without the warm-up, so each is of options.move_mib. */
static int profiled(struct bench *b, struct move *m)
{
	return bench_begin_profile(b) || move(b, m) ||
	       bench_end_profile(b, m->driver, m->direction);
}

/* Down and up again, of memory that was written before. */
static int both_ways(struct bench *b, enum bench_driver driver)
{
	struct move m = {.driver = driver, .mib = WARM_UP_MIB};

	if (bench_write_memory(b))
		return -1;
	for (m.direction = BENCH_INFLATE; !b->counting && m.direction <= BENCH_DEFLATE;
	     m.direction++)
		if (move(b, &m))
			return -1;
	m.mib = b->options.move_mib;
	for (m.direction = BENCH_INFLATE; m.direction <= BENCH_DEFLATE; m.direction++)
		if (profiled(b, &m) || keep(b, &m))
			return -1;
	return 0;
}

int xen_measure(struct bench *b, enum bench_driver driver)
{
	if (state_background(b, driver) || both_ways(b, driver))
		return -1;
	/* A PVH guest's memory is in whole large pages again in any case. */
	if (driver == BENCH_PEER || b->kind == KIND_PVH)
		return 0;
	return both_ways(b, BENCH_AGAIN);
}
