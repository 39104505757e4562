// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "bench_policy.h"

/* ---- the table ---- */

static void print_row(const struct policy_bench *b, FILE *to, int p)
{
	const struct figures *f = &b->result[p].figures;

	fprintf(to, "%-10s|%8.0f%7.0f %%|%8.1f%8.3f|%9.0f |%8.0f%8.0f|%8.1f%8.1f |%6u\n",
		policy_names[p], f->footprint,
		100 * (1 - f->footprint / b->result[POLICY_NONE].figures.footprint), f->work_s,
		f->slowdown, f->product, f->some_ms, f->full_ms, f->swap_in_mib, f->swap_out_mib,
		f->kills);
}

static void print_phases(const struct policy_bench *b, FILE *to)
{
	static const enum phase shown[] = {PHASE_COMPILE, PHASE_CACHE, PHASE_DEMAND, PHASE_GROWTH};

	fprintf(to, "\n%-10s", "seconds of");
	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++)
		fprintf(to, "|%16s ", phase_names[shown[i]]);
	for (int p = 0; p < POLICIES; p++) {
		fprintf(to, "\n%-10s", policy_names[p]);
		for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
			double s = policy_phase_s(&b->result[p], shown[i]);

			fprintf(to, "|%8.2f%8.3f ", s,
				s / policy_phase_s(&b->result[POLICY_NONE], shown[i]));
		}
	}
	fprintf(to, "\n");
}

void policy_table(const void *of, FILE *to)
{
	const struct policy_bench *b = of;

	fprintf(to, "\n%u MiB on real Xen, %u MiB of swap in memory; seed %u\n\n", GUEST_MIB,
		SWAP_MIB, b->options.seed);
	fprintf(to, "%-10s|%17s|%16s|%10s|%16s|%17s|%6s\n", "", "footprint   saved", "work  slow-",
		"footprint ", "stalled ms", "swapped MiB ", "OOM");
	fprintf(to, "%-10s|%8s%9s|%8s%8s|%10s|%8s%8s|%8s%8s |%6s\n", "policy", "MiB s", "", "s",
		"down", "x slowd. ", "some", "all", "in", "out", "kills");
	for (int p = 0; p < POLICIES; p++)
		print_row(b, to, p);
	print_phases(b, to);
}

/* ---- the verdict ---- */

static unsigned int verdict(FILE *to, bool met, const char *what)
{
	fprintf(to, "%s  %s\n", met ? "met   " : "MISSED", what);
	return !met;
}

unsigned int policy_judge(const void *of, FILE *to)
{
	const struct policy_bench *b = of;
	const struct figures *committed = &b->result[POLICY_COMMITTED].figures;
	const struct result *pressure = &b->result[POLICY_PRESSURE];
	const struct figures *f = &pressure->figures;
	unsigned int missed;

	fprintf(to, "\n");
	missed = verdict(to, f->product < committed->product,
			 "footprint x slowdown of pressure is below that of committed");
	missed += verdict(to, f->slowdown < SLOWDOWN_MOST,
			  "pressure slows the work down by less than 5 %");
	missed += verdict(to, !f->kills && !pressure->killed, "pressure kills no process");
	return missed;
}

/* ---- bench-policy.json ---- */

static json_t *series_to_json(const struct result *r)
{
	json_t *series = json_object();

	for (int f = 0; f < FIELDS; f++) {
		json_t *values = json_array();

		for (size_t i = 0; i < r->samples; i++)
			json_array_append_new(values, json_integer(r->sample[i].v[f]));
		json_object_set_new(series, field_names[f], values);
	}
	return series;
}

static json_t *result_to_json(const struct result *r, int policy)
{
	const struct figures *f = &r->figures;
	json_t *phases = json_object();

	for (int p = 0; p < PHASES; p++)
		json_object_set_new(phases, phase_names[p],
				    json_pack("[I, I]", (json_int_t)r->phase[p].from_ms,
					      (json_int_t)r->phase[p].until_ms));
	return json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:i, s:i, s:o, s:o}",
			 "policy", policy_names[policy], "footprint_mib_s", f->footprint, "work_s",
			 f->work_s, "slowdown", f->slowdown, "footprint_x_slowdown", f->product,
			 "stalled_some_ms", f->some_ms, "stalled_full_ms", f->full_ms,
			 "swap_in_mib", f->swap_in_mib, "swap_out_mib", f->swap_out_mib, "refaults",
			 f->refaults, "oom_kills", (int)f->kills, "killed", (int)r->killed,
			 "phases_ms", phases, "samples", series_to_json(r));
}

int policy_write_json(const void *of, unsigned int missed)
{
	const struct policy_bench *b = of;
	json_t *results = json_array();
	json_t *o = bench_document(b->start_ms, b->qemu, !missed);
	int ret;

	for (int p = 0; p < POLICIES; p++)
		json_array_append_new(results, result_to_json(&b->result[p], p));
	json_object_set_new(o, "xen", json_string(lab_env("AERO_XEN_VERSION")));
	json_object_set_new(o, "parameters",
			    json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "seed",
				      (int)b->options.seed, "guest_mib", (int)GUEST_MIB, "swap_mib",
				      (int)SWAP_MIB, "idle_s", (int)IDLE_S, "jobs", (int)JOBS,
				      "cache_mib", (int)CACHE_MIB, "requests", (int)REQUESTS,
				      "growth_mib", (int)GROWTH_MIB));
	json_object_set_new(o, "policies", results);
	ret = report_dump_json(o, b->options.folder, "bench-policy.json");
	json_decref(o);
	return ret;
}
