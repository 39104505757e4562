// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* aerostat record: the guest's figures, line by line, until told to stop. */
#include "cli.h"
#include "sample.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

struct record {
	uint32_t interval_ms, count;
	const char *output, *root;
	FILE *to;
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = signal;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* By the clock, so that a slow reading does not shift those after it. */
static void sleep_until(uint64_t ms)
{
	struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

	while (!stopped && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

/*
 * The next point of the raster that lies ahead.  What a stall made pass is left out: lines
 * that were written to catch up would stand for no time at all.
 */
static uint64_t next_due(const struct record *r, uint64_t start, uint64_t time)
{
	return start + ((time - start) / r->interval_ms + 1) * r->interval_ms;
}

/* ---- lines ---- */

static void write_header(FILE *to)
{
	fputs("time_ms", to);
	for (size_t c = 0; c < cli_columns_count; c++)
		fprintf(to, ",%s", cli_columns[c].name);
	fputs(",balloon,balloon_target\n", to);
}

/* What no policy looks at, for pictures. */
static void write_pages(FILE *to, const char *root, const char *name)
{
	uint64_t kib;

	if (aero_read_number(root, name, &kib))
		fputs(",-", to);
	else
		fprintf(to, ",%llu", (unsigned long long)(kib / cli_page_kib()));
}

static void write_line(const struct record *r, uint64_t time_ms,
		       const struct aero_policy_figures *f)
{
	FILE *to = r->to;

	fprintf(to, "%llu", (unsigned long long)time_ms);
	for (size_t c = 0; c < cli_columns_count; c++) {
		const struct cli_column *column = &cli_columns[c];
		uint64_t value = cli_column_get(column, f);

		if (column->may_lack && value == AERO_POLICY_UNKNOWN)
			fputs(",-", to);
		else
			fprintf(to, ",%llu", (unsigned long long)value);
	}
	write_pages(to, r->root, "/sys/kernel/aerostat/size_kib");
	write_pages(to, r->root, "/sys/kernel/aerostat/target_kib");
	fputc('\n', to);
}

/* Whole lines only, whenever the end comes. */
static int flush_lines(const struct record *r)
{
	if (!fflush(r->to) && !ferror(r->to))
		return 0;
	cli_complain("can't write %s: %s", r->output ? r->output : "standard output",
		     strerror(errno));
	return -1;
}

static int record_lines(const struct record *r)
{
	struct aero_policy_figures figures = {0};
	struct sample_counters before, now;
	uint64_t start, last, time;

	start = last = now_ms();
	if (sample_read(r->root, &figures, &before))
		return -1;
	write_header(r->to);
	if (flush_lines(r))
		return -1;
	for (uint32_t n = 1; !r->count || n <= r->count; n++) {
		sleep_until(next_due(r, start, last));
		if (stopped)
			break;
		time = now_ms();
		if (sample_read(r->root, &figures, &now))
			return -1;
		sample_events(&figures, &before, &now, (uint32_t)(time - last));
		write_line(r, time - start, &figures);
		if (flush_lines(r))
			return -1;
		before = now;
		last = time;
	}
	return flush_lines(r);
}

/* A first reading before anything is opened: where it fails, no file is made. */
static int open_output(struct record *r)
{
	struct aero_policy_figures figures;
	struct sample_counters counters;

	if (sample_read(r->root, &figures, &counters))
		return -1;
	r->to = r->output ? fopen(r->output, "we") : stdout;
	if (!r->to)
		cli_complain("can't write %s: %s", r->output, strerror(errno));
	return r->to ? 0 : -1;
}

static int record(struct record *r)
{
	const struct sigaction action = {.sa_handler = stop};
	int ret;

	if (open_output(r))
		return CLI_FAILED;
	/* One of these is how a recording without --count ends. */
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	ret = record_lines(r);
	if (r->output && fclose(r->to) && !ret) {
		cli_complain("can't write %s: %s", r->output, strerror(errno));
		ret = -1;
	}
	return ret ? CLI_FAILED : CLI_OK;
}

/* ---- options ---- */

enum { OPTION_ROOT = 256 };

static const struct argp_option option_table[] = {
	{"interval-ms", 'i', "N", 0, "From one line to the next (5000)", 0},
	{"count", 'n', "N", 0, "Lines; 0: until interrupted (0)", 0},
	{"output", 'o', "FILE", 0, "Where to; without it, standard output", 0},
	{"root", OPTION_ROOT, "FOLDER", 0, "Take /proc and /sys from this folder", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct record *r = state->input;

	switch (key) {
	case 'i':
		r->interval_ms = cli_number("interval-ms", arg, 10, 3600000, state);
		return 0;
	case 'n':
		r->count = cli_number("count", arg, 0, UINT32_MAX - 1, state);
		return 0;
	case 'o':
		r->output = arg;
		return 0;
	case OPTION_ROOT:
		r->root = arg;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is no option; a file is named with --output",
			   cli_shown(arg));
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cli_record(int argc, char **argv)
{
	static const struct argp argp = {
		option_table,
		parse,
		NULL,
		"Records this guest's figures as CSV, a line for each interval, for 'aerostat policy "
		"eval'.  Nothing is changed.",
		NULL,
		NULL,
		NULL};
	struct record r = {.interval_ms = AERO_POLICY_INTERVAL_MS, .root = ""};

	argp_parse(&argp, argc, argv, 0, NULL, &r);
	return record(&r);
}
