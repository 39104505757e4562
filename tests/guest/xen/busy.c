/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Targets come faster than they can be met, while every CPU of the domain allocates and frees;
 * the module is unloaded in the middle.  Afterwards every page is accounted for, in Xen's figures
 * and the engine's.  PV only: an emulated PVH domain has one CPU.
 */
#include <inttypes.h>

#include "../common/work.h"
#include "storm.h"

#define LOW_KIB	  (300 * KIB_PER_MIB)
#define HIGH_KIB  (MAX_MIB * KIB_PER_MIB)
#define ROUNDS	  4u
#define UNLOAD_AT 2u
#define TARGETS	  40u /* in a round */
#define WORK_S	  600u

static const struct lab_xen stock_xen = {.kernel = LAB_KERNEL_STOCK};
static const struct lab_config one_cpu = {.xen = &stock_xen};
static const struct lab_config two_cpus = {.xen = &stock_xen, .cpus = 2};

static const char *rounds(struct subject *s)
{
	uint64_t state = storm_seed();

	for (unsigned int i = 0; i < ROUNDS; i++) {
		LAB_TRY(write_targets(s, &state, TARGETS, LOW_KIB, HIGH_KIB, MAX_MIB));
		if (i != UNLOAD_AT)
			continue;
		LAB_TRY(driver_remove(s->g));
		LAB_TRY(load(s));
		LAB_TRY(hurry(s));
	}
	return NULL;
}

static const char *busy(struct lab_guest *g, unsigned int cpus)
{
	const struct lab_domu config = {
		.type = LAB_PV, .memory_mib = MAX_MIB, .maxmem_mib = MAX_MIB, .vcpus = cpus};
	uint64_t before, after;
	struct subject s;
	struct work work;

	LAB_TRY(domu_shared(&s, g, &config));
	LAB_TRY(load(&s));
	LAB_TRY(hurry(&s));
	LAB_TRY(move_to(&s, HIGH_KIB));
	LAB_TRY(total_kib(&s, 1, &before));
	LAB_TRY(work_start(s.g, &work, WORK_S));
	LAB_TRY(rounds(&s));
	LAB_TRY(work_end(s.g, &work));
	LAB_TRY(move_to(&s, LOW_KIB));
	LAB_TRY(figures_agree(&s));
	LAB_TRY(move_to(&s, HIGH_KIB));
	LAB_TRY(figures_agree(&s));
	LAB_TRY(total_kib(&s, 1, &after));
	LAB_CHECK(before == after,
		  "the domain and Xen's free memory were %" PRIu64 " KiB in all and are %" PRIu64,
		  before, after);
	LAB_OK(lab_data_check(s.g));
	return NULL;
}

static const char *busy_1(struct lab_guest *g)
{
	return busy(g, 1);
}

static const char *busy_2(struct lab_guest *g)
{
	return busy(g, 2);
}

static const char *busy_4(struct lab_guest *g)
{
	return busy(g, 4);
}

static const struct lab_test tests[] = {
	{"one-cpu", busy_1, .config = &one_cpu, .timeout_s = 600},
	{"two-cpus", busy_2, .config = &one_cpu, .timeout_s = 600},
	{"two-cpus-on-two", busy_2, .config = &two_cpus, .timeout_s = 600},
	{"four-cpus-on-two", busy_4, .config = &two_cpus, .timeout_s = 600},
};

static const struct lab_suite suite = {
	.name = "xen-busy",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
