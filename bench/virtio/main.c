// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * aerostat-bench-virtio: our virtio driver against the kernel's own.  This is what
 * `make bench-virtio` runs; docs/results/benchmarks-virtio.md explains the figures.
 */
#define _GNU_SOURCE
#include "platform.h"

#include "virtio_bench.h"

/* ---- the guest ---- */

static void configure(struct bench *b, struct lab_config *out)
{
	bench_zeroing_configure(b, out);
	out->platform = &lab_platform_virtio;
	out->type = (unsigned int)lab_platform_type(
		out->platform, b->kind == OFFER_NUMBERS ? "told" : "reporting");
	out->backend = b->kind == OFFER_REPORTING_FILE ? LAB_MEMFD : LAB_ANONYMOUS;
}

/* A guest full of clean page cache: with all that the device offers, and the kernel's default. */
static bool has(unsigned int set, unsigned int kind, enum bench_move move)
{
	return move < BENCH_STATES ||
	       (move == BENCH_CACHE && set == ZEROING_ON && kind == OFFER_REPORTING);
}

/* ---- rows, figures and tables ---- */

static const char *const offer_words[] = {"reporting", "reporting-file", "numbers"};
static const char *const offer_names[] = {"reporting", "reporting, memfd", "numbers only"};
static const char *const drivers[] = {"aerostat", "virtio_balloon"};

static const struct bench_figure figures[FIGURES] = {
	[FIGURE_INSTRUCTIONS] = {.name = "instructions_per_page"},
	[FIGURE_ANSWERS] = {.name = "answers_per_gib"},
	[FIGURE_RATE] = {.name = "gib_per_second", .more_is_better = true, .timed = true},
	[FIGURE_BACKED] = {.name = "backed_before_mib"},
	[FIGURE_LEFT] = {.name = "backed_after_mib"},
	[FIGURE_SECONDS] = {.name = "wall_seconds", .timed = true},
	[FIGURE_GAP] = {.name = "largest_gap_seconds", .timed = true},
	[FIGURE_LARGE] = {.name = "large_units_part", .more_is_better = true, .timed = true},
};

static const struct bench_column columns[] = {
	{"instructions/page ", FIGURE_INSTRUCTIONS, BENCH_TIMES},
	{"answers/GiB ", FIGURE_ANSWERS, BENCH_PAIR},
	{"GiB/s ", FIGURE_RATE, BENCH_TIMES},
	{"host MiB before ", FIGURE_BACKED, BENCH_PAIR},
	{"and after ", FIGURE_LEFT, BENCH_PAIR},
};

static const struct bench_requirement requirements[] = {
	{
		.text = "with reporting, anonymous memory: 400 times the peer's rate in",
		.times = 400,
		.figures = BENCH_BIT(FIGURE_RATE),
		.sets = BENCH_ALL(ZEROINGS),
		.kinds = BENCH_BIT(OFFER_REPORTING),
		.moves = BENCH_BIT(BENCH_INFLATE),
	},
	{
		.text = "with reporting, anonymous memory: 100 times the peer's rate out",
		.times = 100,
		.figures = BENCH_BIT(FIGURE_RATE),
		.sets = BENCH_ALL(ZEROINGS),
		.kinds = BENCH_BIT(OFFER_REPORTING),
		.moves = BENCH_BIT(BENCH_DEFLATE),
	},
	{
		.text = "without reporting: 7 times the peer's rate in",
		.times = 7,
		.figures = BENCH_BIT(FIGURE_RATE),
		.sets = BENCH_ALL(ZEROINGS),
		.kinds = BENCH_BIT(OFFER_NUMBERS),
		.moves = BENCH_BIT(BENCH_INFLATE),
	},
	{
		.text = "no worse than the peer in any row",
		.times = 1,
		.figures = BENCH_BIT(FIGURE_INSTRUCTIONS) | BENCH_BIT(FIGURE_RATE),
		.sets = BENCH_ALL(ZEROINGS),
		.kinds = BENCH_ALL(OFFERS),
		.moves = BENCH_THERE_AND_BACK,
	},
	{
		.text = "not slower in a guest full of clean page cache",
		.times = 1,
		.figures = BENCH_BIT(FIGURE_SECONDS),
		.sets = BENCH_BIT(ZEROING_ON),
		.kinds = BENCH_BIT(OFFER_REPORTING),
		.moves = BENCH_BIT(BENCH_CACHE),
	},
};

static const struct bench_panel panels[] = {
	{FIGURE_INSTRUCTIONS, "guest instructions per page: less is better", 0.20, 0.58,
	 "set xrange [0.5:6000]; set xtics (1, 10, 100, '1 000' 1000)"},
	{FIGURE_RATE, "GiB/s: more is better (bands: all rounds)", 0.62, 0.985,
	 "set xrange [0.1:1500]; set xtics (0.1, 1, 10, 100, '1 000' 1000)"},
};

/* ---- the program ---- */

static const struct bench_frame frame = {
	.name = "bench-virtio",
	.documentation = "Moves memory with our virtio driver and with the kernel's own, in the "
			 "same guests with the balloon device of stock QEMU.  Exit status 0: ours "
			 "is as many times faster as it must, and nowhere slower.",
	.move_mib = 2048,
	.move_most_mib = 32768,
	.rounds = 3,
	.memory_mib = 3072,
	.spare_mib = 512,
	.set = BENCH_ZEROING_AXIS,
	.kind = {"offer", "offer", "OFFER", "Only the rows of reporting, reporting-file or numbers",
		 offer_words, offer_names, OFFERS},
	.drivers = drivers,
	.driver_count = 2,
	.figures = figures,
	.figure_count = FIGURES,
	.table = {bench_zeroing_headings, columns, sizeof(columns) / sizeof(*columns)},
	.requirements = requirements,
	.requirement_count = sizeof(requirements) / sizeof(*requirements),
	.picture = {1100, "into the balloon and out again", bench_zeroing_headings, 0.012, 0.77,
		    0.87, panels, 2},
	.boots_each_kind = true,
	.configure = configure,
	.load = virtio_load,
	.unload = virtio_unload,
	.measure = bench_there_and_back,
	.move = virtio_move,
	.has = has,
	.give = virtio_give,
	.large_pages = virtio_large_pages,
	.seconds = FIGURE_SECONDS,
	.gap = FIGURE_GAP,
	.large = FIGURE_LARGE,
};

int main(int argc, char **argv)
{
	return bench_main(&frame, NULL, argc, argv);
}
