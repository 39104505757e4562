// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct machine *machine_new(void)
{
	struct machine *machine = calloc(1, sizeof(*machine));

	assert_non_null(machine);
	strcpy(machine->root, P_tmpdir "/aerostat-machine-XXXXXX");
	assert_non_null(mkdtemp(machine->root));
	return machine;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void machine_remove(struct machine *machine)
{
	assert_int_equal(nftw(machine->root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	free(machine);
}

const char *machine_path(const struct machine *machine, const char *name)
{
	static char path[256];
	int n = snprintf(path, sizeof(path), "%s%s", machine->root, name);

	assert_in_range(n, 1, sizeof(path) - 1);
	return path;
}

void machine_folder(const struct machine *machine, const char *name)
{
	char part[128];

	for (const char *end = name; *end;) {
		end = end + 1 + strcspn(end + 1, "/");
		snprintf(part, sizeof(part), "%.*s", (int)(end - name), name);
		if (mkdir(machine_path(machine, part), 0755))
			assert_int_equal(errno, EEXIST);
	}
}

void machine_write(const struct machine *machine, const char *name, const char *format, ...)
{
	FILE *file = fopen(machine_path(machine, name), "we");
	va_list args;

	assert_non_null(file);
	va_start(args, format);
	vfprintf(file, format, args);
	va_end(args);
	assert_int_equal(fclose(file), 0);
}

void machine_unlink(const struct machine *machine, const char *name)
{
	assert_int_equal(unlink(machine_path(machine, name)), 0);
}
