// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "sample.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* The kernel's files begin here; /proc/zoneinfo of a large machine is the longest. */
#define FILE_MAX_BYTES (1U << 20)

static char text[FILE_MAX_BYTES];
static char path[PATH_MAX];

/* The file's text, or NULL. */
static const char *slurp(const char *root, const char *name)
{
	size_t length;
	FILE *from;
	bool bad;

	snprintf(path, sizeof(path), "%s%s", root, name);
	from = fopen(path, "re");
	if (!from)
		return NULL;
	length = fread(text, 1, sizeof(text) - 1, from);
	bad = ferror(from) || (length == 0 && !feof(from));
	fclose(from);
	text[length] = 0;
	return bad ? NULL : text;
}

static const char *must_slurp(const char *root, const char *name)
{
	const char *all = slurp(root, name);

	if (!all)
		cli_complain(
			"can't read %s: %s; record runs on the guest itself, a Linux with /proc",
			path, strerror(errno));
	return all;
}

/*
 * Reads the number at *@at, after blanks, and moves *@at behind it, so that a loop
 * over several numbers always gets on.  Returns false, with *@at where it was, when
 * there is no number there or it does not fit into 64 bits.
 */
static bool take_number(const char **at, uint64_t *value)
{
	const char *start = *at + strspn(*at, " \t");
	size_t n = strspn(start, "0123456789");
	char digits[24];

	if (n >= sizeof(digits))
		return false;
	memcpy(digits, start, n);
	digits[n] = 0;
	if (!aero_parse(digits, UINT64_MAX, value))
		return false;
	*at = start + n;
	return true;
}

static bool number_at(const char *at, uint64_t *value)
{
	return take_number(&at, value);
}

/* The number after @name at the beginning of a line. */
static bool number_of(const char *all, const char *name, uint64_t *value)
{
	size_t length = strlen(name);

	for (const char *line = all; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, length))
			return number_at(line + length, value);
	}
	return false;
}

/* The sum of the numbers of all lines that begin so.  Returns how many. */
static unsigned int sum_of(const char *all, const char *prefix, uint64_t *sum)
{
	size_t length = strlen(prefix);
	unsigned int n = 0;
	uint64_t value;

	for (const char *line = all; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, prefix, length) ||
		    !number_at(line + strcspn(line, " \n"), &value))
			continue;
		*sum += value;
		n++;
	}
	return n;
}

/* ---- levels ---- */

static int read_meminfo(const char *root, struct aero_policy_figures *f)
{
	uint64_t swap = 0, swap_free = 0;
	const struct {
		const char *name;
		uint64_t *pages;
	} lines[] = {
		{"MemTotal:", &f->managed_pages},
		{"MemFree:", &f->free_pages},
		{"MemAvailable:", &f->available_pages},
		{"Committed_AS:", &f->committed_pages},
		{"Active(file):", &f->file_active_pages},
		{"Inactive(file):", &f->file_inactive_pages},
		{"AnonPages:", &f->anon_pages},
		{"SwapTotal:", &swap},
		{"SwapFree:", &swap_free},
	};
	const char *all = must_slurp(root, "/proc/meminfo");

	if (!all)
		return -1;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		if (!number_of(all, lines[i].name, lines[i].pages)) {
			cli_complain("%s has no line '%s' with a number", path, lines[i].name);
			return -1;
		}
		*lines[i].pages /= cli_page_kib();
	}
	f->swapped_pages = swap > swap_free ? swap - swap_free : 0;
	return 0;
}

/*
 * The largest number of a list such as "(0, 3019, 17739)".  A list that is not
 * written so is read up to the first place that differs.
 */
static uint64_t largest(const char *at)
{
	uint64_t most = 0, value;

	at += strspn(at, " \t");
	do {
		at += strspn(at, "(,");
		if (!take_number(&at, &value))
			break;
		most = value > most ? value : most;
	} while (*at == ',');
	return most;
}

struct zone {
	uint64_t high, managed, lowmem, spanned, start;
	bool in_zone;
};

/* What the kernel calls totalreserve: what a zone keeps back, at most all of it. */
static void close_zone(const struct zone *z, struct aero_policy_figures *f)
{
	uint64_t reserve = z->high + z->lowmem, end = z->start + z->spanned;

	if (!z->in_zone)
		return;
	f->reserve_pages += reserve < z->managed ? reserve : z->managed;
	if (z->spanned && end > f->max_pfn)
		f->max_pfn = end;
}

static void read_zone_line(struct zone *z, const char *line)
{
	line += strspn(line, " ");
	if (!strncmp(line, "high ", 5))
		number_at(line + 5, &z->high);
	else if (!strncmp(line, "managed ", 8))
		number_at(line + 8, &z->managed);
	else if (!strncmp(line, "spanned ", 8))
		number_at(line + 8, &z->spanned);
	else if (!strncmp(line, "start_pfn:", 10))
		number_at(line + 10, &z->start);
	else if (!strncmp(line, "protection:", 11))
		z->lowmem = largest(line + 11);
}

static int read_zoneinfo(const char *root, struct aero_policy_figures *f)
{
	const char *all = must_slurp(root, "/proc/zoneinfo");
	struct zone z = {.in_zone = false};

	if (!all)
		return -1;
	f->reserve_pages = 0;
	f->max_pfn = 0;
	for (const char *line = all; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, "Node ", 5)) {
			close_zone(&z, f);
			z = (struct zone){.in_zone = true};
		} else {
			read_zone_line(&z, line);
		}
	}
	close_zone(&z, f);
	if (f->max_pfn)
		return 0;
	cli_complain("%s names no zone with pages", path);
	return -1;
}

static bool read_one(const char *root, const char *name, uint64_t *value)
{
	const char *all = slurp(root, name);

	return all && number_at(all, value);
}

/*
 * Ballooned pages are no longer the guest's.  Of some drivers the kernel still
 * counts them in MemTotal.  What the hypervisor counts, Xen alone tells.
 */
static void read_balloon(const char *root, struct aero_policy_figures *f)
{
	uint64_t limit_kib, size_kib, current_kib;

	if (read_one(root, "/sys/kernel/aerostat/limit_kib", &limit_kib) &&
	    read_one(root, "/sys/kernel/aerostat/size_kib", &size_kib) && limit_kib > size_kib)
		f->managed_pages = (limit_kib - size_kib) / cli_page_kib();
	f->current_pages = f->managed_pages;
	if (read_one(root, "/sys/devices/system/xen_memory/xen_memory0/info/current_kb",
		     &current_kib))
		f->current_pages = current_kib / cli_page_kib();
}

/* ---- counters ---- */

static int read_vmstat(const char *root, struct sample_counters *c)
{
	const struct {
		const char *prefix;
		uint64_t *sum;
	} lines[] = {
		{"workingset_refault", &c->refaults},  {"pgscan_kswapd", &c->scanned_pages},
		{"pgscan_direct ", &c->scanned_pages}, {"pgsteal_kswapd", &c->stolen_pages},
		{"pgsteal_direct", &c->stolen_pages},  {"pswpin", &c->swap_in_pages},
		{"pswpout", &c->swap_out_pages},       {"allocstall", &c->stalls},
	};
	const char *all = must_slurp(root, "/proc/vmstat");
	unsigned int found = 0;

	if (!all)
		return -1;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		found += sum_of(all, lines[i].prefix, lines[i].sum);
	if (found)
		return 0;
	cli_complain("%s has none of the lines looked for, such as pswpin", path);
	return -1;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345" */
static bool total_of(const char *all, const char *which, uint64_t *us)
{
	const char *line = all ? strstr(all, which) : NULL, *total;

	total = line ? strstr(line, "total=") : NULL;
	return total && number_at(total + 6, us);
}

int sample_read(const char *root, struct aero_policy_figures *figures,
		struct sample_counters *counters)
{
	const char *all;

	memset(counters, 0, sizeof(*counters));
	if (read_meminfo(root, figures) || read_zoneinfo(root, figures) ||
	    read_vmstat(root, counters))
		return -1;
	read_balloon(root, figures);
	/* A kernel may be built or started without. */
	all = slurp(root, "/proc/pressure/memory");
	counters->stalls_timed = total_of(all, "some ", &counters->some_us) &&
				 total_of(all, "full ", &counters->full_us);
	all = slurp(root, "/sys/kernel/debug/aerostat/stats");
	if (all)
		number_of(all, "relieved_pages ", &counters->relieved_pages);
	return 0;
}

/* ---- events ---- */

/* A counter may begin anew, with a module that was loaded again. */
static uint64_t rise(uint64_t before, uint64_t now)
{
	return now > before ? now - before : 0;
}

static uint32_t permille(uint64_t us, uint32_t interval_ms)
{
	uint64_t share = interval_ms ? us / interval_ms : 0;

	return share < 1000 ? (uint32_t)share : 1000;
}

void sample_events(struct aero_policy_figures *f, const struct sample_counters *before,
		   const struct sample_counters *now, uint32_t interval_ms)
{
	bool timed = before->stalls_timed && now->stalls_timed;

	f->refaults = rise(before->refaults, now->refaults);
	f->scanned_pages = rise(before->scanned_pages, now->scanned_pages);
	f->stolen_pages = rise(before->stolen_pages, now->stolen_pages);
	f->swap_in_pages = rise(before->swap_in_pages, now->swap_in_pages);
	f->swap_out_pages = rise(before->swap_out_pages, now->swap_out_pages);
	f->stalls = rise(before->stalls, now->stalls);
	f->relieved_pages = rise(before->relieved_pages, now->relieved_pages);
	f->some_permille = timed ? permille(rise(before->some_us, now->some_us), interval_ms)
				 : AERO_POLICY_UNKNOWN;
	f->full_permille = timed ? permille(rise(before->full_us, now->full_us), interval_ms)
				 : AERO_POLICY_UNKNOWN;
	f->interval_ms = interval_ms;
}
