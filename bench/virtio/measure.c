// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What is virtio's own in the bench: the device's answers, its size, and instructions at rest. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "virtio_bench.h"

#define PAGES_PER_GIB	  (1024.0 * LAB_PAGES_PER_MIB)
#define PAGES_PER_LARGE	  512u
#define WARM_UP_MIB	  64u
#define STATS		  "/sys/kernel/debug/aerostat/stats"
#define FEATURES	  "/sys/bus/virtio/devices/virtio0/features"
#define F_REPORTING	  5 /* VIRTIO_BALLOON_F_REPORTING, from the left */

/* A guest full of page cache takes a while, and longer on a busy machine. */
#define MOVE_TIMEOUT_MS	  240000
#define MODULE_TIMEOUT_MS 20000
#define LOOK_US		  300

static const char *const modules[] = {
	[BENCH_OURS] = "aerostat_virtio", [BENCH_PEER] = "virtio_balloon"};

/* One half of a cycle. */
struct phase {
	enum bench_move direction;
	enum bench_driver driver;
	uint64_t instructions, answers;
	double seconds, backed_before_mib, backed_after_mib;
};

/* The device's interrupts so far: the numbers in front of its name, one for each CPU. */
static int read_answers(struct bench *b, uint64_t *answers)
{
	char *text = NULL, *line, *at, *end;

	if (lab_read_file(b->guest, "/proc/interrupts", &text))
		return report_complain("%s", lab_error());
	at = strstr(text, "virtio0");
	*answers = 0;
	if (!at) {
		free(text);
		return report_complain("the guest has no interrupt of the balloon device");
	}
	*at = 0;
	line = strrchr(text, '\n');
	at = strchr(line ? line : text, ':');
	for (at = at ? at + 1 : NULL; at; at = end) {
		unsigned long long n = strtoull(at, &end, 10);

		if (end == at)
			break;
		*answers += n;
	}
	free(text);
	return 0;
}

static void add(struct bench *b, const struct phase *p, unsigned int figure, double value)
{
	samples_add(bench_samples(b, p->direction, p->driver, figure), value);
}

static int keep(struct bench *b, const struct phase *p)
{
	double pages = (double)b->options.move_mib * LAB_PAGES_PER_MIB;

	if (b->counting) {
		add(b, p, FIGURE_INSTRUCTIONS, (double)p->instructions / pages);
		add(b, p, FIGURE_ANSWERS, (double)p->answers * PAGES_PER_GIB / pages);
	} else {
		add(b, p, FIGURE_RATE, pages / PAGES_PER_GIB / p->seconds);
	}
	add(b, p, FIGURE_BACKED, p->backed_before_mib);
	add(b, p, FIGURE_LEFT, p->backed_after_mib);
	return bench_keep(b, p->direction, p->driver,
			  json_pack("{s:f, s:I, s:I, s:f, s:f, s:f}", "pages", pages, "answers",
				    (json_int_t)p->answers, "instructions",
				    (json_int_t)p->instructions, "seconds", p->seconds,
				    "backed_before_mib", p->backed_before_mib, "backed_after_mib",
				    p->backed_after_mib));
}

/* Looks at the size so often that even a move of some milliseconds can be timed. */
static int time_move(struct bench *b, uint64_t goal, double *seconds)
{
	struct timespec from, to;
	int64_t start_ms = lab_now_ms();
	uint64_t size = ~goal;

	clock_gettime(CLOCK_MONOTONIC, &from);
	if (lab_target(b->guest, goal))
		return report_complain("%s", lab_error());
	while (size != goal) {
		if (lab_now_ms() - start_ms > MOVE_TIMEOUT_MS)
			return report_complain("the balloon has %" PRIu64 " pages, not %" PRIu64,
					       size, goal);
		usleep(LOOK_US);
		if (lab_size(b->guest, &size))
			return report_complain("%s", lab_error());
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	*seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	return 0;
}

int virtio_move(struct bench *b, enum bench_driver driver, enum bench_move direction, uint64_t goal)
{
	struct phase p = {.driver = driver, .direction = direction};
	uint64_t start, answers;
	int64_t start_ms;

	if (bench_backed_mib(b, &p.backed_before_mib) || read_answers(b, &answers) ||
	    bench_begin_profile(b))
		return -1;
	start_ms = lab_now_ms();
	start = b->counting ? bench_instructions_now(b) : 0;
	if (time_move(b, goal, &p.seconds) ||
	    (b->counting &&
	     bench_instructions_since(b, p.driver, start, start_ms, &p.instructions)) ||
	    bench_end_profile(b, p.driver, p.direction) || read_answers(b, &p.answers) ||
	    bench_backed_mib(b, &p.backed_after_mib))
		return -1;
	p.answers -= answers;
	return keep(b, &p);
}

int virtio_give(struct bench *b, unsigned int mib)
{
	uint64_t goal = (uint64_t)mib * LAB_PAGES_PER_MIB;

	if (lab_target(b->guest, goal) || lab_wait_size(b->guest, goal, goal, MOVE_TIMEOUT_MS))
		return report_complain("%s", lab_error());
	return 0;
}

/* The kernel's driver has single pages only. */
int virtio_large_pages(struct bench *b, enum bench_driver driver, double *pages)
{
	unsigned long long held = 0;
	char *text = NULL, *at;

	*pages = 0;
	if (driver == BENCH_PEER)
		return 0;
	if (lab_read_file(b->guest, STATS, &text))
		return report_complain("%s", lab_error());
	at = strstr(text, "\nheld_large ");
	if (at)
		held = strtoull(at + strlen("\nheld_large "), NULL, 10);
	free(text);
	*pages = (double)held * PAGES_PER_LARGE;
	return at ? 0 : report_complain("the driver's statistics have no held_large");
}

/* A row must measure what it says: reporting is negotiated in its rows and in no others. */
static int check_features(struct bench *b, enum bench_driver driver)
{
	char *text = NULL;
	bool reports;

	if (lab_read_file(b->guest, FEATURES, &text))
		return report_complain("%s", lab_error());
	reports = strlen(text) > F_REPORTING && text[F_REPORTING] == '1';
	free(text);
	if (reports == (b->kind != OFFER_NUMBERS))
		return 0;
	return report_complain("%s has negotiated the features '%s'", b->frame->drivers[driver],
			       reports ? "with reporting" : "without reporting");
}

int virtio_load(struct bench *b, enum bench_driver driver)
{
	if (lab_must(b->guest, MODULE_TIMEOUT_MS, "modprobe %s", modules[driver]))
		return report_complain("%s", lab_error());
	if (check_features(b, driver))
		return -1;
	if (b->counting)
		return bench_measure_idle(b, driver);
	/* QEMU has not yet translated the code of a driver that was just loaded. */
	return virtio_give(b, WARM_UP_MIB) || virtio_give(b, 0) ? -1 : 0;
}

int virtio_unload(struct bench *b, enum bench_driver driver)
{
	/* Not modprobe -r, which fails if what the module depends on stays. */
	return lab_must(b->guest, MODULE_TIMEOUT_MS, "rmmod %s%s", modules[driver],
			driver == BENCH_OURS ? " aerostat" : "")
		       ? report_complain("%s", lab_error())
		       : 0;
}
