// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Messages are those of xenstore (Xen's public header io/xs_wire.h): one is open at a time. */
#include "tell.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

#define DEVICE	     "/dev/xen/xenbus"
#define NODE	     "data/aerostat"

/* News of pressure come more often than anybody wants to know this. */
#define LEAST_US     900000U

#define LINE_MAX_LEN 400U

/* io/xs_wire.h: enum xsd_sockmsg_type, of struct xsd_sockmsg */
enum { XS_WRITE = 11, XS_RM = 13 };

struct message {
	uint32_t type, request, transaction, length;
};

_Static_assert(sizeof(struct message) == 16, "the wire's header has four 32-bit words");

/* ---- the figures ---- */

static uint64_t kib_of(uint64_t pages)
{
	return pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

/* False: they can't be read. */
static bool describe(const char *root, char line[LINE_MAX_LEN])
{
	uint64_t total, unused, usable, cached = 0, buffers = 0, in = 0, out = 0, faults = 0;
	char text[32768];

	if (aero_read(root, "/proc/meminfo", text, sizeof(text)) ||
	    !aero_line(text, "MemTotal:", &total) || !aero_line(text, "MemFree:", &unused) ||
	    !aero_line(text, "MemAvailable:", &usable))
		return false;
	aero_line(text, "Cached:", &cached);
	aero_line(text, "Buffers:", &buffers);
	if (aero_read(root, "/proc/vmstat", text, sizeof(text)))
		return false;
	aero_line(text, "pswpin ", &in);
	aero_line(text, "pswpout ", &out);
	aero_line(text, "pgmajfault ", &faults);
	snprintf(line, LINE_MAX_LEN,
		 "at-ms=%" PRIu64 " total=%" PRIu64 " unused=%" PRIu64 " usable=%" PRIu64
		 " cache=%" PRIu64 " swap-in=%" PRIu64 " swap-out=%" PRIu64
		 " major-faults=%" PRIu64,
		 aero_now_us() / 1000, total, unused, usable, cached + buffers, kib_of(in),
		 kib_of(out), faults);
	return true;
}

/* ---- the bus ---- */

static void hang_up(struct aero_tell *t)
{
	if (t->bus >= 0)
		close(t->bus);
	t->bus = -1;
	t->waits = false;
}

/* Somebody who may not write there need not try again. */
static void take_answer(struct aero_tell *t)
{
	t->waits = false;
	t->has = 0;
	if (!strcmp(t->answer + sizeof(struct message), "EACCES"))
		t->off = true;
}

/* False: the answer to the last message is still to come. */
static bool is_free(struct aero_tell *t)
{
	struct message head;
	ssize_t n;

	while (t->waits) {
		n = read(t->bus, t->answer + t->has, sizeof(t->answer) - 1 - t->has);
		if (n < 0 && errno == EAGAIN)
			return false;
		/* Longer than any answer to these messages: it is none. */
		if (n <= 0) {
			hang_up(t);
			return true;
		}
		t->has += (size_t)n;
		t->answer[t->has] = 0;
		memcpy(&head, t->answer, sizeof(head));
		if (t->has >= sizeof(head) && t->has - sizeof(head) >= head.length)
			take_answer(t);
	}
	return true;
}

static void send_message(struct aero_tell *t, uint32_t type, const char *line)
{
	char text[sizeof(struct message) + sizeof(NODE) + LINE_MAX_LEN];
	struct message head = {.type = type, .length = (uint32_t)(sizeof(NODE) + strlen(line))};
	size_t length = sizeof(head) + head.length;

	/* A NUL stands behind the path, and none behind the value. */
	memcpy(text, &head, sizeof(head));
	memcpy(text + sizeof(head), NODE, sizeof(NODE));
	memcpy(text + sizeof(head) + sizeof(NODE), line, strlen(line));
	t->waits = true;
	t->has = 0;
	if (write(t->bus, text, length) != (ssize_t)length)
		hang_up(t);
}

static bool connect_bus(struct aero_tell *t)
{
	char path[2 * AERO_PATH_MAX];

	if (t->bus < 0) {
		snprintf(path, sizeof(path), "%s" DEVICE, t->root);
		t->bus = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	}
	return t->bus >= 0;
}

/* ---- the daemon's part ---- */

/* dom0 is the host. */
static bool is_dom0(const char *root)
{
	char text[256];

	return !aero_read(root, "/proc/xen/capabilities", text, sizeof(text)) &&
	       strstr(text, "control_d");
}

void aero_tell_start(struct aero_tell *t, const char *root, bool off)
{
	*t = (struct aero_tell){.root = root, .bus = -1};
	t->off = off || !connect_bus(t) || is_dom0(root);
	if (t->off)
		hang_up(t);
}

void aero_tell_step(struct aero_tell *t)
{
	uint64_t now_us = aero_now_us();
	char line[LINE_MAX_LEN];

	if (t->off || (t->told_us && now_us - t->told_us < LEAST_US) || !is_free(t) || t->off)
		return;
	if (!describe(t->root, line) || !connect_bus(t))
		return;
	t->told_us = now_us;
	send_message(t, XS_WRITE, line);
}

void aero_tell_end(struct aero_tell *t)
{
	if (!t->off && is_free(t) && !t->off && connect_bus(t))
		send_message(t, XS_RM, "");
	hang_up(t);
}
