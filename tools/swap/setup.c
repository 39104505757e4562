// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Makes swap areas and removes them.  The record is ahead of what is done, so that
 * what was begun can be removed also after the program was killed.
 */
#include "areas.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "os.h"

#define MIB (1ULL << 20)

static void path_of(char *path, size_t size, const char *root, const char *name)
{
	snprintf(path, size, "%s%s", root, name);
}

/* ---- what can be said before anything is made ---- */

static int check_zram(const char *root)
{
	char path[2 * AERO_PATH_MAX];

	path_of(path, sizeof(path), root, "/sys/class/zram-control");
	if (!access(path, F_OK))
		return 0;
	return aero_fail(
		"the kernel's zram is not there; load it (modprobe zram num_devices=0), or "
		"take files (--directory DIR)");
}

/* The name as /proc/swaps will show it: without links, and nothing it would mask. */
static int resolve(const char *root, const char *directory, char *resolved)
{
	char path[2 * AERO_PATH_MAX], full[PATH_MAX], base[PATH_MAX] = "";
	size_t skip;

	if (directory[0] != '/')
		return aero_fail("the directory's name should begin with '/'");
	path_of(path, sizeof(path), root, directory);
	if (!realpath(path, full) || (*root && !realpath(root, base)))
		return aero_fail("there is no directory %s: %s", path, strerror(errno));
	skip = strlen(base);
	if (strncmp(full, base, skip) || (full[skip] && full[skip] != '/'))
		return aero_fail("%s is not below %s", path, base);
	if (strlen(full + skip) >= AERO_PATH_MAX)
		return aero_fail("the directory's name is too long");
	for (const char *c = full + skip; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == '\\' || *c == 0x7f)
			return aero_fail("the directory's name has blanks or the like, with which "
					 "/proc/swaps can't be read; choose another");
	strcpy(resolved, full[skip] ? full + skip : "/");
	return 0;
}

/*
 * Who can write a directory on the way can put something else in the place of an area.  In a
 * directory with the sticky bit nobody can replace what is root's.
 */
static int check_way(const char *root, const char *resolved)
{
	char name[AERO_PATH_MAX], path[2 * AERO_PATH_MAX];
	size_t length = 0, next;
	struct stat st;

	for (;;) {
		snprintf(name, sizeof(name), "%.*s", (int)length, resolved);
		path_of(path, sizeof(path), root, length ? name : "/");
		if (lstat(path, &st))
			return aero_fail("can't look at %s: %s", path, strerror(errno));
		if (!S_ISDIR(st.st_mode))
			return aero_fail("%s is not a directory", path);
		if (!aero_os_owned(root, &st) ||
		    ((st.st_mode & (S_IWGRP | S_IWOTH)) && !(st.st_mode & S_ISVTX)))
			return aero_fail("others than root can write %s; choose a directory that "
					 "only root can write, all the way from /",
					 path);
		next = length + strspn(resolved + length, "/");
		if (!resolved[next])
			return 0;
		length = next + strcspn(resolved + next, "/");
	}
}

static int check_directory(const char *root, const struct aero_plan *plan, char *resolved)
{
	uint64_t wanted_mib = (uint64_t)plan->areas * plan->size_mib, there_mib;
	char path[2 * AERO_PATH_MAX];
	struct statvfs fs;
	int err;

	if (resolve(root, plan->directory, resolved))
		return -1;
	path_of(path, sizeof(path), root, resolved);
	if (check_way(root, resolved))
		return -1;
	err = aero_os_directory(root, resolved);
	if (err == -EINVAL)
		return aero_fail("%s is in memory itself; choose a directory on a disk, or --zram",
				 path);
	if (err || statvfs(path, &fs))
		return aero_fail("can't look at %s: %s", path, strerror(err ? -err : errno));
	there_mib = (uint64_t)fs.f_bavail * fs.f_frsize / MIB;
	if (there_mib < wanted_mib)
		return aero_fail("%s has room for %llu MiB, and %llu are wanted", path,
				 (unsigned long long)there_mib, (unsigned long long)wanted_mib);
	return 0;
}

static int check(const char *root, const struct aero_plan *plan, char *directory)
{
	struct aero_areas there;
	int ret = aero_areas_load(root, &there);

	if (ret < 0)
		return -1;
	if (ret > 0)
		return aero_fail("%zu areas are set up already; remove them first (aerostat swap "
				 "undo)",
				 there.count);
	return plan->directory ? check_directory(root, plan, directory) : check_zram(root);
}

/* ---- one area ---- */

static int open_area(const char *root, const char *name, int flags)
{
	char path[2 * AERO_PATH_MAX];
	int fd;

	path_of(path, sizeof(path), root, name);
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 && errno == EEXIST)
		return aero_fail("%s is there already; remove it, or choose another directory",
				 path);
	return fd < 0 ? aero_fail("can't open %s: %s", path, strerror(errno)) : fd;
}

/* Swap wants a file without holes; where the file system can't reserve room, zeroes do. */
static int fill(const char *root, int fd, uint64_t bytes)
{
	static const char zeroes[1 << 16];
	int err = aero_os_reserve(root, fd, bytes);

	if (err != -EOPNOTSUPP)
		return err;
	errno = 0;
	for (uint64_t done = 0; done < bytes; done += sizeof(zeroes))
		if (pwrite(fd, zeroes, sizeof(zeroes), (off_t)done) != (ssize_t)sizeof(zeroes))
			return errno ? -errno : -ENOSPC;
	return 0;
}

static int record(const char *root, struct aero_areas *areas, struct aero_area *area)
{
	areas->count++;
	if (getrandom(area->uuid, sizeof(area->uuid), 0) != (ssize_t)sizeof(area->uuid))
		return aero_fail("the kernel gives no random numbers: %s", strerror(errno));
	return aero_areas_save(root, areas);
}

static int make_zram(const char *root, struct aero_areas *areas, struct aero_area *area)
{
	int err;

	area->zram = aero_os_zram_add(root);
	if (area->zram < 0)
		return aero_fail("can't make a zram device: %s", strerror(-area->zram));
	snprintf(area->path, sizeof(area->path), "/dev/zram%d", area->zram);
	if (record(root, areas, area))
		return -1;
	err = aero_os_zram_resize(root, area->zram, areas->size_mib);
	if (err)
		return aero_fail("can't give %s %u MiB: %s", area->path, areas->size_mib,
				 strerror(-err));
	return open_area(root, area->path, O_RDWR);
}

static int make_file(const char *root, struct aero_areas *areas, struct aero_area *area,
		     const char *directory)
{
	int n, fd, err;

	area->zram = -1;
	n = snprintf(area->path, sizeof(area->path), "%s/aerostat-swap-%zu",
		     strcmp(directory, "/") ? directory : "", areas->count);
	if (n < 0 || (size_t)n >= sizeof(area->path))
		return aero_fail("the directory's name is too long");
	fd = open_area(root, area->path, O_RDWR | O_CREAT | O_EXCL);
	if (fd < 0)
		return -1;
	if (!record(root, areas, area)) {
		err = fill(root, fd, areas->size_mib * MIB);
		if (!err)
			return fd;
		aero_fail("can't write %s: %s", area->path, strerror(-err));
	}
	close(fd);
	return -1;
}

static int switch_on(const char *root, const struct aero_areas *areas, const struct aero_area *area)
{
	int fd = aero_header_open(root, area), err;

	if (fd < 0)
		return aero_fail("%s is not what was made a moment ago", area->path);
	err = aero_os_swapon(root, area->path, fd, areas->priority);
	close(fd);
	if (err == -EINVAL && area->zram < 0)
		return aero_fail("%s: this file system can't hold swap (on btrfs, after chattr +C "
				 "on the directory, it can)",
				 area->path);
	if (err == -EPERM)
		return aero_fail("%s: the kernel takes no more swap areas", area->path);
	return err ? aero_fail("can't switch %s on: %s", area->path, strerror(-err)) : 0;
}

static int make_one(const char *root, struct aero_areas *areas, const char *directory)
{
	struct aero_area *area = &areas->area[areas->count];
	int fd, err;

	fd = directory ? make_file(root, areas, area, directory) : make_zram(root, areas, area);
	if (fd < 0)
		return -1;
	err = aero_header_write(fd, areas->size_mib * MIB, area->uuid);
	close(fd);
	if (err)
		return aero_fail("can't write to %s: %s", area->path, strerror(-err));
	return switch_on(root, areas, area);
}

/* ---- removing ---- */

static int dispose(const char *root, const struct aero_area *area)
{
	char path[2 * AERO_PATH_MAX];
	int err = 0;

	if (area->zram >= 0) {
		err = aero_os_zram_remove(root, area->zram);
	} else {
		path_of(path, sizeof(path), root, area->path);
		if (unlink(path))
			err = -errno;
	}
	return err ? aero_fail("can't remove %s: %s", area->path, strerror(-err)) : 0;
}

static int switch_off(const char *root, const struct aero_area *area)
{
	int err = area->on ? aero_os_swapoff(root, area->path) : 0;

	if (err == -ENOMEM)
		return aero_fail("what lies in %s does not fit into memory", area->path);
	if (err == -EINTR)
		return aero_fail("interrupted; %s is in use as before", area->path);
	if (err)
		return aero_fail("can't switch %s off: %s", area->path, strerror(-err));
	/* A file that is removed while it is swap can't be switched off any more. */
	if (area->zram < 0 && aero_os_in_use(root, area->path) > 0)
		return aero_fail("%s is still in use", area->path);
	return 0;
}

static int check_fits(const char *root, const struct aero_areas *areas)
{
	uint64_t available_kib, headroom_kib;

	if (aero_memory(root, &available_kib, &headroom_kib))
		return -1;
	if (!areas->used_kib || areas->used_kib + headroom_kib <= available_kib)
		return 0;
	return aero_fail("%llu MiB lie in the areas and %llu MiB of memory are available, of which "
			 "%llu should stay; end what needs memory, or add swap of another kind, "
			 "then try again",
			 (unsigned long long)areas->used_kib / 1024,
			 (unsigned long long)available_kib / 1024,
			 (unsigned long long)headroom_kib / 1024);
}

static int remove_last(const char *root, struct aero_areas *areas)
{
	const struct aero_area *area = &areas->area[areas->count - 1];

	if (switch_off(root, area) || dispose(root, area))
		return -1;
	areas->count--;
	return aero_areas_save(root, areas);
}

/* 1: it is somebody else's now, or nobody's; and it is forgotten. */
static int forget_last(const char *root, struct aero_areas *areas, char *left)
{
	const struct aero_area *area = &areas->area[areas->count - 1];
	char path[2 * AERO_PATH_MAX];

	if (aero_header_is(root, area))
		return 0;
	path_of(path, sizeof(path), root, area->path);
	if (!access(path, F_OK) || errno != ENOENT)
		snprintf(left, AERO_PATH_MAX, "%s", area->path);
	areas->count--;
	return aero_areas_save(root, areas) ? -1 : 1;
}

int aero_areas_remove(const char *root, struct aero_areas *areas, char *left)
{
	int ret;

	*left = 0;
	if (aero_areas_look(root, areas) || check_fits(root, areas))
		return -1;
	while (areas->count) {
		ret = forget_last(root, areas, left);
		if (ret < 0 || (!ret && remove_last(root, areas)))
			return -1;
	}
	return 0;
}

/* ---- all of them ---- */

/* They are new, so whatever is wrong with one of them, it is ours. */
static int take_back(const char *root, struct aero_areas *areas)
{
	char why[AERO_PATH_MAX], and[AERO_PATH_MAX];

	snprintf(why, sizeof(why), "%s", aero_error());
	if (!aero_areas_look(root, areas)) {
		while (areas->count && !remove_last(root, areas))
			;
	}
	if (!areas->count)
		return aero_fail("%s; nothing was set up", why);
	snprintf(and, sizeof(and), "%s", aero_error());
	return aero_fail("%s; and not all could be taken back: %s (aerostat swap undo tries again)",
			 why, and);
}

int aero_areas_make(const char *root, const struct aero_plan *plan, struct aero_areas *areas)
{
	char directory[AERO_PATH_MAX] = "";

	if (check(root, plan, directory))
		return -1;
	memset(areas, 0, sizeof(*areas));
	areas->priority = plan->priority;
	areas->size_mib = plan->size_mib;
	for (uint32_t i = 0; i < plan->areas; i++)
		if (make_one(root, areas, plan->directory ? directory : NULL))
			return take_back(root, areas);
	return aero_areas_look(root, areas);
}
