/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Targets come faster than they can be met, while every CPU of the guest allocates and frees:
 * processes, files, compaction, huge pages and swap; the module is unloaded in the middle.
 * Afterwards every page is accounted for, by the monitor's figures and the engine's.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../common/work.h"
#include "monitor.h"

#define DATA_MIB  64u
#define FLIPS	  40u
#define FAR_PAGES 100000u
#define UNLOAD_AT 2u /* of four */
#define WORK_S	  300u

static const struct lab_config one = {.memory_mib = 640};
static const struct lab_config two = {.memory_mib = 640, .cpus = 2};
static const struct lab_config four = {.memory_mib = 640, .cpus = 4};
static const struct lab_config four_full = {.memory_mib = 640, .cpus = 4, .append = "preempt=full"};

static const char *flips(struct lab_guest *g, unsigned int *random)
{
	for (unsigned int i = 0; i < FLIPS; i++) {
		*random = *random * 1103515245 + 12345;
		LAB_OK(lab_target(g, *random >> 8 & 1 ? 0 : (*random >> 9) % FAR_PAGES));
		lab_sleep_ms(50 + (*random >> 16) % 300);
	}
	return NULL;
}

static const char *storm(struct lab_guest *g)
{
	const char *text = getenv("AERO_SEED");
	unsigned int random = text ? (unsigned int)strtoul(text, NULL, 0) : 7;
	struct work work;

	lab_note("AERO_SEED=%u repeats these targets", random);
	LAB_OK(lab_data_fill(g, DATA_MIB, 41));
	LAB_TRY(driver_load(g));
	LAB_OK(lab_must(g, 5000, "echo 1000 >/sys/kernel/aerostat/holdoff_ms"));
	LAB_TRY(work_start(g, &work, WORK_S));
	for (unsigned int i = 0; i < 4; i++) {
		LAB_TRY(flips(g, &random));
		if (i != UNLOAD_AT)
			continue;
		LAB_TRY(driver_unload(g));
		LAB_TRY(driver_load(g));
	}
	LAB_TRY(work_end(g, &work));
	LAB_TRY(inflate_to(g, FAR_PAGES));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

static const struct lab_test tests[] = {
	{"one-cpu", storm, .config = &one, .timeout_s = 400},
	{"two-cpus", storm, .config = &two, .timeout_s = 400},
	{"four-cpus", storm, .config = &four, .timeout_s = 400},
	{"four-cpus-preempt-full", storm, .config = &four_full, .timeout_s = 400},
};

static const struct lab_suite suite = {
	.name = "storm",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
