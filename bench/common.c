// SPDX-License-Identifier: GPL-2.0-only OR MIT
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const char *bench_folder(const char *chosen)
{
	static char folder[PATH_MAX];
	const char *build = lab_build_folder();

	if (!build) {
		report_complain("%s", lab_error());
		return NULL;
	}
	if (!chosen) {
		snprintf(folder, sizeof(folder), "%s/bench", build);
		chosen = folder;
	}
	return report_make_folder(chosen) ? NULL : chosen;
}

struct bench_counts *bench_counts_map(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct bench_counts *counts = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, sizeof(*counts)))
		counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counts == MAP_FAILED)
		report_complain("can't make %s: %s", path, strerror(errno));
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
		report_complain("a kernel complained (%s):\n%s", lab_console_path(g),
				lines ? lines : lab_error());
	free(lines);
	return problems ? -1 : 0;
}
