// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "settings.h"

#include <stdio.h>
#include <string.h>

#include "files.h"
#include "text.h"
#include "units.h"

const char *aero_host_shown(const char *text)
{
	static char shown[64];

	return aero_shown(text, shown, sizeof(shown));
}

static bool parse_size(const char *name, const char *text, uint64_t *kib, char *error, size_t size)
{
	if (units_parse_size(text, kib) && *kib)
		return true;
	snprintf(error, size, "%s is " UNITS_SIZE_WANTED ", not '%s'", name, aero_host_shown(text));
	return false;
}

bool aero_host_settings_parse(struct aero_host_settings *s, const char *name, const char *text,
			      char *error, size_t size)
{
	uint64_t value = 0;

	if (!strcmp(name, "min") || !strcmp(name, "max")) {
		bool is_min = name[1] == 'i';

		if (!parse_size(name, text, &value, error, size))
			return false;
		*(is_min ? &s->min_kib : &s->max_kib) = value;
		s->set |= is_min ? AERO_HOST_SET_MIN : AERO_HOST_SET_MAX;
	} else if (!strcmp(name, "shares")) {
		if (!aero_parse(text, AERO_HOST_SHARES_MAX, &value) || !value) {
			snprintf(error, size, "shares is a whole number from 1 to %u, not '%s'",
				 AERO_HOST_SHARES_MAX, aero_host_shown(text));
			return false;
		}
		s->shares = (uint32_t)value;
		s->set |= AERO_HOST_SET_SHARES;
	} else if (!strcmp(name, "managed")) {
		if (strcmp(text, "yes") && strcmp(text, "no")) {
			snprintf(error, size, "managed is yes or no, not '%s'",
				 aero_host_shown(text));
			return false;
		}
		s->managed = *text == 'y';
		s->set |= AERO_HOST_SET_MANAGED;
	} else {
		snprintf(error, size,
			 "there is no setting '%s'; there are min, max, shares and managed",
			 aero_host_shown(name));
		return false;
	}
	return true;
}

void aero_host_settings_merge(struct aero_host_settings *s, const struct aero_host_settings *over)
{
	if (over->set & AERO_HOST_SET_MIN)
		s->min_kib = over->min_kib;
	if (over->set & AERO_HOST_SET_MAX)
		s->max_kib = over->max_kib;
	if (over->set & AERO_HOST_SET_SHARES)
		s->shares = over->shares;
	if (over->set & AERO_HOST_SET_MANAGED)
		s->managed = over->managed;
	s->set |= over->set;
}
