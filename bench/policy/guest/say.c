// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Time, output and random numbers. */
#define _GNU_SOURCE
#include "say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int64_t start_ms;

int64_t load_clock_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void load_begin(void)
{
	start_ms = load_clock_ms(CLOCK_MONOTONIC);
}

int64_t load_ms(void)
{
	return load_clock_ms(CLOCK_MONOTONIC) - start_ms;
}

/* A write of less than PIPE_BUF bytes is not torn. */
void load_say(const char *format, ...)
{
	char line[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (n < 0 || n >= (int)sizeof(line) || write(1, line, (size_t)n) != n)
		_exit(3);
}

noreturn void load_die(const char *what)
{
	fprintf(stderr, "aerostat-load: %s: %s\n", what, strerror(errno));
	_exit(1);
}

uint64_t load_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}
