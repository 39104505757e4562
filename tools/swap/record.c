// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The record of swap areas.  It is a journal: what is about to be done stands in it, and on
 * the disk, before it is done.
 */
#include "areas.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal.h"
#include "os.h"

#define RECORD_VERSION	   2
#define RECORD_VERSION_OLD 1 /* of 0.1: without the areas' states */

static const char *const states[] = {
	[AERO_AREA_PLANNED] = "planned",
	[AERO_AREA_ADDED] = "added",
	[AERO_AREA_READY] = "ready",
};

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
	return json_pack("{s:i, s:i, s:I, s:b, s:o}", "version", RECORD_VERSION, "priority",
			 areas->priority, "size_mib", (json_int_t)areas->size_mib, "configured",
			 areas->configured, "areas", list);
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
	areas->configured = json_is_true(json_object_get(json, "configured"));
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

/* 1, 0 or -1, as aero_areas_load(). */
static int load_from(const char *root, const char *record, struct aero_areas *areas)
{
	json_t *json;
	int ret = aero_journal_load(root, record, &json);
	bool good;

	memset(areas, 0, sizeof(*areas));
	areas->lasting = !strcmp(record, AERO_AREAS_LASTING);
	if (ret == -EPERM)
		return aero_fail("%s; " ADVICE, aero_error());
	if (!ret || ret == -EIO)
		return ret ? -1 : 0;
	good = json && areas_parse(json, areas);
	json_decref(json);
	if (good)
		return 1;
	memset(areas, 0, sizeof(*areas));
	return aero_fail("%s%s is not a record of swap areas; " ADVICE, root, record);
}

int aero_areas_load(const char *root, struct aero_areas *areas)
{
	int ret = load_from(root, AERO_AREAS_LASTING, areas);

	return ret ? ret : load_from(root, AERO_AREAS_RECORD, areas);
}

int aero_areas_tidy(const char *root)
{
	return aero_journal_drop(root, AERO_AREAS_LASTING) ||
			       aero_journal_drop(root, AERO_AREAS_RECORD)
		       ? -1
		       : 0;
}

int aero_areas_save(const char *root, const struct aero_areas *areas)
{
	const char *record = areas->lasting ? AERO_AREAS_LASTING : AERO_AREAS_RECORD;

	return areas->count ? aero_journal_save(root, record, areas_json(areas))
			    : aero_journal_drop(root, record);
}
