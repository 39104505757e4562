// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Where the memory has gone: boot = usable + balloon + reserved.
 *
 * The four are not taken from one source, so that a sum that is right says something.  Boot is
 * the firmware's map of memory, which only root may read; for everybody else what the kernel's
 * zones have.  Usable and balloon are the module's.  Reserved is what the zones have and the
 * allocator never got: the kernel itself, its map of pages, and what was set aside at boot.
 */
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

/* The largest number of ranges that a firmware's map has in practice is a few dozen. */
#define RANGES_MAX 1024U

static bool read_address(const char *root, unsigned int range, const char *which, uint64_t *value)
{
	char name[128], text[64], *end;

	snprintf(name, sizeof(name), "/sys/firmware/memmap/%u/%s", range, which);
	if (aero_read(root, name, text, sizeof(text)) || strncmp(text, "0x", 2))
		return false;
	*value = strtoull(text, &end, 16);
	return end != text && (*end == '\n' || !*end);
}

/* All ranges of memory in the firmware's map; 0: there is none, or it can't be read. */
static uint64_t firmware_kib(const char *root)
{
	uint64_t sum = 0, start, end;
	char name[128], type[64];

	for (unsigned int i = 0; i < RANGES_MAX; i++) {
		snprintf(name, sizeof(name), "/sys/firmware/memmap/%u/type", i);
		if (aero_read(root, name, type, sizeof(type)))
			break;
		if (strncmp(type, "System RAM", 10))
			continue;
		if (!read_address(root, i, "start", &start) ||
		    !read_address(root, i, "end", &end) || end < start)
			return 0;
		sum += end - start + 1;
	}
	return sum / 1024;
}

/* All pages of all zones, whoever has them. */
static uint64_t present_kib(const char *root)
{
	static char text[1 << 20];
	uint64_t sum = 0, value, page_kib = cli_page_kib();

	if (aero_read(root, "/proc/zoneinfo", text, sizeof(text)))
		return 0;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		line += strspn(line, " ");
		if (!strncmp(line, "present ", 8) && aero_line(line, "present ", &value))
			sum += value;
	}
	return sum * page_kib;
}

void doctor_account(const char *root, const struct balloon *b, struct doctor_memory *m)
{
	uint64_t present = present_kib(root);

	m->boot_kib = firmware_kib(root);
	m->firmware = m->boot_kib > 0;
	if (!m->firmware)
		m->boot_kib = present ? present : BALLOON_UNKNOWN;
	m->balloon_kib = b->size_kib;
	m->usable_kib = b->limit_kib > b->size_kib ? b->limit_kib - b->size_kib : 0;
	m->reserved_kib = present > b->limit_kib ? present - b->limit_kib : 0;
	if (!present)
		m->reserved_kib = BALLOON_UNKNOWN;
}

int64_t doctor_difference(const struct doctor_memory *m)
{
	return (int64_t)(m->usable_kib + m->balloon_kib + m->reserved_kib - m->boot_kib);
}
