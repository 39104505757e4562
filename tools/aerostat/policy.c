// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* aerostat policy: which there are, and what one would say to recorded figures. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct eval {
	const struct aero_policy *policy;
	void *config, *state;
	bool explain;
	bool lost;   /* not all of the result could be kept, or written */
	bool stream; /* each line is written at once, for the input may have no end */
	size_t time; /* the field that says when, which is handed on; from 1; 0: there is none */
	const char *file;
	/* Of each column of ours, which field of a line it is, from 1; 0: it is not there. */
	size_t place[64];
	size_t fields;
};

/* ---- the header ---- */

/* The recording's own column of time, as `aerostat record` writes it. */
#define TIME_COLUMN "time_ms"

static int find_time(struct eval *e, const struct csv *csv)
{
	for (size_t f = 0; f < csv->fields; f++) {
		if (strcmp(csv->field[f], TIME_COLUMN))
			continue;
		if (e->time) {
			csv_complain(csv, "two columns are named '%s'", TIME_COLUMN);
			return -1;
		}
		e->time = f + 1;
	}
	return 0;
}

static int find_columns(struct eval *e, const struct csv *csv)
{
	for (size_t c = 0; c < cli_columns_count; c++) {
		const char *name = cli_columns[c].name;

		for (size_t f = 0; f < csv->fields; f++) {
			if (strcmp(csv->field[f], name))
				continue;
			if (e->place[c]) {
				csv_complain(csv, "two columns are named '%s'", name);
				return -1;
			}
			e->place[c] = f + 1;
		}
		if (!e->place[c] && (e->policy->needs & cli_columns[c].figure)) {
			csv_complain(csv, "no column is named '%s', which --policy %s needs", name,
				     e->policy->name);
			return -1;
		}
		/* What a policy does not look at may be anything. */
		if (!((e->policy->needs | e->policy->reads) & cli_columns[c].figure))
			e->place[c] = 0;
	}
	return 0;
}

static int read_header(struct eval *e, struct csv *csv)
{
	int ret = csv_read(csv);

	if (!ret)
		csv_complain(csv, "the file is empty; its first line should name the columns");
	if (ret <= 0)
		return -1;
	/* Some programs put a byte-order mark there. */
	if (!strncmp(csv->field[0], "\xef\xbb\xbf", 3))
		csv->field[0] += 3;
	e->fields = csv->fields;
	return find_time(e, csv) || find_columns(e, csv) ? -1 : 0;
}

/* ---- the lines ---- */

static int read_figure(const struct csv *csv, const struct cli_column *column, const char *text,
		       struct aero_policy_figures *figures)
{
	uint64_t most = column->narrow ? column->most : UINT64_MAX, value = 0;

	if (column->may_lack && !strcmp(text, "-")) {
		value = AERO_POLICY_UNKNOWN;
	} else if (!aero_parse(text, most, &value)) {
		csv_complain(csv, "%s is '%s'; it should be a whole number from 0 to %llu%s",
			     column->name, cli_shown(text), (unsigned long long)most,
			     column->may_lack ? ", or -" : "");
		return -1;
	}
	cli_column_set(column, figures, value);
	return 0;
}

static int read_figures(const struct eval *e, const struct csv *csv,
			struct aero_policy_figures *figures)
{
	uint64_t time_ms;

	*figures = (struct aero_policy_figures){
		.some_permille = AERO_POLICY_UNKNOWN,
		.full_permille = AERO_POLICY_UNKNOWN,
	};
	if (csv->fields != e->fields) {
		csv_complain(csv, "%zu fields, but the header names %zu columns", csv->fields,
			     e->fields);
		return -1;
	}
	if (e->time && !aero_parse(csv->field[e->time - 1], UINT64_MAX, &time_ms)) {
		csv_complain(csv, "%s is '%s'; it should be a whole number", TIME_COLUMN,
			     cli_shown(csv->field[e->time - 1]));
		return -1;
	}
	for (size_t c = 0; c < cli_columns_count; c++)
		if (e->place[c] &&
		    read_figure(csv, &cli_columns[c], csv->field[e->place[c] - 1], figures))
			return -1;
	return 0;
}

/* A stream in memory does not remember errors: only the calls tell.  False: one failed. */
static bool say(FILE *to, struct eval *e, const struct csv *csv,
		const struct aero_policy_figures *f)
{
	const char *level;
	uint32_t quiet_left_ms;
	uint64_t target = 0;
	bool good = true;

	if (e->time)
		good = fprintf(to, "%s,", csv->field[e->time - 1]) > 0;
	if (e->policy->step(e->config, e->state, f, &target))
		good = fprintf(to, "%llu", (unsigned long long)target) > 0 && good;
	else
		good = fputc('-', to) != EOF && good;
	if (e->explain) {
		e->policy->explain(e->state, &level, &quiet_left_ms);
		good = fprintf(to, ",%s,%u", level, quiet_left_ms) > 0 && good;
	}
	good = fputc('\n', to) != EOF && good;
	return e->stream ? !fflush(to) && good : good;
}

/*
 * Of a file everything is said at the end, or nothing: what a bad file leads to is no result.
 * A stream is answered line by line, and a bad line ends it.
 */
static int eval_to(struct eval *e, struct csv *csv, FILE *to)
{
	struct aero_policy_figures figures;
	int ret = 0;

	if (read_header(e, csv))
		return -1;
	fprintf(to, "%starget%s\n", e->time ? TIME_COLUMN "," : "",
		e->explain ? ",level,quiet_left_ms" : "");
	if (e->stream)
		e->lost = fflush(to) != 0;
	/* The input may have no end, so what can't be kept is noticed while it is read. */
	while (!e->lost && (ret = csv_read(csv)) > 0) {
		if (read_figures(e, csv, &figures))
			return -1;
		e->lost = !say(to, e, csv, &figures);
	}
	return e->lost ? -1 : ret;
}

static int flush_all(const char *text, size_t length)
{
	if (fwrite(text, 1, length, stdout) != length || fflush(stdout)) {
		cli_complain("can't write the result: %s", strerror(errno));
		return CLI_FAILED;
	}
	return CLI_OK;
}

static int eval_stream(struct eval *e, struct csv *csv)
{
	e->stream = true;
	if (!eval_to(e, csv, stdout))
		return CLI_OK;
	if (!e->lost)
		return CLI_MISUSE;
	cli_complain("can't write the result: %s", strerror(errno));
	return CLI_FAILED;
}

static int eval_file(struct eval *e, struct csv *csv)
{
	char *text = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&text, &length);
	int ret;

	ret = to && !eval_to(e, csv, to) ? CLI_OK : CLI_MISUSE;
	if (!to || fclose(to) || e->lost) {
		cli_complain("no memory for the result");
		ret = CLI_FAILED;
	}
	if (ret == CLI_OK)
		ret = flush_all(text, length);
	free(text);
	return ret;
}

static int eval(struct eval *e)
{
	bool standard = !strcmp(e->file, "-");
	struct csv *csv = calloc(1, sizeof(*csv));
	int ret;

	if (!csv) {
		cli_complain("no memory");
		return CLI_FAILED;
	}
	csv->name = standard ? "standard input" : e->file;
	csv->from = standard ? stdin : fopen(e->file, "re");
	if (csv->from) {
		ret = standard ? eval_stream(e, csv) : eval_file(e, csv);
		if (!standard)
			fclose(csv->from);
	} else {
		cli_complain("can't read %s: %s", e->file, strerror(errno));
		ret = CLI_MISUSE;
	}
	free(csv);
	return ret;
}

/* ---- options ---- */

enum {
	OPTION_POLICY = 256,
	OPTION_PAGE_KIB,
	OPTION_EXPLAIN,
	OPTION_NUMBER /* and those after it: the options of all policies, each name once */
};

#define NUMBERS_MAX 64U
#define TEXT_MAX    128U

/* What the table offers, as argp wants it. */
struct offer {
	struct argp_option option[NUMBERS_MAX + 4];
	char text[NUMBERS_MAX][TEXT_MAX];
	const struct aero_policy_option *number[NUMBERS_MAX];
	size_t numbers;
	char names[TEXT_MAX]; /* "committed, pressure or selfshrink" */
};

/* Which options were given, for the policy may come last. */
struct parsing {
	struct eval *e;
	const struct offer *offer;
	uint32_t given[NUMBERS_MAX];
	bool is_given[NUMBERS_MAX];
	uint32_t page_kib;
};

static void offer_names(struct offer *o)
{
	size_t n = aero_guest_policies_count, used = 0;

	for (size_t p = 0; p < n && used < sizeof(o->names); p++)
		used += (size_t)snprintf(o->names + used, sizeof(o->names) - used, "%s%s",
					 aero_guest_policies[p]->name,
					 p + 2 < n    ? ", "
					 : p + 2 == n ? " or "
						      : "");
}

/* An option that two policies have is offered once, with the text of the first. */
static void offer_number(struct offer *o, const struct aero_policy *policy,
			 const struct aero_policy_option *number)
{
	size_t n = o->numbers;

	for (size_t i = 0; i < n; i++)
		if (!strcmp(o->number[i]->name, number->name))
			return;
	if (n == NUMBERS_MAX)
		return;
	snprintf(o->text[n], TEXT_MAX, "For %s: %s (%u)", policy->name, number->text,
		 number->initial);
	o->number[n] = number;
	o->option[3 + n] =
		(struct argp_option){number->name, OPTION_NUMBER + (int)n, "N", 0, o->text[n], 1};
	o->numbers++;
}

static void offer_options(struct offer *o)
{
	offer_names(o);
	o->option[0] = (struct argp_option){"policy", OPTION_POLICY, "NAME", 0, o->names, 0};
	o->option[1] = (struct argp_option){"page-kib",
					    OPTION_PAGE_KIB,
					    "N",
					    0,
					    "The recorded guest's page: 4 (default), 16 or 64",
					    0};
	o->option[2] = (struct argp_option){
		"explain",
		OPTION_EXPLAIN,
		NULL,
		0,
		"More columns: how the guest did, and how long it will not shrink",
		0};
	for (size_t p = 0; p < aero_guest_policies_count; p++)
		for (size_t i = 0; i < aero_guest_policies[p]->options_count; i++)
			offer_number(o, aero_guest_policies[p],
				     &aero_guest_policies[p]->options[i]);
}

static const struct aero_policy *parse_policy(const char *name, const struct parsing *p,
					      const struct argp_state *state)
{
	for (size_t i = 0; i < aero_guest_policies_count; i++)
		if (!strcmp(name, aero_guest_policies[i]->name))
			return aero_guest_policies[i];
	argp_error(state, "--policy is %s, not '%s'", p->offer->names, cli_shown(name));
	return NULL;
}

static void check_order(const struct eval *e, const struct argp_state *state)
{
	for (size_t i = 0; i < e->policy->options_count; i++) {
		const struct aero_policy_option *high = &e->policy->options[i], *low;
		uint32_t most, least;

		if (!high->not_below)
			continue;
		low = aero_policy_option_find(e->policy, high->not_below);
		most = *aero_policy_option_at(high, e->config);
		least = *aero_policy_option_at(low, e->config);
		if (most < least)
			argp_error(state, "--%s %u must not be below --%s %u", high->name, most,
				   low->name, least);
	}
}

/* The names are the same where two policies share an option, the ranges need not be. */
static void apply_number(const struct parsing *p, size_t i, const struct argp_state *state)
{
	const char *name = p->offer->number[i]->name;
	const struct aero_policy_option *number = aero_policy_option_find(p->e->policy, name);

	if (!number)
		argp_error(state, "--%s is not for --policy %s", name, p->e->policy->name);
	else if (p->given[i] < number->least || p->given[i] > number->most)
		argp_error(state, "--%s is from %u to %u for --policy %s", name, number->least,
			   number->most, p->e->policy->name);
	else
		*aero_policy_option_at(number, p->e->config) = p->given[i];
}

static uint32_t page_shift_of(uint32_t kib)
{
	uint32_t shift = 12;

	while (4U << (shift - 12) < kib)
		shift++;
	return shift;
}

static void apply(struct parsing *p, const struct argp_state *state)
{
	struct eval *e = p->e;

	if (!e->policy)
		argp_error(state, "which policy?  --policy %s", p->offer->names);
	if (!e->file)
		argp_error(state, "which file?  - is standard input");
	if (e->explain && !e->policy->explain)
		argp_error(state, "--policy %s has nothing for --explain to tell", e->policy->name);
	e->config = calloc(1, e->policy->config_size);
	e->state = calloc(1, e->policy->state_size + 1);
	if (!e->config || !e->state)
		argp_failure(state, CLI_FAILED, 0, "no memory");
	e->policy->defaults(e->config, page_shift_of(p->page_kib));
	for (size_t i = 0; i < p->offer->numbers; i++)
		if (p->is_given[i])
			apply_number(p, i, state);
	check_order(e, state);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct parsing *p = state->input;
	size_t i = (size_t)(key - OPTION_NUMBER);

	if (key >= OPTION_NUMBER && i < p->offer->numbers) {
		p->given[i] = cli_number(p->offer->number[i]->name, arg, p->offer->number[i]->least,
					 p->offer->number[i]->most, state);
		p->is_given[i] = true;
		return 0;
	}
	switch (key) {
	case OPTION_POLICY:
		p->e->policy = parse_policy(arg, p, state);
		return 0;
	case OPTION_PAGE_KIB:
		p->page_kib = cli_number("page-kib", arg, 4, 64, state);
		if (p->page_kib != 4 && p->page_kib != 16 && p->page_kib != 64)
			argp_error(state, "--page-kib is 4, 16 or 64, not %u", p->page_kib);
		return 0;
	case OPTION_EXPLAIN:
		p->e->explain = true;
		return 0;
	case ARGP_KEY_ARG:
		if (p->e->file)
			argp_error(state, "one file at a time; '%s' is the second", cli_shown(arg));
		p->e->file = arg;
		return 0;
	case ARGP_KEY_END:
		apply(p, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int run_eval(int argc, char **argv)
{
	struct offer offer = {.numbers = 0};
	const struct argp argp = {
		offer.option,
		parse,
		"FILE|-",
		"Prints the target a policy would choose for each line of a recording.  The first "
		"line of FILE names the columns; docs/use/cli.md lists them.  Nothing is changed.",
		NULL,
		NULL,
		NULL};
	struct eval e = {.file = NULL};
	struct parsing p = {.e = &e, .offer = &offer, .page_kib = 4};
	int ret;

	offer_options(&offer);
	argp_parse(&argp, argc, argv, 0, NULL, &p);
	if (e.policy->init)
		e.policy->init(e.config, e.state);
	ret = eval(&e);
	free(e.config);
	free(e.state);
	return ret;
}

/* ---- the list ---- */

static void list_needs(const struct aero_policy *policy)
{
	printf("  needs:");
	for (size_t c = 0; c < cli_columns_count; c++)
		if (policy->needs & cli_columns[c].figure)
			printf(" %s", cli_columns[c].name);
	puts(policy->needs & AERO_NEEDS_STALL_REPORT ? ", and aerostatd's reports of stalls" : "");
}

static int run_list(int argc, char **argv)
{
	static const struct argp argp = {
		NULL,
		NULL,
		NULL,
		"Lists the policies with the figures each needs and its options: initial value, "
		"range, unit.",
		NULL,
		NULL,
		NULL};

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	for (size_t p = 0; p < aero_guest_policies_count; p++) {
		const struct aero_policy *policy = aero_guest_policies[p];

		printf("%s: %s\n", policy->name, policy->summary);
		list_needs(policy);
		for (size_t i = 0; i < policy->options_count; i++) {
			const struct aero_policy_option *o = &policy->options[i];

			printf("  %s %u (%u to %u)%s%s: %s\n", o->name, o->initial, o->least,
			       o->most, *o->unit ? " " : "", o->unit, o->text);
		}
	}
	if (fflush(stdout)) {
		cli_complain("can't write the list: %s", strerror(errno));
		return CLI_FAILED;
	}
	return CLI_OK;
}

static bool is_command(const char *word)
{
	static const char *const words[] = {"eval",    "list",	    "--help", "-?",
					    "--usage", "--version", "-V"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

int cli_policy(int argc, char **argv)
{
	static const struct cli_command commands[] = {
		{"eval", "prints the targets a policy would choose", run_eval},
		{"list", "lists the policies and their options", run_list},
	};

	/* A policy's name, or nothing: the guest's own. */
	if (argc < 2 || !is_command(argv[1]))
		return cli_policy_choose(argc, argv);
	return cli_dispatch(
		commands, sizeof(commands) / sizeof(*commands),
		"The guest's own policies.  Without a command the guest's is shown; with "
		"the name of one it is chosen.\v",
		argc, argv);
}
