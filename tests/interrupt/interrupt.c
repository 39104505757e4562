// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Exhaustive interruption: each of a set of short scenarios is run again for each call to
 * the port or the hypervisor that it makes, with that call going wrong in each way it may;
 * then with two such calls, as many pairs as the budget allows.  The ownership checker runs
 * after each step; in the end the balloon must reach targets and unload with nothing lost.
 *
 * A failure prints the list of cut points, which replays it.
 */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

void __sanitizer_set_death_callback(void (*callback)(void));

#define PAGES	      28U
#define ABSENT	      (2 * BLOCK)

/* Pairs of cuts that are tried in all, unless --pairs says otherwise. */
#define PAIRS_DEFAULT 2000ULL

#define CAPS_SINGLE   AERO_VMW_CAP_BASIC
#define CAPS_BATCHED  (CAPS_SINGLE | AERO_VMW_CAP_BATCHED)
#define CAPS_2M	      (CAPS_BATCHED | AERO_VMW_CAP_BATCHED_2M)

static const struct setting settings[] = {
	{.name = "vmware-single-page", .caps = CAPS_SINGLE},
	{.name = "vmware-single-split", .caps = CAPS_SINGLE, .split = true},
	{.name = "vmware-batched-page", .caps = CAPS_BATCHED},
	{.name = "vmware-batched-split", .caps = CAPS_BATCHED, .split = true},
	{.name = "vmware-2m-large", .caps = CAPS_2M, .large = true},
	{.name = "vmware-all-large-and-split",
	 .caps = AERO_VMW_CAP_ALL,
	 .large = true,
	 .split = true},
	{.name = "xen-pvh-page", .xen = true},
	{.name = "xen-pvh-split", .xen = true, .split = true},
	{.name = "xen-pvh-large", .xen = true, .large = true},
	{.name = "xen-pv-page", .xen = true, .pv = true},
	{.name = "xen-pv-split", .xen = true, .pv = true, .split = true},
};

#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

/* -- the scenarios ---------------------------------------------------------------------- */

/* prepare() meets no cuts, act() does. */
struct scenario {
	const char *name;
	bool vmware, xen;
	uint32_t absent;
	void (*prepare)(struct world *w);
	void (*act)(struct world *w);
};

static void nothing(struct world *w)
{
	(void)w;
}

static void fill(struct world *w)
{
	world_target(w, 2 * BLOCK + 1);
	world_run(w, 4);
}

static void inflate(struct world *w)
{
	world_target(w, 3 * BLOCK + 2);
	world_run(w, 3);
}

static void deflate(struct world *w)
{
	world_target(w, 1);
	world_run(w, 3);
}

/* The target turns round twice in the middle of a run. */
static void turn(struct world *w)
{
	world_target(w, 3 * BLOCK);
	world_step(w);
	world_step(w);
	world_target(w, 1);
	world_step(w);
	world_target(w, BLOCK + 3);
	world_run(w, 2);
}

static void reset(struct world *w)
{
	world_forget(w);
	world_run(w, 2);
	world_target(w, BLOCK);
	world_step(w);
	world_forget(w);
	world_run(w, 2);
}

static void migrate(struct world *w)
{
	world_migrate(w);
	world_target(w, BLOCK);
	world_step(w);
	world_migrate(w);
	world_run(w, 2);
}

/* A page stays isolated while all else goes on. */
static void isolate(struct world *w)
{
	aero_page *page = sim_isolate(&w->port);

	world_target(w, 0);
	world_run(w, 1);
	if (page && sim_migrate(&w->b, page) == AERO_MIGRATE_FAILED)
		sim_putback(&w->port, page);
	world_check(w);
	world_run(w, 1);
}

static void relieve(struct world *w)
{
	aero_relieve(&w->b, 1);
	world_check(w);
	world_run(w, 1);
	aero_relieve(&w->b, BLOCK + 1);
	world_check(w);
	world_target(w, 2 * BLOCK);
	world_run(w, 2);
}

/* With relief in the middle of a run, as a shrinker does it. */
static void relieve_in_a_run(struct world *w)
{
	world_target(w, 3 * BLOCK);
	world_step(w);
	world_step(w);
	aero_relieve(&w->b, 2);
	world_check(w);
	world_run(w, 2);
}

static void unload(struct world *w)
{
	unsigned int steps = 0;

	world_target(w, 3 * BLOCK);
	world_step(w);
	world_step(w);
	while (!world_unload_step(w))
		if (++steps > 100)
			sim_fail("an unload without an end");
	if (!w->setting->xen)
		aero_vmware_destroy(&w->v);
	world_load(w);
	world_run(w, 1);
}

/* Xen has memory for a part of the balloon only. */
static void unload_without_memory(struct world *w)
{
	w->xen.limit = w->xen.reservation + BLOCK;
	unload(w);
}

static void lend(struct world *w)
{
	world_lend(w, 2);
	world_run(w, 1);
	world_lend(w, 2 * BLOCK);
	world_run(w, 1);
	sim_repay(&w->b, 3);
	world_check(w);
	world_target(w, 1);
	world_run(w, 2);
	sim_repay(&w->b, AERO_BATCH_MAX);
	world_check(w);
	world_run(w, 1);
}

static void grow(struct world *w)
{
	world_target_beyond(w, BLOCK + 1);
	world_run(w, 2);
	world_online(w, 2);
	world_run(w, 2);
	world_online(w, ALL_COMING);
	world_run(w, 2);
}

static const struct scenario scenarios[] = {
	{"inflate", true, true, 0, nothing, inflate},
	{"deflate", true, true, 0, fill, deflate},
	{"turn", true, true, 0, fill, turn},
	{"reset", true, false, 0, fill, reset},
	{"migrate", true, true, 0, fill, migrate},
	{"isolate", true, true, 0, fill, isolate},
	{"relieve", true, true, 0, fill, relieve},
	{"relieve-in-a-run", true, true, 0, fill, relieve_in_a_run},
	{"unload", true, true, 0, fill, unload},
	{"unload-without-memory", false, true, 0, fill, unload_without_memory},
	{"lend", false, true, 0, fill, lend},
	{"grow", false, true, ABSENT, nothing, grow},
};

#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

static bool is_for(const struct scenario *scenario, const struct setting *setting)
{
	return setting->xen ? scenario->xen : scenario->vmware;
}

/* -- one run ------------------------------------------------------------------------------ */

static struct world world;

static struct {
	const struct scenario *scenario;
	const struct setting *setting;
	struct cut cuts[CUT_PLAN_MAX];
	unsigned int n;
	bool replaying;
	unsigned int tests;
} now;

/* After a failure, whether it is the checker's or a sanitizer's: how to see it again. */
static void say_how_to_replay(void)
{
	static bool said;
	char cuts[256];

	if (said || !now.scenario)
		return;
	said = true;
	cut_print(now.cuts, now.n, cuts, sizeof(cuts));
	if (!now.replaying)
		printf("not ok %u - %s-%s\n", now.tests + 1, now.scenario->name, now.setting->name);
	printf("# replay with: --replay %s-%s %s\n", now.scenario->name, now.setting->name, cuts);
	fflush(stdout);
}

static void on_failure(const char *message)
{
	printf("# %s\n", message);
	say_how_to_replay();
}

/* What the calls were is in cut_plan afterwards. */
static void run(const struct cut *cuts, unsigned int n)
{
	now.n = n;
	memcpy(now.cuts, cuts, n * sizeof(*cuts));
	world_create(&world, now.setting, PAGES, now.scenario->absent);
	now.scenario->prepare(&world);
	if (now.replaying)
		world.port.record.verbose = true;
	cut_begin(cuts, n);
	now.scenario->act(&world);
	world_finish(&world);
}

/* -- all of them --------------------------------------------------------------------------- */

/* The cut after @cut: another way of the same call, or the next call. */
static bool next_cut(const uint8_t *made, uint32_t calls, struct cut *cut)
{
	while (cut->at <= calls) {
		cut->way = cut_next_way((enum cut_call)made[cut->at], cut->way);
		if (cut->way != CUT_NOT)
			return true;
		cut->at++;
	}
	return false;
}

static uint64_t ways_after(uint32_t at)
{
	uint64_t ways = 0;

	while (++at <= cut_plan.calls)
		ways += cut_ways_of((enum cut_call)cut_plan.made[at]);
	return ways;
}

/* How many pairs begin with each single cut, of all scenarios in their order. */
#define SINGLES_MAX 65536U
static uint64_t pairs_of[SINGLES_MAX];

struct figures {
	uint32_t calls;
	uint64_t singles, pairs; /* runs there are */
};

/* Once without a cut, which must do, and once with each. */
static struct figures run_singles(uint64_t *pairs)
{
	static uint8_t made[CUT_CALLS_MAX + 1];
	struct figures f = {0};
	struct cut cut = {.at = 1};

	run(&cut, 0);
	f.calls = cut_plan.calls;
	if (f.calls == CUT_CALLS_MAX)
		sim_fail("more calls than can be cut");
	memcpy(made, cut_plan.made, sizeof(made));
	while (next_cut(made, f.calls, &cut)) {
		run(&cut, 1);
		pairs[f.singles] = ways_after(cut.at);
		f.pairs += pairs[f.singles++];
	}
	return f;
}

/*
 * Each @stride-th pair of cuts, of which @at have been passed by; @pairs says how many begin
 * with each single cut.  Returns how many were run.
 */
static uint64_t run_pairs(uint64_t stride, uint64_t *at, const uint64_t **pairs)
{
	static uint8_t made[CUT_CALLS_MAX + 1], made_first[CUT_CALLS_MAX + 1];
	struct cut cuts[2] = {{.at = 1}};
	uint64_t n, runs = 0;
	uint32_t calls, calls_first;

	run(cuts, 0);
	calls = cut_plan.calls;
	memcpy(made, cut_plan.made, sizeof(made));
	while (next_cut(made, calls, &cuts[0])) {
		n = *(*pairs)++;
		/* None of them has its turn. */
		if (*at % stride && n < stride - *at % stride) {
			*at += n;
			continue;
		}
		run(cuts, 1);
		calls_first = cut_plan.calls;
		memcpy(made_first, cut_plan.made, sizeof(made_first));
		cuts[1] = (struct cut){.at = cuts[0].at + 1};
		while (next_cut(made_first, calls_first, &cuts[1])) {
			if ((*at)++ % stride)
				continue;
			run(cuts, 2);
			runs++;
		}
	}
	return runs;
}

static bool choose(unsigned int i)
{
	now.scenario = &scenarios[i / SETTINGS];
	now.setting = &settings[i % SETTINGS];
	return is_for(now.scenario, now.setting);
}

/* A stride without small factors: the ways of a call must not fall into step with it. */
static uint64_t stride_for(uint64_t pairs, uint64_t budget)
{
	uint64_t stride = (pairs + budget - 1) / budget;

	while (stride > 1 && (stride % 2 == 0 || stride % 3 == 0 || stride % 5 == 0))
		stride++;
	return stride ? stride : 1;
}

static void run_all(uint64_t budget)
{
	struct figures f, sum = {0};
	unsigned int i, plan = 0;
	uint64_t stride, runs, at = 0;
	const uint64_t *pairs = pairs_of;

	for (i = 0; i < SCENARIOS * SETTINGS; i++)
		plan += choose(i);
	printf("1..%u\n", 2 * plan);
	for (i = 0; i < SCENARIOS * SETTINGS; i++) {
		if (!choose(i))
			continue;
		f = run_singles(pairs_of + sum.singles);
		printf("ok %u - %s-%s\n# %u calls, each in each way: %llu runs\n", ++now.tests,
		       now.scenario->name, now.setting->name, f.calls,
		       (unsigned long long)f.singles);
		sum.singles += f.singles;
		sum.pairs += f.pairs;
		if (sum.singles > SINGLES_MAX / 2)
			sim_fail("more cuts than pairs_of[] has room for");
	}
	stride = stride_for(sum.pairs, budget);
	for (i = 0, runs = 0; i < SCENARIOS * SETTINGS; i++) {
		if (!choose(i))
			continue;
		runs += run_pairs(stride, &at, &pairs);
		printf("ok %u - %s-%s-twice\n", ++now.tests, now.scenario->name, now.setting->name);
		fflush(stdout);
	}
	printf("# %llu runs with one cut; with two %llu of %llu\n", (unsigned long long)sum.singles,
	       (unsigned long long)runs, (unsigned long long)sum.pairs);
}

/* -- the command line ------------------------------------------------------------------------ */

static struct {
	unsigned long long pairs;
	const char *scenario, *cuts;
} options = {.pairs = PAIRS_DEFAULT};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	char *end;

	switch (key) {
	case 'p':
		options.pairs = strtoull(arg, &end, 10);
		if (!options.pairs || *end)
			argp_error(state, "--pairs is a number from 1 on, not '%s'", arg);
		return 0;
	case 'r':
		options.scenario = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (!options.scenario || options.cuts)
			return ARGP_ERR_UNKNOWN;
		options.cuts = arg;
		return 0;
	case ARGP_KEY_END:
		if (options.scenario && !options.cuts)
			argp_error(state, "--replay needs a scenario and a list of cuts");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int replay(void)
{
	struct cut cuts[CUT_PLAN_MAX];
	unsigned int i, n;
	uint32_t call;
	char name[96];

	if (!cut_parse(options.cuts, cuts, &n)) {
		fprintf(stderr, "'%s' is not a list such as 12:busy,40:reset\n", options.cuts);
		return EXIT_FAILURE;
	}
	now.replaying = true;
	for (i = 0; i < SCENARIOS * SETTINGS; i++) {
		choose(i);
		snprintf(name, sizeof(name), "%s-%s", now.scenario->name, now.setting->name);
		if (strcmp(name, options.scenario))
			continue;
		run(cuts, n);
		printf("#");
		for (call = 1; call <= cut_plan.calls; call++)
			printf(" %u:%s", call, cut_call_name((enum cut_call)cut_plan.made[call]));
		printf("\n# %s passes\n", name);
		return EXIT_SUCCESS;
	}
	fprintf(stderr, "there is no scenario '%s'\n", options.scenario);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static const struct argp_option known[] = {
		{"pairs", 'p', "N", 0, "Try so many pairs of cuts at the most (default 2000)", 0},
		{"replay", 'r', "SCENARIO", 0,
		 "Run one scenario with CUTS, such as 12:busy,40:reset", 0},
		{0},
	};
	static const struct argp argp = {
		.options = known,
		.parser = parse_option,
		.args_doc = "[CUTS]",
		.doc = "Runs short scenarios with each of their calls going wrong in each way.",
	};

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	sim_on_failure = on_failure;
	__sanitizer_set_death_callback(say_how_to_replay);
	if (options.scenario)
		return replay();
	run_all(options.pairs);
	return EXIT_SUCCESS;
}
