// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What the load and Xen have said, as numbers, and what they come to. */
#define _GNU_SOURCE
#include "bench_policy.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *const policy_names[POLICIES] = {"none", "committed", "pressure"};
const char *const phase_names[PHASES] = {"idle",   "compile", "cache",
					 "demand", "growth",  "idle-again"};
const char *const field_names[FIELDS] = {
	"ms",	       "target_kib", "total_kib", "free_kib",	   "available_kib",
	"swapped_kib", "some_us",    "full_us",	  "swap_in_pages", "swap_out_pages",
	"oom_kills",   "refaults",   "xen_kib",
};

/* ---- the load's lines ---- */

static int parse_sample(struct result *r, const char *text)
{
	struct sample *more = realloc(r->sample, (r->samples + 1) * sizeof(*more)), *to;
	char *end = NULL;

	if (!more)
		return report_complain("no memory for samples");
	r->sample = more;
	to = &more[r->samples];
	*to = (struct sample){0};
	for (int f = 0; f < FIELD_XEN_KIB; f++) {
		to->v[f] = strtoll(text, &end, 10);
		if (end == text)
			return report_complain("a sample has %d figures, not %d", f, FIELD_XEN_KIB);
		text = end;
	}
	r->samples++;
	return 0;
}

static int parse_phase(struct result *r, const char *text)
{
	char name[32];
	int64_t from, until;

	if (sscanf(text, "%31s %" SCNd64 " %" SCNd64, name, &from, &until) != 3 || until < from)
		return report_complain("the load says of a phase: %s", text);
	for (int p = 0; p < PHASES; p++)
		if (!strcmp(name, phase_names[p])) {
			r->phase[p].from_ms = from;
			r->phase[p].until_ms = until;
			return 0;
		}
	return report_complain("the load has a phase '%s'", name);
}

static int parse_line(struct result *r, const char *line)
{
	if (!strncmp(line, "sample ", 7))
		return parse_sample(r, line + 7);
	if (!strncmp(line, "phase ", 6))
		return parse_phase(r, line + 6);
	if (!strncmp(line, "killed ", 7))
		r->killed++;
	else if (sscanf(line, "start %" SCNd64, &r->start_ms) != 1)
		return report_complain("the load says: %s", line);
	return 0;
}

int policy_parse_load(struct result *r, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")))
		if (*line && parse_line(r, line))
			return -1;
	if (!r->start_ms || r->samples < 10 || !r->phase[PHASE_IDLE_AGAIN].until_ms)
		return report_complain("the load did not come to its end");
	return 0;
}

/* ---- Xen's lines ---- */

/* From dom0's clock to the guest's: what Xen said must cover the load, to the second. */
#define LEEWAY_MS 3000

/* Each sample gets what Xen said last before it; the first may come before that. */
int policy_parse_xen(struct result *r, char *text, unsigned int domain)
{
	int64_t at_ms = INT64_MIN, first_ms = INT64_MAX, kib = 0, ms;
	unsigned int id;
	size_t n = 0;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		if (sscanf(line, "at %" SCNd64, &ms) == 1) {
			at_ms = ms - r->start_ms;
			first_ms = first_ms < at_ms ? first_ms : at_ms;
			for (; kib && n < r->samples && r->sample[n].v[FIELD_MS] < at_ms; n++)
				r->sample[n].v[FIELD_XEN_KIB] = kib;
		} else if (*line &&
			   (sscanf(line, "domain %u %" SCNd64, &id, &kib) != 2 || id != domain)) {
			return report_complain("Xen's figures say: %s", line);
		}
	}
	for (; n < r->samples; n++)
		r->sample[n].v[FIELD_XEN_KIB] = kib;
	ms = r->sample[r->samples - 1].v[FIELD_MS];
	if (first_ms > LEEWAY_MS || at_ms < ms - LEEWAY_MS || at_ms > ms + 10 * LEEWAY_MS)
		return report_complain("Xen's figures are of %" PRId64 " to %" PRId64
				       " ms, the guest's of 0 to %" PRId64,
				       first_ms, at_ms, ms);
	return 0;
}

/* ---- sums ---- */

double policy_phase_s(const struct result *r, enum phase phase)
{
	return (double)(r->phase[phase].until_ms - r->phase[phase].from_ms) / 1000;
}

static double rise(const struct result *r, enum field field)
{
	return (double)(r->sample[r->samples - 1].v[field] - r->sample[0].v[field]);
}

void policy_compare(struct result results[POLICIES])
{
	for (int p = 0; p < POLICIES; p++) {
		struct figures *f = &results[p].figures;

		f->slowdown = f->work_s / results[POLICY_NONE].figures.work_s;
		f->product = f->footprint * f->slowdown;
	}
}

int policy_sum_up(struct result *r)
{
	struct figures *f = &r->figures;

	for (size_t i = 1; i < r->samples; i++)
		f->footprint += (double)r->sample[i - 1].v[FIELD_XEN_KIB] / 1024 *
				(double)(r->sample[i].v[FIELD_MS] - r->sample[i - 1].v[FIELD_MS]) /
				1000;
	f->work_s = policy_phase_s(r, PHASE_COMPILE) + policy_phase_s(r, PHASE_CACHE) +
		    policy_phase_s(r, PHASE_GROWTH);
	f->some_ms = rise(r, FIELD_SOME_US) / 1000;
	f->full_ms = rise(r, FIELD_FULL_US) / 1000;
	f->swap_in_mib = rise(r, FIELD_SWAP_IN) / LAB_PAGES_PER_MIB;
	f->swap_out_mib = rise(r, FIELD_SWAP_OUT) / LAB_PAGES_PER_MIB;
	f->refaults = rise(r, FIELD_REFAULTS);
	f->kills = (unsigned int)rise(r, FIELD_OOM_KILLS);
	return f->work_s > 0 ? 0 : report_complain("the load has no work in it");
}
