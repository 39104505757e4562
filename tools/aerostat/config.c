// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * aerostat config: applies /etc/aerostat.conf.
 *
 * The whole file is read and checked first.  A wrong line is an error with its number, and
 * nothing has changed then.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "areas.h"
#include "balloon.h"
#include "os.h"
#include "settings.h"
#include "text.h"
#include "units.h"

#define CONFIG_FILE "/etc/aerostat.conf"
#define LINES_MOST  128U
#define LINE_MOST   1024U
#define PRIORITY    100

enum kind { KIND_SETTING, KIND_POLICY, KIND_SWAP };

struct line {
	unsigned int number;
	enum kind kind;
	const struct setting *setting;
	uint64_t value;
	char text[LINE_MOST]; /* a policy's name, or the directory of swap files */
	struct aero_plan plan;
};

struct config {
	struct cli_view view;
	const char *file; /* the whole name, for messages */
	bool check;
	size_t lines;
	struct line line[LINES_MOST];
};

/* ---- reading ---- */

__attribute__((format(printf, 3, 4))) static int wrong(const struct config *c, unsigned int number,
						       const char *format, ...)
{
	char text[768];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cli_complain("%s, line %u: %s", c->file, number, text);
	return CLI_MISUSE;
}

/* "zram 8 128MiB", "/srv/swap 8 512MiB", or either with a priority behind it. */
static int read_swap(const struct config *c, struct line *line, char *value)
{
	static const char form[] =
		"swap is 'zram' or a directory, the number of areas (1 to 16), the "
		"size of each, and perhaps a priority (0 to 32767)";
	char *words[5] = {NULL}, *word;
	uint64_t areas, kib, priority = PRIORITY;
	size_t n = 0;

	while ((word = strsep(&value, " \t")))
		if (*word && n < 5)
			words[n++] = word;
	if (n < 3 || n > 4 || !aero_parse(words[1], AERO_AREAS_MAX, &areas) || !areas ||
	    !units_parse_size(words[2], &kib) || !kib || kib % 1024 || kib >> 10 > 1U << 20 ||
	    (n == 4 && !aero_parse(words[3], AERO_PRIORITY_MAX, &priority)) ||
	    (strcmp(words[0], "zram") != 0 && *words[0] != '/') ||
	    strlen(words[0]) >= AERO_PATH_MAX)
		return wrong(c, line->number, "%s", form);
	snprintf(line->text, sizeof(line->text), "%s", words[0]);
	line->plan = (struct aero_plan){
		.areas = (uint32_t)areas,
		.size_mib = (uint32_t)(kib >> 10),
		.directory = strcmp(line->text, "zram") != 0 ? line->text : NULL,
		.priority = (int)priority,
	};
	return CLI_OK;
}

static int read_setting(const struct config *c, struct line *line, const char *name,
			const char *value)
{
	char range[SETTING_RANGE_MAX];

	line->setting = setting_find(name);
	if (!line->setting)
		return wrong(c, line->number,
			     "there is no setting '%s'; there are policy, swap, and "
			     "those of 'aerostat knob'",
			     cli_shown(name));
	if (setting_parse(line->setting, value, &line->value))
		return CLI_OK;
	return wrong(c, line->number, "%s is %s, not '%s'", name,
		     setting_range(line->setting, range), cli_shown(value));
}

static int read_value(struct config *c, struct line *line, const char *name, char *value)
{
	for (size_t i = 0; i < c->lines; i++)
		if (c->line[i].kind == line->kind &&
		    (line->kind != KIND_SETTING || !strcmp(c->line[i].setting->name, name)))
			return wrong(c, line->number, "%s was set in line %u already", name,
				     c->line[i].number);
	if (line->kind == KIND_SWAP)
		return read_swap(c, line, value);
	if (line->kind == KIND_SETTING)
		return read_setting(c, line, name, value);
	if (!cli_is_size_policy(value))
		return wrong(c, line->number, "there is no policy '%s' that sets the guest's size",
			     cli_shown(value));
	snprintf(line->text, sizeof(line->text), "%s", value);
	return CLI_OK;
}

static int read_line(struct config *c, char *text, unsigned int number)
{
	struct line *line = &c->line[c->lines];
	char *value, *name;
	int ret;

	text[strcspn(text, "#")] = 0;
	name = aero_trim(text);
	if (!*name)
		return CLI_OK;
	value = strchr(name, '=');
	if (!value)
		return wrong(c, number, "a line is NAME = VALUE, not '%s'", cli_shown(name));
	*value++ = 0;
	name = aero_trim(name);
	if (c->lines == LINES_MOST)
		return wrong(c, number, "more than %u settings", LINES_MOST);
	*line = (struct line){.number = number, .kind = KIND_SETTING};
	if (!strcmp(name, "policy"))
		line->kind = KIND_POLICY;
	else if (!strcmp(name, "swap"))
		line->kind = KIND_SWAP;
	ret = read_value(c, line, name, aero_trim(value));
	c->lines += !ret;
	return ret;
}

static int read_file(struct config *c)
{
	static char text[LINE_MOST];
	FILE *from = fopen(c->file, "re");
	unsigned int number = 0;
	int ret = CLI_OK;

	if (!from) {
		cli_complain("can't read %s: %s", c->file, strerror(errno));
		return CLI_FAILED;
	}
	while (!ret && fgets(text, sizeof(text), from)) {
		number++;
		if (!strchr(text, '\n') && strlen(text) == sizeof(text) - 1)
			ret = wrong(c, number, "longer than %zu bytes", sizeof(text) - 2);
		else
			ret = read_line(c, text, number);
	}
	if (ferror(from)) {
		cli_complain("can't read %s: %s", c->file, strerror(errno));
		ret = CLI_FAILED;
	}
	fclose(from);
	return ret;
}

/* ---- applying ---- */

static int apply_setting(const struct config *c, const struct balloon *b, const struct line *line)
{
	uint64_t now;
	int ret = CLI_OK;

	if (!setting_read(c->view.root, line->setting, &now) && now == line->value)
		return CLI_OK;
	if (!strcmp(line->setting->name, "selfballooning") && line->value)
		ret = balloon_may_choose(b);
	if (!ret)
		ret = setting_write(c->view.root, line->setting, line->value);
	if (!ret)
		printf("%s = %" PRIu64 "\n", line->setting->name, line->value);
	return ret;
}

static int apply(const struct config *c, const struct balloon *b, const struct line *line)
{
	int ret;

	switch (line->kind) {
	case KIND_SWAP:
		return cli_swap_make(c->view.root, &line->plan);
	case KIND_POLICY:
		if (!strcmp(b->policy, line->text))
			return CLI_OK;
		ret = settings_write_file(c->view.root, BALLOON_FOLDER "/policy/policy", line->text,
					  "the policy");
		if (!ret)
			printf("policy = %s\n", line->text);
		return ret;
	default:
		return apply_setting(c, b, line);
	}
}

/* What can be is applied; what can't has been said, and its line is named. */
static int apply_all(const struct config *c)
{
	struct balloon b;
	bool failed = false;
	int ret = balloon_read(c->view.root, &b);

	if (ret)
		return ret;
	for (size_t i = 0; i < c->lines; i++)
		if (apply(c, &b, &c->line[i])) {
			failed = true;
			wrong(c, c->line[i].number, "not applied");
		}
	return failed ? CLI_FAILED : CLI_OK;
}

/* ---- the command ---- */

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct config *c = state->input;
	struct argp_state view = *state;

	switch (key) {
	case 'f':
		c->file = arg;
		return 0;
	case 'c':
		c->check = true;
		return 0;
	default:
		view.input = &c->view;
		return cli_parse_view(key, arg, &view);
	}
}

int cli_config(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"check", 'c', NULL, 0, "Only look whether the file is right", 0},
		{"file", 'f', "FILE", 0, "Another file than /etc/aerostat.conf", 0},
		CLI_ROOT_OPTION,
		{0}};
	static const struct argp argp = {
		options,
		parse,
		NULL,
		"Applies the settings, the policy and the swap areas of /etc/aerostat.conf.  A wrong "
		"line is an error with its number, and nothing is changed.  Prints what it changed.",
		NULL,
		NULL,
		NULL};
	static struct config c = {.view.root = ""};
	char *file = NULL;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &c);
	if (!c.file) {
		if (asprintf(&file, "%s" CONFIG_FILE, c.view.root) < 0) {
			cli_complain("no memory");
			return CLI_FAILED;
		}
		c.file = file;
	}
	ret = read_file(&c);
	if (!ret && !c.check)
		ret = apply_all(&c);
	free(file);
	return ret;
}
