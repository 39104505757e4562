/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "driver.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define STATS	 "/sys/kernel/debug/aerostat/stats"
#define SIZE_KIB "/sys/kernel/aerostat/size_kib"

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
	LAB_OK(lab_must(g, 20000, "modprobe aerostat_vmware"));
	return wait_connected(g, true);
}

const char *driver_unload(struct lab_guest *g)
{
	uint64_t pages;

	LAB_OK(lab_must(g, 60000, "rmmod aerostat_vmware && rmmod aerostat"));
	LAB_TRY(wait_connected(g, false));
	LAB_OK(lab_size(g, &pages));
	LAB_CHECK(pages == 0, "the monitor still has %" PRIu64 " pages", pages);
	return NULL;
}

const char *agent(struct lab_guest *g, const char *request)
{
	char *out = NULL;
	int status = lab_call(g, 60000, &out, "%s", request);

	if (status < 0)
		return lab_because("%s: %s", request, lab_error());
	if (status > 0)
		return lab_because("%s: %s", request, out);
	free(out);
	return NULL;
}

const char *hog(struct lab_guest *g, unsigned int mib)
{
	unsigned long long touched = 0;
	char request[32], state[16] = "";

	snprintf(request, sizeof(request), "hog start %u", mib);
	LAB_TRY(agent(g, request));
	for (unsigned int i = 0; i < SETTLE_MS / 100; i++) {
		char *out;

		LAB_CHECK(lab_call(g, 5000, &out, "hog status") == 0, "%s", lab_error());
		LAB_CHECK(sscanf(out, "%15s touched_pages %llu", state, &touched) == 2, "%s", out);
		free(out);
		LAB_CHECK(!strcmp(state, "running"), "the hog is %s after %llu pages", state,
			  touched);
		if (touched == (unsigned long long)mib * LAB_PAGES_PER_MIB)
			return NULL;
		lab_sleep_ms(100);
	}
	return lab_because("the hog waits, with %llu of %u pages", touched,
			   mib * LAB_PAGES_PER_MIB);
}

/* The number behind "NAME " at the beginning of a line. */
static bool find_figure(const char *text, const char *name, uint64_t *out)
{
	size_t length = strlen(name);
	char *end;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) || line[length] != ' ')
			continue;
		*out = strtoull(line + length + 1, &end, 10);
		return end != line + length + 1;
	}
	return false;
}

const char *driver_stat(struct lab_guest *g, const char *name, uint64_t *out)
{
	char *text;
	bool found;

	LAB_OK(lab_read_file(g, STATS, &text));
	found = find_figure(text, name, out);
	free(text);
	LAB_CHECK(found, "the statistics have no %s", name);
	return NULL;
}

/* For commands, whose lines are there only once the command was used. */
uint64_t driver_stat_or_0(struct lab_guest *g, const char *name)
{
	uint64_t value = 0;
	char *text;

	if (lab_read_file(g, STATS, &text))
		return 0;
	find_figure(text, name, &value);
	free(text);
	return value;
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
	LAB_OK(lab_must(g, 60000,
			"for m in aerostat_vmware aerostat vmw_balloon; do"
			"  if grep -q \"^$m \" /proc/modules; then rmmod $m || exit 1; fi; done"));
	LAB_TRY(agent(g, "hog stop"));
	LAB_TRY(agent(g, "fragment stop"));
	LAB_TRY(agent(g, "data free"));
	MONITOR(g, "{\"zero_counters\": true}");
	return NULL;
}
