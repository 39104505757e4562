/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* How the demonstrations show what happens: one line a phase, with a bar on a terminal. */
#ifndef AEROSTAT_LAB_SCREEN_H
#define AEROSTAT_LAB_SCREEN_H

#include <stdint.h>

#define GREEN  screen_paint("\033[32m")
#define RED    screen_paint("\033[31m")
#define BOLD   screen_paint("\033[1m")
#define NORMAL screen_paint("\033[0m")

/* `program` begins complaints.  Colours and bars are for terminals; $NO_COLOR is respected. */
void screen_setup(const char *program);

/* The terminal's code, or "" where there are no colours. */
const char *screen_paint(const char *code);

void screen_phase_start(const char *phase);
void screen_phase_end(const char *phase, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Since screen_phase_start(). */
double screen_phase_seconds(void);

/*
 * "inflating   [#####-----]  512 of 1280 MiB", redrawn in place, on a terminal
 * only; with a total of 0 the seconds that went by instead of a bar.
 */
void screen_draw(const char *phase, uint64_t done_mib, uint64_t total_mib);

/* A line on standard error; always -1. */
int screen_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
