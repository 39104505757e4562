// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The table and simulate.json. */
#include "simulate.h"

#include "report.h"

#define PAGES_PER_MIB 256.0

static double share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

double sim_saved_percent(const struct sim_sums *s)
{
	return 100 * (1 - share(s->has, s->total));
}

double sim_unmet_percent(const struct sim_sums *s)
{
	return 100 * share(s->unmet, s->total);
}

double sim_stalled_percent(const struct sim_sums *s)
{
	return share(s->stalled, s->guest_steps) / 10;
}

double sim_slow_percent(const struct sim_sums *s)
{
	return 100 * share(s->slow_steps, s->guest_steps);
}

static double guest_hours(const struct sim_options *o, const struct sim_sums *s)
{
	return (double)s->guest_steps * o->step_ms / 3600000;
}

double sim_full_percent(const struct sim_sums *s)
{
	return 100 * share(s->full_steps, s->guest_steps);
}

double sim_turns_per_hour(const struct sim_options *o, const struct sim_sums *s)
{
	return s->guest_steps ? (double)s->turns / guest_hours(o, s) : 0;
}

double sim_mib_per_hour(const struct sim_options *o, const struct sim_sums *s, uint64_t pages)
{
	return s->guest_steps ? (double)pages / PAGES_PER_MIB / guest_hours(o, s) : 0;
}

/* ---- the table ---- */

static void row(FILE *to, const struct sim_options *o, const char *load, const char *policy,
		const struct sim_sums *s)
{
	fprintf(to, "%-8s %-10s %8.1f %8.2f %8.2f %8.2f %8.3f %10.1f %10.1f %8.1f %8.2f\n", load,
		policy, sim_saved_percent(s), sim_unmet_percent(s), sim_stalled_percent(s),
		sim_slow_percent(s), sim_full_percent(s), sim_mib_per_hour(o, s, s->fetched),
		sim_mib_per_hour(o, s, s->swapped_out), sim_mib_per_hour(o, s, s->denied),
		sim_turns_per_hour(o, s));
}

void sim_table(FILE *to, const struct sim_options *o, const struct sim_result *results)
{
	fprintf(to,
		"%u guests of %.1f GiB together for %u h on a host with %.1f GiB (%u %%), seed %llu\n\n",
		o->guests,
		(double)results->host_pages / o->host_percent * 100 / PAGES_PER_MIB / 1024,
		o->hours, (double)results->host_pages / PAGES_PER_MIB / 1024, o->host_percent,
		(unsigned long long)o->seed);
	fprintf(to, "%-8s %-10s %8s %8s %8s %8s %8s %10s %10s %8s %8s\n", "load", "policy", "saved",
		"unmet", "stalled", "slow", "full", "read again", "swapped", "denied", "turns");
	fprintf(to, "%-8s %-10s %8s %8s %8s %8s %8s %10s %10s %8s %8s\n", "", "", "%", "%",
		"% time", "% time", "% time", "MiB/h", "MiB/h", "MiB/h", "1/h");
	for (int l = 0; l <= LOADS; l++) {
		for (int p = 0; p < sim_policies(); p++)
			row(to, o, l < LOADS ? load_names[l] : "all", sim_policy_name(p),
			    l < LOADS ? &results[p].by_load[l] : &results[p].all);
		fputc('\n', to);
	}
}

/* ---- simulate.json ---- */

static json_t *sums_to_json(const struct sim_options *o, const struct sim_sums *s)
{
	return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "guest_hours",
			 guest_hours(o, s), "saved_percent", sim_saved_percent(s), "unmet_percent",
			 sim_unmet_percent(s), "stalled_percent", sim_stalled_percent(s),
			 "slow_percent", sim_slow_percent(s), "full_percent", sim_full_percent(s),
			 "read_again_mib_per_hour", sim_mib_per_hour(o, s, s->fetched),
			 "swapped_out_mib_per_hour", sim_mib_per_hour(o, s, s->swapped_out),
			 "denied_mib_per_hour", sim_mib_per_hour(o, s, s->denied), "turns_per_hour",
			 sim_turns_per_hour(o, s));
}

static json_t *result_to_json(const struct sim_options *o, const struct sim_result *r)
{
	json_t *loads = json_object();

	for (int l = 0; l < LOADS; l++)
		json_object_set_new(loads, load_names[l], sums_to_json(o, &r->by_load[l]));
	return json_pack("{s:o, s:o, s:I, s:I}", "all", sums_to_json(o, &r->all), "loads", loads,
			 "least_free_pages", (json_int_t)r->least_free_pages, "broken_rules",
			 (json_int_t)r->broken);
}

/* No date and no machine: the same options give the same file. */
int sim_write_json(const struct sim_options *o, const struct sim_result *results)
{
	json_t *policies = json_object(), *document;
	int ret;

	for (int p = 0; p < sim_policies(); p++)
		json_object_set_new(policies, sim_policy_name(p), result_to_json(o, &results[p]));
	document = json_pack("{s:i, s:{s:I, s:I, s:I, s:I, s:I}, s:I, s:o}", "format", 1,
			     "parameters", "seed", (json_int_t)o->seed, "guests",
			     (json_int_t)o->guests, "hours", (json_int_t)o->hours, "step_ms",
			     (json_int_t)o->step_ms, "host_percent", (json_int_t)o->host_percent,
			     "host_pages", (json_int_t)results->host_pages, "policies", policies);
	ret = report_dump_json(document, o->folder, "simulate.json");
	json_decref(document);
	return ret;
}
