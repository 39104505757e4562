/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Stock libvirt and virsh with one guest, and nothing of ours on the host.  Each test runs with our
 * driver and with the kernel's, and asks nothing of either that it does not ask of the other.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../common/figures.h"
#include "host.h"

#define NAME	    (host_names[0])
#define MIB	    1024u /* of the KiB that virsh counts in */
#define SETTLE_MS   30000u
#define HOLDOFF_MS  30000u /* our holdoff_ms, by default */
#define DATA_MIB    32u

#define FIELDS	    13u /* that dommemstat of libvirt 9.0 shows */
#define SMALL_MIB   320u
#define SWAP_MIB    160u
#define HOG_MIB	    250u /* of the small guest's memory, of which some 220 MiB are free */
#define CACHE_MIB   64u
#define SLACK_KIB   (4u * MIB)
#define RSS_KIB	    (8u * MIB)

/* The kernel reports a part of what is free every two seconds; the rest is for a busy machine. */
#define REPORTED_MS 60000u

/* ---- the guest, and what virsh says of it ---- */

static const char *boot_without_driver(struct host *h, const struct lab_virt_guest *like)
{
	struct lab_virt_guest guest = *like;

	guest.name = NAME;
	LAB_OK(lab_virt_boot(h->virt, &h->guest[0], &guest));
	h->count = 1;
	return NULL;
}

static const char *load_driver(struct host *h)
{
	LAB_OK(lab_must(h->guest[0], 30000, "modprobe %s",
			h->ours ? "aerostat_virtio" : "virtio_balloon"));
	return NULL;
}

static const char *boot(struct host *h, const struct lab_virt_guest *guest)
{
	LAB_TRY(boot_without_driver(h, guest));
	return load_driver(h);
}

static const char *memory_stat(struct host *h, const char *field, uint64_t *value)
{
	char *out = NULL;
	bool found;

	LAB_OK(lab_virsh(h->virt, &out, "dommemstat %s", NAME));
	*value = 0;
	found = stats_add(out, field, 1, value);
	free(out);
	LAB_CHECK(found, "dommemstat has no %s", field);
	return NULL;
}

static const char *actual_is(struct host *h, uint64_t kib)
{
	uint64_t actual;

	LAB_TRY(memory_stat(h, "actual", &actual));
	LAB_CHECK(actual == kib, "actual is %" PRIu64 " KiB, not %" PRIu64, actual, kib);
	return NULL;
}

static const char *wait_for_actual(struct host *h, uint64_t kib, unsigned int ms)
{
	int64_t until = lab_now_ms() + ms;
	uint64_t actual = 0;

	while (actual != kib && lab_now_ms() < until) {
		LAB_TRY(memory_stat(h, "actual", &actual));
		lab_sleep_ms(50);
	}
	return actual_is(h, kib);
}

static const char *set_memory(struct host *h, unsigned int mib)
{
	LAB_OK(lab_virsh(h->virt, NULL, "setmem %s %uM --live", NAME, mib));
	return wait_for_actual(h, (uint64_t)mib * MIB, SETTLE_MS);
}

static const char *set_period(struct host *h, unsigned int seconds)
{
	LAB_OK(lab_virsh(h->virt, NULL, "dommemstat %s --period %u --live", NAME, seconds));
	return NULL;
}

/* ---- targets ---- */

/* MemTotal is less by what the balloon has: to the KiB, as it may not yield. */
static const char *setmem(struct host *h)
{
	static const unsigned int targets[] = {400, 300, 203, 350, 201, GUEST_MIB};
	const struct lab_virt_guest guest = {.memory_mib = GUEST_MIB};
	struct lab_meminfo first, m;

	LAB_TRY(boot(h, &guest));
	LAB_OK(lab_data_fill(h->guest[0], DATA_MIB, 111));
	LAB_OK(lab_meminfo(h->guest[0], &first));
	for (unsigned int i = 0; i < LAB_COUNT(targets); i++) {
		uint64_t taken = (uint64_t)(GUEST_MIB - targets[i]) * MIB;

		LAB_TRY(set_memory(h, targets[i]));
		LAB_OK(lab_meminfo(h->guest[0], &m));
		LAB_CHECK(m.total_kib + taken == first.total_kib,
			  "with %u MiB MemTotal is %" PRIu64 " KiB, and was %" PRIu64, targets[i],
			  m.total_kib, first.total_kib);
		LAB_OK(lab_data_check(h->guest[0]));
	}
	return NULL;
}

/* Nobody moves while the guest stands still; afterwards the target holds. */
static const char *setmem_of_a_paused_guest(struct host *h)
{
	const struct lab_virt_guest guest = {.memory_mib = GUEST_MIB};

	LAB_TRY(boot(h, &guest));
	LAB_TRY(set_memory(h, 400));
	LAB_OK(lab_virsh(h->virt, NULL, "suspend %s", NAME));
	LAB_OK(lab_virsh(h->virt, NULL, "setmem %s 250M --live", NAME));
	lab_sleep_ms(2000);
	LAB_TRY(actual_is(h, 400 * MIB));
	LAB_OK(lab_virsh(h->virt, NULL, "resume %s", NAME));
	return wait_for_actual(h, 250 * MIB, SETTLE_MS);
}

static const char *refused_targets(struct host *h)
{
	static const char *const targets[] = {"0", "600M", "-- -300000"};
	const struct lab_virt_guest guest = {.memory_mib = GUEST_MIB};

	LAB_TRY(boot(h, &guest));
	LAB_TRY(set_memory(h, 300));
	for (unsigned int i = 0; i < LAB_COUNT(targets); i++)
		LAB_CHECK(lab_virsh(h->virt, NULL, "setmem --live %s %s", NAME, targets[i]),
			  "a target of %s was taken", targets[i]);
	lab_sleep_ms(2000);
	LAB_TRY(actual_is(h, 300 * MIB));
	return set_memory(h, GUEST_MIB);
}

/* ---- statistics ---- */

/* In KiB where it is memory. */
static const struct figure fields[] = {
	{"swap_in", "pswpin", LAB_PAGE_KIB, true},
	{"swap_out", "pswpout", LAB_PAGE_KIB, true},
	{"major_fault", "pgmajfault", 1, true},
	{"minor_fault", "pgfault", 1, true},
	{"hugetlb_pgalloc", "htlb_buddy_alloc_success", 1, true},
	{"hugetlb_pgfail", "htlb_buddy_alloc_fail", 1, true},
	{"unused", "MemFree:", 1, false},
	{"available", "MemTotal:", 1, false},
	{"usable", "MemAvailable:", 1, false},
	{"disk_caches", "nr_file_pages", LAB_PAGE_KIB, false},
};

/* Waits for figures that are so many updates younger than now. */
static const char *wait_for_updates(struct host *h, unsigned int updates)
{
	int64_t until = lab_now_ms() + 15000;
	uint64_t last, now;

	LAB_TRY(memory_stat(h, "last_update", &last));
	while (updates) {
		LAB_CHECK(lab_now_ms() < until, "there were no new statistics for 15 s");
		lab_sleep_ms(100);
		LAB_TRY(memory_stat(h, "last_update", &now));
		updates -= now != last;
		last = now;
	}
	return NULL;
}

/* A figure of another field would be noticed: none lies where it could be this one's. */
static const char *fields_differ(const struct figures *before, const struct figures *after)
{
	for (unsigned int i = 0; i < LAB_COUNT(fields); i++)
		for (unsigned int j = 0; j < LAB_COUNT(fields); j++)
			LAB_CHECK(
				i == j || fields[i].counts != fields[j].counts ||
					!figure_fits(&fields[j], before->value[j], before->value[i],
						     after->value[j], SLACK_KIB),
				"%s could be taken for %s: %" PRIu64 " and %" PRIu64,
				fields[i].host, fields[j].host, before->value[i], before->value[j]);
	return NULL;
}

/* The process's memory as the host's kernel has it. */
static const char *resident_kib(struct host *h, uint64_t *kib)
{
	pid_t pid = lab_virt_pid(h->virt, NAME);
	char path[64], line[128];
	FILE *from;

	LAB_CHECK(pid > 0, "%s", lab_error());
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	from = fopen(path, "re");
	*kib = 0;
	while (from && !*kib && fgets(line, sizeof(line), from))
		sscanf(line, "VmRSS: %" SCNu64, kib);
	if (from)
		fclose(from);
	LAB_CHECK(*kib, "%s has no VmRSS", path);
	return NULL;
}

/* What dommemstat said, when it was asked, and QEMU's memory before and after that. */
struct said {
	char *text;
	time_t start;
	uint64_t low_kib, high_kib;
};

static const char *ask(struct host *h, struct said *s)
{
	uint64_t before, after;

	LAB_TRY(resident_kib(h, &before));
	LAB_OK(lab_virsh(h->virt, &s->text, "dommemstat %s", NAME));
	LAB_TRY(resident_kib(h, &after));
	s->low_kib = before < after ? before : after;
	s->high_kib = before < after ? after : before;
	return NULL;
}

/* The fields that are not the guest's own: its size, the time, and QEMU's memory. */
static const char *others_agree(const struct said *s, uint64_t actual_kib)
{
	uint64_t actual = 0, update = 0, rss = 0;
	unsigned int lines = 0;

	LAB_CHECK(stats_add(s->text, "actual", 1, &actual) &&
			  stats_add(s->text, "last_update", 1, &update) &&
			  stats_add(s->text, "rss", 1, &rss),
		  "a field is lacking: %s", s->text);
	LAB_CHECK(actual == actual_kib, "actual is %" PRIu64 " KiB, not %" PRIu64, actual,
		  actual_kib);
	LAB_CHECK(update >= (uint64_t)s->start && update <= (uint64_t)time(NULL),
		  "last_update is %" PRIu64 ", but it is %lld", update, (long long)time(NULL));
	LAB_CHECK(rss + RSS_KIB > s->low_kib && rss < s->high_kib + RSS_KIB,
		  "rss is %" PRIu64 " KiB, but QEMU had %" PRIu64 " to %" PRIu64, rss, s->low_kib,
		  s->high_kib);
	for (const char *at = s->text; (at = strchr(at, ' ')); at++)
		lines++;
	LAB_CHECK(lines == FIELDS, "there are %u fields: %s", lines, s->text);
	return NULL;
}

/* Figures of the guest, then such of the host that are younger, then the guest's again. */
static const char *statistics_agree(struct host *h, uint64_t actual_kib)
{
	struct said said = {.start = time(NULL)};
	struct figures before, after;
	const char *wrong;

	LAB_TRY(figures_of_guest(h->guest[0], fields, LAB_COUNT(fields), &before));
	LAB_TRY(wait_for_updates(h, 2));
	LAB_TRY(ask(h, &said));
	wrong = figures_of_guest(h->guest[0], fields, LAB_COUNT(fields), &after);
	for (unsigned int i = 0; !wrong && i < LAB_COUNT(fields); i++) {
		uint64_t value = 0;

		if (stats_add(said.text, fields[i].host, 1, &value))
			wrong = figure_compare(&fields[i], before.value[i], value, after.value[i],
					       SLACK_KIB);
		else
			wrong = lab_because("dommemstat has no %s: %s", fields[i].host, said.text);
	}
	if (!wrong)
		wrong = others_agree(&said, actual_kib);
	free(said.text);
	LAB_TRY(wrong);
	return fields_differ(&before, &after);
}

static const char *dommemstat(struct host *h)
{
	const struct lab_virt_guest guest = {.memory_mib = SMALL_MIB};

	LAB_TRY(boot(h, &guest));
	LAB_TRY(set_period(h, 1));
	LAB_TRY(figures_make(h->guest[0], SWAP_MIB, HOG_MIB));
	LAB_OK(lab_fill_page_cache(h->guest[0], CACHE_MIB));
	LAB_TRY(statistics_agree(h, SMALL_MIB * MIB));
	LAB_TRY(set_memory(h, SMALL_MIB - 61));
	LAB_TRY(statistics_agree(h, (SMALL_MIB - 61) * MIB));
	LAB_TRY(set_memory(h, SMALL_MIB));
	return statistics_agree(h, SMALL_MIB * MIB);
}

/* How often there are new statistics within this time. */
static const char *updates_in(struct host *h, unsigned int ms, unsigned int low, unsigned int high)
{
	int64_t until = lab_now_ms() + ms;
	unsigned int updates = 0;
	uint64_t last, now;

	LAB_TRY(memory_stat(h, "last_update", &last));
	while (lab_now_ms() < until) {
		lab_sleep_ms(100);
		LAB_TRY(memory_stat(h, "last_update", &now));
		updates += now != last;
		last = now;
	}
	lab_note("%u updates in %u s", updates, ms / 1000);
	LAB_CHECK(updates >= low && updates <= high, "there were %u updates, not %u to %u", updates,
		  low, high);
	return NULL;
}

static const char *collection_period(struct host *h)
{
	const struct lab_virt_guest guest = {.memory_mib = GUEST_MIB};
	char *xml = NULL;

	LAB_TRY(boot(h, &guest));
	LAB_TRY(set_period(h, 1));
	LAB_TRY(wait_for_updates(h, 1));
	LAB_TRY(updates_in(h, 9000, 7, 10));
	LAB_TRY(set_period(h, 4));
	LAB_OK(lab_virsh(h->virt, &xml, "dumpxml %s", NAME));
	LAB_CHECK(strstr(xml, "<stats period='4'/>"), "the domain does not have the period: %s",
		  strstr(xml, "<memballoon") ? strstr(xml, "<memballoon") : xml);
	free(xml);
	LAB_TRY(wait_for_updates(h, 1));
	LAB_TRY(updates_in(h, 14000, 2, 4));
	LAB_TRY(set_period(h, 0));
	lab_sleep_ms(1500);
	LAB_TRY(updates_in(h, 6000, 0, 0));
	/* Nearly the same as none. */
	LAB_TRY(set_period(h, 21474836));
	lab_sleep_ms(1500);
	LAB_TRY(updates_in(h, 4000, 0, 0));
	LAB_TRY(set_period(h, 1));
	return updates_in(h, 9000, 6, 10);
}

/* Statistics are asked for, with periods that change, while targets come one after the other. */
static const char *polling_while_moving(struct host *h)
{
	const struct lab_virt_guest guest = {.memory_mib = GUEST_MIB, .autodeflate = true};
	uint64_t first, last;

	LAB_TRY(boot(h, &guest));
	LAB_OK(lab_data_fill(h->guest[0], DATA_MIB, 112));
	LAB_TRY(set_period(h, 1));
	LAB_TRY(wait_for_updates(h, 1));
	for (unsigned int i = 0; i < 24; i++) {
		LAB_TRY(set_period(h, 1 + i % 2));
		LAB_TRY(memory_stat(h, "last_update", &first));
		LAB_TRY(set_memory(h, i % 2 ? 490 - 3 * i : 200 + 5 * i));
	}
	LAB_TRY(memory_stat(h, "last_update", &last));
	LAB_CHECK(time(NULL) - (time_t)last <= 4, "the last statistics are %lld s old",
		  (long long)(time(NULL) - (time_t)last));
	LAB_OK(lab_data_check(h->guest[0]));
	LAB_TRY(set_memory(h, GUEST_MIB));
	return wait_for_updates(h, 2);
}

/* ---- events ---- */

#define EVENTS_LOG "events.log"

static char *events_text(struct host *h)
{
	char path[128], *text = calloc(1, 65536);
	FILE *from;

	snprintf(path, sizeof(path), "%s/" EVENTS_LOG, lab_virt_folder(h->virt));
	from = fopen(path, "re");
	if (from && text)
		(void)!fread(text, 1, 65535, from);
	if (from)
		fclose(from);
	return text;
}

/* How many events of our guest there were, and the last one's size. */
static unsigned int events(struct host *h, uint64_t *kib)
{
	char *text = events_text(h), begin[96];
	unsigned int count = 0;

	snprintf(begin, sizeof(begin), "event 'balloon-change' for domain '%s': ", NAME);
	for (const char *at = text; at && (at = strstr(at, begin)); count++) {
		at += strlen(begin);
		*kib = strtoull(at, NULL, 10);
	}
	free(text);
	return count;
}

/* libvirt hears of a change at most once a second, and of the last one for sure. */
static const char *wait_for_event(struct host *h, unsigned int mib)
{
	int64_t until = lab_now_ms() + 10000;
	uint64_t kib = 0;

	while (events(h, &kib), kib != (uint64_t)mib * MIB && lab_now_ms() < until)
		lab_sleep_ms(100);
	if (kib != (uint64_t)mib * MIB)
		lab_note("%s", events_text(h));
	LAB_CHECK(kib == (uint64_t)mib * MIB, "the last event has %" PRIu64 " KiB, not %u MiB", kib,
		  mib);
	return NULL;
}

static const char *each_change_is_an_event(struct host *h)
{
	static const unsigned int targets[] = {400, 250, 333, 300};
	unsigned int quiet;
	uint64_t kib = 0;

	for (unsigned int i = 0; i < LAB_COUNT(targets); i++) {
		LAB_TRY(set_memory(h, targets[i]));
		LAB_TRY(wait_for_event(h, targets[i]));
	}
	quiet = events(h, &kib);
	lab_sleep_ms(4000);
	LAB_CHECK(events(h, &kib) == quiet, "there was an event although nothing changed");
	/* The guest changes it: its driver leaves, and all memory is the guest's again. */
	LAB_OK(lab_must(h->guest[0], 30000, "rmmod %s",
			h->ours ? "aerostat_virtio" : "virtio_balloon"));
	LAB_TRY(wait_for_event(h, GUEST_MIB));
	lab_note("%u events", events(h, &kib));
	return NULL;
}

static const char *balloon_events(struct host *h)
{
	const char *const words[] = {"/usr/bin/env",	"virsh",  "-c",
				     "qemu:///session", "event",  "--event",
				     "balloon-change",	"--loop", NULL};
	const struct lab_virt_guest guest = {.memory_mib = GUEST_MIB};
	const char *why;
	pid_t pid;

	LAB_TRY(boot(h, &guest));
	pid = lab_virt_spawn(h->virt, EVENTS_LOG, words);
	LAB_CHECK(pid > 0, "%s", lab_error());
	/* It does not say when it listens. */
	lab_sleep_ms(2000);
	why = each_change_is_an_event(h);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return why;
}

/* ---- <memballoon freePageReporting= autodeflate=> ---- */

/* Both attributes of the device are in the bits of what driver and device agreed on. */
static const char *features_are(struct host *h, bool autodeflate, bool reporting)
{
	LAB_OK(lab_must(h->guest[0], 5000,
			"grep -q '^..%d..%d' /sys/bus/virtio/devices/virtio0/features", autodeflate,
			reporting));
	return NULL;
}

/* Without a driver, nearly all memory is used once and freed: what QEMU has, and what is free. */
static const char *use_and_free(struct host *h, uint64_t *used_kib, uint64_t *free_kib)
{
	struct lab_meminfo m;

	LAB_TRY(agent(h->guest[0], "touch"));
	LAB_TRY(memory_stat(h, "rss", used_kib));
	LAB_OK(lab_meminfo(h->guest[0], &m));
	*free_kib = m.free_kib;
	return NULL;
}

static const char *wait_for_rss(struct host *h, uint64_t most_kib)
{
	int64_t start = lab_now_ms();
	uint64_t rss, resident;

	do {
		lab_sleep_ms(100);
		LAB_TRY(memory_stat(h, "rss", &rss));
		LAB_CHECK(lab_now_ms() - start < REPORTED_MS,
			  "rss fell to %" PRIu64 " KiB only, not to %" PRIu64, rss, most_kib);
	} while (rss > most_kib);
	lab_note("rss is %" PRIu64 " MiB after %.1f s", rss / MIB,
		 (double)(lab_now_ms() - start) / 1000);
	LAB_TRY(resident_kib(h, &resident));
	LAB_CHECK(resident < rss + RSS_KIB, "QEMU has %" PRIu64 " KiB", resident);
	return NULL;
}

/* It is what was free when the driver came, and later what is freed. */
static const char *freed_memory_is_the_hosts(struct host *h)
{
	const struct lab_virt_guest guest = {.memory_mib = GUEST_MIB, .autodeflate = true};
	uint64_t used, freed;

	LAB_TRY(boot_without_driver(h, &guest));
	LAB_OK(lab_data_fill(h->guest[0], DATA_MIB, 113));
	LAB_TRY(use_and_free(h, &used, &freed));
	lab_note("rss is %" PRIu64 " MiB, and %" PRIu64 " MiB are free", used / MIB, freed / MIB);
	LAB_TRY(load_driver(h));
	LAB_TRY(features_are(h, true, true));
	LAB_TRY(wait_for_rss(h, used - freed * 3 / 4));
	LAB_TRY(agent(h->guest[0], "touch"));
	LAB_TRY(wait_for_rss(h, used - freed * 3 / 4));
	LAB_TRY(actual_is(h, GUEST_MIB * MIB));
	LAB_OK(lab_data_check(h->guest[0]));
	return NULL;
}

static const char *freed_memory_stays(struct host *h)
{
	const struct lab_virt_guest guest = {
		.memory_mib = GUEST_MIB, .autodeflate = true, .no_reporting = true};
	uint64_t used, freed, rss;

	LAB_TRY(boot_without_driver(h, &guest));
	LAB_TRY(use_and_free(h, &used, &freed));
	LAB_TRY(load_driver(h));
	LAB_TRY(features_are(h, true, false));
	lab_sleep_ms(10000);
	LAB_TRY(memory_stat(h, "rss", &rss));
	LAB_CHECK(rss + 16 * MIB > used, "rss fell from %" PRIu64 " to %" PRIu64 " KiB", used, rss);
	return NULL;
}

#define LITTLE_MIB 180u /* of GUEST_MIB; the hog wants more */
#define MUCH_MIB   280u

/* After it, our driver goes back to the target; the kernel's does not, so nobody asks it to. */
static const char *autodeflate(struct host *h)
{
	const struct lab_virt_guest guest = {.memory_mib = GUEST_MIB, .autodeflate = true};
	uint64_t actual;

	LAB_TRY(boot(h, &guest));
	LAB_TRY(features_are(h, true, true));
	LAB_OK(lab_data_fill(h->guest[0], DATA_MIB, 114));
	LAB_TRY(set_memory(h, LITTLE_MIB));
	LAB_TRY(hog(h->guest[0], MUCH_MIB));
	LAB_TRY(memory_stat(h, "actual", &actual));
	LAB_CHECK(actual > MUCH_MIB * MIB, "actual is %" PRIu64 " KiB", actual);
	LAB_TRY(agent(h->guest[0], "hog stop"));
	LAB_OK(lab_data_check(h->guest[0]));
	if (h->ours)
		LAB_TRY(wait_for_actual(h, LITTLE_MIB * MIB, HOLDOFF_MS + SETTLE_MS));
	LAB_TRY(set_memory(h, GUEST_MIB));
	LAB_OK(lab_data_check(h->guest[0]));
	return NULL;
}

/* The kernel's words on the killing are what was asked for. */
static const char *no_autodeflate(struct host *h)
{
	const struct lab_virt_guest guest = {.memory_mib = GUEST_MIB};

	LAB_TRY(boot(h, &guest));
	LAB_TRY(features_are(h, false, true));
	LAB_TRY(set_memory(h, LITTLE_MIB));
	LAB_TRY(hog_is_killed(h->guest[0], MUCH_MIB));
	lab_log_mark(h->guest[0]);
	LAB_TRY(actual_is(h, LITTLE_MIB * MIB));
	return set_memory(h, GUEST_MIB);
}

#define BOTH(name, function)                                                   \
	{name "-our-driver", function, .ours = true, .alone = true},           \
	{                                                                      \
		name "-kernels-driver", function, .ours = false, .alone = true \
	}

static const struct host_test tests[] = {
	BOTH("setmem", setmem),
	BOTH("setmem-of-a-paused-guest", setmem_of_a_paused_guest),
	BOTH("refused-targets", refused_targets),
	BOTH("dommemstat", dommemstat),
	BOTH("collection-period", collection_period),
	BOTH("polling-while-moving", polling_while_moving),
	BOTH("balloon-events", balloon_events),
	BOTH("free-page-reporting", freed_memory_is_the_hosts),
	BOTH("no-free-page-reporting", freed_memory_stays),
	BOTH("autodeflate", autodeflate),
	BOTH("no-autodeflate", no_autodeflate),
};

int main(int argc, char **argv)
{
	return host_main(argc, argv, tests, LAB_COUNT(tests));
}
