// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * host/qemu/: what the plug-in refuses to start with, and its words.
 *
 * This program plays QEMU: it exports the symbols which the plug-in looks for
 * and loads it.  Argument: the path of the plug-in.
 */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "qemu/qemu_abi.h"

#define EXPORT __attribute__((visibility("default"), used))

static int (*install)(qemu_plugin_id_t, const qemu_info_t *, int, char **);
static VersionTriple version;
static bool has_version;
static char said[1024];
static Notifier *ready;
static unsigned int tb_callbacks;
static int discard_allowed;

/* What the plug-in calls before the machine is ready. */
EXPORT bool tcg_allowed;
EXPORT bool kvm_allowed;
EXPORT __thread CPUState *current_cpu;

EXPORT VersionInfo *qmp_query_version(Error **errp)
{
	static VersionInfo info;

	info.qemu = has_version ? &version : NULL;
	return &info;
}

EXPORT void error_report(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(said, sizeof(said), fmt, args);
	va_end(args);
}

EXPORT void qemu_add_machine_init_done_notifier(Notifier *notify)
{
	ready = notify;
}

EXPORT void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
						  void (*cb)(qemu_plugin_id_t id,
							     struct qemu_plugin_tb *tb))
{
	tb_callbacks++;
}

EXPORT int ram_block_discard_require(bool state)
{
	return discard_allowed;
}

/* No machine: the plug-in's next question after the checks. */
EXPORT MemoryInfo *qmp_query_memory_size_summary(Error **errp)
{
	return NULL;
}

/* The rest must be there, and must not be called in this test. */
#define THERE(symbol)                                                             \
	__asm__(".globl " #symbol "\n.type " #symbol ", @function\n.set " #symbol \
		", not_to_be_called\n")
EXPORT void not_to_be_called(void);
EXPORT void not_to_be_called(void)
{
	abort();
}
THERE(qemu_register_reset);
THERE(migrate_add_blocker);
THERE(error_setg_internal);
THERE(error_get_pretty);
THERE(error_free);
THERE(memory_region_init_io);
THERE(get_system_io);
THERE(memory_region_add_subregion);
THERE(x86_cpu_gdb_read_register);
THERE(x86_cpu_gdb_write_register);
THERE(address_space_memory);
THERE(address_space_rw);
THERE(cpu_physical_memory_map);
THERE(cpu_physical_memory_unmap);
THERE(cpu_physical_memory_is_io);
THERE(qemu_ram_block_from_host);
THERE(ram_block_discard_range);
THERE(memory_region_get_ram_ptr);
THERE(memory_region_size);
THERE(host_memory_backend_is_mapped);
THERE(host_memory_backend_get_memory);
THERE(qdev_get_machine);
THERE(object_get_objects_root);
THERE(object_child_foreach);
THERE(object_dynamic_cast);
THERE(object_property_add_str);
THERE(qemu_add_balloon_handler);
THERE(qapi_event_send_balloon_change);
THERE(g_byte_array_new);
THERE(g_byte_array_set_size);
THERE(g_strdup);
THERE(qemu_plugin_tb_n_insns);
THERE(qemu_plugin_register_vcpu_tb_exec_inline);
THERE(qemu_plugin_register_vcpu_tb_exec_cb);

static qemu_info_t good_info(void)
{
	qemu_info_t info = {.target_name = "x86_64", .version = {0, 1}, .system_emulation = true};

	info.system.smp_vcpus = info.system.max_vcpus = 2;
	return info;
}

static int setup(void **state)
{
	version = (VersionTriple){7, 2, 19};
	has_version = true;
	tcg_allowed = true;
	kvm_allowed = false;
	discard_allowed = 0;
	said[0] = 0;
	ready = NULL;
	return 0;
}

static void refused_with(const qemu_info_t *info, int argc, char **argv, const char *words)
{
	said[0] = 0;
	ready = NULL;
	assert_int_not_equal(install(1, info, argc, argv), 0);
	assert_null(ready);
	if (!strstr(said, words) || strchr(said, '\n'))
		fail_msg("said \"%s\", which lacks \"%s\"", said, words);
}

static void known_versions_only(void **state)
{
	static const VersionTriple others[] = {
		{7, 1, 0}, {7, 3, 0}, {8, 2, 0}, {10, 0, 2}, {6, 2, 0}};
	qemu_info_t info = good_info();

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		char words[64];

		version = others[i];
		snprintf(words, sizeof(words), "this is %d.%d.%d", (int)version.major,
			 (int)version.minor, (int)version.micro);
		refused_with(&info, 0, NULL, words);
	}
	has_version = false;
	refused_with(&info, 0, NULL, "does not tell its version");
	setup(NULL);
	assert_int_equal(install(1, &info, 0, NULL), 0);
	assert_non_null(ready);
	assert_string_equal(said, "");
}

static void x86_64_machines_only(void **state)
{
	qemu_info_t info = good_info();

	info.target_name = "aarch64";
	refused_with(&info, 0, NULL, "emulates aarch64");
	info = good_info();
	info.system_emulation = false;
	refused_with(&info, 0, NULL, "user programs");
}

static void arguments(void **state)
{
	static const char *const good[] = {"instructions=on", "instructions=off", "doorbell=on",
					   "doorbell=off"};
	static const char *const bad[] = {"",
					  "instructions",
					  "instructions=",
					  "instructions=1",
					  "instructions=ON",
					  "doorbell=yes",
					  "port=1",
					  "instructionsx=on",
					  "=on"};
	qemu_info_t info = good_info();
	char argument[64];
	char *argv[] = {argument};

	tb_callbacks = 0;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(argument, sizeof(argument), "%s", bad[i]);
		refused_with(&info, 1, argv, argument);
	}
	assert_int_equal(tb_callbacks, 0);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(argument, sizeof(argument), "%s", good[i]);
		assert_int_equal(install(1, &info, 1, argv), 0);
		assert_int_equal(tb_callbacks, i == 0);
		tb_callbacks = 0;
	}
}

/* Once the machine is there, a refusal ends QEMU: in a child, which tells by a pipe. */
static void assert_dies(const char *words)
{
	int fds[2];
	int status;
	pid_t child;
	ssize_t n;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		said[0] = 0;
		/* aero_qemu_die() calls exit(); what it said goes out then. */
		if (dup2(fds[1], STDOUT_FILENO) < 0 || setvbuf(stdout, NULL, _IONBF, 0))
			_exit(9);
		ready->notify(ready, NULL);
		_exit(8);
	}
	close(fds[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	n = read(fds[0], said, sizeof(said) - 1);
	close(fds[0]);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	said[n > 0 ? n : 0] = 0;
	if (!strstr(said, words))
		fail_msg("said \"%s\", which lacks \"%s\"", said, words);
}

static void tell(void)
{
	fputs(said, stdout);
}

static void machines_that_cannot_be(void **state)
{
	qemu_info_t info = good_info();

	assert_int_equal(install(1, &info, 0, NULL), 0);
	atexit(tell);
	kvm_allowed = true;
	tcg_allowed = false;
	assert_dies("-accel tcg");
	setup(NULL);
	assert_int_equal(install(1, &info, 0, NULL), 0);
	discard_allowed = -16;
	assert_dies("may not be discarded");
	discard_allowed = 0;
	assert_dies("memory can't be found");
	said[0] = 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(known_versions_only, setup),
		cmocka_unit_test_setup(x86_64_machines_only, setup),
		cmocka_unit_test_setup(arguments, setup),
		cmocka_unit_test_setup(machines_that_cannot_be, setup),
	};
	void *plugin;

	if (argc != 2) {
		fprintf(stderr, "usage: %s PLUG-IN.so\n", argv[0]);
		return 2;
	}
	plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	if (!plugin) {
		fprintf(stderr, "%s\n", dlerror());
		return 2;
	}
	*(void **)&install = dlsym(plugin, "qemu_plugin_install");
	if (!install || *(int *)dlsym(plugin, "qemu_plugin_version") != QEMU_PLUGIN_API) {
		fprintf(stderr, "%s is not the plug-in\n", argv[1]);
		return 2;
	}
	return cmocka_run_group_tests_name("monitor-qemu", tests, NULL, NULL);
}
