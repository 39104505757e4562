/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The guest's memory as an image on a disk: hibernation.  docs/design/life.md. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/disks.h"
#include "virtio.h"

#define PAGES	   60013u
#define MOST	   80011u /* with so much in the balloon too little is left to make an image */
#define PEER_PAGES 30011u /* the kernel's driver gives memory back too late for more */
#define BOOT_PAGES 20000u /* of the balloon that the kernel has which loads the image */
#define DATA_MIB   64u
#define RESTART_MS 90000

/* Swap for an image, and swap that is too small. */
static struct disks disks;
static struct lab_config reporting = {.memory_mib = 512, .type = REPORTING, .extra = disks.args};
static struct lab_config told = {.memory_mib = 512, .type = TOLD, .extra = disks.args};

static const char *disks_up(struct lab_guest *g)
{
	LAB_OK(lab_must(g, 20000, "modprobe virtio_blk && ls /dev/vda /dev/vdb"));
	return NULL;
}

/* The guest writes its memory to the disk and restarts.  *id is the request that does not end. */
static const char *write_image(struct lab_guest *g, int *id)
{
	LAB_OK(lab_must(g, 20000, "mkswap /dev/vda && swapon /dev/vda"));
	LAB_OK(lab_expect_restart(g));
	*id = lab_begin(g, 240000,
			"sh echo reboot >/sys/power/disk && echo disk >/sys/power/state");
	LAB_CHECK(*id > 0, "%s", lab_error());
	LAB_OK(lab_wait_restart(g, RESTART_MS));
	LAB_CHECK(lab_end(g, *id, 0, NULL) == -ETIMEDOUT, "the guest did not sleep");
	return NULL;
}

/* The kernel that has booted loads the image, and is gone with that. */
static const char *load_image(struct lab_guest *g, int id)
{
	int load = lab_begin(g, 120000, "sh cat /sys/block/vda/dev >/sys/power/resume; false");

	LAB_CHECK(load > 0, "%s", lab_error());
	LAB_CHECK(lab_end(g, id, RESTART_MS, NULL) == 0, "the image was not resumed: %s",
		  lab_error());
	return NULL;
}

/*
 * The kernel that loads the image has a balloon of its own by then; after that, the balloon of the
 * first kernel is there again, and the target is another one than it knew.
 */
static const char *hibernate(struct lab_guest *g, const char *module, uint64_t pages)
{
	int id = 0;

	LAB_OK(lab_data_fill(g, DATA_MIB, 95));
	LAB_TRY(disks_up(g));
	LAB_TRY(insert(g, module));
	LAB_TRY(reach(g, pages));
	LAB_TRY(write_image(g, &id));
	LAB_OK(lab_target(g, BOOT_PAGES));
	LAB_TRY(insert(g, module));
	LAB_OK(lab_wait_size(g, BOOT_PAGES, BOOT_PAGES, SETTLE_MS));
	LAB_TRY(disks_up(g));
	LAB_OK(lab_target(g, pages - 7));
	LAB_TRY(load_image(g, id));
	LAB_OK(lab_wait_size(g, pages - 7, pages - 7, SETTLE_MS));
	LAB_OK(lab_data_check(g));
	LAB_OK(lab_must(g, 60000, "swapoff /dev/vda"));
	LAB_TRY(reach(g, 0));
	LAB_OK(lab_data_check(g));
	return NULL;
}

static const char *hibernates_to_a_disk(struct lab_guest *g)
{
	uint64_t broken;

	LAB_TRY(hibernate(g, "aerostat_virtio", MOST));
	LAB_TRY(driver_stat(g, "broken_devices", &broken));
	LAB_CHECK(!broken, "the device was taken for broken %" PRIu64 " times", broken);
	LAB_TRY(nothing_lost(g));
	return driver_remove(g);
}

/* The same of the kernel's driver, so that the test asks for nothing that only ours does. */
static const char *hibernates_peer(struct lab_guest *g)
{
	return hibernate(g, "virtio_balloon", PEER_PAGES);
}

/* There is too little swap for the image: the guest goes on, and so does the balloon. */
static const char *hibernation_that_fails(struct lab_guest *g)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, 96));
	LAB_TRY(disks_up(g));
	LAB_OK(lab_must(g, 20000, "mkswap /dev/vdb && swapon /dev/vdb"));
	LAB_TRY(driver_insert(g));
	LAB_TRY(reach(g, PAGES));
	LAB_OK(lab_must(g, 60000,
			"echo reboot >/sys/power/disk; ! echo disk >/sys/power/state 2>/tmp/why;"
			" grep -q 'No space' /tmp/why || { cat /tmp/why; exit 1; }"));
	LAB_OK(lab_wait_size(g, PAGES, PAGES, SETTLE_MS));
	LAB_OK(lab_must(g, 20000, "swapoff /dev/vdb"));
	LAB_TRY(reach(g, 0));
	LAB_OK(lab_data_check(g));
	LAB_TRY(nothing_lost(g));
	return driver_remove(g);
}

static const struct lab_test tests[] = {
	{"hibernates-to-a-disk", hibernates_to_a_disk, .config = &reporting, .timeout_s = 400,
	 .fresh = true, .spoils = true},
	{"hibernation-that-fails", hibernation_that_fails, .config = &reporting, .timeout_s = 200},
	{"hibernates-to-a-disk-numbers", hibernates_to_a_disk, .config = &told, .timeout_s = 400,
	 .fresh = true, .spoils = true},
	{"hibernates-to-a-disk-virtio_balloon", hibernates_peer, .config = &told, .timeout_s = 400,
	 .fresh = true, .spoils = true},
};

static const struct lab_suite suite = {
	.name = "virtio-images",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = drivers_gone,
};

int main(int argc, char **argv)
{
	const char *build = lab_build_folder();
	static char image[4096], small[4096];
	int status;

	if (!build) {
		printf("Bail out! %s\n", lab_error());
		return 1;
	}
	snprintf(image, sizeof(image), "%s/virtio-images.swap", build);
	snprintf(small, sizeof(small), "%s/virtio-images.small", build);
	if (!disk_file(image, 1 << 30) || !disk_file(small, 1 << 20)) {
		printf("Bail out! %s: %s\n", image, strerror(errno));
		return 1;
	}
	disks_add(&disks, image, false);
	disks_add(&disks, small, false);
	reporting.platform = told.platform = &lab_platform_virtio;
	status = lab_suite_main(argc, argv, &suite);
	unlink(image);
	unlink(small);
	return status;
}
