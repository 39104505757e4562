// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Removes swap areas: what was made, what was begun, and nothing else.  The record gets
 * shorter after each step, so that an undo that was killed can be gone on with.
 */
#include "areas.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "journal.h"
#include "os.h"

static void path_of(char *path, size_t size, const char *root, const char *name)
{
	snprintf(path, size, "%s%s", root, name);
}

bool aero_areas_begun(const struct aero_areas *areas)
{
	for (size_t i = 0; i < areas->count; i++)
		if (areas->area[i].state != AERO_AREA_READY)
			return true;
	return false;
}

void aero_area_draft(const char *root, const struct aero_area *area, char *path)
{
	const char *name = strrchr(area->path, '/');
	int n = snprintf(path, AERO_DRAFT_MAX, "%.*s%.*s/.", AERO_PATH_MAX - 1, root,
			 (int)(name - area->path), area->path);

	for (size_t i = 0; i < AERO_UUID_BYTES; i++)
		n += sprintf(path + n, "%02x", area->uuid[i]);
	sprintf(path + n, ".aerostat-swap");
}

/* ---- one area ---- */

enum owner { OURS, NOBODYS, ANOTHERS };

/* A device that was only planned may be one that somebody else added in that moment. */
static enum owner owner_of(const char *root, const struct aero_area *area)
{
	char path[2 * AERO_PATH_MAX];

	if (aero_header_is(root, area))
		return OURS;
	if (area->state == AERO_AREA_PLANNED)
		return area->zram >= 0 && aero_os_zram_is_new(root, area->zram) ? OURS : NOBODYS;
	if (area->state == AERO_AREA_ADDED &&
	    (aero_os_zram_is_new(root, area->zram) || aero_header_blank(root, area)))
		return OURS;
	path_of(path, sizeof(path), root, area->path);
	return access(path, F_OK) && errno == ENOENT ? NOBODYS : ANOTHERS;
}

static int remove_file(const char *root, const struct aero_area *area)
{
	char path[2 * AERO_PATH_MAX], folder[AERO_PATH_MAX];

	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(area->path, '/') - area->path),
		 area->path);
	path_of(path, sizeof(path), root, area->path);
	return unlink(path) ? -errno : aero_sync_folder(root, folder);
}

static int dispose(const char *root, const struct aero_area *area)
{
	int err = area->zram >= 0 ? aero_os_zram_remove(root, area->zram) : remove_file(root, area);

	return err ? aero_fail("can't remove %s: %s", area->path, strerror(-err)) : 0;
}

static int remove_draft(const char *root, const struct aero_area *area)
{
	char path[AERO_DRAFT_MAX];

	aero_area_draft(root, area, path);
	if (!unlink(path) || errno == ENOENT)
		return 0;
	return aero_fail("can't remove %s: %s", path, strerror(errno));
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

/* What is no longer ours is forgotten, and named if it is still there. */
static int remove_last(const char *root, struct aero_areas *areas, char *left)
{
	struct aero_area *area = &areas->area[areas->count - 1];
	enum owner owner = owner_of(root, area);

	if (area->state == AERO_AREA_PLANNED && area->zram < 0 && remove_draft(root, area))
		return -1;
	if (owner == OURS && switch_off(root, area))
		return -1;
	/* A device loses its header before it goes. */
	if (owner == OURS && area->state == AERO_AREA_READY && area->zram >= 0) {
		area->state = AERO_AREA_ADDED;
		if (aero_areas_save(root, areas))
			return -1;
	}
	if (owner == OURS && dispose(root, area))
		return -1;
	if (owner == ANOTHERS)
		snprintf(left, AERO_PATH_MAX, "%s", area->path);
	areas->count--;
	return aero_areas_save(root, areas);
}

/* ---- all of them ---- */

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

static int remove_all(const char *root, struct aero_areas *areas, char *left)
{
	while (areas->count)
		if (remove_last(root, areas, left))
			return -1;
	return 0;
}

int aero_areas_remove(const char *root, struct aero_areas *areas, char *left)
{
	*left = 0;
	if (aero_areas_look(root, areas) || check_fits(root, areas))
		return -1;
	return remove_all(root, areas, left);
}

int aero_areas_take_back(const char *root, struct aero_areas *areas, char *left)
{
	*left = 0;
	if (aero_areas_look(root, areas))
		return -1;
	return remove_all(root, areas, left);
}
