// SPDX-License-Identifier: GPL-2.0-only OR MIT
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

int bench_complain(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	return -1;
}

/* ---- samples ---- */

void bench_add(struct bench_samples *s, double value)
{
	if (s->count < BENCH_ROUNDS)
		s->value[s->count++] = value;
}

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

double bench_median(const struct bench_samples *samples)
{
	double sorted[BENCH_ROUNDS];
	unsigned int n = samples->count;

	if (!n)
		return 0;
	memcpy(sorted, samples->value, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), ascending);
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

double bench_low(const struct bench_samples *s)
{
	double low = s->count ? s->value[0] : 0;

	for (unsigned int i = 1; i < s->count; i++)
		low = s->value[i] < low ? s->value[i] : low;
	return low;
}

double bench_high(const struct bench_samples *s)
{
	double high = s->count ? s->value[0] : 0;

	for (unsigned int i = 1; i < s->count; i++)
		high = s->value[i] > high ? s->value[i] : high;
	return high;
}

bool bench_overlap(const struct bench_samples *a, const struct bench_samples *b)
{
	return bench_low(a) <= bench_high(b) && bench_low(b) <= bench_high(a) &&
	       bench_median(a) != bench_median(b);
}

json_t *bench_samples_to_json(const struct bench_samples *s)
{
	json_t *values = json_array();

	for (unsigned int i = 0; i < s->count; i++)
		json_array_append_new(values, json_real(s->value[i]));
	return json_pack("{s:f, s:o}", "median", bench_median(s), "rounds", values);
}

int bench_decimals(double value)
{
	return value < 10 ? 2 : value < 1000 ? 1 : 0;
}

/* ---- options and results ---- */

unsigned int bench_number(const char *text, const char *name, unsigned int min, unsigned int max,
			  struct argp_state *state)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || *end || value < min || value > max)
		argp_error(state, "--%s wants a number from %u to %u, not '%s'", name, min, max,
			   text);
	return (unsigned int)value;
}

const char *bench_folder(const char *chosen)
{
	static char folder[PATH_MAX];
	const char *build = lab_build_folder();

	if (!build) {
		bench_complain("%s", lab_error());
		return NULL;
	}
	if (!chosen) {
		snprintf(folder, sizeof(folder), "%s/bench", build);
		chosen = folder;
	}
	if (strpbrk(chosen, ",\"\\\n")) {
		bench_complain("the folder '%s' has a character that QEMU or gnuplot would "
			       "misread; choose another with --output",
			       chosen);
		return NULL;
	}
	if (mkdir(chosen, 0755) && errno != EEXIST) {
		bench_complain("can't make %s: %s", chosen, strerror(errno));
		return NULL;
	}
	return chosen;
}

void bench_date(char date[32])
{
	time_t now = time(NULL);
	struct tm utc;

	*date = 0;
	if (gmtime_r(&now, &utc))
		strftime(date, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

int bench_dump_json(const json_t *document, const char *folder, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (!document || json_dump_file(document, path, JSON_INDENT(1) | JSON_REAL_PRECISION(8)))
		return bench_complain("can't write %s: %s", path, strerror(errno));
	return 0;
}

int bench_run_gnuplot(const char *script)
{
	char *const words[] = {"gnuplot", (char *)(uintptr_t)script, NULL};
	int status, error;
	pid_t pid;

	error = posix_spawnp(&pid, words[0], NULL, NULL, words, environ);
	if (error)
		return bench_complain("can't run gnuplot (%s), so there is no picture; run: "
				      "lab/setup tools lint",
				      strerror(error));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return bench_complain("gnuplot is lost: %s", strerror(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return bench_complain("gnuplot failed on %s, so there is no picture", script);
	return 0;
}

/* ---- guests ---- */

struct bench_counts *bench_counts_map(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct bench_counts *counts = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, sizeof(*counts)))
		counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counts == MAP_FAILED)
		bench_complain("can't make %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return counts == MAP_FAILED ? NULL : counts;
}

void bench_counts_unmap(struct bench_counts *counts, const char *path)
{
	if (counts)
		munmap(counts, sizeof(*counts));
	if (counts)
		unlink(path);
}

int bench_check_log(struct lab_guest *g)
{
	char *lines = NULL;
	int problems = lab_log_problems(g, NULL, &lines);

	if (problems)
		bench_complain("a kernel complained (%s):\n%s", lab_console_path(g),
			       lines ? lines : lab_error());
	free(lines);
	return problems ? -1 : 0;
}
