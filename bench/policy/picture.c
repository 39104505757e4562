// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * bench-policy.svg and bench-policy.png, a panel for each policy.  What gnuplot gets stays
 * as bench-policy.gnuplot, so that a picture can be changed without measuring again.
 */
#include "bench_policy.h"
#include "plot.h"

#define LEFT  0.052
#define WIDTH 0.295
#define GAP   0.022

static double mib(int64_t kib)
{
	return (double)kib / 1024;
}

/* Tasks that wait, per cent of the time since the sample before. */
static double stalled(const struct result *r, size_t i)
{
	const int64_t *now = r->sample[i].v, *then = i ? r->sample[i - 1].v : now;
	double ms = (double)(now[FIELD_MS] - then[FIELD_MS]);

	return ms > 0 ? (double)(now[FIELD_SOME_US] - then[FIELD_SOME_US]) / ms / 10 : 0;
}

/* Columns: s, Xen's reservation, target, all, all but free, used, stalled. */
static void write_data(const void *of, FILE *to)
{
	const struct policy_bench *b = of;

	for (int p = 0; p < POLICIES; p++) {
		const struct result *r = &b->result[p];

		fprintf(to, "$%s << END\n", policy_names[p]);
		for (size_t i = 0; i < r->samples; i++) {
			const int64_t *v = r->sample[i].v;

			fprintf(to, "%.1f %.1f %.1f %.1f %.1f %.1f %.2f\n",
				(double)v[FIELD_MS] / 1000, mib(v[FIELD_XEN_KIB]),
				mib(v[FIELD_TARGET_KIB]), mib(v[FIELD_TOTAL_KIB]),
				mib(v[FIELD_TOTAL_KIB] - v[FIELD_FREE_KIB]),
				mib(v[FIELD_TOTAL_KIB] - v[FIELD_AVAILABLE_KIB]), stalled(r, i));
		}
		fprintf(to, "END\n");
	}
}

/* Where the work begins and ends, and what it is. */
static void write_phases(const struct result *r, FILE *to)
{
	static const struct {
		enum phase phase;
		const char *name;
	} shown[] = {{PHASE_COMPILE, "compile"}, {PHASE_CACHE, "files"}, {PHASE_GROWTH, "grow"}};

	fprintf(to, "unset arrow\nunset label\n");
	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
		double from = (double)r->phase[shown[i].phase].from_ms / 1000;
		double until = (double)r->phase[shown[i].phase].until_ms / 1000;

		fprintf(to,
			"set arrow from %.1f, graph 0 to %.1f, graph 1 nohead lc rgb '#999999' dt 3\n"
			"set label '%s' at %.1f, graph 1.03 rotate by 25 font ',9' tc rgb '#555555'\n",
			from, from, shown[i].name, from);
		if (i == sizeof(shown) / sizeof(*shown) - 1)
			fprintf(to,
				"set arrow from %.1f, graph 0 to %.1f, graph 1 nohead lc rgb '#999999' dt 3\n",
				until, until);
	}
}

static void write_memory(const struct policy_bench *b, FILE *to, int p)
{
	const struct figures *f = &b->result[p].figures;
	const char *name = policy_names[p];

	write_phases(&b->result[p], to);
	fprintf(to,
		"set title \"%s: %.0f GiB s, work %.3f times as long\" font ',11' offset 0,1.7\n"
		"set tmargin at screen 0.83; set bmargin at screen 0.335\n"
		"set yrange [0:%u]; set format x ''; unset xlabel\n"
		"plot $%s using 1:4 with filledcurves x1 lc rgb '#dcebf7' title 'free', \\\n"
		"     '' using 1:5 with filledcurves x1 lc rgb '#9cc5e6' title 'page cache', \\\n"
		"     '' using 1:6 with filledcurves x1 lc rgb '#4a86b8' title 'used', \\\n"
		"     '' using 1:3 with lines lc rgb '#e08020' lw 1.5 dt 2 title 'target', \\\n"
		"     '' using 1:2 with lines lc rgb '#202020' lw 1.5 title 'reservation'\n",
		p == POLICY_NONE ? "no balloon" : name, f->footprint / 1024, f->slowdown,
		GUEST_MIB + GUEST_MIB / 20, name);
}

static void write_pressure(FILE *to, int p)
{
	fprintf(to,
		"unset title; unset label; unset key\n"
		"set tmargin at screen 0.295; set bmargin at screen 0.125\n"
		"set yrange [0:100]; set format x '%%g'; set xlabel 'seconds'\n"
		"plot $%s using 1:7 with filledcurves x1 lc rgb '#d03030' notitle\n",
		policy_names[p]);
}

static void write_panel(const struct policy_bench *b, FILE *to, int p)
{
	double left = LEFT + (WIDTH + GAP) * p;
	bool first = !p;

	fprintf(to, "set lmargin at screen %.4f; set rmargin at screen %.4f\n", left, left + WIDTH);
	fprintf(to, "set ytics 256; set format y '%s'; %s\n%s\n", first ? "%g" : "",
		first ? "set ylabel 'MiB' offset 1.5" : "unset ylabel",
		p == POLICY_COMMITTED
			? "set key at graph 0.99,0.97 right top samplen 1.5 font ',9' "
			  "opaque box lc rgb '#cccccc'"
			: "unset key");
	write_memory(b, to, p);
	fprintf(to, "set ytics 50; %s\n",
		first ? "set ylabel 'waiting, %' offset 1.5" : "unset ylabel");
	write_pressure(to, p);
}

static double longest_s(const struct policy_bench *b)
{
	double most = 0;

	for (int p = 0; p < POLICIES; p++) {
		double s = (double)b->result[p].phase[PHASE_IDLE_AGAIN].until_ms / 1000;

		most = s > most ? s : most;
	}
	return most;
}

static void write_picture(const void *of, FILE *to)
{
	const struct policy_bench *b = of;

	fprintf(to,
		"set border 3 lc rgb '#999999'\n"
		"set tics nomirror out scale 0.5 textcolor rgb '#333333'\n"
		"set grid ytics lc rgb '#e2e2e2' lt 1\n"
		"set xrange [0:%.0f]; set xtics 60\n"
		"set multiplot title \"One load, one guest of %u MiB on real Xen, Linux %s\" font ',13'\n",
		longest_s(b), GUEST_MIB, lab_env("AERO_RELEASE"));
	for (int p = 0; p < POLICIES; p++)
		write_panel(b, to, p);
	fputs("unset multiplot\n", to);
}

int policy_draw(const void *of)
{
	const struct policy_bench *b = of;
	const struct plot_picture picture = {
		.folder = b->options.folder,
		.name = "bench-policy",
		.width = 1400,
		.height = 520,
		.write_data = write_data,
		.write_panels = write_picture,
	};

	return plot_draw(&picture, b);
}
