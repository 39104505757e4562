/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What people wrote, cut out of a line or shown in a complaint. */
#ifndef AEROSTAT_COMMON_TEXT_H
#define AEROSTAT_COMMON_TEXT_H

#include <stddef.h>

/* @text without the blanks around it, which is changed for that. */
char *aero_trim(char *text);

/* @text as it may be printed: in at most @size bytes, which are at least 4.  Returns @shown. */
const char *aero_shown(const char *text, char *shown, size_t size);

#endif
