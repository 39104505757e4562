/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Amounts and times as people write and read them, and sentences in lines. */
#ifndef AEROSTAT_COMMON_UNITS_H
#define AEROSTAT_COMMON_UNITS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define UNITS_TEXT_MAX 32U

/* "6.2 GiB", "512 MiB", "12 KiB": at most one digit behind the point.  Returns @text. */
const char *units_size(char text[UNITS_TEXT_MAX], uint64_t kib);

/* "12 s", "3 min", "5 h", "4 days".  Returns @text. */
const char *units_time(char text[UNITS_TEXT_MAX], uint64_t ms);

/*
 * "2G", "512MiB", "1.5 GiB" or "4096K" in KiB: powers of 1024, in upper or lower case; without
 * a unit bytes.  False: it is no such amount, or too large, or no whole number of KiB.
 */
bool units_parse_size(const char *text, uint64_t *kib);
#define UNITS_SIZE_WANTED "an amount of memory such as 2G, 512MiB or 1.5GiB"

/* "1500", "1500ms", "2s", "1min" or "1h" in milliseconds.  False: it is no such time. */
bool units_parse_time(const char *text, uint64_t *ms);
#define UNITS_TIME_WANTED "a time such as 500ms, 2s or 1min"

/*
 * Prints "NAME  text" with the text broken between words where the lines would not fit into
 * the terminal (COLUMNS, or 80 where nothing says its width), and indented below its beginning.
 */
void units_entry(FILE *to, const char *name, const char *text);

#endif
