/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Helpers that several files of the guests' init use. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

size_t page_bytes;

int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A decimal number of at most max at *at; advances *at past it and blanks. */
bool take_number(char **at, uint64_t max, uint64_t *out)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	errno = 0;
	*out = strtoull(*at, &end, 10);
	if (errno || *out > max || (*end && *end != ' '))
		return false;
	while (*end == ' ')
		end++;
	*at = end;
	return true;
}

bool take_word(char **at, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*at, word, n) || ((*at)[n] && (*at)[n] != ' '))
		return false;
	*at += n;
	while (**at == ' ')
		(*at)++;
	return true;
}

bool write_file(const char *path, const char *text, size_t length)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ssize_t n;
	int error;

	if (fd < 0)
		return false;
	/* A single write, because sysfs and proc accept a value only as a whole. */
	n = write(fd, text, length);
	error = errno;
	if (close(fd) && n >= 0) {
		n = -1;
		error = errno;
	}
	errno = n < 0 ? error : EIO;
	return n == (ssize_t)length;
}

void set_victim(const char *score)
{
	write_file("/proc/self/oom_score_adj", score, strlen(score));
}

/* A small file as a string; empty when it can't be read. */
size_t read_text(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, room - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	return n > 0 ? (size_t)n : 0;
}

/* The field of /proc/meminfo in pages; 0 when it is not there. */
uint64_t meminfo_pages(const char *name)
{
	char text[4096], *at;

	read_text("/proc/meminfo", text, sizeof(text));
	at = strstr(text, name);
	return at ? strtoull(at + strlen(name) + 1, NULL, 10) * 1024 / PAGE : 0;
}

void *map_pages(size_t pages, int flags)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}
