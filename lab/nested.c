/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Guests inside a guest (Xen's domUs in dom0): their consoles' logs, and the end of their host. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

static char *log_path(const struct lab_guest *host, const char *name)
{
	const char *build = lab_build_folder();
	char *path = NULL;

	if (build &&
	    asprintf(&path, "%s/logs/%s.%s.console.log", build, host->config.name, name) < 0) {
		lab_fail(ENOMEM, "no memory for file names");
		path = NULL;
	}
	return path;
}

struct lab_nested_log *lab_nested_log(struct lab_guest *host, const char *name)
{
	struct lab_nested_log **at = &host->logs, *log;
	int fd;

	for (; *at; at = &(*at)->next)
		if (!strcmp((*at)->name, name))
			return *at;
	log = calloc(1, sizeof(*log));
	if (!log)
		return NULL;
	snprintf(log->name, sizeof(log->name), "%s", name);
	log->path = log_path(host, name);
	fd = log->path ? open(log->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
	if (fd < 0) {
		lab_fail(EIO, "can't write a console's log %s: %s", log->path ? log->path : "",
			 strerror(errno));
		free(log->path);
		free(log);
		return NULL;
	}
	close(fd);
	*at = log;
	return log;
}

void lab_nested_console(struct lab_guest *g, const struct lab_answer *answer)
{
	size_t head = strcspn(answer->text, "\n");
	struct lab_nested_log *log;
	char name[64];
	int fd;

	/* The name becomes part of a file name, so only the letters of guests' names pass. */
	if (!head || head >= sizeof(name) || answer->text[head] != '\n' ||
	    strspn(answer->text, LAB_NAME_LETTERS) != head)
		return;
	memcpy(name, answer->text, head);
	name[head] = 0;
	log = lab_nested_log(g, name);
	fd = log ? open(log->path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	(void)!write(fd, answer->text + head + 1, answer->length - head - 1);
	close(fd);
}

void lab_nested_forget(struct lab_guest *g)
{
	while (g->nested) {
		struct lab_guest *guest = g->nested;

		g->nested = guest->next_nested;
		guest->host = NULL;
		guest->gone = true;
	}
	while (g->logs) {
		struct lab_nested_log *log = g->logs;

		g->logs = log->next;
		free(log->path);
		free(log);
	}
}
