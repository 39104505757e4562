// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "conf.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "text.h"
#include "units.h"

#define LINE_MOST 1024U

struct conf {
	struct aero_manager_config *config;
	const char *name;
	unsigned int line, wrong;
	void (*complain)(const char *line);
	struct aero_host_rule *rule; /* the section; NULL: above the first */
	bool skip;		     /* the section is no good */
};

__attribute__((format(printf, 2, 3))) static void wrong(struct conf *c, const char *format, ...)
{
	char text[768], words[512];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	snprintf(text, sizeof(text), "%s, line %u: %s", c->name, c->line, words);
	c->complain(text);
	c->wrong++;
}

/* ---- what concerns the host ---- */

static bool read_size(struct conf *c, const char *name, const char *value, uint64_t *kib)
{
	uint64_t size;

	if (units_parse_size(value, &size)) {
		*kib = size;
		return true;
	}
	wrong(c, "%s is " UNITS_SIZE_WANTED ", not '%s'", name, aero_host_shown(value));
	return false;
}

static void read_time(struct conf *c, const char *name, const char *value, uint32_t least_ms,
		      uint32_t most_ms, uint32_t *ms)
{
	uint64_t time = 0;

	if (units_parse_time(value, &time) && time >= least_ms && time <= most_ms)
		*ms = (uint32_t)time;
	else
		wrong(c, "%s is " UNITS_TIME_WANTED ", from %u to %u ms, not '%s'", name, least_ms,
		      most_ms, aero_host_shown(value));
}

static void read_policy(struct conf *c, const char *value)
{
	const struct aero_host_policy *policy = aero_host_policy_find(value);
	void *config = policy ? malloc(policy->config_size + 1) : NULL;

	if (!policy) {
		char names[256] = "";

		for (size_t i = 0; i < aero_host_policies_count; i++)
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
				 i ? ", " : "", aero_host_policies[i]->name);
		wrong(c, "there is no policy '%s'; there are %s", aero_host_shown(value), names);
	} else if (config) {
		free(c->config->policy_config);
		c->config->policy = policy;
		c->config->policy_config = config;
		aero_host_policy_set_initial(policy, config);
	}
}

/* An option of the policy that is named above. */
static void read_option(struct conf *c, const char *name, const char *value)
{
	const struct aero_host_policy *policy = c->config->policy;
	uint64_t number = 0;

	for (size_t i = 0; policy && i < policy->options_count; i++) {
		const struct aero_policy_option *option = &policy->options[i];

		if (strcmp(option->name, name))
			continue;
		if (aero_parse(value, option->most, &number) && number >= option->least)
			*aero_policy_option_at(option, c->config->policy_config) = (uint32_t)number;
		else
			wrong(c, "%s is a whole number from %u to %u, not '%s'", name,
			      option->least, option->most, aero_host_shown(value));
		return;
	}
	wrong(c,
	      "there is no setting '%s'; there are memory, reserve, period, stuck, boot, hold, "
	      "min-percent, policy, and behind policy its options",
	      aero_host_shown(name));
}

static void read_host(struct conf *c, const char *name, const char *value)
{
	struct aero_manager_config *config = c->config;
	uint64_t number = 0;

	if (!strcmp(name, "memory"))
		read_size(c, name, value, &config->memory_kib);
	else if (!strcmp(name, "reserve"))
		read_size(c, name, value, &config->reserve_kib);
	else if (!strcmp(name, "period"))
		read_time(c, name, value, 200, 60000, &config->period_ms);
	else if (!strcmp(name, "stuck"))
		read_time(c, name, value, 1000, 3600000, &config->stuck_ms);
	else if (!strcmp(name, "boot"))
		read_time(c, name, value, 1000, 3600000, &config->boot_ms);
	else if (!strcmp(name, "hold"))
		read_time(c, name, value, 1000, 3600000, &config->hold_ms);
	else if (!strcmp(name, "policy"))
		read_policy(c, value);
	else if (strcmp(name, "min-percent"))
		read_option(c, name, value);
	else if (aero_parse(value, 100, &number) && number)
		config->min_percent = (uint32_t)number;
	else
		wrong(c, "min-percent is a whole number from 1 to 100, not '%s'",
		      aero_host_shown(value));
}

/* ---- guests ---- */

/* A section with a wrong line leaves the guest its defaults, and no later section counts for it. */
static void read_guest(struct conf *c, const char *name, const char *value)
{
	char error[AERO_HOST_WORDS_MAX];

	if (c->skip ||
	    aero_host_settings_parse(&c->rule->settings, name, value, error, sizeof(error)))
		return;
	wrong(c, "%s; the default limits apply to guest %s", error, c->rule->pattern);
	c->rule->settings.set = 0;
	c->skip = true;
}

/* "[guest NAME]" */
static void begin_section(struct conf *c, char *text)
{
	struct aero_manager_config *config = c->config;
	size_t n = strlen(text);
	char *pattern;

	c->skip = true;
	c->rule = &config->rules[0];
	if (text[n - 1] != ']' || strncmp(text, "[guest ", 7)) {
		wrong(c, "a section is [guest NAME], not '%s'; its lines do not count",
		      aero_host_shown(text));
		return;
	}
	text[n - 1] = 0;
	pattern = aero_trim(text + 7);
	if (!*pattern || strlen(pattern) >= AERO_HOST_NAME_MAX)
		wrong(c, "a guest's name has 1 to %u bytes", AERO_HOST_NAME_MAX - 1);
	else if (config->rules_count == AERO_HOST_RULES_MAX)
		wrong(c, "more than %u sections; use patterns such as [guest web*]",
		      AERO_HOST_RULES_MAX);
	else {
		c->rule = &config->rules[config->rules_count++];
		memset(c->rule, 0, sizeof(*c->rule));
		strcpy(c->rule->pattern, pattern);
		c->skip = false;
	}
}

static void read_line(struct conf *c, char *text)
{
	char *name, *value;

	text[strcspn(text, "#")] = 0;
	name = aero_trim(text);
	if (!*name)
		return;
	if (*name == '[') {
		begin_section(c, name);
		return;
	}
	value = strchr(name, '=');
	if (!value) {
		wrong(c, "a line is NAME = VALUE or [guest NAME], not '%s'", aero_host_shown(name));
		return;
	}
	*value++ = 0;
	name = aero_trim(name);
	value = aero_trim(value);
	if (c->rule)
		read_guest(c, name, value);
	else
		read_host(c, name, value);
}

unsigned int aero_host_conf_read(FILE *from, const char *name, struct aero_manager_config *config,
				 void (*complain)(const char *line))
{
	struct conf c = {.config = config, .name = name, .complain = complain};
	char text[LINE_MOST];
	bool rest = false, whole;

	while (fgets(text, sizeof(text), from)) {
		whole = strchr(text, '\n') || feof(from);
		if (!rest) {
			c.line++;
			if (whole)
				read_line(&c, text);
			else
				wrong(&c, "longer than %u bytes", LINE_MOST - 2);
		}
		rest = !whole;
	}
	return c.wrong;
}
