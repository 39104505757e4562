// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* aerostat status: what the balloon has, what holds it back, and what is around it. */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "balloon.h"
#include "json.h"
#include "units.h"

#define LINE_MAX_BYTES 512

/* ---- in words ---- */

static void print_size(const struct balloon *b)
{
	char line[LINE_MAX_BYTES], size[UNITS_TEXT_MAX], all[UNITS_TEXT_MAX], large[UNITS_TEXT_MAX],
		spare[UNITS_TEXT_MAX];
	int n;

	n = snprintf(line, sizeof(line), "%s of %s", units_size(size, b->size_kib),
		     units_size(all, b->limit_kib));
	if (b->large_kib && b->large_kib != BALLOON_UNKNOWN)
		n += snprintf(line + n, sizeof(line) - (size_t)n, ", %s in large blocks",
			      units_size(large, b->large_kib));
	if (b->lent_kib && b->lent_kib != BALLOON_UNKNOWN)
		n += snprintf(line + n, sizeof(line) - (size_t)n, ", and %s lent to other drivers",
			      units_size(large, b->lent_kib));
	if (b->spare_kib != BALLOON_UNKNOWN)
		snprintf(line + n, sizeof(line) - (size_t)n, "; the guest could spare %s more",
			 units_size(spare, b->spare_kib));
	units_entry(stdout, "balloon", line);
}

static void print_driver(const struct balloon *b)
{
	char line[LINE_MAX_BYTES];

	snprintf(line, sizeof(line), "%s%s%s under %s, %s", b->driver, *b->version ? " " : "",
		 b->version, balloon_hypervisor_name(b), *b->state ? b->state : "state unknown");
	units_entry(stdout, "driver", line);
}

static void print_policy(const struct balloon *b)
{
	char line[LINE_MAX_BYTES], target[UNITS_TEXT_MAX];

	if (b->selfballooning == BALLOON_UNKNOWN)
		snprintf(line, sizeof(line), "unknown to this module");
	else if (!b->selfballooning)
		snprintf(line, sizeof(line), "off: the host sets the guest's size%s",
			 b->selfshrinking == 1 ? "; swapped pages are called home" : "");
	else if (!strcmp(b->policy, b->active))
		snprintf(line, sizeof(line), "%s: the guest should have %s", b->policy,
			 units_size(target, b->guest_target_kib));
	else
		snprintf(line, sizeof(line), "%s, but %s is active: %s", b->policy,
			 *b->active ? b->active : "none",
			 !strcmp(b->policy, "pressure") ? "no report of waiting has come from "
							  "aerostatd within the last interval"
							: "no step has been made yet");
	units_entry(stdout, "policy", line);
}

static void print_daemon(const struct guest *g)
{
	char line[64];

	snprintf(line, sizeof(line), "aerostatd runs (process %" PRIu64 ")", g->daemon_pid);
	units_entry(stdout, "daemon", g->daemon_pid ? line : "aerostatd does not run");
}

static void print_swap(const struct guest *g)
{
	char line[LINE_MAX_BYTES], size[UNITS_TEXT_MAX], used[UNITS_TEXT_MAX], all[UNITS_TEXT_MAX],
		all_used[UNITS_TEXT_MAX];
	int n;

	if (g->areas_known > 0)
		n = snprintf(line, sizeof(line), "%zu of %zu %s on, %s each, %s used; ",
			     g->areas_on, g->areas.count, g->areas.count == 1 ? "area" : "areas",
			     units_size(size, (uint64_t)g->areas.size_mib * 1024),
			     units_size(used, g->areas.used_kib));
	else
		n = snprintf(line, sizeof(line), "%s",
			     g->areas_known ? "the record of areas can't be read; "
					    : "no areas are set up; ");
	snprintf(line + n, sizeof(line) - (size_t)n, "all swap %s, %s used",
		 units_size(all, g->swap_kib), units_size(all_used, g->swap_used_kib));
	units_entry(stdout, "swap", line);
}

static void print_relief(const struct balloon *b)
{
	char line[LINE_MAX_BYTES], last[UNITS_TEXT_MAX], ago[UNITS_TEXT_MAX], all[UNITS_TEXT_MAX];

	if (b->reliefs == BALLOON_UNKNOWN)
		snprintf(line, sizeof(line), "unknown to this module");
	else if (b->last_relief_ago_ms == BALLOON_UNKNOWN || b->last_relief_kib == BALLOON_UNKNOWN)
		snprintf(line, sizeof(line), "none");
	else
		snprintf(line, sizeof(line),
			 "%s given back %s ago, because the guest ran short; %" PRIu64
			 " %s, %s in all",
			 units_size(last, b->last_relief_kib),
			 units_time(ago, b->last_relief_ago_ms), b->reliefs,
			 b->reliefs == 1 ? "time" : "times", units_size(all, b->relieved_kib));
	units_entry(stdout, "last relief", line);
}

static void print_memory(const struct guest *g)
{
	char line[LINE_MAX_BYTES], available[UNITS_TEXT_MAX], total[UNITS_TEXT_MAX];

	snprintf(line, sizeof(line), "%s available, MemTotal %s",
		 units_size(available, g->available_kib), units_size(total, g->total_kib));
	units_entry(stdout, "guest", line);
}

static void print_words(const struct balloon *b, const struct guest *g)
{
	char summary[BALLOON_SUMMARY_MAX];

	balloon_summary(b, summary);
	units_entry(stdout, "", summary);
	putchar('\n');
	print_size(b);
	print_driver(b);
	print_memory(g);
	print_policy(b);
	print_daemon(g);
	print_swap(g);
	print_relief(b);
}

/* ---- as JSON ---- */

static int print_json(const struct balloon *b, const struct guest *g)
{
	char summary[BALLOON_SUMMARY_MAX];
	json_t *all = json_object();

	balloon_summary(b, summary);
	json_put(all, "summary", json_string(summary));
	json_put(all, "agrees", json_boolean(balloon_agrees(b)));
	json_put(all, "hypervisor", json_string(b->hypervisor));
	json_put(all, "driver", json_string(b->driver));
	json_put(all, "version", json_string(b->version));
	json_put(all, "state", json_string(b->state));
	json_put(all, "last_run", json_string(b->last_run));
	json_put(all, "policy", json_string(b->policy));
	json_put(all, "active", json_string(b->active));
	for (size_t i = 0; i < balloon_figures_count; i++)
		json_put_number(all, balloon_figures[i].json, balloon_get(b, &balloon_figures[i]));
	json_put(all, "daemon_pid",
		 g->daemon_pid ? json_integer((json_int_t)g->daemon_pid) : json_null());
	json_put_number(all, "total_kib", g->total_kib);
	json_put_number(all, "available_kib", g->available_kib);
	json_put_number(all, "swap_kib", g->swap_kib);
	json_put_number(all, "swap_used_kib", g->swap_used_kib);
	json_put_number(all, "areas",
			g->areas_known < 0 ? BALLOON_UNKNOWN
			: g->areas_known   ? g->areas.count
					   : 0);
	json_put_number(all, "areas_on", g->areas_known < 0 ? BALLOON_UNKNOWN : g->areas_on);
	json_put_number(all, "areas_used_kib",
			g->areas_known < 0 ? BALLOON_UNKNOWN : g->areas.used_kib);
	return json_print(all);
}

/* ---- the command ---- */

int cli_status(int argc, char **argv)
{
	static const struct argp_option options[] = {CLI_JSON_OPTION, CLI_ROOT_OPTION, {0}};
	static const struct argp argp = {
		options,
		cli_parse_view,
		NULL,
		"Says what the balloon has, what holds it back and why, and what is around it.  "
		"Exit status 0: size and target agree; 3: they differ; 4: no balloon's module is "
		"loaded.",
		NULL,
		NULL,
		NULL};
	struct cli_view view = {.root = ""};
	struct balloon b;
	struct guest g;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &view);
	ret = balloon_read(view.root, &b);
	if (!ret)
		ret = guest_read(view.root, &g);
	if (ret)
		return ret;
	if (view.json)
		ret = print_json(&b, &g);
	else
		print_words(&b, &g);
	return ret ? ret : balloon_agrees(&b) ? CLI_OK : CLI_DIFFERS;
}
