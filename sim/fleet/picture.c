// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* fleet.svg and fleet.png: what fits, and a day of all hosts; fleet.gnuplot stays. */
#include "fleet.h"

#include "plot.h"

#define PAGES_PER_GIB 262144.0

static const char *const colours[FLEET_POLICIES_MAX] = {"#d03030", "#888888", "#0060a8", "#008060",
							"#b07000", "#7040a0", "#404040", "#000000"};

struct drawing {
	const struct fleet_options *options;
	const struct fleet_rule *rules;
	size_t count;
};

static void write_data(const void *of, FILE *to)
{
	const struct drawing *d = of;

	for (size_t i = 0; i < d->count; i++) {
		const struct fleet_rule *rule = &d->rules[i];

		fprintf(to, "$%s_fit << END\n", rule->policy->name);
		for (size_t n = 0; n < rule->points; n++)
			fprintf(to, "%u %.4f\n", rule->point[n].guests,
				fleet_unmet_ppm(&rule->point[n].result) / 1000);
		fprintf(to, "END\n$%s_day << END\n", rule->policy->name);
		for (size_t n = 0; n < rule->fleet.samples; n++) {
			const struct fleet_sample *s = &rule->fleet.sample[n];

			fprintf(to, "%.4f %.4f %.4f\n", (double)n * FLEET_SAMPLE_MS / 3600000,
				(double)s->has / PAGES_PER_GIB / d->options->hosts,
				(double)(s->want - s->unmet) / PAGES_PER_GIB / d->options->hosts);
		}
		fprintf(to, "END\n");
	}
}

static void write_fit(const struct drawing *d, FILE *to)
{
	fprintf(to,
		"set lmargin at screen 0.06; set rmargin at screen 0.36\n"
		"set title 'unmet, per 1000 of what guests want' font ',11'\n"
		"set logscale y; set yrange [0.01:1000]; set xrange [0:*]\n"
		"set xlabel 'guests a host'\nset key bottom right samplen 1.5 font ',10'\n"
		"plot %.4f with lines lc rgb '#777777' dt 2 title 'limit'",
		d->options->unmet_ppm / 1000.0);
	for (size_t i = 0; i < d->count; i++)
		fprintf(to,
			", \\\n     $%s_fit using 1:($2>0.01?$2:0.01) with linespoints lw 1.5 pt 7 ps 0.3 lc rgb '%s' title '%s'",
			d->rules[i].policy->name, colours[i], d->rules[i].policy->name);
	fputs("\nunset logscale y; set yrange [0:*]\n", to);
}

static void write_turns(const struct drawing *d, FILE *to)
{
	fputs("set lmargin at screen 0.43; set rmargin at screen 0.63\n"
	      "set title 'turns of a guest in an hour, with the most guests' font ',11'\n"
	      "unset key; unset xlabel; set boxwidth 0.6; set style fill solid 0.8\n"
	      "set xrange [-0.6:*]; set xtics rotate by -35 font ',9'\n"
	      "plot '-' using 1:3:4:xtic(2) with boxes lc rgb variable\n",
	      to);
	for (size_t i = 0; i < d->count; i++)
		fprintf(to, "%zu %s %.4f 0x%s\n", i, d->rules[i].policy->name,
			fleet_per_guest_hour(d->options, &d->rules[i].best.result,
					     d->rules[i].best.result.turns),
			colours[i] + 1);
	fputs("e\nset xtics norotate font ',10'; set xtics autofreq\n", to);
}

static void write_day(const struct drawing *d, FILE *to)
{
	fprintf(to,
		"set lmargin at screen 0.70; set rmargin at screen 0.985\n"
		"set title 'GiB a host over the day, %u guests' font ',11'\n"
		"set key bottom right samplen 1.5 font ',10'; set xlabel 'hours'\n"
		"set xrange [0:%u]; set yrange [0:%u]\n"
		"plot $%s_day using 1:2 with filledcurves x1 lc rgb '#b9d7ef' title 'guests have', \\\n"
		"     '' using 1:3 with lines lw 1.5 lc rgb '#0060a8' title 'in use', \\\n"
		"     %u with lines lc rgb '#777777' dt 2 title 'host'\n",
		d->options->guests, d->options->hours, d->options->host_gib + 4,
		d->rules->policy->name, d->options->host_gib);
}

static void write_picture(const void *of, FILE *to)
{
	const struct drawing *d = of;

	fputs("set border 3 lc rgb '#999999'\n"
	      "set tics nomirror out scale 0.5 textcolor rgb '#333333'\n"
	      "set grid ytics lc rgb '#e2e2e2' lt 1\n"
	      "set tmargin at screen 0.88; set bmargin at screen 0.16\n"
	      "set multiplot\n",
	      to);
	if (d->options->search_hosts) {
		write_fit(d, to);
		write_turns(d, to);
	}
	if (d->options->hosts)
		write_day(d, to);
	fputs("unset multiplot\n", to);
}

int fleet_draw(const struct fleet_options *o, const struct fleet_rule *rules, size_t count)
{
	const struct drawing drawing = {.options = o, .rules = rules, .count = count};
	const struct plot_picture picture = {
		.folder = o->folder,
		.name = "fleet",
		.width = 1300,
		.height = 420,
		.write_data = write_data,
		.write_panels = write_picture,
	};

	return plot_draw(&picture, &drawing);
}
