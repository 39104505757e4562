// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The kernel's part, played in a folder: /proc/swaps is a file of the form the kernel
 * has, /sys/block and /dev have what zram would have there.  A test says by files in
 * FOLDER/fake what is to go wrong:
 *
 *   used           KiB that lie in an area from the moment it is switched on
 *   swapon-errno, swapoff-errno, add-errno, remove-errno
 *                  "ERRNO" for each call; "ERRNO N": for the Nth (from 1) of this program
 *   swapoff-ms     how long one takes; it can be killed meanwhile
 *   tmpfs          directories are in memory
 */
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "files.h"

static char path[2 * AERO_PATH_MAX], fresh[2 * AERO_PATH_MAX];

static const char *at(const char *root, const char *name)
{
	snprintf(path, sizeof(path), "%s%s", root, name);
	return path;
}

static unsigned int told(const char *root, const char *what, unsigned int *which)
{
	char name[64], text[64];
	unsigned int value = 0;

	snprintf(name, sizeof(name), "/fake/%s", what);
	*which = 0;
	if (!aero_read(root, name, text, sizeof(text)))
		sscanf(text, "%u %u", &value, which);
	return value;
}

/* The error a test wants of the @call-th call, or 0. */
static int wanted(const char *root, const char *what, unsigned int call)
{
	unsigned int which, value = told(root, what, &which);

	return !which || which == call ? -(int)value : 0;
}

/* ---- swap ---- */

int aero_os_swapon(const char *root, const char *area, int priority)
{
	static unsigned int calls;
	int err = wanted(root, "swapon-errno", ++calls);
	unsigned int unused;
	struct stat st;
	FILE *swaps;

	if (err)
		return err;
	if (stat(at(root, area), &st))
		return -errno;
	swaps = fopen(at(root, "/proc/swaps"), "ae");
	if (!swaps)
		return -errno;
	fprintf(swaps, "%s                              %s\t%lld\t\t%u\t\t%d\n", area,
		strstr(area, "/dev/") ? "partition" : "file", (long long)st.st_size / 1024 - 4,
		told(root, "used", &unused), priority);
	fclose(swaps);
	return 0;
}

static int drop_line(const char *root, const char *area)
{
	size_t length = strlen(area);
	FILE *from, *to;
	char line[4096];
	bool found = false;

	snprintf(fresh, sizeof(fresh), "%s/proc/swaps.new", root);
	from = fopen(at(root, "/proc/swaps"), "re");
	to = fopen(fresh, "we");
	if (!from || !to)
		return -EIO;
	while (fgets(line, sizeof(line), from)) {
		if (!strncmp(line, area, length) && line[length] == ' ')
			found = true;
		else
			fputs(line, to);
	}
	fclose(from);
	fclose(to);
	if (rename(fresh, path))
		return -errno;
	return found ? 0 : -EINVAL;
}

int aero_os_swapoff(const char *root, const char *area)
{
	static unsigned int calls;
	int err = wanted(root, "swapoff-errno", ++calls);
	unsigned int unused, ms = told(root, "swapoff-ms", &unused);
	const struct timespec nap = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	if (err)
		return err;
	if (nanosleep(&nap, NULL))
		return -EINTR;
	return drop_line(root, area);
}

/* ---- zram ---- */

int aero_os_zram_add(const char *root)
{
	static unsigned int calls;
	int err = wanted(root, "add-errno", ++calls), id = 0;
	char name[64];
	int fd;

	if (err)
		return err;
	for (;; id++) {
		snprintf(name, sizeof(name), "/sys/block/zram%d", id);
		if (!mkdir(at(root, name), 0755))
			break;
		if (errno != EEXIST)
			return -errno;
	}
	snprintf(name, sizeof(name), "/dev/zram%d", id);
	fd = open(at(root, name), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	return id;
}

int aero_os_zram_resize(const char *root, int number, uint32_t size_mib)
{
	char name[64];

	snprintf(name, sizeof(name), "/dev/zram%d", number);
	return truncate(at(root, name), (off_t)size_mib << 20) ? -errno : 0;
}

int aero_os_zram_remove(const char *root, int number)
{
	static unsigned int calls;
	int err = wanted(root, "remove-errno", ++calls);
	char name[64];

	if (err)
		return err;
	snprintf(name, sizeof(name), "/dev/zram%d", number);
	if (unlink(at(root, name)))
		return -errno;
	snprintf(name, sizeof(name), "/sys/block/zram%d", number);
	return rmdir(at(root, name)) ? -errno : 0;
}

int aero_os_directory(const char *root, const char *directory)
{
	return access(at(root, directory), F_OK) || !access(at(root, "/fake/tmpfs"), F_OK) ? -EINVAL
											   : 0;
}
