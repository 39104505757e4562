// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <stdarg.h>
#include <stdio.h>

#include "hostd.h"

void hostd_say_line(const char *line)
{
	fprintf(stderr, "aerostat-hostd: %s\n", line);
}

void hostd_say(const char *format, ...)
{
	char text[2 * AERO_PATH_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	hostd_say_line(text);
}
