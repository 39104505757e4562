// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Memory beyond what a guest booted with: a target above all it has makes it add
 * a range of addresses, whose pages join the balloon and are populated from there.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"

#define BOOT_MIB  256u
#define GROWN_MIB 384u

/* Onlines memory as an administrator or a udev rule would. */
#define ONLINE                                                  \
	"for s in /sys/devices/system/memory/memory*/state; do" \
	" if [ \"$(cat $s)\" = offline ]; then echo online >$s || exit 1; fi; done"

/* The toolstack keeps a domain below its static maximum: this one may grow. */
static const char *raise_limit(struct subject *s, unsigned int mib)
{
	struct lab_guest *dom0 = lab_dom0(s->g);

	LAB_OK(lab_must(dom0, 20000, "xl mem-max %u %u", lab_domain(s->g), mib));
	LAB_OK(lab_must(dom0, 20000, "xenstore-write /local/domain/%u/memory/static-max %u",
			lab_domain(s->g), mib * KIB_PER_MIB));
	return NULL;
}

static const char *wait_for_added(struct subject *s)
{
	int64_t end = lab_now_ms() + SETTLE_MS;

	while (lab_sh(s->g, 10000, NULL, "dmesg | grep -q 'aerostat: xen: added'"))
		LAB_CHECK(lab_now_ms() < end, "no memory was added");
	return NULL;
}

static const char *total_mib(struct subject *s, uint64_t *mib)
{
	struct lab_meminfo info;

	LAB_OK(lab_meminfo(s->g, &info));
	*mib = info.total_kib / KIB_PER_MIB;
	return NULL;
}

static const char *grows(struct lab_guest *dom0, enum lab_domu_type type, enum lab_kernel kernel)
{
	struct lab_domu config = {
		.type = type, .kernel = kernel, .memory_mib = BOOT_MIB, .maxmem_mib = BOOT_MIB};
	struct lab_domain_memory before, after;
	uint64_t small, large, is, adopted;
	struct figures f;
	struct subject s;

	if (!lab_kernel_built(kernel))
		return lab_skip("this kernel is not built: lab/setup kernel-xen");
	LAB_TRY(domu_up(&s, dom0, &config));
	LAB_TRY(load(&s));
	LAB_TRY(driver_stat(s.g, "adopted_pages", &adopted));
	LAB_TRY(total_mib(&s, &small));
	LAB_TRY(raise_limit(&s, 512));
	LAB_OK(lab_domain_memory(s.g, &before));
	LAB_OK(lab_mem_set_kib(s.g, GROWN_MIB * KIB_PER_MIB));
	LAB_TRY(wait_for_added(&s));
	LAB_OK(lab_domain_memory(s.g, &after));
	LAB_CHECK(after.kib == before.kib, "memory that is not online was populated");
	LAB_CHECK(kernel == LAB_KERNEL_STOCK || lab_sh(s.g, 10000, NULL, "rmmod aerostat_xen"),
		  "unloaded while added memory would be taken for memory");
	LAB_OK(lab_must(s.g, 20000, ONLINE));
	LAB_TRY(settle(&s, GROWN_MIB * KIB_PER_MIB));
	LAB_TRY(total_mib(&s, &large));
	lab_note("MemTotal %" PRIu64 " -> %" PRIu64 " MiB", small, large);
	LAB_CHECK(large >= small + GROWN_MIB - BOOT_MIB - 8, "the guest does not see it");
	/* Data that does not fit into what it booted with. */
	LAB_OK(lab_call(s.g, 20000, NULL, "data free"));
	LAB_OK(lab_data_fill(s.g, (unsigned int)small + 8, 3));
	LAB_OK(lab_data_check(s.g));
	LAB_OK(lab_call(s.g, 20000, NULL, "data free"));
	LAB_OK(lab_data_fill(s.g, 64, 4));
	LAB_TRY(move_to(&s, 200 * KIB_PER_MIB + 4));
	LAB_TRY(move_to(&s, GROWN_MIB * KIB_PER_MIB));
	/* A memory block is the least that can be added. */
	adopted += (GROWN_MIB - BOOT_MIB) * LAB_PAGES_PER_MIB;
	LAB_TRY(read_figures(s.g, &f));
	LAB_CHECK(f.adopted == adopted, "%" PRIu64 " pages adopted, not %" PRIu64, f.adopted,
		  adopted);
	LAB_TRY(figures_agree(&s));
	LAB_OK(lab_must(s.g, 60000, "rmmod aerostat_xen"));
	LAB_OK(lab_data_check(s.g));
	LAB_TRY(total_mib(&s, &is));
	LAB_CHECK(is == large, "unloading made MemTotal %" PRIu64 " MiB", is);
	LAB_OK(lab_domu_stop(s.g));
	return NULL;
}

static const char *pv_own(struct lab_guest *g)
{
	return grows(g, LAB_PV, LAB_KERNEL_OWN);
}

static const char *pvh_own(struct lab_guest *g)
{
	return grows(g, LAB_PVH, LAB_KERNEL_OWN);
}

static const char *pv_stock(struct lab_guest *g)
{
	return grows(g, LAB_PV, LAB_KERNEL_STOCK);
}

static const char *pvh_stock(struct lab_guest *g)
{
	return grows(g, LAB_PVH, LAB_KERNEL_STOCK);
}

static const struct lab_xen stock_xen = {.kernel = LAB_KERNEL_STOCK};
static const struct lab_config stock = {.xen = &stock_xen};

static const struct lab_test tests[] = {
	{"pv-own", pv_own, .config = &stock, .timeout_s = 300},
	{"pvh-own", pvh_own, .config = &stock, .timeout_s = 300},
	{"pv-stock", pv_stock, .config = &stock, .timeout_s = 300},
	{"pvh-stock", pvh_stock, .config = &stock, .timeout_s = 300},
};

static const struct lab_suite suite = {
	.name = "xen-grow",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
