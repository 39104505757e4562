/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#define _GNU_SOURCE
#include "disks.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void disks_add(struct disks *disks, const char *file, bool read_only)
{
	unsigned int n = disks->count++;

	snprintf(disks->words[n], sizeof(disks->words[n]), "if=virtio,format=raw,file=%s%s", file,
		 read_only ? ",readonly=on" : "");
	disks->args[2 * n] = "-drive";
	disks->args[2 * n + 1] = disks->words[n];
}

bool disk_file(const char *name, off_t bytes)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool good = fd >= 0 && !ftruncate(fd, bytes);

	if (fd >= 0)
		close(fd);
	return good;
}
