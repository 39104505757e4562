// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "files.h"

const char *units_size(char text[UNITS_TEXT_MAX], uint64_t kib)
{
	static const char *const names[] = {"KiB", "MiB", "GiB", "TiB"};
	uint64_t whole = kib, tenths = 0;
	unsigned int unit = 0;

	/* In tenths of the unit, rounded; one digit behind the point where there is one. */
	for (uint64_t size = 1; unit < 3 && whole >= 1024; unit++) {
		size *= 1024;
		whole = kib / size;
		tenths = (kib % size * 10 + size / 2) / size;
	}
	whole += tenths / 10;
	tenths %= 10;
	/* 1024.0 MiB is 1.0 GiB. */
	if (whole == 1024 && unit < 3) {
		whole = 1;
		unit++;
	}
	if (unit > 1 || tenths)
		snprintf(text, UNITS_TEXT_MAX, "%" PRIu64 ".%" PRIu64 " %s", whole, tenths,
			 names[unit]);
	else
		snprintf(text, UNITS_TEXT_MAX, "%" PRIu64 " %s", whole, names[unit]);
	return text;
}

const char *units_time(char text[UNITS_TEXT_MAX], uint64_t ms)
{
	uint64_t s = ms / 1000;

	if (ms && ms < 1000)
		snprintf(text, UNITS_TEXT_MAX, "%" PRIu64 " ms", ms);
	else if (s < 120)
		snprintf(text, UNITS_TEXT_MAX, "%" PRIu64 " s", s);
	else if (s < 120 * 60)
		snprintf(text, UNITS_TEXT_MAX, "%" PRIu64 " min", s / 60);
	else if (s < 48 * 3600)
		snprintf(text, UNITS_TEXT_MAX, "%" PRIu64 " h", s / 3600);
	else
		snprintf(text, UNITS_TEXT_MAX, "%" PRIu64 " days", s / 86400);
	return text;
}

/* ---- reading them ---- */

/* The number at *@text in thousandths, and *@text behind it. */
static bool take_number(const char **text, uint64_t *thousandths)
{
	size_t n = strspn(*text, "0123456789"), decimals;
	uint64_t value, part = 0;
	char digits[24];

	if (!n || n > 15)
		return false;
	memcpy(digits, *text, n);
	digits[n] = 0;
	if (!aero_parse(digits, UINT64_MAX / 1000, &value))
		return false;
	*text += n;
	if (**text == '.') {
		decimals = strspn(*text + 1, "0123456789");
		if (!decimals || decimals > 3)
			return false;
		memcpy(digits, "000", 4);
		memcpy(digits, *text + 1, decimals);
		if (!aero_parse(digits, 999, &part))
			return false;
		*text += 1 + decimals;
	}
	*thousandths = value * 1000 + part;
	return true;
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* A number, and behind blanks one of the names; NULL: it is not so. */
static const struct unit *take_amount(const char *text, const struct unit *units, size_t n,
				      uint64_t *thousandths)
{
	if (!take_number(&text, thousandths))
		return NULL;
	text += strspn(text, " ");
	for (size_t i = 0; i < n; i++)
		if (!strcasecmp(text, units[i].name))
			return &units[i];
	return NULL;
}

bool units_parse_size(const char *text, uint64_t *kib)
{
	static const struct unit units[] = {
		{"", 1},	   {"B", 1},
		{"K", 1ULL << 10}, {"KiB", 1ULL << 10},
		{"M", 1ULL << 20}, {"MiB", 1ULL << 20},
		{"G", 1ULL << 30}, {"GiB", 1ULL << 30},
		{"T", 1ULL << 40}, {"TiB", 1ULL << 40},
	};
	const struct unit *unit;
	unsigned __int128 bytes;
	uint64_t thousandths;

	unit = take_amount(text, units, sizeof(units) / sizeof(*units), &thousandths);
	if (!unit)
		return false;
	bytes = (unsigned __int128)thousandths * unit->factor / 1000;
	/* 1.3G is no whole number of KiB, and nobody who writes it means that. */
	if (bytes >> 10 > UINT64_MAX || (unit->factor < 1024 && bytes % 1024))
		return false;
	*kib = (uint64_t)(bytes >> 10);
	return true;
}

bool units_parse_time(const char *text, uint64_t *ms)
{
	static const struct unit units[] = {
		{"", 1}, {"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}};
	const struct unit *unit;
	unsigned __int128 value;
	uint64_t thousandths;

	unit = take_amount(text, units, sizeof(units) / sizeof(*units), &thousandths);
	if (!unit)
		return false;
	value = (unsigned __int128)thousandths * unit->factor;
	if (value % 1000 || value / 1000 > UINT64_MAX)
		return false;
	*ms = (uint64_t)(value / 1000);
	return true;
}

/* ---- lines ---- */

#define WIDTH_LEAST 20U
#define WIDTH_MOST  200U

static size_t width(FILE *to)
{
	const char *columns = getenv("COLUMNS");
	struct winsize window;
	uint64_t n = 80;

	if (columns && aero_parse(columns, 10000, &n) && n)
		;
	else if (!ioctl(fileno(to), TIOCGWINSZ, &window) && window.ws_col)
		n = window.ws_col;
	return n < WIDTH_LEAST ? WIDTH_LEAST : n > WIDTH_MOST ? WIDTH_MOST : n;
}

#define NAME_WIDTH 12

void units_entry(FILE *to, const char *name, const char *text)
{
	size_t indent = *name ? NAME_WIDTH : 0, limit = width(to), at = indent, n;
	bool first = true;

	if (indent)
		fprintf(to, "%-*s", NAME_WIDTH, name);
	while (*(text += strspn(text, " "))) {
		n = strcspn(text, " ");
		if (!first && at + 1 + n > limit) {
			fprintf(to, "\n%*s", (int)indent, "");
			at = indent;
			first = true;
		}
		fprintf(to, "%s%.*s", first ? "" : " ", (int)n, text);
		at += n + !first;
		first = false;
		text += n;
	}
	fputc('\n', to);
}
