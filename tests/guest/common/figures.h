/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a host says of a guest, against what the guest's own /proc says.  As in scenario.h, a
 * message means failure and NULL success.
 */
#ifndef AEROSTAT_TESTS_GUEST_COMMON_FIGURES_H
#define AEROSTAT_TESTS_GUEST_COMMON_FIGURES_H

#include "scenario.h"

#define FIGURES_MAX 16u

/* What the host calls a figure, and where the guest has it: `unit` of the host's make one there. */
struct figure {
	const char *host, *guest;
	uint64_t unit;
	bool counts; /* never falls; else a gauge */
};

/* By the place in the table, in the host's units. */
struct figures {
	uint64_t value[FIGURES_MAX];
};

/* The guest's /proc/meminfo and /proc/vmstat. */
const char *figures_of_guest(struct lab_guest *g, const struct figure *table, size_t count,
			     struct figures *out);

/* Whether it does what figure_compare() wants. */
bool figure_fits(const struct figure *f, uint64_t before, uint64_t value, uint64_t after,
		 uint64_t slack);

/*
 * The host's value lies between what the guest said before and after; a gauge, which may have been
 * anywhere between, so far outside at most.
 */
const char *figure_compare(const struct figure *f, uint64_t before, uint64_t value, uint64_t after,
			   uint64_t slack);

/*
 * Makes each counter differ from 0, and those of pages from those of bytes: swaps out and in, and
 * asks for more large pages of the kernel's than there are.
 */
const char *figures_make(struct lab_guest *g, unsigned int swap_mib, unsigned int hog_mib);

#endif
