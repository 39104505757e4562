/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The ways in which a guest reaches the device: on PCI with the legacy interface, the modern one
 * and both, and as a piece of memory (MMIO) of a microvm, legacy and modern.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "virtio.h"

#define DATA_MIB   64u
#define ROOM	   60001u /* of the 131072 pages of a guest of 512 MiB */
#define SLACK_KIB  (16u * 1024)
#define UPDATES_MS 15000u
#define BALLOON	   "/machine/peripheral/balloon"
#define PCI	   "virtio-balloon-pci"

static const char *const legacy_args[] = {"-global", PCI ".disable-modern=on", "-global",
					  PCI ".disable-legacy=off", NULL};
static const char *const both_args[] = {"-global", PCI ".disable-modern=off", "-global",
					PCI ".disable-legacy=off", NULL};
static const char *const modern_args[] = {"-global", PCI ".disable-modern=off", "-global",
					  PCI ".disable-legacy=on", NULL};

static struct lab_config legacy = {.memory_mib = 512, .extra = legacy_args};
static struct lab_config both = {.memory_mib = 512, .extra = both_args};
static struct lab_config modern = {.memory_mib = 512, .extra = modern_args};
static struct lab_config mmio = {.memory_mib = 512, .type = MMIO};
static struct lab_config mmio_legacy = {.memory_mib = 512, .type = MMIO_LEGACY};

/* ---- what the guest sees ---- */

/* Whether the device is on this bus, and whether it was negotiated as a modern one (bit 32). */
static const char *device_is(struct lab_guest *g, const char *bus, bool is_modern)
{
	LAB_OK(lab_must(g, 10000,
			"for d in /sys/bus/virtio/devices/*; do"
			" test \"$(cat $d/device)\" = 0x0005 || continue;"
			" readlink -f $d | grep -q '/%s' || exit 2;"
			" test \"$(cut -c 33 $d/features)\" = %d || { cat $d/features; exit 3; };"
			" exit 0; done; exit 1",
			bus, is_modern));
	return NULL;
}

/* ---- statistics ---- */

static const char *figures(struct lab_guest *g, json_int_t *at, uint64_t *total,
			   uint64_t *available)
{
	json_t *all = lab_qmp(g, "qom-get",
			      json_pack("{s:s, s:s}", "path", BALLOON, "property", "guest-stats"));
	json_t *stats = json_object_get(all, "stats");

	LAB_CHECK(all, "%s", lab_error());
	*at = json_integer_value(json_object_get(all, "last-update"));
	*total = (uint64_t)json_integer_value(json_object_get(stats, "stat-total-memory"));
	*available = (uint64_t)json_integer_value(json_object_get(stats, "stat-available-memory"));
	json_decref(all);
	return NULL;
}

static bool is_near(uint64_t a, uint64_t b)
{
	return a < b + SLACK_KIB && b < a + SLACK_KIB;
}

/* Tags and values are in the guest's byte order on a legacy device, which is the same here. */
static const char *statistics_agree(struct lab_guest *g)
{
	int64_t start = lab_now_ms();
	json_int_t first, at;
	uint64_t total, available;
	struct lab_meminfo m;

	LAB_TRY(qmp(g, "qom-set",
		    json_pack("{s:s, s:s, s:i}", "path", BALLOON, "property",
			      "guest-stats-polling-interval", "value", 1)));
	LAB_TRY(figures(g, &first, &total, &available));
	do {
		LAB_CHECK(lab_now_ms() - start < UPDATES_MS, "the host gets no statistics");
		lab_sleep_ms(100);
		LAB_TRY(figures(g, &at, &total, &available));
	} while (at < first + 2);
	LAB_OK(lab_meminfo(g, &m));
	LAB_CHECK(total == m.total_kib * 1024,
		  "the host has a total of %" PRIu64 " KiB, not %" PRIu64, total / 1024,
		  m.total_kib);
	LAB_CHECK(is_near(available / 1024, m.available_kib),
		  "the host has %" PRIu64 " KiB available, the guest %" PRIu64, available / 1024,
		  m.available_kib);
	return NULL;
}

/* ---- tests ---- */

/* Without reports: freed memory would be the host's before the balloon has it. */
static const char *host_gains(struct lab_guest *g)
{
	struct lab_host_memory before, after;

	LAB_OK(lab_must(g, 30000, "modprobe aerostat_virtio report_free=0"));
	LAB_TRY(agent(g, "touch"));
	LAB_OK(lab_host_memory(g, &before));
	LAB_TRY(reach(g, ROOM));
	LAB_OK(lab_host_memory(g, &after));
	LAB_CHECK(after.ram_kib + ROOM * LAB_PAGE_KIB / 2 < before.ram_kib,
		  "the host's memory fell from %" PRIu64 " to %" PRIu64 " KiB only", before.ram_kib,
		  after.ram_kib);
	return driver_remove(g);
}

static const char *follows(struct lab_guest *g)
{
	static const uint64_t sizes[] = {ROOM, 3, ROOM / 2, ROOM - 512, 0, ROOM};

	LAB_OK(lab_data_fill(g, DATA_MIB, 91));
	for (unsigned int i = 0; i < LAB_COUNT(sizes); i++)
		LAB_TRY(reach(g, sizes[i]));
	LAB_OK(lab_data_check(g));
	LAB_TRY(statistics_agree(g));
	LAB_TRY(reach(g, 0));
	LAB_OK(lab_data_check(g));
	return NULL;
}

/* Ours, then the kernel's, which must pass the same, and ours again. */
static const char *each_driver_follows(struct lab_guest *g, const char *bus, bool is_modern)
{
	LAB_TRY(host_gains(g));
	for (unsigned int i = 0; i < 2; i++) {
		LAB_TRY(driver_insert(g));
		LAB_TRY(device_is(g, bus, is_modern));
		LAB_TRY(follows(g));
		LAB_TRY(nothing_lost(g));
		LAB_TRY(reach(g, ROOM));
		LAB_TRY(driver_remove(g));
		LAB_OK(lab_wait_size(g, 0, 0, 1000));
		if (i)
			break;
		LAB_OK(lab_target(g, 0));
		LAB_OK(lab_must(g, 30000, "modprobe virtio_balloon"));
		LAB_TRY(device_is(g, bus, is_modern));
		LAB_TRY(follows(g));
		LAB_OK(lab_must(g, 30000, "rmmod virtio_balloon"));
	}
	LAB_OK(lab_data_check(g));
	return NULL;
}

static const char *pci_legacy(struct lab_guest *g)
{
	return each_driver_follows(g, "pci0000:00/", false);
}

static const char *pci_modern(struct lab_guest *g)
{
	return each_driver_follows(g, "pci0000:00/", true);
}

static const char *mmio_modern(struct lab_guest *g)
{
	return each_driver_follows(g, "LNRO0005:", true);
}

static const char *mmio_of_old(struct lab_guest *g)
{
	return each_driver_follows(g, "LNRO0005:", false);
}

static const struct lab_test tests[] = {
	{"pci-legacy", pci_legacy, .config = &legacy, .timeout_s = 240},
	{"pci-transitional", pci_modern, .config = &both, .timeout_s = 240},
	{"pci-modern", pci_modern, .config = &modern, .timeout_s = 240},
	{"mmio-modern", mmio_modern, .config = &mmio, .timeout_s = 240},
	{"mmio-legacy", mmio_of_old, .config = &mmio_legacy, .timeout_s = 240},
};

static const struct lab_suite suite = {
	.name = "virtio-transports",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = drivers_gone,
};

int main(int argc, char **argv)
{
	legacy.platform = both.platform = modern.platform = &lab_platform_virtio;
	mmio.platform = mmio_legacy.platform = &lab_platform_virtio;
	return lab_suite_main(argc, argv, &suite);
}
