// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * `aerostat policy eval`: options and a recording from the fuzzer.
 *
 * Input: parts with NUL bytes between them.  The first is "NAME\nOPTION=VALUE\n...", with
 * names as on the command line, the rest is the file.  Whatever it is, the command says
 * one line of complaint and no result, or no complaint and a line for each line.
 *
 * The command's file is included, because argp ends the program at an error: here what
 * it calls then jumps back.  (main.c is compiled with other names for the same.)
 */
#include "tools/aerostat/policy.c"

#include <setjmp.h>
#include <stdarg.h>

#include "fuzz.h"

static jmp_buf stop;

void fuzz_argp_error(const struct argp_state *state, const char *format, ...)
{
	va_list args;

	fputs("aerostat: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	longjmp(stop, 1);
}

void fuzz_argp_failure(const struct argp_state *state, int status, int number, const char *format,
		       ...)
{
	longjmp(stop, 1);
}

/* ---- the options ---- */

static void option(struct parsing *p, char *line)
{
	struct argp_state state = {.input = p};
	char *value = strchr(line, '=');

	if (!value) {
		parse(ARGP_KEY_ARG, line, &state);
		return;
	}
	*value++ = 0;
	for (const struct argp_option *o = p->offer->option; o->name; o++)
		if (!strcmp(o->name, line)) {
			parse(o->key, value, &state);
			return;
		}
}

/* False: they were refused. */
static bool options(struct eval *e, char *text)
{
	struct offer offer = {.numbers = 0};
	struct parsing p = {.e = e, .offer = &offer, .page_kib = 4};
	struct argp_state state = {.input = &p};
	char *line, *rest = text;

	if (setjmp(stop))
		return false;
	offer_options(&offer);
	while ((line = strsep(&rest, "\n")))
		option(&p, line);
	parse(ARGP_KEY_END, NULL, &state);
	return true;
}

/* ---- the file ---- */

static size_t lines_of(const char *text)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static void recording(struct eval *e, const uint8_t *data, size_t size)
{
	static struct csv csv;
	char *text = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&text, &length);
	const char *said;
	int ret;

	csv = (struct csv){.name = "recording"};
	/* No file can be opened on no bytes; /dev/null has none either. */
	csv.from = size ? fmemopen((void *)(uintptr_t)data, size, "r") : fopen("/dev/null", "re");
	MUST(csv.from && to);
	if (e->policy->init)
		e->policy->init(e->config, e->state);
	ret = eval_to(e, &csv, to);
	fclose(to);
	fclose(csv.from);
	said = fuzz_said();
	MUST(ret == 0 ? !*said : fuzz_is_complaint(said));
	MUST(ret || lines_of(text) == csv.line - 1);
	free(text);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	fuzz_listen();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct eval e;
	char *text = fuzz_part(&data, &size);

	memset(&e, 0, sizeof(e));
	if (options(&e, text))
		recording(&e, data, size);
	else
		MUST(fuzz_is_complaint(fuzz_said()));
	free(e.config);
	free(e.state);
	free(text);
	return 0;
}
