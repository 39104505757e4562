// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* aerostat policy eval: what a policy would say to recorded figures. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum policy { POLICY_NONE, COMMITTED, PRESSURE, SELFSHRINK, POLICIES };

static const char *const policy_names[POLICIES] = {NULL, "committed", "pressure", "selfshrink"};

/* The columns a policy can't do without; others of cli_columns are read where they are. */
static const char *const needed[POLICIES][9] = {
	[COMMITTED] = {"managed", "committed", "reserve", "swapped", "max_pfn", "current"},
	[PRESSURE] = {"managed", "committed", "reserve", "max_pfn", "current", "free", "available"},
	[SELFSHRINK] = {"swapped"},
};

struct eval {
	enum policy policy;
	bool explain;
	const char *file;
	struct aero_committed_config committed;
	struct aero_selfshrink_config selfshrink;
	struct aero_pressure_config pressure;
	struct aero_selfshrink shrunk;
	struct aero_pressure pressed;
	/* Of each column of ours, which field of a line it is, from 1; 0: it is not there. */
	size_t place[64];
	size_t fields;
};

/* ---- the header ---- */

static bool is_needed(const struct eval *e, const char *name)
{
	for (size_t i = 0; needed[e->policy][i]; i++)
		if (!strcmp(needed[e->policy][i], name))
			return true;
	return false;
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
		if (!e->place[c] && is_needed(e, name)) {
			csv_complain(csv, "no column is named '%s', which --policy %s needs", name,
				     policy_names[e->policy]);
			return -1;
		}
		/* What a policy does not look at may be anything. */
		if (e->policy != PRESSURE && !is_needed(e, name))
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
	return find_columns(e, csv);
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
	*figures = (struct aero_policy_figures){
		.some_permille = AERO_POLICY_UNKNOWN,
		.full_permille = AERO_POLICY_UNKNOWN,
	};
	if (csv->fields != e->fields) {
		csv_complain(csv, "%zu fields, but the header names %zu columns", csv->fields,
			     e->fields);
		return -1;
	}
	for (size_t c = 0; c < cli_columns_count; c++)
		if (e->place[c] &&
		    read_figure(csv, &cli_columns[c], csv->field[e->place[c] - 1], figures))
			return -1;
	return 0;
}

static void say(FILE *to, struct eval *e, const struct aero_policy_figures *f)
{
	uint64_t target = 0;

	switch (e->policy) {
	case COMMITTED:
		target = aero_committed_target_pages(&e->committed, f);
		break;
	case PRESSURE:
		target = aero_pressure_step(&e->pressure, &e->pressed, f);
		break;
	default:
		if (!aero_selfshrink_step(&e->selfshrink, &e->shrunk, f->swapped_pages, &target)) {
			fputs("-\n", to);
			return;
		}
	}
	fprintf(to, "%llu", (unsigned long long)target);
	if (e->explain)
		fprintf(to, ",%s,%u", aero_pressure_level_name(e->pressed.level),
			e->pressed.quiet_left_ms);
	fputc('\n', to);
}

/* Everything is said at the end, or nothing: what a bad file leads to is no result. */
static int eval_to(struct eval *e, struct csv *csv, FILE *to)
{
	struct aero_policy_figures figures;
	int ret;

	if (read_header(e, csv))
		return -1;
	fputs(e->explain ? "target,level,quiet_left_ms\n" : "target\n", to);
	while ((ret = csv_read(csv)) > 0) {
		if (read_figures(e, csv, &figures))
			return -1;
		say(to, e, &figures);
	}
	return ret;
}

static int flush_all(const char *text, size_t length)
{
	if (fwrite(text, 1, length, stdout) != length || fflush(stdout)) {
		cli_complain("can't write the result: %s", strerror(errno));
		return CLI_FAILED;
	}
	return CLI_OK;
}

static int eval_file(struct eval *e, struct csv *csv)
{
	char *text = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&text, &length);
	int ret;

	ret = to && !eval_to(e, csv, to) ? CLI_OK : CLI_MISUSE;
	if (!to || ferror(to) || fclose(to)) {
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
		ret = eval_file(e, csv);
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
	OPTION_NUMBER /* and those after it */
};

/* Numbers, with the policies they are for. */
static const struct number {
	const char *name;
	unsigned int policies; /* bits */
	size_t offset;	       /* in struct eval */
	size_t offset2;	       /* and a second place, or 0 */
	uint32_t least, most;
} numbers[] = {
	{"down-hysteresis", 1U << COMMITTED, offsetof(struct eval, committed.down_hysteresis), 0, 1,
	 UINT32_MAX},
	{"up-hysteresis", 1U << COMMITTED, offsetof(struct eval, committed.up_hysteresis), 0, 1,
	 UINT32_MAX},
	{"min-usable-mb", 1U << COMMITTED | 1U << PRESSURE,
	 offsetof(struct eval, committed.min_usable_mb),
	 offsetof(struct eval, pressure.min_usable_mb), 0, UINT32_MAX},
	{"hysteresis", 1U << SELFSHRINK, offsetof(struct eval, selfshrink.hysteresis), 0, 1,
	 UINT32_MAX},
	{"inertia", 1U << SELFSHRINK, offsetof(struct eval, selfshrink.inertia), 0, 1, UINT32_MAX},
	{"headroom-permille", 1U << PRESSURE, offsetof(struct eval, pressure.headroom_permille), 0,
	 0, 10000},
	{"headroom-mb", 1U << PRESSURE, offsetof(struct eval, pressure.headroom_mb), 0, 0,
	 1U << 20},
	{"stall-permille", 1U << PRESSURE, offsetof(struct eval, pressure.stall_permille), 0, 1,
	 1000},
	{"refaults-per-s", 1U << PRESSURE, offsetof(struct eval, pressure.refaults_per_s), 0, 1,
	 UINT32_MAX},
	{"free-return-ms", 1U << PRESSURE, offsetof(struct eval, pressure.free_return_ms), 0, 1,
	 UINT32_MAX},
	{"cache-return-ms", 1U << PRESSURE, offsetof(struct eval, pressure.cache_return_ms), 0, 1,
	 UINT32_MAX},
	{"quiet-ms", 1U << PRESSURE, offsetof(struct eval, pressure.quiet_ms), 0, 0, 86400000},
	{"quiet-max-ms", 1U << PRESSURE, offsetof(struct eval, pressure.quiet_max_ms), 0, 0,
	 86400000},
};

#define NUMBERS (sizeof(numbers) / sizeof(*numbers))

static const struct argp_option option_table[] = {
	{"policy", OPTION_POLICY, "NAME", 0, "committed, pressure or selfshrink", 0},
	{"page-kib", OPTION_PAGE_KIB, "N", 0, "The recorded guest's page: 4 (default), 16 or 64",
	 0},
	{NULL, 0, NULL, 0, "For committed:", 1},
	{"down-hysteresis", OPTION_NUMBER + 0, "N", 0, "1/N of the way down in a step (8)", 1},
	{"up-hysteresis", OPTION_NUMBER + 1, "N", 0, "1/N of the way up in a step (1)", 1},
	{"min-usable-mb", OPTION_NUMBER + 2, "N", 0,
	 "The floor above the reserve; 0: by the guest's size (0); for pressure too", 1},
	{NULL, 0, NULL, 0, "For selfshrink:", 2},
	{"hysteresis", OPTION_NUMBER + 3, "N", 0, "1/N of the store comes home in a step (20)", 2},
	{"inertia", OPTION_NUMBER + 4, "N", 0, "Steps without growth before the first (3)", 2},
	{NULL, 0, NULL, 0, "For pressure:", 3},
	{"headroom-permille", OPTION_NUMBER + 5, "N", 0,
	 "Of the memory in use, stays available on top of it (100)", 3},
	{"headroom-mb", OPTION_NUMBER + 6, "N", 0, "And at least so much (16)", 3},
	{"stall-permille", OPTION_NUMBER + 7, "N", 0,
	 "A share of stalled time that is pressure (10)", 3},
	{"refaults-per-s", OPTION_NUMBER + 8, "N", 0,
	 "Refaults and pages from swap that are pressure (64)", 3},
	{"free-return-ms", OPTION_NUMBER + 9, "N", 0,
	 "Time constant with which free memory is given up (20000)", 3},
	{"cache-return-ms", OPTION_NUMBER + 10, "N", 0, "And page cache (160000)", 3},
	{"quiet-ms", OPTION_NUMBER + 11, "N", 0, "No shrinking for so long after pressure (30000)",
	 3},
	{"quiet-max-ms", OPTION_NUMBER + 12, "N", 0,
	 "And at most, when shrinking was wrong (3600000)", 3},
	{"explain", OPTION_EXPLAIN, NULL, 0,
	 "More columns: how the guest did, and how long it will not shrink", 3},
	{0},
};

_Static_assert(NUMBERS == 13, "option_table names each of them");

/* Which options were given, for the policy may come last. */
struct parsing {
	struct eval *e;
	uint32_t given[NUMBERS];
	bool is_given[NUMBERS];
	uint32_t page_kib;
};

static enum policy parse_policy(const char *name, const struct argp_state *state)
{
	for (int p = COMMITTED; p < POLICIES; p++)
		if (!strcmp(name, policy_names[p]))
			return (enum policy)p;
	argp_error(state, "--policy is committed, pressure or selfshrink, not '%s'",
		   cli_shown(name));
	return POLICY_NONE;
}

static void put(struct eval *e, size_t offset, uint32_t value)
{
	if (offset)
		memcpy((char *)e + offset, &value, sizeof(value));
}

static void apply(struct parsing *p, const struct argp_state *state)
{
	struct eval *e = p->e;

	if (e->policy == POLICY_NONE)
		argp_error(state, "which policy?  --policy committed, pressure or selfshrink");
	if (!e->file)
		argp_error(state, "which file?  - is standard input");
	if (e->explain && e->policy != PRESSURE)
		argp_error(state, "--explain is for --policy pressure");
	for (size_t i = 0; i < NUMBERS; i++) {
		if (!p->is_given[i])
			continue;
		if (!(numbers[i].policies & 1U << e->policy))
			argp_error(state, "--%s is not for --policy %s", numbers[i].name,
				   policy_names[e->policy]);
		put(e, numbers[i].offset, p->given[i]);
		put(e, numbers[i].offset2, p->given[i]);
	}
	if (e->pressure.quiet_max_ms < e->pressure.quiet_ms)
		argp_error(state, "--quiet-max-ms %u must not be below --quiet-ms %u",
			   e->pressure.quiet_max_ms, e->pressure.quiet_ms);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct parsing *p = state->input;
	size_t i = (size_t)(key - OPTION_NUMBER);

	if (key >= OPTION_NUMBER && i < NUMBERS) {
		p->given[i] =
			cli_number(numbers[i].name, arg, numbers[i].least, numbers[i].most, state);
		p->is_given[i] = true;
		return 0;
	}
	switch (key) {
	case OPTION_POLICY:
		p->e->policy = parse_policy(arg, state);
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

static void defaults(struct eval *e, uint32_t page_shift)
{
	aero_committed_defaults(&e->committed, page_shift);
	aero_selfshrink_defaults(&e->selfshrink);
	aero_pressure_defaults(&e->pressure, page_shift);
}

static int run_eval(int argc, char **argv)
{
	static const struct argp argp = {
		option_table,
		parse,
		"FILE|-",
		"Prints the target a policy would choose for each line of a recording.  The first "
		"line of FILE names the columns; docs/use/cli.md lists them.  Nothing is changed.",
		NULL,
		NULL,
		NULL};
	struct eval e = {.file = NULL};
	struct parsing p = {.e = &e, .page_kib = 4};

	defaults(&e, 12);
	argp_parse(&argp, argc, argv, 0, NULL, &p);
	while (4U << (e.committed.page_shift - 12) < p.page_kib)
		e.pressure.page_shift = ++e.committed.page_shift;
	return eval(&e);
}

int cli_policy(int argc, char **argv)
{
	static const struct cli_command commands[] = {
		{"eval", "prints the targets a policy would choose", run_eval},
	};

	return cli_dispatch(commands, sizeof(commands) / sizeof(*commands),
			    "The guest's own policies.\v", argc, argv);
}
