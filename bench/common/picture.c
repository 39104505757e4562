// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The picture of a bench that compares drivers.  What gnuplot gets stays beside it as
 * NAME.gnuplot, so that a picture can be changed without measuring again.
 */
#include <string.h>

#include "frame.h"
#include "plot.h"

/* Rows from above, with gaps between the kinds, and room for a heading between the sets. */
#define BETWEEN_KINDS  2.4
#define BETWEEN_SETS   8.2

/* Columns of $rows: y, label, then for each panel ours and the peer's, three columns each. */
#define OURS_AT(panel) (3 + 6 * (panel))
#define PEER_AT(panel) (OURS_AT(panel) + 3)

static void write_row(const struct bench *b, FILE *to, unsigned int set, unsigned int kind,
		      enum bench_move move)
{
	const struct bench_frame *f = b->frame;
	double y = -(double)move - BETWEEN_KINDS * kind - BETWEEN_SETS * set;

	fprintf(to, "%.2f \"%s, %s\"", y, f->kind.names[kind], bench_move_names[move]);
	for (unsigned int p = 0; p < f->picture.count; p++)
		for (enum bench_driver driver = BENCH_OURS; driver <= BENCH_PEER; driver++)
			plot_samples(to, &b->cell[set][kind][move][driver]
						  .figure[f->picture.panels[p].figure]);
	fprintf(to, "\n");
}

static void write_data(const void *of, FILE *to)
{
	const struct bench *b = of;

	fprintf(to, "$rows << END\n");
	for (unsigned int set = 0; set < b->frame->set.count; set++)
		for (unsigned int kind = 0; kind < b->frame->kind.count; kind++)
			for (enum bench_move move = BENCH_INFLATE; move <= BENCH_DEFLATE; move++)
				write_row(b, to, set, kind, move);
	fprintf(to, "END\n");
}

/* gnuplot takes an underscore for the beginning of an index. */
static void write_text(FILE *to, const char *text)
{
	for (; *text; text++)
		fprintf(to, *text == '_' ? "\\_" : "%c", *text);
}

static void write_labels(const struct bench *b, FILE *to)
{
	const struct bench_frame *f = b->frame;
	const struct bench_picture *p = &f->picture;

	fprintf(to, "set label 1 \"%u MiB %s, Linux %s\" at screen %.3f, screen 0.965 font ',13'\n",
		b->options.move_mib, p->title, lab_env("AERO_RELEASE"), p->left);
	for (enum bench_driver driver = BENCH_OURS; driver <= BENCH_PEER; driver++) {
		fprintf(to, "set label %d '● ", driver + 2);
		write_text(to, f->drivers[driver]);
		fprintf(to, "' at screen %.3f, screen 0.965 tc rgb %s font ',12'\n",
			driver == BENCH_OURS ? p->ours_at : p->peer_at,
			driver == BENCH_OURS ? "ours" : "peer");
	}
	for (unsigned int set = 0; set < f->set.count; set++) {
		fprintf(to, "set label %u '", set + 4);
		write_text(to, p->headings[set]);
		fprintf(to, "' at screen %.3f, first %.2f font ',11'\n", p->left,
			0.85 - BETWEEN_SETS * set);
	}
}

static void write_picture(const void *of, FILE *to)
{
	const struct bench *b = of;
	const struct bench_picture *p = &b->frame->picture;

	plot_style(to);
	fputs("set yrange [-15.2:1.6]\n"
	      "set tmargin at screen 0.865; set bmargin at screen 0.075\n"
	      "set multiplot\n",
	      to);
	write_labels(b, to);
	for (unsigned int i = 0; i < p->count; i++) {
		const struct bench_panel *panel = &p->panels[i];

		fprintf(to,
			"set label 6 '%s' at graph 0, graph 1.04\n"
			"set lmargin at screen %.3f; set rmargin at screen %.3f\n"
			"%s\n",
			panel->title, panel->left, panel->right, panel->axis);
		plot_panel(to, OURS_AT(i), PEER_AT(i), i ? "" : ":ytic(2)");
		if (!i)
			fputs("do for [i=1:5] { unset label i }\nunset ytics\n", to);
	}
	fputs("unset multiplot\n", to);
}

int bench_draw(const struct bench *b)
{
	const struct plot_picture picture = {
		.folder = b->options.folder,
		.name = b->frame->name,
		.width = b->frame->picture.width,
		.height = 600,
		.write_data = write_data,
		.write_panels = write_picture,
	};

	return plot_draw(&picture, b);
}
