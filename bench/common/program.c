// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The program of a bench that compares drivers. */
#include <stdlib.h>

#include "frame.h"

static int prepare(struct bench *b)
{
	b->options.folder = bench_folder(b->options.folder);
	if (!b->options.folder)
		return -1;
	snprintf(b->counts_path, sizeof(b->counts_path), "%s/%s.counts", b->options.folder,
		 b->frame->name);
	b->counts = bench_counts_map(b->counts_path);
	b->profile.counts = b->counts;
	return b->counts ? 0 : -1;
}

static int measure(void *of)
{
	return bench_measure(of);
}

static void table(const void *of, FILE *to)
{
	bench_print_table(of, to);
}

static unsigned int count_missed(const void *of, FILE *to)
{
	return bench_judge(of, to);
}

static json_t *document(const struct bench *b, bool met)
{
	const struct bench_frame *f = b->frame;
	json_t *o = bench_document(b->start_ms, b->qemu, met);

	for (const char *const *v = f->versions; v && *v; v += 2)
		json_object_set_new(o, v[0], json_string(lab_env(v[1])));
	json_object_set_new(o, "parameters",
			    json_pack("{s:i, s:i}", "move_mib", (int)b->options.move_mib, "rounds",
				      (int)b->options.rounds));
	json_object_set_new(o, "requirements", bench_requirements_to_json(b));
	json_object_set_new(o, "rows", bench_rows_to_json(b));
	json_object_set(o, "moves", b->moves);
	return o;
}

static int write_json(const void *of, unsigned int missed)
{
	const struct bench *b = of;
	json_t *o = document(b, !missed && bench_complete(b));
	char name[64];
	int ret;

	snprintf(name, sizeof(name), "%s.json", b->frame->name);
	ret = report_dump_json(o, b->options.folder, name);
	json_decref(o);
	return ret;
}

static int draw(const void *of)
{
	return bench_draw(of);
}

static int run(struct bench *b)
{
	const struct bench_steps steps = {
		.name = b->frame->name,
		.measure = measure,
		.table = table,
		.count_missed = count_missed,
		.write_json = write_json,
		.draw = draw,
	};

	if (b->options.profile)
		return bench_measure(b);
	/* A picture of half the rows would mislead. */
	return bench_run(&steps, b, b->options.folder, bench_complete(b));
}

int bench_main(const struct bench_frame *frame, void *own, int argc, char **argv)
{
	static struct bench b;
	int ret;

	b.frame = frame;
	b.own = own;
	bench_parse(&b, argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	b.start_ms = lab_now_ms();
	b.moves = json_array();
	ret = prepare(&b) || run(&b);
	bench_counts_unmap(b.counts, b.counts_path);
	free(b.profile.before);
	json_decref(b.moves);
	json_decref(b.qemu);
	return ret ? 1 : 0;
}
