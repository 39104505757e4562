// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Rows, and the figures in their cells. */
#include "frame.h"

const char *const bench_move_names[BENCH_MOVES] = {
	"inflate", "deflate", "full of clean cache", "full of dirty cache", "fragmented", "busy",
};

bool bench_wants(const struct bench *b, unsigned int set, unsigned int kind)
{
	return b->options.set[set] && b->options.kind[kind];
}

bool bench_complete(const struct bench *b)
{
	bool all = !b->options.no_rates;

	for (unsigned int set = 0; set < b->frame->set.count; set++)
		for (unsigned int kind = 0; kind < b->frame->kind.count; kind++)
			all &= bench_wants(b, set, kind);
	return all;
}

bool bench_has(const struct bench_frame *f, unsigned int set, unsigned int kind,
	       enum bench_move move)
{
	return f->has ? f->has(set, kind, move) : move < BENCH_STATES;
}

double bench_value(const struct bench *b, unsigned int set, unsigned int kind, enum bench_move move,
		   enum bench_driver driver, unsigned int figure)
{
	return samples_median(&b->cell[set][kind][move][driver].figure[figure]);
}

double bench_times(const struct bench *b, unsigned int set, unsigned int kind, enum bench_move move,
		   enum bench_driver driver, unsigned int figure)
{
	double ours = bench_value(b, set, kind, move, driver, figure);
	double peer = bench_value(b, set, kind, move, BENCH_PEER, figure);

	if (ours <= 0 || peer <= 0)
		return 0;
	return b->frame->figures[figure].more_is_better ? ours / peer : peer / ours;
}

struct samples *bench_samples(struct bench *b, enum bench_move move, enum bench_driver driver,
			      unsigned int figure)
{
	return &b->cell[b->set][b->kind][move][driver].figure[figure];
}

int bench_keep(struct bench *b, enum bench_move move, enum bench_driver driver, json_t *raw)
{
	const struct bench_frame *f = b->frame;
	json_t *of = json_pack("{s:s, s:s, s:s, s:s, s:b}", f->set.key, f->set.names[b->set],
			       f->kind.key, f->kind.names[b->kind], "direction",
			       bench_move_names[move], "driver", f->drivers[driver], "counting",
			       b->counting);
	int ret = json_object_update(of, raw) || json_array_append(b->moves, of) ? -1 : 0;

	json_decref(raw);
	json_decref(of);
	return ret ? report_complain("no memory for figures") : 0;
}
