/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Another domain has eaten Xen's memory.  What a domain then gets is partial, then
 * nothing; it asks again by the schedule of docs/design/xen.md, and gets the rest without
 * being told once the memory is there again.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"

#define TRACING	     "/sys/kernel/tracing/"
#define ENOUGH_KIB   (200 * KIB_PER_MIB) /* what the tests want is never less */
#define EATER_MIB    128u /* what a domU costs Xen besides its memory, and what is left over */
#define RUNS_MAX     200u
#define RETRIES	     3u
#define RECHECK_S    60u
#define RUNS_WAIT_MS (120 * 1000)

static const struct lab_xen stock_xen = {.kernel = LAB_KERNEL_STOCK};
static const struct lab_config stock = {.xen = &stock_xen};

/* A PV domU that leaves Xen less memory than the tests ask for. */
static const char *eat(struct lab_guest *dom0, struct lab_guest **eater)
{
	struct lab_domu config = {.type = LAB_PV, .name = "eater"};
	struct lab_xen_memory xen;

	LAB_OK(lab_xen_memory(dom0, &xen));
	config.memory_mib = (unsigned int)(xen.free_kib / KIB_PER_MIB) - EATER_MIB;
	LAB_OK(lab_domu_start(eater, dom0, &config));
	LAB_OK(lab_xen_memory(dom0, &xen));
	lab_note("free after a domU of %u MiB: %" PRIu64 " KiB", config.memory_mib, xen.free_kib);
	LAB_CHECK(xen.free_kib && xen.free_kib < ENOUGH_KIB,
		  "there is no contention: %" PRIu64 " KiB are free", xen.free_kib);
	return NULL;
}

/* The domain has got all the memory there was: some, but less than its target. */
static const char *is_starved(struct subject *s, uint64_t was_kib, uint64_t wanted_kib)
{
	struct lab_domain_memory d;
	struct lab_xen_memory xen;

	LAB_OK(lab_wait_domain_kib(s->g, was_kib + s->offset_kib + LAB_PAGE_KIB,
				   wanted_kib + s->offset_kib - LAB_PAGE_KIB, SETTLE_MS));
	LAB_OK(lab_wait_domain_steady(s->g, QUIET_MS, SETTLE_MS, &d));
	LAB_OK(lab_xen_memory(s->g, &xen));
	lab_note("it got %" PRIu64 " of %" PRIu64 " KiB; free: %" PRIu64,
		 d.kib - s->offset_kib - was_kib, wanted_kib - was_kib, xen.free_kib);
	LAB_CHECK(d.kib < wanted_kib + s->offset_kib && xen.free_kib < 2 * KIB_PER_MIB,
		  "it has %" PRIu64 " KiB, free are %" PRIu64, d.kib, xen.free_kib);
	return NULL;
}

/* ---- the trace: when runs began and how they ended ---- */

struct worker_run {
	double begin_s, end_s;
	uint64_t target, size_before, size_after;
	char why[16];
};

static const char *trace_start(struct lab_guest *g)
{
	LAB_OK(lab_must(g, 20000,
			"grep -q tracefs /proc/mounts || mount -t tracefs t " TRACING
			"; cd " TRACING
			" && echo 0 >trace && echo 1 >events/aerostat/aerostat_run/enable"
			" && echo 1 >events/aerostat/aerostat_run_end/enable"));
	return NULL;
}

/*
 *   kworker/u2:1-23  [000] .....  12.345678: aerostat_run: target=1 size=2
 *   kworker/u2:1-23  [000] .....  12.345678: aerostat_run_end: target=1 size=3 why=done
 */
static bool parse_line(const char *line, double *when_s, uint64_t *target, uint64_t *size,
		       char *why, bool *end)
{
	const char *event = strstr(line, ": aerostat_run");
	const char *time = event;
	unsigned long long t, z;

	if (!event)
		return false;
	while (time > line && time[-1] != ' ')
		time--;
	*when_s = strtod(time, NULL);
	*end = !strncmp(event, ": aerostat_run_end: ", 20);
	if (*end ? sscanf(event, ": aerostat_run_end: target=%llu size=%llu why=%15s", &t, &z,
			  why) != 3
		 : sscanf(event, ": aerostat_run: target=%llu size=%llu", &t, &z) != 2)
		return false;
	*target = t;
	*size = z;
	return true;
}

/* Complete runs only. */
static const char *read_runs(struct lab_guest *g, struct worker_run *runs, unsigned int *n)
{
	char *text, *rest, *line, why[16] = "";
	uint64_t target, size;
	bool open = false, end;
	double when_s;

	*n = 0;
	LAB_OK(lab_read_file(g, TRACING "trace", &text));
	rest = text;
	while (*n < RUNS_MAX && (line = strsep(&rest, "\n"))) {
		struct worker_run *run = &runs[*n];

		if (*line == '#' || !parse_line(line, &when_s, &target, &size, why, &end))
			continue;
		if (!end) {
			*run = (struct worker_run){
				.begin_s = when_s, .target = target, .size_before = size};
		} else if (open) {
			run->end_s = when_s;
			run->size_after = size;
			strcpy(run->why, why);
			++*n;
		}
		open = !end;
	}
	free(text);
	LAB_CHECK(*n < RUNS_MAX, "more than %u runs in the trace", RUNS_MAX - 1);
	return NULL;
}

/*
 * The pause that docs/design/xen.md promises after each run: 2, 4, 8 seconds and then a minute; a
 * new target and progress start that anew; all else is done a second later.
 */
static unsigned int pause_after(const struct worker_run *run, const struct worker_run *before,
				unsigned int *retries)
{
	if (strcmp(run->why, "no_progress")) {
		*retries = 0;
		return 1;
	}
	if (!before || before->target != run->target || run->size_before != run->size_after)
		*retries = 0;
	++*retries;
	return *retries > RETRIES ? RECHECK_S : 1U << *retries;
}

/*
 * Pauses of seconds are rounded to the kernel's whole seconds, and a busy machine
 * is late; but not so that one pause could be taken for the next longer one.
 */
static const char *schedule_kept(const struct worker_run *runs, unsigned int n, bool *complete)
{
	unsigned int retries = 0, longest = 0;

	for (unsigned int i = 0; i + 1 < n; i++) {
		double pause_s = runs[i + 1].begin_s - runs[i].end_s;
		unsigned int want_s = pause_after(&runs[i], i ? &runs[i - 1] : NULL, &retries);

		if (retries)
			lab_note("try %u, %s at %" PRIu64 " of %" PRIu64
				 " pages: %.2f s to the next",
				 retries, runs[i].why, runs[i].size_after, runs[i].target, pause_s);
		if (want_s > 1)
			LAB_CHECK(pause_s > 0.75 * want_s - 0.1 && pause_s < 1.5 * want_s + 1.5,
				  "%.2f s until try %u, not %u", pause_s, retries + 1, want_s);
		longest = retries > longest ? retries : longest;
	}
	*complete = longest > RETRIES;
	return NULL;
}

/* Waits for the try before the pause of a minute. */
static const char *await_tries(struct subject *s)
{
	struct worker_run runs[RUNS_MAX];
	int64_t start = lab_now_ms();
	unsigned int n, tries;

	do {
		lab_sleep_ms(1000);
		LAB_TRY(read_runs(s->g, runs, &n));
		tries = 0;
		for (unsigned int i = n; i-- && !strcmp(runs[i].why, "no_progress");)
			tries++;
		LAB_CHECK(lab_now_ms() - start < RUNS_WAIT_MS, "only %u tries after %d s", tries,
			  RUNS_WAIT_MS / 1000);
	} while (tries <= RETRIES);
	return NULL;
}

/* ---- the tests ---- */

/* The first retries are seconds apart, so after a short wait the rest arrives quickly. */
static const char *partial_then_rest(struct lab_guest *g)
{
	const uint64_t low_kib = 700 * KIB_PER_MIB, high_kib = 1000 * KIB_PER_MIB;
	struct subject s = {.g = g};
	struct lab_guest *eater;

	LAB_OK(lab_data_fill(g, 64, 1));
	LAB_TRY(load(&s));
	LAB_TRY(move_to(&s, low_kib));
	LAB_TRY(eat(g, &eater));
	LAB_OK(lab_mem_set_kib(g, high_kib));
	LAB_TRY(is_starved(&s, low_kib, high_kib));
	LAB_OK(lab_domu_stop(eater));
	LAB_TRY(settle_within(&s, high_kib, 2 * RECHECK_S * 1000));
	LAB_TRY(figures_agree(&s));
	LAB_OK(lab_data_check(g));
	LAB_OK(lab_call(g, 20000, NULL, "data free"));
	return NULL;
}

/* Memory returns only after the retries have become as rare as one a minute. */
static const char *cancelled_target(struct lab_guest *g)
{
	const uint64_t low_kib = 700 * KIB_PER_MIB, high_kib = 1000 * KIB_PER_MIB;
	struct worker_run runs[RUNS_MAX];
	struct subject s = {.g = g};
	struct lab_guest *eater;
	bool complete = false;
	unsigned int n;
	int64_t start;

	LAB_OK(lab_data_fill(g, 64, 1));
	LAB_TRY(load(&s));
	LAB_TRY(move_to(&s, low_kib));
	LAB_TRY(eat(g, &eater));
	LAB_TRY(trace_start(g));
	LAB_OK(lab_mem_set_kib(g, high_kib));
	LAB_TRY(is_starved(&s, low_kib, high_kib));
	LAB_TRY(await_tries(&s));
	LAB_OK(lab_domu_stop(eater));
	start = lab_now_ms();
	/* No event announces free memory; the driver has to try again. */
	LAB_OK(lab_wait_domain_kib(g, high_kib, high_kib, 2 * RECHECK_S * 1000));
	lab_note("it has the rest %" PRId64 " ms after the memory was there", lab_now_ms() - start);
	LAB_TRY(read_runs(g, runs, &n));
	LAB_TRY(schedule_kept(runs, n, &complete));
	LAB_CHECK(complete, "the pause of a minute is not in the trace");
	LAB_TRY(figures_agree(&s));
	LAB_OK(lab_data_check(g));
	LAB_OK(lab_call(g, 20000, NULL, "data free"));
	return NULL;
}

/*
 * Pages that Xen has no memory for go to the built-in balloon, and the log says how
 * much.
 */
static const char *unload(struct subject *s)
{
	const char *low_file = BUILTIN "info/low_kb";
	uint64_t held_kib, left_kib, said_kib;
	struct lab_domain_memory was, is;

	LAB_OK(lab_read_number(s->g, "/sys/kernel/aerostat/size_kib", &held_kib));
	LAB_OK(lab_domain_memory(s->g, &was));
	LAB_OK(lab_must(s->g, 60000, "dmesg -c >/dev/null; rmmod aerostat_xen"));
	LAB_OK(lab_domain_memory(s->g, &is));
	LAB_OK(lab_must(
		s->g, 20000,
		"dmesg | sed -n 's/.*aerostat: \\([0-9]*\\) KiB could not be reclaimed.*/\\1/p'"
		" >/tmp/left"));
	LAB_OK(lab_read_number(s->g, "/tmp/left", &said_kib));
	LAB_OK(lab_read_number(s->g, low_file, &left_kib));
	lab_note("of %" PRIu64 " KiB %" PRIu64 " stay behind", held_kib, said_kib);
	LAB_CHECK(left_kib == said_kib && held_kib - said_kib == is.kib - was.kib,
		  "the balloon had %" PRIu64 " KiB; the log says %" PRIu64
		  " stay, the built-in one has %" PRIu64 "; the domain got %" PRIu64,
		  held_kib, said_kib, left_kib, is.kib - was.kib);
	return NULL;
}

/*
 * There is memory again: for our module, or for the built-in balloon, which looks
 * again once its target changes.
 */
static const char *resume(struct subject *s, struct lab_guest *eater, uint64_t kib, bool builtin)
{
	if (builtin) {
		LAB_OK(lab_domu_stop(eater));
		LAB_OK(lab_mem_set_kib(s->g, kib - LAB_PAGE_KIB));
		LAB_OK(lab_mem_set_kib(s->g, kib));
		return settle(s, kib);
	}
	LAB_TRY(load(s));
	LAB_OK(lab_domu_stop(eater));
	LAB_TRY(hurry(s));
	LAB_TRY(settle(s, kib));
	LAB_TRY(figures_agree(s));
	LAB_OK(lab_must(s->g, 60000, "rmmod aerostat_xen"));
	return settle(s, kib);
}

static const char *unload_starved(struct lab_guest *g, enum lab_domu_type type, bool builtin)
{
	const uint64_t low_kib = 200 * KIB_PER_MIB, high_kib = 400 * KIB_PER_MIB;
	const struct lab_domu config = {.type = type, .memory_mib = 400};
	struct lab_meminfo before, after;
	struct lab_guest *eater;
	struct subject s;

	LAB_TRY(domu_up(&s, g, &config));
	LAB_OK(lab_meminfo(s.g, &before));
	LAB_TRY(load(&s));
	LAB_TRY(hurry(&s));
	LAB_TRY(move_to(&s, low_kib));
	LAB_TRY(eat(g, &eater));
	LAB_OK(lab_mem_set_kib(s.g, high_kib));
	LAB_TRY(is_starved(&s, low_kib, high_kib));
	LAB_TRY(unload(&s));
	LAB_OK(lab_data_check(s.g));
	LAB_TRY(resume(&s, eater, high_kib, builtin));
	LAB_OK(lab_data_check(s.g));
	LAB_OK(lab_meminfo(s.g, &after));
	LAB_CHECK(before.total_kib == after.total_kib,
		  "MemTotal was %" PRIu64 " KiB and is %" PRIu64, before.total_kib,
		  after.total_kib);
	return NULL;
}

static const char *unload_pv(struct lab_guest *g)
{
	return unload_starved(g, LAB_PV, true);
}

static const char *unload_pvh(struct lab_guest *g)
{
	return unload_starved(g, LAB_PVH, false);
}

static const struct lab_test tests[] = {
	{"partial-then-rest", partial_then_rest, .config = &stock, .timeout_s = 480},
	{"cancelled-target", cancelled_target, .config = &stock, .timeout_s = 480},
	{"unload-starved-pv", unload_pv, .config = &stock, .timeout_s = 480},
	{"unload-starved-pvh", unload_pvh, .config = &stock, .timeout_s = 480},
};

static const struct lab_suite suite = {
	.name = "xen-contention",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
