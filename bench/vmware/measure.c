// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Guests, drivers and figures. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define PAGES_PER_GIB	  (1024.0 * LAB_PAGES_PER_MIB)
/* Before a rate is measured; whole 2 MiB pages. */
#define WARM_UP_PAGES	  (64 * LAB_PAGES_PER_MIB)

#define MOVE_TIMEOUT_MS	  60000
#define MODULE_TIMEOUT_MS 20000

/* The guest has come to rest when it executed less than this in one interval. */
#define REST_INTERVAL_MS  40
#define REST_INSTRUCTIONS 20000
#define REST_TIMEOUT_MS	  10000
#define IDLE_MS		  2000 /* two rounds of the drivers' clock, which ticks once a second */

static const char *const modules[DRIVERS] = {"aerostat_vmware", "vmw_balloon"};

/* The commands that a mode must use, and no other. */
static const char *const commands[MODES][DIRECTIONS] = {
	[MODE_2M] = {"batched-2m-lock", "batched-2m-unlock"},
	[MODE_4K] = {"batched-lock", "batched-unlock"},
	[MODE_UNBATCHED] = {"lock", "unlock"},
};

static const char *const withheld[MODES] = {
	[MODE_2M] = "",
	[MODE_4K] = "\"batched-2m\"",
	[MODE_UNBATCHED] = "\"batched\", \"batched-2m\"",
};

static uint64_t instructions_now(const struct bench *b)
{
	uint64_t sum = b->counts->user + b->counts->rest;

	for (unsigned int i = 0; i < BENCH_SLOTS; i++)
		sum += __atomic_load_n(&b->counts->slot[i].instructions, __ATOMIC_RELAXED);
	return sum;
}

/* Waits until the guest does nothing but tick. */
static int wait_for_rest(struct bench *b)
{
	int64_t start = lab_now_ms();
	uint64_t last = instructions_now(b), now;

	for (;;) {
		lab_sleep_ms(REST_INTERVAL_MS);
		now = instructions_now(b);
		if (now - last < REST_INSTRUCTIONS)
			return 0;
		if (lab_now_ms() - start > REST_TIMEOUT_MS)
			return report_complain("the guest does not come to rest: "
					       "%llu instructions in %u ms",
					       (unsigned long long)(now - last), REST_INTERVAL_MS);
		last = now;
	}
}

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

static int read_counters(struct lab_guest *g, enum bench_direction d, struct counters *out)
{
	const char *name = bench_direction_names[d];
	json_t *report = lab_monitor_report(g);
	int ret;

	if (!report)
		return report_complain("%s", lab_error());
	ret = number_at(report, (const char *const[]){"counters", name, "pages", NULL},
			&out->pages);
	ret = ret ? ret
		  : number_at(report,
			      (const char *const[]){"counters", name, "busy_instructions", NULL},
			      &out->busy_instructions);
	ret = ret ? ret
		  : number_at(report, (const char *const[]){"counters", name, "busy_ns", NULL},
			      &out->busy_ns);
	for (int m = 0; !ret && m < MODES; m++)
		ret = number_at(report,
				(const char *const[]){"counters", "commands", commands[m][d],
						      "calls", NULL},
				&out->calls[m]);
	json_decref(report);
	return ret;
}

/* A row must measure what it says. */
static int check_counters(const struct bench *b, const struct counters *c, enum bench_mode m,
			  enum bench_direction d, enum bench_driver driver)
{
	uint64_t wanted = (uint64_t)b->options.move_mib * LAB_PAGES_PER_MIB;

	if (c->pages != wanted)
		return report_complain("%s moved %llu pages instead of %llu",
				       bench_driver_names[driver], (unsigned long long)c->pages,
				       (unsigned long long)wanted);
	for (int other = 0; other < MODES; other++)
		if ((other == (int)m) != (c->calls[other] != 0))
			return report_complain("%s used the command %s %llu times in a row that is "
					       "about %s",
					       bench_driver_names[driver], commands[other][d],
					       (unsigned long long)c->calls[other],
					       bench_mode_names[m]);
	if (!c->busy_ns || (b->counting && !c->busy_instructions))
		return report_complain("the monitor counted no %s",
				       b->counting ? "instructions" : "time");
	return 0;
}

/* One half of a cycle, begun and ended at rest. */
struct phase {
	enum bench_zeroing zeroing;
	enum bench_mode mode;
	enum bench_direction direction;
	enum bench_driver driver;
	uint64_t whole_instructions;
	struct counters counters;
};

static int keep(struct bench *b, const struct phase *p)
{
	struct bench_cell *cell = &b->cell[p->zeroing][p->mode][p->direction][p->driver];
	double pages = (double)p->counters.pages;
	json_t *raw;

	if (b->counting) {
		samples_add(&cell->figure[FIGURE_INSTRUCTIONS],
			    (double)p->counters.busy_instructions / pages);
		samples_add(&cell->figure[FIGURE_WHOLE], (double)p->whole_instructions / pages);
		samples_add(&cell->figure[FIGURE_COMMANDS],
			    (double)p->counters.calls[p->mode] * PAGES_PER_GIB / pages);
	} else {
		samples_add(&cell->figure[FIGURE_RATE],
			    pages / PAGES_PER_GIB / ((double)p->counters.busy_ns / 1e9));
	}
	raw = json_pack(
		"{s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I}", "init_on_alloc",
		bench_zeroing_names[p->zeroing], "mode", bench_mode_names[p->mode], "direction",
		bench_direction_names[p->direction], "driver", bench_driver_names[p->driver],
		"counting", b->counting, "pages", (json_int_t)p->counters.pages, "commands",
		(json_int_t)p->counters.calls[p->mode], "busy_ns", (json_int_t)p->counters.busy_ns,
		"busy_instructions", (json_int_t)p->counters.busy_instructions,
		"whole_instructions", (json_int_t)p->whole_instructions);
	if (json_array_append_new(b->cycles, raw))
		return report_complain("no memory");
	return 0;
}

static int print_profile(struct bench *b, struct lab_guest *g, const struct phase *p)
{
	char title[64];

	snprintf(title, sizeof(title), "%s, %s", bench_driver_names[p->driver],
		 bench_direction_names[p->direction]);
	return bench_profile_print(&b->profile, g, title,
				   (double)b->options.move_mib * LAB_PAGES_PER_MIB);
}

/* Moves the balloon to `goal` and takes the figures of the way there. */
static int move(struct bench *b, struct lab_guest *g, struct phase *p, uint64_t goal)
{
	int64_t start_ms = lab_now_ms();
	uint64_t start = 0, idle;

	if (b->counting)
		start = instructions_now(b);
	if (b->options.profile && bench_profile_before(&b->profile))
		return -1;
	if (lab_monitor_control(g, "{\"zero_counters\": true, \"target_pages\": %llu}",
				(unsigned long long)goal) ||
	    lab_wait_size(g, goal, goal, MOVE_TIMEOUT_MS))
		return report_complain("%s", lab_error());
	if (b->counting) {
		if (wait_for_rest(b))
			return -1;
		p->whole_instructions = instructions_now(b) - start;
		idle = (uint64_t)(b->idle_per_ms[p->driver] * (double)(lab_now_ms() - start_ms));
		p->whole_instructions -= idle < p->whole_instructions ? idle : 0;
	}
	if (b->options.profile && print_profile(b, g, p))
		return -1;
	if (read_counters(g, p->direction, &p->counters) ||
	    check_counters(b, &p->counters, p->mode, p->direction, p->driver))
		return -1;
	return keep(b, p);
}

/* What the guest executes anyway, with the driver loaded and nothing to do. */
static int measure_idle(struct bench *b, enum bench_driver driver)
{
	int64_t start_ms;
	uint64_t start;

	if (!b->counting || b->idle_per_ms[driver] > 0)
		return 0;
	start_ms = lab_now_ms();
	start = instructions_now(b);
	lab_sleep_ms(IDLE_MS);
	b->idle_per_ms[driver] =
		(double)(instructions_now(b) - start) / (double)(lab_now_ms() - start_ms);
	return 0;
}

/*
 * A driver that was just loaded is code that QEMU has not translated yet, which
 * takes milliseconds: as long as moving 1 GiB in units of 2 MiB.
 */
static int warm_up(struct bench *b, struct lab_guest *g)
{
	if (b->counting)
		return 0;
	if (lab_wait_size(g, WARM_UP_PAGES, WARM_UP_PAGES, MOVE_TIMEOUT_MS) ||
	    lab_monitor_control(g, "{\"target_pages\": 0}") ||
	    lab_wait_size(g, 0, 0, MOVE_TIMEOUT_MS))
		return report_complain("%s", lab_error());
	return 0;
}

/* Load, inflate, deflate, unload. */
static int cycle(struct bench *b, struct lab_guest *g, enum bench_zeroing z, enum bench_mode m,
		 enum bench_driver driver)
{
	struct phase p = {.zeroing = z, .mode = m, .driver = driver};

	if (lab_monitor_control(g, "{\"withhold\": [%s], \"target_pages\": %u}", withheld[m],
				b->counting ? 0 : WARM_UP_PAGES) ||
	    lab_must(g, MODULE_TIMEOUT_MS, "modprobe %s", modules[driver]))
		return report_complain("%s", lab_error());
	if (warm_up(b, g) || (b->counting && (wait_for_rest(b) || measure_idle(b, driver))))
		return -1;
	p.direction = INFLATE;
	if (move(b, g, &p, (uint64_t)b->options.move_mib * LAB_PAGES_PER_MIB))
		return -1;
	p.direction = DEFLATE;
	if (move(b, g, &p, 0))
		return -1;
	if (lab_must(g, MODULE_TIMEOUT_MS, "modprobe -r %s", modules[driver]))
		return report_complain("%s", lab_error());
	return 0;
}

static int all_cycles(struct bench *b, struct lab_guest *g, enum bench_zeroing z)
{
	/* Counts hardly differ from round to round, rates do. */
	unsigned int rounds = b->counting ? (b->options.rounds + 1) / 2 : b->options.rounds;

	for (unsigned int round = 0; round < rounds; round++) {
		for (int m = 0; m < MODES; m++) {
			/* Who comes first changes, so that neither always finds a fresh guest. */
			enum bench_driver first = round % 2 ? PEER : OURS;

			if (!b->options.mode[m])
				continue;

			if (cycle(b, g, z, m, first) ||
			    cycle(b, g, z, m, first == OURS ? PEER : OURS))
				return -1;
		}
	}
	return 0;
}

int bench_boot(struct bench *b, enum bench_zeroing z, bool counting)
{
	char append[64], counter[4096];
	const char *const extra[] = {"-plugin", counter, NULL};
	struct lab_config config = {
		.name = "bench",
		.memory_mib = b->options.memory_mib,
		.cpus = 1,
		.append = append,
		.plugin_args = counting ? "instructions=on" : NULL,
		.extra = counting ? extra : NULL,
	};
	struct lab_guest *g = NULL;
	int ret;

	snprintf(append, sizeof(append), "init_on_alloc=%d", z == ZEROING_ON);
	snprintf(counter, sizeof(counter), "file=%s/bench/aerostat-bench-count.so,counts=%s",
		 lab_build_folder(), b->counts_path);
	memset(b->counts, 0, sizeof(*b->counts));
	memset(b->idle_per_ms, 0, sizeof(b->idle_per_ms));
	b->counting = counting;
	fprintf(stderr, "%5.0f s  init_on_alloc=%s, %s\n",
		(double)(lab_now_ms() - b->start_ms) / 1000, bench_zeroing_names[z],
		counting ? "counting instructions" : "measuring rates");
	if (lab_boot(&g, &config))
		return report_complain("%s", lab_error());
	if (!b->qemu)
		b->qemu = lab_qmp(g, "query-version", NULL);
	ret = all_cycles(b, g, z);
	if (!ret)
		ret = bench_check_log(g);
	else if (lab_alive(g))
		lab_log_tail(g, stderr, 15, "  ");
	lab_stop(g);
	return ret;
}
