// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What is required of rows, and both as JSON. */
#include "frame.h"

/* Does a row fall short in one of the figures? */
static bool falls_short(const struct bench *b, const struct bench_requirement *r, FILE *to,
			unsigned int set, unsigned int kind, enum bench_move move)
{
	const struct bench_frame *f = b->frame;
	bool is_short = false;

	for (unsigned int figure = 0; figure < f->figure_count; figure++) {
		double times = bench_times(b, set, kind, move, BENCH_OURS, figure);

		if (!(r->figures & 1u << figure) || times >= r->times)
			continue;
		is_short = true;
		if (to)
			fprintf(to, "      %s, %s, %s %s: %s %.2f against %.2f, %.2f times\n",
				f->kind.names[kind], bench_move_names[move], f->set.key,
				f->set.names[set], f->figures[figure].name,
				bench_value(b, set, kind, move, BENCH_OURS, figure),
				bench_value(b, set, kind, move, BENCH_PEER, figure), times);
	}
	return is_short;
}

static bool left_out(const struct bench *b, const struct bench_requirement *r, unsigned int set,
		     unsigned int kind)
{
	for (unsigned int figure = 0; figure < b->frame->figure_count; figure++)
		if ((r->figures & 1u << figure) && b->frame->figures[figure].timed &&
		    b->options.no_rates)
			return true;
	return !bench_wants(b, set, kind);
}

struct bench_verdict bench_judge_one(const struct bench *b, const struct bench_requirement *r,
				     FILE *to)
{
	const struct bench_frame *f = b->frame;
	struct bench_verdict v = {0};

	for (unsigned int set = 0; set < f->set.count; set++)
		for (unsigned int kind = 0; kind < f->kind.count; kind++)
			for (enum bench_move move = 0; move < BENCH_MOVES; move++) {
				if (!(r->sets & 1u << set) || !(r->kinds & 1u << kind) ||
				    !(r->moves & 1u << move) || !bench_has(f, set, kind, move))
					continue;
				if (left_out(b, r, set, kind))
					v.left_out++;
				else if (falls_short(b, r, to, set, kind, move))
					v.missed++;
				else
					v.met++;
			}
	return v;
}

const char *bench_verdict_word(const struct bench_verdict *v)
{
	if (v->missed)
		return "MISSED";
	if (!v->met)
		return "not measured";
	return v->left_out ? "met in part" : "met";
}

unsigned int bench_judge(const struct bench *b, FILE *to)
{
	const struct bench_frame *f = b->frame;
	unsigned int missed = 0;

	fprintf(to, "\n");
	for (unsigned int i = 0; i < f->requirement_count; i++) {
		const struct bench_requirement *r = &f->requirements[i];
		struct bench_verdict v = bench_judge_one(b, r, to);

		if (v.missed && r->explain)
			r->explain(b, to);
		missed += v.missed > 0;
		fprintf(to, "%-12s  %s", bench_verdict_word(&v), r->text);
		if (v.left_out && (v.met || v.missed))
			fprintf(to, " (%u of %u rows were measured)", v.met + v.missed,
				v.met + v.missed + v.left_out);
		fprintf(to, "\n");
	}
	return missed;
}

json_t *bench_requirements_to_json(const struct bench *b)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < b->frame->requirement_count; i++) {
		const struct bench_requirement *r = &b->frame->requirements[i];
		struct bench_verdict v = bench_judge_one(b, r, NULL);

		json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:i, s:i}", "text", r->text,
						      "verdict", bench_verdict_word(&v), "rows_met",
						      (int)v.met, "rows_missed", (int)v.missed,
						      "rows_not_measured", (int)v.left_out));
	}
	return list;
}

static json_t *row_to_json(const struct bench *b, unsigned int set, unsigned int kind,
			   enum bench_move move)
{
	const struct bench_frame *frame = b->frame;
	json_t *row = json_pack("{s:s, s:s, s:s}", frame->set.key, frame->set.names[set],
				frame->kind.key, frame->kind.names[kind], "direction",
				bench_move_names[move]);

	for (unsigned int driver = 0; driver < frame->driver_count; driver++) {
		const struct bench_cell *cell = &b->cell[set][kind][move][driver];
		json_t *figures = json_object();

		for (unsigned int f = 0; f < frame->figure_count; f++)
			if (cell->figure[f].count)
				json_object_set_new(figures, frame->figures[f].name,
						    samples_to_json(&cell->figure[f]));
		json_object_set_new(row, frame->drivers[driver], figures);
	}
	return row;
}

json_t *bench_rows_to_json(const struct bench *b)
{
	json_t *rows = json_array();

	for (unsigned int set = 0; set < b->frame->set.count; set++)
		for (unsigned int kind = 0; kind < b->frame->kind.count; kind++)
			for (enum bench_move move = 0; move < BENCH_MOVES; move++)
				if (bench_wants(b, set, kind) &&
				    bench_has(b->frame, set, kind, move))
					json_array_append_new(rows,
							      row_to_json(b, set, kind, move));
	return rows;
}
