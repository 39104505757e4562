// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "fake_xenstored.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xen/io/xs_wire.h>

#define NODES	16
#define CLIENTS 8

static struct node {
	char path[128], value[1024];
	size_t length;
	bool there;
} nodes[NODES], saved[NODES];

static unsigned int disturbed;
static pid_t child;

static struct node *find(const char *path)
{
	for (int i = 0; i < NODES; i++)
		if (nodes[i].there && !strcmp(nodes[i].path, path))
			return &nodes[i];
	return NULL;
}

static void put(const char *path, const char *value, size_t length)
{
	struct node *node = find(path);

	for (int i = 0; !node && i < NODES; i++)
		if (!nodes[i].there)
			node = &nodes[i];
	if (!node || length >= sizeof(node->value))
		abort();
	snprintf(node->path, sizeof(node->path), "%s", path);
	memcpy(node->value, value, length);
	node->length = length;
	node->there = true;
}

/* ---- the protocol ---- */

static void reply(int fd, const struct xsd_sockmsg *to, uint32_t type, const void *body,
		  size_t length)
{
	struct xsd_sockmsg head = *to;
	char all[sizeof(head) + 2048];

	head.type = type;
	head.len = (uint32_t)length;
	memcpy(all, &head, sizeof(head));
	memcpy(all + sizeof(head), body, length);
	if (send(fd, all, sizeof(head) + length, MSG_NOSIGNAL) < 0)
		return;
}

static void reply_text(int fd, const struct xsd_sockmsg *to, uint32_t type, const char *text)
{
	reply(fd, to, type, text, strlen(text) + 1);
}

static void end_transaction(int fd, const struct xsd_sockmsg *head, const char *body)
{
	if (*body == 'T' && !disturbed) {
		reply_text(fd, head, head->type, "OK");
		return;
	}
	memcpy(nodes, saved, sizeof(nodes));
	if (*body == 'T') {
		disturbed--;
		reply_text(fd, head, XS_ERROR, "EAGAIN");
	} else {
		reply_text(fd, head, head->type, "OK");
	}
}

/* An event comes for each new watch, as from the real one. */
static void watch(int fd, const struct xsd_sockmsg *head, const char *body)
{
	const struct xsd_sockmsg event = {.type = XS_WATCH_EVENT};

	reply_text(fd, head, head->type, "OK");
	reply(fd, &event, XS_WATCH_EVENT, body, head->len);
}

static void change(int fd, const struct xsd_sockmsg *head, const char *body)
{
	size_t length = strlen(body) + 1;
	struct node *node = find(body);

	if (head->type == XS_WRITE) {
		put(body, body + length, head->len - length);
	} else if (!node) {
		reply_text(fd, head, XS_ERROR, "ENOENT");
		return;
	} else {
		node->there = false;
	}
	reply_text(fd, head, head->type, "OK");
}

static void handle(int fd, const struct xsd_sockmsg *head, const char *body)
{
	const struct node *node = find(body);

	switch (head->type) {
	case XS_READ:
		if (node)
			reply(fd, head, XS_READ, node->value, node->length);
		else
			reply_text(fd, head, XS_ERROR, "ENOENT");
		return;
	case XS_WRITE:
	case XS_RM:
		change(fd, head, body);
		return;
	case XS_WATCH:
		watch(fd, head, body);
		return;
	case XS_TRANSACTION_START:
		memcpy(saved, nodes, sizeof(nodes));
		reply_text(fd, head, head->type, "1");
		return;
	case XS_TRANSACTION_END:
		end_transaction(fd, head, body);
		return;
	default:
		reply_text(fd, head, XS_ERROR, "ENOSYS");
	}
}

static bool receive(int fd)
{
	struct xsd_sockmsg head;
	char body[2048];

	if (recv(fd, &head, sizeof(head), MSG_WAITALL) != sizeof(head) ||
	    head.len >= sizeof(body) || recv(fd, body, head.len, MSG_WAITALL) != head.len)
		return false;
	body[head.len] = 0;
	handle(fd, &head, body);
	return true;
}

static void serve(int listening)
{
	struct pollfd fds[CLIENTS + 1] = {{.fd = listening, .events = POLLIN}};

	for (int i = 1; i <= CLIENTS; i++)
		fds[i].fd = -1;
	while (poll(fds, CLIENTS + 1, -1) > 0) {
		for (int i = 1; i <= CLIENTS; i++)
			if (fds[i].fd >= 0 && fds[i].revents && !receive(fds[i].fd)) {
				close(fds[i].fd);
				fds[i].fd = -1;
			}
		for (int i = 1; fds[0].revents && i <= CLIENTS; i++)
			if (fds[i].fd < 0) {
				fds[i] = (struct pollfd){.fd = accept(listening, NULL, NULL),
							 .events = POLLIN};
				break;
			}
	}
}

/* ---- life ---- */

void fake_xenstored_start(const char *folder)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", folder);
	unlink(address.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 8))
		abort();
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(fd);
		_exit(0);
	}
	close(fd);
}

void fake_xenstored_kill(void)
{
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	child = 0;
}

void fake_xenstored_forget(void)
{
	memset(nodes, 0, sizeof(nodes));
	disturbed = 0;
}

void fake_xenstored_put(const char *path, const char *value, size_t length)
{
	put(path, value, length);
}

void fake_xenstored_disturb(unsigned int times)
{
	disturbed = times;
}
