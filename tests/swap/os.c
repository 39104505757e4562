// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The kernel's part, played in a folder: /proc/swaps is a file of the form the kernel
 * has, /sys/block and /dev have what zram would have there.  A test says by files in
 * FOLDER/fake what is to go wrong:
 *
 *   used           KiB that lie in an area from the moment it is switched on
 *   swapon-errno, swapoff-errno, add-errno, remove-errno, reserve-errno
 *                  "ERRNO" for each call; "ERRNO N": for the Nth (from 1) of this program
 *   swapoff-ms     how long one takes; it can be killed meanwhile
 *   forged         the inode number of what belongs to somebody else
 *   next           the number the next zram device is expected to have
 *   tmpfs          directories are in memory
 *   elsewhere      /proc/swaps shows areas from the root of their file system, as it does
 *                  for what was switched on in a mount namespace that has ended
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

bool aero_os_owned(const char *root, const struct stat *st)
{
	unsigned int unused, forged = told(root, "forged", &unused);

	return st->st_uid == geteuid() && (unsigned int)st->st_ino != forged;
}

int aero_os_swapon(const char *root, const char *area, int fd, int priority)
{
	static unsigned int calls;
	int err = wanted(root, "swapon-errno", ++calls);
	unsigned int unused;
	struct stat st;
	FILE *swaps;

	if (err)
		return err;
	if (fstat(fd, &st))
		return -errno;
	swaps = fopen(at(root, "/proc/swaps"), "ae");
	if (!swaps)
		return -errno;
	fprintf(swaps, "%s                              %s\t%lld\t\t%u\t\t%d\n",
		access(at(root, "/fake/elsewhere"), F_OK) ? area : strrchr(area, '/'),
		strstr(area, "/dev/") ? "partition" : "file", (long long)st.st_size / 1024 - 4,
		told(root, "used", &unused), priority);
	fclose(swaps);
	return 0;
}

/* Whatever the path before it: no two areas of a test have the same name. */
static bool line_has(const char *line, const char *area)
{
	const char *end = strchr(line, ' '), *name = strrchr(area, '/');
	size_t length = strlen(name);

	return end && (size_t)(end - line) >= length && !strncmp(end - length, name, length);
}

int aero_os_in_use(const char *root, const char *area)
{
	char line[4096];
	bool found = false;
	FILE *swaps;

	if (access(at(root, area), F_OK))
		return -errno;
	swaps = fopen(at(root, "/proc/swaps"), "re");
	if (!swaps)
		return -errno;
	while (fgets(line, sizeof(line), swaps))
		found = found || line_has(line, area);
	fclose(swaps);
	return found;
}

static int drop_line(const char *root, const char *area)
{
	FILE *from, *to;
	char line[4096];
	bool found = false;

	snprintf(fresh, sizeof(fresh), "%s/proc/swaps.new", root);
	from = fopen(at(root, "/proc/swaps"), "re");
	to = fopen(fresh, "we");
	if (!from || !to)
		return -EIO;
	while (fgets(line, sizeof(line), from)) {
		if (line_has(line, area))
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

int aero_os_zram_next(const char *root)
{
	unsigned int unused, guess = told(root, "next", &unused);
	char name[64];

	for (int id = 0;; id++) {
		snprintf(name, sizeof(name), "/sys/block/zram%d", id);
		if (access(at(root, name), F_OK))
			return access(at(root, "/fake/next"), F_OK) ? id : (int)guess;
	}
}

bool aero_os_zram_is_new(const char *root, int number)
{
	char name[64];
	struct stat st;

	snprintf(name, sizeof(name), "/sys/block/zram%d", number);
	if (access(at(root, name), F_OK))
		return false;
	snprintf(name, sizeof(name), "/dev/zram%d", number);
	return stat(at(root, name), &st) || !st.st_size;
}

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
	/* A program that was killed may have left a device without its node. */
	if (unlink(at(root, name)) && errno != ENOENT)
		return -errno;
	snprintf(name, sizeof(name), "/sys/block/zram%d", number);
	return rmdir(at(root, name)) ? -errno : 0;
}

int aero_os_reserve(const char *root, int fd, uint64_t bytes)
{
	static unsigned int calls;
	int err = wanted(root, "reserve-errno", ++calls);

	if (err)
		return err;
	return fallocate(fd, 0, 0, (off_t)bytes) ? -errno : 0;
}

int aero_os_directory(const char *root, const char *directory)
{
	return access(at(root, directory), F_OK) || !access(at(root, "/fake/tmpfs"), F_OK) ? -EINVAL
											   : 0;
}
