// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* aerostat: the command line.  docs/use/cli.md describes it. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

const char *argp_program_version = "aerostat " AEROSTAT_VERSION;

static bool complained;

void cli_complain(const char *format, ...)
{
	va_list args;

	complained = true;
	fflush(stdout);
	fprintf(stderr, "aerostat: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
}

const char *cli_shown(const char *text)
{
	static char shown[48];

	return aero_shown(text, shown, sizeof(shown));
}

uint64_t cli_page_kib(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

uint32_t cli_number(const char *option, const char *text, uint32_t least, uint32_t most,
		    const struct argp_state *state)
{
	uint64_t value = 0;

	if (!aero_parse(text, most, &value) || value < least)
		argp_error(state, "--%s wants a whole number from %u to %u, not '%s'", option,
			   least, most, cli_shown(text));
	return (uint32_t)value;
}

/*
 * What was printed may fail to be written as late as now: at the end of each command, and of
 * --help and --version, which end the program themselves.  One complaint is enough.
 */
static void end_output(void)
{
	bool failed = ferror(stdout);

	failed = fclose(stdout) || failed;
	if (!failed || complained)
		return;
	fprintf(stderr, "aerostat: can't write standard output: %s\n", strerror(errno));
	_exit(CLI_FAILED);
}

/* ---- commands ---- */

struct dispatch {
	const struct cli_command *commands;
	size_t n;
	int argc;
	char **argv;
	const struct cli_command *found;
};

static const struct cli_command *find(const struct dispatch *d, const char *name)
{
	for (size_t i = 0; i < d->n; i++)
		if (!strcmp(d->commands[i].name, name))
			return &d->commands[i];
	return NULL;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct dispatch *d = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		d->found = find(d, arg);
		if (!d->found)
			argp_error(state, "there is no command '%s'", cli_shown(arg));
		/* The rest is the command's. */
		d->argc = state->argc - state->next + 1;
		d->argv = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which command?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The list of commands stands at the end of the help. */
static char *help_filter(int key, const char *text, void *input)
{
	const struct dispatch *d = input;
	size_t room = 64;
	char *list;

	if (key != ARGP_KEY_HELP_POST_DOC || !d)
		return (char *)(uintptr_t)text;
	for (size_t i = 0; i < d->n; i++)
		room += strlen(d->commands[i].name) + strlen(d->commands[i].what) + 32;
	list = malloc(room);
	if (!list)
		return NULL;
	strcpy(list, "Commands (each has its own --help):\n");
	for (size_t i = 0; i < d->n; i++)
		sprintf(list + strlen(list), "  %-9s %s\n", d->commands[i].name,
			d->commands[i].what);
	return list;
}

int cli_dispatch(const struct cli_command *commands, size_t n, const char *about, int argc,
		 char **argv)
{
	struct dispatch d = {.commands = commands, .n = n};
	const struct argp argp = {NULL,	       parse, "COMMAND [OPTION...]", about, NULL,
				  help_filter, NULL};
	char *name;
	int ret;

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &d);
	/* So that messages name the whole command. */
	if (asprintf(&name, "%s %s", argv[0], d.found->name) < 0) {
		cli_complain("no memory");
		return CLI_FAILED;
	}
	d.argv[0] = name;
	ret = d.found->run(d.argc, d.argv);
	free(name);
	return ret;
}

int main(int argc, char **argv)
{
	static char name[] = "aerostat";
	static const struct cli_command commands[] = {
		{"bugreport", "writes a text to attach to a bug report", cli_bugreport},
		{"config", "applies /etc/aerostat.conf", cli_config},
		{"doctor", "looks for what goes wrong, and where the memory has gone", cli_doctor},
		{"export", "prints the figures for Prometheus", cli_export},
		{"host", "shows and steers the memory of a host and its guests", cli_host},
		{"knob", "shows and changes the module's settings", cli_knob},
		{"plot", "draws a recording", cli_plot},
		{"policy", "shows and chooses the guest's policy, and tries one", cli_policy},
		{"record", "records a guest's figures, for policies to be tried on", cli_record},
		{"set", "sets how much memory the guest should have", cli_set},
		{"status", "says what the balloon has, and what holds it back", cli_status},
		{"swap", "makes, shows and removes swap areas", cli_swap},
		{"watch", "shows the balloon live on a terminal", cli_watch},
	};

	/* Closed from the start is an error only for what is printed; no file may take its place.
	 */
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
		open("/dev/full", O_WRONLY);
	atexit(end_output);
	argp_err_exit_status = CLI_MISUSE;
	/* However it was called: messages name it as the documents do. */
	if (argc)
		argv[0] = name;
	program_invocation_short_name = name;
	return cli_dispatch(commands, sizeof(commands) / sizeof(*commands),
			    "Aerostat's command line.\v", argc, argv);
}
