// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The dom0 that the daemon runs in: xenstore by libxenstore, whose interface is stable, and the
 * hypervisor by xen_control.c.
 */
#include "xen_world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <xenstore.h>

#include "xen_control.h"

/* Somebody else has changed what a transaction looked at: that often it is tried again. */
#define TRIES 10

struct xen_machine {
	struct xs_handle *store; /* NULL: there is no connection */
	struct xen_control *control;
	const struct loop *loop;
	int watch; /* of the loop, for the store's news; -1: none */
	void (*hurry)(void *to);
	void *to;
	const char *why; /* the last failure; NULL: it is in error */
	char error[AERO_HOST_WORDS_MAX];
};

/* ---- xenstore ---- */

static void disconnect(struct xen_machine *m)
{
	if (m->watch >= 0)
		m->loop->remove(m->watch);
	m->watch = -1;
	if (m->store)
		xs_close(m->store);
	m->store = NULL;
}

static int lost(struct xen_machine *m)
{
	int err = errno ? errno : EIO;

	snprintf(m->error, sizeof(m->error),
		 "the connection to xenstore has ended (%s); does xenstored run?", strerror(err));
	m->why = NULL;
	disconnect(m);
	return -ENOTCONN;
}

/*
 * Without this xs_open() would take the kernel's device for want of a socket, and wait there for
 * ever for a daemon that does not run.
 */
static bool answers(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is;

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path)) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	strcpy(address.sun_path, path);
	is = !connect(fd, (struct sockaddr *)&address, sizeof(address));
	close(fd);
	return is;
}

static void news(int watch, int fd, int events, void *data)
{
	struct xen_machine *m = data;
	char **event;

	(void)watch;
	(void)fd;
	(void)events;
	errno = 0;
	while ((event = xs_check_watch(m->store)))
		free(event);
	/* The next look finds out why, and connects again. */
	if (errno != EAGAIN) {
		m->loop->remove(m->watch);
		m->watch = -1;
	}
	m->hurry(m->to);
}

static int connect_store(struct xen_machine *m)
{
	if (m->store)
		return 0;
	if (answers(xs_daemon_socket()))
		m->store = xs_open(0);
	if (!m->store) {
		snprintf(m->error, sizeof(m->error), "nobody answers at %s; does xenstored run?",
			 xs_daemon_socket());
		m->why = NULL;
		return -ENOTCONN;
	}
	if (!xs_watch(m->store, "@introduceDomain", "come") ||
	    !xs_watch(m->store, "@releaseDomain", "go"))
		return lost(m);
	m->watch = m->loop->add(xs_fileno(m->store), LOOP_READABLE, news, m);
	return 0;
}

/* What is wrong with a node, and not with the connection. */
static bool is_of_node(int err)
{
	return err == ENOENT || err == EACCES || err == EINVAL || err == EISDIR;
}

static int read_node(void *self, const char *path, char value[XEN_VALUE_MAX])
{
	struct xen_machine *m = self;
	unsigned int length = 0;
	char *found;
	int ret = 0;

	if (!m->store)
		return -ENOTCONN;
	found = xs_read(m->store, XBT_NULL, path, &length);
	if (!found)
		return is_of_node(errno) ? -ENOENT : lost(m);
	if (length >= XEN_VALUE_MAX || memchr(found, 0, length))
		ret = -E2BIG;
	else {
		memcpy(value, found, length);
		value[length] = 0;
	}
	free(found);
	return ret;
}

static int refused(struct xen_machine *m, const char *path, int err)
{
	snprintf(m->error, sizeof(m->error), "xenstore does not let %s be changed: %s", path,
		 strerror(err));
	m->why = NULL;
	return -err;
}

/* The change is not to be had; and the connection is as good as before, or not. */
static int give_up(struct xen_machine *m, xs_transaction_t t, const char *path)
{
	int err = errno;

	xs_transaction_end(m->store, t, true);
	errno = err;
	return is_of_node(err) || err == ENOSPC || err == ENOMEM || err == E2BIG
		       ? refused(m, path, err)
		       : lost(m);
}

static bool apply(struct xen_machine *m, xs_transaction_t t, const struct xen_change *c)
{
	if (c->value)
		return xs_write(m->store, t, c->path, c->value, (unsigned int)strlen(c->value));
	return xs_rm(m->store, t, c->path) || errno == ENOENT;
}

/* 0, -EAGAIN, -ENOENT for @there, or lost(). */
static int try_change(struct xen_machine *m, const char *there, const struct xen_change *changes,
		      size_t count)
{
	xs_transaction_t t = xs_transaction_start(m->store);
	unsigned int length;
	void *found;

	if (t == XBT_NULL)
		return lost(m);
	found = xs_read(m->store, t, there, &length);
	if (!found) {
		int err = errno;

		xs_transaction_end(m->store, t, true);
		errno = err;
		return is_of_node(err) ? -ENOENT : lost(m);
	}
	free(found);
	for (size_t i = 0; i < count; i++)
		if (!apply(m, t, &changes[i]))
			return give_up(m, t, changes[i].path);
	if (xs_transaction_end(m->store, t, false))
		return 0;
	return errno == EAGAIN ? -EAGAIN : lost(m);
}

static int change(void *self, const char *there, const struct xen_change *changes, size_t count)
{
	struct xen_machine *m = self;
	int ret = -EAGAIN;

	if (!m->store)
		return -ENOTCONN;
	for (int i = 0; i < TRIES && ret == -EAGAIN; i++)
		ret = try_change(m, there, changes, count);
	if (ret == -EAGAIN) {
		snprintf(m->error, sizeof(m->error), "xenstore is too busy to change %s", there);
		m->why = NULL;
	}
	return ret;
}

/* ---- the hypervisor ---- */

static int of_control(struct xen_machine *m, int ret)
{
	if (ret < 0)
		m->why = xen_control_error(m->control);
	return ret;
}

static int connect_all(void *self)
{
	struct xen_machine *m = self;
	int err = of_control(m, xen_control_open(m->control));

	return err ? err : connect_store(m);
}

static int domains(void *self, uint32_t first, struct xen_domain *to, unsigned int most)
{
	struct xen_machine *m = self;

	return of_control(m, xen_control_domains(m->control, first, to, most));
}

static int host(void *self, uint64_t *total_kib, uint64_t *free_kib)
{
	struct xen_machine *m = self;

	return of_control(m, xen_control_host(m->control, total_kib, free_kib));
}

static int allow(void *self, const struct xen_domain *domain, uint64_t kib)
{
	struct xen_machine *m = self;

	return of_control(m, xen_control_allow(m->control, domain, kib));
}

static int back(void *self, const struct xen_domain *domain, uint64_t kib)
{
	struct xen_machine *m = self;

	return of_control(m, xen_control_back(m->control, domain, kib));
}

static const char *error(void *self)
{
	const struct xen_machine *m = self;

	return m->why ? m->why : m->error;
}

void xen_machine_free(struct xen_machine *m)
{
	disconnect(m);
	xen_control_free(m->control);
	free(m);
}

static void close_machine(void *self)
{
	xen_machine_free(self);
}

const struct xen_world xen_world = {
	.connect = connect_all,
	.domains = domains,
	.host = host,
	.allow = allow,
	.back = back,
	.read = read_node,
	.change = change,
	.error = error,
	.close = close_machine,
};

struct xen_machine *xen_machine_new(const struct loop *loop, void (*hurry)(void *to), void *to)
{
	struct xen_machine *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->loop = loop;
	m->hurry = hurry;
	m->to = to;
	m->watch = -1;
	m->control = xen_control_new();
	if (m->control)
		return m;
	free(m);
	return NULL;
}
