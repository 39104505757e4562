// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Guests, drivers and figures. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

#define PAGES_PER_GIB	  (1024.0 * LAB_PAGES_PER_MIB)
#define KIB_PER_MIB	  1024u
#define PAGES_PER_EXTENT  512u

/* What a guest needs besides what is moved, and what Xen needs besides the guests. */
#define DOM0_SPARE_MIB	  1024u
#define DOMU_SPARE_MIB	  512u
#define XEN_MIB		  256u

/* Code that was just loaded is code that QEMU has not translated yet. */
#define WARM_UP_MIB	  16u

/* The error of a measurement: nothing costs less (docs/results/benchmarks-xen.md). */
#define BUSY_LEAST_NS	  20e6

#define MOVE_TIMEOUT_MS	  180000
#define MODULE_TIMEOUT_MS 60000
#define SETTLE_MS	  60000
#define QUIET_MS	  1500
#define POLL_MS		  20
/* What follows the last memory_op, freeing the pages, is over after this. */
#define AFTER_MS	  300
/* Without a memory_op for so long it may be done: longer than a driver waits for its clock. */
#define DONE_MS		  2000

#define STATS		  "/sys/kernel/debug/aerostat/stats"

/*
 * Waits for the last memory_op that leads to goal_kib; *after is the state soon after
 * it, *last_ns when it was.
 */
static int wait_for(const struct subject *s, uint64_t goal_kib, double start_ns,
		    struct state *after, double *last_ns)
{
	struct lab_domain_memory now = {0};
	double seen_ns = 0, looked_ns = start_ns;

	while (state_clock_ns() - start_ns < MOVE_TIMEOUT_MS * 1e6) {
		double last =
			(double)__atomic_load_n(&s->b->counts->memory_op_ns, __ATOMIC_RELAXED);
		double quiet_ns = state_clock_ns() - last;

		if (last > start_ns && last > seen_ns && quiet_ns > AFTER_MS * 1e6) {
			if (state_take(s, after))
				return -1;
			seen_ns = *last_ns = last;
		}
		if (seen_ns > 0 && last <= seen_ns && quiet_ns > DONE_MS * 1e6 &&
		    state_clock_ns() - looked_ns > DONE_MS * 1e6) {
			if (lab_domain_memory(s->guest, &now))
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
	enum bench_direction direction;
	enum bench_driver driver;
	unsigned int mib;
	struct state cost;
	double wall_ns, memory_ops, large_pages;
};

/* Pages in extents of 2 MiB, both ways, since our driver was loaded. */
static int read_large(const struct subject *s, const struct move *m, double *pages)
{
	static const char *const names[] = {"decreased_large ", "populated_large "};
	char *text = NULL;
	int ret = 0;

	*pages = 0;
	if (m->driver == PEER)
		return 0;
	if (lab_read_file(s->guest, STATS, &text))
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

static int move(const struct subject *s, struct move *m)
{
	const struct background *other = &s->background[m->driver == PEER ? PEER : OURS];
	uint64_t way_kib = (uint64_t)m->mib * KIB_PER_MIB;
	bool down = m->direction == INFLATE;
	struct lab_domain_memory was;
	struct state before, after, cost;
	double large, last_ns = 0;

	if (lab_wait_domain_steady(s->guest, QUIET_MS, SETTLE_MS, &was))
		return report_complain("%s", lab_error());
	if (read_large(s, m, &m->large_pages))
		return -1;
	lab_sleep_ms(AFTER_MS);
	if (state_take(s, &before) || state_set_target(s, s->high_kib - (down ? way_kib : 0)) ||
	    wait_for(s, down ? was.kib - way_kib : was.kib + way_kib, before.v[STATE_NS], &after,
		     &last_ns) ||
	    read_large(s, m, &large))
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

static int keep(const struct subject *s, const struct move *m)
{
	struct bench *b = s->b;
	struct samples *to = b->cell[s->set][s->kind][m->direction][m->driver].figure;
	double pages = (double)m->mib * LAB_PAGES_PER_MIB;
	json_t *raw;

	if (m->memory_ops < 1)
		return report_complain("%s moved no memory", bench_driver_names[m->driver]);
	if (b->counting) {
		samples_add(&to[FIGURE_CALLS], m->cost.v[STATE_CALLS] * PAGES_PER_GIB / pages);
		samples_add(&to[FIGURE_MEMORY_OPS], m->memory_ops * PAGES_PER_GIB / pages);
		samples_add(&to[FIGURE_GUEST], m->cost.v[STATE_GUEST] / pages);
		samples_add(&to[FIGURE_XEN], m->cost.v[STATE_XEN] / pages);
		samples_add(&to[FIGURE_ALL],
			    (m->cost.v[STATE_GUEST] + m->cost.v[STATE_XEN]) / pages);
		samples_add(&to[FIGURE_LARGE], m->large_pages / pages);
	} else {
		samples_add(&to[FIGURE_RATE], m->mib / (m->cost.v[STATE_BUSY_NS] / 1e9));
		samples_add(&to[FIGURE_WALL], m->wall_ns / 1e9);
	}
	raw = json_pack(
		"{s:s, s:s, s:s, s:s, s:b, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "parameters",
		bench_set_names[s->set], "guest", bench_guest_names[s->kind], "direction",
		bench_direction_names[m->direction], "driver", bench_driver_names[m->driver],
		"counting", b->counting, "pages", (json_int_t)pages, "memory_ops", m->memory_ops,
		"hypercalls", m->cost.v[STATE_CALLS], "guest_instructions", m->cost.v[STATE_GUEST],
		"xen_instructions", m->cost.v[STATE_XEN], "busy_s", m->cost.v[STATE_BUSY_NS] / 1e9,
		"wall_s", m->wall_ns / 1e9, "large_pages", m->large_pages);
	return json_array_append_new(b->moves, raw) ? report_complain("no memory") : 0;
}

static int profiled(const struct subject *s, struct move *m)
{
	char title[96];

	if (!s->b->options.profile)
		return move(s, m);
	snprintf(title, sizeof(title), "%s, %s: %s", bench_guest_names[s->kind],
		 bench_driver_names[m->driver], bench_direction_names[m->direction]);
	return bench_profile_before(&s->b->profile) || move(s, m) ||
	       bench_profile_print(&s->b->profile, s->guest, title,
				   (double)m->mib * LAB_PAGES_PER_MIB);
}

/* ---- drivers ---- */

/* Down and up again. */
static int both_ways(const struct subject *s, enum bench_driver driver)
{
	struct move m = {.driver = driver, .mib = WARM_UP_MIB};

	for (m.direction = INFLATE; !s->b->counting && m.direction < DIRECTIONS; m.direction++)
		if (move(s, &m))
			return -1;
	m.mib = s->b->options.move_mib;
	for (m.direction = INFLATE; m.direction < DIRECTIONS; m.direction++)
		if (profiled(s, &m) || keep(s, &m))
			return -1;
	return 0;
}

static int cycle(struct subject *s, enum bench_driver driver)
{
	struct lab_guest *g = s->guest;
	int ret;

	if (driver == PEER)
		return state_background(s, PEER) || both_ways(s, PEER);
	if (lab_must(g, MODULE_TIMEOUT_MS, "modprobe aerostat_xen%s",
		     s->set == SET_BARE ? " scrub=0" : ""))
		return report_complain("%s", lab_error());
	ret = state_background(s, OURS) || both_ways(s, OURS);
	/* A PVH guest's memory is in whole large pages again in any case. */
	if (!ret && s->kind != GUEST_PVH)
		ret = both_ways(s, AGAIN);
	if (!ret && lab_must(g, MODULE_TIMEOUT_MS, "rmmod aerostat_xen"))
		ret = report_complain("%s", lab_error());
	return ret;
}

static int all_cycles(struct subject *s)
{
	struct bench *b = s->b;
	/* Counts hardly differ from round to round, rates do. */
	unsigned int rounds = b->counting ? (b->options.rounds + 1) / 2 : b->options.rounds;

	for (unsigned int round = 0; round < rounds; round++) {
		/* Who comes first changes, so that neither always finds a fresh guest. */
		enum bench_driver first = round % 2 ? PEER : OURS;

		if (cycle(s, first) || cycle(s, first == OURS ? PEER : OURS))
			return -1;
	}
	return 0;
}

/* ---- guests ---- */

static const char *append_of(enum bench_set set)
{
	return set == SET_BARE ? "init_on_alloc=0 xen_scrub_pages=0" : NULL;
}

static unsigned int dom0_mib(const struct bench *b)
{
	return b->options.move_mib + DOM0_SPARE_MIB;
}

static unsigned int domu_mib(const struct bench *b)
{
	return b->options.move_mib + DOMU_SPARE_MIB;
}

/* The toolstack says the target once, so that it and the guest agree from here on. */
static int measure_guest(struct subject *s, unsigned int mib)
{
	char *target;

	if (lab_mem_set_kib(s->guest, (uint64_t)mib * KIB_PER_MIB) ||
	    lab_wait_domain_steady(s->guest, QUIET_MS, SETTLE_MS, NULL) ||
	    lab_xenstore_read(s->guest, "memory/target", &target))
		return report_complain("%s", lab_error());
	s->high_kib = strtoull(target, NULL, 10);
	free(target);
	if (s->high_kib < (uint64_t)s->b->options.move_mib * KIB_PER_MIB)
		return report_complain("the toolstack's target makes no sense: %" PRIu64 " KiB",
				       s->high_kib);
	return all_cycles(s);
}

static int measure_domu(struct subject *s)
{
	struct lab_domu domu = {
		.type = s->kind == GUEST_PV ? LAB_PV : LAB_PVH,
		.memory_mib = domu_mib(s->b),
		.append = append_of(s->set),
		.boot_timeout_ms = 180000,
	};
	int ret;

	if (lab_domu_start(&s->guest, s->dom0, &domu))
		return report_complain("%s", lab_error());
	ret = measure_guest(s, domu.memory_mib);
	if (!ret && lab_domu_stop(s->guest))
		ret = report_complain("%s", lab_error());
	return ret;
}

static int all_guests(struct bench *b, struct lab_guest *dom0, enum bench_set set)
{
	for (int guest = 0; guest < GUESTS; guest++) {
		struct subject s = {.b = b,
				    .dom0 = dom0,
				    .guest = dom0,
				    .set = set,
				    .kind = (enum bench_guest)guest};

		if (!b->options.guest[guest])
			continue;
		fprintf(stderr, "%5.0f s  %s, %s parameters, %s\n",
			(double)(lab_now_ms() - b->start_ms) / 1000, bench_guest_names[guest],
			bench_set_names[set],
			b->counting ? "counting instructions" : "measuring rates");
		if (guest == GUEST_DOM0 ? measure_guest(&s, dom0_mib(b)) : measure_domu(&s))
			return -1;
	}
	return 0;
}

static int find_thread(struct bench *b, struct lab_guest *dom0)
{
	json_t *cpus = lab_qmp(dom0, "query-cpus-fast", NULL);

	b->thread = (int)json_integer_value(json_object_get(json_array_get(cpus, 0), "thread-id"));
	json_decref(cpus);
	return b->thread > 0 ? 0 : report_complain("QEMU does not say which thread is its CPU");
}

int bench_boot(struct bench *b, enum bench_set set, bool counting)
{
	const struct lab_xen xen = {.kernel = LAB_KERNEL_STOCK, .dom0_mib = dom0_mib(b)};
	char counter[4096];
	const char *const extra[] = {"-plugin", counter, NULL};
	struct lab_config config = {
		.name = "bench-xen",
		.memory_mib = dom0_mib(b) + domu_mib(b) + XEN_MIB,
		.append = append_of(set),
		.extra = extra,
		.xen = &xen,
	};
	struct lab_guest *dom0 = NULL;
	int ret;

	snprintf(counter, sizeof(counter),
		 "file=%s/bench/aerostat-bench-count.so,counts=%s,hypercalls=on%s",
		 lab_build_folder(), b->counts_path, counting ? "" : ",instructions=off");
	memset(b->counts, 0, sizeof(*b->counts));
	b->counting = counting;
	if (lab_boot(&dom0, &config))
		return report_complain("%s", lab_error());
	if (!b->qemu)
		b->qemu = lab_qmp(dom0, "query-version", NULL);
	ret = find_thread(b, dom0) || all_guests(b, dom0, set);
	if (!ret)
		ret = bench_check_log(dom0);
	else if (lab_alive(dom0))
		lab_log_tail(dom0, stderr, 15, "  ");
	lab_stop(dom0);
	return ret;
}
