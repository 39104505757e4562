// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Lines of fields with commas between them.  No quotes: fields are names and
 * numbers.  Lines end with LF or CR LF, the last one also with the file.
 */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

void csv_complain(const struct csv *csv, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cli_complain("%s, line %lu: %s", csv->name, csv->line, text);
}

static int too_long(const struct csv *csv)
{
	csv_complain(csv, "longer than %u bytes; is this a CSV file?", CSV_LINE_MAX);
	return -1;
}

/* Reads to the end of the line.  As csv_read(), with the line in csv->text. */
static int read_line(struct csv *csv)
{
	size_t used = 0;
	int c;

	csv->line++;
	while ((c = getc_unlocked(csv->from)) != EOF && c != '\n') {
		if (!c) {
			csv_complain(csv, "a NUL byte; is this a CSV file?");
			return -1;
		}
		if (used == CSV_LINE_MAX)
			return too_long(csv);
		csv->text[used++] = (char)c;
	}
	if (ferror(csv->from)) {
		cli_complain("can't read %s: %s", csv->name, strerror(errno));
		return -1;
	}
	if (c == EOF && !used)
		return 0;
	if (used && csv->text[used - 1] == '\r')
		used--;
	csv->text[used] = 0;
	if (used)
		return 1;
	csv_complain(csv, "an empty line");
	return -1;
}

int csv_read(struct csv *csv)
{
	int ret = read_line(csv);
	char *at = csv->text;

	if (ret <= 0)
		return ret;
	if (strchr(at, '"')) {
		csv_complain(csv, "quotes are not understood; write fields without them");
		return -1;
	}
	for (csv->fields = 0; at; csv->fields++) {
		if (csv->fields == CSV_FIELDS_MAX) {
			csv_complain(csv, "more than %u fields", CSV_FIELDS_MAX);
			return -1;
		}
		csv->field[csv->fields] = at;
		at = strchr(at, ',');
		if (at)
			*at++ = 0;
	}
	return 1;
}
