// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * aerostat-bench-xen: our balloon driver against the kernel's own on real Xen.
 * This is what `make bench-xen` runs; docs/results/benchmarks-xen.md explains the figures.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "bench_xen.h"

/* ---- options ---- */

enum {
	OPTION_FOLDER = 'o',
	OPTION_GUEST = 'g',
	OPTION_NO_RATES = 'n',
	OPTION_PROFILE = 'p',
	OPTION_SET = 'S',
	OPTION_SYMBOLS = 'X'
};

static const struct argp_option option_table[] = {
	{"rounds", 'r', "N", 0, "Rounds per row, of which the median counts (3)", 0},
	{"move-mib", 's', "MIB", 0, "Memory to move (512); even", 0},
	{"output", OPTION_FOLDER, "FOLDER", 0,
	 "Where bench-xen.json and the pictures go (the build folder's bench/)", 0},
	{"no-rates", OPTION_NO_RATES, NULL, 0,
	 "Count instructions and hypercalls only: no MiB/s, no picture", 0},
	{"guest", OPTION_GUEST, "GUEST", 0, "Only the rows of dom0, pv or pvh", 0},
	{"parameters", OPTION_SET, "SET", 0,
	 "Only the rows with 'default' parameters, or 'bare' ones without zeroing", 0},
	{"profile", OPTION_PROFILE, NULL, 0,
	 "Instead of the bench: the instructions per page by function of the guest's kernel", 0},
	{"xen-symbols", OPTION_SYMBOLS, "FILE", 0,
	 "For --profile: the hypervisor's functions, as nm prints them", 0},
	{0},
};

/* One of the words is chosen, the others are left out. */
static void choose(bool *rows, const char *const *words, unsigned int count, const char *name,
		   const char *text, struct argp_state *state)
{
	bool known = false;

	for (unsigned int i = 0; i < count; i++) {
		rows[i] = !strcmp(text, words[i]);
		known |= rows[i];
	}
	if (!known)
		argp_error(state, "--%s does not know '%s'; see --help", name, text);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	static const char *const guests[GUESTS] = {"dom0", "pv", "pvh"};
	static const char *const sets[SETS] = {"default", "bare"};
	struct bench_options *o = state->input;

	switch (key) {
	case 'r':
		o->rounds = report_number(arg, "rounds", 1, SAMPLES_MOST, state);
		break;
	case 's':
		o->move_mib = report_number(arg, "move-mib", 64, 4096, state);
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
	case OPTION_SYMBOLS:
		o->xen_symbols = arg;
		break;
	case OPTION_GUEST:
		choose(o->guest, guests, GUESTS, "guest", arg, state);
		break;
	case OPTION_SET:
		choose(o->set, sets, SETS, "parameters", arg, state);
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is no option", arg);
		break;
	case ARGP_KEY_END:
		if (o->move_mib % 2)
			argp_error(state, "--move-mib must be even: whole 2 MiB extents");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* ---- the run ---- */

static int prepare(struct bench *b)
{
	b->options.folder = bench_folder(b->options.folder);
	if (!b->options.folder)
		return -1;
	snprintf(b->counts_path, sizeof(b->counts_path), "%s/bench-xen.counts", b->options.folder);
	b->counts = bench_counts_map(b->counts_path);
	b->profile.counts = b->counts;
	b->profile.xen_symbols = b->options.xen_symbols;
	return b->counts ? 0 : -1;
}

static int measure(void *of)
{
	struct bench *b = of;

	for (int set = 0; set < SETS; set++)
		for (int counting = 1; counting >= b->options.no_rates; counting--)
			if (b->options.set[set] && bench_boot(b, (enum bench_set)set, counting))
				return -1;
	return 0;
}

bool bench_wants(const struct bench *b, int set, int guest)
{
	return b->options.set[set] && b->options.guest[guest];
}

/* A picture of half the rows would mislead. */
static bool wants_picture(const struct bench *b)
{
	bool all = !b->options.no_rates;

	for (int set = 0; set < SETS; set++)
		for (int guest = 0; guest < GUESTS; guest++)
			all &= bench_wants(b, set, guest);
	return all;
}

static const struct bench_steps steps = {
	.name = "bench-xen",
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
		"Moves memory between real Xen and its guests with our balloon driver and with the "
		"kernel's own, in the same boots.  Exit status 0: ours is as much faster, and makes "
		"as much fewer hypercalls, as it must.",
		0,
		0,
		0};
	static struct bench b = {.options = {.move_mib = 512,
					     .rounds = 3,
					     .set = {true, true},
					     .guest = {true, true, true}}};
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &b.options);
	setvbuf(stdout, NULL, _IOLBF, 0);
	b.start_ms = lab_now_ms();
	b.moves = json_array();
	ret = prepare(&b) || run(&b);
	bench_counts_unmap(b.counts, b.counts_path);
	free(b.profile.before);
	json_decref(b.moves);
	json_decref(b.qemu);
	return ret ? 1 : 0;
}
