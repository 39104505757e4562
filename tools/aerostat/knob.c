// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* aerostat knob: the module's settings, shown and changed. */
#include <inttypes.h>
#include <string.h>

#include "balloon.h"
#include "json.h"
#include "settings.h"

struct knob {
	struct cli_view view;
	const struct setting *setting;
	const char *text; /* the value as it was typed */
	uint64_t value;
};

static void list(const char *root)
{
	char range[SETTING_RANGE_MAX], value[24];
	size_t count;
	const struct setting *all = settings_table(&count);

	printf("%-26s %10s  %s\n", "name", "value", "range (initially): meaning");
	for (size_t i = 0; i < count; i++) {
		uint64_t number;

		if (setting_read(root, &all[i], &number))
			strcpy(value, "-");
		else
			snprintf(value, sizeof(value), "%" PRIu64, number);
		printf("%-26s %10s  %s (%" PRIu64 "): %s\n", all[i].name, value,
		       setting_range(&all[i], range), all[i].initial, all[i].what);
	}
}

static json_t *describe(const char *root, const struct setting *s)
{
	json_t *entry = json_object();
	uint64_t number;

	json_put_number(entry, "value", setting_read(root, s, &number) ? BALLOON_UNKNOWN : number);
	json_put_number(entry, "least", s->least);
	json_put_number(entry, "most", s->most);
	json_put_number(entry, "initial", s->initial);
	return entry;
}

static int list_json(const char *root)
{
	size_t count;
	const struct setting *all = settings_table(&count);
	json_t *document = json_object();

	for (size_t i = 0; i < count; i++)
		json_put(document, all[i].name, describe(root, &all[i]));
	return json_print(document);
}

static int show(const struct knob *k)
{
	uint64_t number;

	if (!k->setting) {
		if (k->view.json)
			return list_json(k->view.root);
		list(k->view.root);
		return CLI_OK;
	}
	if (k->view.json)
		return json_print(describe(k->view.root, k->setting));
	if (setting_read(k->view.root, k->setting, &number)) {
		cli_complain("the loaded module does not show %s", k->setting->name);
		return CLI_FAILED;
	}
	printf("%" PRIu64 "\n", number);
	return CLI_OK;
}

/* ---- options ---- */

static void name_all(char *names, size_t size)
{
	size_t count, used = 0;
	const struct setting *all = settings_table(&count);

	for (size_t i = 0; i < count && used < size; i++)
		used += (size_t)snprintf(names + used, size - used, "%s%s", i ? ", " : "",
					 all[i].name);
}

static void parse_word(struct knob *k, const char *word, const struct argp_state *state)
{
	char names[1024], range[SETTING_RANGE_MAX];

	if (state->arg_num == 0) {
		k->setting = setting_find(word);
		if (k->setting)
			return;
		name_all(names, sizeof(names));
		argp_error(state, "there is no setting '%s'; there are %s", cli_shown(word), names);
	} else if (state->arg_num > 1) {
		argp_error(state, "one setting at a time; '%s' is too much", cli_shown(word));
	} else {
		k->text = word;
		if (!setting_parse(k->setting, word, &k->value))
			argp_error(state, "%s is %s, not '%s'", k->setting->name,
				   setting_range(k->setting, range), cli_shown(word));
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct knob *k = state->input;
	struct argp_state view = *state;

	if (key == ARGP_KEY_ARG) {
		parse_word(k, arg, state);
		return 0;
	}
	view.input = &k->view;
	return cli_parse_view(key, arg, &view);
}

int cli_knob(int argc, char **argv)
{
	static const struct argp_option options[] = {CLI_JSON_OPTION, CLI_ROOT_OPTION, {0}};
	static const struct argp argp = {
		options,
		parse,
		"[NAME [VALUE]]",
		"Shows the module's settings with their ranges, or one, or sets one.  Amounts may have "
		"a unit (64MiB, 2s); without one they are in that of the setting's name.",
		NULL,
		NULL,
		NULL};
	struct knob k = {.view.root = ""};
	struct balloon b;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &k);
	ret = balloon_read(k.view.root, &b);
	if (ret)
		return ret;
	if (!k.text)
		return show(&k);
	/* The module says only "not supported"; why is known here. */
	if (!strcmp(k.setting->name, "selfballooning") && k.value)
		ret = balloon_may_choose(&b);
	return ret ? ret : setting_write(k.view.root, k.setting, k.value);
}
