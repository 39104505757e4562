// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* aerostat-load: idle, compilation, files, sudden growth, idle. */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t start_ms;

static int64_t clock_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t load_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC) - start_ms;
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

static void idle(const struct load *l)
{
	sleep(l->idle_s);
}

static void idle_again(const struct load *l)
{
	sleep(l->idle_s + l->idle_s / 2);
}

static void phase(const char *name, void (*run)(const struct load *), const struct load *l)
{
	int64_t from = load_ms();

	run(l);
	load_say("phase %s %lld %lld\n", name, (long long)from, (long long)load_ms());
}

static unsigned int number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value > 1000000)
		load_die(text);
	return (unsigned int)value;
}

/* What is in the page cache of a disk goes when nobody has it open any more. */
static void keep_open(const char *disk)
{
	if (open(disk, O_RDONLY | O_CLOEXEC) < 0)
		load_die(disk);
}

/* Not this process, nor the sampler: who is killed shall be one of the load's. */
static void survive(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (fd < 0 || write(fd, "-1000", 5) != 5)
		load_die("oom_score_adj");
	close(fd);
}

/* DISK and how much of each kind of work. */
static int run_phases(char **argv)
{
	const struct load l = {
		.disk = argv[1],
		.seed = number(argv[2]),
		.idle_s = number(argv[3]),
		.jobs = number(argv[4]),
		.cache_mib = number(argv[5]),
		.requests = number(argv[6]),
		.growth_mib = number(argv[7]),
		.passes = 4,
	};
	pid_t sampler;

	keep_open(l.disk);
	load_say("start %lld\n", (long long)clock_ms(CLOCK_REALTIME));
	sampler = load_sampler();
	phase("idle", idle, &l);
	phase("compile", load_compile, &l);
	phase("cache", load_read, &l);
	phase("growth", load_grow, &l);
	phase("idle-again", idle_again, &l);
	kill(sampler, SIGTERM);
	waitpid(sampler, NULL, 0);
	return 0;
}

/* Sudden growth alone, for tests. */
static int run_demand(char **argv)
{
	const struct load l = {.growth_mib = number(argv[2]), .hold_s = number(argv[3])};

	phase("growth", load_grow, &l);
	return 0;
}

int main(int argc, char **argv)
{
	bool demand = argc == 4 && !strcmp(argv[1], "demand");

	if (argc != 8 && !demand) {
		fputs("usage: aerostat-load DISK SEED IDLE_S JOBS CACHE_MIB REQUESTS GROWTH_MIB\n"
		      "       aerostat-load demand GROWTH_MIB HOLD_S\n",
		      stderr);
		return 2;
	}
	start_ms = clock_ms(CLOCK_MONOTONIC);
	survive();
	return demand ? run_demand(argv) : run_phases(argv);
}
