/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * aerostat_xen.ko on real Xen: after each target the domain and Xen's free memory
 * have moved by exactly the same number of KiB, by Xen's own figures.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"
#include "xen.h"

#define KIB_PER_MIB 1024u
#define SETTLE_MS   60000u
#define QUIET_MS    2500u
#define STATS	    "/sys/kernel/debug/aerostat/stats"

static const struct lab_xen stock_xen = {.kernel = LAB_KERNEL_STOCK};
static const struct lab_config stock = {.xen = &stock_xen};

static const char *tidy(struct lab_guest *g)
{
	LAB_OK(lab_domu_stop_all(g));
	LAB_OK(lab_must(g, 60000,
			"for m in aerostat_xen aerostat; do"
			" if grep -q \"^$m \" /proc/modules; then rmmod $m || exit 1; fi; done"));
	return NULL;
}

static const char *move_to(struct lab_guest *g, uint64_t kib, uint64_t offset_kib)
{
	struct lab_xen_memory xen0, xen1;
	struct lab_domain_memory was, is;
	int64_t start = lab_now_ms();

	LAB_OK(lab_memory_now(g, &xen0, &was));
	LAB_OK(lab_mem_set_kib(g, kib));
	LAB_OK(lab_wait_domain_kib(g, kib + offset_kib, kib + offset_kib, SETTLE_MS));
	lab_note("domain %u: %" PRIu64 " -> %" PRIu64 " KiB in %" PRId64 " ms", lab_domain(g),
		 was.kib, kib + offset_kib, lab_now_ms() - start);
	LAB_OK(lab_memory_now(g, &xen1, &is));
	LAB_CHECK(was.kib + xen0.free_kib == is.kib + xen1.free_kib,
		  "the domain moved by %" PRId64 " KiB, Xen's free memory by %" PRId64,
		  (int64_t)(is.kib - was.kib), (int64_t)(xen1.free_kib - xen0.free_kib));
	return NULL;
}

static const char *print_stats(struct lab_guest *g)
{
	char *text;

	LAB_OK(lab_read_file(g, STATS, &text));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (!strstr(line, " 0"))
			lab_note("%s", line);
	free(text);
	return NULL;
}

static const char *dom0(struct lab_guest *g)
{
	struct lab_meminfo before, after;

	LAB_OK(lab_data_fill(g, 64, 1));
	LAB_OK(lab_meminfo(g, &before));
	LAB_OK(lab_must(g, 20000, "modprobe aerostat_xen"));
	LAB_TRY(move_to(g, 512 * KIB_PER_MIB, 0));
	LAB_TRY(print_stats(g));
	LAB_TRY(move_to(g, 700 * KIB_PER_MIB + 4, 0));
	LAB_TRY(move_to(g, 1024 * KIB_PER_MIB, 0));
	LAB_TRY(move_to(g, 512 * KIB_PER_MIB, 0));
	LAB_TRY(print_stats(g));
	LAB_TRY(move_to(g, 1024 * KIB_PER_MIB, 0));
	LAB_TRY(move_to(g, 512 * KIB_PER_MIB + 4, 0));
	LAB_OK(lab_data_check(g));
	/* Unloading gives everything back, and the built-in balloon then follows the target. */
	LAB_OK(lab_must(g, 60000, "rmmod aerostat_xen"));
	LAB_OK(lab_wait_domain_kib(g, 512 * KIB_PER_MIB + 4, 512 * KIB_PER_MIB + 4, SETTLE_MS));
	LAB_TRY(move_to(g, 1024 * KIB_PER_MIB, 0));
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
	struct lab_domu config = {.type = type, .memory_mib = 256, .maxmem_mib = 512};
	struct lab_domain_memory d;
	struct lab_guest *u;
	uint64_t offset_kib;

	LAB_OK(lab_domu_start(&u, g, &config));
	LAB_OK(lab_mem_set_kib(u, 240 * KIB_PER_MIB));
	LAB_OK(lab_wait_domain_kib(u, 240 * KIB_PER_MIB, 242 * KIB_PER_MIB, SETTLE_MS));
	LAB_OK(lab_wait_domain_steady(u, QUIET_MS, SETTLE_MS, &d));
	offset_kib = d.kib - 240 * KIB_PER_MIB;
	LAB_OK(lab_data_fill(u, 64, 2));
	LAB_OK(lab_must(u, 20000, "modprobe aerostat_xen"));
	LAB_OK(lab_wait_domain_steady(u, QUIET_MS, SETTLE_MS, &d));
	LAB_CHECK(d.kib == 240 * KIB_PER_MIB + offset_kib, "loading moved it to %" PRIu64, d.kib);
	LAB_TRY(move_to(u, 160 * KIB_PER_MIB + 4, offset_kib));
	LAB_TRY(print_stats(u));
	LAB_TRY(move_to(u, 400 * KIB_PER_MIB, offset_kib));
	LAB_TRY(move_to(u, 200 * KIB_PER_MIB + 12, offset_kib));
	LAB_TRY(move_to(u, 512 * KIB_PER_MIB, offset_kib));
	LAB_TRY(print_stats(u));
	LAB_OK(lab_data_check(u));
	LAB_TRY(move_to(u, 200 * KIB_PER_MIB + 12, offset_kib));
	LAB_OK(lab_must(u, 60000, "rmmod aerostat_xen"));
	LAB_OK(lab_wait_domain_kib(u, 200 * KIB_PER_MIB + 12 + offset_kib,
				   200 * KIB_PER_MIB + 12 + offset_kib, SETTLE_MS));
	LAB_OK(lab_data_check(u));
	LAB_OK(lab_domu_stop(u));
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
	{"dom0", dom0, .config = &stock, .timeout_s = 240},
	{"domu-pv", domu_pv, .config = &stock, .timeout_s = 300},
	{"domu-pvh", domu_pvh, .config = &stock, .timeout_s = 300},
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
