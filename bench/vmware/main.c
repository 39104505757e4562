// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * aerostat-bench: our balloon driver against the kernel's own.  This is what
 * `make bench` runs; docs/results/benchmarks.md explains the figures.
 */
#define _GNU_SOURCE
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* What the clamp of the monitor and the guest itself need besides the balloon. */
#define SPARE_MIB 512

/* ---- options ---- */

enum {
	OPTION_ALLOC = 'a',
	OPTION_FOLDER = 'o',
	OPTION_MODE = 'M',
	OPTION_PROFILE = 'p',
	OPTION_NO_RATES = 'n'
};

static const struct argp_option option_table[] = {
	{"rounds", 'r', "N", 0, "Rounds per row, of which the median counts (3)", 0},
	{"move-mib", 's', "MIB", 0, "Memory to move (2048); even", 0},
	{"memory-mib", 'm', "MIB", 0, "The guest's memory (3072)", 0},
	{"output", OPTION_FOLDER, "FOLDER", 0,
	 "Where bench.json and the pictures go (the build folder's bench/)", 0},
	{"no-rates", OPTION_NO_RATES, NULL, 0,
	 "Count instructions only: half the time, no GiB/s, no picture", 0},
	{"mode", OPTION_MODE, "MODE", 0, "Only the rows of 2m, 4k or unbatched", 0},
	{"init-on-alloc", OPTION_ALLOC, "0|1", 0, "Only the rows with zeroing off or on", 0},
	{"profile", OPTION_PROFILE, NULL, 0,
	 "Instead of the bench: the instructions per page by function of the guest's kernel", 0},
	{0},
};

static unsigned int mode_of(const char *text, struct argp_state *state)
{
	static const char *const words[MODES] = {"2m", "4k", "unbatched"};

	for (unsigned int m = 0; m < MODES; m++)
		if (!strcmp(text, words[m]))
			return m;
	argp_error(state, "--mode is '2m', '4k' or 'unbatched', not '%s'", text);
	return MODE_2M;
}

/* What was not chosen is left out. */
static void choose(bool *rows, unsigned int count, unsigned int chosen)
{
	for (unsigned int i = 0; i < count; i++)
		rows[i] = i == chosen;
}

static void check_options(const struct bench_options *o, struct argp_state *state)
{
	if (o->move_mib % 2)
		argp_error(state, "--move-mib must be even, so that it is whole 2 MiB pages");
	if (o->memory_mib < o->move_mib + SPARE_MIB)
		argp_error(state, "--memory-mib must be at least %u above --move-mib %u", SPARE_MIB,
			   o->move_mib);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct bench_options *o = state->input;

	switch (key) {
	case 'r':
		o->rounds = report_number(arg, "rounds", 1, SAMPLES_MOST, state);
		break;
	case 's':
		o->move_mib = report_number(arg, "move-mib", 64, 32768, state);
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
	case OPTION_MODE:
		choose(o->mode, MODES, mode_of(arg, state));
		break;
	case OPTION_ALLOC:
		choose(o->zeroing, ZEROINGS, report_number(arg, "init-on-alloc", 0, 1, state));
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is no option", arg);
		break;
	case ARGP_KEY_END:
		check_options(o, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* ---- the run ---- */

/* Output goes beside the program unless the user says otherwise. */
static int prepare(struct bench *b)
{
	b->options.folder = bench_folder(b->options.folder);
	if (!b->options.folder)
		return -1;
	snprintf(b->counts_path, sizeof(b->counts_path), "%s/bench.counts", b->options.folder);
	b->counts = bench_counts_map(b->counts_path);
	b->profile.counts = b->counts;
	return b->counts ? 0 : -1;
}

static int measure(void *of)
{
	struct bench *b = of;

	for (int z = 0; z < ZEROINGS; z++)
		for (int counting = 1; counting >= b->options.no_rates; counting--)
			if (b->options.zeroing[z] && bench_boot(b, (enum bench_zeroing)z, counting))
				return -1;
	return 0;
}

bool bench_wants(const struct bench *b, int zeroing, int mode)
{
	return b->options.zeroing[zeroing] && b->options.mode[mode];
}

/* A picture of half the rows would mislead. */
static bool wants_picture(const struct bench *b)
{
	bool all = !b->options.no_rates;

	for (int z = 0; z < ZEROINGS; z++)
		for (int m = 0; m < MODES; m++)
			all &= bench_wants(b, z, m);
	return all;
}

static const struct bench_steps steps = {
	.name = "bench",
	.measure = measure,
	.table = bench_table,
	.count_missed = bench_judge,
	.write_json = bench_write_json,
	.draw = bench_draw,
};

static int run(struct bench *b)
{
	if (b->options.profile) {
		b->options.rounds = 1;
		b->options.no_rates = true;
		return measure(b);
	}
	return bench_run(&steps, b, b->options.folder, wants_picture(b));
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		option_table,
		parse,
		NULL,
		"Moves memory with our balloon driver and with the kernel's own, in the same "
		"guests against the same monitor.  Exit status 0: ours needs at most half of the "
		"peer's instructions where it must, and nowhere more.",
		0,
		0,
		0};
	static struct bench b = {.options = {.memory_mib = 3072,
					     .move_mib = 2048,
					     .rounds = 3,
					     .zeroing = {true, true},
					     .mode = {true, true, true}}};
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &b.options);
	setvbuf(stdout, NULL, _IOLBF, 0);
	b.start_ms = lab_now_ms();
	b.cycles = json_array();
	ret = prepare(&b) || run(&b);
	bench_counts_unmap(b.counts, b.counts_path);
	free(b.profile.before);
	json_decref(b.cycles);
	json_decref(b.qemu);
	return ret ? 1 : 0;
}
