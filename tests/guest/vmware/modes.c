/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Inflation and deflation in each way of moving pages, and what the host gets of it. */
#include <inttypes.h>
#include <stdlib.h>

#include "monitor.h"

/* Odd on purpose: neither a multiple of a large page nor of a batch. */
#define FULL_PAGES 150001u
#define HALF_PAGES 70003u
#define DATA_MIB   128u

static const struct lab_config one_cpu = {.memory_mib = 1024};
static const struct lab_config two_cpus = {.memory_mib = 1024, .cpus = 2};
static const struct lab_config memfd = {.memory_mib = 1024, .backend = LAB_MEMFD};

/* Up, half down, up again, down: each time to the page, with data that must not change. */
static const char *there_and_back(struct lab_guest *g)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, 42));
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, FULL_PAGES));
	LAB_TRY(deflate_to(g, HALF_PAGES));
	LAB_OK(lab_data_check(g));
	LAB_TRY(inflate_to(g, FULL_PAGES));
	LAB_TRY(deflate_to(g, 1));
	LAB_TRY(inflate_to(g, FULL_PAGES));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	LAB_OK(lab_data_check(g));
	return NULL;
}

static const char *used_only(struct lab_guest *g, const char *lock, const char *unlock)
{
	static const char *const all[] = {
		"lock",		  "unlock",	     "batched_lock",
		"batched_unlock", "batched_2m_lock", "batched_2m_unlock",
	};

	LAB_CHECK(driver_stat_or_0(g, lock), "%s was never used", lock);
	LAB_CHECK(driver_stat_or_0(g, unlock), "%s was never used", unlock);
	for (size_t i = 0; i < LAB_COUNT(all); i++)
		if (all[i] != lock && all[i] != unlock)
			LAB_CHECK(!driver_stat_or_0(g, all[i]), "%s was used", all[i]);
	return NULL;
}

static const char *mode_2m(struct lab_guest *g)
{
	uint64_t large;

	LAB_TRY(there_and_back(g));
	LAB_TRY(inflate_to(g, FULL_PAGES));
	LAB_TRY(driver_stat(g, "held_large", &large));
	LAB_CHECK(large == FULL_PAGES / LARGE_PAGES, "%" PRIu64 " large pages held", large);
	return driver_unload(g);
}

static const char *mode_4k(struct lab_guest *g)
{
	MONITOR(g, "{\"withhold\": [\"batched-2m\"]}");
	LAB_TRY(there_and_back(g));
	LAB_TRY(used_only(g, "batched_lock", "batched_unlock"));
	return driver_unload(g);
}

static const char *mode_unbatched(struct lab_guest *g)
{
	MONITOR(g, "{\"withhold\": [\"batched-2m\", \"batched\"]}");
	LAB_TRY(there_and_back(g));
	LAB_TRY(used_only(g, "lock", "unlock"));
	return driver_unload(g);
}

/* Capabilities are not even offered: START answers plain success. */
static const char *mode_old_host(struct lab_guest *g)
{
	MONITOR(g, "{\"old_host\": true}");
	LAB_TRY(there_and_back(g));
	LAB_TRY(used_only(g, "lock", "unlock"));
	return driver_unload(g);
}

/* A host that grants 2 MiB commands without batches must not be believed. */
static const char *mode_2m_without_batches(struct lab_guest *g)
{
	MONITOR(g, "{\"withhold\": [\"batched\"]}");
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, 10007));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(used_only(g, "lock", "unlock"));
	return driver_unload(g);
}

static const char *mode_no_64_bit_target(struct lab_guest *g)
{
	MONITOR(g, "{\"withhold\": [\"target-64\"]}");
	LAB_TRY(there_and_back(g));
	return driver_unload(g);
}

/* With runs and large units switched off in the guest, every page is a single one. */
static const char *knobs_off(struct lab_guest *g)
{
	uint64_t pages;

	LAB_OK(lab_must(g, 20000, "modprobe aerostat large=0 split=0"));
	LAB_TRY(there_and_back(g));
	LAB_TRY(used_only(g, "batched_lock", "batched_unlock"));
	LAB_TRY(inflate_to(g, HALF_PAGES));
	LAB_TRY(driver_stat(g, "held_page", &pages));
	LAB_CHECK(pages == HALF_PAGES, "only %" PRIu64 " single pages", pages);
	return driver_unload(g);
}

/*
 * No free 2 MiB anywhere, because a process keeps one page in each.  It was reported that such a
 * guest gave single pages only; the kernel can move the pages that are in the way.
 */
static const char *fragmented(struct lab_guest *g)
{
	uint64_t single, failed, large;

	LAB_OK(lab_data_fill(g, DATA_MIB, 7));
	LAB_TRY(agent(g, "fragment 512"));
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, 60001));
	LAB_TRY(driver_stat(g, "held_page", &single));
	LAB_TRY(driver_stat(g, "taken_light_failed_large", &failed));
	LAB_TRY(driver_stat(g, "taken_reclaim_large", &large));
	LAB_CHECK(failed, "2 MiB pages never ran out, %" PRIu64 " of 60001 are single pages",
		  single);
	LAB_CHECK(large, "no block was made free");
	LAB_CHECK(single < 20000, "%" PRIu64 " of 60001 are single pages", single);
	LAB_TRY(deflate_to(g, 20000));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

/*
 * Within 5 % of what the balloon took and gave.  The agent leaves some memory alone, which the host
 * does not back, and the balloon may get a part of that.
 */
static const char *about(const char *what, uint64_t is_kib, uint64_t want_kib)
{
	uint64_t off = is_kib > want_kib ? is_kib - want_kib : want_kib - is_kib;

	LAB_CHECK(off <= want_kib / 20, "%s by %" PRIu64 " KiB, expected %" PRIu64, what, is_kib,
		  want_kib);
	return NULL;
}

static const char *host_memory(struct lab_guest *g)
{
	struct lab_host_memory before, inflated, touched;

	LAB_OK(lab_data_fill(g, DATA_MIB, 5));
	LAB_TRY(agent(g, "touch"));
	LAB_OK(lab_host_memory(g, &before));
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, FULL_PAGES));
	LAB_OK(lab_host_memory(g, &inflated));
	LAB_CHECK(inflated.ram_kib < before.ram_kib, "the host's memory did not fall");
	LAB_TRY(about("the host's memory fell", before.ram_kib - inflated.ram_kib,
		      FULL_PAGES * LAB_PAGE_KIB));

	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(agent(g, "touch"));
	LAB_OK(lab_host_memory(g, &touched));
	/* The agent leaves some memory alone, so not all of it comes back into use. */
	LAB_CHECK(touched.ram_kib > inflated.ram_kib + FULL_PAGES * LAB_PAGE_KIB / 10 * 9,
		  "after use the host's memory rose from %" PRIu64 " to %" PRIu64 " KiB only",
		  inflated.ram_kib, touched.ram_kib);
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

/* Both CPUs allocate and free while the balloon breathes. */
static const char *busy_guest(struct lab_guest *g)
{
	int ids[2];

	LAB_OK(lab_data_fill(g, DATA_MIB, 11));
	LAB_TRY(driver_load(g));
	for (int i = 0; i < 2; i++)
		ids[i] = lab_begin(g, 120000,
				   "sh for n in $(seq 40); do dd if=/dev/zero of=/tmp/f%d bs=1M "
				   "count=20 2>/dev/null || exit 1; rm /tmp/f%d; done",
				   i, i);
	for (int round = 0; round < 4; round++) {
		LAB_TRY(inflate_to(g, FULL_PAGES));
		LAB_TRY(deflate_to(g, round % 2 ? 0 : HALF_PAGES));
	}
	for (int i = 0; i < 2; i++)
		LAB_CHECK(lab_end(g, ids[i], 60000, NULL) == 0, "the guest's work failed");
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

static const struct lab_test tests[] = {
	{"2m", mode_2m, .config = &one_cpu},
	{"4k", mode_4k, .config = &one_cpu},
	{"unbatched", mode_unbatched, .config = &one_cpu},
	{"old-host", mode_old_host, .config = &one_cpu},
	{"2m-without-batches", mode_2m_without_batches, .config = &one_cpu},
	{"no-64-bit-target", mode_no_64_bit_target, .config = &one_cpu},
	{"single-pages-by-choice", knobs_off, .config = &one_cpu},
	{"fragmented-guest-gives-blocks", fragmented, .config = &one_cpu, .fresh = true},
	{"host-memory-anonymous", host_memory, .config = &one_cpu, .fresh = true},
	{"host-memory-memfd", host_memory, .config = &memfd},
	{"two-cpus-busy", busy_guest, .config = &two_cpus, .timeout_s = 120},
};

static const struct lab_suite suite = {
	.name = "modes",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
