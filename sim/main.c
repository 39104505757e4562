// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * aerostat-simulate: many guests on one host in virtual time, each with its own
 * policy, the very code that is shipped.  docs/design/policy.md explains the figures.
 */
#include "simulate.h"

#include <stdlib.h>

#include "report.h"

enum { OPTION_NO_PICTURE = 256 };

static const struct argp_option option_table[] = {
	{"seed", 's', "N", 0, "Which loads are drawn (1)", 0},
	{"guests", 'g', "N", 0, "How many guests (1000)", 0},
	{"hours", 'h', "N", 0, "How long, in virtual time (24)", 0},
	{"step-ms", 'i', "N", 0, "How often a policy is asked (5000)", 0},
	{"host-percent", 'p', "N", 0, "The host's memory, of the guests' together (60)", 0},
	{"output", 'o', "FOLDER", 0,
	 "Where simulate.json and the pictures go; without it, there are none", 0},
	{"no-picture", OPTION_NO_PICTURE, NULL, 0, "simulate.json only", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct sim_options *o = state->input;

	switch (key) {
	case 's':
		o->seed = report_number(arg, "seed", 0, UINT32_MAX, state);
		break;
	case 'g':
		o->guests = report_number(arg, "guests", 1, 100000, state);
		break;
	case 'h':
		o->hours = report_number(arg, "hours", 1, 1000, state);
		break;
	case 'i':
		o->step_ms = report_number(arg, "step-ms", 100, 60000, state);
		break;
	case 'p':
		/* With less, the smallest guests would not even boot. */
		o->host_percent = report_number(arg, "host-percent", 40, 100, state);
		break;
	case 'o':
		o->folder = arg;
		break;
	case OPTION_NO_PICTURE:
		o->picture = false;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is no option", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static int judge(const struct sim_result *results)
{
	int ret = 0;

	for (int p = 0; p < sim_policies(); p++)
		if (results[p].broken)
			ret = report_complain("%s: %llu times a target was below its floor or "
					      "the host's memory did not add up",
					      sim_policy_name(p),
					      (unsigned long long)results[p].broken);
	return ret;
}

static int simulate(struct sim_options *o, struct sim_result *results)
{
	if (o->folder && report_make_folder(o->folder))
		return -1;
	for (int p = 0; p < sim_policies(); p++)
		if (sim_run(o, p, &results[p]))
			return report_complain("no memory for so many guests");
	sim_table(stdout, o, results);
	if (o->folder && (sim_write_json(o, results) || (o->picture && sim_draw(o, results))))
		return -1;
	return judge(results);
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		option_table,
		parse,
		NULL,
		"Many guests share a host in virtual time, with memory shared out once and for all "
		"and with each policy of the guest's own.  Exit status 0: no rule of the simulation "
		"was broken.",
		NULL,
		NULL,
		NULL};
	struct sim_options options = {.seed = 1,
				      .guests = 1000,
				      .hours = 24,
				      .step_ms = AERO_POLICY_INTERVAL_MS,
				      .host_percent = 60,
				      .picture = true};
	struct sim_result results[SIM_POLICIES_MAX] = {0};
	int ret;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	ret = simulate(&options, results);
	for (int p = 0; p < sim_policies(); p++)
		free(results[p].sample);
	return ret ? 1 : 0;
}
