// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "plot.h"

#include <string.h>

void plot_samples(FILE *to, const struct bench_samples *s)
{
	fprintf(to, " %.6g %.6g %.6g", bench_median(s), bench_low(s), bench_high(s));
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

void plot_begin(FILE *to, unsigned int width, const char *base, const char *suffix)
{
	fprintf(to, "\nreset\nset output \"%s.%s\"\n", base, suffix);
	if (!strcmp(suffix, "svg"))
		fprintf(to,
			"set terminal svg size %u,600 dynamic font 'sans,11' background '#ffffff'\n",
			width);
	else
		fprintf(to, "set terminal pngcairo size %u,900 fontscale 1.35 font 'sans,11'\n",
			width * 3 / 2);
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
