// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Targets that no toolstack means, and targets that nobody tells the worker of.
 *
 * It was reported that a PVH guest dies when its target becomes 0 or huge: the kernel's
 * watch takes away what the guest does not see, the result is negative, the module read
 * it as a number near 2^64 and added memory until its page structures had used up the
 * guest's own.  And that a target written to the files of xen_memory0 during a pause was
 * met 55 s late.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "domain.h"

#define FULL_KIB    (256 * KIB_PER_MIB)
#define LOW_KIB	    (160 * KIB_PER_MIB)
#define ALLOWED_MIB 176u
#define STAY_MS	    15000u
#define PAUSE_MS    18000u /* after 2, 4 and 8 s: the next pause is a minute */
#define LATE_MS	    10000u

static const struct lab_xen stock_xen = {.kernel = LAB_KERNEL_STOCK};
static const struct lab_config stock = {.xen = &stock_xen};

static const char *write_target(struct subject *s, const char *kib)
{
	LAB_OK(lab_must(lab_dom0(s->g), 20000, "xenstore-write /local/domain/%u/memory/target %s",
			lab_domain(s->g), kib));
	return NULL;
}

/* The guest lives with the odd target, adds at most one memory block, and follows the next. */
static const char *survives(struct lab_guest *dom0, enum lab_domu_type type, const char *kib)
{
	const struct lab_domu config = {.type = type, .memory_mib = 256, .maxmem_mib = 256};
	struct subject s;

	LAB_TRY(domu_up(&s, dom0, &config));
	LAB_TRY(load(&s));
	LAB_TRY(write_target(&s, kib));
	lab_sleep_ms(STAY_MS);
	LAB_OK(lab_must(s.g, 30000, "[ $(dmesg | grep -c 'aerostat: xen: added') -le 1 ]"));
	LAB_OK(lab_must(s.g, 30000, "! dmesg | grep -q 'Out of memory'"));
	LAB_OK(lab_mem_set_kib(s.g, LOW_KIB));
	LAB_TRY(settle(&s, LOW_KIB));
	LAB_OK(lab_data_check(s.g));
	LAB_OK(lab_domu_stop(s.g));
	return NULL;
}

static const char *zero_pvh(struct lab_guest *dom0)
{
	return survives(dom0, LAB_PVH, "0");
}

static const char *huge_pvh(struct lab_guest *dom0)
{
	return survives(dom0, LAB_PVH, "99999999999");
}

static const char *zero_pv(struct lab_guest *dom0)
{
	return survives(dom0, LAB_PV, "0");
}

static const char *sysfs_in_a_pause(struct lab_guest *dom0)
{
	const struct lab_domu config = {.type = LAB_PV, .memory_mib = 256, .maxmem_mib = 256};
	struct subject s;

	LAB_TRY(domu_up(&s, dom0, &config));
	LAB_TRY(load(&s));
	LAB_TRY(move_to(&s, LOW_KIB));
	LAB_CHECK(!lab_xl(s.g, 20000, NULL, "mem-max %u %u", lab_domain(s.g), ALLOWED_MIB),
		  "xl mem-max failed: %s", lab_error());
	LAB_OK(lab_must(s.g, 10000, "echo %u >" BUILTIN "target_kb", FULL_KIB));
	lab_sleep_ms(PAUSE_MS);
	LAB_OK(lab_must(s.g, 10000, "echo %u >" BUILTIN "target_kb", LOW_KIB - 4));
	LAB_TRY(settle_within(&s, LOW_KIB - 4, LATE_MS));
	LAB_OK(lab_domu_stop(s.g));
	return NULL;
}

static const struct lab_test tests[] = {
	{"zero-pvh", zero_pvh, .config = &stock, .timeout_s = 200},
	{"huge-pvh", huge_pvh, .config = &stock, .timeout_s = 200},
	{"zero-pv", zero_pv, .config = &stock, .timeout_s = 200},
	{"sysfs-in-a-pause", sysfs_in_a_pause, .config = &stock, .timeout_s = 200},
};

static const struct lab_suite suite = {
	.name = "xen-odd-targets",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
