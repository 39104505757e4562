/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the files of the plug-in share.  One plug-in in one QEMU is one machine,
 * so there is one of everything.  All of it runs under QEMU's big lock, but for
 * the instruction counters.
 */
#ifndef AERO_QEMU_PLUGIN_H
#define AERO_QEMU_PLUGIN_H

#include "monitor.h"
#include "qemu_abi.h"

struct aero_plugin {
	struct aero_monitor *monitor;
	uint64_t ram_bytes;	 /* the guest's memory, as QMP's balloon commands mean it */
	uint64_t reported_pages; /* the size in the last BALLOON_CHANGE event */
	bool count_instructions;
	bool doorbell;
};

/* plugin.c: says why and ends QEMU; for the time after qemu_plugin_install(). */
__attribute__((noreturn, format(printf, 1, 2))) void aero_plugin_die(const char *fmt, ...);

/* memory.c: callbacks for guest memory; 0 or -errno. */
int aero_memory_init(uint64_t *pfn_end, uint64_t *ram_pages);
void aero_memory_look_for_ram(void);
bool aero_memory_is_ram(void *ctx, uint64_t pfn, uint64_t pages);
int aero_memory_read(void *ctx, uint64_t gpa, void *buf, size_t len);
int aero_memory_write(void *ctx, uint64_t gpa, const void *buf, size_t len);
int aero_memory_discard(void *ctx, uint64_t pfn, uint64_t pages);

/* port.c */
void aero_port_init(struct aero_plugin *p);

/* qmp.c */
void aero_qmp_init(struct aero_plugin *p);
void aero_qmp_report_size(struct aero_plugin *p);

/* instructions.c */
void aero_instructions_init(qemu_plugin_id_t id, int cpus);
uint64_t aero_instructions(void *ctx);

#endif
