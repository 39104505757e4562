/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * aerostat_xen.ko in dom0, PV and PVH domUs with older and newer kernels than the other
 * suites use.  A kernel that is not there is skipped.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../common/kernels.h"
#include "domain.h"
#include "given.h"

#define DOM0_FULL_KIB (1024 * KIB_PER_MIB)
#define DOMU_FULL_KIB (256 * KIB_PER_MIB)

static const char *note_release(struct lab_guest *g)
{
	char *release = NULL;

	LAB_CHECK(lab_read_file(g, "/proc/sys/kernel/osrelease", &release) == 0, "%s", lab_error());
	lab_note("%.*s", (int)strcspn(release, "\n"), release);
	free(release);
	return NULL;
}

/*
 * Targets down and up, in blocks and single pages; every page is accounted for.  After the
 * module is unloaded the built-in balloon goes on, and the guest has lost nothing.
 */
static const char *targets(struct subject *s, uint64_t full_kib)
{
	const uint64_t low_kib = full_kib * 5 / 8 + 12;
	struct lab_meminfo before, after;

	LAB_TRY(note_release(s->g));
	LAB_OK(lab_meminfo(s->g, &before));
	/* Also where nobody has verified that yet: these tests are what does it. */
	LAB_OK(lab_must(s->g, 30000, "modprobe aerostat_xen takeover=1"));
	LAB_TRY(load(s));
	LAB_TRY(move_to(s, low_kib));
	LAB_TRY(figures_agree(s));
	LAB_TRY(move_to(s, full_kib));
	LAB_TRY(figures_agree(s));
	LAB_TRY(move_to(s, low_kib + 64));
	LAB_OK(lab_data_check(s->g));
	LAB_OK(lab_must(s->g, 60000, "rmmod aerostat_xen aerostat"));
	LAB_TRY(settle(s, low_kib + 64));
	LAB_TRY(move_to(s, full_kib));
	LAB_OK(lab_data_check(s->g));
	LAB_OK(lab_meminfo(s->g, &after));
	LAB_CHECK(before.total_kib == after.total_kib,
		  "MemTotal was %" PRIu64 " KiB and is %" PRIu64, before.total_kib,
		  after.total_kib);
	return NULL;
}

static const char *dom0(struct lab_guest *g)
{
	struct subject s = {.g = g};

	LAB_OK(lab_data_fill(g, 64, 1));
	LAB_TRY(targets(&s, DOM0_FULL_KIB));
	LAB_OK(lab_call(g, 20000, NULL, "data free"));
	return NULL;
}

static const char *domu(struct lab_guest *g, enum lab_domu_type type)
{
	const struct lab_domu config = {.type = type};
	struct subject s;

	LAB_TRY(domu_up(&s, g, &config));
	LAB_TRY(targets(&s, DOMU_FULL_KIB));
	LAB_OK(lab_domu_stop(s.g));
	return NULL;
}

static const char *pv(struct lab_guest *g)
{
	return domu(g, LAB_PV);
}

static const char *pvh(struct lab_guest *g)
{
	return domu(g, LAB_PVH);
}

static const char *scrubs(struct lab_guest *g)
{
	const struct lab_domu config = {.type = LAB_PVH, .memory_mib = GIVEN_MIB};
	struct subject s;

	LAB_TRY(domu_up(&s, g, &config));
	LAB_TRY(migrated_pages_are_zero(&s));
	LAB_OK(lab_domu_stop(s.g));
	return NULL;
}

/* ---- the suite, made at run time ---- */

static const struct lab_xen xen = {.kernel = LAB_KERNEL_STOCK};

static const struct {
	const char *name;
	const char *(*run)(struct lab_guest *g);
} kinds[] = {{"dom0", dom0}, {"pv", pv}, {"pvh", pvh}, {"scrubs", scrubs}};

static struct {
	struct lab_config config;
	char names[LAB_COUNT(kinds)][64];
} guests[OTHER_KERNELS];

static struct lab_test tests[OTHER_KERNELS * LAB_COUNT(kinds)];

static void add_tests(size_t i)
{
	struct other_kernel k = find_kernel(other_kernels[i], "xen-dom0.cpio");

	guests[i].config = (struct lab_config){
		.xen = &xen,
		.kernel = k.kernel,
		.initramfs = k.initramfs,
	};
	for (size_t j = 0; j < LAB_COUNT(kinds); j++) {
		snprintf(guests[i].names[j], sizeof(guests[i].names[j]), "%s-%s", other_kernels[i],
			 kinds[j].name);
		tests[i * LAB_COUNT(kinds) + j] = (struct lab_test){
			guests[i].names[j], kinds[j].run,   .config = &guests[i].config,
			.timeout_s = 300,   .skip = k.skip,
		};
	}
}

int main(int argc, char **argv)
{
	static const struct lab_suite suite = {
		.name = "xen-kernels",
		.tests = tests,
		.count = LAB_COUNT(tests),
		.after_test = tidy,
	};

	if (!lab_build_folder()) {
		printf("Bail out! %s\n", lab_error());
		return 1;
	}
	for (size_t i = 0; i < OTHER_KERNELS; i++)
		add_tests(i);
	return lab_suite_main(argc, argv, &suite);
}
