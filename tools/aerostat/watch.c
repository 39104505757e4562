// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* aerostat watch: the balloon, live, on a terminal. */
#include <curses.h>
#include <stdlib.h>
#include <string.h>

#include "balloon.h"
#include "screen.h"
#include "units.h"

#define HISTORY	     512U
/* Where the bars begin and end; behind them stand amounts. */
#define BAR_AT	     10
#define AMOUNT_WIDTH 24

struct moment {
	struct balloon b;
	struct guest g;
	uint64_t at_us;
};

struct watch {
	struct cli_view view;
	uint32_t interval_ms, count;
	bool begun;
	bool away; /* the module was unloaded meanwhile */
	struct moment now, before;
	struct {
		uint64_t size_kib, target_kib;
	} history[HISTORY];
	unsigned int seen; /* how many moments there were in all */
};

static int bar_width(void)
{
	return COLS - BAR_AT - AMOUNT_WIDTH;
}

static int share(uint64_t part, uint64_t all, int width)
{
	uint64_t n = all ? (part * (uint64_t)width + all / 2) / all : 0;

	return n > (uint64_t)width ? width : (int)n;
}

static void put_size(int row, const struct balloon *b)
{
	char size[UNITS_TEXT_MAX], all[UNITS_TEXT_MAX];
	int width = bar_width(), held = share(b->size_kib, b->limit_kib, width);
	int target = share(b->target_kib, b->limit_kib, width);

	screen_text(row, 0, "balloon");
	mvaddch(row, BAR_AT - 1, '[');
	for (int i = 0; i < width; i++)
		addch(i < held ? '#' : '.');
	addch(']');
	/* Where the target is, before it is reached and behind it. */
	mvaddch(row, BAR_AT + (target < width ? target : width - 1), '|');
	screen_text(row, BAR_AT + width + 2, "%s of %s", units_size(size, b->size_kib),
		    units_size(all, b->limit_kib));
}

/* What the guest has: used by programs, page cache, free. */
static void put_guest(int row, const struct balloon *b, const struct guest *g)
{
	uint64_t has = b->limit_kib > b->size_kib ? b->limit_kib - b->size_kib : 0;
	uint64_t cache = g->cache_kib < has ? g->cache_kib : has;
	uint64_t rest = has - cache;
	uint64_t unused = g->free_kib < rest ? g->free_kib : rest;
	int width = bar_width(), used_n = share(rest - unused, has, width);
	int cache_n = share(rest - unused + cache, has, width);
	char text[3][UNITS_TEXT_MAX];

	screen_text(row, 0, "guest");
	mvaddch(row, BAR_AT - 1, '[');
	for (int i = 0; i < width; i++)
		addch(i < used_n ? 'U' : i < cache_n ? 'c' : '.');
	addch(']');
	screen_text(row, BAR_AT + width + 2, "%s available", units_size(text[0], g->available_kib));
	screen_text(row + 1, BAR_AT, "Used %s, cache %s, free %s",
		    units_size(text[0], rest - unused), units_size(text[1], cache),
		    units_size(text[2], unused));
}

/* ---- what has happened since the moment before ---- */

static uint64_t rise(uint64_t before, uint64_t now)
{
	return before == BALLOON_UNKNOWN || now == BALLOON_UNKNOWN || now < before ? 0
										   : now - before;
}

static void put_rates(int row, const struct watch *w)
{
	const struct moment *now = &w->now, *before = &w->before;
	uint64_t us = now->at_us - before->at_us;
	char in[UNITS_TEXT_MAX], out[UNITS_TEXT_MAX];

	if (w->seen < 2 || !us) {
		screen_text(row, 0, "rates");
		screen_text(row, BAR_AT, "from the next moment on");
		return;
	}
	units_size(in, rise(before->b.inflated_kib, now->b.inflated_kib) * 1000000 / us);
	units_size(out, rise(before->b.deflated_kib, now->b.deflated_kib) * 1000000 / us);
	screen_text(row, 0, "rates");
	screen_text(row, BAR_AT, "to the host %s/s, back %s/s", in, out);
}

static void put_pressure(int row, const struct watch *w)
{
	const struct guest *now = &w->now.g, *before = &w->before.g;
	double us = (double)(w->now.at_us - w->before.at_us);

	screen_text(row, 0, "waiting");
	if (!now->pressure)
		screen_text(row, BAR_AT, "the kernel does not measure it (psi=1)");
	else if (w->seen < 2 || us <= 0)
		screen_text(row, BAR_AT, "from the next moment on");
	else
		screen_text(row, BAR_AT, "some tasks %.1f %% of the time, all tasks %.1f %%",
			    100 * (double)rise(before->some_us, now->some_us) / us,
			    100 * (double)rise(before->full_us, now->full_us) / us);
}

/* ---- size and target over time ---- */

static void put_column(int column, int top, int rows, uint64_t size, uint64_t target, uint64_t all)
{
	int filled = share(size, all, rows), line = share(target, all, rows);

	for (int r = 0; r < rows; r++)
		mvaddch(top + rows - 1 - r, column, r < filled ? '#' : ' ');
	mvaddch(top + rows - (line ? line : 1), column, line ? '-' : '_');
}

static void put_graph(int top, const struct watch *w)
{
	int rows = LINES - 1 - top, width = COLS - BAR_AT;
	char all[UNITS_TEXT_MAX];

	if (rows < 3)
		return;
	screen_text(top, 0, "%s", units_size(all, w->now.b.limit_kib));
	screen_text(top + rows - 1, 0, "0");
	for (int c = 0; c < width && (unsigned int)c < w->seen && (unsigned int)c < HISTORY; c++) {
		unsigned int i = (w->seen - 1 - (unsigned int)c) % HISTORY;

		put_column(COLS - 1 - c, top, rows, w->history[i].size_kib,
			   w->history[i].target_kib, w->now.b.limit_kib);
	}
}

/* ---- the screen ---- */

static void put_all(const struct watch *w)
{
	const struct balloon *b = &w->now.b;
	char summary[BALLOON_SUMMARY_MAX];

	attron(A_BOLD);
	screen_text(0, 0, "%s under %s: %s", b->driver, balloon_hypervisor_name(b), b->state);
	attroff(A_BOLD);
	balloon_summary(b, summary);
	screen_words(1, 3, summary);
	put_size(4, b);
	put_guest(5, b, &w->now.g);
	put_rates(7, w);
	put_pressure(8, w);
	put_graph(10, w);
	screen_text(LINES - 1, 0, "q: end   # held   - target");
}

static void draw(void *of)
{
	const struct watch *w = of;

	if (w->away)
		screen_words(0, LINES,
			     "The balloon's module was unloaded; waiting until it is back.");
	else
		put_all(w);
}

/* ---- moments ---- */

/* Without a balloon at first there is nothing to watch; later it may come back. */
static int take(void *of)
{
	struct watch *w = of;
	int ret = CLI_OK;

	w->before = w->now;
	if (!w->begun)
		ret = balloon_read(w->view.root, &w->now.b);
	else
		w->away = balloon_look(w->view.root, &w->now.b) != CLI_OK;
	w->begun = true;
	if (ret)
		return ret;
	if (guest_read(w->view.root, &w->now.g))
		return CLI_FAILED;
	w->now.at_us = aero_now_us();
	if (w->away)
		return CLI_OK;
	w->history[w->seen % HISTORY].size_kib = w->now.b.size_kib;
	w->history[w->seen % HISTORY].target_kib = w->now.b.target_kib;
	w->seen++;
	return CLI_OK;
}

/* ---- options ---- */

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct watch *w = state->input;
	struct argp_state view = *state;

	switch (key) {
	case 'i':
		w->interval_ms = cli_number("interval-ms", arg, 100, 60000, state);
		return 0;
	case 'n':
		w->count = cli_number("count", arg, 0, UINT32_MAX - 1, state);
		return 0;
	default:
		view.input = &w->view;
		return cli_parse_view(key, arg, &view);
	}
}

int cli_watch(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"interval-ms", 'i', "N", 0, "From one moment to the next (1000)", 0},
		{"count", 'n', "N", 0, "End after so many; 0: until q (0)", 0},
		CLI_ROOT_OPTION,
		{0}};
	static const struct argp argp = {
		options,
		parse,
		NULL,
		"Shows the balloon live: size and target over time, the guest's memory, how long tasks "
		"wait, and rates.  q ends it.",
		NULL,
		NULL,
		NULL};
	static struct watch w = {.view.root = "", .interval_ms = 1000};

	argp_parse(&argp, argc, argv, 0, NULL, &w);
	return screen_run(&(const struct screen){.name = "watch",
						 .interval_ms = w.interval_ms,
						 .count = w.count,
						 .take = take,
						 .draw = draw,
						 .of = &w});
}
