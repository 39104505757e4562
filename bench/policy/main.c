// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * aerostat-bench-policy: what a guest's own policy saves, and what it costs.
 * This is what `make bench-policy` runs; docs/results/benchmarks-policy.md explains the figures.
 */
#define _GNU_SOURCE
#include "bench_policy.h"

#include <stdlib.h>

static const struct argp_option option_table[] = {
	{"seed", 's', "N", 0, "Another load of the same kind (1)", 0},
	{"output", 'o', "FOLDER", 0,
	 "Where bench-policy.json and the pictures go (the build folder's bench/)", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct policy_options *o = state->input;

	switch (key) {
	case 's':
		o->seed = report_number(arg, "seed", 0, 1000000, state);
		return 0;
	case 'o':
		o->folder = arg;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is no option", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int measure(void *of)
{
	struct policy_bench *b = of;

	if (policy_run(b))
		return -1;
	policy_compare(b->result);
	return 0;
}

static const struct bench_steps steps = {
	.name = "bench-policy",
	.measure = measure,
	.table = policy_table,
	.count_missed = policy_judge,
	.write_json = policy_write_json,
	.draw = policy_draw,
};

static int run(struct policy_bench *b)
{
	b->options.folder = bench_folder(b->options.folder);
	return b->options.folder ? bench_run(&steps, b, b->options.folder, true) : -1;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		option_table,
		parse,
		NULL,
		"Runs the same load in a guest on real Xen without a balloon and with each of the "
		"policies by which a guest sizes itself.  Exit status 0: 'pressure' costs less than "
		"5 % of time and kills nothing, and its memory x time is below that of 'committed'.",
		NULL,
		NULL,
		NULL};
	static struct policy_bench b = {.options = {.seed = 1}};
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &b.options);
	setvbuf(stdout, NULL, _IOLBF, 0);
	b.start_ms = lab_now_ms();
	ret = run(&b);
	for (int p = 0; p < POLICIES; p++)
		free(b.result[p].sample);
	json_decref(b.qemu);
	return ret ? 1 : 0;
}
