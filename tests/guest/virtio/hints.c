/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Free page hints: while a guest is migrated, its host is told what need not be sent. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "virtio.h"

#define DATA_MIB   128u
#define HALF	   100000u /* of the 262144 pages of a guest of 1 GiB */
#define HELD	   40000u  /* so much is free beside data and balloon at least */
#define HINTS_MS   4000u   /* the guest has so long to tell what is free */
#define MIGRATE_MS 120000u
#define WAIT_MS	   30000u
#define HOG_MIB	   280u /* less than is held, and more than is free beside that */
#define MIB	   (1u << 20)

#define HINTS                                                                              \
	"-object", "iothread,id=hints", "-global", "virtio-balloon-pci.free-page-hint=on", \
		"-global", "virtio-balloon-pci.iothread=hints"

static const char *const hinting[] = {HINTS, NULL};
static const char *const hinting_firm[] = {HINTS, "-global",
					   "virtio-balloon-pci.deflate-on-oom=off", NULL};
static struct lab_config config = {.memory_mib = 1024, .cpus = 2, .type = TOLD, .extra = hinting};
static struct lab_config firm = {
	.memory_mib = 1024, .cpus = 2, .type = TOLD, .extra = hinting_firm};
static struct lab_config reporting = {
	.memory_mib = 1024, .cpus = 2, .type = REPORTING, .extra = hinting};
static struct lab_config zeroed = {
	.memory_mib = 1024, .cpus = 2, .type = TOLD, .extra = hinting, .append = "init_on_alloc=1"};

static const char *wait_for_stat(struct lab_guest *g, const char *name, uint64_t low, uint64_t high)
{
	int64_t start = lab_now_ms();
	uint64_t value;

	do {
		lab_sleep_ms(50);
		LAB_TRY(driver_stat(g, name, &value));
		LAB_CHECK(lab_now_ms() - start < WAIT_MS, "%s is %" PRIu64, name, value);
	} while (value < low || value > high);
	return NULL;
}

/* ---- whole migrations ---- */

/* What a migration with half of the memory in the balloon transfers; the rest was used once. */
static const char *migrate(struct lab_guest *g, const char *module, uint64_t *bytes)
{
	LAB_OK(lab_must(g, 30000, "modprobe %s", module));
	LAB_TRY(reach(g, HALF));
	LAB_TRY(agent(g, "touch"));
	LAB_OK(lab_migrate_begin(g));
	lab_sleep_ms(HINTS_MS);
	LAB_OK(lab_migrate_end(g, MIGRATE_MS, bytes));
	LAB_OK(lab_wait_size(g, HALF, HALF, SETTLE_MS));
	LAB_OK(lab_data_check(g));
	LAB_TRY(agent(g, "touch"));
	LAB_TRY(reach(g, HALF + 5000));
	LAB_TRY(reach(g, 0));
	return NULL;
}

static const char *transfers_less(uint64_t with, uint64_t without)
{
	lab_note("%" PRIu64 " MiB with hints, %" PRIu64 " without", with / MIB, without / MIB);
	LAB_CHECK(with < without, "hints do not spare the host anything");
	LAB_CHECK(without - with > (uint64_t)HELD * LAB_PAGE_KIB * 1024 / 2,
		  "the difference is less than half of the free memory");
	return NULL;
}

static const char *without_hints(struct lab_guest *g, uint64_t *bytes)
{
	uint64_t told;

	LAB_TRY(migrate(g, "aerostat_virtio hint_free=0", bytes));
	LAB_TRY(driver_stat(g, "hint_told_pages", &told));
	LAB_CHECK(!told, "%" PRIu64 " pages were told", told);
	LAB_TRY(nothing_lost(g));
	return drivers_gone(g);
}

static const char *migrates_half_full(struct lab_guest *g)
{
	uint64_t without, with, told;

	LAB_OK(lab_data_fill(g, DATA_MIB, 81));
	LAB_TRY(without_hints(g, &without));
	LAB_TRY(migrate(g, "aerostat_virtio", &with));
	LAB_TRY(driver_stat(g, "hint_told_pages", &told));
	LAB_CHECK(told > HELD, "only %" PRIu64 " pages were told", told);
	LAB_TRY(wait_for_stat(g, "hint_held_pages", 0, 0));
	LAB_TRY(nothing_lost(g));
	LAB_TRY(driver_remove(g));
	return transfers_less(with, without);
}

static const char *migrates_half_full_peer(struct lab_guest *g)
{
	uint64_t without, with;

	LAB_OK(lab_data_fill(g, DATA_MIB, 82));
	LAB_TRY(without_hints(g, &without));
	LAB_TRY(migrate(g, "virtio_balloon", &with));
	return transfers_less(with, without);
}

/* The guest's pages of zeros and reported ones cost nothing anyway; only the data counts. */
static const char *migrates_while_reporting(struct lab_guest *g)
{
	uint64_t bytes;

	LAB_OK(lab_data_fill(g, DATA_MIB, 83));
	for (unsigned int i = 0; i < 2; i++) {
		LAB_TRY(migrate(g, "aerostat_virtio", &bytes));
		LAB_TRY(wait_for_stat(g, "hint_held_pages", 0, 0));
		LAB_TRY(nothing_lost(g));
		LAB_TRY(driver_remove(g));
	}
	return NULL;
}

/* ---- in the middle of one ---- */

/* The balloon has HALF, and the rest is held, for a migration that does not end by itself. */
static const char *hold_all(struct lab_guest *g, uint64_t seed)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, seed));
	LAB_TRY(driver_insert(g));
	LAB_TRY(reach(g, HALF));
	LAB_TRY(agent(g, "touch"));
	LAB_OK(lab_migrate_begin(g));
	return wait_for_stat(g, "hint_held_pages", HELD, UINT64_MAX);
}

static const char *arrive(struct lab_guest *g)
{
	uint64_t bytes;

	LAB_OK(lab_migrate_end(g, MIGRATE_MS, &bytes));
	LAB_OK(lab_data_check(g));
	return NULL;
}

static const char *empty(struct lab_guest *g)
{
	LAB_TRY(wait_for_stat(g, "hint_held_pages", 0, 0));
	LAB_TRY(reach(g, 0));
	LAB_TRY(nothing_lost(g));
	LAB_OK(lab_data_check(g));
	return driver_remove(g);
}

static const char *given_back_when_cancelled(struct lab_guest *g)
{
	struct lab_meminfo before, during, after;

	LAB_OK(lab_meminfo(g, &before));
	LAB_TRY(hold_all(g, 84));
	LAB_OK(lab_meminfo(g, &during));
	LAB_OK(lab_migrate_cancel(g));
	LAB_TRY(wait_for_stat(g, "hint_held_pages", 0, 0));
	LAB_OK(lab_meminfo(g, &after));
	lab_note("free: %" PRIu64 " MiB while held, %" PRIu64 " after", during.free_kib / 1024,
		 after.free_kib / 1024);
	LAB_CHECK(after.free_kib > during.free_kib + HELD * LAB_PAGE_KIB,
		  "memory is not back: %" PRIu64 " KiB are free, %" PRIu64 " were", after.free_kib,
		  during.free_kib);
	return empty(g);
}

/* A process gets all it wants, which is what the hints have; nothing is killed. */
static const char *yield_to_a_hog(struct lab_guest *g)
{
	uint64_t relieved;

	LAB_TRY(hold_all(g, 85));
	LAB_TRY(hog(g, HOG_MIB));
	LAB_TRY(driver_stat(g, "hint_relieved_pages", &relieved));
	LAB_CHECK(relieved > HELD / 2, "only %" PRIu64 " pages came from hints", relieved);
	LAB_TRY(driver_stat(g, "relieved_pages", &relieved));
	LAB_CHECK(!relieved, "%" PRIu64 " pages came from the balloon", relieved);
	LAB_OK(lab_data_check(g));
	LAB_TRY(arrive(g));
	LAB_TRY(agent(g, "hog stop"));
	return empty(g);
}

static const char *yield_to_the_balloon(struct lab_guest *g)
{
	LAB_TRY(hold_all(g, 86));
	LAB_TRY(reach(g, HALF + HELD));
	LAB_TRY(arrive(g));
	LAB_OK(lab_wait_size(g, HALF + HELD, HALF + HELD, SETTLE_MS));
	return empty(g);
}

/* The module goes while it holds hints, and another one comes before the migration is over. */
static const char *unload_in_the_middle(struct lab_guest *g)
{
	struct lab_meminfo before, after;

	LAB_OK(lab_meminfo(g, &before));
	LAB_TRY(hold_all(g, 87));
	LAB_TRY(driver_remove(g));
	LAB_OK(lab_meminfo(g, &after));
	LAB_CHECK(after.free_kib + (DATA_MIB + 32) * 1024 > before.free_kib,
		  "memory is not back: %" PRIu64 " KiB are free, %" PRIu64 " were", after.free_kib,
		  before.free_kib);
	LAB_TRY(agent(g, "touch"));
	LAB_TRY(driver_insert(g));
	LAB_OK(lab_wait_size(g, HALF, HALF, SETTLE_MS));
	LAB_TRY(arrive(g));
	return empty(g);
}

static const char *sleep_in_the_middle(struct lab_guest *g)
{
	LAB_TRY(hold_all(g, 88));
	LAB_OK(lab_must(g, 5000, "echo devices >/sys/power/pm_test"));
	LAB_OK(lab_must(g, 60000, "echo mem >/sys/power/state"));
	LAB_OK(lab_must(g, 5000, "echo none >/sys/power/pm_test"));
	LAB_OK(lab_wait_size(g, HALF, HALF, SETTLE_MS));
	LAB_TRY(agent(g, "touch"));
	LAB_OK(lab_data_check(g));
	LAB_TRY(arrive(g));
	return empty(g);
}

/* The guest restarts while its memory is sent; what it uses then arrives. */
static const char *reset_in_the_middle(struct lab_guest *g)
{
	LAB_TRY(hold_all(g, 89));
	LAB_OK(lab_reset(g));
	LAB_OK(lab_data_fill(g, DATA_MIB, 90));
	LAB_TRY(driver_insert(g));
	LAB_OK(lab_wait_size(g, HALF, HALF, SETTLE_MS));
	LAB_TRY(arrive(g));
	return empty(g);
}

static const struct lab_test tests[] = {
	{"migrates-half-full", migrates_half_full, .config = &config, .timeout_s = 300},
	{"migrates-half-full-virtio_balloon", migrates_half_full_peer, .config = &config,
	 .timeout_s = 300},
	{"given-back-when-cancelled", given_back_when_cancelled, .config = &config,
	 .timeout_s = 180},
	{"yield-to-a-hog", yield_to_a_hog, .config = &config, .timeout_s = 240},
	{"yield-to-the-balloon", yield_to_the_balloon, .config = &config, .timeout_s = 240},
	{"unload-in-the-middle", unload_in_the_middle, .config = &config, .timeout_s = 240},
	{"sleep-in-the-middle", sleep_in_the_middle, .config = &config, .timeout_s = 240},
	{"reset-in-the-middle", reset_in_the_middle, .config = &config, .timeout_s = 240},
	{"yield-to-a-hog-firm", yield_to_a_hog, .config = &firm, .timeout_s = 240},
	{"migrates-half-full-zeroing", migrates_half_full, .config = &zeroed, .timeout_s = 300},
	{"migrates-while-reporting", migrates_while_reporting, .config = &reporting,
	 .timeout_s = 300},
};

static const struct lab_suite suite = {
	.name = "virtio-hints",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = drivers_gone,
};

int main(int argc, char **argv)
{
	config.platform = firm.platform = &lab_platform_virtio;
	reporting.platform = zeroed.platform = &lab_platform_virtio;
	return lab_suite_main(argc, argv, &suite);
}
