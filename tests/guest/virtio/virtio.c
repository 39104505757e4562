/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "virtio.h"

#include <inttypes.h>

const char *reach(struct lab_guest *g, uint64_t pages)
{
	LAB_OK(lab_target(g, pages));
	LAB_OK(lab_wait_size(g, pages, pages, SETTLE_MS));
	return NULL;
}

const char *nothing_lost(struct lab_guest *g)
{
	static const struct {
		const char *name;
		uint64_t pages;
	} units[] = {{"base", 1}, {"large", LARGE}};
	uint64_t taken = 0, freed = 0, kib;
	char name[64];

	for (unsigned int u = 0; u < LAB_COUNT(units); u++) {
		snprintf(name, sizeof(name), "taken_light_%s", units[u].name);
		taken += driver_stat_or_0(g, name) * units[u].pages;
		snprintf(name, sizeof(name), "taken_reclaim_%s", units[u].name);
		taken += driver_stat_or_0(g, name) * units[u].pages;
		snprintf(name, sizeof(name), "freed_%s", units[u].name);
		freed += driver_stat_or_0(g, name) * units[u].pages;
	}
	LAB_OK(lab_read_number(g, SIZE_KIB, &kib));
	LAB_CHECK(!kib, "%" PRIu64 " KiB are left in the balloon", kib);
	LAB_CHECK(taken && taken == freed, "%" PRIu64 " pages taken, %" PRIu64 " freed", taken,
		  freed);
	return NULL;
}

const char *qmp(struct lab_guest *g, const char *command, json_t *args)
{
	json_t *result = lab_qmp(g, command, args);

	LAB_CHECK(result, "%s: %s", command, lab_error());
	json_decref(result);
	return NULL;
}

const char *insert(struct lab_guest *g, const char *module)
{
	LAB_OK(lab_must(g, 30000, "modprobe %s", module));
	return NULL;
}

const char *plug_balloon(struct lab_guest *g)
{
	for (unsigned int i = 0; i < 100; i++) {
		json_t *added = lab_qmp(
			g, "device_add",
			json_pack("{s:s, s:s}", "driver", "virtio-balloon-pci", "id", "balloon"));

		json_decref(added);
		if (added)
			return NULL;
		lab_sleep_ms(100);
	}
	return lab_because("the device can't be added: %s", lab_error());
}
