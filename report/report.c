// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

int report_complain(const char *format, ...)
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

unsigned int report_number(const char *text, const char *name, unsigned int min, unsigned int max,
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

int report_make_folder(const char *folder)
{
	if (strpbrk(folder, ",\"\\\n"))
		return report_complain("the folder '%s' has a character that QEMU or gnuplot would "
				       "misread; choose another with --output",
				       folder);
	if (mkdir(folder, 0755) && errno != EEXIST)
		return report_complain("can't make %s: %s", folder, strerror(errno));
	return 0;
}

void report_date(char date[32])
{
	time_t now = time(NULL);
	struct tm utc;

	*date = 0;
	if (gmtime_r(&now, &utc))
		strftime(date, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

int report_dump_json(const json_t *document, const char *folder, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (!document || json_dump_file(document, path, JSON_INDENT(1) | JSON_REAL_PRECISION(8)))
		return report_complain("can't write %s: %s", path, strerror(errno));
	return 0;
}
