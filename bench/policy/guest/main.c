// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* aerostat-load: idle, compilation, files, sudden growth, idle. */
#define _GNU_SOURCE
#include "say.h"
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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
	load_say("start %lld\n", (long long)load_clock_ms(CLOCK_REALTIME));
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
	load_begin();
	survive();
	return demand ? run_demand(argv) : run_phases(argv);
}
