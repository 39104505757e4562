// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "os.h"

/* At the end of the name of a file that is being written. */
#define FRESH ".new"

static void path_of(char *path, size_t size, const char *root, const char *name)
{
	snprintf(path, size, "%s%s", root, name);
}

/* The folder in which the file @name lies. */
static void folder_of(char folder[AERO_PATH_MAX], const char *name)
{
	snprintf(folder, AERO_PATH_MAX, "%.*s", (int)(strrchr(name, '/') - name), name);
}

/* ---- reading ---- */

/* As root one believes only what root alone may write.  -ENOENT: there is none. */
static int open_journal(const char *root, const char *path)
{
	/* Without waiting, should it be a FIFO. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW), err;
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0 || fstat(fd, &st)) {
		err = -EIO;
		aero_fail("can't read %s: %s", path, strerror(errno));
	} else if (!aero_os_owned(root, &st) || (st.st_mode & (S_IWGRP | S_IWOTH))) {
		err = -EPERM;
		aero_fail("%s can be written by others than root and is not believed", path);
	} else if (!S_ISREG(st.st_mode)) {
		err = -EPROTO;
		aero_fail("%s is no file", path);
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return err;
}

int aero_journal_load(const char *root, const char *name, json_t **json)
{
	char path[2 * AERO_PATH_MAX];
	json_error_t error;
	int fd;

	*json = NULL;
	path_of(path, sizeof(path), root, name);
	fd = open_journal(root, path);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	*json = json_loadfd(fd, JSON_REJECT_DUPLICATES, &error);
	close(fd);
	if (*json)
		return 1;
	aero_fail("%s is not as it was written", path);
	return -EPROTO;
}

/* ---- writing: on the disk before the function returns ---- */

int aero_sync_folder(const char *root, const char *name)
{
	char path[2 * AERO_PATH_MAX];
	int fd, err = 0;

	path_of(path, sizeof(path), root, *name ? name : "/");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* Some file systems have nothing to write for a folder, and say so. */
	if (fsync(fd) && errno != EINVAL)
		err = -errno;
	close(fd);
	return err;
}

static int write_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			length -= (size_t)n;
		}
	}
	return 0;
}

static int write_text(const char *path, const char *text)
{
	/* What an interrupted program left is nobody's, and may be anything. */
	int fd, err;

	if (unlink(path) && errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	err = write_all(fd, text, strlen(text));
	if (!err && fsync(fd))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	return err;
}

/* The folder of the file, and those above it, which no package may have made.  -errno. */
static int make_folder(const char *root, const char *name)
{
	char path[2 * AERO_PATH_MAX], above[AERO_PATH_MAX] = "";

	for (size_t end = 0; name[end];) {
		end += 1 + strcspn(name + end + 1, "/");
		snprintf(path, sizeof(path), "%s%.*s", root, (int)end, name);
		if (!mkdir(path, 0755)) {
			int err = aero_sync_folder(root, above);

			if (err)
				return err;
		} else if (errno != EEXIST) {
			return -errno;
		}
		snprintf(above, sizeof(above), "%.*s", (int)end, name);
	}
	return 0;
}

int aero_journal_save(const char *root, const char *name, json_t *json)
{
	char path[2 * AERO_PATH_MAX], fresh[sizeof(path) + sizeof(FRESH)], folder[AERO_PATH_MAX];
	char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
	int err;

	json_decref(json);
	if (!text)
		return aero_fail("no memory");
	path_of(path, sizeof(path), root, name);
	snprintf(fresh, sizeof(fresh), "%s" FRESH, path);
	folder_of(folder, name);
	err = make_folder(root, folder);
	if (!err)
		err = write_text(fresh, text);
	if (!err && rename(fresh, path))
		err = -errno;
	if (!err)
		err = aero_sync_folder(root, folder);
	free(text);
	return err ? aero_fail("can't write %s: %s", path, strerror(-err)) : 0;
}

int aero_journal_drop(const char *root, const char *name)
{
	char path[2 * AERO_PATH_MAX + sizeof(FRESH)], folder[AERO_PATH_MAX];
	int err;

	snprintf(path, sizeof(path), "%s%s" FRESH, root, name);
	if (unlink(path) && errno != ENOENT)
		return aero_fail("can't remove %s: %s", path, strerror(errno));
	path_of(path, sizeof(path), root, name);
	if (unlink(path))
		return errno == ENOENT ? 0
				       : aero_fail("can't remove %s: %s", path, strerror(errno));
	folder_of(folder, name);
	err = aero_sync_folder(root, folder);
	return err ? aero_fail("can't remove %s for good: %s", path, strerror(-err)) : 0;
}
