/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The swap areas that `aerostat swap setup` made: a record of them, which outlives
 * the program, and what the kernel says of them now.
 *
 * The record is AERO_AREAS_RECORD, JSON, gone with the next boot as is swap that
 * was switched on by hand.  Functions return 0, or -1 with words in aero_error().
 * Two programs don't work on areas at once: whoever does holds aero_areas_lock().
 */
#ifndef AEROSTAT_SWAP_AREAS_H
#define AEROSTAT_SWAP_AREAS_H

#include "files.h"

#define AERO_AREAS_FOLDER "/run/aerostat"
#define AERO_AREAS_RECORD AERO_AREAS_FOLDER "/swap"
#define AERO_AREAS_LOCK	  AERO_AREAS_FOLDER "/lock"
#define AERO_DAEMON_LOCK  AERO_AREAS_FOLDER "/aerostatd.lock"

/* The kernel has room for at least 23 areas, whatever it was built with. */
#define AERO_AREAS_MAX	  16U

#define AERO_UUID_BYTES	  16U

struct aero_area {
	char path[AERO_PATH_MAX];
	int zram;		       /* the device's number; -1: it is a file */
	uint8_t uuid[AERO_UUID_BYTES]; /* in the area's header */
	bool on;		       /* the rest as of the last aero_areas_look() */
	uint64_t used_kib;
};

struct aero_areas {
	int priority;
	uint32_t size_mib; /* of each */
	size_t count;
	struct aero_area area[AERO_AREAS_MAX];
	uint64_t used_kib;     /* of these areas; as of the last aero_areas_look() */
	uint64_t all_used_kib; /* of all swap of the machine */
};

/* 1: *@areas is what was recorded; 0: nothing is. */
int aero_areas_load(const char *root, struct aero_areas *areas);

/* Replaces the record as a whole; with no areas it is removed. */
int aero_areas_save(const char *root, const struct aero_areas *areas);

/* Fills in what /proc/swaps says. */
int aero_areas_look(const char *root, struct aero_areas *areas);

/*
 * The lock, as a file descriptor to close; waits up to @wait_ms.  Errors: -EBUSY,
 * or another -errno; with words in any case.  aero_lock() takes the lock of that name
 * in AERO_AREAS_FOLDER.
 */
int aero_lock(const char *root, const char *name, unsigned int wait_ms);
int aero_areas_lock(const char *root, unsigned int wait_ms);

/* ---- setup.c: making and removing them ---- */

struct aero_plan {
	uint32_t areas, size_mib;
	const char *directory; /* NULL: zram */
	int priority;
};

/*
 * Makes the areas, switches them on and records them, with the lock held.  When
 * anything fails, what had been made is removed again.
 */
int aero_areas_make(const char *root, const struct aero_plan *plan, struct aero_areas *areas);

/*
 * Switches off and removes what was made, and nothing else, with the lock held.  What
 * is not as it was made is left alone and named in *@left (AERO_PATH_MAX bytes; empty:
 * nothing).  Nothing is done unless all that lies in the areas fits into memory.
 */
int aero_areas_remove(const char *root, struct aero_areas *areas, char *left);

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

#endif
