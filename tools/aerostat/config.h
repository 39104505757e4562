/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* /etc/aerostat.conf as it was read, and what is remembered of what it changed. */
#ifndef AEROSTAT_CLI_CONFIG_H
#define AEROSTAT_CLI_CONFIG_H

#include "areas.h"
#include "balloon.h"
#include "settings.h"

#define CONFIG_LINES_MOST 128U
#define CONFIG_LINE_MOST  1024U

enum config_kind { CONFIG_SETTING, CONFIG_POLICY, CONFIG_SWAP };

struct config_line {
	unsigned int number;
	enum config_kind kind;
	const struct setting *setting;
	uint64_t value;
	char text[CONFIG_LINE_MOST]; /* a policy's name, or the directory of swap files */
	struct aero_plan plan;
};

struct config {
	struct cli_view view;
	const char *file; /* the whole name, for messages */
	bool check;
	size_t lines;
	struct config_line line[CONFIG_LINES_MOST];
};

/* "FILE, line N: ..."; CLI_MISUSE. */
__attribute__((format(printf, 3, 4))) int config_wrong(const struct config *c, unsigned int number,
						       const char *format, ...);

/* ---- config_past.c: what a line that is no longer there had changed ---- */

/*
 * A setting that the file has or had.  It is written down before it is set, so that whenever the
 * program is killed, what it found is known.
 */
struct config_entry {
	char name[BALLOON_WORD];
	char before[BALLOON_WORD]; /* what it was before the file first had it */
	char set[BALLOON_WORD];	   /* what the file had last */
};

struct config_past {
	uint64_t module; /* which loading of the module this is of */
	size_t count;
	struct config_entry entry[CONFIG_LINES_MOST];
};

/* Of another loading of the module there is nothing to remember.  -1: with aero_error(). */
int config_past_load(const char *root, struct config_past *past);
int config_past_save(const char *root, const struct config_past *past);

/* Writes down what is to be set; CLI_FAILED after words. */
int config_past_note(const struct config *c, struct config_past *past);

/*
 * Undoes what the file does not have any more, unless somebody else has changed it since, and
 * forgets it.  What can't be undone is said, and remembered; then CLI_FAILED.
 */
int config_past_undo(const struct config *c, struct config_past *past);

/* Is there anything that a file without a line would undo? */
bool config_past_is_there(const char *root);

#endif
