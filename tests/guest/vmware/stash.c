/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The stash: memory of the guest's own that is freed at once when it runs short, whatever the host
 * does at that moment.
 */
#include <inttypes.h>

#include "monitor.h"

#define STASH_MIB 128u
#define FILES	  "/sys/kernel/aerostat/"

static const struct lab_config config = {.memory_mib = 1024, .cpus = 2};

static const char *wait_stashed(struct lab_guest *g, unsigned int mib)
{
	uint64_t kib = 0;

	for (unsigned int i = 0; i < SETTLE_MS / 100; i++) {
		LAB_OK(lab_read_number(g, FILES "stashed_kib", &kib));
		if (kib == mib * 1024)
			return NULL;
		lab_sleep_ms(100);
	}
	return lab_because("%" PRIu64 " KiB are stashed, not %u MiB", kib, mib);
}

/* It is the guest's memory: neither in the balloon nor free.  0 switches it off. */
static const char *counts_as_the_guests(struct lab_guest *g)
{
	struct lab_meminfo before, after;

	LAB_OK(lab_meminfo(g, &before));
	LAB_TRY(driver_load(g));
	LAB_OK(lab_must(g, 5000, "[ $(cat " FILES "stash_kib) = 0 ]"));
	LAB_TRY(wait_stashed(g, 0));
	LAB_OK(lab_must(g, 5000, "echo %u >" FILES "stash_kib", STASH_MIB * 1024));
	LAB_TRY(wait_stashed(g, STASH_MIB));
	LAB_TRY(sizes_agree(g, 0));
	LAB_OK(lab_meminfo(g, &after));
	LAB_CHECK(after.total_kib == before.total_kib, "MemTotal changed");
	LAB_CHECK(after.available_kib + (STASH_MIB - 8) * 1024 < before.available_kib,
		  "%" PRIu64 " KiB are available, and %" PRIu64 " were", after.available_kib,
		  before.available_kib);
	LAB_TRY(inflate_to(g, 300 * LAB_PAGES_PER_MIB));
	LAB_TRY(wait_stashed(g, STASH_MIB));
	LAB_TRY(deflate_to(g, 0));
	LAB_OK(lab_must(g, 5000, "echo 0 >" FILES "stash_kib"));
	LAB_TRY(wait_stashed(g, 0));
	LAB_TRY(driver_unload(g));
	LAB_OK(lab_meminfo(g, &after));
	LAB_CHECK(after.available_kib + STASH_MIB / 4 * 1024 > before.available_kib,
		  "%" PRIu64 " KiB are available, and %" PRIu64 " were", after.available_kib,
		  before.available_kib);
	return NULL;
}

/*
 * The host gives nothing back, and a process takes more than is available: the stash alone keeps
 * the kernel from killing it (a kill in the log fails any test).  Later it fills up again.
 */
static const char *answers_without_the_host(struct lab_guest *g)
{
	struct lab_meminfo mem;
	uint64_t given, relieved;

	LAB_OK(lab_must(g, 20000, "modprobe aerostat holdoff_ms=2000 stash_kib=%u",
			STASH_MIB * 1024));
	LAB_TRY(driver_load(g));
	LAB_TRY(wait_stashed(g, STASH_MIB));
	LAB_TRY(inflate_to(g, 400 * LAB_PAGES_PER_MIB));
	MONITOR(g, "{\"faults\": [{\"direction\": \"deflate\", \"status\": \"busy\"}]}");
	LAB_OK(lab_meminfo(g, &mem));
	LAB_TRY(hog(g, (unsigned int)(mem.available_kib / 1024) + STASH_MIB / 2));
	LAB_TRY(driver_stat(g, "stash_given_pages", &given));
	LAB_CHECK(given >= STASH_MIB / 4 * LAB_PAGES_PER_MIB, "the stash gave %" PRIu64 " pages",
		  given);
	LAB_TRY(driver_stat(g, "relieved_pages", &relieved));
	LAB_CHECK(!relieved, "the host gave %" PRIu64 " pages back", relieved);
	LAB_TRY(agent(g, "hog stop"));
	LAB_TRY(wait_stashed(g, STASH_MIB));
	MONITOR(g, "{\"faults\": []}");
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(driver_unload(g));
	return NULL;
}

static const struct lab_test tests[] = {
	{"counts-as-the-guests", counts_as_the_guests, .config = &config, .timeout_s = 120},
	{"answers-without-the-host", answers_without_the_host, .config = &config, .timeout_s = 120},
};

static const struct lab_suite suite = {
	.name = "stash",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
