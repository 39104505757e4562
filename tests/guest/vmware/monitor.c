/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "monitor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *monitor_number(struct lab_guest *g, const char *path, uint64_t *out)
{
	json_t *report = lab_monitor_report(g), *value = report;
	char *keys = strdup(path), *rest = keys, *key;

	while (value && (key = strsep(&rest, ".")))
		value = json_object_get(value, key);
	free(keys);
	*out = json_is_true(value) ? 1 : (uint64_t)json_integer_value(value);
	json_decref(report);
	LAB_CHECK(report, "no report: %s", lab_error());
	LAB_CHECK(value, "the monitor's report has no %s", path);
	return NULL;
}

static const char *wait_connected(struct lab_guest *g, bool wanted)
{
	uint64_t connected = !wanted;

	for (unsigned int i = 0; i < SETTLE_MS / 100; i++) {
		LAB_TRY(monitor_number(g, "connection.connected", &connected));
		if (connected == wanted)
			return NULL;
		lab_sleep_ms(100);
	}
	return lab_because("the driver did not %s", wanted ? "connect" : "disconnect");
}

const char *driver_load(struct lab_guest *g)
{
	LAB_TRY(driver_insert(g));
	return wait_connected(g, true);
}

const char *peer_load(struct lab_guest *g)
{
	LAB_OK(lab_must(g, 20000, "modprobe vmw_balloon"));
	return wait_connected(g, true);
}

const char *driver_unload(struct lab_guest *g)
{
	uint64_t pages;

	LAB_TRY(driver_remove(g));
	LAB_TRY(wait_connected(g, false));
	LAB_OK(lab_size(g, &pages));
	LAB_CHECK(pages == 0, "the monitor still has %" PRIu64 " pages", pages);
	return NULL;
}

/* After a reset the monitor has forgotten the pages before the driver knows; so it may take a run.
 */
const char *sizes_agree(struct lab_guest *g, uint64_t pages)
{
	uint64_t monitor, driver_kib = 0;

	LAB_OK(lab_size(g, &monitor));
	LAB_CHECK(monitor == pages, "the monitor has %" PRIu64 " pages, not %" PRIu64, monitor,
		  pages);
	for (unsigned int i = 0; i < 50; i++) {
		LAB_OK(lab_read_number(g, SIZE_KIB, &driver_kib));
		if (driver_kib == pages * LAB_PAGE_KIB)
			return NULL;
		lab_sleep_ms(100);
	}
	return lab_because("the driver says %" PRIu64 " KiB, not %" PRIu64, driver_kib,
			   pages * LAB_PAGE_KIB);
}

const char *inflate_to(struct lab_guest *g, uint64_t pages)
{
	LAB_OK(lab_target(g, pages));
	LAB_OK(lab_wait_size(g, pages, pages, SETTLE_MS));
	return sizes_agree(g, pages);
}

const char *inflate_single_pages(struct lab_guest *g, unsigned int data_mib, uint64_t pages)
{
	LAB_OK(lab_data_fill(g, data_mib, (unsigned int)pages));
	LAB_TRY(agent(g, "fragment 512"));
	LAB_OK(lab_must(g, 20000, "modprobe aerostat large=0 split=0"));
	LAB_TRY(driver_load(g));
	return inflate_to(g, pages);
}

const char *deflate_to(struct lab_guest *g, uint64_t pages)
{
	uint64_t size, before;

	LAB_OK(lab_target(g, pages));
	LAB_OK(lab_wait_size(g, pages, pages ? pages + SLACK_PAGES - 1 : 0, SETTLE_MS));
	/* Within the slack it may still be on its way down. */
	do {
		LAB_OK(lab_size(g, &before));
		lab_sleep_ms(200);
		LAB_OK(lab_size(g, &size));
	} while (size != before);
	return sizes_agree(g, size);
}

const char *nothing_lost(struct lab_guest *g)
{
	static const char *const units[] = {"base", "large"};
	uint64_t light, reclaim, given;
	char name[64];

	LAB_TRY(sizes_agree(g, 0));
	for (size_t i = 0; i < LAB_COUNT(units); i++) {
		snprintf(name, sizeof(name), "taken_light_%s", units[i]);
		LAB_TRY(driver_stat(g, name, &light));
		snprintf(name, sizeof(name), "taken_reclaim_%s", units[i]);
		LAB_TRY(driver_stat(g, name, &reclaim));
		snprintf(name, sizeof(name), "freed_%s", units[i]);
		LAB_TRY(driver_stat(g, name, &given));
		LAB_CHECK(light + reclaim == given,
			  "%s: took %" PRIu64 ", gave back %" PRIu64 " with an empty balloon",
			  units[i], light + reclaim, given);
	}
	return NULL;
}

const char *tidy(struct lab_guest *g)
{
	MONITOR(g, "{\"faults\": [], \"withhold\": [], \"old_host\": false,"
		   " \"force_target_pages\": null, \"target_pages\": 0}");
	LAB_TRY(drivers_gone(g));
	LAB_TRY(agent(g, "hog stop"));
	LAB_TRY(agent(g, "fragment stop"));
	LAB_TRY(agent(g, "data free"));
	MONITOR(g, "{\"zero_counters\": true}");
	return NULL;
}
