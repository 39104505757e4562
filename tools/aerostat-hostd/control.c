// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* For each socket, so that those who may only read can't keep out those who may more. */
#define CLIENTS_MAX 32U
/* To send a request, or to take an answer. */
#define PATIENCE_US 10000000U

enum { READ, CONTROL, SOCKETS };

struct client {
	struct control *control;
	int fd, watch, socket;
	uint64_t since_us;
	size_t has;
	char request[AERO_HOST_REQUEST_MAX + 1];
	struct aero_host_wait wait;
	char *answer;
	size_t length, sent;
	struct client *next;
};

struct control {
	const struct loop *loop;
	struct aero_manager *manager;
	int lock;
	int fd[SOCKETS], watch[SOCKETS];
	unsigned int count[SOCKETS];
	char path[SOCKETS][sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct client *clients;
};

static uint64_t now_ms(void)
{
	return aero_now_us() / 1000;
}

/* ---- one client ---- */

static void end(struct client *c)
{
	struct client **at = &c->control->clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	aero_manager_forget(c->control->manager, &c->wait);
	c->control->count[c->socket]--;
	c->control->loop->remove(c->watch);
	close(c->fd);
	free(c->answer);
	free(c);
}

static void answer(struct client *c, char *text)
{
	size_t length = text ? strlen(text) : 0;

	c->answer = text;
	if (!text) {
		end(c);
		return;
	}
	/* The newline takes the NUL's place. */
	text[length] = '\n';
	c->length = length + 1;
	c->since_us = aero_now_us();
	c->control->loop->set(c->watch, LOOP_WRITABLE);
}

static void take(struct client *c)
{
	ssize_t n = recv(c->fd, c->request + c->has, sizeof(c->request) - c->has, MSG_DONTWAIT);
	char *newline, *text;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end(c);
		return;
	}
	c->has += (size_t)n;
	newline = memchr(c->request, '\n', c->has);
	if (!newline && c->has < sizeof(c->request))
		return;
	text = aero_manager_request(c->control->manager, c->request,
				    newline ? (size_t)(newline - c->request) : c->has,
				    c->socket == CONTROL, now_ms(), &c->wait);
	if (!text && c->wait.id)
		/* What it sends now does not interest us, but its end does. */
		c->control->loop->set(c->watch, 0);
	else
		answer(c, text);
}

static void give(struct client *c)
{
	ssize_t n =
		send(c->fd, c->answer + c->sent, c->length - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		c->sent += (size_t)n;
	if (n <= 0 || c->sent == c->length)
		end(c);
}

static void ready(int watch, int fd, int events, void *data)
{
	struct client *c = data;

	(void)watch;
	(void)fd;
	if (c->answer)
		give(c);
	else if (events & LOOP_READABLE)
		take(c);
	else
		end(c);
}

static void come(int watch, int fd, int events, void *data)
{
	struct control *control = data;
	int socket = fd == control->fd[CONTROL] ? CONTROL : READ;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c;

	(void)watch;
	(void)events;
	if (client < 0)
		return;
	c = control->count[socket] < CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		close(client);
		return;
	}
	c->control = control;
	c->fd = client;
	c->socket = socket;
	c->since_us = aero_now_us();
	c->watch = control->loop->add(client, LOOP_READABLE, ready, c);
	if (c->watch < 0) {
		close(client);
		free(c);
		return;
	}
	control->count[socket]++;
	c->next = control->clients;
	control->clients = c;
}

void control_step(struct control *control)
{
	struct client *next;

	for (struct client *c = control->clients; c; c = next) {
		next = c->next;
		if (c->wait.id) {
			char *text = aero_manager_answer(control->manager, now_ms(), &c->wait);

			if (text)
				answer(c, text);
		} else if (aero_now_us() - c->since_us > PATIENCE_US) {
			end(c);
		}
	}
}

/* ---- the sockets ---- */

static bool listen_at(struct control *c, int socket_n, const char *folder, const char *name,
		      mode_t mode, gid_t gid)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", folder, name);

	if (n < 0 || (size_t)n >= sizeof(address.sun_path)) {
		hostd_say("%s/%s is too long for a socket's name", folder, name);
		return false;
	}
	strcpy(c->path[socket_n], address.sun_path);
	unlink(address.sun_path);
	c->fd[socket_n] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Nobody may connect before owner and mode are right: listen() comes last. */
	if (c->fd[socket_n] < 0 ||
	    bind(c->fd[socket_n], (struct sockaddr *)&address, sizeof(address)) ||
	    (gid != (gid_t)-1 && chown(address.sun_path, (uid_t)-1, gid)) ||
	    chmod(address.sun_path, mode) || listen(c->fd[socket_n], 16)) {
		hostd_say("can't listen at %s: %s", address.sun_path, strerror(errno));
		return false;
	}
	c->watch[socket_n] = c->loop->add(c->fd[socket_n], LOOP_READABLE, come, c);
	return c->watch[socket_n] >= 0;
}

static bool lock(struct control *c, const char *folder)
{
	char path[AERO_PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/lock", folder);
	c->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (c->lock >= 0 && !flock(c->lock, LOCK_EX | LOCK_NB))
		return true;
	hostd_say(c->lock >= 0 && errno == EWOULDBLOCK ? "another one is running (%s)"
						       : "can't lock %s",
		  path);
	return false;
}

/* The first of the names, which commas part, that is one. */
static const struct group *first_group(const char *names)
{
	const struct group *group = NULL;
	char *copy = strdup(names), *rest = copy, *name;

	while (!group && (name = strsep(&rest, ",")))
		group = getgrnam(name);
	free(copy);
	return group;
}

static bool group_of(const char *names, gid_t *gid)
{
	const struct group *group = names ? first_group(names) : NULL;

	*gid = group ? group->gr_gid : (gid_t)-1;
	if (names && !group)
		hostd_say("there is no group '%s'; make it, or name another with --group", names);
	return group || !names;
}

struct control *control_new(const struct hostd *d, const struct loop *loop, struct aero_manager *m)
{
	struct control *c = calloc(1, sizeof(*c));
	char folder[AERO_PATH_MAX];
	gid_t gid;

	if (!c)
		return NULL;
	c->loop = loop;
	c->manager = m;
	c->lock = c->fd[READ] = c->fd[CONTROL] = c->watch[READ] = c->watch[CONTROL] = -1;
	snprintf(folder, sizeof(folder), "%s" CONTROL_FOLDER, d->root);
	if (mkdir(folder, 0755) && errno != EEXIST)
		hostd_say("can't make %s: %s", folder, strerror(errno));
	else if (group_of(d->group, &gid) && lock(c, folder) &&
		 listen_at(c, CONTROL, folder, "control", 0660, gid) &&
		 listen_at(c, READ, folder, "read", 0666, (gid_t)-1))
		return c;
	control_free(c);
	return NULL;
}

void control_free(struct control *c)
{
	while (c->clients)
		end(c->clients);
	for (int i = 0; i < SOCKETS; i++) {
		if (c->watch[i] >= 0)
			c->loop->remove(c->watch[i]);
		if (c->fd[i] >= 0) {
			close(c->fd[i]);
			unlink(c->path[i]);
		}
	}
	if (c->lock >= 0)
		close(c->lock);
	free(c);
}
