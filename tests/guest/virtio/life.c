/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What happens to a guest with virtio's balloon in its life: docs/design/life.md. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "virtio.h"

#define DATA_MIB 128u
#define BALLOON	 "/machine/peripheral/balloon"

static struct lab_config two = {.memory_mib = 1024, .cpus = 2, .type = REPORTING};
static struct lab_config numbers = {.memory_mib = 1024, .cpus = 2, .type = TOLD};
static struct lab_config four = {.memory_mib = 1024, .cpus = 4, .type = REPORTING};
static struct lab_config compressed = {.memory_mib = 1024, .cpus = 1, .type = REPORTING};

static const char *full(struct lab_guest *g, uint64_t seed)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, seed));
	LAB_TRY(driver_insert(g));
	return reach(g, FAR);
}

/* The balloon still follows its target, exactly; the guest's data is right. */
static const char *works(struct lab_guest *g)
{
	uint64_t broken;

	LAB_OK(lab_wait_size(g, FAR, FAR, SETTLE_MS));
	LAB_TRY(reach(g, FAR / 3));
	LAB_TRY(reach(g, FAR));
	LAB_OK(lab_data_check(g));
	LAB_TRY(reach(g, 0));
	LAB_TRY(nothing_lost(g));
	LAB_OK(lab_data_check(g));
	LAB_TRY(driver_stat(g, "broken_devices", &broken));
	LAB_CHECK(!broken, "the device was taken for broken %" PRIu64 " times", broken);
	return driver_remove(g);
}

static const char *statistics_come(struct lab_guest *g)
{
	json_int_t first = 0, last = 0;

	LAB_TRY(qmp(g, "qom-set",
		    json_pack("{s:s, s:s, s:i}", "path", BALLOON, "property",
			      "guest-stats-polling-interval", "value", 1)));
	for (unsigned int i = 0; i < 100 && last <= first; i++) {
		json_t *all = lab_qmp(
			g, "qom-get",
			json_pack("{s:s, s:s}", "path", BALLOON, "property", "guest-stats"));

		last = json_integer_value(json_object_get(all, "last-update"));
		first = first ? first : last;
		json_decref(all);
		lab_sleep_ms(100);
	}
	LAB_CHECK(last > first, "the host gets no statistics");
	return NULL;
}

/* ---- sleep ---- */

static const char *suspend_to_ram(struct lab_guest *g)
{
	int id;

	LAB_TRY(full(g, 61));
	LAB_TRY(statistics_come(g));
	for (unsigned int i = 0; i < 2; i++) {
		id = lab_begin(g, 60000,
			       "sh echo deep >/sys/power/mem_sleep; echo mem >/sys/power/state");
		LAB_CHECK(id > 0, "%s", lab_error());
		lab_sleep_ms(5000);
		LAB_TRY(qmp(g, "system_wakeup", NULL));
		LAB_CHECK(lab_end(g, id, 40000, NULL) == 0, "the guest did not wake up: %s",
			  lab_error());
	}
	LAB_TRY(statistics_come(g));
	return works(g);
}

/* Devices are put to sleep for five seconds and woken up; meanwhile there is a new target. */
static const char *devices_sleep(struct lab_guest *g)
{
	int id;

	LAB_TRY(full(g, 62));
	LAB_OK(lab_must(g, 5000, "echo devices >/sys/power/pm_test"));
	id = lab_begin(g, 60000, "sh echo mem >/sys/power/state");
	LAB_CHECK(id > 0, "%s", lab_error());
	lab_sleep_ms(3000);
	LAB_OK(lab_target(g, 1000));
	LAB_CHECK(lab_end(g, id, 40000, NULL) == 0, "the guest did not wake up: %s", lab_error());
	LAB_OK(lab_must(g, 5000, "echo none >/sys/power/pm_test"));
	LAB_OK(lab_wait_size(g, 1000, 1000, SETTLE_MS));
	LAB_TRY(reach(g, FAR));
	LAB_TRY(statistics_come(g));
	return works(g);
}

/* ---- the device ---- */

static const char *wait_for_size_file(struct lab_guest *g, bool there)
{
	LAB_OK(lab_must(g, 30000,
			"i=0; until test %s " SIZE_KIB "; do i=$((i + 1));"
			" test $i -lt 200 || exit 1; usleep 100000; done",
			there ? "-e" : "! -e"));
	return NULL;
}

static const char *plug_in(struct lab_guest *g)
{
	LAB_TRY(plug_balloon(g));
	return wait_for_size_file(g, true);
}

static const char *unplug(struct lab_guest *g)
{
	LAB_TRY(qmp(g, "device_del", json_pack("{s:s}", "id", "balloon")));
	return wait_for_size_file(g, false);
}

/* The host takes the device away while all of it is in the balloon, and brings it back. */
static const char *hot_unplug_full(struct lab_guest *g)
{
	struct lab_meminfo before, after;

	LAB_OK(lab_data_fill(g, DATA_MIB, 64));
	LAB_OK(lab_meminfo(g, &before));
	LAB_TRY(driver_insert(g));
	for (unsigned int i = 0; i < 3; i++) {
		LAB_TRY(reach(g, FAR));
		LAB_TRY(unplug(g));
		LAB_OK(lab_meminfo(g, &after));
		LAB_CHECK(after.free_kib + 24 * 1024 > before.free_kib,
			  "free memory was %" PRIu64 " KiB and is %" PRIu64, before.free_kib,
			  after.free_kib);
		LAB_OK(lab_data_check(g));
		LAB_TRY(plug_in(g));
	}
	LAB_TRY(reach(g, FAR));
	return works(g);
}

/* The same in the middle of a move. */
static const char *hot_unplug_in_mid_move(struct lab_guest *g)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, 65));
	LAB_TRY(driver_insert(g));
	for (unsigned int i = 0; i < 8; i++) {
		LAB_OK(lab_target(g, FAR));
		lab_sleep_ms(i * 7);
		LAB_TRY(unplug(g));
		LAB_TRY(plug_in(g));
		LAB_OK(lab_target(g, i % 2 ? FAR : 0));
	}
	LAB_TRY(reach(g, FAR));
	return works(g);
}

/* ---- the machine ---- */

/* QEMU stands still while batches are in flight, more than once, and goes on. */
static const char *stopped_in_mid_batch(struct lab_guest *g)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, 66));
	LAB_TRY(agent(g, "touch"));
	LAB_TRY(driver_insert(g));
	for (unsigned int i = 0; i < 10; i++) {
		uint64_t goal = i % 2 ? 100 : FAR;

		LAB_OK(lab_target(g, goal));
		lab_sleep_ms(i * 3);
		LAB_TRY(qmp(g, "stop", NULL));
		lab_sleep_ms(i == 4 ? 5000 : 500);
		LAB_TRY(qmp(g, "cont", NULL));
		LAB_OK(lab_wait_size(g, goal, goal, SETTLE_MS));
	}
	LAB_TRY(reach(g, FAR));
	return works(g);
}

static const char *machine_reset(struct lab_guest *g)
{
	LAB_TRY(full(g, 67));
	LAB_OK(lab_reset(g));
	LAB_OK(lab_data_fill(g, DATA_MIB, 68));
	LAB_TRY(driver_insert(g));
	return works(g);
}

/* CPUs leave and come back while the balloon moves. */
static const char *cpus_come_and_go(struct lab_guest *g)
{
	int id;

	LAB_OK(lab_data_fill(g, DATA_MIB, 69));
	LAB_TRY(driver_insert(g));
	LAB_TRY(switch_cpus(g, &id));
	for (unsigned int i = 0; i < 4; i++) {
		LAB_TRY(reach(g, FAR));
		LAB_TRY(reach(g, 0));
	}
	LAB_TRY(switch_no_more_cpus(g, id));
	LAB_TRY(reach(g, FAR));
	return works(g);
}

static const struct lab_test tests[] = {
	{"stopped-in-mid-batch", stopped_in_mid_batch, .config = &two, .timeout_s = 240},
	{"devices-sleep", devices_sleep, .config = &two, .timeout_s = 180},
	{"hot-unplug-full", hot_unplug_full, .config = &two, .timeout_s = 240},
	{"hot-unplug-in-mid-move", hot_unplug_in_mid_move, .config = &two, .timeout_s = 240},
	{"machine-reset", machine_reset, .config = &two, .timeout_s = 180},
	{"stopped-in-mid-batch-numbers", stopped_in_mid_batch, .config = &numbers,
	 .timeout_s = 240},
	{"suspend-to-ram", suspend_to_ram, .config = &compressed, .timeout_s = 240},
	{"cpus-come-and-go", cpus_come_and_go, .config = &four, .timeout_s = 240},
};

static const struct lab_suite suite = {
	.name = "virtio-life",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = drivers_gone,
};

int main(int argc, char **argv)
{
	two.platform = numbers.platform = four.platform = &lab_platform_virtio;
	compressed.platform = &lab_platform_virtio;
	/* Only the compressed kernel has the code that wakes up from suspend in QEMU. */
	compressed.kernel = lab_env("AERO_VMLINUZ");
	return lab_suite_main(argc, argv, &suite);
}
