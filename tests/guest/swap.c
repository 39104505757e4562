/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* aerostatd in a guest, and swapped pages that come home. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

static const struct lab_config config = {.memory_mib = 512};

/* ---- the daemon by itself ---- */

static const char *wants_the_module(struct lab_guest *g)
{
	LAB_OK(lab_must(g, 10000, "aerostatd --once; [ $? = 4 ]"));
	return NULL;
}

static const char *reports_and_ends(struct lab_guest *g)
{
	char *said = NULL;

	LAB_TRY(driver_load(g));
	LAB_OK(lab_sh(g, 10000, &said, "aerostatd --once --verbose 2>&1"));
	lab_note("%s", said);
	free(said);
	LAB_OK(lab_must(g, 20000,
			"aerostatd --verbose 2>/tmp/said & sleep 3;"
			"[ \"$(cat /proc/$!/oom_score_adj)\" = -900 ] &&"
			"grep -q '^VmLck:.* [1-9]' /proc/$!/status &&"
			"kill -TERM $! && wait $! && grep -q 'told to stop' /tmp/said"));
	LAB_OK(lab_must(g, 10000, "! grep -q 'no news of pressure' /tmp/said"));
	return driver_unload(g);
}

static const struct lab_test tests[] = {
	{"wants-the-module", wants_the_module, .config = &config},
	{"reports-and-ends", reports_and_ends, .config = &config},
};

static const struct lab_suite suite = {"swap", tests, LAB_COUNT(tests), NULL, tidy};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
