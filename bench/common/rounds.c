// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The boots, the guests in them, and the rounds. */
#define _GNU_SOURCE
#include <string.h>

#include "frame.h"

int bench_there_and_back(struct bench *b, enum bench_driver driver)
{
	uint64_t pages = (uint64_t)b->options.move_mib * LAB_PAGES_PER_MIB;

	if (bench_write_memory(b) || (b->counting && bench_wait_for_rest(b)) ||
	    b->frame->move(b, driver, BENCH_INFLATE, pages))
		return -1;
	return b->frame->move(b, driver, BENCH_DEFLATE, 0);
}

/* One driver's turn. */
static int turn(struct bench *b, enum bench_driver driver,
		int (*measure)(struct bench *b, enum bench_driver driver))
{
	if (b->frame->load(b, driver) || measure(b, driver))
		return -1;
	return b->frame->unload(b, driver);
}

/* Who comes first changes, so that neither always finds a fresh guest. */
static int both(struct bench *b, unsigned int round,
		int (*measure)(struct bench *b, enum bench_driver driver))
{
	enum bench_driver first = round % 2 ? BENCH_PEER : BENCH_OURS;

	if (turn(b, first, measure))
		return -1;
	return turn(b, first == BENCH_OURS ? BENCH_PEER : BENCH_OURS, measure);
}

static int all_rounds(struct bench *b)
{
	/* Counts hardly differ from round to round, rates do. */
	unsigned int rounds = b->counting ? (b->options.rounds + 1) / 2 : b->options.rounds;

	for (unsigned int round = 0; round < rounds; round++)
		if (both(b, round, b->frame->measure))
			return -1;
	/* Their seconds are shown, but a profile needs the counts. */
	for (unsigned int round = 0;
	     b->counting == b->options.profile && bench_has_states(b) && round < rounds; round++)
		if (both(b, round, bench_measure_states))
			return -1;
	return 0;
}

static int one_kind(struct bench *b)
{
	const struct bench_frame *f = b->frame;

	fprintf(stderr, "%5.0f s  %s %s, %s: %s\n", (double)(lab_now_ms() - b->start_ms) / 1000,
		f->set.key, f->set.names[b->set], f->kind.names[b->kind],
		b->counting ? "counting instructions" : "measuring rates");
	if ((f->begin && f->begin(b)) || all_rounds(b))
		return -1;
	return f->end ? f->end(b) : 0;
}

/* Does so for each kind that is wanted. */
static int for_kinds(struct bench *b, int (*act)(struct bench *b))
{
	for (b->kind = 0; b->kind < b->frame->kind.count; b->kind++)
		if (b->options.kind[b->kind] && act(b))
			return -1;
	return 0;
}

/* Counting takes a plug-in of QEMU; a boot without it runs at full speed. */
static int boot(struct bench *b)
{
	const struct bench_frame *f = b->frame;
	char counter[4096];
	const char *const extra[] = {"-plugin", counter, NULL};
	struct lab_config config = {.name = f->name};

	f->configure(b, &config);
	snprintf(counter, sizeof(counter), "file=%s/bench/aerostat-bench-count.so,counts=%s%s%s",
		 lab_build_folder(), b->counts_path, f->counts_calls ? ",hypercalls=on" : "",
		 b->counting ? "" : ",instructions=off");
	if (b->counting || f->counts_calls)
		config.extra = extra;
	memset(b->counts, 0, sizeof(*b->counts));
	memset(b->idle_per_ms, 0, sizeof(b->idle_per_ms));
	if (lab_boot(&b->host, &config))
		return report_complain("%s", lab_error());
	b->guest = b->host;
	if (!b->qemu)
		b->qemu = lab_qmp(b->host, "query-version", NULL);
	return 0;
}

static int one_boot(struct bench *b)
{
	int ret = boot(b);

	if (ret)
		return ret;
	if (b->frame->booted)
		ret = b->frame->booted(b);
	if (!ret)
		ret = b->frame->boots_each_kind ? one_kind(b) : for_kinds(b, one_kind);
	if (!ret)
		ret = bench_check_log(b->host);
	else if (lab_alive(b->host))
		lab_log_tail(b->host, stderr, 15, "  ");
	lab_stop(b->host);
	b->host = b->guest = NULL;
	return ret;
}

static int all_boots(struct bench *b)
{
	return b->frame->boots_each_kind ? for_kinds(b, one_boot) : one_boot(b);
}

int bench_measure(struct bench *b)
{
	for (b->set = 0; b->set < b->frame->set.count; b->set++)
		for (int counting = 1; counting >= b->options.no_rates; counting--) {
			b->counting = counting;
			if (b->options.set[b->set] && all_boots(b))
				return -1;
		}
	return 0;
}
