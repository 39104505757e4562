// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Makes swap areas.  The record is ahead of each step (record.c), so that whenever the
 * program is killed or the machine stops, `undo` knows all that was begun (remove.c).
 */
#include "areas.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "journal.h"
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
	return plan->directory ? check_directory(root, plan, directory) : check_zram(root);
}

/* ---- one area ---- */

/* Whoever calls holds the signals back, so that what was begun can be taken back. */
static bool is_interrupted(void)
{
	sigset_t pending;

	return !sigpending(&pending) &&
	       (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
		sigismember(&pending, SIGHUP) == 1);
}

/* Swap wants a file without holes; where the file system can't reserve room, zeroes do. */
static int fill(const char *root, int fd, uint64_t bytes)
{
	static const char zeroes[1 << 16];
	int err = aero_os_reserve(root, fd, bytes);

	if (err != -EOPNOTSUPP)
		return err;
	errno = 0;
	for (uint64_t done = 0; done < bytes; done += sizeof(zeroes)) {
		if (is_interrupted())
			return -EINTR;
		if (pwrite(fd, zeroes, sizeof(zeroes), (off_t)done) != (ssize_t)sizeof(zeroes))
			return errno ? -errno : -ENOSPC;
	}
	return 0;
}

static int new_uuid(struct aero_area *area)
{
	if (getrandom(area->uuid, sizeof(area->uuid), 0) == (ssize_t)sizeof(area->uuid))
		return 0;
	return aero_fail("the kernel gives no random numbers: %s", strerror(errno));
}

static void name_device(struct aero_area *area, int number)
{
	area->zram = number;
	snprintf(area->path, sizeof(area->path), "/dev/zram%d", number);
}

static int add_zram(const char *root, struct aero_areas *areas, struct aero_area *area)
{
	int number = aero_os_zram_next(root);

	if (number < 0)
		return aero_fail("can't look for zram devices: %s", strerror(-number));
	name_device(area, number);
	if (new_uuid(area))
		return -1;
	areas->count++;
	if (aero_areas_save(root, areas))
		return -1;
	number = aero_os_zram_add(root);
	if (number < 0)
		return aero_fail("can't make a zram device: %s", strerror(-number));
	name_device(area, number);
	area->state = AERO_AREA_ADDED;
	return aero_areas_save(root, areas);
}

static int make_zram(const char *root, struct aero_areas *areas, struct aero_area *area)
{
	char path[2 * AERO_PATH_MAX];
	int err, fd;

	if (add_zram(root, areas, area))
		return -1;
	err = aero_os_zram_resize(root, area->zram, areas->size_mib);
	if (err)
		return aero_fail("can't give %s %u MiB: %s", area->path, areas->size_mib,
				 strerror(-err));
	path_of(path, sizeof(path), root, area->path);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return aero_fail("can't open %s: %s", path, strerror(errno));
	err = aero_header_write(fd, areas->size_mib * MIB, area->uuid);
	close(fd);
	return err ? aero_fail("can't write to %s: %s", area->path, strerror(-err)) : 0;
}

/* The file as it is to be, under the name of its draft.  Errors: -errno. */
static int write_draft(const char *root, const struct aero_areas *areas,
		       const struct aero_area *area, const char *draft)
{
	int fd = open(draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), err;

	if (fd < 0)
		return -errno;
	err = fill(root, fd, areas->size_mib * MIB);
	if (!err)
		err = aero_header_write(fd, areas->size_mib * MIB, area->uuid);
	if (close(fd) && !err)
		err = -errno;
	return err;
}

/* rename() would replace what is there; link() refuses on all file systems that have it. */
static int give_name(const char *draft, const char *path)
{
	if (!renameat2(AT_FDCWD, draft, AT_FDCWD, path, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	return link(draft, path) || unlink(draft) ? -errno : 0;
}

static int make_file(const char *root, const struct aero_areas *areas, const struct aero_area *area,
		     const char *directory)
{
	char path[2 * AERO_PATH_MAX], draft[AERO_DRAFT_MAX];
	int err;

	path_of(path, sizeof(path), root, area->path);
	aero_area_draft(root, area, draft);
	err = write_draft(root, areas, area, draft);
	if (err == -EINTR)
		return aero_fail("interrupted");
	if (err)
		return aero_fail("can't write %s: %s", area->path, strerror(-err));
	err = give_name(draft, path);
	if (err == -EEXIST)
		return aero_fail("%s is there already; remove it, or choose another directory",
				 path);
	if (!err)
		err = aero_sync_folder(root, directory);
	return err ? aero_fail("can't give %s its name: %s", area->path, strerror(-err)) : 0;
}

static int switch_on(const char *root, const struct aero_areas *areas, const struct aero_area *area)
{
	int fd = aero_header_open(root, area), err;

	if (fd < 0)
		return aero_fail("%s is not what was made; remove the areas (aerostat swap undo)",
				 area->path);
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

/* ---- all of them ---- */

static int name_file(struct aero_area *area, const char *directory, size_t i)
{
	int n = snprintf(area->path, sizeof(area->path), "%s/aerostat-swap-%zu",
			 strcmp(directory, "/") ? directory : "", i);

	area->zram = -1;
	return n < 0 || (size_t)n >= sizeof(area->path)
		       ? aero_fail("the directory's name is too long")
		       : 0;
}

/* Files have their names before they are made, so all are recorded at once. */
static int plan_files(const char *root, const struct aero_plan *plan, struct aero_areas *areas,
		      const char *directory)
{
	char path[2 * AERO_PATH_MAX];
	struct stat st;

	for (uint32_t i = 0; i < plan->areas; i++) {
		struct aero_area *area = &areas->area[i];

		if (name_file(area, directory, i) || new_uuid(area))
			return -1;
		path_of(path, sizeof(path), root, area->path);
		if (!lstat(path, &st))
			return aero_fail(
				"%s is there already; remove it, or choose another directory",
				path);
	}
	areas->count = plan->areas;
	return aero_areas_save(root, areas);
}

static int make_all(const char *root, const struct aero_plan *plan, struct aero_areas *areas,
		    const char *directory)
{
	if (plan->directory && plan_files(root, plan, areas, directory))
		return -1;
	for (uint32_t i = 0; i < plan->areas; i++) {
		struct aero_area *area = &areas->area[i];

		if (is_interrupted())
			return aero_fail("interrupted");
		if (plan->directory ? make_file(root, areas, area, directory)
				    : make_zram(root, areas, area))
			return -1;
		if (switch_on(root, areas, area))
			return -1;
	}
	for (size_t i = 0; i < areas->count; i++)
		areas->area[i].state = AERO_AREA_READY;
	return aero_areas_save(root, areas);
}

/* They are new, so whatever is wrong with one of them, it is ours. */
static int take_back(const char *root, struct aero_areas *areas)
{
	char why[AERO_PATH_MAX], and[AERO_PATH_MAX], left[AERO_PATH_MAX];

	snprintf(why, sizeof(why), "%s", aero_error());
	if (!aero_areas_take_back(root, areas, left) && !*left)
		return aero_fail("%s; nothing was set up", why);
	snprintf(and, sizeof(and), "%s", *left ? left : aero_error());
	return aero_fail("%s; and not all could be taken back: %s (aerostat swap undo tries again)",
			 why, and);
}

/* ---- what is there already ---- */

static bool is_as_planned(const struct aero_plan *plan, const char *directory,
			  const struct aero_areas *there)
{
	static struct aero_area file;

	if (there->count != plan->areas || there->size_mib != plan->size_mib ||
	    there->priority != plan->priority)
		return false;
	for (size_t i = 0; i < there->count; i++) {
		const struct aero_area *area = &there->area[i];

		if (!plan->directory ? area->zram < 0
				     : area->zram >= 0 || name_file(&file, directory, i) ||
					       strcmp(file.path, area->path))
			return false;
	}
	return true;
}

/* Setting up twice is setting up once; files of before a reboot are switched on again. */
static int reuse(const char *root, const struct aero_plan *plan, struct aero_areas *areas)
{
	char directory[AERO_PATH_MAX] = "";

	if ((plan->directory && resolve(root, plan->directory, directory)) ||
	    !is_as_planned(plan, directory, areas))
		return aero_fail("%zu other areas are set up already; remove them first (aerostat "
				 "swap undo)",
				 areas->count);
	if (plan->directory && check_way(root, directory))
		return -1;
	if (aero_areas_look(root, areas))
		return -1;
	for (size_t i = 0; i < areas->count; i++)
		if (!areas->area[i].on && switch_on(root, areas, &areas->area[i]))
			return -1;
	return aero_areas_look(root, areas);
}

int aero_areas_make(const char *root, const struct aero_plan *plan, struct aero_areas *areas)
{
	char directory[AERO_PATH_MAX] = "", left[AERO_PATH_MAX];
	int ret = aero_areas_load(root, areas);

	if (ret < 0)
		return -1;
	if (ret > 0 && !aero_areas_begun(areas))
		return reuse(root, plan, areas);
	if (ret > 0 && aero_areas_remove(root, areas, left))
		return -1;
	if (check(root, plan, directory))
		return -1;
	memset(areas, 0, sizeof(*areas));
	areas->priority = plan->priority;
	areas->size_mib = plan->size_mib;
	areas->lasting = plan->directory != NULL;
	areas->configured = plan->configured;
	if (make_all(root, plan, areas, directory))
		return take_back(root, areas);
	return aero_areas_look(root, areas);
}
