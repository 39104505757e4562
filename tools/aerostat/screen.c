// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "screen.h"

#include <curses.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = signal;
}

void screen_text(int row, int column, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	mvaddnstr(row, column, text, COLS - column);
}

void screen_words(int row, int rows, const char *text)
{
	int at = 0, end = row + rows;

	while (row < end && *(text += strspn(text, " "))) {
		int n = (int)strcspn(text, " ");

		if (at && at + 1 + n > COLS) {
			row++;
			at = 0;
			continue;
		}
		screen_text(row, at ? at + 1 : 0, "%.*s", n, text);
		at += n + (at > 0);
		text += n;
	}
}

static void draw(const struct screen *s)
{
	erase();
	if (COLS < SCREEN_LEAST_COLUMNS || LINES < SCREEN_LEAST_ROWS)
		screen_text(0, 0, "%dx%d at least", SCREEN_LEAST_COLUMNS, SCREEN_LEAST_ROWS);
	else
		s->draw(s->of);
	move(LINES - 1, 0);
	refresh();
}

/* Until the next moment, or the end (true); a new size of the screen is drawn at once. */
static bool wait_for_key(const struct screen *s)
{
	uint64_t until = aero_now_us() + (uint64_t)s->interval_ms * 1000, now;

	while (!stopped && (now = aero_now_us()) < until) {
		int key;

		timeout((int)((until - now) / 1000 + 1));
		key = getch();
		if (key == 'q' || key == 'Q')
			return true;
		if (key == KEY_RESIZE)
			draw(s);
	}
	return stopped;
}

static int loop(const struct screen *s)
{
	int ret = CLI_OK;

	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	for (uint32_t n = 1;; n++) {
		draw(s);
		if ((s->count && n >= s->count) || wait_for_key(s))
			break;
		ret = s->take(s->of);
		if (ret)
			break;
	}
	return ret;
}

int screen_run(const struct screen *s)
{
	const struct sigaction action = {.sa_handler = stop};
	const char *term = getenv("TERM");
	SCREEN *screen;
	int ret;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		cli_complain("%s wants a terminal; 'aerostat status' and 'aerostat record' write "
			     "to files",
			     s->name);
		return CLI_FAILED;
	}
	ret = s->take(s->of);
	if (ret)
		return ret;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	screen = newterm(NULL, stdout, stdin);
	if (!screen) {
		cli_complain("the terminal '%s' is not known here; set TERM, for example to vt100",
			     term ? cli_shown(term) : "");
		return CLI_FAILED;
	}
	ret = loop(s);
	endwin();
	delscreen(screen);
	return ret;
}
