// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * aerostat-bench-policy: what a guest's own policy saves, and what it costs.
 * This is what `make bench-policy` runs; docs/results/benchmarks-policy.md explains the figures.
 */
#define _GNU_SOURCE
#include "bench_policy.h"
#include "plot.h"

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

static int run(struct policy_bench *b)
{
	unsigned int missed;

	b->options.folder = bench_folder(b->options.folder);
	/* gnuplot is asked for before the minutes that the bench takes. */
	if (!b->options.folder || plot_check() || policy_run(b))
		return -1;
	policy_compare(b->result);
	policy_table(b, stdout);
	missed = policy_judge(b, stdout);
	if (policy_write_json(b, missed) || policy_draw(b))
		return -1;
	printf("\nfigures: %s/bench-policy.json\npicture: %s/bench-policy.svg, bench-policy.png\n",
	       b->options.folder, b->options.folder);
	return missed ? -1 : 0;
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
