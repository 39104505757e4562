// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The program around a campaign (campaign.h): its options, children, and TAP. */
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

#include "campaign.h"
#include "sim.h"

#define DEFAULT_SEEDS 4U
#define DEFAULT_STEPS 2500U

static const struct campaign *campaign;

static struct {
	uint64_t seed, seeds, steps;
	unsigned int kind; /* campaign->kinds: all */
	bool verbose, one;
} options = {.seed = 1, .seeds = DEFAULT_SEEDS, .steps = DEFAULT_STEPS};

static bool is_one_kind(void)
{
	return options.kind < campaign->kinds;
}

/* What runs now, for the message of whatever ends it. */
static unsigned int running;
static uint64_t running_seed;

static void say_how_to_replay(void)
{
	fflush(stdout);
	fprintf(stderr, "# replay: %s --kind %s --seed %" PRIu64 " --steps %" PRIu64 " --verbose\n",
		campaign->program, campaign->kind_name(running), running_seed, options.steps);
}

static void on_failure(const char *message)
{
	(void)message;
	say_how_to_replay();
}

static void run_seed(unsigned int kind, uint64_t seed, uint64_t *sights)
{
	running = kind;
	running_seed = seed;
	campaign->run(kind, seed, options.steps, options.verbose, sights);
}

/* In a child, so that one that fails does not end the others. */
static bool run_kind(unsigned int kind, uint64_t *sights)
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

	for (i = 0; i < campaign->sights; i++) {
		if (!campaign->sight_name(i, name, sizeof(name)))
			continue;
		if (!sights[i])
			printf("# never: %s\n", name);
		else if (options.verbose || i < campaign->sights_told)
			printf("# %" PRIu64 " times: %s\n", sights[i], name);
		all = all && sights[i];
	}
	return all;
}

static int run_all(uint64_t *sights)
{
	bool good = true, ok;
	unsigned int i, n = 0;

	printf("1..%u\n", is_one_kind() ? 1 : campaign->kinds + 1);
	for (i = 0; i < campaign->kinds; i++) {
		if (is_one_kind() && options.kind != i)
			continue;
		ok = run_kind(i, sights);
		good = good && ok;
		printf("%sok %u - %s\n", ok ? "" : "not ", ++n, campaign->kind_name(i));
	}
	if (!is_one_kind() && (options.seeds < DEFAULT_SEEDS || options.steps < DEFAULT_STEPS)) {
		printf("ok %u - every_case_was_met # SKIP takes %u seeds of %u steps\n", ++n,
		       DEFAULT_SEEDS, DEFAULT_STEPS);
	} else if (!is_one_kind()) {
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

static unsigned int find_kind(const char *name, struct argp_state *state)
{
	unsigned int i;

	for (i = 0; i < campaign->kinds; i++)
		if (!strcmp(campaign->kind_name(i), name))
			return i;
	argp_error(state, "there is no kind of world \"%s\"; --list names them", name);
	return campaign->kinds;
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
		for (i = 0; i < campaign->kinds; i++)
			puts(campaign->kind_name(i));
		exit(EXIT_SUCCESS);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int campaign_main(const struct campaign *which, int argc, char **argv)
{
	const struct argp argp = {
		.options = argp_options,
		.parser = parse,
		.doc = which->doc,
	};
	uint64_t *sights;

	campaign = which;
	options.kind = which->kinds;
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	sim_on_failure = on_failure;
	__sanitizer_set_death_callback(say_how_to_replay);

	/* Shared, because each kind runs in a process of its own. */
	sights = mmap(NULL, which->sights * sizeof(*sights), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sights == MAP_FAILED) {
		perror(which->program);
		return EXIT_FAILURE;
	}
	if (options.one && is_one_kind()) {
		/* A replay: in this process, so that a debugger is at hand. */
		run_seed(options.kind, options.seed, sights);
		printf("1..1\nok 1 - %s\n", which->kind_name(options.kind));
		return EXIT_SUCCESS;
	}
	return run_all(sights);
}
