/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Reading and writing files without a child, so that it works in a guest without memory. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

void do_read(unsigned int id, const char *path)
{
	static char text[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t length = 0;
	ssize_t n = -1;

	if (fd < 0) {
		answer_text(id, errno, "%s: %s", path, strerror(errno));
		return;
	}
	while (length < sizeof(text) && (n = read(fd, text + length, sizeof(text) - length)) > 0)
		length += (size_t)n;
	if (n < 0)
		answer_text(id, errno, "%s: %s", path, strerror(errno));
	else
		answer(id, 0, text, length);
	close(fd);
}

/* write PATH VALUE: the status is errno, or 0. */
void do_write(unsigned int id, char *args)
{
	char *value = strchr(args, ' ');

	if (!value) {
		answer_text(id, STATUS_BAD, "usage: write PATH VALUE");
		return;
	}
	*value++ = 0;
	if (write_file(args, value, strlen(value)))
		answer(id, 0, "", 0);
	else
		answer_text(id, errno, "%s: %s", args, strerror(errno));
}
