/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * xenstore's wire protocol (Xen's public header io/xs_wire.h) over /dev/xen/xenbus,
 * which needs neither a library nor much memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "xenstore.h"

#define DEVICE "/dev/xen/xenbus"

/* io/xs_wire.h: enum xsd_sockmsg_type */
enum {
	XS_DIRECTORY = 1,
	XS_READ = 2,
	XS_WATCH = 4,
	XS_WRITE = 11,
	XS_MKDIR = 12,
	XS_RM = 13,
	XS_WATCH_EVENT = 15,
	XS_ERROR = 16,
};

/* io/xs_wire.h: struct xsd_sockmsg */
struct message {
	uint32_t type, request, transaction, length;
};

_Static_assert(sizeof(struct message) == 16, "the wire's header has four 32-bit words");

static int bus = -1;
static uint32_t next_request = 1;
static bool event_seen;

static bool read_all(void *to, size_t length)
{
	char *at = to;

	while (length) {
		ssize_t n = read(bus, at, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		length -= (size_t)n;
	}
	return true;
}

/* One message from xenstore; events only leave a mark. */
static bool xs_receive(struct message *head, struct reply *reply)
{
	if (!read_all(head, sizeof(*head)) || head->length > PAYLOAD_MAX ||
	    !read_all(reply->text, head->length))
		return false;
	reply->text[head->length] = 0;
	reply->length = head->length;
	if (head->type == XS_WATCH_EVENT)
		event_seen = true;
	return true;
}

/* One request and its reply: 0, or xenstore's error as errno. */
static int xs_call(uint32_t type, const char *path, const void *value, size_t length,
		   struct reply *reply)
{
	char out[sizeof(struct message) + PAYLOAD_MAX];
	size_t path_length = strlen(path) + 1;
	struct message head = {type, next_request++, 0, (uint32_t)(path_length + length)};
	size_t total = sizeof(head) + head.length;

	if (head.length > PAYLOAD_MAX)
		return E2BIG;
	memcpy(out, &head, sizeof(head));
	memcpy(out + sizeof(head), path, path_length);
	if (length)
		memcpy(out + sizeof(head) + path_length, value, length);
	if (write(bus, out, total) != (ssize_t)total)
		return EIO;
	do {
		if (!xs_receive(&head, reply))
			return EIO;
	} while (head.type == XS_WATCH_EVENT || head.request != next_request - 1);
	if (head.type != XS_ERROR)
		return 0;
	return !strcmp(reply->text, "ENOENT")	? ENOENT
	       : !strcmp(reply->text, "EACCES") ? EACCES
	       : !strcmp(reply->text, "ENOSPC") ? ENOSPC
	       : !strcmp(reply->text, "E2BIG")	? E2BIG
						: EIO;
}

bool xs_open(void)
{
	bus = open(DEVICE, O_RDWR | O_CLOEXEC);
	return bus >= 0;
}

static struct reply scratch; /* of replies that nobody wants */

int xs_store(const char *path, const void *value, size_t length)
{
	return xs_call(XS_WRITE, path, value, length, &scratch);
}

int xenstore_put(const char *path, const char *value)
{
	int ret;

	if (!xs_open())
		return errno;
	ret = xs_store(path, value, strlen(value));
	close(bus);
	bus = -1;
	return ret;
}

int xs_fetch(const char *path, struct reply *reply)
{
	return xs_call(XS_READ, path, NULL, 0, reply);
}

int xs_watch(const char *path)
{
	return xs_call(XS_WATCH, path, "aero", sizeof("aero"), &scratch);
}

int xs_list(const char *path, struct reply *reply)
{
	return xs_call(XS_DIRECTORY, path, NULL, 0, reply);
}

int xs_make(const char *path)
{
	return xs_call(XS_MKDIR, path, NULL, 0, &scratch);
}

int xs_remove(const char *path)
{
	return xs_call(XS_RM, path, NULL, 0, &scratch);
}

int xs_fd(void)
{
	return bus;
}

bool xs_event_pending(void)
{
	return event_seen;
}

void xs_event_clear(void)
{
	event_seen = false;
}

void xs_take_message(void)
{
	struct message head;

	xs_receive(&head, &scratch);
}
