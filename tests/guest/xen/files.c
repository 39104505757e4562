/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The files people know from the built-in balloon, with our module behind them; and
 * memory that the domain was promised, but never had.
 */
#include <inttypes.h>

#include "domain.h"

/* The guest has no users; `su` wants one. */
#define NOT_ROOT "echo nobody:x:65534:65534::/:/bin/sh >/etc/passwd; ! su nobody -s /bin/sh -c "

static const struct lab_xen stock_xen = {.kernel = LAB_KERNEL_STOCK};
static const struct lab_config stock = {.xen = &stock_xen};

/* ---- /sys/devices/system/xen_memory/xen_memory0/ ---- */

static const char *file_is(struct lab_guest *g, const char *path, uint64_t kib)
{
	uint64_t value;

	LAB_OK(lab_read_number(g, path, &value));
	LAB_CHECK(value == kib, "%s says %" PRIu64 ", not %" PRIu64, path, value, kib);
	return NULL;
}

/* A target written into target_kb, or in bytes into target: our module follows, the files tell it.
 */
static const char *written_target(struct subject *s, const char *name, uint64_t kib, uint64_t value)
{
	LAB_OK(lab_must(s->g, 10000, "echo %" PRIu64 " >" BUILTIN "%s", value, name));
	LAB_TRY(settle(s, kib));
	LAB_TRY(file_is(s->g, BUILTIN "target_kb", kib));
	LAB_TRY(file_is(s->g, BUILTIN "info/current_kb", kib));
	LAB_TRY(file_is(s->g, BUILTIN "info/low_kb", 0));
	return figures_agree(s);
}

/* Xen lets dom0 grow as far as it had before: no toolstack is in between. */
static const char *builtin_files(struct lab_guest *g)
{
	const uint64_t low_kib = 800 * KIB_PER_MIB + LAB_PAGE_KIB, mid_kib = 900 * KIB_PER_MIB;
	struct subject s = {.g = g};

	LAB_TRY(load(&s));
	LAB_TRY(written_target(&s, "target_kb", low_kib, low_kib));
	LAB_TRY(written_target(&s, "target", mid_kib, mid_kib * 1024));
	LAB_TRY(written_target(&s, "target_kb", 1024 * KIB_PER_MIB, 1024 * KIB_PER_MIB));
	return NULL;
}

/*
 * The built-in files' bad values.  Who is not root can't write; what is no number
 * is a target of 0 to them, and then we leave the guest its reserve.
 */
static const char *builtin_bad_values(struct lab_guest *g)
{
	const struct lab_domu config = {.type = LAB_PV};
	uint64_t reserve_kib;
	struct lab_meminfo m;
	struct subject s;

	LAB_TRY(domu_up(&s, g, &config));
	LAB_TRY(load(&s));
	LAB_OK(lab_must(s.g, 10000, NOT_ROOT "'echo 200000 >" BUILTIN "target_kb'"));
	LAB_TRY(file_is(s.g, BUILTIN "target_kb", 256 * KIB_PER_MIB));
	LAB_OK(lab_must(s.g, 10000, "echo nonsense >" BUILTIN "target_kb"));
	LAB_OK(lab_wait_domain_steady(s.g, 2 * QUIET_MS, SETTLE_MS, NULL));
	LAB_OK(lab_read_number(s.g, "/sys/kernel/aerostat/reserve_kib", &reserve_kib));
	LAB_OK(lab_meminfo(s.g, &m));
	LAB_CHECK(m.available_kib >= reserve_kib / 2,
		  "only %" PRIu64 " KiB are available, the reserve is %" PRIu64, m.available_kib,
		  reserve_kib);
	LAB_OK(lab_data_check(s.g));
	LAB_TRY(move_to(&s, 256 * KIB_PER_MIB));
	return figures_agree(&s);
}

/* ---- the command ---- */

/* The guest that may choose its own size does so by `aerostat set`. */
static const char *command_sets_size(struct lab_guest *g)
{
	const uint64_t low_kib = 800 * KIB_PER_MIB;
	struct subject s = {.g = g};

	LAB_TRY(load(&s));
	LAB_OK(lab_must(s.g, 10000, "aerostat set 800MiB"));
	LAB_TRY(settle(&s, low_kib));
	LAB_OK(lab_must(s.g, 10000, "aerostat status"));
	LAB_OK(lab_must(s.g, 10000, "! aerostat set 1MiB; ! aerostat set much"));
	LAB_TRY(file_is(s.g, BUILTIN "target_kb", low_kib));
	LAB_OK(lab_must(s.g, 10000, "aerostat set max"));
	LAB_TRY(settle(&s, 1024 * KIB_PER_MIB));
	LAB_OK(lab_must(s.g, 10000, "aerostat status"));
	return figures_agree(&s);
}

/* ---- at boot ---- */

/*
 * Its init loads the module before all else.  What Xen never gave the guest is
 * in our balloon then, and comes when the target says so.
 */
static const char *boot(struct lab_guest *g, enum lab_domu_type type)
{
	const struct lab_domu config = {
		.type = type, .memory_mib = 256, .maxmem_mib = 512, .modules = "aerostat_xen"};
	uint64_t size_kib, size_now_kib;
	struct subject s;

	LAB_TRY(domu_up(&s, g, &config));
	LAB_OK(lab_must(s.g, 10000, "grep -q ^aerostat_xen /proc/modules"));
	LAB_TRY(file_is(s.g, BUILTIN "info/low_kb", 0));
	LAB_OK(lab_read_number(s.g, "/sys/kernel/aerostat/size_kib", &size_kib));
	lab_note("ballooned after boot: %" PRIu64 " KiB", size_kib);
	LAB_CHECK(size_kib + 2 * KIB_PER_MIB > 256 * KIB_PER_MIB && size_kib < 258 * KIB_PER_MIB,
		  "the balloon has %" PRIu64 " KiB, not about 256 MiB", size_kib);
	LAB_TRY(move_to(&s, 512 * KIB_PER_MIB));
	LAB_OK(lab_read_number(s.g, "/sys/kernel/aerostat/size_kib", &size_now_kib));
	LAB_CHECK(size_now_kib == size_kib - 256 * KIB_PER_MIB,
		  "%" PRIu64 " KiB are still ballooned, of %" PRIu64, size_now_kib, size_kib);
	/* The new memory can be used like any other. */
	LAB_CHECK(!lab_call(s.g, SETTLE_MS, NULL, "touch 300"), "%s", lab_error());
	LAB_OK(lab_data_check(s.g));
	LAB_TRY(move_to(&s, 200 * KIB_PER_MIB));
	LAB_OK(lab_data_check(s.g));
	return NULL;
}

static const char *boot_pv(struct lab_guest *g)
{
	return boot(g, LAB_PV);
}

static const char *boot_pvh(struct lab_guest *g)
{
	return boot(g, LAB_PVH);
}

static const struct lab_test tests[] = {
	{"builtin-files", builtin_files, .config = &stock, .timeout_s = 300},
	{"builtin-bad-values", builtin_bad_values, .config = &stock, .timeout_s = 300},
	{"command-sets-size", command_sets_size, .config = &stock, .timeout_s = 300},
	{"boot-pv", boot_pv, .config = &stock, .timeout_s = 300},
	{"boot-pvh", boot_pvh, .config = &stock, .timeout_s = 360},
};

static const struct lab_suite suite = {
	.name = "xen-files",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
