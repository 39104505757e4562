// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The table, the verdict and bench-xen.json. */
#include <string.h>

#include "bench_xen.h"

/* Required, with default parameters: so many times the built-in driver's rate of inflation. */
#define TIMES_PVH   5.0
#define TIMES_PV    2.0
/* Required of a PVH guest: so many times fewer hypercalls. */
#define FEWER_CALLS 100.0

const char *const bench_set_names[SETS] = {"default", "bare"};
const char *const bench_guest_names[GUESTS] = {"dom0 PV", "domU PV", "domU PVH"};
const char *const bench_direction_names[DIRECTIONS] = {"inflate", "deflate"};
const char *const bench_driver_names[DRIVERS] = {"aerostat", "built-in", "aerostat again"};
const char *const bench_figure_names[FIGURES] = {
	"mib_per_busy_second",	       "wall_seconds",
	"hypercalls_per_gib",	       "memory_ops_per_gib",
	"guest_instructions_per_page", "xen_instructions_per_page",
	"instructions_per_page",       "large_extents_part",
};

double bench_value(const struct bench *b, int set, int guest, int direction, int driver,
		   enum bench_figure figure)
{
	return samples_median(&b->cell[set][guest][direction][driver].figure[figure]);
}

/* ---- the table ---- */

/* ours, peer, and how many times better ours is. */
static void print_pair(const struct bench_cell *ours, const struct bench_cell *peer, FILE *to,
		       enum bench_figure figure, bool more_is_better)
{
	const struct samples *o = &ours->figure[figure], *p = &peer->figure[figure];
	double a = samples_median(o), z = samples_median(p), times;
	char text[32];

	if (a <= 0 || z <= 0) {
		fprintf(to, " |%8s%8s%8s", "-", "-", "-");
		return;
	}
	times = more_is_better ? a / z : z / a;
	snprintf(text, sizeof(text), "%s%.*f", samples_overlap(o, p) ? "~" : "",
		 times < 10    ? 2
		 : times < 100 ? 1
			       : 0,
		 times);
	fprintf(to, " |%8.*f%8.*f%8s", samples_decimals(a), a, samples_decimals(z), z, text);
}

static void print_row(const struct bench *b, FILE *to, int set, int guest, int d, int driver)
{
	const struct bench_cell *ours = &b->cell[set][guest][d][driver];
	const struct bench_cell *peer = &b->cell[set][guest][d][PEER];

	if (!ours->figure[FIGURE_RATE].count && !ours->figure[FIGURE_CALLS].count)
		return;
	fprintf(to, "%-9s%-8s%-6s", bench_guest_names[guest], bench_direction_names[d],
		driver == AGAIN ? "again" : "");
	print_pair(ours, peer, to, FIGURE_RATE, true);
	print_pair(ours, peer, to, FIGURE_CALLS, false);
	print_pair(ours, peer, to, FIGURE_GUEST, false);
	print_pair(ours, peer, to, FIGURE_XEN, false);
	print_pair(ours, peer, to, FIGURE_WALL, false);
	fprintf(to, " |%5.0f %%\n", 100 * samples_median(&ours->figure[FIGURE_LARGE]));
}

static void print_group(const struct bench *b, FILE *to, int set)
{
	fprintf(to, "\n%-23s |%24s |%24s |%24s |%24s |%24s | ours by\n",
		set == SET_BARE ? "nothing zeroed" : "default parameters", "MiB/s of busy CPU ",
		"hypercalls/GiB ", "guest instructions/page ", "Xen's instructions/page ",
		"seconds to the target ");
	fprintf(to, "%-23s", "");
	for (int i = 0; i < 5; i++)
		fprintf(to, " |%8s%8s%8s", "ours", "peer", "times");
	fprintf(to, " | 2 MiB\n");
	for (int guest = 0; guest < GUESTS; guest++)
		for (int d = 0; d < DIRECTIONS; d++) {
			print_row(b, to, set, guest, d, OURS);
			print_row(b, to, set, guest, d, AGAIN);
		}
}

void bench_table(const void *of, FILE *to)
{
	const struct bench *b = of;

	fprintf(to,
		"\nours: %s, peer: the built-in driver; %u MiB moved, median of %u\n"
		"(times: how much better ours is; ~: the rounds of the two drivers overlap)\n",
		bench_driver_names[OURS], b->options.move_mib, b->options.rounds);
	for (int set = 0; set < SETS; set++)
		if (b->options.set[set])
			print_group(b, to, set);
}

/* ---- the verdict ---- */

/* A requirement: rows that were measured, and those that fall short of it. */
struct verdict {
	unsigned int rows, missed;
};

/* Is a figure of ours at least so many times better in one row? */
static void judge_row(const struct bench *b, FILE *to, struct verdict *v, int set, int guest, int d,
		      enum bench_figure figure, double times)
{
	double ours = bench_value(b, set, guest, d, OURS, figure);
	double peer = bench_value(b, set, guest, d, PEER, figure);
	double is = figure == FIGURE_RATE ? ours / peer : peer / ours;

	if (!bench_wants(b, set, guest) || (figure == FIGURE_RATE && b->options.no_rates))
		return;
	v->rows++;
	if (ours > 0 && peer > 0 && is >= times)
		return;
	v->missed++;
	fprintf(to, "      %s, %s, %s parameters: %s %.1f against %.1f, %.2f times\n",
		bench_guest_names[guest], bench_direction_names[d], bench_set_names[set],
		bench_figure_names[figure], ours, peer, is);
}

static unsigned int verdict(FILE *to, const struct verdict *v, const char *what)
{
	fprintf(to, "%s  %s\n", v->missed ? "MISSED" : v->rows ? "met   " : "not measured:", what);
	return v->missed ? 1 : 0;
}

/* With a guest that needed no instruction at all, the rate would rise to this. */
static void say_ceiling(const struct bench *b, FILE *to, int guest)
{
	double xen = bench_value(b, SET_DEFAULT, guest, INFLATE, OURS, FIGURE_XEN);
	double peer = bench_value(b, SET_DEFAULT, guest, INFLATE, PEER, FIGURE_XEN) +
		      bench_value(b, SET_DEFAULT, guest, INFLATE, PEER, FIGURE_GUEST);

	if (xen > 0 && peer > 0)
		fprintf(to,
			"      by instructions Xen's part of ours (%.0f a page) allows %.2f times at the "
			"most\n",
			xen, peer / xen);
}

unsigned int bench_judge(const void *of, FILE *to)
{
	const struct bench *b = of;
	struct verdict never_slower = {0}, pvh = {0}, pv = {0}, calls = {0};
	unsigned int missed;

	fprintf(to, "\n");
	for (int set = 0; set < SETS; set++)
		for (int guest = 0; guest < GUESTS; guest++)
			for (int d = 0; d < DIRECTIONS; d++)
				judge_row(b, to, &never_slower, set, guest, d, FIGURE_RATE, 1);
	missed = verdict(to, &never_slower, "not slower than the built-in driver in any row");
	judge_row(b, to, &pvh, SET_DEFAULT, GUEST_PVH, INFLATE, FIGURE_RATE, TIMES_PVH);
	if (pvh.missed)
		say_ceiling(b, to, GUEST_PVH);
	missed += verdict(to, &pvh, "5 times its rate of inflation on PVH, default parameters");
	judge_row(b, to, &pv, SET_DEFAULT, GUEST_PV, INFLATE, FIGURE_RATE, TIMES_PV);
	judge_row(b, to, &pv, SET_DEFAULT, GUEST_DOM0, INFLATE, FIGURE_RATE, TIMES_PV);
	missed += verdict(to, &pv, "twice its rate of inflation on PV, default parameters");
	for (int set = 0; set < SETS; set++)
		for (int d = 0; d < DIRECTIONS; d++)
			judge_row(b, to, &calls, set, GUEST_PVH, d, FIGURE_MEMORY_OPS, FEWER_CALLS);
	missed += verdict(to, &calls, "100 times fewer hypercalls per GiB on PVH");
	return missed;
}

/* ---- bench-xen.json ---- */

static json_t *row_to_json(const struct bench *b, int set, int guest, int d)
{
	json_t *row = json_pack("{s:s, s:s, s:s}", "parameters", bench_set_names[set], "guest",
				bench_guest_names[guest], "direction", bench_direction_names[d]);

	for (int driver = 0; driver < DRIVERS; driver++) {
		const struct bench_cell *cell = &b->cell[set][guest][d][driver];
		json_t *figures = json_object();

		for (int f = 0; f < FIGURES; f++)
			if (cell->figure[f].count)
				json_object_set_new(figures, bench_figure_names[f],
						    samples_to_json(&cell->figure[f]));
		json_object_set_new(row, bench_driver_names[driver], figures);
	}
	return row;
}

static json_t *rows_to_json(const struct bench *b)
{
	json_t *rows = json_array();

	for (int set = 0; set < SETS; set++)
		for (int guest = 0; guest < GUESTS; guest++)
			for (int d = 0; d < DIRECTIONS && bench_wants(b, set, guest); d++)
				json_array_append_new(rows, row_to_json(b, set, guest, d));
	return rows;
}

int bench_write_json(const void *of, unsigned int missed)
{
	const struct bench *b = of;
	char date[32];
	json_t *o;
	int ret;

	report_date(date);
	o = json_pack("{s:i, s:s, s:s*, s:s*, s:s*, s:O*, s:{s:i, s:i}, s:f, s:b, s:o, s:O}",
		      "format", 1, "date", date, "kernel", lab_env("AERO_RELEASE"),
		      "kernel_version", lab_env("AERO_KERNEL_VERSION"), "xen",
		      lab_env("AERO_XEN_VERSION"), "qemu", b->qemu, "parameters", "move_mib",
		      (int)b->options.move_mib, "rounds", (int)b->options.rounds, "seconds",
		      (double)(lab_now_ms() - b->start_ms) / 1000, "requirements_met", !missed,
		      "rows", rows_to_json(b), "moves", b->moves);
	ret = report_dump_json(o, b->options.folder, "bench-xen.json");
	json_decref(o);
	return ret;
}
