// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "group.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "psi.h"

#define GROUPS_FOLDER "/sys/fs/cgroup"
#define NAME	      "aerostatd-home"

static char folder[2 * AERO_PATH_MAX]; /* empty: there is no group */

/* "0::/system.slice/aerostatd.service" is the line of version 2. */
static bool own_group(const char *root, char *group, size_t size)
{
	char text[4096], *line, *rest = text;

	if (aero_read(root, "/proc/self/cgroup", text, sizeof(text)))
		return false;
	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, "0::/", 4))
			continue;
		snprintf(group, size, "%s", strcmp(line, "0::/") ? line + 3 : "");
		return true;
	}
	return false;
}

void aero_group_start(const char *root)
{
	char group[AERO_PATH_MAX];
	int n;

	folder[0] = 0;
	if (!own_group(root, group, sizeof(group)))
		return;
	n = snprintf(folder, sizeof(folder), "%s" GROUPS_FOLDER "%s/" NAME, root, group);
	if (n < 0 || (size_t)n >= sizeof(folder) || (mkdir(folder, 0755) && errno != EEXIST))
		folder[0] = 0;
}

void aero_group_end(void)
{
	if (folder[0])
		rmdir(folder);
	folder[0] = 0;
}

void aero_group_enter(void)
{
	if (folder[0])
		aero_write(folder, "/cgroup.procs", "0");
}

uint64_t aero_group_waited_us(void)
{
	struct aero_psi waited;
	char text[512];

	if (!folder[0] || aero_read(folder, "/memory.pressure", text, sizeof(text)) ||
	    !aero_psi_parse(text, &waited))
		return 0;
	return waited.some_us;
}
