// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What the guest has to do.  docs/results/benchmarks-policy.md says why these. */
#define _GNU_SOURCE
#include "say.h"
#include "work.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of the disk: headers that every job reads, sources of each job, then the files. */
#define HEADERS_MIB 24U
#define SOURCE_MIB  1U
#define FILES_AT    (512 * MIB)

#define PARALLEL    2U
#define REQUEST	    (4 * PAGE)

/* Work for the CPU that needs no memory. */
static void spin(unsigned long rounds)
{
	volatile uint64_t sink;
	uint64_t x = rounds;

	while (rounds--)
		x = x * 0x5851f42d4c957f2dULL + 0x14057b7ef767814fULL;
	sink = x;
	(void)sink;
}

/* Half of a page can be compressed away, as swap in memory does. */
static void fill(char *page, uint64_t *state)
{
	uint64_t *word = (void *)page, x = load_random(state);

	for (unsigned int i = 0; i < PAGE / 16; i++, x = x * 0x5851f42d4c957f2dULL + 1)
		word[i] = x;
	memset(page + PAGE / 2, (int)(x >> 60), PAGE / 2);
}

static char *map(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		load_die("mmap");
	return p;
}

static int open_disk(const struct load *l, int advice)
{
	int fd = open(l->disk, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || posix_fadvise(fd, 0, 0, advice))
		load_die(l->disk);
	return fd;
}

static void read_at(int fd, off_t at, size_t bytes)
{
	static char buffer[64 * 1024];

	for (size_t done = 0; done < bytes;) {
		size_t piece = bytes - done < sizeof(buffer) ? bytes - done : sizeof(buffer);
		ssize_t n = pread(fd, buffer, piece, at + (off_t)done);

		if (n <= 0)
			load_die("read");
		done += (size_t)n;
	}
}

/* -- children ----------------------------------------------------------------------- */

/* True in the child, which anybody may kill. */
static int child(pid_t *pid)
{
	int fd;

	*pid = fork();
	if (*pid < 0)
		load_die("fork");
	if (*pid)
		return 0;
	fd = open("/proc/self/oom_score_adj", O_WRONLY);
	if (fd < 0 || write(fd, "0", 1) != 1)
		load_die("oom_score_adj");
	close(fd);
	return 1;
}

static void join(const char *name, pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) < 0)
		load_die("waitpid");
	if (WIFSIGNALED(status))
		load_say("killed %s %d\n", name, WTERMSIG(status));
	else if (status)
		_exit(1);
}

/* -- compilation -------------------------------------------------------------------- */

/* 20 to 150 MiB; small ones are more frequent. */
static size_t job_mib(uint64_t *state)
{
	uint64_t a = load_random(state) % 131, b = load_random(state) % 131;

	return 20 + (size_t)(a < b ? a : b);
}

/* Reads, takes memory bit by bit, and looks at it again. */
static void compile_one(const struct load *l, unsigned int job)
{
	uint64_t state = l->seed * 1000003 + job;
	size_t pages = job_mib(&state) * MIB / PAGE;
	int disk = open_disk(l, POSIX_FADV_NORMAL);
	char *p = map(pages * PAGE);

	read_at(disk, 0, HEADERS_MIB * MIB);
	read_at(disk, (off_t)((HEADERS_MIB + job * SOURCE_MIB) * MIB), SOURCE_MIB * MIB);
	for (size_t i = 0; i < pages; i++) {
		fill(p + i * PAGE, &state);
		spin(500);
	}
	for (size_t i = 0; i < pages / 2; i++) {
		p[load_random(&state) % pages * PAGE]++;
		spin(500);
	}
	_exit(0);
}

void load_compile(const struct load *l)
{
	pid_t running[PARALLEL];

	for (unsigned int job = 0; job < l->jobs + PARALLEL; job++) {
		pid_t *slot = &running[job % PARALLEL];

		if (job >= PARALLEL)
			join("compile", *slot);
		if (job < l->jobs && child(slot))
			compile_one(l, job);
	}
}

/* -- files -------------------------------------------------------------------------- */

/* Four requests of five go to a quarter of the files. */
void load_read(const struct load *l)
{
	uint64_t state = l->seed, all = l->cache_mib * MIB / REQUEST;
	int disk = open_disk(l, POSIX_FADV_RANDOM);

	for (unsigned int i = 0; i < l->requests; i++) {
		uint64_t of = load_random(&state) % 5 ? all / 4 : all;

		read_at(disk, (off_t)(FILES_AT + load_random(&state) % of * REQUEST), REQUEST);
		spin(4000);
	}
	close(disk);
}

/* -- growth ------------------------------------------------------------------------- */

/* In use for a time, without work that would take longer with less memory. */
static void hold(char *p, size_t pages, unsigned int seconds)
{
	int64_t until = load_ms() + seconds * 1000LL;

	while (load_ms() < until) {
		for (size_t i = 0; i < pages; i++)
			p[i * PAGE]++;
		usleep(200000);
	}
}

static void grow(const struct load *l)
{
	size_t pages = l->growth_mib * MIB / PAGE;
	uint64_t state = l->seed;
	int64_t from = load_ms();
	char *p = map(pages * PAGE);

	for (size_t i = 0; i < pages; i++)
		fill(p + i * PAGE, &state);
	load_say("phase demand %lld %lld\n", (long long)from, (long long)load_ms());
	for (size_t i = 0; i < l->passes * pages; i++) {
		p[i % pages * PAGE]++;
		spin(500);
	}
	hold(p, pages, l->hold_s);
	_exit(0);
}

void load_grow(const struct load *l)
{
	pid_t pid;

	if (child(&pid))
		grow(l);
	join("growth", pid);
}
