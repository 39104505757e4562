/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Disks for a guest: files in the build folder that are arguments for QEMU. */
#ifndef AEROSTAT_TESTS_GUEST_COMMON_DISKS_H
#define AEROSTAT_TESTS_GUEST_COMMON_DISKS_H

#include <stdbool.h>
#include <sys/types.h>

#define DISKS_MAX 4

struct disks {
	unsigned int count;
	char words[DISKS_MAX][4200];
	const char *args[2 * DISKS_MAX + 1]; /* for lab_config.extra */
};

/* The guest's next virtio disk, from /dev/vda on. */
void disks_add(struct disks *disks, const char *file, bool read_only);

/* An empty file of this size, which takes no space until it is written. */
bool disk_file(const char *name, off_t bytes);

#endif
