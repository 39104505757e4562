/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Three guests of 512 MiB in 1 GiB, one of which wants much more than the others, in turns; and a
 * fourth that is let in.
 */
#include "host.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* With what the guest itself uses, three quarters of what it booted with. */
#define DEMAND_MIB   260u
#define DEMAND_MIB_S 30u
/* A driver, a period of statistics, a step, and the balloon's event come between. */
#define SECONDS_MOST 30.0

static const char *alternate(struct host *h)
{
	uint64_t mib, before;
	double seconds;

	for (unsigned int i = 0; i < 3; i++)
		LAB_TRY(host_add(h, true));
	for (unsigned int round = 0; round < 6; round++) {
		unsigned int i = round % 3;

		LAB_TRY(host_size(h, i, &before));
		LAB_TRY(host_demand(h, i, DEMAND_MIB, DEMAND_MIB_S, &seconds));
		LAB_TRY(host_look_for(h, 3000));
		LAB_TRY(host_size(h, i, &mib));
		lab_note("%s: %u MiB more in %.1f s; it had %" PRIu64 " MiB and has %" PRIu64,
			 host_names[i], DEMAND_MIB, seconds, before, mib);
		LAB_CHECK(seconds < SECONDS_MOST, "guest %s waited %.1f s for its memory",
			  host_names[i], seconds);
		LAB_CHECK(mib > DEMAND_MIB + 40, "guest %s has %" PRIu64 " MiB only", host_names[i],
			  mib);
		LAB_TRY(agent(h->guest[i], "hog stop"));
		LAB_TRY(host_look_for(h, 4000));
	}
	return NULL;
}

static const char *a_fourth_guest_is_let_in(struct host *h)
{
	char *out = NULL;

	for (unsigned int i = 0; i < 4; i++)
		LAB_TRY(host_add(h, true));
	LAB_TRY(host_look_for(h, 3000));
	/* All of them at their minimum would not be enough for a fifth. */
	LAB_CHECK(host_cli(h, &out, "make-room %uM --timeout 5s", 3 * GUEST_MIB) == 1, "%s", out);
	LAB_CHECK(strstr(out, "could be made free"), "%s", out);
	free(out);
	return NULL;
}

static const struct host_test tests[] = {
	{"alternating-loads-kernels-driver", alternate, .ours = false},
	{"alternating-loads-our-driver", alternate, .ours = true},
	{"a-fourth-guest-is-let-in-by-make-room", a_fourth_guest_is_let_in, .ours = false},
};

int main(int argc, char **argv)
{
	return host_main(argc, argv, tests, LAB_COUNT(tests));
}
