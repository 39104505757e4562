/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The guest needs its memory, or wants it in one piece. */
#include <inttypes.h>
#include <stdlib.h>

#include "monitor.h"

#define DATA_MIB 64u

static const struct lab_config config = {.memory_mib = 1024, .cpus = 2};

/*
 * The balloon holds most of the guest when a process takes more than is left.
 * Nothing is killed (a kill in the log fails any test), the balloon makes room
 * and stays away for a while, then follows its target again.
 */
static const char *memory_hog(struct lab_guest *g)
{
	uint64_t size, relieved, later;

	LAB_OK(lab_data_fill(g, DATA_MIB, 21));
	LAB_OK(lab_must(g, 20000, "modprobe aerostat holdoff_ms=4000"));
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, 650 * LAB_PAGES_PER_MIB));
	LAB_TRY(hog(g, 450));
	LAB_OK(lab_size(g, &size));
	LAB_CHECK(size < 550 * LAB_PAGES_PER_MIB, "the balloon still has %" PRIu64 " pages", size);
	LAB_TRY(driver_stat(g, "relieved_pages", &relieved));
	LAB_CHECK(relieved > 80 * LAB_PAGES_PER_MIB, "only %" PRIu64 " pages relieved", relieved);
	lab_sleep_ms(1500);
	LAB_OK(lab_size(g, &later));
	LAB_CHECK(later <= size, "it grew again at once, to %" PRIu64, later);
	LAB_TRY(agent(g, "hog stop"));
	LAB_OK(lab_wait_size(g, 650 * LAB_PAGES_PER_MIB, 650 * LAB_PAGES_PER_MIB, SETTLE_MS));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

static const char *memory_hog_4k(struct lab_guest *g)
{
	MONITOR(g, "{\"withhold\": [\"batched-2m\"]}");
	return memory_hog(g);
}

/* Page cache is squeezed for the balloon; it is not a reason to deflate. */
static const char *page_cache(struct lab_guest *g)
{
	uint64_t relieved, reclaimed, blocks;

	LAB_OK(lab_data_fill(g, DATA_MIB, 22));
	LAB_OK(lab_fill_page_cache(g, 700));
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, 220 * LAB_PAGES_PER_MIB));
	LAB_TRY(driver_stat(g, "taken_reclaim_base", &reclaimed));
	LAB_TRY(driver_stat(g, "taken_reclaim_large", &blocks));
	LAB_CHECK(reclaimed || blocks, "nothing was reclaimed; there was no page cache in the way");
	LAB_TRY(driver_stat(g, "relieved_pages", &relieved));
	LAB_CHECK(!relieved, "%" PRIu64 " pages given back to the page cache", relieved);
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

/* Ballooned pages move when the kernel compacts; the size and the data stay. */
static const char *compaction(struct lab_guest *g)
{
	const uint64_t pages = 200 * LAB_PAGES_PER_MIB + 77;
	uint64_t migrated;

	LAB_TRY(inflate_single_pages(g, DATA_MIB, pages));
	for (int i = 0; i < 3; i++)
		LAB_OK(lab_must(g, 30000, "echo 1 >/proc/sys/vm/compact_memory"));
	LAB_TRY(driver_stat(g, "migrated", &migrated));
	lab_note("%" PRIu64 " pages moved", migrated);
	LAB_CHECK(migrated > 100, "only %" PRIu64 " pages moved", migrated);
	LAB_TRY(sizes_agree(g, pages));
	LAB_OK(lab_data_check(g));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	return driver_unload(g);
}

/* The host refuses each other page that compaction would put in an old one's place. */
static const char *compaction_refused(struct lab_guest *g)
{
	const uint64_t pages = 200 * LAB_PAGES_PER_MIB;
	uint64_t failed;

	LAB_TRY(inflate_single_pages(g, DATA_MIB, pages));
	MONITOR(g, "{\"faults\": [{\"direction\": \"inflate\", \"on\": \"entry\", \"every\": 2,"
		   " \"status\": \"ppn-pinned\"}]}");
	LAB_OK(lab_must(g, 30000, "echo 1 >/proc/sys/vm/compact_memory"));
	LAB_TRY(driver_stat(g, "migrate_failed", &failed));
	LAB_CHECK(failed, "no migration failed");
	MONITOR(g, "{\"faults\": []}");
	LAB_OK(lab_wait_size(g, pages, pages, SETTLE_MS));
	LAB_TRY(sizes_agree(g, pages));
	LAB_TRY(deflate_to(g, 0));
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

/* Compaction and unloading at the same time. */
static const char *compaction_during_unload(struct lab_guest *g)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, 25));
	LAB_TRY(agent(g, "fragment 512"));
	for (int i = 0; i < 5; i++) {
		int id;

		LAB_OK(lab_must(g, 20000, "modprobe aerostat large=0 split=0"));
		LAB_TRY(driver_load(g));
		LAB_TRY(inflate_to(g, 100 * LAB_PAGES_PER_MIB));
		id = lab_begin(g, 30000,
			       "sh for i in 1 2 3 4 5; do"
			       " echo 1 >/proc/sys/vm/compact_memory; done");
		LAB_CHECK(id > 0, "%s", lab_error());
		LAB_TRY(driver_unload(g));
		LAB_CHECK(lab_end(g, id, 30000, NULL) == 0, "compaction: %s", lab_error());
		LAB_OK(lab_target(g, 0));
	}
	LAB_OK(lab_data_check(g));
	return NULL;
}

/*
 * A balloon that grew in a fragmented guest consists of single pages.  When the guest has whole
 * blocks again, blocks take their place, one in each run, and the size stays what it is, but for
 * the moment between the single pages' return and the block's arrival (engine/remake.c).
 */
static const char *blocks_come_back(struct lab_guest *g)
{
	const uint64_t pages = 300 * LAB_PAGES_PER_MIB;
	uint64_t large_kib = 0, before, size, remade, entries;

	LAB_OK(lab_data_fill(g, DATA_MIB, 26));
	/* More pages in use in each block than are moved to get one. */
	LAB_TRY(agent(g, "fragment 4"));
	LAB_OK(lab_must(g, 20000, "modprobe aerostat period_ms=100"));
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, pages));
	LAB_OK(lab_read_number(g, "/sys/kernel/aerostat/large_kib", &before));
	LAB_CHECK(before < pages * LAB_PAGE_KIB / 2, "%" PRIu64 " KiB are in blocks already",
		  before);
	LAB_TRY(agent(g, "fragment stop"));
	/* The kernel does this by itself, but not soon.  The balloon's pages move together. */
	LAB_OK(lab_must(g, 60000, "echo 1 >/proc/sys/vm/compact_memory"));
	for (unsigned int i = 0; large_kib < pages * LAB_PAGE_KIB * 9 / 10; i++) {
		LAB_CHECK(i < 600, "after a minute %" PRIu64 " KiB are in blocks", large_kib);
		lab_sleep_ms(100);
		LAB_OK(lab_read_number(g, "/sys/kernel/aerostat/large_kib", &large_kib));
		LAB_OK(lab_size(g, &size));
		LAB_CHECK(size == pages || size == pages - LARGE_PAGES,
			  "%" PRIu64 " pages in the middle of it", size);
	}
	LAB_TRY(driver_stat(g, "blocks_remade", &remade));
	lab_note("%" PRIu64 " KiB in blocks before, %" PRIu64 " after; %" PRIu64 " exchanged",
		 before, large_kib, remade);
	LAB_CHECK(remade >= (large_kib - before) / 2048, "other blocks than those exchanged");
	LAB_TRY(monitor_number(g, "counters.inflate.entries.2m.ok", &entries));
	LAB_CHECK(entries >= large_kib / 2048, "the host has only %" PRIu64 " units of 2 MiB",
		  entries);
	LAB_OK(lab_wait_size(g, pages, pages, SETTLE_MS));
	LAB_TRY(sizes_agree(g, pages));
	LAB_OK(lab_data_check(g));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	return driver_unload(g);
}

static const struct lab_test tests[] = {
	{"memory-hog", memory_hog, .config = &config, .timeout_s = 120},
	{"memory-hog-4k", memory_hog_4k, .config = &config, .timeout_s = 120},
	{"page-cache-gives-way", page_cache, .config = &config, .timeout_s = 120},
	{"compaction", compaction, .config = &config, .fresh = true, .spoils = true,
	 .timeout_s = 120},
	{"compaction-refused", compaction_refused, .config = &config, .fresh = true, .spoils = true,
	 .timeout_s = 120},
	{"blocks-come-back", blocks_come_back, .config = &config, .fresh = true, .spoils = true,
	 .timeout_s = 180},
	{"compaction-during-unload", compaction_during_unload, .config = &config, .fresh = true,
	 .spoils = true, .timeout_s = 180},
};

static const struct lab_suite suite = {
	.name = "pressure",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
