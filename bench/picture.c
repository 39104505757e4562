// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * bench.svg and bench.png.  What gnuplot gets stays as bench.gnuplot, so that a
 * picture can be changed without measuring again.
 */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "bench.h"

extern char **environ;

static void write_samples(FILE *to, const struct bench_samples *s)
{
	fprintf(to, " %.6g %.6g %.6g", bench_median(s), bench_low(s), bench_high(s));
}

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
			write_samples(to, &b->cell[z][m][d][driver].figure[figures[f]]);
	fprintf(to, "\n");
}

static void write_data(const struct bench *b, FILE *to)
{
	fprintf(to, "$rows << END\n");
	for (int z = 0; z < ZEROINGS; z++)
		for (int m = 0; m < MODES; m++)
			for (int d = 0; d < DIRECTIONS; d++)
				write_row(b, to, (enum bench_zeroing)z, (enum bench_mode)m,
					  (enum bench_direction)d);
	fprintf(to, "END\n");
}

static const char style[] =
	"ours = '#0060a8'; peer = '#777777'\n"
	"set style line 1 lc rgb ours pt 7 ps 1.2\n"
	"set style line 2 lc rgb peer pt 7 ps 1.2\n"
	"number(x) = x < 1 ? sprintf('%.2f', x) : x < 99.5 ? sprintf('%.1f', x) : \\\n"
	"            sprintf('%.0f', x)\n"
	"set border 1 lc rgb '#999999'\n"
	"set tics nomirror out scale 0.5 textcolor rgb '#333333'\n"
	"set ytics scale 0\n"
	"set grid noytics xtics lc rgb '#e2e2e2' lt 1\n"
	"unset key\n"
	"set logscale x\n"
	"set yrange [-15.2:1.6]\n"
	"set tmargin at screen 0.865; set bmargin at screen 0.075\n";

/* The lower one of a pair has its label on the left, outside of both bands. */
static void write_panel(FILE *to, const char *names)
{
	fprintf(to,
		"plot $rows using ours_at:1:(column(peer_at) - column(ours_at)):(0) with vectors nohead \\\n"
		"         lc rgb '#c4c4c4' lw 2, \\\n"
		"     '' using (column(peer_at + 1)):1:(column(peer_at + 2) - column(peer_at + 1)):(0) \\\n"
		"         with vectors nohead lc rgb '#d8d8d8' lw 7, \\\n"
		"     '' using (column(ours_at + 1)):1:(column(ours_at + 2) - column(ours_at + 1)):(0) \\\n"
		"         with vectors nohead lc rgb '#b9d7ef' lw 7, \\\n"
		"     '' using peer_at:1%s with points ls 2, '' using ours_at:1 with points ls 1, \\\n"
		"     '' using (low(ours_at, peer_at)):1:(number(column(ours_at))) with labels right \\\n"
		"         offset -0.9,0 tc rgb ours, \\\n"
		"     '' using (high(ours_at, peer_at)):1:(number(column(ours_at))) with labels left \\\n"
		"         offset 0.9,0 tc rgb ours, \\\n"
		"     '' using (low(peer_at, ours_at)):1:(number(column(peer_at))) with labels right \\\n"
		"         offset -0.9,0 tc rgb peer, \\\n"
		"     '' using (high(peer_at, ours_at)):1:(number(column(peer_at))) with labels left \\\n"
		"         offset 0.9,0 tc rgb peer\n",
		names);
}

static void write_picture(const struct bench *b, FILE *to, const char *terminal, const char *suffix)
{
	fprintf(to, "\nreset\nset terminal %s\nset output \"%s/bench.%s\"\n", terminal,
		b->options.folder, suffix);
	fputs(style, to);
	fprintf(to,
		"least(x, y) = x < y ? x : y\n"
		"most(x, y) = x < y ? y : x\n"
		"low(a, b) = column(a) < column(b) ? least(column(a + 1), column(b + 1)) : NaN\n"
		"high(a, b) = column(a) < column(b) ? NaN : most(column(a + 2), column(b + 2))\n"
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
		"set xtics (10, 100, '1 000' 1000)\n"
		"ours_at = 3; peer_at = 6\n",
		b->options.move_mib, lab_env("AERO_RELEASE"));
	write_panel(to, ":ytic(2)");
	fputs("do for [i=1:5] { unset label i }\n"
	      "set label 6 'GiB/s: more is better (bands: all rounds)' at graph 0, graph 1.04\n"
	      "set lmargin at screen 0.61; set rmargin at screen 0.985\n"
	      "set xrange [0.1:1500]\n"
	      "set xtics (0.1, 1, 10, 100, '1 000' 1000)\n"
	      "unset ytics\n"
	      "ours_at = 9; peer_at = 12\n",
	      to);
	write_panel(to, "");
	fputs("unset multiplot\n", to);
}

static int run_gnuplot(const char *script)
{
	char *const words[] = {"gnuplot", (char *)(uintptr_t)script, NULL};
	int status, error;
	pid_t pid;

	error = posix_spawnp(&pid, words[0], NULL, NULL, words, environ);
	if (error)
		return bench_complain("can't run gnuplot (%s), so there is no picture; run: "
				      "lab/setup tools lint",
				      strerror(error));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return bench_complain("gnuplot is lost: %s", strerror(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return bench_complain("gnuplot failed on %s, so there is no picture", script);
	return 0;
}

int bench_can_draw(void)
{
	return run_gnuplot("/dev/null");
}

int bench_draw(const struct bench *b)
{
	char path[4096];
	FILE *to;
	bool bad;

	snprintf(path, sizeof(path), "%s/bench.gnuplot", b->options.folder);
	to = fopen(path, "w");
	if (!to)
		return bench_complain("can't write %s: %s", path, strerror(errno));
	fprintf(to, "# gnuplot %s\nset encoding utf8\n", path);
	write_data(b, to);
	write_picture(b, to, "svg size 1100,600 dynamic font 'sans,11' background '#ffffff'",
		      "svg");
	write_picture(b, to, "pngcairo size 1650,900 fontscale 1.35 font 'sans,11'", "png");
	bad = ferror(to);
	if (fclose(to) || bad)
		return bench_complain("can't write %s: %s", path, strerror(errno));
	return run_gnuplot(path);
}
