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
	bool no_statistics; /* there is no debugfs */
	bool refused;	    /* the kernel does not take the module */
	const char *line;   /* that the kernel's log must have; none */
};

static const struct boot boots[] = {
	{.name = "128-mib", .memory_mib = 128, .balloon_mib = 24},
	{.name = "two-nodes", .memory_mib = 1024, .append = "numa=fake=2", .balloon_mib = 500},
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

static const char *there_and_back(struct lab_guest *g)
{
	const struct boot *b = boot_of(g);
	const uint64_t pages = (uint64_t)b->balloon_mib * LAB_PAGES_PER_MIB + 3;

	if (b->refused)
		return refused(g);
	LAB_OK(lab_data_fill(g, DATA_MIB, 31));
	LAB_OK(lab_must(g, 10000, "dmesg -c >/dev/null"));
	LAB_TRY(driver_load(g));
	for (unsigned int round = 0; round < 2; round++) {
		LAB_TRY(inflate_to(g, pages));
		LAB_OK(lab_data_check(g));
		LAB_TRY(deflate_to(g, 0));
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
		};
		tests[i] = (struct lab_test){boots[i].name, there_and_back, .config = &configs[i],
					     .timeout_s = 120};
	}
	return lab_suite_main(argc, argv, &suite);
}
