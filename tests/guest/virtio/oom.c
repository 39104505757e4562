/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * VIRTIO_BALLOON_F_DEFLATE_ON_OOM.  With it the balloon gives memory back before a process is
 * killed, and its pages count as the guest's memory.  Without it neither is so.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "virtio.h"

#define HOG_MIB 600u
/* MemTotal differs by nothing but the balloon. */
#define SMALL	20003u

static const char *const firm_args[] = {"-global", "virtio-balloon-pci.deflate-on-oom=off", NULL};
static struct lab_config yielding = {.memory_mib = 1024, .cpus = 2, .type = REPORTING};
static struct lab_config firm = {
	.memory_mib = 1024, .cpus = 2, .type = REPORTING, .extra = firm_args};
static struct lab_config firm_numbers = {
	.memory_mib = 1024, .cpus = 2, .type = TOLD, .extra = firm_args};

static const char *total_is(struct lab_guest *g, uint64_t kib)
{
	struct lab_meminfo m;

	LAB_OK(lab_meminfo(g, &m));
	LAB_CHECK(m.total_kib == kib, "MemTotal is %" PRIu64 " KiB, not %" PRIu64, m.total_kib,
		  kib);
	return NULL;
}

/* MemTotal follows the balloon's size in pages times `factor`, whatever sizes it is made of. */
static const char *total_follows(struct lab_guest *g, const char *module, uint64_t factor)
{
	static const uint64_t sizes[] = {FAR, SMALL, 3, FAR - 1, 0};
	struct lab_meminfo m;

	LAB_OK(lab_meminfo(g, &m));
	LAB_OK(lab_must(g, 30000, "modprobe %s", module));
	for (unsigned int i = 0; i < LAB_COUNT(sizes); i++) {
		LAB_TRY(reach(g, sizes[i]));
		LAB_TRY(total_is(g, m.total_kib - factor * sizes[i] * LAB_PAGE_KIB));
	}
	/* Leaving with a full balloon brings all of it back. */
	LAB_TRY(reach(g, FAR));
	LAB_OK(lab_must(g, 30000, "rmmod %s", module));
	return total_is(g, m.total_kib);
}

/* The hog gets all it wants, and MemTotal stays; the balloon returns when it may. */
static const char *gives_way(struct lab_guest *g)
{
	uint64_t relieved;

	LAB_TRY(total_follows(g, "aerostat_virtio", 0));
	LAB_OK(lab_must(g, 10000, "rmmod aerostat"));
	LAB_TRY(driver_insert(g));
	LAB_TRY(reach(g, FAR));
	LAB_TRY(hog(g, HOG_MIB));
	LAB_TRY(driver_stat(g, "relieved_pages", &relieved));
	LAB_CHECK(relieved, "the balloon gave nothing");
	LAB_TRY(agent(g, "hog stop"));
	LAB_OK(lab_wait_size(g, FAR, FAR, 2 * SETTLE_MS));
	LAB_TRY(reach(g, 0));
	LAB_TRY(nothing_lost(g));
	return driver_remove(g);
}

/*
 * The hog is killed, the balloon keeps its size to the page, and MemTotal is less.  The kernel's
 * words on the killing are what was asked for.
 */
static const char *stands_firm(struct lab_guest *g)
{
	uint64_t relieved, size;

	LAB_TRY(total_follows(g, "aerostat_virtio", 1));
	LAB_TRY(driver_insert(g));
	LAB_TRY(reach(g, FAR));
	LAB_TRY(hog_is_killed(g, HOG_MIB));
	LAB_OK(lab_size(g, &size));
	LAB_CHECK(size == FAR, "the balloon has %" PRIu64 " pages", size);
	LAB_TRY(driver_stat(g, "relieved_pages", &relieved));
	LAB_CHECK(!relieved, "the balloon gave %" PRIu64 " pages", relieved);
	lab_log_mark(g);
	LAB_TRY(reach(g, 0));
	LAB_TRY(nothing_lost(g));
	return driver_remove(g);
}

/* Pages of the balloon migrate, and MemTotal keeps its value. */
static const char *total_after_compaction(struct lab_guest *g)
{
	struct lab_meminfo m;
	uint64_t migrated;

	LAB_OK(lab_meminfo(g, &m));
	LAB_TRY(agent(g, "fragment 512"));
	LAB_OK(lab_must(g, 20000, "modprobe aerostat large=0 split=0"));
	LAB_TRY(driver_insert(g));
	LAB_TRY(reach(g, SMALL));
	/* Each page that moves is two requests. */
	for (unsigned int i = 0; i < 2; i++)
		LAB_OK(lab_must(g, 60000, "echo 1 >/proc/sys/vm/compact_memory"));
	LAB_TRY(driver_stat(g, "migrated", &migrated));
	LAB_CHECK(migrated > 100, "only %" PRIu64 " pages moved", migrated);
	LAB_TRY(total_is(g, m.total_kib - SMALL * LAB_PAGE_KIB));
	LAB_TRY(reach(g, 0));
	LAB_TRY(driver_remove(g));
	LAB_TRY(agent(g, "fragment stop"));
	return total_is(g, m.total_kib);
}

/* What MemTotal is, is as with the kernel's driver. */
static const char *total_yielding_peer(struct lab_guest *g)
{
	return total_follows(g, "virtio_balloon", 0);
}

static const char *total_firm_peer(struct lab_guest *g)
{
	return total_follows(g, "virtio_balloon", 1);
}

static const struct lab_test tests[] = {
	{"gives-way-on-oom", gives_way, .config = &yielding, .timeout_s = 240},
	{"total-yielding-virtio_balloon", total_yielding_peer, .config = &yielding,
	 .timeout_s = 180},
	{"stands-firm-on-oom", stands_firm, .config = &firm, .timeout_s = 240},
	{"total-firm-virtio_balloon", total_firm_peer, .config = &firm, .timeout_s = 180},
	{"total-after-compaction", total_after_compaction, .config = &firm_numbers,
	 .timeout_s = 240},
	{"stands-firm-on-oom-numbers", stands_firm, .config = &firm_numbers, .timeout_s = 240},
};

static const struct lab_suite suite = {
	.name = "virtio-oom",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = drivers_gone,
};

int main(int argc, char **argv)
{
	yielding.platform = firm.platform = firm_numbers.platform = &lab_platform_virtio;
	return lab_suite_main(argc, argv, &suite);
}
