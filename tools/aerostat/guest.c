// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The guest around the balloon: memory, pressure, swap areas, the daemon. */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "balloon.h"
#include "psi.h"

static int read_memory(const char *root, struct guest *g)
{
	static char text[16384];
	uint64_t swap_free = 0, part = 0;
	int err = aero_read(root, "/proc/meminfo", text, sizeof(text));

	if (err) {
		cli_complain("can't read %s/proc/meminfo: %s", root, strerror(-err));
		return CLI_FAILED;
	}
	if (!aero_line(text, "MemTotal:", &g->total_kib) ||
	    !aero_line(text, "MemFree:", &g->free_kib) ||
	    !aero_line(text, "MemAvailable:", &g->available_kib)) {
		cli_complain("%s/proc/meminfo has no MemTotal, MemFree or MemAvailable", root);
		return CLI_FAILED;
	}
	if (aero_line(text, "Cached:", &part))
		g->cache_kib += part;
	if (aero_line(text, "Buffers:", &part))
		g->cache_kib += part;
	if (aero_line(text, "SwapTotal:", &g->swap_kib) &&
	    aero_line(text, "SwapFree:", &swap_free) && swap_free <= g->swap_kib)
		g->swap_used_kib = g->swap_kib - swap_free;
	return CLI_OK;
}

/* Where PSI is switched off, opening the file works and reading it does not. */
static void read_pressure(const char *root, struct guest *g)
{
	struct aero_psi psi = {.some_us = 0};

	g->pressure = !aero_psi_read(root, &psi);
	g->some_us = psi.some_us;
	g->full_us = psi.full_us;
}

/* By its name, which everybody may read; the lock that it holds is root's. */
static uint64_t find_daemon(const char *root)
{
	char path[2 * AERO_PATH_MAX], name[320], text[32];
	uint64_t pid, found = 0;
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/proc", root);
	folder = opendir(path);
	if (!folder)
		return 0;
	while (!found && (entry = readdir(folder))) {
		if (!aero_parse(entry->d_name, UINT32_MAX, &pid))
			continue;
		snprintf(name, sizeof(name), "/proc/%s/comm", entry->d_name);
		if (!aero_read(root, name, text, sizeof(text)) && !strcmp(text, "aerostatd\n"))
			found = pid;
	}
	closedir(folder);
	return found;
}

int guest_read(const char *root, struct guest *g)
{
	*g = (struct guest){.daemon_pid = 0};
	if (read_memory(root, g))
		return CLI_FAILED;
	read_pressure(root, g);
	g->daemon_pid = find_daemon(root);
	/* A record that can't be read is doctor's to explain; status says so in a word. */
	g->areas_known = aero_areas_load(root, &g->areas);
	if (g->areas_known > 0 && aero_areas_look(root, &g->areas))
		g->areas_known = -1;
	for (size_t i = 0; g->areas_known > 0 && i < g->areas.count; i++)
		g->areas_on += g->areas.area[i].on;
	return CLI_OK;
}
