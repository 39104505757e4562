/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* How much host memory a guest uses, according to the host's kernel. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

static char *proc_file(const struct lab_guest *g, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)g->pid, name);
	return lab_slurp(path, 0, NULL);
}

static int process_kib(const struct lab_guest *g, uint64_t *kib)
{
	char *text = proc_file(g, "status");
	char *at = text ? strstr(text, "\nVmRSS:") : NULL;

	if (at)
		*kib = strtoull(at + strlen("\nVmRSS:"), NULL, 10);
	free(text);
	return at ? 0 : lab_fail(ESRCH, "can't read QEMU's memory from /proc/%d/status", g->pid);
}

/* Rss of the mapping that is exactly as large as the guest's RAM. */
static int mapping_kib(const struct lab_guest *g, uint64_t *kib)
{
	char *text = proc_file(g, "smaps");
	bool inside = false;
	int found = 0;

	*kib = 0;
	for (char *line = text; line && *line; line = strchr(line, '\n')) {
		unsigned long long from, to, value;

		line += *line == '\n';
		if (sscanf(line, "%llx-%llx ", &from, &to) == 2) {
			inside = to - from == lab_guest_bytes(g);
			found += inside;
		} else if (inside && sscanf(line, "Rss: %llu kB", &value) == 1) {
			*kib += value;
		}
	}
	free(text);
	if (found != 1)
		return lab_fail(ENOENT, "%d mappings of QEMU look like the guest's RAM", found);
	return 0;
}

/* Blocks of the memory file that is the guest's RAM. */
static int file_kib(const struct lab_guest *g, uint64_t *kib)
{
	char path[320], target[64];
	struct dirent *entry;
	struct stat st;
	DIR *folder;
	int found = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)g->pid);
	folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)g->pid, entry->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		if (n < 0 || (target[n] = 0, strncmp(target, "/memfd:", 7)) || stat(path, &st) ||
		    (uint64_t)st.st_size != lab_guest_bytes(g))
			continue;
		*kib = (uint64_t)st.st_blocks / 2; /* blocks of 512 bytes */
		found++;
	}
	if (folder)
		closedir(folder);
	return found == 1 ? 0
			  : lab_fail(ENOENT, "%d files of QEMU look like the guest's RAM", found);
}

int lab_host_memory(struct lab_guest *g, struct lab_host_memory *out)
{
	int ret = process_kib(g, &out->process_kib);

	if (ret)
		return ret;
	return g->config.backend == LAB_MEMFD ? file_kib(g, &out->ram_kib)
					      : mapping_kib(g, &out->ram_kib);
}
