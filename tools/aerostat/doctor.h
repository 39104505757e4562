/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What doctor looks for, and what it knows when it looks. */
#ifndef AEROSTAT_CLI_DOCTOR_H
#define AEROSTAT_CLI_DOCTOR_H

#include "balloon.h"

enum doctor_level {
	DOCTOR_FINE,
	DOCTOR_NOTE,	/* worth knowing; nothing is wrong */
	DOCTOR_WARNING, /* works less well than it could */
	DOCTOR_PROBLEM, /* does not work */
};

/* Where the memory has gone.  All in KiB; BALLOON_UNKNOWN where it can't be told. */
struct doctor_memory {
	uint64_t boot_kib;     /* what the firmware gave to the guest, or else its zones have */
	uint64_t usable_kib;   /* what the guest's allocator has and uses */
	uint64_t balloon_kib;  /* what the balloon holds */
	uint64_t reserved_kib; /* what the kernel kept for itself when it booted */
	bool firmware;	       /* boot_kib is the firmware's */
};

struct doctor {
	const char *root;
	bool loaded; /* a balloon's module is, and shows its figures in b */
	struct balloon b;
	struct guest g;
	struct doctor_memory memory;
};

#define DOCTOR_TEXT_MAX 512U

/* docs/use/doctor.md explains each by its name. */
struct doctor_check {
	const char *name;
	enum doctor_level (*look)(const struct doctor *d, char text[DOCTOR_TEXT_MAX]);
	const char *advice;
};

extern const struct doctor_check doctor_checks[];
extern const size_t doctor_checks_count;

/* ---- memory.c ---- */

/* What differs by more than this share of the memory is a finding. */
#define DOCTOR_MEMORY_PERCENT 1U

void doctor_account(const char *root, const struct balloon *b, struct doctor_memory *memory);

/* usable + balloon + reserved - boot, in KiB. */
int64_t doctor_difference(const struct doctor_memory *memory);

#endif
