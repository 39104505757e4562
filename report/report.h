/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What programs that measure or simulate share: options, messages and files of results. */
#ifndef AEROSTAT_REPORT_REPORT_H
#define AEROSTAT_REPORT_REPORT_H

#include <argp.h>
#include <jansson.h>

/* Prints one line on standard error; always returns -1. */
int report_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The value of an option; ends the program with a message when it is out of bounds. */
unsigned int report_number(const char *text, const char *name, unsigned int min, unsigned int max,
			   struct argp_state *state);

/*
 * Makes the folder for results unless it exists.  Refuses characters that QEMU or
 * gnuplot would misread.  0, or -1 after a complaint.
 */
int report_make_folder(const char *folder);

/* "2026-01-31T12:00:00Z" */
void report_date(char date[32]);

/* Writes FOLDER/NAME.  0, or -1 after a complaint. */
int report_dump_json(const json_t *document, const char *folder, const char *name);

#endif
