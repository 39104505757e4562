// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "plot.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include "report.h"

extern char **environ;

static int run_gnuplot(const char *script)
{
	char *const words[] = {"gnuplot", (char *)(uintptr_t)script, NULL};
	int status, error;
	pid_t pid;

	error = posix_spawnp(&pid, words[0], NULL, NULL, words, environ);
	if (error)
		return report_complain("can't run gnuplot (%s), so there is no picture; in "
				       "Debian it is the package gnuplot-nox",
				       strerror(error));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return report_complain("gnuplot is lost: %s", strerror(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return report_complain("gnuplot failed on %s, so there is no picture", script);
	return 0;
}

int plot_check(void)
{
	return run_gnuplot("/dev/null");
}

/* A PNG file is 1.5 times as large as an SVG file, in pixels. */
static void begin(const struct plot_picture *p, FILE *to, const char *suffix)
{
	if (!strcmp(suffix, "svg"))
		fprintf(to,
			"\nreset\nset terminal svg size %u,%u dynamic font 'sans,11' "
			"background '#ffffff'\n",
			p->width, p->height);
	else
		fprintf(to,
			"\nreset\nset terminal pngcairo size %u,%u fontscale 1.35 "
			"font 'sans,11'\n",
			p->width * 3 / 2, p->height * 3 / 2);
	fprintf(to, "set output \"%s/%s.%s\"\n", p->folder, p->name, suffix);
}

int plot_draw(const struct plot_picture *p, const void *of)
{
	static const char *const suffixes[] = {"svg", "png"};
	char path[PATH_MAX];
	bool bad;
	FILE *to;

	snprintf(path, sizeof(path), "%s/%s.gnuplot", p->folder, p->name);
	to = fopen(path, "w");
	if (!to)
		return report_complain("can't write %s: %s", path, strerror(errno));
	fprintf(to, "# gnuplot %s.gnuplot\nset encoding utf8\n", p->name);
	p->write_data(of, to);
	for (int i = 0; i < 2; i++) {
		begin(p, to, suffixes[i]);
		p->write_panels(of, to);
	}
	bad = ferror(to);
	if (fclose(to) || bad)
		return report_complain("can't write %s: %s", path, strerror(errno));
	return run_gnuplot(path);
}

void plot_samples(FILE *to, const struct samples *s)
{
	fprintf(to, " %.6g %.6g %.6g", samples_median(s), samples_low(s), samples_high(s));
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
	"least(x, y) = x < y ? x : y\n"
	"most(x, y) = x < y ? y : x\n"
	"low(a, b) = column(a) < column(b) ? least(column(a + 1), column(b + 1)) : NaN\n"
	"high(a, b) = column(a) < column(b) ? NaN : most(column(a + 2), column(b + 2))\n";

void plot_style(FILE *to)
{
	fputs(style, to);
}

/* The lower one of a pair has its label on the left, outside of both bands. */
void plot_panel(FILE *to, unsigned int ours_at, unsigned int peer_at, const char *names)
{
	fprintf(to, "ours_at = %u; peer_at = %u\n", ours_at, peer_at);
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
