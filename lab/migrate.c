/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Live migration of a guest from one QEMU to another on this host, through a socket. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

/* Bytes a second. */
#define SLOW	   (64 << 10)
#define FAST	   (1 << 30)

#define CONNECT_MS 10000

/* A QEMU that waits for the guest at @uri. */
static int start_heir(struct lab_guest *g, const char *uri)
{
	struct lab_guest *heir = calloc(1, sizeof(*heir));
	int ret;

	if (!heir)
		return lab_fail(ENOMEM, "no memory for a guest");
	heir->agent.fd = heir->qmp.fd = -1;
	heir->config = g->config;
	heir->incoming = uri;
	ret = lab_machine_start(heir);
	heir->incoming = NULL;
	if (ret)
		lab_stop(heir);
	else
		g->heir = heir;
	return ret;
}

int lab_migrate_begin(struct lab_guest *g)
{
	char folder[] = "/tmp/aerostat-lab-XXXXXX", path[64], uri[80];
	uint64_t bytes;
	int ret;

	if (g->heir || g->domain)
		return lab_fail(EBUSY, "this guest can't be migrated now");
	/* The name of a socket must be short, and that of the build folder may be long. */
	if (!mkdtemp(folder))
		return lab_fail(errno, "can't make %s: %s", folder, strerror(errno));
	snprintf(path, sizeof(path), "%s/socket", folder);
	snprintf(uri, sizeof(uri), "unix:%s", path);
	ret = start_heir(g, uri);
	if (!ret)
		ret = lab_migration_speed(g, SLOW);
	if (!ret)
		ret = lab_qmp_do(g, "migrate", json_pack("{s:s}", "uri", uri));
	/* Then both ends are connected. */
	if (!ret)
		ret = lab_migration_wait(g, CONNECT_MS, 1, &bytes);
	unlink(path);
	rmdir(folder);
	return ret;
}

/* The guest's new home becomes g, with what is known of the guest itself. */
static void move_in(struct lab_guest *g)
{
	struct lab_guest *old = g->heir, home = *g->heir;

	home.config = g->config;
	home.platform_data = g->platform_data;
	home.log_mark = g->log_mark;
	home.next_id = g->next_id;
	home.ready_count = g->ready_count;
	home.boots = g->boots;
	home.answers = g->answers;
	*old = *g;
	old->heir = NULL;
	old->platform_data = NULL;
	old->answers = NULL;
	*g = home;
	lab_stop(old);
}

int lab_migrate_end(struct lab_guest *g, unsigned int timeout_ms, uint64_t *bytes)
{
	int ret = lab_qmp_do(g, "stop", NULL);

	if (!ret)
		ret = lab_migration_speed(g, FAST);
	if (!ret)
		ret = lab_migration_wait(g, timeout_ms, UINT64_MAX, bytes);
	if (ret)
		return ret;
	move_in(g);
	return lab_qmp_do(g, "cont", NULL);
}

int lab_migrate_cancel(struct lab_guest *g)
{
	int ret = lab_qmp_do(g, "migrate_cancel", NULL);

	lab_stop(g->heir);
	g->heir = NULL;
	return ret;
}
