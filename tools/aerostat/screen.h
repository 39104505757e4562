/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A live view on a terminal.  Plain ASCII and no colours, so that it looks the same on a serial
 * console.
 */
#ifndef AEROSTAT_CLI_SCREEN_H
#define AEROSTAT_CLI_SCREEN_H

#include <stdint.h>

#define SCREEN_LEAST_COLUMNS 40
#define SCREEN_LEAST_ROWS    10

/* Text that is cut where the screen ends. */
__attribute__((format(printf, 3, 4))) void screen_text(int row, int column, const char *format,
						       ...);

/* Text that is broken between words, and cut behind so many rows. */
void screen_words(int row, int rows, const char *text);

struct screen {
	const char *name;	     /* of the command */
	uint32_t interval_ms, count; /* 0: until q */
	/* The next moment's figures; before the first drawing, too.  An enum cli_exit. */
	int (*take)(void *of);
	void (*draw)(void *of); /* on an empty screen that is large enough */
	void *of;
};

/* Draws until q, a signal, or the count.  An enum cli_exit. */
int screen_run(const struct screen *s);

#endif
