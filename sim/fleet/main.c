// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * aerostat-fleet: hosts full of guests in virtual time, under each of the host's policies, the
 * very code that the daemon runs.  docs/results/fleet.md explains the figures.
 */
#include <stdlib.h>

#include "fleet.h"
#include "report.h"

enum { OPTION_NO_PICTURE = 256, OPTION_MEASURE, OPTION_SEARCH, OPTION_UNMET };

static const struct argp_option option_table[] = {
	{"seed", 's', "N", 0, "Which loads are drawn (1)", 0},
	{"hosts", 'H', "N", 0, "How many hosts (200)", 0},
	{"guests", 'g', "N", 0, "How many guests on each (50)", 0},
	{"host-gib", 'm', "N", 0, "The memory of a host (96)", 0},
	{"hours", 'h', "N", 0, "How long, in virtual time (24)", 0},
	{"step-ms", 'i', "N", 0, "How often a policy is asked (5000)", 0},
	{"search-hosts", OPTION_SEARCH, "N", 0,
	 "On so many hosts, look for the most guests that fit (20); 0: do not", 0},
	{"unmet-ppm", OPTION_UNMET, "N", 0,
	 "They fit if no more of what they want is unmet, in parts of a million (5000)", 0},
	{"measure", OPTION_MEASURE, NULL, 0, "Measure how long a decision takes", 0},
	{"output", 'o', "FOLDER", 0,
	 "Where fleet.json and the pictures go; without it, there are none", 0},
	{"no-picture", OPTION_NO_PICTURE, NULL, 0, "fleet.json only", 0},
	{0},
};

static error_t parse_number(int key, char *arg, struct argp_state *state, struct fleet_options *o)
{
	switch (key) {
	case 's':
		o->seed = report_number(arg, "seed", 0, UINT32_MAX, state);
		return 0;
	case 'H':
		o->hosts = report_number(arg, "hosts", 0, 1000, state);
		return 0;
	case 'g':
		o->guests = report_number(arg, "guests", 1, 1000, state);
		return 0;
	case 'm':
		o->host_gib = report_number(arg, "host-gib", 4, 4096, state);
		return 0;
	case 'h':
		o->hours = report_number(arg, "hours", 1, 1000, state);
		return 0;
	case 'i':
		o->step_ms = report_number(arg, "step-ms", 1000, 60000, state);
		return 0;
	case OPTION_SEARCH:
		o->search_hosts = report_number(arg, "search-hosts", 0, 1000, state);
		return 0;
	case OPTION_UNMET:
		o->unmet_ppm = report_number(arg, "unmet-ppm", 0, 1000000, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct fleet_options *o = state->input;

	switch (key) {
	case 'o':
		o->folder = arg;
		return 0;
	case OPTION_MEASURE:
		o->measure = true;
		return 0;
	case OPTION_NO_PICTURE:
		o->picture = false;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is no option", arg);
		return 0;
	default:
		return parse_number(key, arg, state, o);
	}
}

static int judge(const struct fleet_rule *rules, size_t count)
{
	int ret = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t broken = rules[i].fleet.broken;

		for (size_t n = 0; n < rules[i].points; n++)
			broken += rules[i].point[n].result.broken;
		if (broken)
			ret = report_complain("%s: %llu times a promise did not hold",
					      rules[i].policy->name, (unsigned long long)broken);
	}
	return ret;
}

static int run(const struct fleet_options *o, struct fleet_rule *rules, size_t count)
{
	if (o->folder && report_make_folder(o->folder))
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct fleet_rule *rule = &rules[i];

		rule->policy = aero_host_policies[i];
		if (fleet_run(o, rule->policy, o->hosts, o->guests, &rule->fleet) ||
		    (o->search_hosts && fleet_search(o, rule)) ||
		    (o->measure && fleet_measure(o, rule)))
			return report_complain("no memory for so many guests");
	}
	fleet_table(stdout, o, rules, count);
	if (o->folder &&
	    (fleet_write_json(o, rules, count) || (o->picture && fleet_draw(o, rules, count))))
		return -1;
	return judge(rules, count);
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		option_table,
		parse,
		NULL,
		"Hosts full of guests in virtual time, under each of the host's policies: as many "
		"guests as are asked for, and then as many as fit.  Exit status 0: no promise of "
		"the policies' interface was broken.",
		NULL,
		NULL,
		NULL};
	struct fleet_options options = {
		.seed = 1,
		.hosts = 200,
		.guests = 50,
		.search_hosts = 20,
		.hours = 24,
		.step_ms = AERO_POLICY_INTERVAL_MS,
		.host_gib = 96,
		.unmet_ppm = 5000,
		.picture = true,
	};
	static struct fleet_rule rules[FLEET_POLICIES_MAX];
	size_t count = aero_host_policies_count;
	int ret;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (count > FLEET_POLICIES_MAX)
		count = FLEET_POLICIES_MAX;
	ret = run(&options, rules, count);
	for (size_t i = 0; i < count; i++)
		free(rules[i].fleet.sample);
	return ret ? 1 : 0;
}
