// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A plug-in for QEMU that counts the guest's instructions by the place where
 * they are, so that the bench can say what a driver spends all in all and in which
 * functions; and, where asked to, hypercalls of Xen's guests.
 *
 *   -plugin .../aerostat-bench-count.so,counts=FILE[,instructions=off][,hypercalls=on]
 *
 * FILE must have the size of struct bench_counts.  Instructions take only QEMU's public
 * plug-in interface.  A block counts when it is entered, whole; a repeated string
 * instruction counts once for each repetition.  Guests with one CPU only: the
 * counters are added to without a lock.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "counts.h"
#include "count_calls.h"
#include "qemu/qemu_abi.h"

QEMU_PLUGIN_EXPORT extern int qemu_plugin_version;
QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
					   char **argv);
QEMU_WEAK uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);

int qemu_plugin_version = QEMU_PLUGIN_API;

static struct bench_counts *counts;
static bool want_instructions = true, want_hypercalls;

/* Blocks are translated under QEMU's own lock, so two can't ask at once. */
static uint64_t *counter_of(uint64_t address)
{
	uint64_t hash = address * 0x9e3779b97f4a7c15ULL >> 40;

	if (address < BENCH_KERNEL_START)
		return &counts->user;
	/* Bounded, because a full table must not stop the guest. */
	for (unsigned int i = 0; i < 64; i++) {
		struct bench_slot *slot = &counts->slot[(hash + i) % BENCH_SLOTS];

		if (!slot->address)
			slot->address = address;
		if (slot->address == address)
			return &slot->instructions;
	}
	return &counts->rest;
}

static void block_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uint64_t address = qemu_plugin_tb_vaddr(tb);

	if (want_instructions)
		qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64,
							 counter_of(address),
							 qemu_plugin_tb_n_insns(tb));
	if (want_hypercalls)
		count_calls_look_at(tb, address);
}

/* Always -1, QEMU's "plug-in not installed". */
static int refuse(const char *why)
{
	fprintf(stderr, "aerostat-bench-count: %s\n", why);
	return -1;
}

static int map_counts(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return refuse("the file of counts= can't be opened");
	if (!fstat(fd, &st) && (size_t)st.st_size == sizeof(*counts))
		counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (!counts || counts == MAP_FAILED)
		return refuse("the file of counts= has the wrong size");
	return 0;
}

static int parse(int argc, char **argv)
{
	static const char counts_is[] = "counts=";
	const char *path = NULL;

	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], counts_is, sizeof(counts_is) - 1))
			path = argv[i] + sizeof(counts_is) - 1;
		else if (!strcmp(argv[i], "instructions=off"))
			want_instructions = false;
		else if (!strcmp(argv[i], "hypercalls=on"))
			want_hypercalls = true;
		else
			return refuse("knows counts=FILE, instructions=off and hypercalls=on");
	}
	return path ? map_counts(path) : refuse("wants counts=FILE");
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	if (!info->system_emulation || info->system.max_vcpus != 1)
		return refuse("counts guests with one CPU only");
	if (!qemu_plugin_register_vcpu_tb_trans_cb || !qemu_plugin_tb_vaddr)
		return refuse("this QEMU has no plug-in interface");
	if (parse(argc, argv))
		return -1;
	if (want_hypercalls && !count_calls_init(counts))
		return refuse("this QEMU has not what counting hypercalls takes");
	qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
	return 0;
}
