// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The record of swap areas.  It is a journal: what is about to be done stands in it, and on
 * the disk, before it is done.
 */
#include "areas.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os.h"

#define RECORD_VERSION	   2
#define RECORD_VERSION_OLD 1 /* of 0.1: without the areas' states */

/* At the end of the name of a record that is being written. */
#define FRESH		   ".new"

static const char *const states[] = {
	[AERO_AREA_PLANNED] = "planned",
	[AERO_AREA_ADDED] = "added",
	[AERO_AREA_READY] = "ready",
};

static void path_of(char *path, size_t size, const char *root, const char *name)
{
	snprintf(path, size, "%s%s", root, name);
}

/* ---- to and from text ---- */

static void uuid_text(const uint8_t *uuid, char *text)
{
	for (size_t i = 0; i < AERO_UUID_BYTES; i++)
		sprintf(text + 2 * i, "%02x", uuid[i]);
}

static bool uuid_parse(const char *text, uint8_t *uuid)
{
	if (strlen(text) != 2 * AERO_UUID_BYTES ||
	    strspn(text, "0123456789abcdef") != 2 * AERO_UUID_BYTES)
		return false;
	for (size_t i = 0; i < AERO_UUID_BYTES; i++) {
		const char pair[] = {text[2 * i], text[2 * i + 1], 0};

		uuid[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return true;
}

static json_t *area_json(const struct aero_area *area)
{
	char uuid[2 * AERO_UUID_BYTES + 1];

	uuid_text(area->uuid, uuid);
	return json_pack("{s:s, s:i, s:s, s:s}", "path", area->path, "zram", area->zram, "uuid",
			 uuid, "state", states[area->state]);
}

static json_t *areas_json(const struct aero_areas *areas)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < areas->count; i++) {
		if (json_array_append_new(list, area_json(&areas->area[i]))) {
			json_decref(list);
			return NULL;
		}
	}
	return json_pack("{s:i, s:i, s:I, s:o}", "version", RECORD_VERSION, "priority",
			 areas->priority, "size_mib", (json_int_t)areas->size_mib, "areas", list);
}

/* Before 0.2 only what was ready or about to be was recorded, without a word on that. */
static bool state_parse(json_t *json, int version, enum aero_area_state *state)
{
	const char *text;

	*state = AERO_AREA_READY;
	if (version == RECORD_VERSION_OLD)
		return !json_object_get(json, "state");
	text = json_string_value(json_object_get(json, "state"));
	for (int i = 0; text && i <= AERO_AREA_READY; i++) {
		if (!strcmp(text, states[i])) {
			*state = (enum aero_area_state)i;
			return true;
		}
	}
	return false;
}

/* What was recorded is believed only if it could have been written by area_json(). */
static bool area_parse(json_t *json, int version, struct aero_area *area)
{
	const char *path, *uuid;
	char expected[32];

	memset(area, 0, sizeof(*area));
	if (!state_parse(json, version, &area->state))
		return false;
	if (json_unpack(json, "{s:s, s:i, s:s}", "path", &path, "zram", &area->zram, "uuid", &uuid))
		return false;
	snprintf(expected, sizeof(expected), "/dev/zram%d", area->zram);
	if (path[0] != '/' || strlen(path) >= sizeof(area->path) || area->zram < -1 ||
	    (area->zram >= 0 && strcmp(path, expected)))
		return false;
	strcpy(area->path, path);
	return uuid_parse(uuid, area->uuid);
}

static bool areas_parse(json_t *json, struct aero_areas *areas)
{
	json_int_t size_mib;
	json_t *list;
	int version;

	if (json_unpack(json, "{s:i, s:i, s:I, s:o}", "version", &version, "priority",
			&areas->priority, "size_mib", &size_mib, "areas", &list) ||
	    (version != RECORD_VERSION && version != RECORD_VERSION_OLD) || areas->priority < 0 ||
	    areas->priority > AERO_PRIORITY_MAX || size_mib < 1 || size_mib > UINT32_MAX ||
	    !json_is_array(list) || json_array_size(list) > AERO_AREAS_MAX)
		return false;
	areas->size_mib = (uint32_t)size_mib;
	areas->count = json_array_size(list);
	for (size_t i = 0; i < areas->count; i++)
		/* The number of a device means nothing after the next boot. */
		if (!area_parse(json_array_get(list, i), version, &areas->area[i]) ||
		    (areas->lasting && areas->area[i].zram >= 0))
			return false;
	return true;
}

/* ---- the record ---- */

#define ADVICE                                                                    \
	"see which areas are on (swapon --show), switch them off (swapoff), and " \
	"remove the record last"

/* As root one believes only what root alone may write.  -ENOENT: there is no record. */
static int open_record(const char *root, const char *path)
{
	/* Without waiting, should it be a FIFO. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0 || fstat(fd, &st)) {
		aero_fail("can't read %s: %s", path, strerror(errno));
	} else if (!aero_os_owned(root, &st) || (st.st_mode & (S_IWGRP | S_IWOTH))) {
		aero_fail("%s can be written by others than root and is not believed; " ADVICE,
			  path);
	} else if (!S_ISREG(st.st_mode)) {
		aero_fail("%s is not a record of swap areas; " ADVICE, path);
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -EIO;
}

/* 1, 0 or -1, as aero_areas_load(). */
static int load_from(const char *root, const char *record, struct aero_areas *areas)
{
	char path[2 * AERO_PATH_MAX];
	json_error_t error;
	json_t *json;
	bool good;
	int fd;

	memset(areas, 0, sizeof(*areas));
	areas->lasting = !strcmp(record, AERO_AREAS_LASTING);
	path_of(path, sizeof(path), root, record);
	fd = open_record(root, path);
	if (fd < 0)
		return fd == -ENOENT ? 0 : -1;
	json = json_loadfd(fd, JSON_REJECT_DUPLICATES, &error);
	close(fd);
	good = json && areas_parse(json, areas);
	json_decref(json);
	if (good)
		return 1;
	memset(areas, 0, sizeof(*areas));
	return aero_fail("%s is not a record of swap areas; " ADVICE, path);
}

int aero_areas_load(const char *root, struct aero_areas *areas)
{
	int ret = load_from(root, AERO_AREAS_LASTING, areas);

	return ret ? ret : load_from(root, AERO_AREAS_RECORD, areas);
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

/* The folder of the record, and those above it, which no package may have made.  -errno. */
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

static int drop(const char *root, const char *record, const char *folder)
{
	char path[2 * AERO_PATH_MAX + sizeof(FRESH)];
	int err;

	/* What a program was writing when it was killed goes as well. */
	snprintf(path, sizeof(path), "%s%s" FRESH, root, record);
	if (unlink(path) && errno != ENOENT)
		return aero_fail("can't remove %s: %s", path, strerror(errno));
	path_of(path, sizeof(path), root, record);
	if (unlink(path))
		return errno == ENOENT ? 0
				       : aero_fail("can't remove %s: %s", path, strerror(errno));
	err = aero_sync_folder(root, folder);
	return err ? aero_fail("can't remove %s for good: %s", path, strerror(-err)) : 0;
}

int aero_areas_tidy(const char *root)
{
	return drop(root, AERO_AREAS_LASTING, AERO_AREAS_LASTING_FOLDER) ||
			       drop(root, AERO_AREAS_RECORD, AERO_AREAS_FOLDER)
		       ? -1
		       : 0;
}

int aero_areas_save(const char *root, const struct aero_areas *areas)
{
	const char *record = areas->lasting ? AERO_AREAS_LASTING : AERO_AREAS_RECORD;
	const char *folder = areas->lasting ? AERO_AREAS_LASTING_FOLDER : AERO_AREAS_FOLDER;
	char path[2 * AERO_PATH_MAX], fresh[sizeof(path) + 8];
	json_t *json;
	char *text;
	int err;

	if (!areas->count)
		return drop(root, record, folder);
	path_of(path, sizeof(path), root, record);
	snprintf(fresh, sizeof(fresh), "%s" FRESH, path);
	json = areas_json(areas);
	text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
	json_decref(json);
	if (!text)
		return aero_fail("no memory");
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
