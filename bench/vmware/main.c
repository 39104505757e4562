// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * aerostat-bench: our balloon driver against the kernel's own.  This is what
 * `make bench` runs; docs/results/benchmarks.md explains the figures.
 */
#define _GNU_SOURCE
#include "vmware.h"

/* ---- the guest ---- */

static void configure(struct bench *b, struct lab_config *out)
{
	bench_zeroing_configure(b, out);
	out->plugin_args = b->counting ? "instructions=on" : NULL;
}

/* Guests in a state: with all that the monitor grants, and the kernel's default. */
static bool has(unsigned int set, unsigned int kind, enum bench_move move)
{
	return move < BENCH_STATES || (set == ZEROING_ON && kind == MODE_2M);
}

/* ---- rows, figures and tables ---- */

static const char *const mode_words[] = {"2m", "4k", "unbatched"};
static const char *const mode_names[] = {"2 MiB", "4 KiB", "unbatched"};
static const char *const drivers[] = {"aerostat", "vmw_balloon"};

static const struct bench_figure figures[FIGURES] = {
	[FIGURE_INSTRUCTIONS] = {.name = "instructions_per_page"},
	[FIGURE_WHOLE] = {.name = "whole_instructions_per_page"},
	[FIGURE_COMMANDS] = {.name = "commands_per_gib"},
	[FIGURE_RATE] = {.name = "gib_per_second", .more_is_better = true, .timed = true},
	[FIGURE_BACKED] = {.name = "backed_before_mib"},
	[FIGURE_LEFT] = {.name = "backed_after_mib"},
	[FIGURE_SECONDS] = {.name = "wall_seconds", .timed = true},
	[FIGURE_GAP] = {.name = "largest_gap_seconds", .timed = true},
	[FIGURE_LARGE] = {.name = "large_units_part", .more_is_better = true, .timed = true},
};

static const struct bench_column columns[] = {
	{"instructions/page ", FIGURE_INSTRUCTIONS, BENCH_TIMES},
	{"with what follows ", FIGURE_WHOLE, BENCH_TIMES},
	{"commands/GiB ", FIGURE_COMMANDS, BENCH_PAIR},
	{"GiB/s ", FIGURE_RATE, BENCH_TIMES},
	{"host MiB before ", FIGURE_BACKED, BENCH_PAIR},
	{"and after ", FIGURE_LEFT, BENCH_PAIR},
};

static const struct bench_requirement requirements[] = {
	{
		.text = "at most half of the peer's instructions per page in the 4 KiB and "
			"unbatched rows, init_on_alloc=0",
		.times = 2,
		.figures = BENCH_BIT(FIGURE_INSTRUCTIONS) | BENCH_BIT(FIGURE_WHOLE),
		.sets = BENCH_BIT(ZEROING_OFF),
		.kinds = BENCH_BIT(MODE_4K) | BENCH_BIT(MODE_UNBATCHED),
		.moves = BENCH_THERE_AND_BACK,
	},
	{
		.text = "no more than the peer's instructions per page in any row",
		.times = 1,
		.figures = BENCH_BIT(FIGURE_INSTRUCTIONS) | BENCH_BIT(FIGURE_WHOLE),
		.sets = BENCH_ALL(ZEROINGS),
		.kinds = BENCH_ALL(MODES),
		.moves = BENCH_THERE_AND_BACK,
	},
};

static const struct bench_panel panels[] = {
	{FIGURE_WHOLE, "guest instructions per page: less is better", 0.17, 0.57,
	 "set xrange [1:6000]; set xtics (1, 10, 100, '1 000' 1000)"},
	{FIGURE_RATE, "GiB/s: more is better (bands: all rounds)", 0.61, 0.985,
	 "set xrange [0.1:1500]; set xtics (0.1, 1, 10, 100, '1 000' 1000)"},
};

/* ---- the program ---- */

static const struct bench_frame frame = {
	.name = "bench",
	.documentation = "Moves memory with our balloon driver and with the kernel's own, in the "
			 "same guests against the same monitor.  Exit status 0: ours needs at most "
			 "half of the peer's instructions where it must, and nowhere more.",
	.move_mib = 2048,
	.move_most_mib = 32768,
	.rounds = 3,
	.memory_mib = 3072,
	.spare_mib = 512,
	.set = BENCH_ZEROING_AXIS,
	.kind = {"mode", "mode", "MODE", "Only the rows of 2m, 4k or unbatched", mode_words,
		 mode_names, MODES},
	.drivers = drivers,
	.driver_count = 2,
	.figures = figures,
	.figure_count = FIGURES,
	.table = {bench_zeroing_headings, columns, sizeof(columns) / sizeof(*columns)},
	.requirements = requirements,
	.requirement_count = sizeof(requirements) / sizeof(*requirements),
	.picture = {1100, "into the balloon and out again", bench_zeroing_headings, 0.012, 0.77,
		    0.87, panels, 2},
	.configure = configure,
	.load = vmware_load,
	.unload = vmware_unload,
	.measure = bench_there_and_back,
	.move = vmware_move,
	.has = has,
	.give = vmware_give,
	.large_pages = vmware_large_pages,
	.seconds = FIGURE_SECONDS,
	.gap = FIGURE_GAP,
	.large = FIGURE_LARGE,
};

int main(int argc, char **argv)
{
	return bench_main(&frame, NULL, argc, argv);
}
