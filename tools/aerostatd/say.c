// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "say.h"

#include <stdarg.h>
#include <stdio.h>

#include "files.h"

void aero_say(const char *format, ...)
{
	char text[2 * AERO_PATH_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "aerostatd: %s\n", text);
}
