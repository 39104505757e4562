// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Kernels of our own: one without CONFIG_XEN_BALLOON, where the watch on xenstore
 * and the files of xen_memory0 are ours, and the same with everything on that
 * finds bugs (lockdep, page poisoning, kmemleak, DEBUG_VM).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"

#define NOT_ROOT "echo nobody:x:65534:65534::/:/bin/sh >/etc/passwd; ! su nobody -s /bin/sh -c "
#define DOM0_KIB (1024 * KIB_PER_MIB)

static const struct lab_xen own_xen = {.kernel = LAB_KERNEL_OWN};
static const struct lab_config own = {.xen = &own_xen};

static const char *file_is(struct lab_guest *g, const char *name, uint64_t wanted)
{
	char path[200];
	uint64_t value;

	snprintf(path, sizeof(path), BUILTIN "%s", name);
	LAB_OK(lab_read_number(g, path, &value));
	LAB_CHECK(value == wanted, "%s says %" PRIu64 ", not %" PRIu64, name, value, wanted);
	return NULL;
}

static const char *write_file(struct lab_guest *g, const char *name, const char *value)
{
	LAB_OK(lab_must(g, 10000, "echo '%s' >" BUILTIN "%s", value, name));
	return NULL;
}

/* Refused, and nothing changed. */
static const char *refuses(struct lab_guest *g, const char *name, const char *value)
{
	uint64_t before;
	char path[200];

	snprintf(path, sizeof(path), BUILTIN "%s", name);
	LAB_OK(lab_read_number(g, path, &before));
	LAB_CHECK(lab_sh(g, 10000, NULL, "echo '%s' >%s", value, path) > 0, "%s took '%s'", name,
		  value);
	return file_is(g, name, before);
}

/*
 * A target by each of the ways there are, and what the files say of it.  Xen allows
 * no more than what xl has said last.
 */
static const char *targets(struct subject *s, uint64_t full_kib)
{
	char text[40];

	LAB_TRY(move_to(s, full_kib - 64 * KIB_PER_MIB));
	LAB_TRY(file_is(s->g, "info/low_kb", 64 * KIB_PER_MIB));
	snprintf(text, sizeof(text), "%" PRIu64, full_kib - 80 * KIB_PER_MIB - 4);
	if (!s->offset_kib) {
		LAB_TRY(write_file(s->g, "target_kb", text));
		LAB_TRY(settle(s, full_kib - 80 * KIB_PER_MIB - 4));
		LAB_TRY(file_is(s->g, "info/current_kb", full_kib - 80 * KIB_PER_MIB - 4));
		snprintf(text, sizeof(text), "%" PRIu64 "K", full_kib - 66 * KIB_PER_MIB);
		LAB_TRY(write_file(s->g, "target", text));
		LAB_TRY(settle(s, full_kib - 66 * KIB_PER_MIB));
		LAB_TRY(file_is(s->g, "target_kb", full_kib - 66 * KIB_PER_MIB));
	}
	LAB_TRY(file_is(s->g, "info/high_kb", 0));
	LAB_TRY(figures_agree(s));
	return move_to(s, full_kib);
}

static const char *bad_values(struct lab_guest *g)
{
	static const struct {
		const char *name, *value;
	} bad[] = {
		{"target_kb", "many"},	     {"target_kb", ""},
		{"target_kb", "-1"},	     {"target_kb", "99999999999999999999"},
		{"target", "1Gx"},	     {"target", "K"},
		{"max_schedule_delay", "0"}, {"max_schedule_delay", "4000"},
		{"max_retry_count", "-1"},   {"max_retry_count", "4294967296"},
	};

	for (size_t i = 0; i < LAB_COUNT(bad); i++)
		LAB_TRY(refuses(g, bad[i].name, bad[i].value));
	LAB_CHECK(lab_sh(g, 10000, NULL,
			 "[ -w " BUILTIN "retry_count ] && echo 3 >" BUILTIN "retry_count") > 0,
		  "the retry count can be written");
	LAB_OK(lab_must(g, 10000, NOT_ROOT "'echo 200000 >" BUILTIN "target_kb'"));
	LAB_TRY(write_file(g, "max_retry_count", "6"));
	LAB_TRY(file_is(g, "max_retry_count", 6));
	LAB_TRY(write_file(g, "max_schedule_delay", "10"));
	LAB_TRY(file_is(g, "max_schedule_delay", 10));
	LAB_TRY(file_is(g, "retry_count", 1));
	LAB_TRY(file_is(g, "schedule_delay", 1));
	return NULL;
}

/* Nobody follows a target before the module is there; then the last one counts. */
static const char *place_is_free(struct lab_guest *g, uint64_t target_kib)
{
	struct lab_domain_memory was, is;

	LAB_OK(lab_domain_memory(g, &was));
	LAB_OK(lab_mem_set_kib(g, target_kib));
	lab_sleep_ms(2 * QUIET_MS);
	LAB_OK(lab_domain_memory(g, &is));
	LAB_CHECK(is.kib == was.kib, "somebody moved it from %" PRIu64 " to %" PRIu64 " KiB",
		  was.kib, is.kib);
	LAB_CHECK(lab_sh(g, 10000, NULL, "ls -d " BUILTIN) > 0, "the built-in names are there");
	return NULL;
}

static const char *dom0(struct lab_guest *g)
{
	struct subject s = {.g = g};

	LAB_TRY(place_is_free(g, DOM0_KIB - 32 * KIB_PER_MIB));
	LAB_TRY(load(&s));
	LAB_TRY(settle(&s, DOM0_KIB - 32 * KIB_PER_MIB));
	LAB_TRY(targets(&s, DOM0_KIB));
	LAB_TRY(bad_values(g));
	LAB_OK(lab_must(g, 60000, "rmmod aerostat_xen"));
	LAB_CHECK(lab_sh(g, 10000, NULL, "ls -d /sys/devices/system/xen_memory") > 0,
		  "the files are still there after unloading");
	return NULL;
}

static const char *domu(struct lab_guest *g, enum lab_domu_type type, enum lab_kernel kernel)
{
	const struct lab_domu config = {.type = type, .kernel = kernel};
	struct subject s;

	LAB_TRY(domu_up(&s, g, &config));
	LAB_TRY(load(&s));
	LAB_TRY(targets(&s, 256 * KIB_PER_MIB));
	LAB_OK(lab_must(s.g, 60000, "rmmod aerostat_xen"));
	LAB_OK(lab_data_check(s.g));
	LAB_OK(lab_domu_stop(s.g));
	return NULL;
}

static const char *domu_pv(struct lab_guest *g)
{
	return domu(g, LAB_PV, LAB_KERNEL_OWN);
}

static const char *domu_pvh(struct lab_guest *g)
{
	return domu(g, LAB_PVH, LAB_KERNEL_OWN);
}

/* ---- the debug kernel ---- */

/* Two scans: an object that was just allocated is not reported by the first. */
static const char *leaks_nothing(struct lab_guest *g)
{
	char *out;

	LAB_OK(lab_must(g, 200000,
			"for i in 1 2; do echo scan >/sys/kernel/debug/kmemleak; sleep 1; done"));
	LAB_OK(lab_read_file(g, "/sys/kernel/debug/kmemleak", &out));
	LAB_CHECK(!out[0], "%s", out);
	free(out);
	return NULL;
}

/* What lockdep and the like find is in the log, and that fails the test. */
static const char *everything_on(struct lab_guest *g, enum lab_domu_type type)
{
	const struct lab_domu config = {
		.type = type, .kernel = LAB_KERNEL_DEBUG, .append = "page_poison=1"};
	struct subject s;

	LAB_TRY(domu_up(&s, g, &config));
	LAB_OK(lab_must(
		s.g, 10000,
		"ls /proc/lockdep && grep -q page_poison=1 /proc/cmdline && echo clear >/sys/kernel/debug/kmemleak"));
	for (unsigned int i = 0; i < 3; i++) {
		LAB_TRY(load(&s));
		LAB_TRY(hurry(&s));
		LAB_TRY(move_to(&s, 180 * KIB_PER_MIB + 4 * i));
		LAB_TRY(move_to(&s, 220 * KIB_PER_MIB + 4));
		LAB_TRY(figures_agree(&s));
		LAB_OK(lab_must(s.g, 60000, "rmmod aerostat_xen aerostat"));
		LAB_OK(lab_data_check(s.g));
	}
	LAB_TRY(leaks_nothing(s.g));
	LAB_OK(lab_domu_stop(s.g));
	return NULL;
}

static const char *debug_pv(struct lab_guest *g)
{
	return everything_on(g, LAB_PV);
}

static const char *debug_pvh(struct lab_guest *g)
{
	return everything_on(g, LAB_PVH);
}

static const struct lab_test tests[] = {
	{"dom0", dom0, .config = &own, .timeout_s = 300},
	{"domu-pv", domu_pv, .config = &own, .timeout_s = 300},
	{"domu-pvh", domu_pvh, .config = &own, .timeout_s = 300},
	{"debug-pv", debug_pv, .config = &own, .timeout_s = 300},
	{"debug-pvh", debug_pvh, .config = &own, .timeout_s = 300},
};

static const struct lab_suite suite = {
	.name = "xen-own",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	if (!lab_kernel_built(LAB_KERNEL_OWN) || !lab_kernel_built(LAB_KERNEL_DEBUG)) {
		printf("1..0 # SKIP our own kernels are not built: make xen-kernels\n");
		return 0;
	}
	return lab_suite_main(argc, argv, &suite);
}
