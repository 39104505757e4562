/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A matrix of guests that boot in unusual ways.  In each the module works or refuses with a
 * clear line; none crashes, and none kills a process.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "monitor.h"

#define DATA_MIB 24u

struct boot {
	const char *name;
	unsigned int memory_mib;
	const char *append;
	unsigned int balloon_mib;
	unsigned int data_mib; /* DATA_MIB */
	bool forced;	       /* the monitor shall ask for more than it thinks right */
	bool no_statistics;    /* there is no debugfs */
	bool refused;	       /* the kernel does not take the module */
	enum lab_backend backend;
	unsigned int used_mib; /* it never costs the host more than this; no limit */
	const char *allow;     /* that the console may have */
	const char *line;      /* that the kernel's log must have; none */
};

static const struct boot boots[] = {
	/*
	 * The monitor leaves a guest 128 MiB, if it is not forced, as here: data, balloon, and the
	 * reserve of 10 MiB are about what the kernel leaves. guest-tiny asks for more.
	 */
	{.name = "128-mib", .memory_mib = 128, .data_mib = 8, .balloon_mib = 16, .forced = true},
	/* More than the host has. The kernel's own structures take 1 GiB, and all else 0.3 GiB. */
	{.name = "64-gib",
	 .memory_mib = 65536,
	 .balloon_mib = 56 * 1024,
	 .backend = LAB_MEMFD,
	 .used_mib = 2048},
	/* Of these nodes one has no CPU, which this kernel complains of when it boots. */
	{.name = "two-nodes",
	 .memory_mib = 1024,
	 .append = "numa=fake=2",
	 .balloon_mib = 500,
	 .allow = "workqueue cpumask: online intersect"},
	{.name = "movablecore",
	 .memory_mib = 1024,
	 .append = "movablecore=512M",
	 .balloon_mib = 600},
	{.name = "kernelcore", .memory_mib = 1024, .append = "kernelcore=300M", .balloon_mib = 600},
	{.name = "crashkernel",
	 .memory_mib = 1024,
	 .append = "crashkernel=256M",
	 .balloon_mib = 400},
	{.name = "hugepages", .memory_mib = 1024, .append = "hugepages=128", .balloon_mib = 400},
	{.name = "gigantic-pages",
	 .memory_mib = 3072,
	 .append = "hugepagesz=1G hugepages=1",
	 .balloon_mib = 800},
	{.name = "init-on-free",
	 .memory_mib = 1024,
	 .append = "init_on_free=1",
	 .balloon_mib = 600},
	{.name = "no-init-on-alloc",
	 .memory_mib = 1024,
	 .append = "init_on_alloc=0",
	 .balloon_mib = 600},
	{.name = "page-owner", .memory_mib = 1024, .append = "page_owner=on", .balloon_mib = 600},
	{.name = "page-poison",
	 .memory_mib = 1024,
	 .append = "page_poison=1",
	 .balloon_mib = 600,
	 .line = "poisons or unmaps free pages"},
	{.name = "slub-debug", .memory_mib = 1024, .append = "slub_debug=FZPU", .balloon_mib = 500},
	{.name = "no-psi", .memory_mib = 1024, .append = "psi=0", .balloon_mib = 600},
	{.name = "no-debugfs",
	 .memory_mib = 1024,
	 .append = "debugfs=off",
	 .balloon_mib = 600,
	 .no_statistics = true},
	{.name = "locked-down",
	 .memory_mib = 1024,
	 .append = "lockdown=confidentiality",
	 .balloon_mib = 600,
	 .refused = true},
	{.name = "swiotlb", .memory_mib = 1024, .append = "swiotlb=force", .balloon_mib = 600},
	{.name = "no-thp",
	 .memory_mib = 1024,
	 .append = "transparent_hugepage=never",
	 .balloon_mib = 600},
	{.name = "preempt-full", .memory_mib = 1024, .append = "preempt=full", .balloon_mib = 600},
	{.name = "preempt-none", .memory_mib = 1024, .append = "preempt=none", .balloon_mib = 600},
	{.name = "holes", .memory_mib = 1024, .append = "memmap=64M$256M", .balloon_mib = 500},
	{.name = "memory-limit", .memory_mib = 1024, .append = "mem=700M", .balloon_mib = 300},
};

static struct lab_config configs[LAB_COUNT(boots)];
static struct lab_test tests[LAB_COUNT(boots)];

static const struct boot *boot_of(struct lab_guest *g)
{
	const char *append = lab_guest_config(g)->append;
	unsigned int mib = lab_guest_config(g)->memory_mib;

	for (size_t i = 0; i < LAB_COUNT(boots); i++)
		if (boots[i].memory_mib == mib &&
		    !strcmp(boots[i].append ? boots[i].append : "", append ? append : ""))
			return &boots[i];
	abort();
}

/* A kernel that is locked down takes no module without a signature, and says so. */
static const char *refused(struct lab_guest *g)
{
	LAB_CHECK(lab_sh(g, 20000, NULL, "modprobe aerostat_vmware") > 0, "the module was loaded");
	LAB_OK(lab_must(g, 10000, "dmesg | grep -q 'Lockdown: modprobe: unsigned module loading'"));
	return NULL;
}

/* Memory that the guest has never used costs the host nothing, also when it was in the balloon. */
static const char *little_of_the_host(struct lab_guest *g, const char *when)
{
	const unsigned int most_mib = boot_of(g)->used_mib;
	struct lab_host_memory host;

	if (!most_mib)
		return NULL;
	LAB_OK(lab_host_memory(g, &host));
	lab_note("%s: the host has %" PRIu64 " MiB of the guest", when, host.ram_kib / 1024);
	LAB_CHECK(host.ram_kib / 1024 <= most_mib, "%s: more than %u MiB", when, most_mib);
	return NULL;
}

static const char *inflate(struct lab_guest *g, uint64_t pages)
{
	const struct boot *b = boot_of(g);
	int64_t start = lab_now_ms();

	if (b->forced)
		MONITOR(g, "{\"force_target_pages\": %" PRIu64 "}", pages);
	else
		LAB_OK(lab_target(g, pages));
	LAB_OK(lab_wait_size(g, pages, pages, SETTLE_MS));
	lab_note("%u MiB in %" PRId64 " ms", b->balloon_mib, lab_now_ms() - start);
	return sizes_agree(g, pages);
}

static const char *there_and_back(struct lab_guest *g)
{
	const struct boot *b = boot_of(g);
	const uint64_t pages = (uint64_t)b->balloon_mib * LAB_PAGES_PER_MIB + 3;
	uint64_t spare_kib;

	if (b->refused)
		return refused(g);
	LAB_OK(lab_data_fill(g, b->data_mib ? b->data_mib : DATA_MIB, 31));
	LAB_OK(lab_must(g, 10000, "dmesg -c >/dev/null"));
	LAB_TRY(driver_load(g));
	LAB_OK(lab_read_number(g, "/sys/kernel/aerostat/spare_kib", &spare_kib));
	lab_note("%" PRIu64 " MiB to spare, %u MiB wanted", spare_kib / 1024, b->balloon_mib);
	LAB_TRY(little_of_the_host(g, "before"));
	for (unsigned int round = 0; round < 2; round++) {
		LAB_TRY(inflate(g, pages));
		LAB_OK(lab_data_check(g));
		LAB_TRY(little_of_the_host(g, "with a balloon"));
		MONITOR(g, "{\"force_target_pages\": null}");
		LAB_TRY(deflate_to(g, 0));
		LAB_TRY(little_of_the_host(g, "without it"));
	}
	if (!b->no_statistics)
		LAB_TRY(nothing_lost(g));
	if (b->line)
		LAB_OK(lab_must(g, 10000, "dmesg | grep -q 'aerostat: .*%s'", b->line));
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

int main(int argc, char **argv)
{
	static const struct lab_suite suite = {
		.name = "boots",
		.tests = tests,
		.count = LAB_COUNT(tests),
		.after_test = tidy,
		.boots = true,
	};

	for (size_t i = 0; i < LAB_COUNT(boots); i++) {
		configs[i] = (struct lab_config){
			.memory_mib = boots[i].memory_mib,
			.append = boots[i].append,
			.backend = boots[i].backend,
			.used_mib = boots[i].used_mib,
		};
		tests[i] = (struct lab_test){boots[i].name, there_and_back, .config = &configs[i],
					     .timeout_s = 120, .allow = boots[i].allow};
	}
	return lab_suite_main(argc, argv, &suite);
}
