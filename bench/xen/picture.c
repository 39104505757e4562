// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * bench-xen.svg and bench-xen.png.  What gnuplot gets stays as bench-xen.gnuplot, so
 * that a picture can be changed without measuring again.
 */
#include <string.h>

#include "bench_xen.h"
#include "plot.h"

/* Columns of $rows: y, label, then for each of these ours and the peer's. */
static const enum bench_figure shown[] = {FIGURE_RATE, FIGURE_ALL, FIGURE_CALLS};

static void write_row(const struct bench *b, FILE *to, int set, int guest, int d)
{
	/* Gaps between the guests, and room for a heading between the halves. */
	double y = -(double)d - 2.4 * (double)guest - 8.2 * (double)set;

	fprintf(to, "%.2f \"%s, %s\"", y, bench_guest_names[guest], bench_direction_names[d]);
	for (size_t f = 0; f < sizeof(shown) / sizeof(*shown); f++)
		for (int driver = OURS; driver <= PEER; driver++)
			plot_samples(to, &b->cell[set][guest][d][driver].figure[shown[f]]);
	fprintf(to, "\n");
}

static void write_data(const void *of, FILE *to)
{
	const struct bench *b = of;

	fprintf(to, "$rows << END\n");
	for (int set = 0; set < SETS; set++)
		for (int guest = 0; guest < GUESTS; guest++)
			for (int d = 0; d < DIRECTIONS; d++)
				write_row(b, to, set, guest, d);
	fprintf(to, "END\n");
}

static void write_panels(FILE *to)
{
	fputs("set label 6 'MiB per second of busy CPU: more is better' at graph 0, graph 1.04\n"
	      "set lmargin at screen 0.125; set rmargin at screen 0.385\n"
	      "set xrange [20:200000]\n"
	      "set xtics (100, '1 000' 1000, '10 000' 10000)\n",
	      to);
	plot_panel(to, 3, 6, ":ytic(2)");
	fputs("do for [i=1:5] { unset label i }\n"
	      "unset ytics\n"
	      "set label 6 'instructions per page, guest and Xen: less is better' at graph 0, graph 1.04\n"
	      "set lmargin at screen 0.415; set rmargin at screen 0.685\n"
	      "set xrange [10:200000]\n",
	      to);
	plot_panel(to, 9, 12, "");
	fputs("set label 6 'hypercalls per GiB: less is better' at graph 0, graph 1.04\n"
	      "set lmargin at screen 0.715; set rmargin at screen 0.985\n"
	      "set xrange [0.1:20000000]\n"
	      "set xtics (1, 100, '10 000' 10000, '1 000 000' 1000000)\n",
	      to);
	plot_panel(to, 15, 18, "");
}

static void write_picture(const void *of, FILE *to)
{
	const struct bench *b = of;

	plot_style(to);
	fprintf(to,
		"set yrange [-15.2:1.6]\n"
		"set tmargin at screen 0.865; set bmargin at screen 0.075\n"
		"set multiplot\n"
		"set label 1 \"%u MiB to Xen and back again, Linux %s\" at screen 0.01, "
		"screen 0.965 font ',13'\n"
		"set label 2 '● aerostat' at screen 0.80, screen 0.965 tc rgb ours font ',12'\n"
		"set label 3 '● built-in driver' at screen 0.88, screen 0.965 tc rgb peer font ',12'\n"
		"set label 4 'default parameters' at screen 0.01, first 0.85 font ',11'\n"
		"set label 5 'nothing zeroed' at screen 0.01, first -7.35 font ',11'\n",
		b->options.move_mib, lab_env("AERO_RELEASE"));
	write_panels(to);
	fputs("unset multiplot\n", to);
}

int bench_draw(const void *of)
{
	const struct bench *b = of;
	const struct plot_picture picture = {
		.folder = b->options.folder,
		.name = "bench-xen",
		.width = 1400,
		.height = 600,
		.write_data = write_data,
		.write_panels = write_picture,
	};

	return plot_draw(&picture, b);
}
