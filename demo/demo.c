/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * aerostat-demo: a real guest gives memory back to its host and gets it again.
 * This is what `make run` runs.
 */
#define _GNU_SOURCE
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"
#include "screen.h"

#define MIB_PAGES	  LAB_PAGES_PER_MIB
/* The spec lets a driver stop so near to a target (one 2 MiB page). */
#define SLACK_PAGES	  512
/* What the host must get of what the balloon took. */
#define TOLERANCE_PERCENT 2
/* The guest leaves some memory alone when it fills itself, and so does the host. */
#define REFILL_PERCENT	  90

#define BOOT_OVERHEAD_MIB 192 /* kernel, initramfs, agent: what a guest can't give */

struct options {
	unsigned int memory_mib, low_mib, data_mib;
	enum lab_backend backend;
	const char *driver;
	bool verbose;
};

/* One column of the closing table. */
struct figures {
	struct lab_meminfo guest;
	uint64_t balloon_pages;
	struct lab_host_memory host;
	double seconds, busy_seconds;
	bool moved, data_good;
};

enum { BEFORE, INFLATED, AFTER, COLUMNS };

struct demo {
	struct options options;
	struct lab_guest *guest;
	struct figures at[COLUMNS];
};

/* ---- the phases ---- */

static uint64_t mib(uint64_t kib)
{
	return kib / 1024;
}

/* The module to load; it pulls in what it depends on. */
static const char *module_of(const char *driver)
{
	return !strcmp(driver, "aerostat") ? "aerostat_vmware" : driver;
}

static int boot(struct demo *d)
{
	struct lab_config config = {
		.name = "demo",
		.memory_mib = d->options.memory_mib,
		.cpus = 1,
		.backend = d->options.backend,
	};

	screen_phase_start("boot");
	if (lab_boot(&d->guest, &config)) {
		d->guest = NULL;
		return screen_complain("%s", lab_error());
	}
	screen_phase_end("boot", "%u MiB guest, Debian's kernel %s", d->options.memory_mib,
			 lab_env("AERO_RELEASE"));
	return 0;
}

static int load_driver(struct demo *d)
{
	const char *module = module_of(d->options.driver);

	screen_phase_start("load driver");
	if (lab_sh(d->guest, 20000, NULL, "modinfo %s | grep -q .", module))
		return screen_complain(
			"the guest has no module %s; build it (make modules) and run "
			"lab/setup guest again",
			module);
	if (lab_must(d->guest, 30000, "modprobe %s", module))
		return screen_complain("%s", lab_error());
	screen_phase_end("load driver", "%s", module);
	return 0;
}

/* The guest uses all its memory once, so that the host has to back it. */
static int fill_memory(struct demo *d, const char *phase)
{
	struct lab_host_memory host = {0};
	int id, status;

	screen_phase_start(phase);
	id = lab_begin(d->guest, 60000, "touch");
	if (id < 0)
		return screen_complain("%s", lab_error());
	while ((status = lab_end(d->guest, id, 50, NULL)) == -ETIMEDOUT) {
		if (screen_phase_seconds() > 70)
			return screen_complain("filling the guest's memory takes too long");
		if (lab_host_memory(d->guest, &host))
			return screen_complain("%s", lab_error());
		screen_draw(phase, mib(host.ram_kib), d->options.memory_mib);
	}
	if (status < 0)
		return screen_complain("%s", lab_error());
	if (status)
		return screen_complain("filling the guest's memory failed with status %d", status);
	if (lab_host_memory(d->guest, &host))
		return screen_complain("%s", lab_error());
	screen_phase_end(phase, "the host now backs %llu MiB",
			 (unsigned long long)mib(host.ram_kib));
	return 0;
}

static int make_data(struct demo *d)
{
	screen_phase_start("checksummed data");
	if (lab_data_fill(d->guest, d->options.data_mib, 20))
		return screen_complain("%s", lab_error());
	screen_phase_end("checksummed data", "%u MiB in a process of the guest",
			 d->options.data_mib);
	return 0;
}

static void check_data(struct demo *d, struct figures *at)
{
	screen_phase_start("check data");
	at->data_good = !lab_data_check(d->guest);
	if (at->data_good)
		screen_phase_end("check data", "%severy byte is right%s", GREEN, NORMAL);
	else
		screen_phase_end("check data", "%s%s%s", RED, lab_error(), NORMAL);
}

/* What the monitor says the guest worked, which leaves the driver's sleep out. */
static double busy_seconds(struct demo *d)
{
	json_t *report = lab_monitor_report(d->guest);
	json_t *counters = json_object_get(report, "counters");
	double sum = 0;

	sum += json_number_value(json_object_get(json_object_get(counters, "inflate"), "busy_ns"));
	sum += json_number_value(json_object_get(json_object_get(counters, "deflate"), "busy_ns"));
	json_decref(report);
	return sum / 1e9;
}

/* Moves the balloon to `goal` and fills in how long it took. */
static int move(struct demo *d, struct figures *at, const char *phase, uint64_t from, uint64_t goal)
{
	uint64_t low = goal > SLACK_PAGES ? goal - SLACK_PAGES : 0, size = from;
	uint64_t way = goal > from ? goal - from : from - goal, gone = 0;
	double busy = busy_seconds(d);

	if (goal == 0)
		low = 0;
	screen_phase_start(phase);
	if (lab_target(d->guest, goal))
		return screen_complain("%s", lab_error());
	for (;;) {
		if (lab_size(d->guest, &size))
			return screen_complain("%s", lab_error());
		gone = goal > from ? size - from : from - size;
		if (size >= low && size <= (goal ? goal + SLACK_PAGES : 0))
			break;
		if (screen_phase_seconds() > 90)
			return screen_complain(
				"the balloon is stuck at %llu MiB on its way to %llu MiB",
				(unsigned long long)(size / MIB_PAGES),
				(unsigned long long)(goal / MIB_PAGES));
		screen_draw(phase, gone / MIB_PAGES, way / MIB_PAGES);
		lab_sleep_ms(10);
	}
	at->seconds = screen_phase_seconds();
	at->busy_seconds = busy_seconds(d) - busy;
	at->moved = true;
	screen_phase_end(phase, "%llu MiB moved", (unsigned long long)(gone / MIB_PAGES));
	return 0;
}

static int measure(struct demo *d, struct figures *at)
{
	if (lab_meminfo(d->guest, &at->guest) || lab_size(d->guest, &at->balloon_pages) ||
	    lab_host_memory(d->guest, &at->host))
		return screen_complain("%s", lab_error());
	return 0;
}

static int run(struct demo *d)
{
	uint64_t inflated = (uint64_t)(d->options.memory_mib - d->options.low_mib) * MIB_PAGES;
	struct figures *at = d->at;

	if (boot(d) || load_driver(d) || fill_memory(d, "fill memory") || make_data(d) ||
	    measure(d, &at[BEFORE]))
		return -1;
	check_data(d, &at[BEFORE]);
	if (move(d, &at[INFLATED], "inflate", 0, inflated) || measure(d, &at[INFLATED]))
		return -1;
	check_data(d, &at[INFLATED]);
	if (move(d, &at[AFTER], "deflate", at[INFLATED].balloon_pages, 0) ||
	    fill_memory(d, "fill memory again") || measure(d, &at[AFTER]))
		return -1;
	check_data(d, &at[AFTER]);
	return 0;
}

/* ---- the closing table ---- */

static void row_mib(const char *name, const uint64_t kib[COLUMNS])
{
	printf("  %-24s", name);
	for (int i = 0; i < COLUMNS; i++)
		printf("%8llu MiB", (unsigned long long)mib(kib[i]));
	printf("\n");
}

#define ROW(name, expression)                         \
	do {                                          \
		uint64_t kib[COLUMNS];                \
		for (int i = 0; i < COLUMNS; i++)     \
			kib[i] = d->at[i].expression; \
		row_mib(name, kib);                   \
	} while (0)

static double moved_gib(const struct demo *d)
{
	return (double)d->at[INFLATED].balloon_pages / MIB_PAGES / 1024;
}

static void row_seconds(const struct demo *d)
{
	printf("  %-24s%12s", "time to get there", "");
	for (int i = INFLATED; i < COLUMNS; i++)
		printf("%10.2f s", d->at[i].seconds);
	printf("\n  %-24s%12s", "rate while moving", "");
	for (int i = INFLATED; i < COLUMNS; i++)
		if (d->at[i].busy_seconds > 0)
			printf("%6.1f GiB/s", moved_gib(d) / d->at[i].busy_seconds);
		else
			printf("%12s", "-");
	printf("\n");
}

static void table(const struct demo *d)
{
	printf("\n  %s%-24s%12s%12s%12s%s\n", BOLD, "", "before", "inflated", "after", NORMAL);
	ROW("guest: total", guest.total_kib);
	ROW("guest: free", guest.free_kib);
	ROW("balloon", balloon_pages * LAB_PAGE_KIB);
	ROW("host: the guest's memory", host.ram_kib);
	ROW("host: all of QEMU", host.process_kib);
	row_seconds(d);
	printf("  %-24s", "data intact");
	for (int i = 0; i < COLUMNS; i++)
		printf("%12s", d->at[i].data_good ? "yes" : "NO");
	printf("\n\n");
}

/* Prints what is wrong; 0 when nothing is. */
static int judge(const struct demo *d)
{
	const struct figures *at = d->at;
	uint64_t moved_kib = at[INFLATED].balloon_pages * LAB_PAGE_KIB;
	int64_t got_kib = (int64_t)(at[BEFORE].host.ram_kib - at[INFLATED].host.ram_kib);
	int64_t back_kib = (int64_t)(at[AFTER].host.ram_kib - at[INFLATED].host.ram_kib);
	int bad = 0;
	char *lines = NULL;

	if (got_kib * 100 < (int64_t)moved_kib * (100 - TOLERANCE_PERCENT))
		bad = screen_complain("the balloon took %llu MiB, but the host got only %lld MiB",
				      (unsigned long long)mib(moved_kib),
				      (long long)got_kib / 1024);
	if (back_kib * 100 < (int64_t)moved_kib * REFILL_PERCENT)
		bad = screen_complain("of %llu MiB the guest could use only %lld MiB again",
				      (unsigned long long)mib(moved_kib),
				      (long long)back_kib / 1024);
	for (int i = 0; i < COLUMNS; i++)
		if (!at[i].data_good)
			bad = screen_complain(
				"the guest's data was damaged (column %d of the table)", i + 1);
	if (lab_log_problems(d->guest, NULL, &lines))
		bad = screen_complain("the guest's kernel complained (%s):\n%s",
				      lab_console_path(d->guest), lines ? lines : lab_error());
	free(lines);
	if (!bad)
		printf("  %sThe host got %lld MiB, the guest had them back afterwards, "
		       "and no byte changed.%s\n",
		       GREEN, (long long)got_kib / 1024, NORMAL);
	return bad;
}

/* ---- options ---- */

enum { OPTION_BACKEND = 'b', OPTION_DRIVER = 'd', OPTION_LOW = 'l', OPTION_MEMORY = 'm' };

static const struct argp_option option_table[] = {
	{"memory-mib", OPTION_MEMORY, "MIB", 0, "The guest's memory (2048)", 0},
	{"low-mib", OPTION_LOW, "MIB", 0, "What the balloon leaves the guest (768)", 0},
	{"backend", OPTION_BACKEND, "KIND", 0,
	 "The guest's memory is 'anonymous' memory of QEMU (default) or a 'memfd'", 0},
	{"driver", OPTION_DRIVER, "NAME", 0,
	 "The guest's driver: 'aerostat' (default) or Debian's own 'vmw_balloon'", 0},
	{"verbose", 'v', NULL, 0, "End with the guest's console and the monitor's report", 0},
	{0},
};

static unsigned int parse_mib(const char *text, const char *name, struct argp_state *state)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || *end || value < 1 || value > 65536)
		argp_error(state, "--%s wants MiB from 1 to 65536, not '%s'", name, text);
	return (unsigned int)value;
}

static void check_options(struct options *o, struct argp_state *state)
{
	if (o->memory_mib < 512)
		argp_error(state, "--memory-mib: a guest of less than 512 MiB has nothing to give");
	if (o->low_mib < 384)
		argp_error(state, "--low-mib: with less than 384 MiB the guest would not live");
	if (o->low_mib + 64 > o->memory_mib)
		argp_error(state, "--low-mib %u must be at least 64 below --memory-mib %u",
			   o->low_mib, o->memory_mib);
	/* A third of what stays, so that it must survive in a full guest. */
	o->data_mib = (o->low_mib - BOOT_OVERHEAD_MIB) / 2;
	if (o->data_mib > 256)
		o->data_mib = 256;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case OPTION_MEMORY:
		o->memory_mib = parse_mib(arg, "memory-mib", state);
		break;
	case OPTION_LOW:
		o->low_mib = parse_mib(arg, "low-mib", state);
		break;
	case OPTION_BACKEND:
		if (strcmp(arg, "anonymous") && strcmp(arg, "memfd"))
			argp_error(state, "--backend is 'anonymous' or 'memfd', not '%s'", arg);
		o->backend = strcmp(arg, "memfd") ? LAB_ANONYMOUS : LAB_MEMFD;
		break;
	case OPTION_DRIVER:
		if (strcmp(arg, "aerostat") && strcmp(arg, "vmw_balloon"))
			argp_error(state, "--driver is 'aerostat' or 'vmw_balloon', not '%s'", arg);
		o->driver = arg;
		break;
	case 'v':
		o->verbose = true;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is no option", arg);
		break;
	case ARGP_KEY_END:
		check_options(o, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static void verbose_end(struct demo *d)
{
	json_t *report = lab_alive(d->guest) ? lab_monitor_report(d->guest) : NULL;

	printf("\nthe guest's console (%s):\n", lab_console_path(d->guest));
	lab_log_tail(d->guest, stdout, 40, "  ");
	if (report) {
		printf("\nthe monitor's report:\n");
		json_dumpf(report, stdout, JSON_INDENT(2));
		printf("\n");
	}
	json_decref(report);
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		option_table,
		parse,
		NULL,
		"Boots a real guest, fills its memory, takes memory away with the balloon and "
		"gives it back.  Exit status 0: the host really got it and no data changed.",
		0,
		0,
		0};
	struct demo d = {.options = {.memory_mib = 2048, .low_mib = 768, .driver = "aerostat"}};
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &d.options);
	screen_setup("aerostat-demo");
	ret = run(&d);
	if (!ret) {
		table(&d);
		ret = judge(&d);
	}
	if (d.options.verbose && d.guest)
		verbose_end(&d);
	lab_stop(d.guest);
	return ret ? 1 : 0;
}
