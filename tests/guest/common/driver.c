/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "driver.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "platform.h"

#define HOG_MS	  30000u
#define UNLOAD_MS 60000

static const struct lab_platform *platform_of(struct lab_guest *g)
{
	return lab_guest_config(g)->platform;
}

const char *driver_insert(struct lab_guest *g)
{
	LAB_OK(lab_must(g, 30000, "modprobe %s", platform_of(g)->driver));
	return NULL;
}

const char *driver_remove(struct lab_guest *g)
{
	LAB_OK(lab_must(g, UNLOAD_MS, "rmmod %s aerostat", platform_of(g)->driver));
	return NULL;
}

const char *drivers_gone(struct lab_guest *g)
{
	const struct lab_platform *p = platform_of(g);

	LAB_OK(lab_must(g, UNLOAD_MS,
			"for m in %s aerostat %s; do"
			" if grep -q \"^$m \" /proc/modules; then rmmod $m || exit 1; fi; done",
			p->driver ? p->driver : "", p->in_tree ? p->in_tree : ""));
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

const char *switch_cpus(struct lab_guest *g, int *id)
{
	*id = lab_begin(
		g, 120000,
		"sh while [ ! -e /tmp/over ]; do for on in 0 1; do for c in 1 2 3; do"
		" echo $on >/sys/devices/system/cpu/cpu$c/online || exit 1; done; done; done");
	LAB_CHECK(*id > 0, "%s", lab_error());
	return NULL;
}

const char *switch_no_more_cpus(struct lab_guest *g, int id)
{
	LAB_OK(lab_must(g, 10000, "touch /tmp/over"));
	LAB_CHECK(lab_end(g, id, 30000, NULL) == 0, "a CPU could not be switched: %s", lab_error());
	return NULL;
}

const char *hog(struct lab_guest *g, unsigned int mib)
{
	unsigned long long touched = 0;
	char request[32], state[16] = "";

	snprintf(request, sizeof(request), "hog start %u", mib);
	LAB_TRY(agent(g, request));
	for (unsigned int i = 0; i < HOG_MS / 100; i++) {
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

const char *hog_is_killed(struct lab_guest *g, unsigned int mib)
{
	char request[32], *out;

	snprintf(request, sizeof(request), "hog start %u", mib);
	LAB_TRY(agent(g, request));
	for (unsigned int i = 0; i < HOG_MS / 100; i++) {
		bool killed;

		LAB_CHECK(lab_call(g, 5000, &out, "hog status") == 0, "%s", lab_error());
		killed = !strncmp(out, "killed", 6);
		free(out);
		if (killed)
			return NULL;
		lab_sleep_ms(100);
	}
	return lab_because("the hog was not killed, so it got memory from somewhere");
}

const char *guest_ends(struct lab_guest *g, const char *how, unsigned int limit_ms)
{
	int64_t start = lab_now_ms();

	for (; lab_alive(g); lab_sleep_ms(50))
		LAB_CHECK(lab_now_ms() - start <= limit_ms, "'%s' did not end the guest", how);
	lab_note("%s: ended after %" PRId64 " ms", how, lab_now_ms() - start);
	return NULL;
}

/* The number behind "NAME " at the beginning of a line; adds `scale` times of it to *sum. */
bool stats_add(const char *text, const char *name, uint64_t scale, uint64_t *sum)
{
	size_t length = strlen(name);
	char *end;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) || line[length] != ' ')
			continue;
		*sum += scale * strtoull(line + length + 1, &end, 10);
		return end != line + length + 1;
	}
	return false;
}

const char *driver_stat(struct lab_guest *g, const char *name, uint64_t *out)
{
	char *text;
	bool found;

	LAB_OK(lab_read_file(g, STATS, &text));
	*out = 0;
	found = stats_add(text, name, 1, out);
	free(text);
	LAB_CHECK(found, "the statistics have no %s", name);
	return NULL;
}

/* For commands, whose lines appear only after the first use. */
uint64_t driver_stat_or_0(struct lab_guest *g, const char *name)
{
	uint64_t value = 0;
	char *text;

	if (lab_read_file(g, STATS, &text))
		return 0;
	stats_add(text, name, 1, &value);
	free(text);
	return value;
}
