/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A guest that is full of clean page cache, in turn with the kernel's own driver and with ours, in
 * one boot.  It was reported that ours took nine times longer, 8 MiB/s, because an allocation
 * that failed without reclaim limited the rate although reclaim succeeded; and that all it gave
 * then were single pages.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "monitor.h"

#define MOVED	  (1024 * LAB_PAGES_PER_MIB)
#define CACHE_MIB 1700u
#define DATA_MIB  64u

/* At 8 MiB/s it would take 128 s; the kernel's driver needed 10 s on an idle machine. */
#define MOVED_MS  100000u

static const struct lab_config config = {.memory_mib = 2048, .cpus = 2};

/* One round each in turn, so that both drivers meet the same machine; the median of these counts.
 */
#define ROUNDS	   3

/*
 * Seconds of an emulated machine that shares its processors with other tests: the kernel's driver
 * alone has taken from 1.2 to 7.9 s.  What was reported, nine times its time, is far beyond this
 * limit; how much faster ours is, the bench measures.
 */
#define TIMES_PEER 2

struct result {
	int64_t ms[ROUNDS];
	uint64_t large; /* units of 2 MiB that ours held in the last round */
};

/* How long it takes to move MOVED pages out of a guest full of page cache. */
static const char *inflate_full_guest(struct lab_guest *g, int64_t *ms)
{
	struct lab_meminfo mem;
	int64_t start;

	LAB_OK(lab_fill_page_cache(g, CACHE_MIB));
	LAB_OK(lab_meminfo(g, &mem));
	LAB_CHECK(mem.free_kib < 300 * 1024, "%" PRIu64 " KiB are free, not page cache",
		  mem.free_kib);
	start = lab_now_ms();
	LAB_OK(lab_target(g, MOVED));
	/* The kernel's driver inflates by whole large pages. */
	LAB_OK(lab_wait_size(g, MOVED, MOVED + LARGE_PAGES, MOVED_MS));
	*ms = lab_now_ms() - start;
	return NULL;
}

static const char *deflate(struct lab_guest *g)
{
	LAB_OK(lab_target(g, 0));
	LAB_OK(lab_wait_size(g, 0, 0, SETTLE_MS));
	return NULL;
}

static const char *theirs(struct lab_guest *g, struct result *result, unsigned int round)
{
	LAB_TRY(peer_load(g));
	LAB_TRY(inflate_full_guest(g, &result->ms[round]));
	LAB_TRY(deflate(g));
	LAB_OK(lab_must(g, 30000, "rmmod vmw_balloon"));
	return NULL;
}

static const char *ours(struct lab_guest *g, struct result *result, unsigned int round)
{
	uint64_t relieved;

	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_full_guest(g, &result->ms[round]));
	LAB_TRY(driver_stat(g, "held_large", &result->large));
	LAB_CHECK(result->large * LARGE_PAGES >= MOVED * 3 / 4,
		  "%" PRIu64 " blocks of 2 MiB are less than three fourths of what was moved",
		  result->large);
	LAB_TRY(deflate(g));
	LAB_TRY(driver_stat(g, "relieved_pages", &relieved));
	LAB_CHECK(relieved <= MOVED / 16, "%" PRIu64 " pages given back to the page cache",
		  relieved);
	LAB_TRY(nothing_lost(g));
	return driver_unload(g);
}

static int by_ms(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t median_ms(struct result *result)
{
	qsort(result->ms, ROUNDS, sizeof(result->ms[0]), by_ms);
	return result->ms[ROUNDS / 2];
}

static const char *keeps_up_with_peer(struct lab_guest *g)
{
	struct result peer = {0}, aerostat = {0};
	int64_t peer_ms, aerostat_ms;

	LAB_OK(lab_data_fill(g, DATA_MIB, 41));
	for (unsigned int round = 0; round < ROUNDS; round++) {
		LAB_TRY(theirs(g, &peer, round));
		LAB_TRY(ours(g, &aerostat, round));
	}
	peer_ms = median_ms(&peer);
	aerostat_ms = median_ms(&aerostat);
	lab_note("1024 MiB of page cache: vmw_balloon %" PRId64 " ms (%" PRId64 " to %" PRId64
		 "), aerostat %" PRId64 " ms (%" PRId64 " to %" PRId64 "), %" PRIu64
		 " blocks of 2 MiB",
		 peer_ms, peer.ms[0], peer.ms[ROUNDS - 1], aerostat_ms, aerostat.ms[0],
		 aerostat.ms[ROUNDS - 1], aerostat.large);
	LAB_CHECK(aerostat_ms <= TIMES_PEER * peer_ms,
		  "aerostat took %" PRId64 " ms, vmw_balloon %" PRId64, aerostat_ms, peer_ms);
	LAB_OK(lab_data_check(g));
	return NULL;
}

static const struct lab_test tests[] = {
	{"page-cache-keeps-up-with-peer", keeps_up_with_peer, .config = &config, .timeout_s = 900},
};

static const struct lab_suite suite = {
	.name = "cache",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
