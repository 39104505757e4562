/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The agent's answers: frames on the serial port, or whatever answer_to() was told. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "agent.h"

static int channel = -1;
static answer_sink sink;

void answer_on(int fd)
{
	channel = fd;
}

void answer_to(answer_sink to)
{
	sink = to;
}

static void send_all(const void *bytes, size_t length)
{
	const char *at = bytes;

	while (length) {
		ssize_t n = write(channel, at, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* there is nobody to report it to */
		at += n;
		length -= (size_t)n;
	}
}

void answer(unsigned int id, int status, const char *text, size_t length)
{
	char head[64];
	int n = snprintf(head, sizeof(head), "\x02%u %d %zu\n", id, status, length);

	if (sink) {
		/* dom0 reads only answers to its own requests. */
		if (id)
			sink(id, status, text, length);
		return;
	}
	send_all(head, (size_t)n);
	send_all(text, length);
	send_all("\x03\n", 2);
}

void answer_text(unsigned int id, int status, const char *format, ...)
{
	char text[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0)
		n = 0;
	answer(id, status, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}
