/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* In dom0: sends on what the consoles of domUs have said. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

#define CONSOLES "/var/log/xen/console"
#define TAILS	 32

struct tail {
	char name[64]; /* of the domU; empty: free */
	off_t offset;
};

static struct tail *tail_of(const char *name)
{
	static struct tail tails[TAILS];

	for (struct tail *tail = tails; tail < tails + TAILS; tail++) {
		if (!*tail->name)
			snprintf(tail->name, sizeof(tail->name), "%s", name);
		if (!strcmp(tail->name, name))
			return tail;
	}
	return NULL;
}

/* What is new in guest-NAME.log, as frames "NAME\nTEXT". */
static void console_send(const char *file)
{
	static char text[8192];
	char path[320], name[64];
	struct tail *tail;
	int fd, head;
	ssize_t n;

	if (sscanf(file, "guest-%63[A-Za-z0-9_-].log", name) != 1)
		return;
	tail = tail_of(name);
	snprintf(path, sizeof(path), "%s/%s", CONSOLES, file);
	fd = tail ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	head = snprintf(text, sizeof(text), "%s\n", name);
	while ((n = pread(fd, text + head, sizeof(text) - (size_t)head, tail->offset)) > 0) {
		answer(0, CONSOLE_STATUS, text, (size_t)(head + n));
		tail->offset += n;
	}
	close(fd);
}

void consoles_send(void)
{
	DIR *folder = opendir(CONSOLES);
	struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		console_send(entry->d_name);
	if (folder)
		closedir(folder);
}

/* consoles: what domUs have said up to now has been sent on when the answer comes. */
void do_consoles(unsigned int id)
{
	consoles_send();
	answer(id, 0, "", 0);
}
