/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A process suddenly takes more memory than is left beside the balloon, several times.  It
 * was reported that the balloon then gave back much more than was wanted: 19 GiB for
 * 1.5 GiB.
 */
#include <inttypes.h>

#include "monitor.h"

/* Most of this memory is never touched, and costs the host nothing. */
static const struct lab_config big = {.memory_mib = 8192, .cpus = 4};

/* Half of this guest's memory is in ZONE_MOVABLE, which alone has room for the balloon. */
static const struct lab_config movable = {
	.memory_mib = 1024, .cpus = 2, .append = "kernelcore=50%"};

struct demand {
	unsigned int mib;    /* what the process takes each time ... */
	unsigned int beside; /* ... and how much is available beside the balloon */
	unsigned int rounds;
};

/* Until the balloon has followed its target again after a hold-off. */
#define AGAIN_MS 90000u

static const char *one_demand(struct lab_guest *g, const struct demand *demand, uint64_t *relieved)
{
	uint64_t before;

	LAB_TRY(driver_stat(g, "relieved_pages", &before));
	LAB_TRY(hog(g, demand->mib));
	LAB_TRY(agent(g, "hog stop"));
	LAB_TRY(driver_stat(g, "relieved_pages", relieved));
	*relieved = (*relieved - before) / LAB_PAGES_PER_MIB;
	return NULL;
}

static const char *demands(struct lab_guest *g, const struct demand *demand)
{
	struct lab_meminfo mem;
	uint64_t target, relieved;

	LAB_OK(lab_must(g, 20000, "modprobe aerostat holdoff_ms=3000"));
	LAB_TRY(driver_load(g));
	LAB_OK(lab_meminfo(g, &mem));
	target = (mem.available_kib / 1024 - demand->beside) * LAB_PAGES_PER_MIB;
	LAB_OK(lab_target(g, target));
	for (unsigned int i = 0; i < demand->rounds; i++) {
		LAB_OK(lab_wait_size(g, target, target, AGAIN_MS));
		LAB_TRY(one_demand(g, demand, &relieved));
		lab_note("a demand for %u MiB beside a balloon of %" PRIu64 " MiB: %" PRIu64
			 " MiB relieved",
			 demand->mib, target / LAB_PAGES_PER_MIB, relieved);
		LAB_CHECK(relieved < 2 * demand->mib, "%" PRIu64 " MiB were relieved", relieved);
		LAB_CHECK(relieved > (demand->mib - demand->beside) / 2,
			  "%" PRIu64 " MiB cannot have been enough", relieved);
	}
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	return driver_unload(g);
}

static const char *not_twice_the_demand(struct lab_guest *g)
{
	static const struct demand demand = {.mib = 1500, .beside = 1000, .rounds = 5};

	return demands(g, &demand);
}

static const char *not_twice_the_demand_kernelcore(struct lab_guest *g)
{
	static const struct demand demand = {.mib = 336, .beside = 160, .rounds = 8};

	return demands(g, &demand);
}

static const struct lab_test tests[] = {
	{"relief-not-twice-the-demand", not_twice_the_demand, .config = &big, .timeout_s = 400},
	{"relief-not-twice-the-demand-kernelcore", not_twice_the_demand_kernelcore,
	 .config = &movable, .timeout_s = 400},
};

static const struct lab_suite suite = {
	.name = "relief",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
