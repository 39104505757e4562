/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * aerostat_xen.ko on real Xen: after each target the domain and Xen's free memory
 * have moved by exactly the same number of KiB, by Xen's own figures.
 */
#include <inttypes.h>

#include "storm.h"

static const struct lab_xen stock_xen = {.kernel = LAB_KERNEL_STOCK};
/* So much that two domUs, of at most MAX_MIB, can have all there is between them. */
static const struct lab_config stock = {.xen = &stock_xen, .memory_mib = 1904};

static const char *visit(struct subject *s, const uint64_t *targets_kib, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		LAB_TRY(move_to(s, targets_kib[i]));
		LAB_TRY(figures_agree(s));
	}
	LAB_OK(lab_data_check(s->g));
	return NULL;
}

static const char *dom0(struct lab_guest *g)
{
	static const uint64_t targets_kib[] = {
		512 * KIB_PER_MIB,  700 * KIB_PER_MIB + 4, 1024 * KIB_PER_MIB,	  512 * KIB_PER_MIB,
		1024 * KIB_PER_MIB, 400 * KIB_PER_MIB + 8, 512 * KIB_PER_MIB + 4,
	};
	const uint64_t last_kib = targets_kib[LAB_COUNT(targets_kib) - 1];
	struct lab_meminfo before, after;
	struct subject s = {.g = g};

	LAB_OK(lab_data_fill(g, 64, 1));
	LAB_OK(lab_meminfo(g, &before));
	LAB_TRY(load(&s));
	LAB_TRY(visit(&s, targets_kib, LAB_COUNT(targets_kib)));
	/* Unloading gives everything back, and the built-in balloon then follows the target. */
	LAB_OK(lab_must(g, 60000, "rmmod aerostat_xen"));
	LAB_TRY(settle(&s, last_kib));
	LAB_TRY(move_to(&s, 1024 * KIB_PER_MIB));
	LAB_OK(lab_data_check(g));
	LAB_OK(lab_meminfo(g, &after));
	LAB_CHECK(before.total_kib == after.total_kib,
		  "MemTotal was %" PRIu64 " KiB and is %" PRIu64, before.total_kib,
		  after.total_kib);
	LAB_OK(lab_call(g, 20000, NULL, "data free"));
	return NULL;
}

static const char *domu(struct lab_guest *g, enum lab_domu_type type)
{
	static const uint64_t targets_kib[] = {
		160 * KIB_PER_MIB + 4, 400 * KIB_PER_MIB,      200 * KIB_PER_MIB + 12,
		512 * KIB_PER_MIB,     200 * KIB_PER_MIB + 12,
	};
	const uint64_t last_kib = targets_kib[LAB_COUNT(targets_kib) - 1];
	const struct lab_domu config = {.type = type, .memory_mib = 256, .maxmem_mib = MAX_MIB};
	struct subject s;

	LAB_TRY(domu_shared(&s, g, &config));
	LAB_TRY(load(&s));
	LAB_OK(lab_wait_domain_steady(s.g, QUIET_MS, SETTLE_MS, NULL));
	LAB_TRY(settle(&s, 256 * KIB_PER_MIB));
	LAB_TRY(visit(&s, targets_kib, LAB_COUNT(targets_kib)));
	LAB_OK(lab_must(s.g, 60000, "rmmod aerostat_xen"));
	LAB_TRY(settle(&s, last_kib));
	LAB_OK(lab_data_check(s.g));
	return NULL;
}

static const char *domu_pv(struct lab_guest *g)
{
	return domu(g, LAB_PV);
}

static const char *domu_pvh(struct lab_guest *g)
{
	return domu(g, LAB_PVH);
}

static const struct lab_test tests[] = {
	{"dom0", dom0, .config = &stock, .timeout_s = 480},
	{"storm-dom0", storm_dom0, .config = &stock, .timeout_s = 480},
	{"domu-pv", domu_pv, .config = &stock, .timeout_s = 480},
	{"storm-pv", storm_pv, .config = &stock, .timeout_s = 480},
	{"domu-pvh", domu_pvh, .config = &stock, .timeout_s = 480},
	{"storm-pvh", storm_pvh, .config = &stock, .timeout_s = 480},
	{"crossing", crossing, .config = &stock, .timeout_s = 480},
};

static const struct lab_suite suite = {
	.name = "xen-balloon",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
