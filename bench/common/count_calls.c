// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Counts the hypercalls of Xen's guests, by number: blocks of a guest's kernel that
 * have the instruction with which it enters Xen.
 *
 * Xen may interrupt a long call and let the guest repeat it.  In a PV guest the
 * instruction is then executed without what stands before it in its function; of a
 * memory_op, the place to go on from is in the upper bits of the first argument
 * (MEMOP_EXTENT_SHIFT in Xen's public header memory.h).  Neither counts.  Nor do memory_ops that
 * only ask, such as the driver's once-a-second question how much memory the guest has.
 */
#include "count_calls.h"

#include <endian.h>
#include <string.h>
#include <time.h>

#define MEMORY_OP	   12u
#define MEMOP_EXTENT_SHIFT 6
/* Those that move memory (the same header). */
#define MEMOP_MASK	   ((1u << MEMOP_EXTENT_SHIFT) - 1)
#define MEMOP_INCREASE	   0u
#define MEMOP_DECREASE	   1u
#define MEMOP_POPULATE	   6u
#define MEMOP_EXCHANGE	   11u
#define REG_RAX		   0
#define REG_RDI		   5

struct qemu_plugin_insn;

QEMU_WEAK struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb,
							   size_t index);
QEMU_WEAK const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
QEMU_WEAK size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

static struct bench_counts *counts;
static GByteArray *buffer;

static uint64_t read_register(int reg)
{
	uint64_t value = 0;

	g_byte_array_set_size(buffer, 0);
	if (x86_cpu_gdb_read_register(current_cpu, buffer, reg) == sizeof(value) &&
	    buffer->len == sizeof(value))
		memcpy(&value, buffer->data, sizeof(value));
	return le64toh(value);
}

static bool moves_memory(uint64_t op)
{
	switch (op & MEMOP_MASK) {
	case MEMOP_INCREASE:
	case MEMOP_DECREASE:
	case MEMOP_POPULATE:
	case MEMOP_EXCHANGE:
		return true;
	default:
		return false;
	}
}

static void count_memory_op(enum bench_entry entry)
{
	uint64_t op = read_register(REG_RDI);
	struct timespec now;

	if (!moves_memory(op))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	__atomic_store_n(&counts->memory_op_ns,
			 (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
			 __ATOMIC_RELAXED);
	if (op >> MEMOP_EXTENT_SHIFT == 0)
		counts->hypercalls[entry][MEMORY_OP]++;
}

/* At a block's beginning all registers are where they can be read. */
static void called(unsigned int vcpu, void *userdata)
{
	enum bench_entry entry = (enum bench_entry)(uintptr_t)userdata;
	uint64_t number = read_register(REG_RAX);

	(void)vcpu;
	if (number == MEMORY_OP)
		count_memory_op(entry);
	else if (number < BENCH_HYPERCALLS)
		counts->hypercalls[entry][number]++;
}

static bool is_syscall(const uint8_t *code, size_t size)
{
	return size == 2 && code[0] == 0x0f && code[1] == 0x05;
}

static bool is_vmcall(const uint8_t *code, size_t size)
{
	return size == 3 && code[0] == 0x0f && code[1] == 0x01 &&
	       (code[2] == 0xc1 || code[2] == 0xd9);
}

void count_calls_look_at(struct qemu_plugin_tb *tb, uint64_t address)
{
	if (address < BENCH_KERNEL_START || bench_is_xen(address))
		return;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		const struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const uint8_t *code = qemu_plugin_insn_data(insn);
		size_t size = qemu_plugin_insn_size(insn);
		uintptr_t entry = is_vmcall(code, size) ? BENCH_VMCALL : BENCH_SYSCALL;

		if (is_vmcall(code, size) || (i > 0 && is_syscall(code, size)))
			qemu_plugin_register_vcpu_tb_exec_cb(tb, called, QEMU_PLUGIN_CB_NO_REGS,
							     (void *)entry);
	}
}

bool count_calls_init(struct bench_counts *shared)
{
	if (!qemu_plugin_register_vcpu_tb_exec_cb || !qemu_plugin_tb_get_insn ||
	    !qemu_plugin_insn_data || !qemu_plugin_insn_size || !x86_cpu_gdb_read_register ||
	    !g_byte_array_new || !g_byte_array_set_size)
		return false;
	counts = shared;
	buffer = g_byte_array_new();
	return true;
}
