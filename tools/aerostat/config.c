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
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "os.h"
#include "text.h"
#include "units.h"

#define CONFIG_FILE "/etc/aerostat.conf"
#define PRIORITY    100

/* ---- reading ---- */

int config_wrong(const struct config *c, unsigned int number, const char *format, ...)
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
static int read_swap(const struct config *c, struct config_line *line, char *value)
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
		return config_wrong(c, line->number, "%s", form);
	snprintf(line->text, sizeof(line->text), "%s", words[0]);
	line->plan = (struct aero_plan){
		.areas = (uint32_t)areas,
		.size_mib = (uint32_t)(kib >> 10),
		.directory = strcmp(line->text, "zram") != 0 ? line->text : NULL,
		.priority = (int)priority,
		.configured = true,
	};
	return CLI_OK;
}

static int read_setting(const struct config *c, struct config_line *line, const char *name,
			const char *value)
{
	char range[SETTING_RANGE_MAX];

	line->setting = setting_find(name);
	if (!line->setting)
		return config_wrong(c, line->number,
				    "there is no setting '%s'; there are policy, swap, and "
				    "those of 'aerostat knob'",
				    cli_shown(name));
	if (setting_parse(line->setting, value, &line->value))
		return CLI_OK;
	return config_wrong(c, line->number, "%s is %s, not '%s'", name,
			    setting_range(line->setting, range), cli_shown(value));
}

static int read_value(struct config *c, struct config_line *line, const char *name, char *value)
{
	for (size_t i = 0; i < c->lines; i++)
		if (c->line[i].kind == line->kind &&
		    (line->kind != CONFIG_SETTING || !strcmp(c->line[i].setting->name, name)))
			return config_wrong(c, line->number, "%s was set in line %u already", name,
					    c->line[i].number);
	if (line->kind == CONFIG_SWAP)
		return read_swap(c, line, value);
	if (line->kind == CONFIG_SETTING)
		return read_setting(c, line, name, value);
	if (!cli_is_size_policy(value))
		return config_wrong(c, line->number,
				    "there is no policy '%s' that sets the guest's size",
				    cli_shown(value));
	snprintf(line->text, sizeof(line->text), "%s", value);
	return CLI_OK;
}

static int read_line(struct config *c, char *text, unsigned int number)
{
	struct config_line *line = &c->line[c->lines];
	char *value, *name;
	int ret;

	text[strcspn(text, "#")] = 0;
	name = aero_trim(text);
	if (!*name)
		return CLI_OK;
	value = strchr(name, '=');
	if (!value)
		return config_wrong(c, number, "a line is NAME = VALUE, not '%s'", cli_shown(name));
	*value++ = 0;
	name = aero_trim(name);
	if (c->lines == CONFIG_LINES_MOST)
		return config_wrong(c, number, "more than %u settings", CONFIG_LINES_MOST);
	*line = (struct config_line){.number = number, .kind = CONFIG_SETTING};
	if (!strcmp(name, "policy"))
		line->kind = CONFIG_POLICY;
	else if (!strcmp(name, "swap"))
		line->kind = CONFIG_SWAP;
	ret = read_value(c, line, name, aero_trim(value));
	c->lines += !ret;
	return ret;
}

static int read_file(struct config *c)
{
	static char text[CONFIG_LINE_MOST];
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
			ret = config_wrong(c, number, "longer than %zu bytes", sizeof(text) - 2);
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

static int apply_setting(const struct config *c, const struct balloon *b,
			 const struct config_line *line)
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

static int apply(const struct config *c, const struct balloon *b, const struct config_line *line)
{
	int ret;

	switch (line->kind) {
	case CONFIG_SWAP:
		return cli_swap_make(c->view.root, &line->plan);
	case CONFIG_POLICY:
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

static bool has_swap(const struct config *c)
{
	for (size_t i = 0; i < c->lines; i++)
		if (c->line[i].kind == CONFIG_SWAP)
			return true;
	return false;
}

/* What can be is applied; what can't has been said, and its line is named. */
static int apply_lines(const struct config *c, const struct balloon *b)
{
	int ret = CLI_OK;

	for (size_t i = 0; i < c->lines; i++)
		if (apply(c, b, &c->line[i])) {
			config_wrong(c, c->line[i].number, "not applied");
			ret = CLI_FAILED;
		}
	return ret;
}

static int apply_all(const struct config *c, const struct balloon *b)
{
	static struct config_past past;
	const char *root = c->view.root;
	bool failed;

	if (config_past_load(root, &past)) {
		cli_complain("%s; nothing was changed.  Without this file, what was taken out of "
			     "%s stays as it is",
			     aero_error(), c->file);
		return CLI_FAILED;
	}
	if (config_past_note(c, &past))
		return CLI_FAILED;
	failed = config_past_undo(c, &past) != CLI_OK;
	failed = (!has_swap(c) && cli_swap_unmake(root)) || failed;
	failed = apply_lines(c, b) || failed;
	if (config_past_save(root, &past)) {
		cli_complain("%s", aero_error());
		failed = true;
	}
	return failed ? CLI_FAILED : CLI_OK;
}

/* Swap areas may take a minute; another one waits for them. */
#define LOCK_WAIT_MS 60000U

static int apply_alone(const struct config *c)
{
	struct balloon b;
	int ret = balloon_read(c->view.root, &b), fd;

	if (ret)
		return ret;
	if (!*c->view.root && geteuid()) {
		cli_complain("only root may apply settings");
		return CLI_FAILED;
	}
	umask(022);
	fd = aero_lock(c->view.root, AERO_CONFIG_LOCK, LOCK_WAIT_MS);
	if (fd < 0) {
		cli_complain("%s", aero_error());
		return CLI_FAILED;
	}
	ret = apply_all(c, &b);
	close(fd);
	return ret;
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

/* A file that was there is one without a line when it is gone. */
static bool is_gone(const struct config *c)
{
	return !c->check && access(c->file, F_OK) && errno == ENOENT &&
	       config_past_is_there(c->view.root);
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
		"line is an error with its number, and nothing is changed.  What was taken out of the "
		"file is as it was before.  Prints what it changed.",
		NULL,
		NULL,
		NULL};
	static struct config c = {.view.root = ""};
	char *file = NULL;
	int ret = CLI_OK;

	argp_parse(&argp, argc, argv, 0, NULL, &c);
	if (!c.file) {
		if (asprintf(&file, "%s" CONFIG_FILE, c.view.root) < 0) {
			cli_complain("no memory");
			return CLI_FAILED;
		}
		c.file = file;
	}
	if (!file || !is_gone(&c))
		ret = read_file(&c);
	if (!ret && !c.check)
		ret = apply_alone(&c);
	free(file);
	return ret;
}
