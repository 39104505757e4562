// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What is done to a guest's memory before it is moved, and the rows that are about that. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "frame.h"

#define WRITE_MS  300000
#define SHORT_MS  20000
/* What the cache leaves of the free memory: the kernel's reserve, and the agent's own needs. */
#define LEAVE_KIB (160u * 1024)

int bench_backed_mib(const struct bench *b, double *mib)
{
	struct lab_host_memory host;

	if (lab_host_memory(b->host, &host))
		return report_complain("%s", lab_error());
	*mib = (double)host.ram_kib / 1024;
	return 0;
}

static int room_mib(const struct bench *b, unsigned int *mib)
{
	struct lab_meminfo mem;

	if (lab_must(b->guest, SHORT_MS, "sync; echo 3 >/proc/sys/vm/drop_caches") ||
	    lab_meminfo(b->guest, &mem))
		return report_complain("%s", lab_error());
	if (mem.free_kib < LEAVE_KIB)
		return report_complain("the guest has no room for a page cache");
	*mib = (unsigned int)((mem.free_kib - LEAVE_KIB) / 1024);
	return 0;
}

static int fill_cache(const struct bench *b)
{
	unsigned int mib;

	if (room_mib(b, &mib))
		return -1;
	return lab_fill_page_cache(b->guest, mib) ? report_complain("%s", lab_error()) : 0;
}

/* The same pages, written: to a disk in memory, which takes no memory for zeroes. */
static int dirty_cache(const struct bench *b)
{
	unsigned int mib;

	if (room_mib(b, &mib))
		return -1;
	if (lab_fill_page_cache(b->guest, 1) ||
	    lab_must(
		    b->guest, WRITE_MS,
		    "cd /proc/sys/vm && echo 95 >dirty_ratio && echo 94 >dirty_background_ratio && "
		    "dd if=/dev/zero of=/dev/zram0 bs=1M count=%u conv=notrunc 2>&1",
		    mib))
		return report_complain("%s", lab_error());
	return 0;
}

static int clean_cache(const struct bench *b)
{
	return lab_must(b->guest, WRITE_MS,
			"cd /proc/sys/vm && echo 10 >dirty_background_ratio && "
			"echo 20 >dirty_ratio && sync && echo 3 >drop_caches")
		       ? report_complain("%s", lab_error())
		       : 0;
}

static int call(const struct bench *b, const char *verb)
{
	int ret = lab_call(b->guest, WRITE_MS, NULL, "%s", verb);

	return ret ? report_complain("the guest's '%s' failed (%d): %s", verb, ret, lab_error())
		   : 0;
}

int bench_write_memory(const struct bench *b)
{
	return call(b, "touch");
}

/* No block of 2 MiB is free, but nearly all pages are. */
static int fragment(const struct bench *b)
{
	return call(b, "fragment 512");
}

static int join(const struct bench *b)
{
	return call(b, "fragment stop");
}

/* A process that writes 128 MiB again and again; the rest was written, too. */
static int keep_busy(const struct bench *b)
{
	return bench_write_memory(b) || call(b, "hog start 128");
}

static int leave_alone(const struct bench *b)
{
	return call(b, "hog stop");
}

/* Each of them writes all memory that can be had. */
static const struct {
	int (*begin)(const struct bench *b), (*end)(const struct bench *b);
} states[BENCH_MOVES] = {
	[BENCH_CACHE] = {fill_cache, clean_cache},
	[BENCH_DIRTY] = {dirty_cache, clean_cache},
	[BENCH_FRAGMENTED] = {fragment, join},
	[BENCH_BUSY] = {keep_busy, leave_alone},
};

/* The largest gap, in seconds, of the heartbeat that is stopped. */
static int stop_beat(const struct bench *b, double *gap_s)
{
	char *text = NULL;
	int ret = lab_call(b->guest, SHORT_MS, &text, "beat stop");
	unsigned long long ms = 0;

	if (ret || sscanf(text, "largest_gap_ms %llu", &ms) != 1)
		ret = report_complain("the guest's heartbeat failed (%d): %s", ret,
				      text ? text : lab_error());
	*gap_s = (double)ms / 1000;
	free(text);
	return ret;
}

/* What one inflation in some state has shown. */
struct inflation {
	double seconds, gap_s, large_part, backed_mib;
};

static int inflate(struct bench *b, enum bench_move state, enum bench_driver driver,
		   struct inflation *out)
{
	const struct bench_frame *f = b->frame;
	double large, large_before;
	int64_t start_ms;

	if (bench_backed_mib(b, &out->backed_mib) || f->large_pages(b, driver, &large_before) ||
	    bench_begin_profile(b) || call(b, "beat start"))
		return -1;
	start_ms = lab_now_ms();
	if (f->give(b, b->options.move_mib))
		return -1;
	out->seconds = (double)(lab_now_ms() - start_ms) / 1000;
	if (stop_beat(b, &out->gap_s) || bench_end_profile(b, driver, state) ||
	    f->large_pages(b, driver, &large))
		return -1;
	out->large_part =
		(large - large_before) / ((double)b->options.move_mib * LAB_PAGES_PER_MIB);
	return 0;
}

static int keep(struct bench *b, enum bench_move state, enum bench_driver driver,
		const struct inflation *i)
{
	const struct bench_frame *f = b->frame;

	samples_add(bench_samples(b, state, driver, f->seconds), i->seconds);
	samples_add(bench_samples(b, state, driver, f->gap), i->gap_s);
	samples_add(bench_samples(b, state, driver, f->large), i->large_part);
	return bench_keep(b, state, driver,
			  json_pack("{s:f, s:f, s:f, s:f}", f->figures[f->seconds].name, i->seconds,
				    f->figures[f->gap].name, i->gap_s, f->figures[f->large].name,
				    i->large_part, "backed_mib", i->backed_mib));
}

bool bench_has_states(const struct bench *b)
{
	bool any = false;

	for (enum bench_move state = BENCH_STATES; state < BENCH_MOVES; state++)
		any |= bench_has(b->frame, b->set, b->kind, state);
	return any;
}

int bench_measure_states(struct bench *b, enum bench_driver driver)
{
	for (enum bench_move state = BENCH_STATES; state < BENCH_MOVES; state++) {
		struct inflation i;

		if (!bench_has(b->frame, b->set, b->kind, state))
			continue;
		if (states[state].begin(b) || inflate(b, state, driver, &i) ||
		    b->frame->give(b, 0) || states[state].end(b) || keep(b, state, driver, &i))
			return -1;
	}
	return 0;
}
