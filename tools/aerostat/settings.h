/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The settings of the module that files in sysfs change: one table, and how they are written. */
#ifndef AEROSTAT_CLI_SETTINGS_H
#define AEROSTAT_CLI_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum setting_kind {
	SETTING_NUMBER,
	SETTING_SWITCH, /* 0 or 1 */
	SETTING_KIB,
	SETTING_MIB,
	SETTING_MS,
	SETTING_S,
};

struct setting {
	const char *name; /* of the file */
	bool policy;	  /* it lies in the folder of the policy */
	enum setting_kind kind;
	uint64_t least, most, initial;
	const char *what;
	/* Of a policy's option, whose range and initial value are those of the policy's table. */
	const char *of, *option;
};

/* The table, with the ranges of the policies filled in.  Everything that may be written is in it.
 */
const struct setting *settings_table(size_t *count);

/* NULL: there is no such setting. */
const struct setting *setting_find(const char *name);

/* "100 to 60000 ms": what is allowed, in words. */
#define SETTING_RANGE_MAX 128U
const char *setting_range(const struct setting *s, char text[SETTING_RANGE_MAX]);

/*
 * A number in the file's unit, or an amount with a unit of its own ("64MiB", "2s").  False: it
 * is none, or not within the range.
 */
bool setting_parse(const struct setting *s, const char *text, uint64_t *value);

/* The file's number.  Errors: -errno. */
int setting_read(const char *root, const struct setting *s, uint64_t *value);

/*
 * Writes @value, which is within the range.  CLI_OK, or CLI_FAILED after words that say what can
 * be done about it.
 */
int setting_write(const char *root, const struct setting *s, uint64_t value);

/* The same for any file below /sys; @what names it in the words.  */
int settings_write_file(const char *root, const char *file, const char *text, const char *what);

#endif
