/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#define _GNU_SOURCE
#include <argp.h>
#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "scenario.h"

#define TIMEOUT_S    60
#define TAIL_LINES   25
#define HANG_GRACE_S 240 /* for boot and clean-up, in addition to the test's own limit */

static const char skip_mark = '\1';
static char message[4096];

const char *lab_because(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	lab_reword(message, sizeof(message), format, args);
	va_end(args);
	if (!message[0])
		strcpy(message, "no reason given");
	return message;
}

const char *lab_skip(const char *format, ...)
{
	va_list args;

	message[0] = skip_mark;
	va_start(args, format);
	vsnprintf(message + 1, sizeof(message) - 1, format, args);
	va_end(args);
	return message;
}

/* Each line of the text as a TAP comment. */
static void comment(const char *prefix, const char *text)
{
	while (text && *text) {
		size_t n = strcspn(text, "\n");

		printf("%s%.*s\n", prefix, (int)n, text);
		text += n + (text[n] == '\n');
	}
	fflush(stdout);
}

void lab_note(const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	comment("# ", text);
	free(text);
}

static void note_lines(const char *text)
{
	comment("#   ", text);
}

/* ---- what to run ---- */

struct run {
	const struct lab_suite *suite;
	char **patterns;
	int pattern_count;
	bool list;

	struct lab_guest *guest;
	const struct lab_config *guest_config;
	bool booted;   /* for this very test */
	char name[64]; /* of the guest, for the logs */
	unsigned int number, failed;
};

static const struct argp_option options[] = {
	{"list", 'l', NULL, 0, "list the tests and end", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run *run = state->input;

	(void)arg;
	if (key == 'l')
		run->list = true;
	else if (key == ARGP_KEY_ARGS) {
		run->patterns = state->argv + state->next;
		run->pattern_count = state->argc - state->next;
	} else {
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static bool selected(const struct run *run, const struct lab_test *test)
{
	for (int i = 0; i < run->pattern_count; i++)
		if (!fnmatch(run->patterns[i], test->name, 0))
			return true;
	return !run->pattern_count;
}

/* A pattern that selects nothing is a typing error, not an empty success. */
static bool patterns_good(const struct run *run)
{
	for (int i = 0; i < run->pattern_count; i++) {
		size_t hits = 0;

		for (size_t t = 0; t < run->suite->count; t++)
			hits += !fnmatch(run->patterns[i], run->suite->tests[t].name, 0);
		if (!hits) {
			fprintf(stderr, "no test is called '%s'; --list shows them\n",
				run->patterns[i]);
			return false;
		}
	}
	return true;
}

/* ---- one test ---- */

static void guest_stop(struct run *run)
{
	lab_stop(run->guest);
	run->guest = NULL;
}

/* What the platform of this configuration lacks for `wanted` (platform.h); NULL: nothing. */
static const char *lacking(const struct lab_config *config, const struct lab_config *wanted)
{
	const struct lab_platform *p = lab_platform_of(config);

	return p->lacks ? p->lacks(wanted) : NULL;
}

static bool boots_are_kept(void)
{
	const char *keep = getenv("AERO_LAB_KEEP");

	return !keep || strcmp(keep, "0") != 0;
}

/* A guest for the test: the one there is, or a new one. */
static const char *guest_for(struct run *run, const struct lab_test *test)
{
	struct lab_config config = test->config ? *test->config : (struct lab_config){0};
	const char *why = NULL;

	run->booted = false;
	if (run->guest && !test->fresh && run->guest_config == test->config)
		return NULL;
	guest_stop(run);
	/* For example, a kernel that takes minutes to build is the reader's choice. */
	if (lacking(&config, &config))
		return lab_skip("%s", lab_error());
	snprintf(run->name, sizeof(run->name), "%.20s-%.40s", run->suite->name, test->name);
	config.name = run->name;
	config.keep_boot = !run->suite->boots && boots_are_kept();
	if (lab_boot(&run->guest, &config)) {
		run->guest = NULL;
		return lab_because("boot: %s", lab_error());
	}
	run->guest_config = test->config;
	run->booted = true;
	if (run->suite->after_boot)
		why = run->suite->after_boot(run->guest);
	if (why && why[0] != skip_mark)
		why = lab_because("preparing the guest: %s", why);
	return why;
}

/* The test's own verdict, then what it may have overlooked. */
static const char *verdict(struct run *run, const struct lab_test *test)
{
	const char *why = test->run(run->guest);
	bool skipped = why && why[0] == skip_mark;
	char *lines = NULL;
	int problems;

	if ((!why || skipped) && !lab_alive(run->guest))
		why = lab_because("QEMU has ended in the middle of the test");
	if (!why && run->suite->after_test) {
		why = run->suite->after_test(run->guest);
		if (why)
			why = lab_because("bringing the guest back: %s", why);
	}
	problems = lab_log_problems(run->guest, test->allow, &lines);
	if (problems) {
		note_lines(lines);
		if (!why || skipped)
			why = problems < 0 ? lab_because("%s", lab_error())
					   : lab_because("the guest's kernel complained");
	}
	free(lines);
	return why;
}

static void on_hang(int number)
{
	static const char words[] = "Bail out! a test hangs\n";

	(void)number;
	(void)!write(STDOUT_FILENO, words, sizeof(words) - 1);
	raise(SIGTERM); /* the library's handler ends all QEMUs */
}

static void run_test(struct run *run, const struct lab_test *test)
{
	unsigned int limit_s = test->timeout_s ? test->timeout_s : TIMEOUT_S;
	int64_t start = lab_now_ms();
	const char *why;
	bool skipped, usable;

	alarm((limit_s + HANG_GRACE_S) * lab_slowness());
	why = test->skip ? lab_skip("%s", test->skip) : guest_for(run, test);
	usable = !why && !test->spoils;
	if (!why) {
		/* The boot belongs to the first test, so that complaints during it count, too. */
		if (!run->booted)
			lab_log_mark(run->guest);
		lab_deadline((int64_t)limit_s * 1000);
		why = verdict(run, test);
		lab_deadline(0);
	}
	alarm(0);
	skipped = why && why[0] == skip_mark;
	run->number++;
	if (skipped)
		printf("ok %u - %s # SKIP %s\n", run->number, test->name, why + 1);
	else
		printf("%sok %u - %s (%.1f s)\n", why ? "not " : "", run->number, test->name,
		       (double)(lab_now_ms() - start) / 1000);
	if (why && !skipped) {
		run->failed++;
		note_lines(why);
		if (run->guest) {
			printf("# console (%s):\n", lab_console_path(run->guest));
			lab_log_tail(run->guest, stdout, TAIL_LINES, "#   ");
		}
	}
	fflush(stdout);
	if ((why && !skipped) || !usable)
		guest_stop(run);
}

/* A suite for a platform that is not set up on this machine; NULL: it is. */
static const char *suite_lacks(const struct lab_suite *suite)
{
	const char *what = NULL;

	for (size_t i = 0; i < suite->count && !what; i++)
		if (suite->tests[i].config)
			what = lacking(suite->tests[i].config, NULL);
	return what;
}

int lab_suite_main(int argc, char **argv, const struct lab_suite *suite)
{
	static const struct argp argp = {
		options, parse, "[PATTERN...]", "Runs tests in real guests; output is TAP.", 0,
		0,	 0};
	struct run run = {.suite = suite};
	size_t chosen = 0;

	if (argp_parse(&argp, argc, argv, 0, NULL, &run))
		return 2;
	if (!patterns_good(&run))
		return 2;
	for (size_t i = 0; i < suite->count; i++) {
		chosen += selected(&run, &suite->tests[i]);
		if (run.list && selected(&run, &suite->tests[i]))
			puts(suite->tests[i].name);
	}
	if (run.list)
		return 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!lab_env("AERO_KERNEL") || !lab_env("AERO_INITRAMFS")) {
		printf("Bail out! %s\n", lab_error());
		return 1;
	}
	if (suite_lacks(suite)) {
		printf("1..0 # SKIP %s\n", lab_error());
		return 0;
	}
	signal(SIGALRM, on_hang);
	printf("1..%zu\n", chosen);
	for (size_t i = 0; i < suite->count; i++)
		if (selected(&run, &suite->tests[i]))
			run_test(&run, &suite->tests[i]);
	guest_stop(&run);
	return run.failed ? 1 : 0;
}
