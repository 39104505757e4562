/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#define _GNU_SOURCE
#include "kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"

const char *const other_kernels[OTHER_KERNELS] = {"bullseye", "bullseye-security", "trixie", "sid",
						  "experimental"};
const char *const arm64_kernels[ARM64_KERNELS] = {"bookworm-arm64", "trixie-arm64-16k",
						  "sid-arm64"};

/* The first line of a file, or of those that begin with key; NULL when there is none. */
static char *first_line(const char *path, const char *key)
{
	char *line = NULL, *found = NULL;
	size_t room = 0, skip = strlen(key);
	FILE *file = fopen(path, "r");

	if (!file)
		return NULL;
	while (!found && getline(&line, &room, file) > 0) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, key, skip))
			found = strdup(line + skip);
	}
	free(line);
	fclose(file);
	return found;
}

static char *path_of(const char *kernel, const char *file)
{
	char *path;

	if (asprintf(&path, "%s/kernels/%s/%s", lab_build_folder(), kernel, file) < 0)
		abort();
	return path;
}

struct other_kernel find_kernel(const char *name, const char *file)
{
	char *env = path_of(name, "env"), *skip = path_of(name, "skip");
	struct other_kernel k = {
		.kernel = first_line(env, "AERO_KERNEL="),
		.initramfs = path_of(name, file),
		.skip = first_line(skip, ""),
	};

	if (!k.skip && !k.kernel)
		k.skip = strdup("it was not fetched: make check-kernels");
	else if (!k.skip && access(k.initramfs, R_OK))
		k.skip = strdup("no modules were built for it: make check-kernels");
	free(env);
	free(skip);
	return k;
}
