// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The host's own figures.  What can't be read is unknown. */
#include "hostd.h"

void hostd_read(const char *root, struct aero_psi *before, struct aero_host_reading *r)
{
	struct aero_psi now = {.some_us = 0};
	struct aero_stall stall;
	char text[8192];

	*r = (struct aero_host_reading){
		.available_kib = AERO_HOST_UNKNOWN,
		.some_permille = AERO_POLICY_UNKNOWN,
		.full_permille = AERO_POLICY_UNKNOWN,
	};
	/* Without a total nothing may be given to anybody, which 0 says. */
	if (!aero_read(root, "/proc/meminfo", text, sizeof(text))) {
		if (!aero_line(text, "MemTotal:", &r->total_kib))
			r->total_kib = 0;
		if (!aero_line(text, "MemAvailable:", &r->available_kib) ||
		    r->available_kib > r->total_kib)
			r->available_kib = AERO_HOST_UNKNOWN;
	}
	if (aero_psi_read(root, &now))
		return;
	if (before->at_us) {
		stall = aero_psi_stall(before, &now, 0);
		r->some_permille = stall.some_permille;
		r->full_permille = stall.full_permille;
	}
	*before = now;
}
