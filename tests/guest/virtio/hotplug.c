/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The device comes and goes, and so does memory beside it.  Each with our driver and with the
 * kernel's.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "virtio.h"

#define DATA_MIB  128u
#define MORE_MIB  256u
#define ROUNDS	  10u
#define MIB	  (1024ull * 1024)
/*
 * The balloon's single pages are moved one by one, with two requests each: up to 65536 of them, of
 * which an emulated machine moves 2000 to 3500 a second, when it is not busy with anything else.
 */
#define UNPLUG_MS 240000u

static const char *const slots[] = {"-m", "size=1024M,slots=2,maxmem=2048M", NULL};
static struct lab_config config = {.memory_mib = 1024, .cpus = 2, .type = REPORTING};
static struct lab_config growing = {
	.memory_mib = 1024, .cpus = 2, .type = REPORTING, .extra = slots};

/* ---- the device ---- */

static const char *unplug(struct lab_guest *g)
{
	uint64_t size;

	LAB_TRY(qmp(g, "device_del", json_pack("{s:s}", "id", "balloon")));
	for (unsigned int i = 0; i < UNPLUG_MS / 100; i++) {
		if (lab_size(g, &size))
			return NULL;
		lab_sleep_ms(100);
	}
	return lab_because("the device is still there after %u s", UNPLUG_MS / 1000);
}

/* A second device is refused while the first works; without one there is no balloon. */
static const char *plugged_again_and_again(struct lab_guest *g, const char *module)
{
	json_t *second;

	LAB_OK(lab_data_fill(g, DATA_MIB, 91));
	LAB_TRY(insert(g, module));
	for (unsigned int i = 0; i < ROUNDS; i++) {
		LAB_TRY(unplug(g));
		LAB_CHECK(lab_target(g, FAR), "a target was set without a device");
		LAB_TRY(plug_balloon(g));
		LAB_TRY(reach(g, FAR));
		second = lab_qmp(
			g, "device_add",
			json_pack("{s:s, s:s}", "driver", "virtio-balloon-pci", "id", "second"));
		LAB_CHECK(!second, "there are two devices");
		LAB_TRY(reach(g, FAR / 3));
	}
	LAB_TRY(reach(g, 0));
	LAB_OK(lab_data_check(g));
	return NULL;
}

/* The machine restarts without the device, and with one that was not there at its boot. */
static const char *plugged_and_reset(struct lab_guest *g, const char *module)
{
	LAB_TRY(insert(g, module));
	LAB_TRY(reach(g, FAR));
	LAB_TRY(unplug(g));
	LAB_OK(lab_reset(g));
	LAB_TRY(insert(g, module));
	LAB_TRY(plug_balloon(g));
	LAB_TRY(reach(g, FAR));
	LAB_OK(lab_reset(g));
	LAB_OK(lab_data_fill(g, DATA_MIB, 92));
	LAB_TRY(insert(g, module));
	LAB_TRY(reach(g, FAR));
	LAB_TRY(reach(g, 0));
	LAB_OK(lab_data_check(g));
	return NULL;
}

/* ---- memory ---- */

/* In MiB of what the guest keeps, as the machine's memory is another from time to time. */
static const char *keep(struct lab_guest *g, unsigned int mib)
{
	int64_t start = lab_now_ms();
	uint64_t bytes;

	LAB_OK(lab_balloon_set(g, mib * MIB));
	do {
		lab_sleep_ms(50);
		LAB_OK(lab_balloon_get(g, &bytes));
		LAB_CHECK(lab_now_ms() - start < SETTLE_MS,
			  "the guest has %" PRIu64 " KiB, not %u MiB", bytes / 1024, mib);
	} while (bytes != mib * MIB);
	return NULL;
}

static const char *has(struct lab_guest *g, unsigned int mib)
{
	uint64_t bytes;

	LAB_OK(lab_balloon_get(g, &bytes));
	LAB_CHECK(bytes == mib * MIB, "the guest has %" PRIu64 " KiB, not %u MiB", bytes / 1024,
		  mib);
	return NULL;
}

static const char *plug_memory(struct lab_guest *g)
{
	struct lab_meminfo before, after;

	LAB_OK(lab_meminfo(g, &before));
	LAB_TRY(qmp(g, "object-add",
		    json_pack("{s:s, s:s, s:I}", "qom-type", "memory-backend-ram", "id", "more",
			      "size", (json_int_t)(MORE_MIB * MIB))));
	LAB_TRY(qmp(
		g, "device_add",
		json_pack("{s:s, s:s, s:s}", "driver", "pc-dimm", "id", "dimm", "memdev", "more")));
	/* Some kernels leave it to an administrator to switch memory on. */
	LAB_OK(lab_must(g, 30000,
			"i=0; until [ -e /sys/devices/system/memory/memory33 ]; do i=$((i + 1));"
			" test $i -lt 100 || exit 1; usleep 100000; done;"
			" for m in 32 33; do cd /sys/devices/system/memory/memory$m;"
			" grep -q online state || echo online_movable >state || exit 1; done"));
	LAB_OK(lab_meminfo(g, &after));
	LAB_CHECK(after.total_kib == before.total_kib + MORE_MIB * 1024,
		  "MemTotal was %" PRIu64 " KiB and is %" PRIu64, before.total_kib,
		  after.total_kib);
	return NULL;
}

/* The guest has to clear it first, of the balloon's pages as well. */
static const char *unplug_memory(struct lab_guest *g)
{
	for (unsigned int i = 0; i < UNPLUG_MS / 100; i++) {
		json_t *devices = lab_qmp(g, "query-memory-devices", NULL);
		size_t count = json_array_size(devices);

		json_decref(devices);
		if (devices && !count)
			return qmp(g, "object-del", json_pack("{s:s}", "id", "more"));
		/* The guest may have failed to; it does not try again by itself. */
		if (i % 50 == 0)
			json_decref(lab_qmp(g, "device_del", json_pack("{s:s}", "id", "dimm")));
		lab_sleep_ms(100);
	}
	return lab_because("the memory is still there after %u s", UNPLUG_MS / 1000);
}

static const char *unplug_beside_a_balloon(struct lab_guest *g)
{
	uint64_t migrated = driver_stat_or_0(g, "migrated"), kicks = driver_stat_or_0(g, "kicks");
	int64_t start = lab_now_ms();

	LAB_TRY(unplug_memory(g));
	migrated = driver_stat_or_0(g, "migrated") - migrated;
	kicks = driver_stat_or_0(g, "kicks") - kicks;
	lab_note("the memory left in %.1f s; ours migrated %" PRIu64
		 " pages, and its worker was kicked %" PRIu64 " times",
		 (double)(lab_now_ms() - start) / 1000, migrated, kicks);
	/* Reported: two kicks for each page, and each of them took the lock from the next one. */
	LAB_CHECK(kicks <= 500 + migrated / 10, "the worker was kicked for single pages");
	return NULL;
}

/*
 * The balloon keeps its size when memory comes, takes from that memory when it has to, and lets go
 * of it when it leaves.
 */
static const char *memory_beside_a_balloon(struct lab_guest *g, const char *module)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, 93));
	LAB_TRY(insert(g, module));
	for (unsigned int i = 0; i < 2; i++) {
		LAB_TRY(keep(g, 512));
		LAB_TRY(plug_memory(g));
		LAB_TRY(has(g, 512 + MORE_MIB));
		/* 830 MiB: more than there were beside its data and its kernel, some 230 MiB. */
		LAB_TRY(keep(g, 450));
		LAB_OK(lab_data_check(g));
		LAB_TRY(keep(g, 700));
		LAB_TRY(unplug_beside_a_balloon(g));
		LAB_TRY(has(g, 700 - MORE_MIB));
		LAB_OK(lab_data_check(g));
	}
	LAB_TRY(keep(g, 1024));
	LAB_OK(lab_data_check(g));
	return NULL;
}

VIRTIO_BOTH(plugged_again_and_again)
VIRTIO_BOTH(plugged_and_reset)
VIRTIO_BOTH(memory_beside_a_balloon)

static const struct lab_test tests[] = {
	{"plugged-again-and-again", plugged_again_and_again_ours, .config = &config,
	 .timeout_s = 240},
	{"plugged-again-and-again-virtio_balloon", plugged_again_and_again_theirs,
	 .config = &config, .timeout_s = 240},
	{"plugged-and-reset", plugged_and_reset_ours, .config = &config, .timeout_s = 240},
	{"plugged-and-reset-virtio_balloon", plugged_and_reset_theirs, .config = &config,
	 .timeout_s = 240},
	{"memory-beside-a-balloon", memory_beside_a_balloon_ours, .config = &growing,
	 .timeout_s = 900},
	{"memory-beside-a-balloon-virtio_balloon", memory_beside_a_balloon_theirs,
	 .config = &growing, .timeout_s = 900},
};

static const struct lab_suite suite = {
	.name = "virtio-hotplug",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = drivers_gone,
};

int main(int argc, char **argv)
{
	config.platform = growing.platform = &lab_platform_virtio;
	return lab_suite_main(argc, argv, &suite);
}
