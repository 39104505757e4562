// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The table, the verdict and bench.json. */
#include "bench.h"

/* Required: at most this part of the peer's instructions where single pages are moved. */
#define SINGLE_PAGES_PART 0.5

const char *const bench_zeroing_names[ZEROINGS] = {"off", "on"};
const char *const bench_mode_names[MODES] = {"2 MiB", "4 KiB", "unbatched"};
const char *const bench_direction_names[DIRECTIONS] = {"inflate", "deflate"};
const char *const bench_driver_names[DRIVERS] = {"aerostat", "vmw_balloon"};
const char *const bench_figure_names[FIGURES] = {
	"instructions_per_page",
	"whole_instructions_per_page",
	"commands_per_gib",
	"gib_per_second",
};

double bench_value(const struct bench *b, enum bench_zeroing z, enum bench_mode m,
		   enum bench_direction d, enum bench_driver driver, enum bench_figure figure)
{
	return samples_median(&b->cell[z][m][d][driver].figure[figure]);
}

/* ---- the table ---- */

static void print_pair(const struct bench *b, FILE *to, enum bench_zeroing z, enum bench_mode m,
		       enum bench_direction d, enum bench_figure figure)
{
	const struct bench_cell *cell = b->cell[z][m][d];
	double ours = bench_value(b, z, m, d, OURS, figure);
	double peer = bench_value(b, z, m, d, PEER, figure);
	bool unsure = samples_overlap(&cell[OURS].figure[figure], &cell[PEER].figure[figure]);
	char ratio[32];

	if (ours <= 0 || peer <= 0) {
		fprintf(to, " |%9s%9s%8s", "-", "-", "-");
		return;
	}
	fprintf(to, " |%9.*f%9.*f", samples_decimals(ours), ours, samples_decimals(peer), peer);
	snprintf(ratio, sizeof(ratio), "%s%.*f", unsure ? "~" : "", ours / peer < 0.1 ? 3 : 2,
		 ours / peer);
	fprintf(to, "%8s", ratio);
}

static void print_group(const struct bench *b, FILE *to, enum bench_zeroing z)
{
	fprintf(to, "\n%-19s", z == ZEROING_ON ? "init_on_alloc=1" : "init_on_alloc=0");
	fprintf(to, " |%26s |%26s |%26s |%26s\n", "instructions/page ", "with what follows ",
		"commands/GiB ", "GiB/s ");
	fprintf(to, "%-19s", "");
	for (int figure = 0; figure < FIGURES; figure++)
		fprintf(to, " |%9s%9s%8s", "ours", "peer", "ratio");
	fprintf(to, "\n");
	for (int m = 0; m < MODES; m++)
		for (int d = 0; d < DIRECTIONS && b->options.mode[m]; d++) {
			fprintf(to, "%-10s %-8s", bench_mode_names[m], bench_direction_names[d]);
			for (int figure = 0; figure < FIGURES; figure++)
				print_pair(b, to, (enum bench_zeroing)z, (enum bench_mode)m,
					   (enum bench_direction)d, (enum bench_figure)figure);
			fprintf(to, "\n");
		}
}

void bench_table(const void *of, FILE *to)
{
	const struct bench *b = of;

	fprintf(to,
		"\nours: %s, peer: %s; %u MiB moved, median of %u\n(~: the rounds of the two drivers overlap, so the ratio says little)\n",
		bench_driver_names[OURS], bench_driver_names[PEER], b->options.move_mib,
		b->options.rounds);
	for (int z = 0; z < ZEROINGS; z++)
		if (b->options.zeroing[z])
			print_group(b, to, (enum bench_zeroing)z);
}

/* ---- the verdict ---- */

static bool row_is_good(const struct bench *b, enum bench_zeroing z, enum bench_mode m,
			enum bench_direction d, double part, FILE *to)
{
	static const enum bench_figure judged[] = {FIGURE_INSTRUCTIONS, FIGURE_WHOLE};
	bool good = true;

	if (!bench_wants(b, z, m))
		return true;
	for (size_t i = 0; i < sizeof(judged) / sizeof(*judged); i++) {
		double ours = bench_value(b, z, m, d, OURS, judged[i]);
		double peer = bench_value(b, z, m, d, PEER, judged[i]);

		if (ours > 0 && peer > 0 && ours <= part * peer)
			continue;
		good = false;
		fprintf(to, "      %s, %s, init_on_alloc=%d: %s %.2f against %.2f\n",
			bench_mode_names[m], bench_direction_names[d], z == ZEROING_ON,
			bench_figure_names[judged[i]], ours, peer);
	}
	return good;
}

unsigned int bench_judge(const void *of, FILE *to)
{
	const struct bench *b = of;
	bool half = true, never_more = true;

	fprintf(to, "\n");
	for (int m = MODE_4K; m < MODES; m++)
		for (int d = 0; d < DIRECTIONS; d++)
			half &= row_is_good(b, ZEROING_OFF, (enum bench_mode)m,
					    (enum bench_direction)d, SINGLE_PAGES_PART, to);
	fprintf(to,
		"%s  at most half of the peer's instructions per page in the 4 KiB and "
		"unbatched rows, init_on_alloc=0\n",
		half ? "met " : "MISSED");
	for (int z = 0; z < ZEROINGS; z++)
		for (int m = 0; m < MODES; m++)
			for (int d = 0; d < DIRECTIONS; d++)
				never_more &= row_is_good(b, (enum bench_zeroing)z,
							  (enum bench_mode)m,
							  (enum bench_direction)d, 1, to);
	fprintf(to, "%s  no more than the peer's instructions per page in any row\n",
		never_more ? "met " : "MISSED");
	return !half + !never_more;
}

/* ---- bench.json ---- */

static json_t *row_to_json(const struct bench *b, enum bench_zeroing z, enum bench_mode m,
			   enum bench_direction d)
{
	json_t *row = json_pack("{s:s, s:s, s:s}", "init_on_alloc", bench_zeroing_names[z], "mode",
				bench_mode_names[m], "direction", bench_direction_names[d]);

	for (int driver = 0; driver < DRIVERS; driver++) {
		const struct bench_cell *cell = &b->cell[z][m][d][driver];
		json_t *figures = json_object();

		for (int f = 0; f < FIGURES; f++)
			json_object_set_new(figures, bench_figure_names[f],
					    samples_to_json(&cell->figure[f]));
		json_object_set_new(row, bench_driver_names[driver], figures);
	}
	return row;
}

static json_t *rows_to_json(const struct bench *b)
{
	json_t *rows = json_array();

	for (int z = 0; z < ZEROINGS; z++)
		for (int m = 0; m < MODES; m++)
			for (int d = 0; d < DIRECTIONS && bench_wants(b, z, m); d++)
				json_array_append_new(rows, row_to_json(b, (enum bench_zeroing)z,
									(enum bench_mode)m,
									(enum bench_direction)d));
	return rows;
}

static json_t *document(const struct bench *b, unsigned int missed)
{
	char date[32];

	report_date(date);
	return json_pack("{s:i, s:s, s:s*, s:s*, s:O*, s:{s:i, s:i, s:i}, s:f, s:b, s:o, s:O}",
			 "format", 1, "date", date, "kernel", lab_env("AERO_RELEASE"),
			 "kernel_version", lab_env("AERO_KERNEL_VERSION"), "qemu", b->qemu,
			 "parameters", "memory_mib", (int)b->options.memory_mib, "move_mib",
			 (int)b->options.move_mib, "rounds", (int)b->options.rounds, "seconds",
			 (double)(lab_now_ms() - b->start_ms) / 1000, "requirements_met", !missed,
			 "rows", rows_to_json(b), "cycles", b->cycles);
}

int bench_write_json(const void *of, unsigned int missed)
{
	const struct bench *b = of;
	json_t *o = document(b, missed);
	int ret = report_dump_json(o, b->options.folder, "bench.json");

	json_decref(o);
	return ret;
}
