// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * How many instructions the guest has executed, on all of its CPUs together.
 *
 * All instructions of a translation block are counted when the block is entered.  So the
 * number is too large by the rest of the block that each CPU is executing (a few
 * instructions), and by the rest of each block that was left by an exception.  A
 * repeated string instruction counts once for each repetition.
 */
#include <stdlib.h>

#include "plugin.h"

/* Each CPU's counter has a cache line of its own, so that CPUs do not slow each other down. */
struct counter {
	_Alignas(64) uint64_t instructions;
};

static struct counter *counters;
static int counters_cpus;

static void block_executed(unsigned int vcpu, void *instructions)
{
	if (vcpu < (unsigned int)counters_cpus)
		counters[vcpu].instructions += (uintptr_t)instructions;
}

/* Inline addition would be cheaper, but then all CPUs would add to one number without a lock. */
static void block_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t instructions = qemu_plugin_tb_n_insns(tb);

	if (counters_cpus == 1)
		qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64,
							 &counters[0].instructions, instructions);
	else
		qemu_plugin_register_vcpu_tb_exec_cb(tb, block_executed, QEMU_PLUGIN_CB_NO_REGS,
						     (void *)(uintptr_t)instructions);
}

void aero_qemu_instructions_init(qemu_plugin_id_t id, int cpus)
{
	size_t bytes = (size_t)cpus * sizeof(*counters);

	counters = aligned_alloc(_Alignof(struct counter), bytes);
	if (!counters)
		aero_qemu_die("no memory for the instruction counters");
	for (int i = 0; i < cpus; i++)
		counters[i].instructions = 0;
	counters_cpus = cpus;
	qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
}

uint64_t aero_qemu_instructions(void *ctx)
{
	uint64_t sum = 0;

	for (int i = 0; i < counters_cpus; i++)
		sum += __atomic_load_n(&counters[i].instructions, __ATOMIC_RELAXED);
	return sum;
}
