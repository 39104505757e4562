// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* aerostatd: tells the kernel's policy what only user space gets to know. */
#include "daemon.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "say.h"

const char *argp_program_version = "aerostatd " AEROSTAT_VERSION;

/*
 * It is wanted most when memory is shortest.  So its own pages stay in memory, and
 * it is among the last that the kernel kills to get some; but not exempt from it.
 * Where one of these is not permitted it works all the same.
 */
#define OOM_SCORE_ADJ "-900"

static void steady(const struct aero_daemon *d)
{
	int err;

	if (*d->root)
		return;
	if (mlockall(MCL_CURRENT | MCL_FUTURE) && d->verbose)
		aero_say("its memory may be swapped: %s", strerror(errno));
	err = aero_write("", "/proc/self/oom_score_adj", OOM_SCORE_ADJ);
	if (err && d->verbose)
		aero_say("the kernel may kill it when memory is short: %s", strerror(-err));
}

/* ---- options ---- */

enum { OPTION_ROOT = 256, OPTION_ONCE };

#define PERIOD_MS	1000
#define PERIOD_LEAST_MS 100
#define PERIOD_MOST_MS	60000

static const struct argp_option option_table[] = {
	{"verbose", 'v', NULL, 0, "Say what is measured and done", 0},
	{"dry-run", 'n', NULL, 0, "Change nothing, say what would be done", 0},
	{"once", OPTION_ONCE, NULL, 0, "Measure and report once, then end", 0},
	{"period-ms", 'p', "N", 0, "From one report to the next, at most (1000)", 0},
	{"export", 'e', "FILE", 0,
	 "Also replace this file with the figures for Prometheus, every 15 s", 0},
	{"root", OPTION_ROOT, "FOLDER", 0, "Take /proc, /sys, /dev and /run from this folder", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct aero_daemon *d = state->input;
	uint64_t number = 0;

	switch (key) {
	case 'v':
		d->verbose = true;
		return 0;
	case 'n':
		d->dry_run = true;
		return 0;
	case OPTION_ONCE:
		d->once = true;
		return 0;
	case 'p':
		if (!aero_parse(arg, PERIOD_MOST_MS, &number) || number < PERIOD_LEAST_MS)
			argp_error(state, "--period-ms wants a whole number from %d to %d",
				   PERIOD_LEAST_MS, PERIOD_MOST_MS);
		d->period_ms = (uint32_t)number;
		return 0;
	case 'e':
		d->figures.file = arg;
		return 0;
	case OPTION_ROOT:
		if (strlen(arg) >= AERO_PATH_MAX)
			argp_error(state, "--root: the name is too long");
		d->root = arg;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "it takes options only; see --help");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static char name[] = "aerostatd";
	static const struct argp argp = {
		option_table,
		parse,
		NULL,
		"Tells Aerostat's policy in the kernel how long tasks wait for memory.  Runs until "
		"it is told to stop.",
		NULL,
		NULL,
		NULL};
	struct aero_daemon d = {.root = "", .period_ms = PERIOD_MS};

	argp_err_exit_status = AERO_MISUSE;
	if (argc)
		argv[0] = name;
	argp_parse(&argp, argc, argv, 0, NULL, &d);
	steady(&d);
	return aero_daemon_run(&d);
}
