// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* aerostat export: the balloon's figures in Prometheus' text format. */
#include <inttypes.h>
#include <string.h>

#include "balloon.h"
#include "metrics.h"

/* The names that the module uses; one has the value 1, the others 0. */
static const char *const states[] = {"resting",	   "inflating", "deflating", "growing",
				     "connecting", "resetting", "stopped"};
static const char *const ends[] = {"done",	     "rate",  "no_memory", "no_progress",
				   "command_failed", "reset", "held_off",  "no_growth",
				   "wait",	     "none"};

static void one_of(FILE *to, const char *name, const char *label, const char *const *values,
		   size_t n, const char *value)
{
	for (size_t i = 0; i < n; i++)
		fprintf(to, "%s{%s=\"%s\"} %d\n", name, label, values[i],
			!strcmp(values[i], value));
}

/* Exact, in bytes and seconds; milliseconds have three digits behind the point. */
static void write_figure(FILE *to, const struct balloon *b, const struct balloon_figure *f)
{
	uint64_t value = balloon_get(b, f);

	if (!f->metric || value == BALLOON_UNKNOWN)
		return;
	metrics_describe(to, f->metric, f->counts ? "counter" : "gauge", f->help);
	if (f->divide == 1000)
		fprintf(to, "%s %" PRIu64 ".%03u\n", f->metric, value / 1000,
			(unsigned int)(value % 1000));
	else if (value <= UINT64_MAX / f->multiply)
		fprintf(to, "%s %" PRIu64 "\n", f->metric, value * f->multiply);
	else
		fprintf(to, "%s %.17g\n", f->metric, (double)value * f->multiply);
}

static void write_balloon(FILE *to, const struct balloon *b)
{
	metrics_describe(to, "aerostat_info", "gauge", "The loaded module, always 1.");
	fprintf(to, "aerostat_info{hypervisor=\"%s\",driver=\"%s\",version=\"%s\"} 1\n",
		b->hypervisor, b->driver, b->version);
	metrics_describe(to, "aerostat_state", "gauge", "1 for the state that the balloon is in.");
	one_of(to, "aerostat_state", "state", states, sizeof(states) / sizeof(*states), b->state);
	metrics_describe(to, "aerostat_last_run", "gauge",
			 "1 for what ended the worker's last run.");
	one_of(to, "aerostat_last_run", "end", ends, sizeof(ends) / sizeof(*ends), b->last_run);
	metrics_gauge(to, "aerostat_agrees", "1 if size and target agree.", balloon_agrees(b));
	for (size_t i = 0; i < balloon_figures_count; i++)
		write_figure(to, b, &balloon_figures[i]);
}

static void write_guest(FILE *to, const struct guest *g)
{
	metrics_gauge(to, "aerostat_daemon_running", "1 if aerostatd runs.", g->daemon_pid != 0);
	if (g->areas_known < 0)
		return;
	metrics_gauge(to, "aerostat_swap_areas", "Swap areas that were set up.",
		      g->areas_known ? g->areas.count : 0);
	metrics_gauge(to, "aerostat_swap_areas_on", "Those of them that are on.", g->areas_on);
	metrics_gauge(to, "aerostat_swap_used_bytes", "What lies in them.",
		      g->areas_known ? g->areas.used_kib * 1024 : 0);
}

struct all {
	const struct balloon *b; /* NULL: no module */
	const struct guest *g;
};

/* Without a module there is one metric, which says so; an alert can be made of it. */
static void write_all(FILE *to, const void *of)
{
	const struct all *all = of;
	const struct balloon *b = all->b;

	metrics_gauge(to, "aerostat_up", "1 if a balloon's module is loaded.", b != NULL);
	if (b)
		write_balloon(to, b);
	write_guest(to, all->g);
}

/* ---- the command ---- */

int cli_export(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"output", 'o', "FILE", 0, "Replace this file; without it, standard output", 0},
		CLI_ROOT_OPTION,
		{0}};
	static const struct argp argp = {
		options,
		cli_parse_view,
		NULL,
		"Prints the balloon's figures in Prometheus' text format, in bytes and seconds.  "
		"Without a balloon's module aerostat_up is 0.",
		NULL,
		NULL,
		NULL};
	struct cli_view view = {.root = ""};
	static struct guest g;
	struct balloon b;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &view);
	ret = balloon_look(view.root, &b);
	if (ret == CLI_FAILED)
		return balloon_read(view.root, &b);
	if (guest_read(view.root, &g))
		return CLI_FAILED;
	return metrics_write(view.output, write_all, &(struct all){ret ? NULL : &b, &g});
}
