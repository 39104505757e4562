// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "files.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char words[2 * AERO_PATH_MAX];

int aero_fail(const char *format, ...)
{
	/* The arguments may contain the words themselves. */
	char text[sizeof(words)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	memcpy(words, text, sizeof(words));
	return -1;
}

const char *aero_error(void)
{
	return words;
}

bool aero_parse(const char *text, uint64_t most, uint64_t *value)
{
	unsigned long long number;
	char *end;

	/* strtoull takes blanks and signs. */
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || *end || number > most)
		return false;
	*value = number;
	return true;
}

/* ---- whole files ---- */

static int open_at(const char *root, const char *name, int flags)
{
	char path[2 * AERO_PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s%s", root, name);
	int fd;

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int aero_read(const char *root, const char *name, char *text, size_t size)
{
	int fd = open_at(root, name, O_RDONLY), err = 0;
	size_t length = 0;
	ssize_t n = 0;

	text[0] = 0;
	if (fd < 0)
		return fd;
	while (length < size - 1 && (n = read(fd, text + length, size - 1 - length)) > 0)
		length += (size_t)n;
	if (n < 0)
		err = -errno;
	text[err ? 0 : length] = 0;
	close(fd);
	return err;
}

int aero_read_number(const char *root, const char *name, uint64_t *value)
{
	char text[64];
	int err = aero_read(root, name, text, sizeof(text));

	if (err)
		return err;
	text[strcspn(text, " \n")] = 0;
	return aero_parse(text, UINT64_MAX, value) ? 0 : -EPROTO;
}

int aero_write(const char *root, const char *name, const char *text)
{
	size_t length = strlen(text);
	int fd = open_at(root, name, O_WRONLY | O_TRUNC), err = 0;
	ssize_t n;

	if (fd < 0)
		return fd;
	n = write(fd, text, length);
	if (n < 0)
		err = -errno;
	else if ((size_t)n != length)
		err = -EIO;
	if (close(fd) && !err)
		err = -errno;
	return err;
}

/* ---- figures ---- */

static bool number_at(const char *at, uint64_t *value)
{
	char digits[24];
	size_t n;

	at += strspn(at, " \t");
	n = strspn(at, "0123456789");
	if (n >= sizeof(digits))
		return false;
	memcpy(digits, at, n);
	digits[n] = 0;
	return aero_parse(digits, UINT64_MAX, value);
}

bool aero_line(const char *text, const char *name, uint64_t *value)
{
	size_t length = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, length))
			return number_at(line + length, value);
	}
	return false;
}

uint64_t aero_sum(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);
	uint64_t sum = 0, value;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, prefix, length) &&
		    number_at(line + strcspn(line, " \n"), &value))
			sum += value;
	}
	return sum;
}

#define HEADROOM_SHARE	   20U
#define HEADROOM_LEAST_KIB (16U * 1024)

int aero_memory(const char *root, uint64_t *available_kib, uint64_t *headroom_kib)
{
	char text[8192];
	int err = aero_read(root, "/proc/meminfo", text, sizeof(text));
	uint64_t total_kib, share_kib;

	if (err)
		return aero_fail("can't read %s/proc/meminfo: %s", root, strerror(-err));
	if (!aero_line(text, "MemAvailable:", available_kib) ||
	    !aero_line(text, "MemTotal:", &total_kib))
		return aero_fail("%s/proc/meminfo has no MemAvailable or MemTotal", root);
	share_kib = total_kib / HEADROOM_SHARE;
	*headroom_kib = share_kib > HEADROOM_LEAST_KIB ? share_kib : HEADROOM_LEAST_KIB;
	return 0;
}

uint64_t aero_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}
