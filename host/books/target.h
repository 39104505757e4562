/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How large the hypervisor wants the balloon to be, and what the guest is asked
 * for.  The two differ by a clamp: a guest whose balloon takes its last memory dies.
 * All sizes are in pages of 4 KiB.
 */
#ifndef AEROSTAT_HOST_TARGET_H
#define AEROSTAT_HOST_TARGET_H

#include <stdbool.h>
#include <stdint.h>

/* A guest keeps at least 128 MiB, and at least a sixteenth of its memory. */
#define AERO_BOOKS_KEEP_PAGES	 32768ULL
#define AERO_BOOKS_KEEP_FRACTION 16ULL

#define AERO_BOOKS_NOT_FORCED	 UINT64_MAX

/* Callers set the first five fields, and then call aero_books_target_update(). */
struct aero_books_target {
	uint64_t ram_pages; /* RAM of the guest */
	uint64_t limit;	    /* what the guest said that it may have at most; 0: nothing yet */
	uint64_t wanted;    /* what the host wants; not clamped */
	uint64_t forced;    /* a target that the clamp does not touch, or AERO_BOOKS_NOT_FORCED */
	uint64_t told_max;  /* the largest number that the protocol can tell the guest */
	uint64_t pages;	    /* what the guest is asked for */
};

void aero_books_target_init(struct aero_books_target *t, uint64_t ram_pages);

/* The limit that the clamp uses: what the guest said, but never more than its RAM. */
uint64_t aero_books_target_limit(const struct aero_books_target *t);

/*
 * Works out t->pages anew; true when it has changed.  It is the smaller of wanted and
 *
 *     limit - max(AERO_BOOKS_KEEP_PAGES, limit / AERO_BOOKS_KEEP_FRACTION)
 *
 * and never below 0; or it is forced.  In both cases it is at most told_max.
 */
bool aero_books_target_update(struct aero_books_target *t);

#endif
