// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What is VMware's own in the bench: modes, the monitor's counters, instructions at rest. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "vmware.h"

#define PAGES_PER_GIB	  (1024.0 * LAB_PAGES_PER_MIB)
#define PAGES_PER_LARGE	  512u
/* Before a rate is measured; whole 2 MiB pages. */
#define WARM_UP_PAGES	  (64 * LAB_PAGES_PER_MIB)

/* A guest full of page cache takes a while, and longer on a busy machine. */
#define MOVE_TIMEOUT_MS	  240000
#define MODULE_TIMEOUT_MS 20000

static const char *const modules[] = {
	[BENCH_OURS] = "aerostat_vmware", [BENCH_PEER] = "vmw_balloon"};

/* The commands that a mode must use, and no other, by direction. */
static const char *const commands[MODES][2] = {
	[MODE_2M] = {"batched-2m-lock", "batched-2m-unlock"},
	[MODE_4K] = {"batched-lock", "batched-unlock"},
	[MODE_UNBATCHED] = {"lock", "unlock"},
};

static const char *const withheld[MODES] = {
	[MODE_2M] = "",
	[MODE_4K] = "\"batched-2m\"",
	[MODE_UNBATCHED] = "\"batched\", \"batched-2m\"",
};

/* The number at a path of keys in the report; complains when there is none. */
static int number_at(const json_t *report, const char *const *keys, uint64_t *out)
{
	const json_t *at = report;

	for (; *keys; keys++)
		at = json_object_get(at, *keys);
	if (!json_is_integer(at) || json_integer_value(at) < 0)
		return report_complain("the monitor's report has no number where it should");
	*out = (uint64_t)json_integer_value(at);
	return 0;
}

struct counters {
	uint64_t pages, busy_instructions, busy_ns;
	uint64_t calls[MODES]; /* of the direction's command */
};

static int counters_from(const json_t *report, enum bench_move d, struct counters *out)
{
	const char *name = bench_move_names[d];
	int ret = number_at(report, (const char *const[]){"counters", name, "pages", NULL},
			    &out->pages);

	if (!ret)
		ret = number_at(report,
				(const char *const[]){"counters", name, "busy_instructions", NULL},
				&out->busy_instructions);
	if (!ret)
		ret = number_at(report, (const char *const[]){"counters", name, "busy_ns", NULL},
				&out->busy_ns);
	for (int m = 0; !ret && m < MODES; m++)
		ret = number_at(report,
				(const char *const[]){"counters", "commands", commands[m][d],
						      "calls", NULL},
				&out->calls[m]);
	return ret;
}

static int read_counters(struct lab_guest *g, enum bench_move d, struct counters *out)
{
	json_t *report = lab_monitor_report(g);
	int ret = report ? counters_from(report, d, out) : report_complain("%s", lab_error());

	json_decref(report);
	return ret;
}

/* One half of a cycle, begun and ended at rest. */
struct phase {
	enum bench_move direction;
	enum bench_driver driver;
	uint64_t whole_instructions;
	struct counters counters;
	double backed_before_mib, backed_after_mib;
};

/* A row must measure what it says. */
static int check_counters(const struct bench *b, const struct phase *p)
{
	uint64_t wanted = (uint64_t)b->options.move_mib * LAB_PAGES_PER_MIB;
	const struct counters *c = &p->counters;
	const char *driver = b->frame->drivers[p->driver];

	if (c->pages != wanted)
		return report_complain("%s moved %llu pages instead of %llu", driver,
				       (unsigned long long)c->pages, (unsigned long long)wanted);
	for (unsigned int other = 0; other < MODES; other++)
		if ((other == b->kind) != (c->calls[other] != 0))
			return report_complain("%s used the command %s %llu times in a row that is "
					       "about %s",
					       driver, commands[other][p->direction],
					       (unsigned long long)c->calls[other],
					       b->frame->kind.names[b->kind]);
	if (!c->busy_ns || (b->counting && !c->busy_instructions))
		return report_complain("the monitor counted no %s",
				       b->counting ? "instructions" : "time");
	return 0;
}

static void add(struct bench *b, const struct phase *p, unsigned int figure, double value)
{
	samples_add(bench_samples(b, p->direction, p->driver, figure), value);
}

static int keep(struct bench *b, const struct phase *p)
{
	const struct counters *c = &p->counters;
	double pages = (double)c->pages;

	if (b->counting) {
		add(b, p, FIGURE_INSTRUCTIONS, (double)c->busy_instructions / pages);
		add(b, p, FIGURE_WHOLE, (double)p->whole_instructions / pages);
		add(b, p, FIGURE_COMMANDS, (double)c->calls[b->kind] * PAGES_PER_GIB / pages);
	} else {
		add(b, p, FIGURE_RATE, pages / PAGES_PER_GIB / ((double)c->busy_ns / 1e9));
	}
	add(b, p, FIGURE_BACKED, p->backed_before_mib);
	add(b, p, FIGURE_LEFT, p->backed_after_mib);
	return bench_keep(b, p->direction, p->driver,
			  json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "pages",
				    (json_int_t)c->pages, "commands", (json_int_t)c->calls[b->kind],
				    "busy_ns", (json_int_t)c->busy_ns, "busy_instructions",
				    (json_int_t)c->busy_instructions, "whole_instructions",
				    (json_int_t)p->whole_instructions, "backed_before_mib",
				    p->backed_before_mib, "backed_after_mib", p->backed_after_mib));
}

int vmware_move(struct bench *b, enum bench_driver driver, enum bench_move direction, uint64_t goal)
{
	struct phase p = {.driver = driver, .direction = direction};
	int64_t start_ms;
	uint64_t start;

	if (bench_backed_mib(b, &p.backed_before_mib) || bench_begin_profile(b))
		return -1;
	start_ms = lab_now_ms();
	start = b->counting ? bench_instructions_now(b) : 0;
	if (lab_monitor_control(b->guest, "{\"zero_counters\": true, \"target_pages\": %llu}",
				(unsigned long long)goal) ||
	    lab_wait_size(b->guest, goal, goal, MOVE_TIMEOUT_MS))
		return report_complain("%s", lab_error());
	if ((b->counting &&
	     bench_instructions_since(b, p.driver, start, start_ms, &p.whole_instructions)) ||
	    bench_end_profile(b, p.driver, p.direction) ||
	    read_counters(b->guest, p.direction, &p.counters) || check_counters(b, &p) ||
	    bench_backed_mib(b, &p.backed_after_mib))
		return -1;
	return keep(b, &p);
}

int vmware_give(struct bench *b, unsigned int mib)
{
	uint64_t goal = (uint64_t)mib * LAB_PAGES_PER_MIB;

	/* The kernel's driver may stop up to a large page beyond a target that is not 0. */
	if (lab_target(b->guest, goal) ||
	    lab_wait_size(b->guest, goal, goal ? goal + PAGES_PER_LARGE : 0, MOVE_TIMEOUT_MS))
		return report_complain("%s", lab_error());
	return 0;
}

int vmware_large_pages(struct bench *b, enum bench_driver driver, double *pages)
{
	static const char *const units[] = {"counters", "inflate", "entries", "2m", NULL};
	json_t *report = lab_monitor_report(b->guest);
	const json_t *at = report;

	(void)driver;
	if (!report)
		return report_complain("%s", lab_error());
	for (const char *const *key = units; *key; key++)
		at = json_object_get(at, *key);
	/* A status that was never given is not in the report. */
	*pages = PAGES_PER_LARGE * (double)json_integer_value(json_object_get(at, "ok"));
	json_decref(report);
	return 0;
}

/*
 * A driver that was just loaded is code that QEMU has not translated yet, which
 * takes milliseconds: as long as moving 1 GiB in units of 2 MiB.
 */
static int warm_up(struct bench *b)
{
	if (lab_wait_size(b->guest, WARM_UP_PAGES, WARM_UP_PAGES, MOVE_TIMEOUT_MS) ||
	    lab_monitor_control(b->guest, "{\"target_pages\": 0}") ||
	    lab_wait_size(b->guest, 0, 0, MOVE_TIMEOUT_MS))
		return report_complain("%s", lab_error());
	return 0;
}

int vmware_load(struct bench *b, enum bench_driver driver)
{
	if (lab_monitor_control(b->guest, "{\"withhold\": [%s], \"target_pages\": %u}",
				withheld[b->kind], b->counting ? 0 : WARM_UP_PAGES) ||
	    lab_must(b->guest, MODULE_TIMEOUT_MS, "modprobe %s", modules[driver]))
		return report_complain("%s", lab_error());
	return b->counting ? bench_measure_idle(b, driver) : warm_up(b);
}

int vmware_unload(struct bench *b, enum bench_driver driver)
{
	return lab_must(b->guest, MODULE_TIMEOUT_MS, "modprobe -r %s", modules[driver])
		       ? report_complain("%s", lab_error())
		       : 0;
}
