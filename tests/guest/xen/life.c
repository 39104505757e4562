/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Loading and unloading aerostat_xen.ko beside the built-in balloon, and where it must refuse. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"

#define ROUNDS	       20u
#define WATCHED	       4u /* of these Xen is asked about in between */
#define MOMENTS	       10u
#define DOM0_FULL_KIB  (1024 * KIB_PER_MIB)
#define DOM0_LOW_KIB   (900 * KIB_PER_MIB)
#define DOMU_FULL_KIB  (256 * KIB_PER_MIB)
#define DOMU_LOW_KIB   (160 * KIB_PER_MIB + LAB_PAGE_KIB)
#define UNLOAD_MS      60000u
#define MODULE_FOLDER  "/lib/modules/$(uname -r)/"
#define SIZE	       "/sys/kernel/aerostat/size_kib"
#define NO_MODULE_LEFT "! grep -q ^aerostat_ /proc/modules"

static const struct lab_xen stock_xen = {.kernel = LAB_KERNEL_STOCK};
static const struct lab_config stock = {.xen = &stock_xen};
static const struct lab_config elsewhere = {.memory_mib = 256, .platform = &lab_platform_bare};

static const char *unload(struct subject *s)
{
	LAB_OK(lab_must(s->g, UNLOAD_MS, "rmmod aerostat_xen"));
	return NULL;
}

/* With the module our balloon holds what is ballooned, and the built-in one nothing. */
static const char *all_is_ours(struct subject *s, uint64_t kib)
{
	uint64_t ours_kib, builtin_kib;

	LAB_OK(lab_read_number(s->g, SIZE, &ours_kib));
	LAB_OK(lab_read_number(s->g, BUILTIN "info/low_kb", &builtin_kib));
	LAB_CHECK(ours_kib == kib && !builtin_kib,
		  "our balloon has %" PRIu64 " KiB, the built-in one %" PRIu64 ", of %" PRIu64,
		  ours_kib, builtin_kib, kib);
	return NULL;
}

/*
 * Half of the times Xen lets the domain have all its memory while the module
 * unloads, and so all of it comes back; else what is beyond the target must stay away.
 */
static const char *reload(struct subject *s, uint64_t full_kib, uint64_t low_kib, bool may_grow)
{
	LAB_OK(lab_mem_set_kib(s->g, low_kib));
	LAB_TRY(settle(s, low_kib));
	LAB_TRY(load(s));
	LAB_TRY(settle(s, low_kib));
	LAB_TRY(all_is_ours(s, full_kib - low_kib));
	if (may_grow)
		LAB_CHECK(!lab_xl(s->g, 20000, NULL, "mem-max %u %" PRIu64 "k", lab_domain(s->g),
				  full_kib),
			  "xl mem-max failed: %s", lab_error());
	return unload(s);
}

/* Neither the guest nor Xen has lost memory. */
struct before {
	struct lab_meminfo memory;
	uint64_t total_kib;
};

static const char *look(struct subject *s, struct before *b)
{
	LAB_OK(lab_meminfo(s->g, &b->memory));
	LAB_TRY(total_kib(s, 1, &b->total_kib));
	return NULL;
}

static const char *same_as(struct subject *s, uint64_t full_kib, const struct before *b)
{
	struct before now;

	LAB_OK(lab_mem_set_kib(s->g, full_kib));
	LAB_TRY(settle(s, full_kib));
	LAB_OK(lab_data_check(s->g));
	LAB_TRY(look(s, &now));
	LAB_CHECK(now.memory.total_kib == b->memory.total_kib,
		  "MemTotal was %" PRIu64 " KiB and is %" PRIu64, b->memory.total_kib,
		  now.memory.total_kib);
	LAB_CHECK(now.memory.free_kib + 16 * KIB_PER_MIB > b->memory.free_kib,
		  "free memory was %" PRIu64 " KiB and is %" PRIu64, b->memory.free_kib,
		  now.memory.free_kib);
	LAB_CHECK(now.total_kib == b->total_kib,
		  "the domain and Xen's free memory were %" PRIu64 " KiB in all and are %" PRIu64,
		  b->total_kib, now.total_kib);
	return NULL;
}

/* As often as that with what stays ballooned, at the guest's own pace. */
static const char *reload_inside(struct subject *s, uint64_t ballooned_kib, unsigned int rounds)
{
	LAB_OK(lab_must(s->g, rounds * UNLOAD_MS,
			"i=%u; while [ $i -gt 0 ]; do i=$((i-1)); modprobe aerostat_xen || exit 1;"
			" until read n <" SIZE " && [ $n = %" PRIu64 " ]; do usleep 20000; done;"
			" rmmod aerostat_xen || exit 1; done",
			rounds, ballooned_kib));
	return NULL;
}

static const char *reload_20(struct subject *s, uint64_t full_kib, uint64_t low_kib)
{
	struct before b;

	LAB_TRY(look(s, &b));
	for (unsigned int i = 0; i < WATCHED; i++)
		LAB_TRY(reload(s, full_kib, low_kib - i * LAB_PAGE_KIB, i % 2));
	LAB_OK(lab_mem_set_kib(s->g, low_kib));
	LAB_TRY(settle(s, low_kib));
	LAB_TRY(reload_inside(s, full_kib - low_kib, ROUNDS - WATCHED));
	LAB_TRY(settle(s, low_kib));
	return same_as(s, full_kib, &b);
}

/*
 * Reported: unloading populates everything, whatever the target, and the built-in balloon then
 * gives it back.  Xen lets the domain have all its memory here, and it must not take it.
 */
static const char *unload_keeps_the_target(struct lab_guest *g, enum lab_domu_type type)
{
	const struct lab_domu config = {.type = type};
	struct lab_domain_memory after;
	struct subject s;

	LAB_TRY(domu_shared(&s, g, &config));
	LAB_TRY(load(&s));
	LAB_TRY(move_to(&s, DOMU_LOW_KIB));
	LAB_CHECK(!lab_xl(g, 20000, NULL, "mem-max %u %uk", lab_domain(s.g), DOMU_FULL_KIB),
		  "xl mem-max failed: %s", lab_error());
	LAB_TRY(unload(&s));
	LAB_OK(lab_domain_memory(s.g, &after));
	LAB_CHECK(after.kib == DOMU_LOW_KIB + s.offset_kib,
		  "after unloading it has %" PRIu64 " KiB instead of %" PRIu64, after.kib,
		  (uint64_t)DOMU_LOW_KIB + s.offset_kib);
	LAB_TRY(move_to(&s, DOMU_FULL_KIB));
	/* What was handed over is taken over again. */
	LAB_TRY(move_to(&s, DOMU_LOW_KIB));
	LAB_TRY(load(&s));
	LAB_TRY(settle(&s, DOMU_LOW_KIB));
	LAB_TRY(move_to(&s, DOMU_FULL_KIB));
	return unload(&s);
}

static const char *keeps_pv(struct lab_guest *g)
{
	return unload_keeps_the_target(g, LAB_PV);
}

static const char *keeps_pvh(struct lab_guest *g)
{
	return unload_keeps_the_target(g, LAB_PVH);
}

static const char *reload_20_dom0(struct lab_guest *g)
{
	struct subject s = {.g = g};

	LAB_OK(lab_data_fill(g, 64, 1));
	LAB_TRY(reload_20(&s, DOM0_FULL_KIB, DOM0_LOW_KIB));
	LAB_OK(lab_call(g, 20000, NULL, "data free"));
	return NULL;
}

/* Unloads while the module is taking over, inflating or deflating. */
static const char *unload_at_any_moment(struct subject *s)
{
	struct before b;

	LAB_TRY(look(s, &b));
	for (unsigned int i = 0; i < MOMENTS; i++) {
		LAB_OK(lab_mem_set_kib(s->g, i % 2 ? DOMU_FULL_KIB : DOMU_LOW_KIB));
		LAB_OK(lab_must(s->g, UNLOAD_MS,
				"modprobe aerostat_xen && usleep %u && rmmod aerostat_xen",
				i * i * 12000));
	}
	return same_as(s, DOMU_FULL_KIB, &b);
}

static const char *reload_20_domu(struct lab_guest *g, enum lab_domu_type type)
{
	const struct lab_domu config = {.type = type};
	struct subject s;

	LAB_TRY(domu_shared(&s, g, &config));
	return reload_20(&s, DOMU_FULL_KIB, DOMU_LOW_KIB);
}

static const char *reload_20_pv(struct lab_guest *g)
{
	return reload_20_domu(g, LAB_PV);
}

static const char *reload_20_pvh(struct lab_guest *g)
{
	return reload_20_domu(g, LAB_PVH);
}

static const char *any_moment_domu(struct lab_guest *g, enum lab_domu_type type)
{
	const struct lab_domu config = {.type = type};
	struct subject s;

	LAB_TRY(domu_shared(&s, g, &config));
	return unload_at_any_moment(&s);
}

static const char *any_moment_pv(struct lab_guest *g)
{
	return any_moment_domu(g, LAB_PV);
}

static const char *any_moment_pvh(struct lab_guest *g)
{
	return any_moment_domu(g, LAB_PVH);
}

/* A command that must fail and say this. */
static const char *refuses(struct lab_guest *g, const char *text, const char *command)
{
	char *out = NULL;
	int status = lab_sh(g, 20000, &out, "%s 2>&1", command);
	bool good = status > 0 && out && strstr(out, text);

	if (!good)
		lab_note("status %d: %s", status, out ? out : lab_error());
	free(out);
	LAB_CHECK(good, "`%s` did not fail with '%s'", command, text);
	return NULL;
}

static const char *second_load(struct lab_guest *g)
{
	struct subject s = {.g = g};

	LAB_TRY(load(&s));
	LAB_TRY(refuses(g, "File exists", "insmod " MODULE_FOLDER "aerostat_xen.ko"));
	LAB_TRY(move_to(&s, DOM0_LOW_KIB));
	return unload(&s);
}

/*
 * There is nothing to take over when somebody did it before.  The somebody is our
 * module; and a copy of it with other names is not stopped by the kernel.
 */
static const char *nothing_to_take_over(struct lab_guest *g)
{
	struct subject s = {.g = g};

	LAB_OK(lab_must(g, 20000,
			"cp " MODULE_FOLDER "aerostat_xen.ko /tmp/other.ko && "
			"for at in $(strings -t d /tmp/other.ko |"
			" sed -n -e 's/^ *\\([0-9]*\\) aerostat_xen$/\\1/p'"
			" -e 's/^ *\\([0-9]*\\) aerostat_xen_[a-z]*_pages$/\\1/p'); do "
			"printf aerostat_two | dd of=/tmp/other.ko bs=1 seek=$at conv=notrunc "
			"|| exit 1; done"));
	LAB_TRY(load(&s));
	LAB_TRY(refuses(g, "can't insert", "dmesg -c >/dev/null; insmod /tmp/other.ko"));
	LAB_OK(lab_must(g, 20000, "dmesg | grep -q 'there is no thread xen-balloon'"));
	LAB_OK(lab_must(g, 20000, "! grep -q ^aerostat_two /proc/modules"));
	LAB_TRY(move_to(&s, DOM0_LOW_KIB));
	LAB_TRY(figures_agree(&s));
	LAB_TRY(unload(&s));
	/* The copy is good: alone it works. */
	LAB_OK(lab_must(g, 20000, "insmod /tmp/other.ko && rmmod aerostat_two; rm /tmp/other.ko"));
	return move_to(&s, DOM0_FULL_KIB);
}

/* Where taking over is not allowed, the module refuses, and the built-in balloon goes on. */
static const char *not_without_taking_over(struct lab_guest *g)
{
	struct subject s = {.g = g};

	LAB_TRY(refuses(g, "Operation not supported", "modprobe aerostat_xen takeover=0"));
	LAB_OK(lab_must(g, 20000, NO_MODULE_LEFT));
	LAB_OK(lab_must(g, 20000, "dmesg | grep -q 'the built-in balloon stays:.*takeover=0'"));
	LAB_TRY(move_to(&s, DOM0_LOW_KIB));
	return move_to(&s, DOM0_FULL_KIB);
}

static const char *not_on_xen(struct lab_guest *g)
{
	LAB_TRY(refuses(g, "No such device", "modprobe aerostat_xen"));
	LAB_OK(lab_must(g, 20000, NO_MODULE_LEFT));
	return NULL;
}

static const char *tidy_up(struct lab_guest *g)
{
	return lab_guest_config(g)->xen ? tidy(g) : NULL;
}

static const struct lab_test tests[] = {
	{"reload-20-dom0", reload_20_dom0, .config = &stock, .timeout_s = 480},
	{"reload-20-pv", reload_20_pv, .config = &stock, .timeout_s = 480},
	{"any-moment-pv", any_moment_pv, .config = &stock, .timeout_s = 480},
	{"unload-keeps-the-target-pv", keeps_pv, .config = &stock, .timeout_s = 300},
	{"unload-keeps-the-target-pvh", keeps_pvh, .config = &stock, .timeout_s = 300},
	{"reload-20-pvh", reload_20_pvh, .config = &stock, .timeout_s = 480},
	{"any-moment-pvh", any_moment_pvh, .config = &stock, .timeout_s = 480},
	{"second-load", second_load, .config = &stock, .timeout_s = 300},
	{"nothing-to-take-over", nothing_to_take_over, .config = &stock, .timeout_s = 300},
	{"not-without-taking-over", not_without_taking_over, .config = &stock, .timeout_s = 300},
	{"not-on-xen", not_on_xen, .config = &elsewhere, .timeout_s = 300},
};

static const struct lab_suite suite = {
	.name = "xen-life",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy_up,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
