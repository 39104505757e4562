// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The monitor as a plug-in for stock QEMU: arguments and start-up.
 *
 *   -plugin .../aerostat-vmware-qemu.so[,instructions=on][,doorbell=on]
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "plugin.h"

QEMU_PLUGIN_EXPORT extern int qemu_plugin_version;
QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
					   char **argv);

int qemu_plugin_version = QEMU_PLUGIN_API;

static struct aero_plugin plugin;

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
		return aero_qemu_refuse("%s: must be %s=on or %s=off", argument, key, key);
	return 0;
}

static int read_arguments(struct aero_plugin *p, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		int err = read_switch(argv[i], "instructions", &p->count_instructions);

		if (err == -ENOENT)
			err = read_switch(argv[i], "doorbell", &p->doorbell);
		if (err == -ENOENT)
			return aero_qemu_refuse(
				"unknown argument %s; known are instructions=on|off and "
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

/*
 * Stock QEMU has no VMCI device that could deliver this to the guest.  A doorbell can be set
 * nevertheless, and its rings are counted.
 */
static void ring(void *ctx, uint32_t context, uint32_t resource)
{
}

static void create_monitor(struct aero_plugin *p)
{
	struct aero_monitor_host host = {
		.memory = aero_qemu_memory(p),
		.instructions = p->count_instructions ? aero_qemu_instructions : NULL,
		.now_ns = now_ns,
		.ring = ring,
	};
	struct aero_monitor_config config = {
		.caps = p->doorbell ? AERO_VMW_CAP_ALL : AERO_VMW_CAP_ALL & ~AERO_VMW_CAP_SIGNALLED,
	};

	if (aero_qemu_memory_init(&config.pfn_end, &config.ram_pages))
		aero_qemu_die("the machine's memory can't be found; use -machine pc or q35");
	p->ram_bytes = config.ram_pages << AERO_VMW_PAGE_SHIFT;
	if (aero_monitor_create(&p->monitor, &host, &config))
		aero_qemu_die("no monitor for %llu MiB: out of memory, or too big",
			      (unsigned long long)(p->ram_bytes >> 20));
}

static void system_reset(void *opaque)
{
	struct aero_plugin *p = opaque;

	aero_monitor_reset(p->monitor);
}

/* QEMU's migration stream does not carry the state of the balloon. */
static void block_migration(void)
{
	Error *reason = NULL;

	error_setg_internal(&reason, __FILE__, __LINE__, __func__,
			    AERO_QEMU_ME "the balloon's state can't be migrated or saved");
	if (migrate_add_blocker(reason, NULL))
		aero_qemu_die("migration can't be blocked; start QEMU without -only-migratable");
}

/* QEMU calls this when the machine is complete and its CPUs do not run yet. */
static void machine_is_ready(Notifier *notifier, void *data)
{
	if (!tcg_allowed || kvm_allowed)
		aero_qemu_die("needs QEMU's software emulation; start QEMU with -accel tcg");
	if (ram_block_discard_require(true))
		aero_qemu_die("this machine's memory may not be discarded (VFIO, or another "
			      "device that pins it); remove that device");
	create_monitor(&plugin);
	block_migration();
	aero_qemu_qmp_init(&plugin);
	aero_qemu_port_init(&plugin);
	qemu_register_reset(system_reset, &plugin);
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	static Notifier ready = {.notify = machine_is_ready};

	if (aero_qemu_check(info) || read_arguments(&plugin, argc, argv))
		return -1;
	if (plugin.count_instructions)
		aero_qemu_instructions_init(id, info->system.max_vcpus);
	qemu_add_machine_init_done_notifier(&ready);
	return 0;
}
