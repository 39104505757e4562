/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "virtio.h"

#include <inttypes.h>

/*
 * The kernel waits for two seconds, and then reports a sixteenth of what there is every two
 * seconds at most.  The rest is for a busy machine.
 */
#define REPORTING_MS 60000u

const char *reach(struct lab_guest *g, uint64_t pages)
{
	LAB_OK(lab_target(g, pages));
	LAB_OK(lab_wait_size(g, pages, pages, SETTLE_MS));
	return NULL;
}

const char *nothing_lost_of(struct lab_guest *g, unsigned int page_kib)
{
	const struct {
		const char *name;
		uint64_t pages;
	} units[] = {{"base", 1}, {"large", LARGE * LAB_PAGE_KIB / page_kib}};
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

const char *nothing_lost(struct lab_guest *g)
{
	return nothing_lost_of(g, LAB_PAGE_KIB);
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

const char *wait_for_host(struct lab_guest *g, uint64_t most_kib)
{
	int64_t start = lab_now_ms();
	struct lab_host_memory host;

	do {
		lab_sleep_ms(100);
		LAB_OK(lab_host_memory(g, &host));
		LAB_CHECK(lab_now_ms() - start < REPORTING_MS,
			  "%" PRIu64 " MiB of the host back the guest, not %" PRIu64,
			  host.ram_kib / KIB_PER_MIB, most_kib / KIB_PER_MIB);
	} while (host.ram_kib > most_kib);
	lab_note("%" PRIu64 " MiB are left after %" PRId64 " ms", host.ram_kib / KIB_PER_MIB,
		 lab_now_ms() - start);
	return NULL;
}

const char *use_and_free(struct lab_guest *g)
{
	struct lab_host_memory used;
	struct lab_meminfo m;

	LAB_TRY(agent(g, "touch"));
	LAB_OK(lab_host_memory(g, &used));
	LAB_OK(lab_meminfo(g, &m));
	LAB_CHECK(used.ram_kib > 400 * KIB_PER_MIB, "only %" PRIu64 " KiB were used", used.ram_kib);
	/* All that is free in large blocks, and that is most of it. */
	return wait_for_host(g, used.ram_kib - m.free_kib * 3 / 4);
}
