/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the files of the command line share.  Nothing here is called from threads. */
#ifndef AEROSTAT_CLI_H
#define AEROSTAT_CLI_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <aerostat/policy.h>

#include "areas.h"
#include "files.h"

/* docs/use/cli.md promises these. */
enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,	   /* the machine did not let us */
	CLI_MISUSE = 2,	   /* options or input are wrong; nothing was done */
	CLI_DIFFERS = 3,   /* status: size and target differ; doctor: something is wrong */
	CLI_NO_BALLOON = 4 /* no balloon's module is loaded */
};

/* -- main.c -------------------------------------------------------------------------- */

/* "aerostat: ..." on standard error, in one line. */
__attribute__((format(printf, 1, 2))) void cli_complain(const char *format, ...);

/* The number an option wants, or the end of the program with what it may be. */
uint32_t cli_number(const char *option, const char *text, uint32_t least, uint32_t most,
		    const struct argp_state *state);

struct cli_command {
	const char *name, *what;
	int (*run)(int argc, char **argv); /* argv[0] is what was typed so far */
};

/* Looks for argv[1] among @commands and runs it.  Returns an enum cli_exit. */
int cli_dispatch(const struct cli_command *commands, size_t n, const char *about, int argc,
		 char **argv);

/* The kernel's page. */
uint64_t cli_page_kib(void);

/* -- columns.c: the columns of a recording ---------------------------------------------- */

struct cli_column {
	const char *name;
	size_t offset;	 /* in struct aero_policy_figures */
	bool narrow;	 /* 32 bits there */
	bool may_lack;	 /* "-" says that it is unknown */
	uint32_t most;	 /* of a narrow one */
	uint32_t figure; /* its AERO_FIGURE_ bit */
};

extern const struct cli_column cli_columns[];
extern const size_t cli_columns_count;

uint64_t cli_column_get(const struct cli_column *column, const struct aero_policy_figures *figures);
void cli_column_set(const struct cli_column *column, struct aero_policy_figures *figures,
		    uint64_t value);

/* -- csv.c --------------------------------------------------------------------------------- */

/* A line may be so long, and have so many fields. */
#define CSV_LINE_MAX   65536U
#define CSV_FIELDS_MAX 1024U

struct csv {
	FILE *from;
	const char *name; /* for messages */
	unsigned long line;
	size_t fields;
	char *field[CSV_FIELDS_MAX];
	char text[CSV_LINE_MAX + 1];
};

/* Reads a line: 1; at the end of the file 0; or -1, which has been said. */
int csv_read(struct csv *csv);

/* "FILE, line N: ..." */
__attribute__((format(printf, 2, 3))) void csv_complain(const struct csv *csv, const char *format,
							...);

/* @text as it may be shown: short, and printable.  Overwritten by the next call. */
const char *cli_shown(const char *text);

/* -- the commands ----------------------------------------------------------------------------- */

int cli_bugreport(int argc, char **argv);
int cli_config(int argc, char **argv);
int cli_doctor(int argc, char **argv);
int cli_export(int argc, char **argv);
int cli_host(int argc, char **argv);
int cli_knob(int argc, char **argv);
int cli_plot(int argc, char **argv);
int cli_policy(int argc, char **argv);
int cli_policy_choose(int argc, char **argv); /* policy [NAME] */
int cli_record(int argc, char **argv);
int cli_set(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_swap(int argc, char **argv);
int cli_swap_make(const char *root, const struct aero_plan *plan); /* swap setup */
int cli_swap_unmake(const char *root); /* removes areas that the configuration file had */
bool cli_is_size_policy(const char *name);
int cli_watch(int argc, char **argv);

#endif
