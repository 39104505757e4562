// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * bench.svg and bench.png.  What gnuplot gets stays as bench.gnuplot, so that a
 * picture can be changed without measuring again.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "plot.h"

/*
 * Rows from above: y, label, then instructions (with what follows the last
 * command) and rate: each ours and the peer's, as median, lowest and highest.
 */
static void write_row(const struct bench *b, FILE *to, enum bench_zeroing z, enum bench_mode m,
		      enum bench_direction d)
{
	static const enum bench_figure figures[] = {FIGURE_WHOLE, FIGURE_RATE};
	/* Gaps between the modes, and room for a heading between the halves. */
	double y = -(double)d - 2.4 * (double)m - 8.2 * (double)z;

	fprintf(to, "%.2f \"%s, %s\"", y, bench_mode_names[m], bench_direction_names[d]);
	for (int f = 0; f < 2; f++)
		for (int driver = 0; driver < DRIVERS; driver++)
			plot_samples(to, &b->cell[z][m][d][driver].figure[figures[f]]);
	fprintf(to, "\n");
}

static void write_data(const void *of, FILE *to)
{
	const struct bench *b = of;

	fprintf(to, "$rows << END\n");
	for (int z = 0; z < ZEROINGS; z++)
		for (int m = 0; m < MODES; m++)
			for (int d = 0; d < DIRECTIONS; d++)
				write_row(b, to, (enum bench_zeroing)z, (enum bench_mode)m,
					  (enum bench_direction)d);
	fprintf(to, "END\n");
}

static void write_picture(const void *of, FILE *to)
{
	const struct bench *b = of;

	plot_style(to);
	fprintf(to,
		"set yrange [-15.2:1.6]\n"
		"set tmargin at screen 0.865; set bmargin at screen 0.075\n"
		"set multiplot\n"
		"set label 1 \"%u MiB into the balloon and out again, Linux %s\" at screen 0.012, "
		"screen 0.965 font ',13'\n"
		"set label 2 '● aerostat' at screen 0.77, screen 0.965 tc rgb ours font ',12'\n"
		"set label 3 '● vmw\\_balloon' at screen 0.87, screen 0.965 tc rgb peer font ',12'\n"
		"set label 4 'init\\_on\\_alloc=0' at screen 0.012, first 0.85 font ',11'\n"
		"set label 5 'init\\_on\\_alloc=1 (default)' at screen 0.012, first -7.35 font ',11'\n"
		"set label 6 'guest instructions per page: less is better' at graph 0, graph 1.04\n"
		"set lmargin at screen 0.17; set rmargin at screen 0.57\n"
		"set xrange [5:6000]\n"
		"set xtics (10, 100, '1 000' 1000)\n",
		b->options.move_mib, lab_env("AERO_RELEASE"));
	plot_panel(to, 3, 6, ":ytic(2)");
	fputs("do for [i=1:5] { unset label i }\n"
	      "set label 6 'GiB/s: more is better (bands: all rounds)' at graph 0, graph 1.04\n"
	      "set lmargin at screen 0.61; set rmargin at screen 0.985\n"
	      "set xrange [0.1:1500]\n"
	      "set xtics (0.1, 1, 10, 100, '1 000' 1000)\n"
	      "unset ytics\n",
	      to);
	plot_panel(to, 9, 12, "");
	fputs("unset multiplot\n", to);
}

int bench_draw(const void *of)
{
	const struct bench *b = of;
	const struct plot_picture picture = {
		.folder = b->options.folder,
		.name = "bench",
		.width = 1100,
		.height = 600,
		.write_data = write_data,
		.write_panels = write_picture,
	};

	return plot_draw(&picture, b);
}
