// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "text.h"

#include <ctype.h>
#include <string.h>

char *aero_trim(char *text)
{
	size_t n;

	text += strspn(text, " \t");
	n = strlen(text);
	while (n && strchr(" \t\r\n", text[n - 1]))
		text[--n] = 0;
	return text;
}

const char *aero_shown(const char *text, char *shown, size_t size)
{
	size_t i;

	for (i = 0; text[i] && i < size - 4; i++)
		shown[i] = isprint((unsigned char)text[i]) ? text[i] : '?';
	strcpy(shown + i, text[i] ? "..." : "");
	return shown;
}
