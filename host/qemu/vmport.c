// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Port 0x5670: takes the registers of the CPU that reads it to the monitor.
 */
#include <endian.h>
#include <string.h>

#include "plugin.h"

#define NO_PORT	  UINT32_MAX /* the value that is read from a port that does not exist */
#define EFLAGS_VM (1ULL << 17)
#define CPL_MASK  3ULL

static GByteArray *buffer;

/* Returns false if QEMU does not return the register as 8 bytes. */
static bool read_register(CPUState *cpu, int reg, uint64_t *value)
{
	g_byte_array_set_size(buffer, 0);
	*value = 0;
	if (x86_cpu_gdb_read_register(cpu, buffer, reg) != (int)buffer->len ||
	    buffer->len > sizeof(*value) || buffer->len == 0)
		return false;
	memcpy(value, buffer->data, buffer->len);
	*value = le64toh(*value);
	return true;
}

static void write_register(CPUState *cpu, int reg, uint64_t value)
{
	uint8_t bytes[sizeof(value)];

	value = htole64(value);
	memcpy(bytes, &value, sizeof(bytes));
	x86_cpu_gdb_write_register(cpu, bytes, reg);
}

/* Whether the access comes from the kernel, not from a user program that may use the ports. */
static bool is_privileged(CPUState *cpu)
{
	uint64_t cs;
	uint64_t eflags;

	return read_register(cpu, QEMU_REG_CS, &cs) && !(cs & CPL_MASK) &&
	       read_register(cpu, QEMU_REG_EFLAGS, &eflags) && !(eflags & EFLAGS_VM);
}

static bool read_registers(CPUState *cpu, struct aero_vmw_regs *regs)
{
	return read_register(cpu, QEMU_REG_RAX, &regs->rax) &&
	       read_register(cpu, QEMU_REG_RBX, &regs->rbx) &&
	       read_register(cpu, QEMU_REG_RCX, &regs->rcx) &&
	       read_register(cpu, QEMU_REG_RDX, &regs->rdx) &&
	       read_register(cpu, QEMU_REG_RSI, &regs->rsi);
}

static uint64_t port_read(void *opaque, hwaddr addr, unsigned int size)
{
	struct aero_plugin *p = opaque;
	struct aero_vmw_regs before;
	struct aero_vmw_regs after;

	/* Without a CPU, the access comes from outside the guest (QEMU's monitor, a debugger). */
	if (addr != 0 || size != 4 || !current_cpu || !is_privileged(current_cpu) ||
	    !read_registers(current_cpu, &before))
		return NO_PORT;

	if ((uint32_t)before.rcx == AERO_VMW_GET_TARGET) {
		aero_qemu_look_for_ram();
		aero_qemu_report_size(p);
	}
	after = before;
	aero_monitor_call(p->monitor, &after);
	/* rax is the result of reading the port.  The others are written only if changed. */
	if (after.rbx != before.rbx)
		write_register(current_cpu, QEMU_REG_RBX, after.rbx);
	if (after.rcx != before.rcx)
		write_register(current_cpu, QEMU_REG_RCX, after.rcx);
	return after.rax;
}

static void port_write(void *opaque, hwaddr addr, uint64_t data, unsigned int size)
{
	/* The protocol does not use writes, so they have no effect. */
}

static const MemoryRegionOps port_ops = {
	.read = port_read,
	.write = port_write,
	.endianness = QEMU_LITTLE_ENDIAN,
	.valid = {.min_access_size = 1, .max_access_size = 4, .unaligned = true},
	.impl = {.min_access_size = 1, .max_access_size = 4, .unaligned = true},
};

void aero_qemu_port_init(struct aero_plugin *p)
{
	static MemoryRegion region;

	buffer = g_byte_array_new();
	memory_region_init_io(&region, NULL, &port_ops, p, "aerostat-vmware-balloon", 4);
	memory_region_add_subregion(get_system_io(), AERO_VMW_PORT, &region);
}
