// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

void metrics_describe(FILE *to, const char *name, const char *type, const char *help)
{
	fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_gauge(FILE *to, const char *name, const char *help, uint64_t value)
{
	metrics_describe(to, name, "gauge", help);
	fprintf(to, "%s %" PRIu64 "\n", name, value);
}

static int failed(const char *file)
{
	cli_complain("can't write %s: %s", file, strerror(errno));
	return CLI_FAILED;
}

static int replace(const char *file, void (*write)(FILE *to, const void *of), const void *of)
{
	char *draft;
	bool bad;
	FILE *to;
	int fd;

	if (asprintf(&draft, "%s.XXXXXX", file) < 0) {
		cli_complain("no memory");
		return CLI_FAILED;
	}
	fd = mkostemp(draft, O_CLOEXEC);
	to = fd < 0 ? NULL : fdopen(fd, "w");
	if (!to) {
		free(draft);
		return failed(file);
	}
	write(to, of);
	bad = fflush(to) || ferror(to) || fchmod(fd, 0644) || fsync(fd);
	bad = fclose(to) || bad;
	if (bad || rename(draft, file)) {
		failed(file);
		unlink(draft);
		bad = true;
	}
	free(draft);
	return bad ? CLI_FAILED : CLI_OK;
}

int metrics_write(const char *file, void (*write)(FILE *to, const void *of), const void *of)
{
	if (file)
		return replace(file, write, of);
	write(stdout, of);
	return CLI_OK;
}
