/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The host is told of free memory, beside the balloon and from the same source. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "virtio.h"

#define DATA_MIB 128u
#define ORDER	 "/sys/module/page_reporting/parameters/page_reporting_order"

static struct lab_config config = {.memory_mib = 1024, .cpus = 2, .type = REPORTING};
static struct lab_config memfd = {
	.memory_mib = 1024, .cpus = 2, .type = REPORTING, .backend = LAB_MEMFD};
static const char *const untold[] = {"-global", "virtio-balloon-pci.page-poison=off", NULL};
static struct lab_config zeroed_untold = {.memory_mib = 1024,
					  .cpus = 2,
					  .type = REPORTING,
					  .append = "init_on_free=1",
					  .extra = untold};
static struct lab_config poisoned_untold = {.memory_mib = 1024,
					    .cpus = 2,
					    .type = REPORTING,
					    .append = "page_poison=1",
					    .extra = untold};
static struct lab_config zeroed = {
	.memory_mib = 1024, .cpus = 2, .type = REPORTING, .append = "init_on_free=1"};
static struct lab_config poisoned = {
	.memory_mib = 1024, .cpus = 2, .type = REPORTING, .append = "page_poison=1"};

static const char *freed_memory(struct lab_guest *g, const char *module)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, 71));
	LAB_OK(lab_must(g, 30000, "modprobe %s", module));
	for (unsigned int i = 0; i < 2; i++)
		LAB_TRY(use_and_free(g));
	LAB_OK(lab_data_check(g));
	return NULL;
}

static const char *freed_memory_is_the_hosts(struct lab_guest *g)
{
	uint64_t pages;

	LAB_TRY(freed_memory(g, "aerostat_virtio"));
	LAB_TRY(driver_stat(g, "reported_free_pages", &pages));
	LAB_CHECK(pages > FAR, "the driver counts %" PRIu64 " pages", pages);
	return driver_remove(g);
}

static const char *freed_memory_peer(struct lab_guest *g)
{
	return freed_memory(g, "virtio_balloon");
}

/* With half of the memory in the balloon the rest is reported, and what comes back from it. */
static const char *beside_a_full_balloon(struct lab_guest *g)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, 72));
	LAB_TRY(driver_insert(g));
	LAB_TRY(reach(g, FAR / 2));
	LAB_TRY(use_and_free(g));
	LAB_OK(lab_wait_size(g, FAR / 2, FAR / 2, SETTLE_MS));
	LAB_TRY(reach(g, 0));
	LAB_TRY(use_and_free(g));
	LAB_OK(lab_data_check(g));
	LAB_TRY(nothing_lost(g));
	return driver_remove(g);
}

/* The kernel hands reported blocks out to nobody, but the balloon has to find them. */
static const char *reported_blocks_are_taken(struct lab_guest *g)
{
	uint64_t taken = 0, before, held;

	LAB_OK(lab_data_fill(g, DATA_MIB, 73));
	LAB_TRY(driver_insert(g));
	for (unsigned int i = 0; i < 3; i++) {
		LAB_TRY(use_and_free(g));
		before = taken;
		LAB_TRY(reach(g, FAR));
		LAB_TRY(driver_stat(g, "taken_free_list", &taken));
		LAB_TRY(driver_stat(g, "held_large", &held));
		lab_note("%" PRIu64 " of %" PRIu64 " blocks came from the free lists",
			 taken - before, held);
		LAB_CHECK((taken - before) * 2 > held, "the others are most of them");
		LAB_OK(lab_data_check(g));
		LAB_TRY(reach(g, 0));
	}
	LAB_TRY(nothing_lost(g));
	return driver_remove(g);
}

/*
 * Blocks are taken while free memory is reported, again and again, and other processes allocate
 * and free: a block with two owners would show.
 */
static const char *taken_while_reported(struct lab_guest *g)
{
	int id;

	LAB_OK(lab_data_fill(g, DATA_MIB, 74));
	LAB_TRY(driver_insert(g));
	id = lab_begin(g, 300000,
		       "sh while [ ! -e /tmp/over ]; do dd if=/dev/zero of=/tmp/f bs=1M count=24 "
		       "2>/dev/null || exit 1; rm /tmp/f; done");
	for (unsigned int i = 0; i < 12; i++) {
		LAB_TRY(reach(g, FAR));
		lab_sleep_ms(i * 150);
		LAB_OK(lab_data_check(g));
		LAB_TRY(reach(g, i * 1000));
		lab_sleep_ms(2000);
	}
	LAB_TRY(reach(g, 0));
	LAB_OK(lab_must(g, 10000, "touch /tmp/over"));
	LAB_CHECK(lab_end(g, id, 60000, NULL) == 0, "the guest's work failed");
	LAB_TRY(nothing_lost(g));
	LAB_OK(lab_data_check(g));
	return driver_remove(g);
}

/*
 * The administrator wants less than large blocks to be reported.  On this kernel the setting is
 * replaced when a driver registers, so it is written after that.
 */
static const char *order_is_respected(struct lab_guest *g)
{
	uint64_t blocks;

	LAB_TRY(driver_insert(g));
	LAB_OK(lab_must(g, 10000, "echo 3 >" ORDER));
	LAB_TRY(agent(g, "fragment 64"));
	LAB_TRY(agent(g, "fragment stop"));
	LAB_TRY(use_and_free(g));
	LAB_TRY(reach(g, FAR));
	LAB_TRY(driver_stat(g, "taken_free_list", &blocks));
	LAB_CHECK(!blocks, "%" PRIu64 " blocks came from the free lists", blocks);
	LAB_TRY(reach(g, 0));
	LAB_TRY(use_and_free(g));
	LAB_TRY(nothing_lost(g));
	LAB_OK(lab_must(g, 10000, "grep -qx 3 " ORDER));
	return driver_remove(g);
}

static const char *switched_off(struct lab_guest *g)
{
	uint64_t pages;

	LAB_OK(lab_must(g, 30000, "modprobe aerostat_virtio report_free=0"));
	LAB_TRY(agent(g, "touch"));
	lab_sleep_ms(6000);
	LAB_TRY(driver_stat(g, "reported_free_pages", &pages));
	LAB_CHECK(!pages, "%" PRIu64 " pages were reported", pages);
	LAB_OK(lab_must(g, 10000, "modprobe test_reporter && rmmod test_reporter"));
	return driver_remove(g);
}

/* Whether the driver uses a feature, by its name. */
static const char *uses(struct lab_guest *g, const char *feature, bool used)
{
	LAB_OK(lab_must(g, 10000, "%sgrep -qw '^features_used.* %s' " STATS, used ? "" : "! ",
			feature));
	return NULL;
}

/* The device does not know that free pages have a content, so it is told of none. */
static const char *not_when_free_pages_matter(struct lab_guest *g)
{
	uint64_t pages;

	LAB_TRY(driver_insert(g));
	LAB_TRY(uses(g, "page_poison", false));
	LAB_TRY(agent(g, "touch"));
	lab_sleep_ms(6000);
	LAB_TRY(driver_stat(g, "reported_free_pages", &pages));
	LAB_CHECK(!pages, "%" PRIu64 " pages were reported", pages);
	LAB_TRY(reach(g, FAR));
	LAB_TRY(reach(g, 0));
	LAB_TRY(nothing_lost(g));
	return driver_remove(g);
}

static const char *poison_is(struct lab_guest *g, uint64_t value)
{
	uint64_t found;

	LAB_TRY(uses(g, "page_poison", true));
	LAB_TRY(driver_stat(g, "poison_value", &found));
	LAB_CHECK(found == value, "the device has 0x%" PRIx64 " as what free pages contain", found);
	return NULL;
}

static const char *some_are_reported(struct lab_guest *g)
{
	uint64_t pages;

	for (unsigned int i = 0; i < 2; i++) {
		LAB_TRY(agent(g, "touch"));
		lab_sleep_ms(8000);
	}
	LAB_TRY(driver_stat(g, "reported_free_pages", &pages));
	LAB_CHECK(pages > 10 * LARGE, "only %" PRIu64 " pages were reported", pages);
	/* Where pages are poisoned, the kernel looks at each that it allocates. */
	LAB_TRY(agent(g, "touch"));
	LAB_TRY(reach(g, FAR));
	LAB_TRY(reach(g, 0));
	LAB_OK(lab_data_check(g));
	return nothing_lost(g);
}

/* The host may discard what is zero, and gives zeros back. */
static const char *zeroed_pages_are_reported(struct lab_guest *g)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, 75));
	LAB_TRY(driver_insert(g));
	LAB_TRY(poison_is(g, 0));
	LAB_TRY(use_and_free(g));
	LAB_TRY(some_are_reported(g));
	LAB_TRY(poison_is(g, 0));
	return driver_remove(g);
}

/* QEMU keeps what it could not restore. */
static const char *poisoned_pages_are_reported(struct lab_guest *g)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, 76));
	LAB_TRY(driver_insert(g));
	LAB_TRY(poison_is(g, 0xaaaaaaaa));
	LAB_TRY(some_are_reported(g));
	LAB_TRY(poison_is(g, 0xaaaaaaaa));
	return driver_remove(g);
}

static const struct lab_test tests[] = {
	{"freed-memory-is-the-hosts", freed_memory_is_the_hosts, .config = &config,
	 .timeout_s = 240},
	{"freed-memory-virtio_balloon", freed_memory_peer, .config = &config, .timeout_s = 240},
	{"beside-a-full-balloon", beside_a_full_balloon, .config = &config, .timeout_s = 240},
	{"reported-blocks-are-taken", reported_blocks_are_taken, .config = &config,
	 .timeout_s = 300},
	{"taken-while-reported", taken_while_reported, .config = &config, .timeout_s = 300},
	{"reporting-switched-off", switched_off, .config = &config, .timeout_s = 120},
	{"order-is-respected", order_is_respected, .config = &config, .timeout_s = 240,
	 .fresh = true, .spoils = true},
	{"freed-memory-of-a-file", freed_memory_is_the_hosts, .config = &memfd, .timeout_s = 240},
	{"not-when-free-pages-matter", not_when_free_pages_matter, .config = &zeroed_untold,
	 .timeout_s = 120},
	{"not-when-they-are-poisoned", not_when_free_pages_matter, .config = &poisoned_untold,
	 .timeout_s = 180},
	{"zeroed-pages-are-reported", zeroed_pages_are_reported, .config = &zeroed,
	 .timeout_s = 240},
	{"poisoned-pages-are-reported", poisoned_pages_are_reported, .config = &poisoned,
	 .timeout_s = 300},
};

static const struct lab_suite suite = {
	.name = "virtio-free-pages",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = drivers_gone,
};

int main(int argc, char **argv)
{
	config.platform = memfd.platform = zeroed.platform = &lab_platform_virtio;
	zeroed_untold.platform = poisoned_untold.platform = &lab_platform_virtio;
	poisoned.platform = &lab_platform_virtio;
	return lab_suite_main(argc, argv, &suite);
}
