/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The balloon device of stock QEMU, with our driver and, where it can be compared, with the
 * kernel's: targets, the guest's data, the host's memory, relief, and the end.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "virtio.h"

#define DATA_MIB 128u

static struct lab_config reporting = {.memory_mib = 1024, .cpus = 2, .type = REPORTING};
static struct lab_config told = {.memory_mib = 1024, .cpus = 2, .type = TOLD};

/* Used memory moves, exactly, and becomes the host's; the guest's data stays. */
static const char *moves(struct lab_guest *g)
{
	struct lab_host_memory before, after;
	uint64_t kib;

	LAB_TRY(agent(g, "touch"));
	LAB_OK(lab_data_fill(g, DATA_MIB, 51));
	/* The last target still stands, so a driver may have much of it within milliseconds. */
	LAB_OK(lab_host_memory(g, &before));
	LAB_TRY(driver_insert(g));
	for (unsigned int round = 0; round < 3; round++) {
		LAB_TRY(reach(g, FAR));
		LAB_OK(lab_read_number(g, SIZE_KIB, &kib));
		LAB_CHECK(kib == FAR * LAB_PAGE_KIB, "the driver holds %" PRIu64 " KiB", kib);
		LAB_TRY(reach(g, FAR / 2 + 3));
	}
	LAB_TRY(reach(g, FAR));
	LAB_OK(lab_host_memory(g, &after));
	LAB_CHECK(after.ram_kib + FAR * LAB_PAGE_KIB / 2 < before.ram_kib,
		  "the host's memory fell from %" PRIu64 " to %" PRIu64 " KiB only", before.ram_kib,
		  after.ram_kib);
	LAB_TRY(reach(g, 0));
	LAB_OK(lab_data_check(g));
	LAB_TRY(nothing_lost(g));
	return driver_remove(g);
}

static const char *moves_by_reports(struct lab_guest *g)
{
	uint64_t requests;

	LAB_TRY(driver_insert(g));
	LAB_TRY(reach(g, FAR - FAR % LARGE));
	LAB_TRY(driver_stat(g, "reporting_requests", &requests));
	LAB_CHECK(requests && !driver_stat_or_0(g, "deflate_requests"),
		  "%" PRIu64 " requests on the reporting queue", requests);
	LAB_TRY(driver_remove(g));
	return moves(g);
}

static const char *moves_by_numbers(struct lab_guest *g)
{
	LAB_TRY(moves(g));
	return NULL;
}

/* A driver that leaves with a full balloon gives all of it back, and says so. */
static const char *unload_with_a_full_balloon(struct lab_guest *g)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, 52));
	for (unsigned int i = 0; i < 20; i++) {
		LAB_TRY(driver_insert(g));
		LAB_TRY(reach(g, FAR));
		LAB_TRY(driver_remove(g));
		LAB_OK(lab_wait_size(g, 0, 0, 1000));
	}
	LAB_OK(lab_data_check(g));
	return NULL;
}

/* While the target is far away the driver leaves, and another one takes the device. */
static const char *change_of_driver(struct lab_guest *g)
{
	LAB_TRY(driver_insert(g));
	LAB_TRY(reach(g, FAR));
	LAB_TRY(driver_remove(g));
	LAB_OK(lab_must(g, 30000, "modprobe virtio_balloon"));
	LAB_OK(lab_wait_size(g, FAR, FAR, SETTLE_MS));
	LAB_OK(lab_must(g, 30000, "rmmod virtio_balloon"));
	LAB_TRY(driver_insert(g));
	LAB_TRY(reach(g, FAR));
	LAB_TRY(reach(g, 0));
	return driver_remove(g);
}

/* A process needs more than is free: it gets it from the balloon and is not killed. */
static const char *memory_hog(struct lab_guest *g)
{
	uint64_t relieved;

	LAB_TRY(driver_insert(g));
	LAB_TRY(reach(g, FAR));
	LAB_TRY(hog(g, 600));
	LAB_TRY(driver_stat(g, "relieved_pages", &relieved));
	LAB_CHECK(relieved, "the balloon gave nothing");
	LAB_TRY(drivers_gone(g));
	return NULL;
}

static const struct lab_test tests[] = {
	{"moves-by-reports", moves_by_reports, .config = &reporting, .timeout_s = 240},
	{"change-of-driver", change_of_driver, .config = &reporting, .timeout_s = 180},
	{"unload-with-a-full-balloon", unload_with_a_full_balloon, .config = &reporting,
	 .timeout_s = 240},
	{"memory-hog-reports", memory_hog, .config = &reporting, .timeout_s = 180},
	{"moves-by-numbers", moves_by_numbers, .config = &told, .timeout_s = 240},
	{"memory-hog-numbers", memory_hog, .config = &told, .timeout_s = 180},
};

static const struct lab_suite suite = {
	.name = "virtio",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = drivers_gone,
};

int main(int argc, char **argv)
{
	reporting.platform = told.platform = &lab_platform_virtio;
	return lab_suite_main(argc, argv, &suite);
}
