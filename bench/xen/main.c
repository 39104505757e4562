// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * aerostat-bench-xen: our balloon driver against the kernel's own on real Xen.
 * This is what `make bench-xen` runs; docs/results/benchmarks-xen.md explains the figures.
 */
#define _GNU_SOURCE
#include <stdlib.h>

#include "xen_bench.h"

/* ---- options ---- */

#define OPTION_SYMBOLS 'X'

static const struct argp_option option_table[] = {
	{"xen-symbols", OPTION_SYMBOLS, "FILE", 0,
	 "For --profile: the hypervisor's functions, as nm prints them", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct xen *x = state->input;

	if (key != OPTION_SYMBOLS)
		return ARGP_ERR_UNKNOWN;
	x->symbols = arg;
	return 0;
}

/* ---- rows, figures and tables ---- */

static const char *const set_words[] = {"default", "bare"};
static const char *const kind_words[] = {"dom0", "pv", "pvh"};
static const char *const kind_names[] = {"dom0 PV", "domU PV", "domU PVH"};
static const char *const drivers[] = {"aerostat", "built-in driver", "aerostat again"};

static const struct bench_figure figures[FIGURES] = {
	[FIGURE_RATE] = {.name = "mib_per_busy_second", .more_is_better = true, .timed = true},
	[FIGURE_WALL] = {.name = "wall_seconds", .timed = true},
	[FIGURE_CALLS] = {.name = "hypercalls_per_gib"},
	[FIGURE_MEMORY_OPS] = {.name = "memory_ops_per_gib"},
	[FIGURE_GUEST] = {.name = "guest_instructions_per_page"},
	[FIGURE_XEN] = {.name = "xen_instructions_per_page"},
	[FIGURE_ALL] = {.name = "instructions_per_page"},
	[FIGURE_LARGE] = {.name = "large_extents_part", .more_is_better = true},
	[FIGURE_BACKED] = {.name = "backed_before_mib"},
};

static const char *const headings[] = {"default parameters", "nothing zeroed"};

static const struct bench_column columns[] = {
	{"MiB/s of busy CPU ", FIGURE_RATE, BENCH_TIMES},
	{"hypercalls/GiB ", FIGURE_CALLS, BENCH_TIMES},
	{"guest instructions/page ", FIGURE_GUEST, BENCH_TIMES},
	{"Xen's instructions/page ", FIGURE_XEN, BENCH_TIMES},
	{"seconds to the target ", FIGURE_WALL, BENCH_TIMES},
	{"by 2 MiB ", FIGURE_LARGE, BENCH_PARTS},
	{"host MiB before ", FIGURE_BACKED, BENCH_PAIR},
};

static const struct bench_panel panels[] = {
	{FIGURE_RATE, "MiB per second of busy CPU: more is better", 0.125, 0.385,
	 "set xrange [20:200000]; set xtics (100, '1 000' 1000, '10 000' 10000)"},
	{FIGURE_ALL, "instructions per page, guest and Xen: less is better", 0.415, 0.685,
	 "set xrange [10:200000]"},
	{FIGURE_CALLS, "hypercalls per GiB: less is better", 0.715, 0.985,
	 "set xrange [0.1:20000000]; set xtics (1, 100, '10 000' 10000, '1 000 000' 1000000)"},
};

/* ---- what is required ---- */

/* With a guest that needed no instruction at all, the rate would rise to this. */
static void say_ceiling(const struct bench *b, FILE *to)
{
	double xen = bench_value(b, SET_DEFAULT, KIND_PVH, BENCH_INFLATE, BENCH_OURS, FIGURE_XEN);
	double peer = bench_value(b, SET_DEFAULT, KIND_PVH, BENCH_INFLATE, BENCH_PEER, FIGURE_ALL);

	if (xen > 0 && peer > 0)
		fprintf(to,
			"      by instructions Xen's part of ours (%.0f a page) allows %.2f times at the "
			"most\n",
			xen, peer / xen);
}

static const struct bench_requirement requirements[] = {
	{
		.text = "not slower than the built-in driver in any row",
		.times = 1,
		.figures = BENCH_BIT(FIGURE_RATE),
		.sets = BENCH_ALL(SETS),
		.kinds = BENCH_ALL(KINDS),
		.moves = BENCH_THERE_AND_BACK,
	},
	{
		.text = "5 times its rate of inflation on PVH, default parameters",
		.times = 5,
		.figures = BENCH_BIT(FIGURE_RATE),
		.sets = BENCH_BIT(SET_DEFAULT),
		.kinds = BENCH_BIT(KIND_PVH),
		.moves = BENCH_BIT(BENCH_INFLATE),
		.explain = say_ceiling,
	},
	{
		.text = "twice its rate of inflation on PV, default parameters",
		.times = 2,
		.figures = BENCH_BIT(FIGURE_RATE),
		.sets = BENCH_BIT(SET_DEFAULT),
		.kinds = BENCH_BIT(KIND_PV) | BENCH_BIT(KIND_DOM0),
		.moves = BENCH_BIT(BENCH_INFLATE),
	},
	{
		.text = "100 times fewer hypercalls per GiB on PVH",
		.times = 100,
		.figures = BENCH_BIT(FIGURE_MEMORY_OPS),
		.sets = BENCH_ALL(SETS),
		.kinds = BENCH_BIT(KIND_PVH),
		.moves = BENCH_THERE_AND_BACK,
	},
};

/* ---- the program ---- */

static const struct argp options = {.options = option_table, .parser = parse};

static const char *const versions[] = {"xen", "AERO_XEN_VERSION", NULL};

static const struct bench_frame frame = {
	.name = "bench-xen",
	.documentation =
		"Moves memory between real Xen and its guests with our balloon driver and "
		"with the kernel's own, in the same boots.  Exit status 0: ours is as much "
		"faster, and makes as much fewer hypercalls, as it must.",
	.options = &options,
	.versions = versions,
	.move_mib = 512,
	.move_most_mib = 4096,
	.rounds = 3,
	.set = {"parameters", "parameters", "SET",
		"Only the rows with 'default' parameters, or 'bare' ones without zeroing",
		set_words, set_words, SETS},
	.kind = {"guest", "guest", "GUEST", "Only the rows of dom0, pv or pvh", kind_words,
		 kind_names, KINDS},
	.drivers = drivers,
	.driver_count = 3,
	.figures = figures,
	.figure_count = FIGURES,
	.table = {headings, columns, sizeof(columns) / sizeof(*columns)},
	.requirements = requirements,
	.requirement_count = sizeof(requirements) / sizeof(*requirements),
	.picture = {1400, "to Xen and back again", headings, 0.01, 0.80, 0.88, panels, 3},
	.configure = xen_configure,
	.counts_calls = true,
	.booted = xen_booted,
	.begin = xen_begin,
	.end = xen_end,
	.load = xen_load,
	.unload = xen_unload,
	.measure = xen_measure,
};

int main(int argc, char **argv)
{
	static struct xen x;

	return bench_main(&frame, &x, argc, argv);
}
