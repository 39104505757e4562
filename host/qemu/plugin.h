/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the files of the plug-in share.  One plug-in in one QEMU serves one machine,
 * so there is one of everything.  All of it runs under QEMU's big lock, except for
 * the instruction counters.
 */
#ifndef AEROSTAT_QEMU_PLUGIN_H
#define AEROSTAT_QEMU_PLUGIN_H

#include "qemu_abi.h"
#include "vmware/monitor.h"

#define AERO_QEMU_ME "aerostat-vmware-qemu: " /* the beginning of each message */

struct aero_plugin {
	struct aero_monitor *monitor;
	uint64_t ram_bytes;	 /* the guest's memory, as QMP's balloon commands mean it */
	uint64_t reported_pages; /* the size in the last BALLOON_CHANGE event */
	bool count_instructions;
	bool doorbell;
};

/* complain.c: tells the reason and ends QEMU.  To be used after qemu_plugin_install(). */
__attribute__((noreturn, format(printf, 1, 2))) void aero_qemu_die(const char *fmt, ...);
/* Tells the reason and returns -1, which means to QEMU that the plug-in is not installed. */
__attribute__((format(printf, 1, 2))) int aero_qemu_refuse(const char *fmt, ...);

/* versions.c: returns 0, or -1 (and tells the reason) if the plug-in was not made for this QEMU. */
int aero_qemu_check(const qemu_info_t *info);

/* memory.c: returns 0 or -errno. */
int aero_qemu_memory_init(uint64_t *pfn_end, uint64_t *ram_pages);
void aero_qemu_look_for_ram(void);
struct aero_guest_memory aero_qemu_memory(void *ctx);

/* vmport.c */
void aero_qemu_port_init(struct aero_plugin *p);

/* qmp.c */
void aero_qemu_qmp_init(struct aero_plugin *p);
void aero_qemu_report_size(struct aero_plugin *p);

/* instructions.c */
void aero_qemu_instructions_init(qemu_plugin_id_t id, int cpus);
uint64_t aero_qemu_instructions(void *ctx);

#endif
