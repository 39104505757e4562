/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A campaign: worlds of several kinds, each from a seed so that whatever fails
 * can be replayed; each kind is one named test.  This is the program around it.
 */
#ifndef AEROSTAT_TESTS_CAMPAIGN_H
#define AEROSTAT_TESTS_CAMPAIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct campaign {
	const char *program, *doc;
	unsigned int kinds;
	const char *(*kind_name)(unsigned int kind);

	/* One world's life; adds what it saw to @sights. */
	void (*run)(unsigned int kind, uint64_t seed, uint64_t steps, bool verbose,
		    uint64_t *sights);

	/* What can be seen; those from @sights_told on are not told if all is well. */
	unsigned int sights, sights_told;
	bool (*sight_name)(unsigned int sight, char *name, size_t size);
};

int campaign_main(const struct campaign *campaign, int argc, char **argv);

#endif
