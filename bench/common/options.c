// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The command line of the benches that compare drivers. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "frame.h"

enum {
	OPTION_SET = 256,
	OPTION_KIND,
	OPTION_FOLDER,
	OPTION_NO_RATES,
	OPTION_PROFILE,
	COMMON_OPTIONS = 5
};

static const struct argp_option common_options[COMMON_OPTIONS] = {
	{"rounds", 'r', "N", 0, "Rounds per row, of which the median counts", 0},
	{"move-mib", 's', "MIB", 0, "Memory to move; even", 0},
	{"output", OPTION_FOLDER, "FOLDER", 0,
	 "Where the figures and the pictures go (the build folder's bench/)", 0},
	{"no-rates", OPTION_NO_RATES, NULL, 0,
	 "Count instructions and calls only: no seconds, no rates, no picture", 0},
	{"profile", OPTION_PROFILE, NULL, 0,
	 "Instead of the bench: the instructions per page by function of the guest's kernel", 0},
};

static struct argp_option option_of(const struct bench_axis *axis, int key)
{
	return (struct argp_option){axis->option, key, axis->argument, 0, axis->purpose, 0};
}

/* One of the axis's words is chosen, the others are left out. */
static void choose(bool *rows, const struct bench_axis *axis, const char *text,
		   struct argp_state *state)
{
	bool known = false;

	for (unsigned int i = 0; i < axis->count; i++) {
		rows[i] = !strcmp(text, axis->words[i]);
		known |= rows[i];
	}
	if (!known)
		argp_error(state, "--%s does not know '%s'; see --help", axis->option, text);
}

static void check(const struct bench *b, struct argp_state *state)
{
	if (b->options.move_mib % 2)
		argp_error(state, "--move-mib must be even, so that it is whole 2 MiB pages");
	if (b->options.memory_mib < b->options.move_mib + b->frame->spare_mib &&
	    b->frame->memory_mib)
		argp_error(state, "--memory-mib must be at least %u above --move-mib %u",
			   b->frame->spare_mib, b->options.move_mib);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct bench *b = state->input;
	struct bench_options *o = &b->options;

	switch (key) {
	case ARGP_KEY_INIT:
		if (b->frame->options)
			state->child_inputs[0] = b->own;
		break;
	case 'r':
		o->rounds = report_number(arg, "rounds", 1, SAMPLES_MOST, state);
		break;
	case 's':
		o->move_mib = report_number(arg, "move-mib", 64, b->frame->move_most_mib, state);
		break;
	case 'm':
		o->memory_mib = report_number(arg, "memory-mib", 1024, 65536, state);
		break;
	case OPTION_FOLDER:
		o->folder = arg;
		break;
	case OPTION_NO_RATES:
		o->no_rates = true;
		break;
	case OPTION_PROFILE:
		o->profile = true;
		break;
	case OPTION_SET:
		choose(o->set, &b->frame->set, arg, state);
		break;
	case OPTION_KIND:
		choose(o->kind, &b->frame->kind, arg, state);
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is no option", arg);
		break;
	case ARGP_KEY_END:
		check(b, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void bench_parse(struct bench *b, int argc, char **argv)
{
	const struct bench_frame *f = b->frame;
	struct argp_option options[COMMON_OPTIONS + 4] = {0};
	char rounds[64], move[64], memory[64];
	const struct argp_child children[] = {{f->options, 0, NULL, 0}, {0}};
	const struct argp argp = {.options = options,
				  .parser = parse,
				  .doc = f->documentation,
				  .children = f->options ? children : NULL};

	memcpy(options, common_options, sizeof(common_options));
	snprintf(rounds, sizeof(rounds), "%s (%u)", options[0].doc, f->rounds);
	snprintf(move, sizeof(move), "%s (%u)", options[1].doc, f->move_mib);
	options[0].doc = rounds;
	options[1].doc = move;
	options[COMMON_OPTIONS] = option_of(&f->set, OPTION_SET);
	options[COMMON_OPTIONS + 1] = option_of(&f->kind, OPTION_KIND);
	if (f->memory_mib)
		options[COMMON_OPTIONS + 2] =
			(struct argp_option){"memory-mib", 'm', "MIB", 0, memory, 0};
	snprintf(memory, sizeof(memory), "The guest's memory (%u)", f->memory_mib);
	b->options.memory_mib = f->memory_mib;
	b->options.move_mib = f->move_mib;
	b->options.rounds = f->rounds;
	for (unsigned int i = 0; i < f->set.count; i++)
		b->options.set[i] = true;
	for (unsigned int i = 0; i < f->kind.count; i++)
		b->options.kind[i] = true;
	argp_parse(&argp, argc, argv, 0, NULL, b);
	if (b->options.profile) {
		b->options.rounds = 1;
		b->options.no_rates = true;
	}
}
