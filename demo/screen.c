/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#define _GNU_SOURCE
#include "screen.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lab.h"

static struct {
	const char *program;
	bool live, colour;
	unsigned int width;
	int64_t phase_start_ms, drawn_ms;
} screen;

const char *screen_paint(const char *code)
{
	return screen.colour ? code : "";
}

void screen_setup(const char *program)
{
	const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
	struct winsize size;

	screen.program = program;
	screen.live = isatty(STDOUT_FILENO) && term && strcmp(term, "dumb");
	screen.colour = screen.live && !(none && *none);
	screen.width = 80;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		screen.width = size.ws_col;
	setvbuf(stdout, NULL, _IOLBF, 0);
}

double screen_phase_seconds(void)
{
	return (double)(lab_now_ms() - screen.phase_start_ms) / 1000;
}

void screen_draw(const char *phase, uint64_t done_mib, uint64_t total_mib)
{
	unsigned int bar, filled;
	char figures[64];
	int n;

	if (!screen.live || lab_now_ms() - screen.drawn_ms < 60)
		return;
	screen.drawn_ms = lab_now_ms();
	if (total_mib)
		n = snprintf(figures, sizeof(figures), "%llu of %llu MiB",
			     (unsigned long long)done_mib, (unsigned long long)total_mib);
	else
		n = snprintf(figures, sizeof(figures), "%.1f s", screen_phase_seconds());
	printf("\r\033[K  %-22.22s", phase);
	if (total_mib && screen.width > 24 + 6 + 4 + (unsigned int)n) {
		bar = screen.width - 24 - 6 - (unsigned int)n;
		bar = bar > 40 ? 40 : bar;
		filled = done_mib >= total_mib ? bar : (unsigned int)(done_mib * bar / total_mib);
		printf("[%s%.*s%s%.*s]", GREEN, (int)filled,
		       "########################################", NORMAL, (int)(bar - filled),
		       "----------------------------------------");
	}
	printf("  %s", figures);
	fflush(stdout);
}

void screen_phase_start(const char *phase)
{
	screen.phase_start_ms = lab_now_ms();
	screen.drawn_ms = 0;
	screen_draw(phase, 0, 0);
}

void screen_phase_end(const char *phase, const char *format, ...)
{
	va_list args;

	printf("%s  %-22s%5.1f s  ", screen.live ? "\r\033[K" : "", phase, screen_phase_seconds());
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

int screen_complain(const char *format, ...)
{
	va_list args;

	if (screen.live)
		printf("\r\033[K");
	fflush(stdout);
	fprintf(stderr, "%s: ", screen.program);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	return -1;
}
