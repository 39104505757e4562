// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *fuzz_part(const uint8_t **data, size_t *size)
{
	const uint8_t *end = *size ? memchr(*data, 0, *size) : NULL;
	size_t length = end ? (size_t)(end - *data) : *size;
	char *part = malloc(length + 1);

	MUST(part);
	if (length)
		memcpy(part, *data, length);
	part[length] = 0;
	length += end != NULL;
	*data += length;
	*size -= length;
	return part;
}

/* ---- files ---- */

static char folder[] = P_tmpdir "/aerostat-fuzz-XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	return remove(path);
}

static void remove_folder(void)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void)
{
	static bool made;

	if (!made) {
		MUST(mkdtemp(folder));
		made = true;
		atexit(remove_folder);
	}
	return folder;
}

void fuzz_file(const char *name, const void *bytes, size_t length)
{
	const char *root = fuzz_folder();
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s%s", root, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')); at++) {
			*at = 0;
			mkdir(path, 0700);
			*at = '/';
		}
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	}
	MUST(fd >= 0);
	MUST(write(fd, bytes, length) == (ssize_t)length);
	close(fd);
}

/* ---- what is said ---- */

static char said[65536];

void fuzz_listen(void)
{
	FILE *to = fmemopen(said, sizeof(said), "w");

	MUST(to);
	stderr = to;
}

const char *fuzz_said(void)
{
	static char last[sizeof(said)];
	long length;

	fflush(stderr);
	length = ftell(stderr);
	MUST(length >= 0 && (size_t)length < sizeof(said));
	memcpy(last, said, (size_t)length);
	last[length] = 0;
	rewind(stderr);
	return last;
}

int fuzz_is_complaint(const char *text)
{
	size_t length = strlen(text);

	if (strncmp(text, "aerostat: ", 10) || length < 12 || text[length - 1] != '\n')
		return 0;
	for (size_t i = 0; i < length - 1; i++)
		if (text[i] < ' ' || text[i] > '~')
			return 0;
	return 1;
}
