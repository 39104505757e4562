// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "files.h"

bool aero_os_owned(const char *root, const struct stat *st)
{
	return st->st_uid == (*root ? geteuid() : 0);
}

int aero_os_swapon(const char *root, const char *path, int fd, int priority)
{
	int flags = SWAP_FLAG_PREFER | ((priority << SWAP_FLAG_PRIO_SHIFT) & SWAP_FLAG_PRIO_MASK);
	char link[64];

	(void)path;
	if (*root)
		return -ENOTSUP;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return swapon(link, flags) ? -errno : 0;
}

int aero_os_swapoff(const char *root, const char *path)
{
	if (*root)
		return -ENOTSUP;
	return swapoff(path) ? -errno : 0;
}

/*
 * The kernel claims a block device for itself alone while it is swap, so that it can't be
 * opened with O_EXCL.
 */
static int device_in_use(const char *path)
{
	int fd = open(path, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno == EBUSY ? 1 : -errno;
	close(fd);
	return 0;
}

/*
 * The kernel refuses fallocate() for a file that is swap, before it asks the file system.
 * The first byte of an area is there, so otherwise nothing happens.
 */
static int file_in_use(const char *path)
{
	int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW), used = 0;

	if (fd < 0)
		return errno == ETXTBSY ? 1 : -errno;
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 1) && errno == ETXTBSY)
		used = 1;
	close(fd);
	return used;
}

int aero_os_in_use(const char *root, const char *path)
{
	struct stat st;

	if (*root)
		return -ENOTSUP;
	if (lstat(path, &st))
		return -errno;
	if (S_ISBLK(st.st_mode))
		return device_in_use(path);
	return S_ISREG(st.st_mode) ? file_in_use(path) : 0;
}

/* ---- zram ---- */

/* Numbers the kernel gives are small; anything else is no number of a device. */
#define ZRAM_MAX 65536

int aero_os_zram_next(const char *root)
{
	char path[2 * AERO_PATH_MAX];

	for (int number = 0; number < ZRAM_MAX; number++) {
		snprintf(path, sizeof(path), "%s/sys/block/zram%d", root, number);
		if (access(path, F_OK))
			return errno == ENOENT ? number : -errno;
	}
	return -ENOSPC;
}

bool aero_os_zram_is_new(const char *root, int number)
{
	uint64_t bytes;
	char name[64];

	snprintf(name, sizeof(name), "/sys/block/zram%d/disksize", number);
	return !aero_read_number(root, name, &bytes) && !bytes;
}

int aero_os_zram_add(const char *root)
{
	uint64_t id = 0;
	/* Reading makes a device: the kernel's zram interface, hot_add. */
	int err = aero_read_number(root, "/sys/class/zram-control/hot_add", &id);

	if (err)
		return err;
	return id < ZRAM_MAX ? (int)id : -ERANGE;
}

int aero_os_zram_resize(const char *root, int number, uint32_t size_mib)
{
	char name[64], text[32];

	snprintf(name, sizeof(name), "/sys/block/zram%d/disksize", number);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)size_mib << 20);
	return aero_write(root, name, text);
}

/* udev opens each device for a moment when it changes. */
#define BUSY_RETRIES 40
#define BUSY_NAP_MS  50

static int write_patiently(const char *root, const char *name, const char *text)
{
	const struct timespec nap = {.tv_nsec = BUSY_NAP_MS * 1000000L};
	int err = aero_write(root, name, text);

	for (int i = 0; err == -EBUSY && i < BUSY_RETRIES; i++) {
		nanosleep(&nap, NULL);
		err = aero_write(root, name, text);
	}
	return err;
}

int aero_os_zram_remove(const char *root, int number)
{
	char name[64], text[16];
	int err;

	snprintf(name, sizeof(name), "/sys/block/zram%d/reset", number);
	snprintf(text, sizeof(text), "%d", number);
	err = write_patiently(root, name, "1");
	return err ? err : write_patiently(root, "/sys/class/zram-control/hot_remove", text);
}

/* ---- files ---- */

int aero_os_reserve(const char *root, int fd, uint64_t bytes)
{
	(void)root;
	if (!fallocate(fd, 0, 0, (off_t)bytes))
		return 0;
	return errno == ENOSYS ? -EOPNOTSUPP : -errno;
}

int aero_os_directory(const char *root, const char *path)
{
	struct statfs fs;

	if (*root)
		return -ENOTSUP;
	if (statfs(path, &fs))
		return -errno;
	return fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC ? -EINVAL : 0;
}
