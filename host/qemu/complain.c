// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Tells the user in one line why the plug-in cannot work, through QEMU if that is possible. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugin.h"

static void complain(const char *fmt, va_list args)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, args);
	if (error_report)
		error_report(AERO_QEMU_ME "%s", text);
	else
		fprintf(stderr, AERO_QEMU_ME "%s\n", text);
}

void aero_qemu_die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain(fmt, args);
	va_end(args);
	exit(1);
}

int aero_qemu_refuse(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain(fmt, args);
	va_end(args);
	return -1;
}
