/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The swap areas that `aerostat swap setup` made: a record of them, which outlives
 * the program, and what the kernel says of them now.
 *
 * The record is JSON.  That of zram devices is AERO_AREAS_RECORD, and gone with the next
 * boot, as they are; that of files is AERO_AREAS_LASTING, and lasts, as they do.
 * Functions return 0, or -1 with words in aero_error().
 * Two programs don't work on areas at once: whoever does holds aero_areas_lock().
 */
#ifndef AEROSTAT_SWAP_AREAS_H
#define AEROSTAT_SWAP_AREAS_H

#include "files.h"

#define AERO_AREAS_FOLDER	  "/run/aerostat"
#define AERO_AREAS_RECORD	  AERO_AREAS_FOLDER "/swap"
#define AERO_AREAS_LOCK		  AERO_AREAS_FOLDER "/lock"
#define AERO_DAEMON_LOCK	  AERO_AREAS_FOLDER "/aerostatd.lock"
#define AERO_CONFIG_LOCK	  AERO_AREAS_FOLDER "/config.lock"
#define AERO_AREAS_LASTING_FOLDER "/var/lib/aerostat"
#define AERO_AREAS_LASTING	  AERO_AREAS_LASTING_FOLDER "/swap"

/* The kernel has room for at least 23 areas, whatever it was built with. */
#define AERO_AREAS_MAX		  16U

#define AERO_UUID_BYTES		  16U

/*
 * How far setting up has come with an area, as far as it was recorded.  A file is planned
 * until all areas are ready: it is made under another name (aero_area_draft()), and has its
 * own only once it has the header.  A device has its number from the kernel.
 */
enum aero_area_state {
	AERO_AREA_PLANNED, /* a device of this number, if the kernel gives the one it should */
	AERO_AREA_ADDED,   /* the device is ours, but may have no header yet */
	AERO_AREA_READY,
};

struct aero_area {
	char path[AERO_PATH_MAX];
	int zram;		       /* the device's number; -1: it is a file */
	uint8_t uuid[AERO_UUID_BYTES]; /* in the area's header */
	enum aero_area_state state;
	bool on; /* the rest as of the last aero_areas_look() */
	uint64_t used_kib;
};

struct aero_areas {
	int priority;
	uint32_t size_mib; /* of each */
	bool lasting;	   /* where the record is: AERO_AREAS_LASTING */
	bool configured;   /* made for a line of the configuration file, and removed with it */
	size_t count;
	struct aero_area area[AERO_AREAS_MAX];
	uint64_t used_kib;     /* of these areas; as of the last aero_areas_look() */
	uint64_t all_used_kib; /* of all swap of the machine */
};

/* ---- record.c ---- */

/* 1: *@areas is what was recorded; 0: nothing is. */
int aero_areas_load(const char *root, struct aero_areas *areas);

/* Replaces the record as a whole, on the disk; with no areas it is removed. */
int aero_areas_save(const char *root, const struct aero_areas *areas);

/* Where nothing is recorded: removes what was being written when a program was killed. */
int aero_areas_tidy(const char *root);

/* ---- areas.c ---- */

/* Fills in what /proc/swaps says. */
int aero_areas_look(const char *root, struct aero_areas *areas);

/*
 * The lock, as a file descriptor to close; waits up to @wait_ms.  Errors: -EBUSY,
 * or another -errno; with words in any case.  aero_lock() takes the lock of that name
 * in AERO_AREAS_FOLDER.
 */
int aero_lock(const char *root, const char *name, unsigned int wait_ms);
int aero_areas_lock(const char *root, unsigned int wait_ms);

/* ---- setup.c and remove.c: making and removing them ---- */

struct aero_plan {
	uint32_t areas, size_mib;
	const char *directory; /* NULL: zram */
	int priority;
	bool configured; /* as in struct aero_areas; of areas that are there already it stays */
};

/*
 * Records the areas, makes them and switches them on, with the lock held.  When anything
 * fails, or a signal to end is pending, what had been made is removed again; and what an
 * earlier set-up had begun is removed first.  Areas that are there already as they are
 * planned are switched on where they are off.
 */
int aero_areas_make(const char *root, const struct aero_plan *plan, struct aero_areas *areas);

/*
 * Switches off and removes what was made, and nothing else, with the lock held.  What
 * is not as it was made is left alone and named in *@left (AERO_PATH_MAX bytes; empty:
 * nothing).  Nothing is done unless all that lies in the areas fits into memory.
 */
int aero_areas_remove(const char *root, struct aero_areas *areas, char *left);

/* The same, whether it fits or not, for areas that were made a moment ago. */
int aero_areas_take_back(const char *root, struct aero_areas *areas, char *left);

/* Was setting up them not ended? */
bool aero_areas_begun(const struct aero_areas *areas);

/*
 * The name of a file before it has its header: nobody else takes it, as the area's UUID,
 * which is random, is in it.  @path, AERO_DRAFT_MAX bytes, begins with @root.
 */
#define AERO_DRAFT_MAX (2 * AERO_PATH_MAX + 64)
void aero_area_draft(const char *root, const struct aero_area *area, char *path);

/* ---- header.c: the kernel's header of a swap area ---- */

/* Writes one for an area of @bytes.  Errors: -errno. */
int aero_header_write(int fd, uint64_t bytes, const uint8_t *uuid);

/*
 * A descriptor, to be read from, of what lies at the area's path, if it has the header that
 * was written and only root can have made it so; -1: it is something else.
 */
int aero_header_open(const char *root, const struct aero_area *area);

/* Is there such a thing at the area's path? */
bool aero_header_is(const char *root, const struct aero_area *area);

/* Is root's device at the area's path one without any header, as it is when it is new? */
bool aero_header_blank(const char *root, const struct aero_area *area);

#endif
