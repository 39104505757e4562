/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What an administrator may choose for one guest, wherever it is written. */
#ifndef AEROSTAT_HOST_SETTINGS_H
#define AEROSTAT_HOST_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AERO_HOST_SHARES_MAX	 1000000U
#define AERO_HOST_SHARES_INITIAL 100U

/* Which of them were chosen, one bit each. */
enum {
	AERO_HOST_SET_MIN = 1 << 0,
	AERO_HOST_SET_MAX = 1 << 1,
	AERO_HOST_SET_SHARES = 1 << 2,
	AERO_HOST_SET_MANAGED = 1 << 3,
};

struct aero_host_settings {
	unsigned int set;
	uint64_t min_kib, max_kib;
	uint32_t shares;
	bool managed;
};

/*
 * Sets min, max, shares or managed from text.  False: @error says, in a line, what is wrong and
 * what would be right; *@settings is as it was.
 */
bool aero_host_settings_parse(struct aero_host_settings *settings, const char *name,
			      const char *text, char *error, size_t error_size);

/* Those of @over that are set replace those of @settings. */
void aero_host_settings_merge(struct aero_host_settings *settings,
			      const struct aero_host_settings *over);

/* @text without what could spoil a line of a log, and cut. */
const char *aero_host_shown(const char *text);

#endif
