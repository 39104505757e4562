// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Exhaustive interruption: each of a set of short scenarios is run again for each call to
 * the port or the hypervisor that it makes, with that call going wrong in each way it may;
 * then with two such calls, as many pairs as the budget allows.  The ownership checker runs
 * after each step; in the end the balloon must reach targets and unload with nothing lost.
 *
 * A failure prints the list of cut points, which replays it, and the test goes on behind it.
 * Which of the pairs are taken is another at each run; the seed that says so is printed.
 */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

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

/* How many pairs begin with each single cut, of all scenarios in their order. */
#define SINGLES_MAX 65536U

/*
 * A failure ends its process, be it the checker's or a sanitizer's.  So the runs are made by a
 * child, and what it does is noted where the parent sees it, which goes on behind the failure
 * with another child.
 */
static struct {
	struct cut cuts[CUT_PLAN_MAX]; /* of the run that is made */
	unsigned int n;
	uint32_t calls;		    /* without a cut */
	uint64_t pairs_at;	    /* pairs that have been passed by, of all scenarios */
	uint64_t runs;		    /* with two cuts */
	unsigned int i;		    /* the scenario and setting, as choose() has it */
	unsigned int failures;	    /* of them */
	unsigned int tests, failed; /* results that were told */
	uint64_t starts[SCENARIOS * SETTINGS]; /* where the singles of each begin */
	uint64_t singles;		       /* of all scenarios */
	uint64_t pairs_of[SINGLES_MAX];
} * noted;

static struct world world;

static struct {
	const struct scenario *scenario;
	const struct setting *setting;
	bool replaying;
} now;

static void say_how_to_replay(void)
{
	char cuts[256];

	cut_print(noted->cuts, noted->n, cuts, sizeof(cuts));
	printf("# replay with: --replay %s-%s %s\n", now.scenario->name, now.setting->name, cuts);
}

static void on_failure(const char *message)
{
	printf("# %s\n", message);
	fflush(stdout);
}

/* What the calls were is in cut_plan afterwards. */
static void run(const struct cut *cuts, unsigned int n)
{
	noted->n = n;
	memcpy(noted->cuts, cuts, n * sizeof(*cuts));
	world_create(&world, now.setting, PAGES, now.scenario->absent);
	now.scenario->prepare(&world);
	if (now.replaying)
		world.port.record.verbose = true;
	cut_begin(cuts, n);
	now.scenario->act(&world);
	world_finish(&world);
}

/* -- all of them --------------------------------------------------------------------------- */

/* Of one scenario, so many failures are listed. */
#define FAILURES_MAX 10U

static bool choose(unsigned int i)
{
	now.scenario = &scenarios[i / SETTINGS];
	now.setting = &settings[i % SETTINGS];
	return is_for(now.scenario, now.setting);
}

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

/* The calls of a run that has just been made, which the next run overwrites. */
static uint32_t keep_calls(uint8_t *made)
{
	if (cut_plan.calls == CUT_CALLS_MAX)
		sim_fail("more calls than can be cut");
	memcpy(made, cut_plan.made, sizeof(cut_plan.made));
	return cut_plan.calls;
}

/* After a failure it goes on behind this cut, or this pair; 0: from the beginning. */
static struct cut resume[2];

/* Once without a cut, which must do, and once with each. */
static void work_on_singles(void)
{
	static uint8_t made[CUT_CALLS_MAX + 1];
	struct cut cut = resume[0].at ? resume[0] : (struct cut){.at = 1};

	if (!resume[0].at)
		noted->starts[noted->i] = noted->singles;
	run(&cut, 0);
	noted->calls = keep_calls(made);
	while (next_cut(made, noted->calls, &cut)) {
		if (noted->singles == SINGLES_MAX)
			sim_fail("more cuts than pairs_of[] has room for");
		run(&cut, 1);
		noted->pairs_of[noted->singles++] = ways_after(cut.at);
	}
	printf("# %u calls, each in each way: %llu runs\n", noted->calls,
	       (unsigned long long)(noted->singles - noted->starts[noted->i]));
}

/* False: there is no going on behind it. */
static bool single_failed(void)
{
	if (!noted->n)
		return false;
	/* What fails alone is not tried with another. */
	noted->pairs_of[noted->singles++] = 0;
	resume[0] = noted->cuts[0];
	return true;
}

/* Each so-many-th pair is run, and which of them, the seed says. */
static uint64_t stride;

/* The pairs that begin with @first, from the one behind @second on. */
static void work_on_pairs_of(struct cut first, struct cut second)
{
	static uint8_t made[CUT_CALLS_MAX + 1];
	struct cut cuts[2] = {first, second};
	uint32_t calls;

	run(cuts, 1);
	calls = keep_calls(made);
	while (next_cut(made, calls, &cuts[1])) {
		if (noted->pairs_at++ % stride)
			continue;
		noted->runs++;
		run(cuts, 2);
	}
}

static void work_on_pairs(void)
{
	static uint8_t made[CUT_CALLS_MAX + 1];
	struct cut first = {.at = 1};
	const uint64_t *pairs = noted->pairs_of + noted->starts[noted->i];
	bool behind = !resume[1].at;
	uint64_t n;
	uint32_t calls;

	run(&first, 0);
	calls = keep_calls(made);
	while (next_cut(made, calls, &first)) {
		n = *pairs++;
		if (!behind) {
			behind = first.at == resume[0].at && first.way == resume[0].way;
			if (behind)
				work_on_pairs_of(first, resume[1]);
		} else if (noted->pairs_at % stride && n < stride - noted->pairs_at % stride) {
			/* None of them has its turn. */
			noted->pairs_at += n;
		} else if (n) {
			work_on_pairs_of(first, (struct cut){.at = first.at + 1});
		}
	}
}

static bool pair_failed(void)
{
	/* With fewer cuts it failed, which it did not before: that has no end. */
	if (noted->n < 2)
		return false;
	memcpy(resume, noted->cuts, sizeof(resume));
	return true;
}

/* A stride without small factors: the ways of a call must not fall into step with it. */
static uint64_t stride_for(uint64_t pairs, uint64_t budget)
{
	uint64_t every = (pairs + budget - 1) / budget;

	while (every > 1 && (every % 2 == 0 || every % 3 == 0 || every % 5 == 0))
		every++;
	return every ? every : 1;
}

/* What is done with each scenario, and what after a failure. */
struct phase {
	const char *suffix;
	void (*work)(void);
	bool (*failed)(void);
};

/* Of one scenario that has been done with; then comes the next. */
static void tell_result(const struct phase *phase)
{
	printf("%sok %u - %s-%s%s\n", noted->failures ? "not " : "", ++noted->tests,
	       now.scenario->name, now.setting->name, phase->suffix);
	fflush(stdout);
	noted->failed += noted->failures > 0;
	noted->failures = 0;
	noted->i++;
}

/* The child: all scenarios from noted->i on. */
static void work_on_all(const struct phase *phase)
{
	for (; noted->i < SCENARIOS * SETTINGS; memset(resume, 0, sizeof(resume))) {
		if (!choose(noted->i)) {
			noted->i++;
			continue;
		}
		phase->work();
		tell_result(phase);
	}
}

static bool in_a_child(const struct phase *phase)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		perror("interrupt: fork");
		exit(EXIT_FAILURE);
	}
	if (!pid) {
		work_on_all(phase);
		exit(EXIT_SUCCESS);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

static void run_phase(const struct phase *phase)
{
	noted->i = 0;
	memset(resume, 0, sizeof(resume));
	while (!in_a_child(phase)) {
		if (noted->i == SCENARIOS * SETTINGS) {
			printf("# memory was lost, or the like, as said above\n");
			noted->failed++;
			return;
		}
		choose(noted->i);
		say_how_to_replay();
		if (++noted->failures < FAILURES_MAX && phase->failed())
			continue;
		printf("# it is not gone on with here\n");
		tell_result(phase);
		memset(resume, 0, sizeof(resume));
	}
}

static bool run_all(uint64_t budget, uint64_t seed)
{
	static const struct phase singles = {"", work_on_singles, single_failed};
	static const struct phase twice = {"-twice", work_on_pairs, pair_failed};
	unsigned int plan = 0;
	uint64_t pairs = 0;

	for (unsigned int i = 0; i < SCENARIOS * SETTINGS; i++)
		plan += choose(i);
	printf("1..%u\n", 2 * plan);
	run_phase(&singles);
	for (uint64_t i = 0; i < noted->singles; i++)
		pairs += noted->pairs_of[i];
	stride = stride_for(pairs, budget);
	noted->pairs_at = seed % stride;
	printf("# of the pairs each %llu-th; to take the same ones again: --pairs %llu --seed %llu\n",
	       (unsigned long long)stride, (unsigned long long)budget, (unsigned long long)seed);
	run_phase(&twice);
	printf("# %llu runs with one cut; with two %llu of %llu\n",
	       (unsigned long long)noted->singles, (unsigned long long)noted->runs,
	       (unsigned long long)pairs);
	return !noted->failed;
}

/* -- the command line ------------------------------------------------------------------------ */

static struct {
	unsigned long long pairs, seed;
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
	case 's':
		options.seed = strtoull(arg, &end, 10);
		if (!*arg || *end)
			argp_error(state, "--seed is a number, not '%s'", arg);
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
		{"seed", 's', "N", 0, "Which of the pairs: as an earlier run printed it", 0},
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

	noted = mmap(NULL, sizeof(*noted), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (noted == MAP_FAILED) {
		perror("interrupt: mmap");
		return EXIT_FAILURE;
	}
	options.seed = (unsigned long long)time(NULL);
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	sim_on_failure = on_failure;
	if (options.scenario)
		return replay();
	return run_all(options.pairs, options.seed) ? EXIT_SUCCESS : EXIT_FAILURE;
}
