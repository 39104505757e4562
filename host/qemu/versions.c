// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Checks that the plug-in was made for this QEMU. */
#include <string.h>

#include "plugin.h"

/* The versions with which qemu_abi.h was compared, and with which the tests were run. */
static const struct {
	int64_t major;
	int64_t minor;
} aero_qemu_versions[] = {
	{7, 2},
};

static int check_version(void)
{
	VersionInfo *v = qmp_query_version ? qmp_query_version(NULL) : NULL;

	if (!v || !v->qemu)
		return aero_qemu_refuse("this QEMU does not tell its version; use QEMU 7.2");
	for (size_t i = 0; i < sizeof(aero_qemu_versions) / sizeof(aero_qemu_versions[0]); i++)
		if (v->qemu->major == aero_qemu_versions[i].major &&
		    v->qemu->minor == aero_qemu_versions[i].minor)
			return 0;
	return aero_qemu_refuse(
		"made for QEMU 7.2, and this is %d.%d.%d; use QEMU 7.2 (the plug-in reaches "
		"into QEMU, so another version could crash or corrupt the guest)",
		(int)v->qemu->major, (int)v->qemu->minor, (int)v->qemu->micro);
}

#define NEEDED(symbol)                                    \
	{                                                 \
#symbol, (const void *)(uintptr_t)&symbol \
	}
static const struct {
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

/* A QEMU of a known version may have been built without a function that is needed. */
static int check_symbols(void)
{
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!needed[i].address)
			return aero_qemu_refuse("this QEMU does not export %s; use the "
						"distribution's QEMU 7.2",
						needed[i].name);
	return 0;
}

static int check_target(const qemu_info_t *info)
{
	if (!info->system_emulation || strcmp(info->target_name, "x86_64") != 0)
		return aero_qemu_refuse("made for qemu-system-x86_64, and this emulates %s%s",
					info->target_name,
					info->system_emulation ? "" : " user programs");
	return 0;
}

int aero_qemu_check(const qemu_info_t *info)
{
	return check_target(info) || check_version() || check_symbols() ? -1 : 0;
}
