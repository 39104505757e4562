/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * aerostat-demo: a real guest gives memory to its host and takes it back.
 * This is what `make run` runs.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "demo.h"

#define MOVE_SECONDS  90
#define HANDOVER_MS   10000
#define TOUCH_MS      60000
#define TOUCH_SECONDS 70
#define SIZE_KIB      "/sys/kernel/aerostat/size_kib"

static int complain_lab(void)
{
	return screen_complain("%s", lab_error());
}

static bool nested(const struct demo *d)
{
	return d->options.platform->start_guest != NULL;
}

/* ---- start ---- */

/* "PVH, ": the type of the guest where there are several. */
static const char *type_words(const struct options *o)
{
	static char words[16];

	if (o->platform->types)
		snprintf(words, sizeof(words), "%s, ", o->platform->types[o->type]);
	for (char *c = words; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return words;
}

static int start_guest(struct demo *d, const struct lab_subject_config *config)
{
	const struct options *o = &d->options;
	char *kernel = NULL;

	if (nested(d))
		screen_phase_start("start guest");
	if (lab_subject_start_guest(&d->subject, config))
		return complain_lab();
	if (lab_read_file(d->subject.guest, "/proc/sys/kernel/osrelease", &kernel))
		return complain_lab();
	screen_phase_end(nested(d) ? "start guest" : "boot", "%s%u MiB, Debian's kernel %.*s",
			 type_words(o), o->memory_mib, (int)strcspn(kernel, "\n"), kernel);
	free(kernel);
	return 0;
}

static int start(struct demo *d)
{
	const struct options *o = &d->options;
	char name[32];
	const struct lab_subject_config config = {
		.name = name,
		.platform = o->platform,
		.type = (unsigned int)o->type,
		.memory_mib = o->memory_mib,
		.backend = o->backend,
	};

	snprintf(name, sizeof(name), "demo-%s", o->platform->name);
	screen_phase_start("boot");
	if (lab_subject_boot_host(&d->subject, &config))
		return complain_lab();
	if (nested(d))
		screen_phase_end("boot", "%s %s, in a machine of %u MiB", o->platform->title,
				 o->platform->version ? lab_env(o->platform->version) : "",
				 lab_guest_config(d->subject.host)->memory_mib);
	return start_guest(d, &config);
}

/* ---- the driver ---- */

/* Prints the driver's lines in the guest's kernel log since `*lines`, which counts them. */
static int show_log(struct demo *d, unsigned int *lines)
{
	char *text, *rest, *line;
	unsigned int n = 0;

	if (lab_sh(d->subject.guest, 20000, &text, "dmesg | sed -n '/taint/d; s/.*aerostat: //p'"))
		return screen_complain("can't read the guest's log: %s", text ? text : lab_error());
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (*line && ++n > *lines)
			printf("  %29s  \"%s\"\n", "", line);
	*lines = n;
	free(text);
	return 0;
}

/* A driver that replaces another one reports on it. */
static const char *log_follows(const struct demo *d)
{
	return d->options.platform->takes_over ? "; the guest's log:" : "";
}

static int load_driver(struct demo *d, unsigned int *lines)
{
	const char *module = d->options.module;

	screen_phase_start("load driver");
	if (lab_sh(d->subject.guest, 20000, NULL, "modinfo %s | grep -q .", module))
		return screen_complain("the guest has no module %s; build it (make modules) and "
				       "run lab/setup guest again",
				       module);
	if (lab_must(d->subject.guest, 30000, "modprobe %s", module))
		return complain_lab();
	screen_phase_end("load driver", "%s%s", module, log_follows(d));
	return show_log(d, lines);
}

static int unload_driver(struct demo *d, unsigned int *lines)
{
	screen_phase_start("unload driver");
	if (lab_must(d->subject.guest, 60000, "rmmod %s", d->options.module))
		return complain_lab();
	screen_phase_end("unload driver", "%s%s", d->options.module, log_follows(d));
	return show_log(d, lines);
}

/* ---- memory and data ---- */

/* The host's memory behind the guest, in MiB, or -1. */
static int backing_mib(struct demo *d, uint64_t *mib)
{
	struct lab_host_memory host;

	if (lab_host_memory(d->subject.guest, &host))
		return complain_lab();
	*mib = host.ram_kib / KIB_PER_MIB;
	return 0;
}

/*
 * The guest uses all its memory once, so that the host has to back it.  On Xen the
 * guest's memory is its own from the start.
 */
static int fill_memory(struct demo *d, const char *phase)
{
	uint64_t mib = 0;
	int id, status;

	if (nested(d))
		return 0;
	screen_phase_start(phase);
	id = lab_begin(d->subject.guest, TOUCH_MS, "touch");
	if (id < 0)
		return complain_lab();
	while ((status = lab_end(d->subject.guest, id, 50, NULL)) == -ETIMEDOUT) {
		if (screen_phase_seconds() > TOUCH_SECONDS)
			return screen_complain("filling the guest's memory takes too long");
		if (backing_mib(d, &mib))
			return -1;
		screen_draw(phase, mib, d->options.memory_mib);
	}
	if (status < 0)
		return complain_lab();
	if (status)
		return screen_complain("filling the guest's memory failed with status %d", status);
	if (backing_mib(d, &mib))
		return -1;
	screen_phase_end(phase, "the host now backs %" PRIu64 " MiB", mib);
	return 0;
}

static int make_data(struct demo *d)
{
	screen_phase_start("checksummed data");
	if (lab_data_fill(d->subject.guest, d->options.data_mib, 20))
		return complain_lab();
	screen_phase_end("checksummed data", "%u MiB in a process of the guest",
			 d->options.data_mib);
	return 0;
}

static bool check_data(struct demo *d)
{
	bool good;

	screen_phase_start("check data");
	good = !lab_data_check(d->subject.guest);
	screen_phase_end("check data", "%s%s%s", good ? GREEN : RED,
			 good ? "every byte is right" : lab_error(), NORMAL);
	return good;
}

/* ---- the balloon ---- */

/* How far the reservation still is from the goal, in KiB. */
static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* Waits until the guest has goal_kib, to within slack_kib. */
static int wait_for(struct demo *d, const char *phase, uint64_t goal_kib, uint64_t slack_kib)
{
	uint64_t kib = 0, from_kib;

	if (lab_guest_size(d->subject.guest, &kib))
		return complain_lab();
	from_kib = kib;
	while (distance(kib, goal_kib) > slack_kib) {
		if (screen_phase_seconds() > MOVE_SECONDS)
			return screen_complain("the guest has %" PRIu64 " KiB, and not the %" PRIu64
					       " KiB that its target asks for",
					       kib, goal_kib);
		lab_sleep_ms(d->options.platform->look_ms);
		if (lab_guest_size(d->subject.guest, &kib))
			return complain_lab();
		screen_draw(phase, distance(kib, from_kib) / KIB_PER_MIB,
			    distance(goal_kib, from_kib) / KIB_PER_MIB);
	}
	return 0;
}

/*
 * Sets the target, from from_mib to to_mib, and fills in `at`.  What the hypervisor counts
 * exactly must change by exactly the difference: the guest has it or the hypervisor.
 */
static int move(struct demo *d, struct column *at, unsigned int from_mib, unsigned int to_mib)
{
	const struct lab_platform *p = d->options.platform;
	int64_t way_kib = ((int64_t)to_mib - from_mib) * KIB_PER_MIB;
	uint64_t slack_kib = to_mib == d->options.memory_mib ? 0 : p->slack_kib;
	struct lab_figures was, *now = &at->figures;
	char phase[32];

	snprintf(phase, sizeof(phase), "target %u MiB", to_mib);
	if (lab_figures_now(d->subject.guest, &was))
		return complain_lab();
	screen_phase_start(phase);
	if (lab_set_target(d->subject.guest, (uint64_t)to_mib * KIB_PER_MIB))
		return complain_lab();
	if (wait_for(d, phase, was.guest_kib + (uint64_t)way_kib, slack_kib))
		return -1;
	at->seconds = screen_phase_seconds();
	if (lab_figures_now(d->subject.guest, now))
		return complain_lab();
	at->busy_seconds = now->busy_seconds - was.busy_seconds;
	if (now->host_free_kib == LAB_UNKNOWN) {
		screen_phase_end(phase, "guest %+lld MiB",
				 ((long long)now->guest_kib - (long long)was.guest_kib) / 1024);
		return 0;
	}
	screen_phase_end(phase, "guest %+lld KiB, %s's free memory %+lld KiB",
			 (long long)(now->guest_kib - was.guest_kib), p->title,
			 (long long)(now->host_free_kib - was.host_free_kib));
	if (was.guest_kib + was.host_free_kib != now->guest_kib + now->host_free_kib)
		return screen_complain("what the guest gave is not what %s got", p->title);
	return 0;
}

/* What the hypervisor says, and what the guest says of itself. */
static int measure(struct demo *d, struct column *at)
{
	struct lab_guest *g = d->subject.guest;
	uint64_t all_kib = (uint64_t)d->options.memory_mib * KIB_PER_MIB;

	if (lab_figures_now(g, &at->figures) || lab_meminfo(g, &at->guest))
		return complain_lab();
	at->balloon_kib = all_kib - at->figures.guest_kib;
	if (d->options.own_driver && lab_read_number(g, SIZE_KIB, &at->balloon_kib))
		return complain_lab();
	at->data_good = check_data(d);
	return 0;
}

/* Ours is gone: the same target must be met by the kernel's built-in driver. */
static int hand_over(struct demo *d, unsigned int *lines)
{
	unsigned int high_mib = d->options.memory_mib, low_mib = high_mib - HANDOVER_MIB;
	uint64_t was_kib = d->at[DEFLATED].figures.guest_kib;
	struct column unused;

	if (unload_driver(d, lines))
		return -1;
	if (lab_settled(d->subject.guest, was_kib, was_kib, HANDOVER_MS))
		return screen_complain("unloading changed the guest's size: %s", lab_error());
	return move(d, &unused, high_mib, low_mib) || move(d, &unused, low_mib, high_mib);
}

static int run(struct demo *d)
{
	unsigned int high_mib = d->options.memory_mib, low_mib = d->options.low_mib, lines = 0;
	struct column *at = d->at;

	if (start(d) || load_driver(d, &lines) || fill_memory(d, "fill memory") || make_data(d) ||
	    measure(d, &at[BEFORE]))
		return -1;
	if (move(d, &at[INFLATED], high_mib, low_mib) || measure(d, &at[INFLATED]))
		return -1;
	if (move(d, &at[DEFLATED], low_mib, high_mib) || fill_memory(d, "fill memory again") ||
	    measure(d, &at[DEFLATED]))
		return -1;
	return d->options.platform->takes_over ? hand_over(d, &lines) : 0;
}

static void verbose_end(struct demo *d)
{
	const struct lab_platform *p = d->options.platform;
	json_t *report = NULL;

	printf("\nthe consoles (%s):\n", lab_console_path(d->subject.host));
	lab_log_tail(d->subject.host, stdout, 40, "  ");
	if (p->report && d->subject.guest && lab_alive(d->subject.guest))
		report = p->report(d->subject.guest);
	if (report) {
		printf("\nthe monitor's report:\n");
		json_dumpf(report, stdout, JSON_INDENT(2));
		printf("\n");
	}
	json_decref(report);
}

int main(int argc, char **argv)
{
	struct demo d = {0};
	int ret;

	options_parse(argc, argv, &d.options);
	screen_setup("aerostat-demo");
	ret = run(&d);
	if (!ret) {
		table_print(&d);
		ret = judge(&d);
	}
	if (d.options.verbose && d.subject.host)
		verbose_end(&d);
	lab_subject_stop(&d.subject);
	return ret ? 1 : 0;
}
