// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "areas.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "os.h"

#define RECORD_VERSION 1

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
	return json_pack("{s:s, s:i, s:s}", "path", area->path, "zram", area->zram, "uuid", uuid);
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

/* What was recorded is believed only if it could have been written by area_json(). */
static bool area_parse(json_t *json, struct aero_area *area)
{
	const char *path, *uuid;
	char expected[32];

	memset(area, 0, sizeof(*area));
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
	    version != RECORD_VERSION || areas->priority < 0 ||
	    areas->priority > AERO_PRIORITY_MAX || size_mib < 1 || size_mib > UINT32_MAX ||
	    !json_is_array(list) || json_array_size(list) > AERO_AREAS_MAX)
		return false;
	areas->size_mib = (uint32_t)size_mib;
	areas->count = json_array_size(list);
	for (size_t i = 0; i < areas->count; i++)
		if (!area_parse(json_array_get(list, i), &areas->area[i]))
			return false;
	return true;
}

/* ---- the record ---- */

/* As root one believes only what root alone may write. */
static int check_owner(const char *root, const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno == ENOENT ? 0 : aero_fail("can't read %s: %s", path, strerror(errno));
	if (!*root && (st.st_uid || (st.st_mode & (S_IWGRP | S_IWOTH))))
		return aero_fail("%s can be written by others than root; remove it and switch "
				 "the areas off by hand (swapoff)",
				 path);
	return 1;
}

int aero_areas_load(const char *root, struct aero_areas *areas)
{
	char path[2 * AERO_PATH_MAX];
	json_error_t error;
	json_t *json;
	bool good;
	int ret;

	memset(areas, 0, sizeof(*areas));
	path_of(path, sizeof(path), root, AERO_AREAS_RECORD);
	ret = check_owner(root, path);
	if (ret <= 0)
		return ret;
	json = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	good = json && areas_parse(json, areas);
	json_decref(json);
	if (good)
		return 1;
	memset(areas, 0, sizeof(*areas));
	return aero_fail("%s is not a record of swap areas; remove it and switch the areas off by "
			 "hand (swapon --show lists them, swapoff)",
			 path);
}

int aero_areas_save(const char *root, const struct aero_areas *areas)
{
	char path[2 * AERO_PATH_MAX], fresh[2 * AERO_PATH_MAX];
	json_t *json;
	int ret = 0;

	path_of(path, sizeof(path), root, AERO_AREAS_RECORD);
	if (!areas->count) {
		if (unlink(path) && errno != ENOENT)
			return aero_fail("can't remove %s: %s", path, strerror(errno));
		return 0;
	}
	path_of(fresh, sizeof(fresh), root, AERO_AREAS_RECORD ".new");
	json = areas_json(areas);
	if (!json)
		return aero_fail("no memory");
	if (json_dump_file(json, fresh, JSON_INDENT(2)) || rename(fresh, path))
		ret = aero_fail("can't write %s: %s", path, strerror(errno));
	json_decref(json);
	return ret;
}

/* ---- what the kernel says ---- */

static struct aero_area *find(struct aero_areas *areas, const char *path)
{
	for (size_t i = 0; i < areas->count; i++)
		if (!strcmp(areas->area[i].path, path))
			return &areas->area[i];
	return NULL;
}

/* PATH TYPE SIZE USED PRIORITY; no path of ours has blanks, which the kernel would mask. */
static void look_line(struct aero_areas *areas, const char *line)
{
	unsigned long long used_kib;
	char path[AERO_PATH_MAX];
	struct aero_area *area;

	_Static_assert(AERO_PATH_MAX == 1024, "the width below");
	if (sscanf(line, "%1023s %*s %*u %llu", path, &used_kib) != 2)
		return;
	areas->all_used_kib += used_kib;
	area = find(areas, path);
	if (!area || area->on)
		return;
	area->on = true;
	area->used_kib = used_kib;
	areas->used_kib += used_kib;
}

int aero_areas_look(const char *root, struct aero_areas *areas)
{
	static char text[65536];
	int err = aero_read(root, "/proc/swaps", text, sizeof(text));
	char *line, *rest = text;

	if (err)
		return aero_fail("can't read %s/proc/swaps: %s", root, strerror(-err));
	areas->used_kib = 0;
	areas->all_used_kib = 0;
	for (size_t i = 0; i < areas->count; i++) {
		areas->area[i].on = false;
		areas->area[i].used_kib = 0;
	}
	while ((line = strsep(&rest, "\n")))
		look_line(areas, line);
	return 0;
}

/* ---- one at a time ---- */

#define LOCK_RETRY_MS 50U

int aero_areas_lock(const char *root, unsigned int wait_ms)
{
	const struct timespec nap = {.tv_nsec = LOCK_RETRY_MS * 1000000L};
	char path[2 * AERO_PATH_MAX];
	int fd, err;

	path_of(path, sizeof(path), root, AERO_AREAS_FOLDER);
	if (mkdir(path, 0755) && errno != EEXIST) {
		err = -errno;
		aero_fail("can't make %s: %s", path, strerror(errno));
		return err;
	}
	path_of(path, sizeof(path), root, AERO_AREAS_LOCK);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		err = -errno;
		aero_fail("can't open %s: %s", path, strerror(errno));
		return err;
	}
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (wait_ms < LOCK_RETRY_MS) {
			close(fd);
			aero_fail("aerostatd or another aerostat is at work on the swap areas; "
				  "try again in a minute");
			return -EBUSY;
		}
		wait_ms -= LOCK_RETRY_MS;
		nanosleep(&nap, NULL);
	}
	return fd;
}
