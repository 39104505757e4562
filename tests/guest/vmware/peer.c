/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * An independent client: the kernel's own vmw_balloon.ko, unmodified, against
 * our monitor.
 */
#include <inttypes.h>

#include "monitor.h"

/* It inflates by whole large pages, also past the target. */
#define PAGES	 (196 * LARGE_PAGES)
#define DATA_MIB 64u

static const struct lab_config config = {.memory_mib = 768};

static const char *unload(struct lab_guest *g)
{
	LAB_OK(lab_must(g, 30000, "rmmod vmw_balloon"));
	LAB_OK(lab_wait_size(g, 0, 0, 1000));
	return NULL;
}

static const char *there_and_back(struct lab_guest *g)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, 31));
	LAB_TRY(peer_load(g));
	LAB_OK(lab_target(g, PAGES));
	LAB_OK(lab_wait_size(g, PAGES, PAGES, SETTLE_MS));
	LAB_OK(lab_data_check(g));
	/* It leaves up to a large page behind. */
	LAB_OK(lab_target(g, PAGES / 2));
	LAB_OK(lab_wait_size(g, PAGES / 2, PAGES / 2 + SLACK_PAGES, SETTLE_MS));
	LAB_OK(lab_target(g, 0));
	LAB_OK(lab_wait_size(g, 0, 0, SETTLE_MS));
	LAB_OK(lab_data_check(g));
	return unload(g);
}

static const char *in_4k(struct lab_guest *g)
{
	MONITOR(g, "{\"withhold\": [\"batched-2m\"]}");
	return there_and_back(g);
}

static const char *unbatched(struct lab_guest *g)
{
	MONITOR(g, "{\"withhold\": [\"batched-2m\", \"batched\"]}");
	return there_and_back(g);
}

static const char *reset(struct lab_guest *g)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, 32));
	LAB_TRY(peer_load(g));
	LAB_OK(lab_target(g, PAGES));
	LAB_OK(lab_wait_size(g, PAGES, PAGES, SETTLE_MS));
	MONITOR(g, "{\"demand_reset\": true}");
	LAB_OK(lab_wait_size(g, 0, 0, 1000));
	LAB_OK(lab_wait_size(g, PAGES, PAGES, SETTLE_MS));
	LAB_OK(lab_data_check(g));
	return unload(g);
}

static const char *unload_full(struct lab_guest *g)
{
	LAB_TRY(peer_load(g));
	LAB_OK(lab_target(g, PAGES));
	LAB_OK(lab_wait_size(g, PAGES, PAGES, SETTLE_MS));
	return unload(g);
}

static const char *machine_reset(struct lab_guest *g)
{
	LAB_TRY(peer_load(g));
	LAB_OK(lab_target(g, PAGES));
	LAB_OK(lab_wait_size(g, PAGES, PAGES, SETTLE_MS));
	LAB_OK(lab_reset(g));
	LAB_OK(lab_wait_size(g, 0, 0, 1000));
	LAB_TRY(peer_load(g));
	LAB_OK(lab_wait_size(g, PAGES, PAGES, SETTLE_MS));
	return unload(g);
}

/* From one driver to the other, the pages of the one never being those of the other. */
static const char *change_of_driver(struct lab_guest *g)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, 33));
	LAB_OK(lab_target(g, PAGES));
	for (int i = 0; i < 3; i++) {
		LAB_TRY(peer_load(g));
		LAB_OK(lab_wait_size(g, PAGES, PAGES, SETTLE_MS));
		LAB_TRY(unload(g));
		LAB_TRY(driver_load(g));
		LAB_OK(lab_wait_size(g, PAGES, PAGES, SETTLE_MS));
		LAB_TRY(driver_unload(g));
	}
	LAB_OK(lab_data_check(g));
	return NULL;
}

static const struct lab_test tests[] = {
	{"2m", there_and_back, .config = &config},
	{"4k", in_4k, .config = &config},
	{"unbatched", unbatched, .config = &config},
	{"reset", reset, .config = &config},
	{"unload-full", unload_full, .config = &config},
	{"machine-reset", machine_reset, .config = &config},
	{"change-of-driver", change_of_driver, .config = &config, .timeout_s = 120},
};

static const struct lab_suite suite = {
	.name = "peer",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
