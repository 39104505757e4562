// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The tables of the benches that compare drivers. */
#include "frame.h"

#define NAME_WIDTH 29

static const struct bench_cell *cell_of(const struct bench *b, unsigned int set, unsigned int kind,
					enum bench_move move, enum bench_driver driver)
{
	return &b->cell[set][kind][move][driver];
}

static void print_value(FILE *to, const struct samples *s)
{
	double v = samples_median(s);

	if (s->count)
		fprintf(to, "%8.*f", samples_decimals(v), v);
	else
		fprintf(to, "%8s", "-");
}

static void print_times(FILE *to, double times, bool unsure)
{
	char text[32];

	snprintf(text, sizeof(text), "%s%.*f", unsure ? "~" : "",
		 times < 10    ? 2
		 : times < 100 ? 1
			       : 0,
		 times);
	fprintf(to, "%8s", times > 0 ? text : "-");
}

static void print_part(FILE *to, const struct samples *s)
{
	if (s->count)
		fprintf(to, "%6.0f %%", 100 * samples_median(s));
	else
		fprintf(to, "%8s", "-");
}

/* A row is of one driver of ours, with the peer beside it. */
struct row {
	unsigned int set, kind;
	enum bench_move move;
	enum bench_driver driver;
};

static void print_column(const struct bench *b, FILE *to, const struct row *r,
			 const struct bench_column *c)
{
	const struct samples *ours =
		&cell_of(b, r->set, r->kind, r->move, r->driver)->figure[c->figure];
	const struct samples *peer =
		&cell_of(b, r->set, r->kind, r->move, BENCH_PEER)->figure[c->figure];

	fprintf(to, " |");
	if (c->shows == BENCH_PARTS) {
		print_part(to, ours);
		print_part(to, peer);
		return;
	}
	print_value(to, ours);
	print_value(to, peer);
	if (c->shows == BENCH_TIMES)
		print_times(to, bench_times(b, r->set, r->kind, r->move, r->driver, c->figure),
			    samples_overlap(ours, peer));
}

static bool measured(const struct bench *b, const struct row *r)
{
	const struct bench_cell *cell = cell_of(b, r->set, r->kind, r->move, r->driver);

	for (unsigned int f = 0; f < b->frame->figure_count; f++)
		if (cell->figure[f].count)
			return true;
	return false;
}

static void print_row(const struct bench *b, FILE *to, const struct bench_table *t,
		      const struct row *r)
{
	char name[64];

	if (!measured(b, r))
		return;
	snprintf(name, sizeof(name), "%-9s %-8s%s", b->frame->kind.names[r->kind],
		 bench_move_names[r->move], r->driver == BENCH_AGAIN ? "again" : "");
	fprintf(to, "%-*s", NAME_WIDTH, name);
	for (unsigned int i = 0; i < t->count; i++)
		print_column(b, to, r, &t->columns[i]);
	fprintf(to, "\n");
}

static void print_head(FILE *to, const struct bench_table *t, unsigned int set)
{
	fprintf(to, "\n%-*s", NAME_WIDTH, t->headings[set]);
	for (unsigned int i = 0; i < t->count; i++)
		fprintf(to, " |%*s", t->columns[i].shows == BENCH_TIMES ? 24 : 16,
			t->columns[i].heading);
	fprintf(to, "\n%-*s", NAME_WIDTH, "");
	for (unsigned int i = 0; i < t->count; i++)
		fprintf(to, " |%8s%8s%s", "ours", "peer",
			t->columns[i].shows == BENCH_TIMES ? "   times" : "");
	fprintf(to, "\n");
}

/* The rows of some moves (a bit each), if there are any, under one head. */
static void print_table(const struct bench *b, FILE *to, const struct bench_table *t,
			unsigned int set, unsigned int moves)
{
	bool headed = false;

	for (unsigned int kind = 0; kind < b->frame->kind.count; kind++)
		for (enum bench_move move = 0; move < BENCH_MOVES; move++) {
			struct row row = {set, kind, move, BENCH_OURS};

			if (!(moves & BENCH_BIT(move)) || !measured(b, &row))
				continue;
			if (!headed)
				print_head(to, t, set);
			headed = true;
			print_row(b, to, t, &row);
			row.driver = BENCH_AGAIN;
			print_row(b, to, t, &row);
		}
}

/* Guests in some state. */
static void print_states(const struct bench *b, FILE *to, unsigned int set)
{
	static const char *const headings[BENCH_SETS] = {"inflating a guest", "inflating a guest"};
	const struct bench_frame *f = b->frame;
	const struct bench_column columns[] = {
		{"seconds to the target ", f->seconds, BENCH_TIMES},
		{"heartbeat's gap, s ", f->gap, BENCH_TIMES},
		{"by 2 MiB ", f->large, BENCH_PARTS},
	};
	const struct bench_table table = {headings, columns, 3};

	print_table(b, to, &table, set, BENCH_ALL(BENCH_MOVES) & ~BENCH_ALL(BENCH_STATES));
}

void bench_print_table(const struct bench *b, FILE *to)
{
	const struct bench_frame *f = b->frame;

	fprintf(to,
		"\nours: %s, peer: %s; %u MiB moved, median of %u%s\n"
		"(times: how much better ours is; ~: the rounds of the two drivers overlap)\n",
		f->drivers[BENCH_OURS], f->drivers[BENCH_PEER], b->options.move_mib,
		b->options.rounds, b->options.no_rates ? "; --no-rates" : "");
	for (unsigned int set = 0; set < f->set.count; set++)
		print_table(b, to, &f->table, set, BENCH_THERE_AND_BACK);
	for (unsigned int set = 0; set < f->set.count; set++)
		print_states(b, to, set);
}
