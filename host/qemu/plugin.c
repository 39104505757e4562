// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The monitor as a plug-in for stock QEMU: start-up, arguments, and the checks
 * that this is a QEMU the plug-in was made for.
 *
 *   -plugin .../aerostat-vmware-qemu.so[,instructions=on][,doorbell=on]
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin.h"

QEMU_PLUGIN_EXPORT extern int qemu_plugin_version;
QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
					   char **argv);

int qemu_plugin_version = QEMU_PLUGIN_API;

/* Versions against which qemu_abi.h was compared, and with which the tests were run. */
static const struct {
	int64_t major;
	int64_t minor;
} aero_qemu_versions[] = {
	{7, 2},
};

static struct aero_plugin plugin;

#define ME "aerostat-vmware-qemu: "

static void complain(const char *fmt, va_list args)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, args);
	if (error_report)
		error_report(ME "%s", text);
	else
		fprintf(stderr, ME "%s\n", text);
}

void aero_plugin_die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain(fmt, args);
	va_end(args);
	exit(1);
}

/* Always -1, QEMU's "plug-in not installed". */
__attribute__((format(printf, 1, 2))) static int refuse(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain(fmt, args);
	va_end(args);
	return -1;
}

static int check_version(void)
{
	VersionInfo *v = qmp_query_version ? qmp_query_version(NULL) : NULL;

	if (!v || !v->qemu)
		return refuse("this QEMU does not tell its version; use QEMU 7.2");
	for (size_t i = 0; i < sizeof(aero_qemu_versions) / sizeof(aero_qemu_versions[0]); i++)
		if (v->qemu->major == aero_qemu_versions[i].major &&
		    v->qemu->minor == aero_qemu_versions[i].minor)
			return 0;
	return refuse("made for QEMU 7.2, and this is %d.%d.%d; use QEMU 7.2 (the plug-in reaches "
		      "into QEMU, so another version could crash or corrupt the guest)",
		      (int)v->qemu->major, (int)v->qemu->minor, (int)v->qemu->micro);
}

/* What the version has, this build of it may lack. */
static int check_symbols(void)
{
#define NEEDED(symbol)                                    \
	{                                                 \
#symbol, (const void *)(uintptr_t)&symbol \
	}
	const struct {
		const char *name;
		const void *address;
	} needed[] = {
		NEEDED(qmp_query_memory_size_summary),
		NEEDED(qemu_add_machine_init_done_notifier),
		NEEDED(qemu_register_reset),
		NEEDED(migrate_add_blocker),
		NEEDED(tcg_allowed),
		NEEDED(kvm_allowed),
		NEEDED(error_report),
		NEEDED(error_setg_internal),
		NEEDED(error_get_pretty),
		NEEDED(error_free),
		NEEDED(memory_region_init_io),
		NEEDED(get_system_io),
		NEEDED(memory_region_add_subregion),
		NEEDED(x86_cpu_gdb_read_register),
		NEEDED(x86_cpu_gdb_write_register),
		NEEDED(address_space_memory),
		NEEDED(address_space_rw),
		NEEDED(cpu_physical_memory_map),
		NEEDED(cpu_physical_memory_unmap),
		NEEDED(cpu_physical_memory_is_io),
		NEEDED(qemu_ram_block_from_host),
		NEEDED(ram_block_discard_range),
		NEEDED(ram_block_discard_require),
		NEEDED(memory_region_get_ram_ptr),
		NEEDED(memory_region_size),
		NEEDED(host_memory_backend_is_mapped),
		NEEDED(host_memory_backend_get_memory),
		NEEDED(qdev_get_machine),
		NEEDED(object_get_objects_root),
		NEEDED(object_child_foreach),
		NEEDED(object_dynamic_cast),
		NEEDED(object_property_add_str),
		NEEDED(qemu_add_balloon_handler),
		NEEDED(qapi_event_send_balloon_change),
		NEEDED(g_byte_array_new),
		NEEDED(g_byte_array_set_size),
		NEEDED(g_strdup),
		NEEDED(qemu_plugin_register_vcpu_tb_trans_cb),
		NEEDED(qemu_plugin_tb_n_insns),
		NEEDED(qemu_plugin_register_vcpu_tb_exec_inline),
		NEEDED(qemu_plugin_register_vcpu_tb_exec_cb),
	};
#undef NEEDED

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!needed[i].address)
			return refuse("this QEMU does not export %s; use the distribution's "
				      "QEMU 7.2",
				      needed[i].name);
	return 0;
}

static int check_target(const qemu_info_t *info)
{
	if (!info->system_emulation || strcmp(info->target_name, "x86_64") != 0)
		return refuse("made for qemu-system-x86_64, and this emulates %s%s",
			      info->target_name, info->system_emulation ? "" : " user programs");
	return 0;
}

static int read_switch(const char *argument, const char *key, bool *value)
{
	size_t length = strlen(key);

	if (strncmp(argument, key, length) != 0 || argument[length] != '=')
		return -ENOENT;
	if (strcmp(argument + length + 1, "on") == 0)
		*value = true;
	else if (strcmp(argument + length + 1, "off") == 0)
		*value = false;
	else
		return refuse("%s: must be %s=on or %s=off", argument, key, key);
	return 0;
}

static int read_arguments(struct aero_plugin *p, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		int err = read_switch(argv[i], "instructions", &p->count_instructions);

		if (err == -ENOENT)
			err = read_switch(argv[i], "doorbell", &p->doorbell);
		if (err == -ENOENT)
			return refuse("unknown argument %s; known are instructions=on|off and "
				      "doorbell=on|off",
				      argv[i]);
		if (err)
			return -1;
	}
	return 0;
}

static uint64_t now_ns(void *ctx)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

/* Stock QEMU has no VMCI device: a doorbell can be set, and is counted, but not heard. */
static void ring(void *ctx, uint32_t context, uint32_t resource)
{
}

static void create_monitor(struct aero_plugin *p)
{
	struct aero_monitor_host host = {
		.ctx = p,
		.is_ram = aero_memory_is_ram,
		.read = aero_memory_read,
		.write = aero_memory_write,
		.discard = aero_memory_discard,
		.instructions = p->count_instructions ? aero_instructions : NULL,
		.now_ns = now_ns,
		.ring = ring,
	};
	struct aero_monitor_config config = {
		.caps = p->doorbell ? AERO_VMW_CAP_ALL : AERO_VMW_CAP_ALL & ~AERO_VMW_CAP_SIGNALLED,
	};

	if (aero_memory_init(&config.pfn_end, &config.ram_pages))
		aero_plugin_die("the machine's memory can't be found; use -machine pc or q35");
	p->ram_bytes = config.ram_pages << AERO_VMW_PAGE_SHIFT;
	if (aero_monitor_create(&p->monitor, &host, &config))
		aero_plugin_die("no monitor for %llu MiB: out of memory, or too big",
				(unsigned long long)(p->ram_bytes >> 20));
}

static void system_reset(void *opaque)
{
	struct aero_plugin *p = opaque;

	aero_monitor_reset(p->monitor);
}

/* The balloon's state is not in QEMU's migration stream. */
static void block_migration(void)
{
	Error *reason = NULL;

	error_setg_internal(&reason, __FILE__, __LINE__, __func__,
			    ME "the balloon's state can't be migrated or saved");
	if (migrate_add_blocker(reason, NULL))
		aero_plugin_die("migration can't be blocked; start QEMU without -only-migratable");
}

/* The machine is complete, and its CPUs do not run yet. */
static void machine_is_ready(Notifier *notifier, void *data)
{
	if (!tcg_allowed || kvm_allowed)
		aero_plugin_die("needs QEMU's software emulation; start QEMU with -accel tcg");
	if (ram_block_discard_require(true))
		aero_plugin_die("this machine's memory may not be discarded (VFIO, or another "
				"device that pins it); remove that device");
	create_monitor(&plugin);
	block_migration();
	aero_qmp_init(&plugin);
	aero_port_init(&plugin);
	qemu_register_reset(system_reset, &plugin);
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	static Notifier ready = {.notify = machine_is_ready};

	if (check_target(info) || check_version() || check_symbols() ||
	    read_arguments(&plugin, argc, argv))
		return -1;
	if (plugin.count_instructions)
		aero_instructions_init(id, info->system.max_vcpus);
	qemu_add_machine_init_done_notifier(&ready);
	return 0;
}
