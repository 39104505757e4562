/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Large blocks straight from the kernel's free lists: taken, given back, and when not. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "monitor.h"

#define PAGES	 150000u
#define DATA_MIB 128u
#define CYCLES	 6

static const struct lab_config stock = {.memory_mib = 1024};
static const struct lab_config unzeroed = {.memory_mib = 1024, .append = "init_on_alloc=0"};
static const struct lab_config poisoned = {.memory_mib = 1024, .append = "page_poison=1"};
static const struct lab_config high = {.memory_mib = 5120};

/* Blocks that came this way, and that they are most of what the balloon holds. */
static const char *took_most(struct lab_guest *g, uint64_t before)
{
	uint64_t blocks, large;

	LAB_TRY(driver_stat(g, "taken_free_list", &blocks));
	LAB_TRY(driver_stat(g, "held_large", &large));
	lab_note("%" PRIu64 " of %" PRIu64 " blocks came from the free lists", blocks - before,
		 large);
	LAB_CHECK((blocks - before) * 2 > large, "the others are most of them");
	return NULL;
}

/*
 * Again and again, while a process looks after its data and others allocate and
 * free: a block that is ours and somebody else's would show.
 */
static const char *there_and_back(struct lab_guest *g)
{
	uint64_t before = 0;
	int id;

	LAB_OK(lab_data_fill(g, DATA_MIB, 3));
	LAB_TRY(driver_load(g));
	id = lab_begin(g, 300000,
		       "sh while [ ! -e /tmp/over ]; do dd if=/dev/zero of=/tmp/f bs=1M count=24 "
		       "2>/dev/null || exit 1; rm /tmp/f; done");
	for (int i = 0; i < CYCLES; i++) {
		LAB_TRY(inflate_to(g, PAGES));
		if (!i)
			LAB_TRY(took_most(g, before));
		LAB_OK(lab_data_check(g));
		LAB_OK(lab_target(g, 0));
		LAB_OK(lab_wait_size(g, 0, 0, SETTLE_MS));
	}
	LAB_OK(lab_must(g, 10000, "touch /tmp/over"));
	LAB_CHECK(lab_end(g, id, 60000, NULL) == 0, "the guest's work failed");
	LAB_TRY(nothing_lost(g));
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

/* Two zones that have much: what is taken is shared out, and nothing is left short. */
static const char *several_zones(struct lab_guest *g)
{
	const uint64_t pages = 4200 * LAB_PAGES_PER_MIB;
	struct lab_meminfo m;

	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, pages));
	LAB_TRY(took_most(g, 0));
	LAB_OK(lab_meminfo(g, &m));
	LAB_CHECK(m.free_kib > 100 * 1024, "only %" PRIu64 " KiB are free", m.free_kib);
	LAB_TRY(hog(g, 300));
	LAB_TRY(agent(g, "hog stop"));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	return driver_unload(g);
}

/* Free pages of all zones with this name. */
static const char *free_in(struct lab_guest *g, const char *zone, uint64_t *pages)
{
	char *text = NULL;

	LAB_OK(lab_sh(g, 10000, &text,
		      "awk '/^Node/ { here = $4 == \"%s\" } here && $1 == \"pages\" "
		      "{ n += $3 } END { print n + 0 }' /proc/zoneinfo",
		      zone));
	*pages = strtoull(text, NULL, 10);
	free(text);
	return NULL;
}

/*
 * It was reported that memory below 4 GiB, which old devices need, was taken first and down to its
 * reserve before any other.  It is taken last, but it is taken.
 */
static const char *low_zones_last(struct lab_guest *g)
{
	uint64_t low_before, normal_before, low, normal;

	LAB_TRY(driver_load(g));
	LAB_TRY(free_in(g, "DMA32", &low_before));
	LAB_TRY(free_in(g, "Normal", &normal_before));
	LAB_TRY(inflate_to(g, 1500 * LAB_PAGES_PER_MIB));
	LAB_TRY(took_most(g, 0));
	LAB_TRY(free_in(g, "DMA32", &low));
	LAB_TRY(free_in(g, "Normal", &normal));
	lab_note("DMA32: %" PRIu64 " free pages, then %" PRIu64 "; Normal: %" PRIu64
		 ", then %" PRIu64,
		 low_before, low, normal_before, normal);
	LAB_CHECK(low + 64 * LAB_PAGES_PER_MIB > low_before, "low memory was taken first");
	LAB_CHECK(normal + 1400 * LAB_PAGES_PER_MIB < normal_before, "not from the high zone");
	LAB_TRY(inflate_to(g, 4200 * LAB_PAGES_PER_MIB));
	LAB_TRY(took_most(g, 0));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	return driver_unload(g);
}

static const char *takes_none(struct lab_guest *g)
{
	uint64_t blocks;

	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, PAGES));
	LAB_TRY(driver_stat(g, "taken_free_list", &blocks));
	LAB_CHECK(!blocks, "%" PRIu64 " blocks came from the free lists", blocks);
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	return driver_unload(g);
}

static const char *switched_off(struct lab_guest *g)
{
	LAB_OK(lab_must(g, 20000, "modprobe aerostat free_list=0"));
	return takes_none(g);
}

/* Free pages have a pattern, and whoever writes it off must be the allocator. */
static const char *not_when_marked(struct lab_guest *g)
{
	LAB_TRY(takes_none(g));
	LAB_OK(lab_must(g, 10000,
			"dmesg | grep -q 'aerostat: .*: the kernel poisons or unmaps free pages'"));
	return NULL;
}

#define ORDER "/sys/module/page_reporting/parameters/page_reporting_order"

static const char *reporting_order(struct lab_guest *g, char **order)
{
	LAB_CHECK(lab_read_file(g, ORDER, order) == 0, "%s", lab_error());
	return NULL;
}

/*
 * Reported: loading the module changed the order of page reporting for the whole system, on 7.2 to
 * single pages.  Without a target nothing may change; with one, it may become no less than a block.
 */
static const char *loading_leaves_reporting_alone(struct lab_guest *g)
{
	char *before = NULL, *loaded = NULL, *used = NULL, *after = NULL;
	bool same, large;

	LAB_TRY(reporting_order(g, &before));
	LAB_TRY(driver_load(g));
	LAB_TRY(reporting_order(g, &loaded));
	LAB_TRY(inflate_to(g, PAGES));
	LAB_TRY(took_most(g, 0));
	LAB_TRY(reporting_order(g, &used));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(driver_unload(g));
	LAB_TRY(reporting_order(g, &after));
	lab_note("order %d, loaded %d, in use %d, unloaded %d", atoi(before), atoi(loaded),
		 atoi(used), atoi(after));
	same = !strcmp(before, loaded) && !strcmp(used, after);
	large = atoi(used) >= 9;
	free(before);
	free(loaded);
	free(used);
	free(after);
	LAB_CHECK(same, "loading or unloading changed the order");
	LAB_CHECK(large, "the kernel reports less than large blocks");
	return NULL;
}

/*
 * Reported: as long as the balloon held pages, virtio_balloon could not be loaded.  Now the place
 * for a driver that reports free pages is free soon after the balloon has moved, and the balloon
 * moves on while the other driver has it.
 */
static const char *beside_another_reporter(struct lab_guest *g)
{
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, PAGES / 2));
	LAB_TRY(took_most(g, 0));
	LAB_OK(lab_must(g, 30000,
			"i=0; until modprobe test_reporter 2>/dev/null; do i=$((i + 1));"
			" test $i -lt 100 || exit 1; usleep 100000; done"));
	LAB_TRY(inflate_to(g, PAGES));
	LAB_OK(lab_must(g, 20000, "rmmod test_reporter"));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	return driver_unload(g);
}

static const struct lab_test tests[] = {
	{"loading-leaves-page-reporting-alone", loading_leaves_reporting_alone, .config = &stock,
	 .fresh = true},
	{"there-and-back", there_and_back, .config = &stock, .timeout_s = 300},
	{"beside-another-reporter", beside_another_reporter, .config = &stock},
	{"switched-off", switched_off, .config = &stock},
	{"without-zeroing", there_and_back, .config = &unzeroed, .timeout_s = 300},
	{"not-when-free-pages-are-marked", not_when_marked, .config = &poisoned},
	{"several-zones", several_zones, .config = &high, .timeout_s = 120},
	{"low-zones-last", low_zones_last, .config = &high, .timeout_s = 120},
};

static const struct lab_suite suite = {
	.name = "free-list",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
