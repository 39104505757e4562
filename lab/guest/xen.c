/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The agent under Xen.  A domU has no serial port of its own, and its console
 * carries the kernel's messages, so requests and answers travel through
 * xenstore, below the domU's `data` folder, which it may write:
 *
 *   data/aero/ready         exists once the agent is up
 *   data/aero/in/ID         TIMEOUT_MS VERB [ARGUMENTS]; the domU removes it
 *   data/aero/out/ID/N      the answer's text, in pieces
 *   data/aero/out/ID/end    STATUS PIECES, written last; dom0 removes out/ID
 *
 * In dom0 the verb `domu` is the other end of it.  Both speak xenstore's wire
 * protocol (Xen's public header io/xs_wire.h) over /dev/xen/xenbus, which needs
 * neither a library nor much memory.
 */
#define _GNU_SOURCE
#include "agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICE	    "/dev/xen/xenbus"
#define PAYLOAD_MAX 4096u /* XENSTORE_PAYLOAD_MAX */
#define PATH_ROOM   128
#define PIECE	    3072u /* lab/guest/dom0.sh raises xenstored's limit on values to hold it */
#define LOST_MS	    5000  /* how much longer than its own limit a domU may take */

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

struct reply {
	char text[PAYLOAD_MAX + 1]; /* NUL behind it */
	size_t length;
};

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
static bool receive(struct message *head, struct reply *reply)
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
static int call(uint32_t type, const char *path, const void *value, size_t length,
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
		if (!receive(&head, reply))
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

static bool bus_open(void)
{
	bus = open(DEVICE, O_RDWR | O_CLOEXEC);
	return bus >= 0;
}

static struct reply scratch;

static int store(const char *path, const void *value, size_t length)
{
	return call(XS_WRITE, path, value, length, &scratch);
}

int xenstore_put(const char *path, const char *value)
{
	int ret;

	if (!bus_open())
		return errno;
	ret = store(path, value, strlen(value));
	close(bus);
	bus = -1;
	return ret;
}

static int fetch(const char *path, struct reply *reply)
{
	return call(XS_READ, path, NULL, 0, reply);
}

static int watch(const char *path)
{
	return call(XS_WATCH, path, "aero", sizeof("aero"), &scratch);
}

/* ---- in a domU ---- */

int mailbox_open(void)
{
	/* Relative paths are below /local/domain/DOMID. */
	if (!bus_open() || call(XS_MKDIR, "data/aero/in", NULL, 0, &scratch) ||
	    watch("data/aero/in") || store("data/aero/ready", "1", 1))
		return -1;
	return bus;
}

bool mailbox_pending(void)
{
	return event_seen;
}

static void take(const char *name)
{
	static struct reply text;
	static char line[PAYLOAD_MAX + 32];
	char path[PATH_ROOM];

	if (snprintf(path, sizeof(path), "data/aero/in/%s", name) >= (int)sizeof(path) ||
	    fetch(path, &text))
		return;
	call(XS_RM, path, NULL, 0, &scratch);
	snprintf(line, sizeof(line), "%.15s %s", name, text.text);
	request(line);
}

void mailbox_read(bool readable)
{
	static struct reply names;
	struct message head;

	if (readable && !event_seen)
		receive(&head, &scratch);
	if (!event_seen)
		return;
	event_seen = false;
	if (call(XS_DIRECTORY, "data/aero/in", NULL, 0, &names))
		return;
	/* Names, each with a NUL behind it. */
	for (size_t at = 0; at < names.length; at += strlen(names.text + at) + 1)
		take(names.text + at);
}

void mailbox_answer(unsigned int id, int status, const char *text, size_t length)
{
	unsigned int pieces = 0;
	char path[PATH_ROOM], end[32];
	int ret = 0;

	for (size_t at = 0; at < length && !ret; at += PIECE, pieces++) {
		size_t n = length - at < PIECE ? length - at : PIECE;

		snprintf(path, sizeof(path), "data/aero/out/%u/%u", id, pieces);
		ret = store(path, text + at, n);
	}
	if (ret)
		fprintf(stderr, "agent: xenstore does not take an answer of %zu bytes: %s\n",
			length, strerror(ret));
	snprintf(path, sizeof(path), "data/aero/out/%u/end", id);
	snprintf(end, sizeof(end), "%d %u", status, pieces);
	store(path, end, strlen(end));
}

/* ---- in dom0: the relay ---- */

static int relay_error(const char *what, uint64_t domain, int error)
{
	printf("%cdomain %llu %s%s%s", RELAY_ERROR, (unsigned long long)domain, what,
	       error ? ": " : "", error ? strerror(error) : "");
	fflush(stdout);
	return 1;
}

/* Waits for a node to be written: 0, ETIMEDOUT, ENOLINK when the domain is gone, or another errno.
 */
static int await(const char *home, const char *path, int64_t deadline_ms, struct reply *reply)
{
	struct message head;
	int ret;

	for (;;) {
		struct pollfd p = {.fd = bus, .events = POLLIN};
		int64_t left = deadline_ms - now_ms();

		event_seen = false;
		ret = fetch(path, reply);
		if (ret != ENOENT)
			return ret;
		if (fetch(home, &scratch) == ENOENT)
			return ENOLINK;
		if (left <= 0)
			return ETIMEDOUT;
		/* Looks again now and then: a domain's end is no event on its nodes. */
		if (!event_seen && poll(&p, 1, left < 300 ? (int)left : 300) > 0)
			receive(&head, &scratch);
	}
}

static int relay_answer(const char *home, unsigned int id, const struct reply *end)
{
	static struct reply piece;
	unsigned int pieces;
	char path[PATH_ROOM];
	int status;

	if (sscanf(end->text, "%d %u", &status, &pieces) != 2)
		return -1;
	putchar(RELAY_ANSWER);
	for (unsigned int i = 0; i < pieces; i++) {
		snprintf(path, sizeof(path), "%s/data/aero/out/%u/%u", home, id, i);
		if (fetch(path, &piece))
			break; /* the domU said on its console why */
		fwrite(piece.text, 1, piece.length, stdout);
	}
	snprintf(path, sizeof(path), "%s/data/aero/out/%u", home, id);
	call(XS_RM, path, NULL, 0, &scratch);
	fflush(stdout);
	return status;
}

int relay(unsigned int id, uint64_t domain, uint64_t timeout_ms, const char *text)
{
	static struct reply reply;
	char home[48], in[PATH_ROOM], wanted[PATH_ROOM], line[PAYLOAD_MAX];
	bool ready = !strcmp(text, "@ready");
	int ret = 0, length;

	snprintf(home, sizeof(home), "/local/domain/%llu", (unsigned long long)domain);
	snprintf(in, sizeof(in), "%s/data/aero/in/%u", home, id);
	snprintf(wanted, sizeof(wanted), "%s/data/aero/out/%u/end", home, id);
	if (ready)
		snprintf(wanted, sizeof(wanted), "%s/data/aero/ready", home);
	length = snprintf(line, sizeof(line), "%llu %s", (unsigned long long)timeout_ms, text);
	if (length + sizeof(in) > PAYLOAD_MAX)
		return relay_error("can't be sent so long a request", domain, 0);
	if (!bus_open())
		return relay_error("can't be reached, " DEVICE, domain, errno);
	if (fetch(home, &reply) == ENOENT)
		return relay_error("is not there", domain, 0);
	ret = watch(wanted);
	if (!ret && !ready)
		ret = store(in, line, (size_t)length);
	if (!ret)
		ret = await(home, wanted, now_ms() + (int64_t)timeout_ms + LOST_MS, &reply);
	if (ret == ENOLINK)
		return relay_error("has ended", domain, 0);
	if (ret == ETIMEDOUT)
		return relay_error("does not answer", domain, 0);
	if (ret)
		return relay_error("can't be asked through xenstore", domain, ret);
	if (ready) {
		putchar(RELAY_ANSWER);
		fflush(stdout);
		return 0;
	}
	ret = relay_answer(home, id, &reply);
	return ret < 0 ? relay_error("answered something strange", domain, 0) : ret;
}

/* ---- in dom0: the consoles ---- */

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
