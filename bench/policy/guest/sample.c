// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* How the guest is, second by second. */
#define _GNU_SOURCE
#include "say.h"
#include "work.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* -- files -------------------------------------------------------------------------- */

static char text[16384];

static const char *slurp(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t n;

	/* Of some files a read gives a page at most. */
	while (fd >= 0 && length < sizeof(text) - 1 &&
	       (n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)n;
	if (fd >= 0)
		close(fd);
	text[length] = 0;
	return text;
}

/* The number behind all of `name`, which begins a line or stands in one; 0 without. */
static long long find(const char *all, const char *name)
{
	const char *at = strstr(all, name);

	return at ? strtoll(at + strlen(name), NULL, 10) : 0;
}

/* What the balloon has been told, by whomever. */
static long long target_kib(void)
{
	return strtoll(slurp("/sys/devices/system/xen_memory/xen_memory0/target_kb"), NULL, 10);
}

/* -- a sample ----------------------------------------------------------------------- */

/* bench/policy/series.c has the same order. */
static void sample(void)
{
	long long target = target_kib(), total, free, available, swapped;
	long long in, out, kills, refaults, some, full;
	int64_t now = load_ms();
	const char *all = slurp("/proc/meminfo");

	total = find(all, "MemTotal:");
	free = find(all, "MemFree:");
	available = find(all, "MemAvailable:");
	swapped = find(all, "SwapTotal:") - find(all, "SwapFree:");
	all = slurp("/proc/vmstat");
	in = find(all, "\npswpin ");
	out = find(all, "\npswpout ");
	kills = find(all, "\noom_kill ");
	refaults =
		find(all, "\nworkingset_refault_anon ") + find(all, "\nworkingset_refault_file ");
	all = slurp("/proc/pressure/memory");
	some = find(all, "total=");
	full = find(strstr(all, "full") ? strstr(all, "full") : "", "total=");
	load_say("sample %lld %lld %lld %lld %lld %lld %lld %lld %lld %lld %lld %lld\n",
		 (long long)now, target, total, free, available, swapped, some, full, in, out,
		 kills, refaults);
}

static noreturn void run(void)
{
	const struct sched_param first = {.sched_priority = 1};
	struct timespec next;

	/* What it measures shall not keep it from measuring. */
	if (mlockall(MCL_CURRENT | MCL_FUTURE) || sched_setscheduler(0, SCHED_FIFO, &first))
		load_die("sampler");
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (;; next.tv_sec++) {
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL))
			;
		sample();
	}
}

pid_t load_sampler(void)
{
	pid_t pid;

	pid = fork();
	if (pid < 0)
		load_die("fork");
	if (!pid)
		run();
	return pid;
}
