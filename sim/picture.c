// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* simulate.svg and simulate.png, a panel for each policy; simulate.gnuplot stays. */
#include "simulate.h"

#include "plot.h"

#define PAGES_PER_GIB 262144.0

struct drawing {
	const struct sim_options *options;
	const struct sim_result *results; /* one a policy */
};

static void write_data(const void *of, FILE *to)
{
	const struct sim_result *results = ((const struct drawing *)of)->results;

	for (int p = 0; p < sim_policies(); p++) {
		const struct sim_result *r = &results[p];

		fprintf(to, "$%s << END\n", sim_policy_name(p));
		for (size_t i = 0; i < r->samples; i++)
			fprintf(to, "%.4f %.4f %.4f %.4f\n", (double)i * SIM_SAMPLE_MS / 3600000,
				(double)r->sample[i].has / PAGES_PER_GIB,
				(double)(r->sample[i].want - r->sample[i].unmet) / PAGES_PER_GIB,
				(double)r->sample[i].want / PAGES_PER_GIB);
		fprintf(to, "END\n");
	}
}

static void write_panel(FILE *to, const struct sim_result *r, int p)
{
	fprintf(to,
		"set title \"%s: %.0f %% saved, %.1f %% unmet, %.1f %% stalled\" font ',11'\n"
		"set lmargin at screen %.3f; set rmargin at screen %.3f\n"
		"plot $%s using 1:2 with filledcurves x1 lc rgb '#b9d7ef' title 'guests have', \\\n"
		"     '' using 1:3:4 with filledcurves lc rgb '#d03030' title 'unmet', \\\n"
		"     '' using 1:4 with lines lc rgb '#0060a8' lw 1.5 title 'guests want', \\\n"
		"     host with lines lc rgb '#777777' dt 2 title 'host'\n",
		sim_policy_name(p), sim_saved_percent(&r->all), sim_unmet_percent(&r->all),
		sim_stalled_percent(&r->all), 0.06 + 0.945 / sim_policies() * p,
		0.035 + 0.945 / sim_policies() * (p + 1), sim_policy_name(p));
}

static void write_picture(const void *of, FILE *to)
{
	const struct drawing *d = of;
	const struct sim_result *results = d->results;
	double host = (double)results->host_pages / PAGES_PER_GIB;

	fprintf(to,
		"host = %.4f\n"
		"set border 3 lc rgb '#999999'\n"
		"set tics nomirror out scale 0.5 textcolor rgb '#333333'\n"
		"set grid ytics lc rgb '#e2e2e2' lt 1\n"
		"set key at graph 0.98,0.86 right samplen 1.5 font ',10'\n"
		"set xrange [0:%u]; set yrange [0:%.4f]\n"
		"set xlabel 'hours'\n"
		"set tmargin at screen 0.88; set bmargin at screen 0.14\n"
		"set multiplot\n"
		"set ylabel 'GiB'\n",
		host, d->options->hours, host * 1.1);
	for (int p = 0; p < sim_policies(); p++) {
		/* Only one of them has room for it. */
		fprintf(to, "%s key\n", p == 1 ? "set" : "unset");
		write_panel(to, &results[p], p);
		fputs("unset ylabel; set format y ''\n", to);
	}
	fputs("unset multiplot\n", to);
}

int sim_draw(const struct sim_options *o, const struct sim_result *results)
{
	const struct drawing drawing = {.options = o, .results = results};
	const struct plot_picture picture = {
		.folder = o->folder,
		.name = "simulate",
		.width = 1300,
		.height = 420,
		.write_data = write_data,
		.write_panels = write_picture,
	};

	return plot_draw(&picture, &drawing);
}
