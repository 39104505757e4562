// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Property tests: random worlds (world.h), each from a seed, so that whatever
 * fails can be replayed.  Speaks TAP; each kind of world is one named test.
 */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sanitizer/common_interface_defs.h>

#include "world.h"

#define DEFAULT_SEEDS 4U
#define DEFAULT_STEPS 2500U

#define CAPS_4K	      (AERO_VMW_CAP_ALL & ~AERO_VMW_CAP_BATCHED_2M)

static const struct world_kind kinds[] = {
	{.name = "calm_2m",
	 .pages = 8192,
	 .caps = AERO_VMW_CAP_ALL,
	 .large = true,
	 .divisor = 2,
	 .chances = {.target = 120, .guest = 150, .settle = 10}},
	{.name = "calm_4k",
	 .pages = 3000,
	 .caps = CAPS_4K,
	 .chances = {.target = 120, .guest = 150, .settle = 10}},
	{.name = "calm_runs",
	 .pages = 4096,
	 .base_pfn = 1 << 20,
	 .caps = CAPS_4K,
	 .runs = true,
	 .chances = {.target = 120, .guest = 100, .migration = 20, .settle = 10}},
	{.name = "calm_unbatched",
	 .pages = 3072,
	 .caps = AERO_VMW_CAP_BASIC | AERO_VMW_CAP_SIGNALLED,
	 .runs = true,
	 .divisor = 2,
	 .chances = {.target = 120, .guest = 100, .migration = 20, .settle = 10}},
	{.name = "calm_old_host",
	 .pages = 2048,
	 .caps = AERO_VMW_CAP_ALL,
	 .old_host = true,
	 .large = true,
	 .divisor = 2,
	 .chances = {.target = 120, .guest = 100, .settle = 10}},
	{.name = "short_of_memory",
	 .pages = 4096,
	 .caps = AERO_VMW_CAP_ALL,
	 .large = true,
	 .runs = true,
	 .chances = {.target = 120, .guest = 200, .memory = 30, .relieve = 20, .settle = 6}},
	{.name = "migration",
	 .pages = 3000,
	 .caps = AERO_VMW_CAP_ALL,
	 .chances = {.target = 100,
		     .guest = 40,
		     .migration = 400,
		     .faults = 20,
		     .reset = 5,
		     .reload = 5,
		     .settle = 6}},
	{.name = "refusing_frames",
	 .pages = 4096,
	 .caps = AERO_VMW_CAP_ALL,
	 .large = true,
	 .runs = true,
	 .holes = 3,
	 .chances = {.target = 120, .guest = 60, .migration = 30, .reset = 3, .reload = 3}},
	{.name = "faulty_monitor_2m",
	 .pages = 8192,
	 .caps = AERO_VMW_CAP_ALL,
	 .large = true,
	 .runs = true,
	 .chances = {.target = 200, .guest = 20, .migration = 10, .faults = 60, .settle = 5}},
	{.name = "faulty_monitor_blocks",
	 .pages = 8192,
	 .caps = AERO_VMW_CAP_ALL,
	 .large = true,
	 .whole_blocks = true,
	 .chances = {.target = 300, .faults = 60}},
	{.name = "faulty_monitor_runs",
	 .pages = 4096,
	 .caps = CAPS_4K,
	 .runs = true,
	 .chances = {.target = 200, .guest = 20, .migration = 10, .faults = 60, .settle = 5}},
	{.name = "faulty_monitor_unbatched",
	 .pages = 3072,
	 .caps = AERO_VMW_CAP_BASIC,
	 .runs = true,
	 .divisor = 2,
	 .chances = {.target = 200, .guest = 20, .migration = 10, .faults = 60, .settle = 5}},
	{.name = "resets_and_unloads",
	 .pages = 4096,
	 .caps = AERO_VMW_CAP_ALL,
	 .large = true,
	 .chances = {.target = 120,
		     .guest = 30,
		     .migration = 60,
		     .host = 10,
		     .faults = 20,
		     .reset = 20,
		     .reload = 20,
		     .reboot = 4,
		     .settle = 5}},
	{.name = "everything",
	 .pages = 4096,
	 .caps = AERO_VMW_CAP_ALL,
	 .large = true,
	 .runs = true,
	 .chances = {.target = 120,
		     .guest = 80,
		     .migration = 40,
		     .relieve = 10,
		     .memory = 15,
		     .faults = 15,
		     .reset = 5,
		     .host = 5,
		     .reload = 5,
		     .reboot = 2,
		     .settle = 4}},
	{.name = "everything_protected",
	 .pages = 2048,
	 .caps = AERO_VMW_CAP_ALL,
	 .large = true,
	 .runs = true,
	 .protect = true,
	 .every_byte = true,
	 .divisor = 8,
	 .chances = {.target = 120,
		     .guest = 80,
		     .migration = 40,
		     .relieve = 10,
		     .memory = 15,
		     .faults = 15,
		     .reset = 5,
		     .host = 5,
		     .reload = 5,
		     .reboot = 2,
		     .settle = 4}},
	{.name = "clamped_targets",
	 .pages = 32768 + 6000,
	 .caps = AERO_VMW_CAP_ALL,
	 .large = true,
	 .clamped = true,
	 .divisor = 20,
	 .chances = {.target = 120, .guest = 60, .reset = 3, .reload = 3, .settle = 10}},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct {
	uint64_t seed, seeds, steps;
	const struct world_kind *kind; /* NULL: all */
	bool verbose, one;
} options = {.seed = 1, .seeds = DEFAULT_SEEDS, .steps = DEFAULT_STEPS};

/* What runs now, for the message of whatever ends it. */
static const struct world_kind *running;
static uint64_t running_seed;

static void say_how_to_replay(void)
{
	fflush(stdout);
	fprintf(stderr,
		"# replay: property --kind %s --seed %" PRIu64 " --steps %" PRIu64 " --verbose\n",
		running->name, running_seed, options.steps);
}

static void on_failure(const char *message)
{
	(void)message;
	say_how_to_replay();
}

static void run_seed(const struct world_kind *kind, uint64_t seed, uint64_t *sights)
{
	uint64_t steps = options.steps / (kind->divisor ? kind->divisor : 1);
	struct world *world = malloc(sizeof(*world));

	if (!world)
		sim_fail("no memory for a world");
	running = kind;
	running_seed = seed;
	world_create(world, kind, seed * 0x100000001b3ULL, options.verbose, sights);
	while (world->steps < steps)
		world_step(world);
	world_finish(world);
	free(world);
}

/* In a child, so that one that fails does not end the others. */
static bool run_kind(const struct world_kind *kind, uint64_t *sights)
{
	int status = 0;
	uint64_t i;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child < 0) {
		perror("# fork");
		return false;
	}
	if (!child) {
		for (i = 0; i < options.seeds; i++)
			run_seed(kind, options.seed + i, sights);
		fflush(NULL);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child)
		return false;
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* A campaign that never meets a case says nothing about it. */
static bool saw_everything(const uint64_t *sights)
{
	bool all = true;
	char name[100];
	unsigned int i;

	for (i = 0; i < WORLD_SIGHTS; i++) {
		if (!world_sight_name(i, name, sizeof(name)))
			continue;
		if (!sights[i])
			printf("# never: %s\n", name);
		else if (options.verbose || i < WORLD_COMMANDS)
			printf("# %" PRIu64 " times: %s\n", sights[i], name);
		all = all && sights[i];
	}
	return all;
}

static int run_all(uint64_t *sights)
{
	bool good = true, ok;
	unsigned int i, n = 0;

	printf("1..%u\n", options.kind ? 1 : (unsigned int)KINDS + 1);
	for (i = 0; i < KINDS; i++) {
		if (options.kind && options.kind != &kinds[i])
			continue;
		ok = run_kind(&kinds[i], sights);
		good = good && ok;
		printf("%sok %u - %s\n", ok ? "" : "not ", ++n, kinds[i].name);
	}
	if (!options.kind && (options.seeds < DEFAULT_SEEDS || options.steps < DEFAULT_STEPS)) {
		printf("ok %u - every_case_was_met # SKIP takes %u seeds of %u steps\n", ++n,
		       DEFAULT_SEEDS, DEFAULT_STEPS);
	} else if (!options.kind) {
		ok = saw_everything(sights);
		good = good && ok;
		printf("%sok %u - every_case_was_met\n", ok ? "" : "not ", ++n);
	}
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* -- the command line ---------------------------------------------------------------- */

enum { KEY_SEEDS = 0x100, KEY_RANDOM, KEY_LIST };

static const struct argp_option argp_options[] = {
	{"kind", 'k', "NAME", 0, "Only this kind of world (see --list)", 0},
	{"seed", 's', "N", 0, "One world of each kind, from this seed", 0},
	{"seeds", KEY_SEEDS, "N", 0, "So many worlds of each kind, from seed 1 on (4)", 0},
	{"random", KEY_RANDOM, NULL, 0, "Start from another seed each time", 0},
	{"steps", 'm', "M", 0, "Steps in a world (2500); kinds that are slow take a part of them",
	 0},
	{"verbose", 'v', NULL, 0, "Tell each thing that happens", 0},
	{"list", KEY_LIST, NULL, 0, "Name the kinds of worlds", 0},
	{0},
};

static uint64_t number(const char *text, struct argp_state *state, const char *option)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !n || n > 1000000000000ULL)
		argp_error(state, "--%s wants a whole number from 1 to 10^12, not \"%s\"", option,
			   text);
	return n;
}

static const struct world_kind *find_kind(const char *name, struct argp_state *state)
{
	unsigned int i;

	for (i = 0; i < KINDS; i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	argp_error(state, "there is no kind of world \"%s\"; --list names them", name);
	return NULL;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	unsigned int i;

	switch (key) {
	case 'k':
		options.kind = find_kind(arg, state);
		return 0;
	case 's':
		options.seed = number(arg, state, "seed");
		options.seeds = 1;
		options.one = true;
		return 0;
	case KEY_SEEDS:
		options.seeds = number(arg, state, "seeds");
		return 0;
	case KEY_RANDOM:
		options.seed = 1 + (uint64_t)time(NULL) * 1000;
		return 0;
	case 'm':
		options.steps = number(arg, state, "steps");
		return 0;
	case 'v':
		options.verbose = true;
		return 0;
	case KEY_LIST:
		for (i = 0; i < KINDS; i++)
			puts(kinds[i].name);
		exit(EXIT_SUCCESS);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse,
		.doc = "Random worlds around the balloon's engine, and a proof after each step that "
		       "every page has one owner.",
	};
	uint64_t *sights;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	sim_on_failure = on_failure;
	__sanitizer_set_death_callback(say_how_to_replay);

	/* Shared, because each kind runs in a process of its own. */
	sights = mmap(NULL, WORLD_SIGHTS * sizeof(*sights), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sights == MAP_FAILED) {
		perror("property");
		return EXIT_FAILURE;
	}
	if (options.one && options.kind) {
		/* A replay: in this process, so that a debugger is at hand. */
		run_seed(options.kind, options.seed, sights);
		printf("1..1\nok 1 - %s\n", options.kind->name);
		return EXIT_SUCCESS;
	}
	return run_all(sights);
}
