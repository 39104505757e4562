// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* aerostat plot: a recording as a picture, drawn by gnuplot. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "plot.h"

/* Columns of a recording that are drawn; those that must be there come first. */
enum column {
	COLUMN_MANAGED,
	COLUMN_FREE,
	COLUMN_AVAILABLE,
	COLUMNS_NEEDED,
	COLUMN_BALLOON = COLUMNS_NEEDED,
	COLUMN_TARGET,
	COLUMN_SOME,
	COLUMN_FULL,
	COLUMN_TIME,
	COLUMN_INTERVAL,
	COLUMNS
};

static const char *const names[COLUMNS] = {
	[COLUMN_MANAGED] = "managed",	    [COLUMN_FREE] = "free",
	[COLUMN_AVAILABLE] = "available",   [COLUMN_BALLOON] = "balloon",
	[COLUMN_TARGET] = "balloon_target", [COLUMN_SOME] = "some_permille",
	[COLUMN_FULL] = "full_permille",    [COLUMN_TIME] = "time_ms",
	[COLUMN_INTERVAL] = "interval_ms",
};

#define UNKNOWN UINT64_MAX

struct row {
	uint64_t value[COLUMNS];
};

struct plot {
	const char *file, *output;
	uint32_t page_kib;
	size_t place[COLUMNS]; /* which field, from 1; 0: it is not there */
	size_t fields;
	struct row *row;
	size_t rows, room;
	uint64_t time_ms; /* of the last row */
};

/* ---- reading ---- */

static int read_header(struct plot *p, struct csv *csv)
{
	int ret = csv_read(csv);

	if (!ret)
		csv_complain(csv, "the file is empty; its first line should name the columns");
	if (ret <= 0)
		return -1;
	p->fields = csv->fields;
	for (int c = 0; c < COLUMNS; c++) {
		for (size_t f = 0; f < csv->fields; f++)
			if (!strcmp(csv->field[f], names[c]))
				p->place[c] = f + 1;
		if (!p->place[c] && c < COLUMNS_NEEDED) {
			csv_complain(csv,
				     "no column is named '%s'; is this a recording of 'aerostat "
				     "record'?",
				     names[c]);
			return -1;
		}
	}
	return 0;
}

static int read_field(const struct plot *p, const struct csv *csv, int c, uint64_t *value)
{
	const char *field;

	*value = UNKNOWN;
	if (!p->place[c])
		return 0;
	field = csv->field[p->place[c] - 1];
	if (c >= COLUMNS_NEEDED && !strcmp(field, "-"))
		return 0;
	/* In KiB it must still be a number. */
	if (aero_parse(field, UINT64_MAX / 1024, value))
		return 0;
	csv_complain(csv, "%s is '%s'; it should be a whole number", names[c], cli_shown(field));
	return -1;
}

static int read_row(struct plot *p, const struct csv *csv)
{
	struct row *row, *more;

	if (csv->fields != p->fields) {
		csv_complain(csv, "%zu fields, but the header names %zu columns", csv->fields,
			     p->fields);
		return -1;
	}
	if (p->rows == p->room) {
		p->room = p->room ? 2 * p->room : 256;
		more = realloc(p->row, p->room * sizeof(*p->row));
		if (!more) {
			cli_complain("no memory for so long a recording");
			return -1;
		}
		p->row = more;
	}
	row = &p->row[p->rows];
	for (int c = 0; c < COLUMNS; c++)
		if (read_field(p, csv, c, &row->value[c]))
			return -1;
	/* A recording without times has intervals, or else those of policy eval. */
	if (row->value[COLUMN_TIME] == UNKNOWN)
		row->value[COLUMN_TIME] =
			p->time_ms +
			(row->value[COLUMN_INTERVAL] && row->value[COLUMN_INTERVAL] != UNKNOWN
				 ? row->value[COLUMN_INTERVAL]
				 : AERO_POLICY_INTERVAL_MS);
	p->time_ms = row->value[COLUMN_TIME];
	p->rows++;
	return 0;
}

static int read_all(struct plot *p)
{
	struct csv *csv = calloc(1, sizeof(*csv));
	int ret = -1;

	if (!csv) {
		cli_complain("no memory");
		return CLI_FAILED;
	}
	csv->name = p->file;
	csv->from = fopen(p->file, "re");
	if (!csv->from) {
		cli_complain("can't read %s: %s", p->file, strerror(errno));
	} else if (!read_header(p, csv)) {
		while ((ret = csv_read(csv)) > 0 && !read_row(p, csv))
			;
		if (!ret && p->rows < 2) {
			csv_complain(csv, "at least two lines with figures are wanted");
			ret = -1;
		}
	}
	if (csv->from)
		fclose(csv->from);
	free(csv);
	return ret ? CLI_MISUSE : CLI_OK;
}

/* ---- the picture ---- */

static void put_mib(const struct plot *p, FILE *to, uint64_t pages)
{
	if (pages == UNKNOWN)
		fputs(" NaN", to);
	else
		fprintf(to, " %.1f", (double)pages * p->page_kib / 1024);
}

static void put_percent(FILE *to, uint64_t permille)
{
	if (permille == UNKNOWN)
		fputs(" NaN", to);
	else
		fprintf(to, " %.1f", (double)permille / 10);
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* Columns: s, all, all but free, used, balloon, target, some, full. */
static void write_data(const void *of, FILE *to)
{
	const struct plot *p = of;

	fputs("$recording << END\n", to);
	for (size_t i = 0; i < p->rows; i++) {
		const uint64_t *v = p->row[i].value;

		fprintf(to, "%.3f", (double)v[COLUMN_TIME] / 1000);
		put_mib(p, to, v[COLUMN_MANAGED]);
		put_mib(p, to, less(v[COLUMN_MANAGED], v[COLUMN_FREE]));
		put_mib(p, to, less(v[COLUMN_MANAGED], v[COLUMN_AVAILABLE]));
		put_mib(p, to, v[COLUMN_BALLOON]);
		put_mib(p, to, v[COLUMN_TARGET]);
		put_percent(to, v[COLUMN_SOME]);
		put_percent(to, v[COLUMN_FULL]);
		putc('\n', to);
	}
	fputs("END\n", to);
}

static bool has(const struct plot *p, int column)
{
	for (size_t i = 0; i < p->rows; i++)
		if (p->row[i].value[column] != UNKNOWN)
			return true;
	return false;
}

static void write_memory(const struct plot *p, FILE *to)
{
	fputs("set tmargin at screen 0.92; set bmargin at screen 0.36\n"
	      "set ylabel 'MiB'; set yrange [0:*]; set format x ''\n"
	      "plot $recording using 1:2 with filledcurves x1 lc rgb '#dcebf7' title 'free', \\\n"
	      "     '' using 1:3 with filledcurves x1 lc rgb '#9cc5e6' title 'page cache', \\\n"
	      "     '' using 1:4 with filledcurves x1 lc rgb '#4a86b8' title 'used'",
	      to);
	if (has(p, COLUMN_TARGET))
		fputs(", \\\n     '' using 1:6 with lines lc rgb '#e08020' lw 1.5 dt 2 title 'target'",
		      to);
	if (has(p, COLUMN_BALLOON))
		fputs(", \\\n     '' using 1:5 with lines lc rgb '#202020' lw 1.5 title 'balloon'",
		      to);
	putc('\n', to);
}

static void write_pressure(const struct plot *p, FILE *to)
{
	fputs("set tmargin at screen 0.31; set bmargin at screen 0.12\n"
	      "set ylabel 'waiting, %'; set yrange [0:100]; set ytics 50\n"
	      "set format x '%g'; set xlabel 'seconds'; unset key\n",
	      to);
	if (has(p, COLUMN_SOME))
		fputs("plot $recording using 1:7 with filledcurves x1 lc rgb '#f0a0a0' title 'some', \\\n"
		      "     '' using 1:8 with filledcurves x1 lc rgb '#d03030' title 'all'\n",
		      to);
	else
		fputs("set label 'not measured' at graph 0.5,0.5 center\nplot 0 notitle lc rgb '#ffffff'\n",
		      to);
}

static void write_panels(const void *of, FILE *to)
{
	const struct plot *p = of;

	fprintf(to,
		"set datafile missing 'NaN'\n"
		"set border 3 lc rgb '#999999'\n"
		"set tics nomirror out scale 0.5 textcolor rgb '#333333'\n"
		"set grid ytics lc rgb '#e2e2e2' lt 1\n"
		"set lmargin at screen 0.09; set rmargin at screen 0.97\n"
		"set xrange [%.3f:%.3f]\n"
		"set key outside top right horizontal samplen 1.5\n"
		"set multiplot\n",
		(double)p->row[0].value[COLUMN_TIME] / 1000, (double)p->time_ms / 1000);
	write_memory(p, to);
	write_pressure(p, to);
	fputs("unset multiplot\n", to);
}

/* "PREFIX.svg", "PREFIX.png" and "PREFIX.gnuplot", of a prefix with or without a folder. */
static int draw(const struct plot *p)
{
	struct plot_picture picture = {.width = 900,
				       .height = 480,
				       .write_data = write_data,
				       .write_panels = write_panels};
	char *prefix = strdup(p->output), *slash;
	int ret;

	if (!prefix) {
		cli_complain("no memory");
		return CLI_FAILED;
	}
	slash = strrchr(prefix, '/');
	if (slash)
		*slash = 0;
	picture.name = slash ? slash + 1 : prefix;
	picture.folder = !slash ? "." : slash == prefix ? "/" : prefix;
	ret = plot_draw(&picture, p) ? CLI_FAILED : CLI_OK;
	if (!ret)
		printf("%s.svg\n%s.png\n%s.gnuplot\n", p->output, p->output, p->output);
	free(prefix);
	return ret;
}

/* ---- options ---- */

/* The name goes into gnuplot's script, between quotes. */
static void check_output(const struct plot *p, const struct argp_state *state)
{
	const char *name = strrchr(p->output, '/');

	name = name ? name + 1 : p->output;
	if (!*name || strpbrk(p->output, "\"\\`\n"))
		argp_error(state, "--output is the beginning of a file's name, without quotes and "
				  "backslashes");
}

static void default_output(struct plot *p, const struct argp_state *state)
{
	static char prefix[1024];
	size_t length = strlen(p->file);

	if (length >= sizeof(prefix))
		argp_error(state,
			   "the name is too long; --output gives another one to the picture");
	strcpy(prefix, p->file);
	if (length > 4 && !strcmp(prefix + length - 4, ".csv"))
		prefix[length - 4] = 0;
	p->output = prefix;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct plot *p = state->input;

	switch (key) {
	case 'o':
		p->output = arg;
		return 0;
	case 'p':
		p->page_kib = cli_number("page-kib", arg, 4, 64, state);
		if (p->page_kib != 4 && p->page_kib != 16 && p->page_kib != 64)
			argp_error(state, "--page-kib is 4, 16 or 64, not %u", p->page_kib);
		return 0;
	case ARGP_KEY_ARG:
		if (p->file)
			argp_error(state, "one file at a time; '%s' is the second", cli_shown(arg));
		p->file = arg;
		return 0;
	case ARGP_KEY_END:
		if (!p->file)
			argp_error(state, "which file?");
		if (!p->output)
			default_output(p, state);
		check_output(p, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cli_plot(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"output", 'o', "PREFIX", 0, "Write PREFIX.svg, PREFIX.png and PREFIX.gnuplot", 0},
		{"page-kib", 'p', "N", 0, "The recorded guest's page: 4 (default), 16 or 64", 0},
		{0}};
	static const struct argp argp = {
		options,
		parse,
		"FILE",
		"Draws a recording of 'aerostat record' with gnuplot, as SVG and PNG: used memory, page "
		"cache and free memory, the balloon and its target, and how long tasks waited.  "
		"Prints the files' names, which are that of FILE unless --output says otherwise.",
		NULL,
		NULL,
		NULL};
	struct plot p = {.page_kib = 4};
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &p);
	ret = read_all(&p);
	if (!ret)
		ret = draw(&p);
	free(p.row);
	return ret;
}
