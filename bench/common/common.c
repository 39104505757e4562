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

#include "plot.h"

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

int bench_run(const struct bench_steps *steps, void *of, const char *folder, bool picture)
{
	unsigned int missed;

	/* gnuplot is asked for before the minutes that a bench takes. */
	if ((picture && plot_check()) || steps->measure(of))
		return -1;
	steps->table(of, stdout);
	missed = steps->count_missed(of, stdout);
	if (steps->write_json(of, missed) || (picture && steps->draw(of)))
		return -1;
	printf("\nfigures: %s/%s.json\n", folder, steps->name);
	if (picture)
		printf("picture: %s/%s.svg, %s.png\n", folder, steps->name, steps->name);
	return missed ? -1 : 0;
}

/* To be raised when a key changes its meaning. */
#define DOCUMENT_FORMAT 2

json_t *bench_document(int64_t start_ms, json_t *qemu, bool met)
{
	char date[32];

	report_date(date);
	return json_pack("{s:i, s:s, s:s*, s:s*, s:O*, s:f, s:b}", "format", DOCUMENT_FORMAT,
			 "date", date, "kernel", lab_env("AERO_RELEASE"), "kernel_version",
			 lab_env("AERO_KERNEL_VERSION"), "qemu", qemu, "seconds",
			 (double)(lab_now_ms() - start_ms) / 1000, "requirements_met", met);
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
