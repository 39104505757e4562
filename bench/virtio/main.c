// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * aerostat-bench-virtio: our virtio driver against the kernel's own.  This is what
 * `make bench-virtio` runs; docs/results/benchmarks-virtio.md explains the figures.
 */
#define _GNU_SOURCE
#include <stdlib.h>

#include "platform.h"

#include "virtio_bench.h"

/* What the guest itself needs besides the balloon. */
#define SPARE_MIB  512
#define MOVE_MIB   2048
#define MEMORY_MIB 3072

/* ---- options ---- */

static const struct argp_option option_table[] = {
	{"memory-mib", 'm', "MIB", 0, "The guest's memory (3072)", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct virtio *v = state->input;

	if (key != 'm')
		return ARGP_ERR_UNKNOWN;
	v->memory_mib = report_number(arg, "memory-mib", 1024, 65536, state);
	return 0;
}

static void check_options(const struct bench *b, struct argp_state *state)
{
	const struct virtio *v = b->own;

	if (v->memory_mib < b->options.move_mib + SPARE_MIB)
		argp_error(state, "--memory-mib must be at least %u above --move-mib %u", SPARE_MIB,
			   b->options.move_mib);
}

/* ---- the guest ---- */

static void configure(struct bench *b, struct lab_config *out)
{
	const struct virtio *v = b->own;

	out->platform = &lab_platform_virtio;
	out->type = (unsigned int)lab_platform_type(
		out->platform, b->kind == OFFER_NUMBERS ? "told" : "reporting");
	out->backend = b->kind == OFFER_REPORTING_FILE ? LAB_MEMFD : LAB_ANONYMOUS;
	out->memory_mib = v->memory_mib;
	out->cpus = 1;
	out->append = b->set == ZEROING_ON ? "init_on_alloc=1" : "init_on_alloc=0";
}

/* Each kind has a boot of its own. */
static int no_change(struct bench *b)
{
	(void)b;
	return 0;
}

/* A guest full of clean page cache: with all that the device offers, and the kernel's default. */
static bool has(unsigned int set, unsigned int kind, enum bench_move move)
{
	return move < BENCH_STATES ||
	       (move == BENCH_CACHE && set == ZEROING_ON && kind == OFFER_REPORTING);
}

/* ---- rows, figures and tables ---- */

static const char *const zeroing_words[] = {"0", "1"};
static const char *const zeroing_names[] = {"off", "on"};
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

static const char *const headings[] = {"init_on_alloc=0", "init_on_alloc=1"};

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

static const struct argp options = {.options = option_table, .parser = parse};

static const struct bench_frame frame = {
	.name = "bench-virtio",
	.documentation = "Moves memory with our virtio driver and with the kernel's own, in the "
			 "same guests with the balloon device of stock QEMU.  Exit status 0: ours "
			 "is as many times faster as it must, and nowhere slower.",
	.options = &options,
	.move_mib = MOVE_MIB,
	.move_most_mib = 32768,
	.rounds = 3,
	.set = {"init_on_alloc", "init-on-alloc", "0|1", "Only the rows with zeroing off or on",
		zeroing_words, zeroing_names, ZEROINGS},
	.kind = {"offer", "offer", "OFFER", "Only the rows of reporting, reporting-file or numbers",
		 offer_words, offer_names, OFFERS},
	.drivers = drivers,
	.driver_count = 2,
	.figures = figures,
	.figure_count = FIGURES,
	.table = {headings, columns, sizeof(columns) / sizeof(*columns)},
	.requirements = requirements,
	.requirement_count = sizeof(requirements) / sizeof(*requirements),
	.picture = {1100, "into the balloon and out again", headings, 0.012, 0.77, 0.87, panels, 2},
	.check_options = check_options,
	.boots_each_kind = true,
	.configure = configure,
	.begin = no_change,
	.end = no_change,
	.load = virtio_load,
	.unload = virtio_unload,
	.measure = virtio_measure,
	.has = has,
	.give = virtio_give,
	.large_pages = virtio_large_pages,
	.seconds = FIGURE_SECONDS,
	.gap = FIGURE_GAP,
	.large = FIGURE_LARGE,
};

int main(int argc, char **argv)
{
	static struct virtio v = {.memory_mib = MEMORY_MIB};

	return bench_main(&frame, &v, argc, argv);
}
