// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The tables and fleet.json. */
#include "fleet.h"

#include "report.h"

static void head(FILE *to, const char *first)
{
	fprintf(to, "%-9s %9s %8s %9s %8s %8s %9s %8s %7s\n", "rule", first, "saved", "unmet",
		"stalled", "slow", "moves", "turns", "reserve");
	fprintf(to, "%-9s %9s %8s %9s %8s %8s %9s %8s %7s\n", "", "a host", "%", "per 1000",
		"per 1000", "per 1000", "1/h", "1/h", "steps");
}

static void row(FILE *to, const struct fleet_options *o, const char *name, uint32_t guests,
		const struct fleet_result *r)
{
	double slow = r->guest_steps ? 1000 * (double)r->slow_steps / (double)r->guest_steps : 0;

	fprintf(to, "%-9s %9u %8.1f %9.2f %8.2f %8.2f %9.2f %8.2f %7llu\n", name, guests,
		fleet_saved_percent(r), fleet_unmet_ppm(r) / 1000, fleet_stalled_permille(r), slow,
		fleet_per_guest_hour(o, r, r->moves), fleet_per_guest_hour(o, r, r->turns),
		(unsigned long long)r->under_reserve);
}

static double turns(const struct fleet_options *o, const struct fleet_rule *rule)
{
	return fleet_per_guest_hour(o, &rule->best.result, rule->best.result.turns);
}

static void compare(FILE *to, const struct fleet_options *o, const struct fleet_rule *rules,
		    size_t count)
{
	const struct fleet_rule *best = fleet_best_reference(rules, count);

	if (!best)
		return;
	fprintf(to,
		"\nThe best reference is %s: %s has %+.0f %% guests a host and %.2f times the "
		"turns.\n",
		best->policy->name, rules->policy->name,
		100.0 * rules->best.guests / best->best.guests - 100,
		turns(o, best) > 0 ? turns(o, rules) / turns(o, best) : 0.0);
}

void fleet_table(FILE *to, const struct fleet_options *o, const struct fleet_rule *rules,
		 size_t count)
{
	if (o->hosts) {
		fprintf(to, "%u hosts of %u GiB for %u h, seed %llu\n\n", o->hosts, o->host_gib,
			o->hours, (unsigned long long)o->seed);
		head(to, "guests");
		for (size_t i = 0; i < count; i++)
			row(to, o, rules[i].policy->name, o->guests, &rules[i].fleet);
	}
	if (o->search_hosts) {
		fprintf(to,
			"\nThe most guests of which at most %.1f per 1000 is unmet, on %u hosts\n\n",
			o->unmet_ppm / 1000.0, o->search_hosts);
		head(to, "at most");
		for (size_t i = 0; i < count; i++)
			row(to, o, rules[i].policy->name, rules[i].best.guests,
			    &rules[i].best.result);
		compare(to, o, rules, count);
	}
	if (!o->measure)
		return;
	fputs("\nA decision for 1000 guests, and decisions for one guest in a second\n\n", to);
	for (size_t i = 0; i < count; i++)
		fprintf(to, "%-9s %8.3f ms %12.0f\n", rules[i].policy->name, rules[i].step_ms,
			rules[i].step_ms > 0 ? 1e6 / rules[i].step_ms : 0.0);
}

/* ---- fleet.json ---- */

static json_t *result_to_json(const struct fleet_options *o, uint32_t guests,
			      const struct fleet_result *r)
{
	json_t *by_load = json_object();

	for (int l = 0; l < FLEET_LOADS; l++)
		if (r->wanted_by[l])
			json_object_set_new(
				by_load, load_names[l],
				json_real(1000 * (double)r->unmet_by[l] / (double)r->wanted_by[l]));
	return json_pack("{s:I, s:f, s:f, s:o, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:I}",
			 "guests_per_host", (json_int_t)guests, "saved_percent",
			 fleet_saved_percent(r), "unmet_permille", fleet_unmet_ppm(r) / 1000,
			 "unmet_permille_by_load", by_load, "unavoidable_permille",
			 r->wanted ? 1000 * (double)r->lacking / (double)r->wanted : 0.0,
			 "stalled_permille", fleet_stalled_permille(r), "slow_permille",
			 r->guest_steps ? 1000 * (double)r->slow_steps / (double)r->guest_steps
					: 0.0,
			 "moves_per_hour", fleet_per_guest_hour(o, r, r->moves), "turns_per_hour",
			 fleet_per_guest_hour(o, r, r->turns), "starts", (json_int_t)r->starts,
			 "steps_waited_for_room", (json_int_t)r->start_waits, "steps_under_reserve",
			 (json_int_t)r->under_reserve, "broken_promises", (json_int_t)r->broken);
}

static json_t *rule_to_json(const struct fleet_options *o, const struct fleet_rule *rule)
{
	json_t *of = json_object(), *tried = json_array();

	if (o->hosts)
		json_object_set_new(of, "fleet", result_to_json(o, o->guests, &rule->fleet));
	for (size_t i = 0; i < rule->points; i++)
		json_array_append_new(
			tried, result_to_json(o, rule->point[i].guests, &rule->point[i].result));
	if (o->search_hosts) {
		json_object_set_new(of, "most",
				    result_to_json(o, rule->best.guests, &rule->best.result));
		json_object_set_new(of, "tried", tried);
	} else {
		json_decref(tried);
	}
	if (o->measure)
		json_object_set_new(of, "ms_for_1000_guests", json_real(rule->step_ms));
	return of;
}

/* No date and no machine: the same options give the same file, unless time was measured. */
int fleet_write_json(const struct fleet_options *o, const struct fleet_rule *rules, size_t count)
{
	json_t *policies = json_object(), *document;
	int ret;

	for (size_t i = 0; i < count; i++)
		json_object_set_new(policies, rules[i].policy->name, rule_to_json(o, &rules[i]));
	document = json_pack("{s:i, s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}, s:o}", "format", 1,
			     "parameters", "seed", (json_int_t)o->seed, "hosts",
			     (json_int_t)o->hosts, "guests", (json_int_t)o->guests, "search_hosts",
			     (json_int_t)o->search_hosts, "hours", (json_int_t)o->hours, "step_ms",
			     (json_int_t)o->step_ms, "host_gib", (json_int_t)o->host_gib,
			     "unmet_ppm", (json_int_t)o->unmet_ppm, "policies", policies);
	ret = report_dump_json(document, o->folder, "fleet.json");
	json_decref(document);
	return ret;
}
