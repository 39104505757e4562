// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* aerostat host: commands for the host of guests of libvirt or Xen.  docs/use/host.md describes
 * them. */
#include "host.h"

#include <string.h>

#include "metrics.h"
#include "screen.h"
#include "units.h"

#define ROOT_OPTION                                                                           \
	{                                                                                     \
		"root", CLI_OPTION_ROOT, "FOLDER", 0, "Look for the daemon in this folder", 0 \
	}

/* More than the daemon's own limit, so that its words come first. */
#define PATIENCE_MS 20000U

struct host {
	struct cli_view view;
	bool wants_name; /* of a guest */
	const char *name;
	bool dry_run;
	uint32_t interval_ms, count;
	json_t *status; /* of watch */
	uint64_t size_kib, timeout_ms;
	json_t *settings;
};

/* --json, --root and --output are everybody's; an argument is a guest's name. */
static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct host *h = state->input;
	struct argp_state view = *state;

	if (key == ARGP_KEY_ARG && h->wants_name && !h->name) {
		h->name = arg;
		return 0;
	}
	if (key == ARGP_KEY_END && h->wants_name && !h->name)
		argp_error(state, "which guest?");
	view.input = &h->view;
	return cli_parse_view(key, arg, &view);
}

static int print(json_t *answer, const struct host *h, bool decided)
{
	if (!answer)
		return CLI_FAILED;
	if (h->view.json)
		return json_print(answer);
	host_show(answer, decided);
	json_decref(answer);
	return CLI_OK;
}

static const json_t *find(const json_t *all, const char *name)
{
	const json_t *g;
	size_t i;

	json_array_foreach(json_object_get(all, "guests"), i, g) {
		if (!strcmp(host_text(g, "name"), name) || !strcmp(host_text(g, "id"), name))
			return g;
	}
	cli_complain("aerostat-hostd knows no guest '%s' that runs", cli_shown(name));
	return NULL;
}

/* ---- status, plan, explain ---- */

static int status(int argc, char **argv)
{
	static const struct argp_option options[] = {CLI_JSON_OPTION, ROOT_OPTION, {0}};
	static const struct argp argp = {
		options,
		parse,
		NULL,
		"Shows the host's memory and its guests: what each has, was asked for and needs, "
		"within which limits, and why.",
		NULL,
		NULL,
		NULL};
	struct host h = {.view.root = ""};

	argp_parse(&argp, argc, argv, 0, NULL, &h);
	return print(host_read(h.view.root, "status"), &h, false);
}

static error_t parse_plan(int key, char *arg, struct argp_state *state)
{
	struct host *h = state->input;

	if (key != 'n')
		return parse(key, arg, state);
	h->dry_run = true;
	return 0;
}

static int plan(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"dry-run", 'n', NULL, 0, "The step that would come now, without doing it", 0},
		CLI_JSON_OPTION,
		ROOT_OPTION,
		{0}};
	static const struct argp argp = {options,
					 parse_plan,
					 NULL,
					 "Shows what the policy decided in the last step, which "
					 "the daemon carries out as far as it may.",
					 NULL,
					 NULL,
					 NULL};
	struct host h = {.view.root = ""};

	argp_parse(&argp, argc, argv, 0, NULL, &h);
	return print(host_read(h.view.root, h.dry_run ? "plan" : "status"), &h, true);
}

static int explain(int argc, char **argv)
{
	static const struct argp_option options[] = {CLI_JSON_OPTION, ROOT_OPTION, {0}};
	static const struct argp argp = {
		options, parse, "DOMAIN", "Says why a guest has what it has.", NULL, NULL, NULL};
	struct host h = {.view.root = "", .wants_name = true};
	const json_t *g;
	json_t *all;
	int ret = CLI_OK;

	argp_parse(&argp, argc, argv, 0, NULL, &h);
	all = host_read(h.view.root, "status");
	if (!all)
		return CLI_FAILED;
	g = find(all, h.name);
	if (!g)
		ret = CLI_FAILED;
	else if (h.view.json)
		ret = json_print(json_incref((json_t *)(uintptr_t)g));
	else
		host_explain(all, g);
	json_decref(all);
	return ret;
}

/* ---- watch ---- */

static int take(void *of)
{
	struct host *h = of;

	json_decref(h->status);
	h->status = host_read(h->view.root, "status");
	return h->status ? CLI_OK : CLI_FAILED;
}

static void draw(void *of)
{
	const struct host *h = of;
	char text[2 * HOST_LINE_MAX];
	const json_t *g;
	size_t i;

	host_summary(h->status, text);
	screen_words(0, 4, text);
	screen_text(5, 0, "%s", host_table_head());
	json_array_foreach(json_object_get(h->status, "guests"), i, g) {
		host_table_line(g, false, text);
		screen_text(6 + (int)i, 0, "%s", text);
	}
}

static error_t parse_watch(int key, char *arg, struct argp_state *state)
{
	struct host *h = state->input;

	switch (key) {
	case 'i':
		h->interval_ms = cli_number("interval-ms", arg, 100, 60000, state);
		return 0;
	case 'n':
		h->count = cli_number("count", arg, 0, UINT32_MAX - 1, state);
		return 0;
	default:
		return parse(key, arg, state);
	}
}

static int watch(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"interval-ms", 'i', "N", 0, "From one moment to the next (1000)", 0},
		{"count", 'n', "N", 0, "End after so many; 0: until q (0)", 0},
		ROOT_OPTION,
		{0}};
	static const struct argp argp = {
		options, parse_watch, NULL, "Shows what status shows, live.  q ends it.",
		NULL,	 NULL,	      NULL};
	struct host h = {.view.root = "", .interval_ms = 1000};
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &h);
	ret = screen_run(&(const struct screen){.name = "host watch",
						.interval_ms = h.interval_ms,
						.count = h.count,
						.take = take,
						.draw = draw,
						.of = &h});
	json_decref(h.status);
	return ret;
}

/* ---- make-room ---- */

static error_t parse_room(int key, char *arg, struct argp_state *state)
{
	struct host *h = state->input;

	switch (key) {
	case 't':
		if (!units_parse_time(arg, &h->timeout_ms) || h->timeout_ms > 3600000)
			argp_error(state, "--timeout wants " UNITS_TIME_WANTED ", at most 1h");
		return 0;
	case ARGP_KEY_ARG:
		if (h->size_kib || !units_parse_size(arg, &h->size_kib) || !h->size_kib)
			argp_error(state, "it wants one size, " UNITS_SIZE_WANTED);
		return 0;
	case ARGP_KEY_END:
		if (!h->size_kib)
			argp_error(state, "how much?");
		return 0;
	default:
		return parse(key, arg, state);
	}
}

static int make_room(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"timeout", 't', "TIME", 0, "Give up after so long (1min)", 0},
		CLI_JSON_OPTION,
		ROOT_OPTION,
		{0}};
	static const struct argp argp = {
		options,
		parse_room,
		"SIZE",
		"Makes memory free for a guest that is to be started, and keeps it free for two "
		"minutes.  Waits until it is, or says which guests can't give.",
		NULL,
		NULL,
		NULL};
	struct host h = {.view.root = "", .timeout_ms = 60000};
	char text[UNITS_TEXT_MAX], kept[UNITS_TEXT_MAX];
	json_t *answer;

	argp_parse(&argp, argc, argv, 0, NULL, &h);
	answer = host_ask(h.view.root, true,
			  json_pack("{s:s, s:I, s:I}", "command", "make-room", "size_kib",
				    (json_int_t)h.size_kib, "timeout_ms", (json_int_t)h.timeout_ms),
			  h.timeout_ms + PATIENCE_MS);
	if (!answer)
		return CLI_FAILED;
	if (h.view.json)
		return json_print(answer);
	units_time(kept, host_kib(answer, "kept_ms"));
	printf("%s are free, and kept free for %s\n",
	       units_size(text, host_kib(answer, "free_kib")), kept);
	json_decref(answer);
	return CLI_OK;
}

/* ---- set ---- */

static error_t parse_set(int key, char *arg, struct argp_state *state)
{
	struct host *h = state->input;
	uint64_t number = 0;

	switch (key) {
	case 'l':
	case 'u':
		if (!units_parse_size(arg, &number) || !number)
			argp_error(state, "--%s wants " UNITS_SIZE_WANTED ", not '%s'",
				   key == 'l' ? "min" : "max", cli_shown(arg));
		json_put(h->settings, key == 'l' ? "min" : "max", json_string(arg));
		return 0;
	case 's':
		cli_number("shares", arg, 1, 1000000, state);
		json_put(h->settings, "shares", json_string(arg));
		return 0;
	case 'm':
		if (strcmp(arg, "yes") && strcmp(arg, "no"))
			argp_error(state, "--managed wants yes or no, not '%s'", cli_shown(arg));
		json_put(h->settings, "managed", json_string(arg));
		return 0;
	case ARGP_KEY_SUCCESS:
		if (!json_object_size(h->settings))
			argp_error(state, "set what?  --min, --max, --shares or --managed");
		return 0;
	default:
		return parse(key, arg, state);
	}
}

static int set(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"min", 'l', "SIZE", 0, "It is never asked for less", 0},
		{"max", 'u', "SIZE", 0, "It is never given more", 0},
		{"shares", 's', "N", 0, "Its weight beside the others (100)", 0},
		{"managed", 'm', "yes|no", 0, "no: leave its size alone", 0},
		CLI_JSON_OPTION,
		ROOT_OPTION,
		{0}};
	static const struct argp argp = {
		options,
		parse_set,
		"DOMAIN",
		"Sets a guest's limits.  They are kept in the domain's metadata, also for its next "
		"start.",
		NULL,
		NULL,
		NULL};
	struct host h = {.view.root = "", .wants_name = true, .settings = json_object()};

	argp_parse(&argp, argc, argv, 0, NULL, &h);
	return print(host_ask(h.view.root, true,
			      json_pack("{s:s, s:s, s:o}", "command", "set", "guest", h.name,
					"settings", h.settings),
			      PATIENCE_MS),
		     &h, false);
}

/* ---- export ---- */

static int export_all(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"output", 'o', "FILE", 0, "Replace this file; without it, standard output", 0},
		ROOT_OPTION,
		{0}};
	static const struct argp argp = {options,
					 parse,
					 NULL,
					 "Prints the host's and its guests' figures in Prometheus' "
					 "text format, in bytes.  Without the daemon "
					 "aerostat_host_up is 0, and the exit status is 1.",
					 NULL,
					 NULL,
					 NULL};
	struct host h = {.view.root = ""};
	json_t *all;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &h);
	all = host_read(h.view.root, "status");
	ret = metrics_write(h.view.output, host_metrics, all);
	if (!all)
		ret = CLI_FAILED;
	json_decref(all);
	return ret;
}

int cli_host(int argc, char **argv)
{
	static const struct cli_command commands[] = {
		{"explain", "says why a guest has what it has", explain},
		{"export", "prints the figures for Prometheus", export_all},
		{"make-room", "makes memory free for a guest to be started", make_room},
		{"plan", "shows what the policy decides", plan},
		{"set", "sets a guest's limits", set},
		{"status", "shows the host's memory and its guests", status},
		{"watch", "shows them live on a terminal", watch},
	};

	return cli_dispatch(commands, sizeof(commands) / sizeof(*commands),
			    "The memory of a host and its guests, which aerostat-hostd shares "
			    "out.\v",
			    argc, argv);
}
