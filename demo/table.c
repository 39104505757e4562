/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The closing table of the demonstration, and the verdict. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>

#include "demo.h"

/* Where only the host's own bookkeeping is a witness: what it must get of the balloon. */
#define TOLERANCE_PERCENT 2
/* The guest leaves some memory alone when it fills itself, and so does the host. */
#define REFILL_PERCENT	  90

#define NAME_WIDTH	  26
#define FIGURE_WIDTH	  16

/* Figures that are exact to the page are shown so. */
static bool exact(const struct demo *d)
{
	return d->options.platform->slack_kib == 0;
}

static void row(const struct demo *d, const char *name, const uint64_t kib[COLUMNS])
{
	if (kib[0] == LAB_UNKNOWN)
		return;
	printf("  %-*s", NAME_WIDTH, name);
	for (int i = 0; i < COLUMNS; i++)
		printf("%*" PRIu64 " %s", FIGURE_WIDTH - 4,
		       exact(d) ? kib[i] : kib[i] / KIB_PER_MIB, exact(d) ? "KiB" : "MiB");
	printf("\n");
}

#define ROW(name, expression)                         \
	do {                                          \
		uint64_t kib[COLUMNS];                \
		for (int i = 0; i < COLUMNS; i++)     \
			kib[i] = d->at[i].expression; \
		row(d, name, kib);                    \
	} while (0)

static void row_seconds(const struct demo *d)
{
	double gib = (double)d->at[INFLATED].balloon_kib / KIB_PER_MIB / 1024;

	printf("  %-*s%*s", NAME_WIDTH, "time to get there", FIGURE_WIDTH, "");
	for (int i = INFLATED; i < COLUMNS; i++)
		printf("%*.2f s", FIGURE_WIDTH - 2, d->at[i].seconds);
	printf("\n");
	if (d->at[INFLATED].busy_seconds <= 0)
		return;
	printf("  %-*s%*s", NAME_WIDTH, "rate while moving", FIGURE_WIDTH, "");
	for (int i = INFLATED; i < COLUMNS; i++)
		printf("%*.1f GiB/s", FIGURE_WIDTH - 6, gib / d->at[i].busy_seconds);
	printf("\n");
}

void table_print(const struct demo *d)
{
	const char *title = d->options.platform->title;
	char has[64], spare[64];

	snprintf(has, sizeof(has), "%s: the guest has", title);
	snprintf(spare, sizeof(spare), "%s: free memory", title);
	printf("\n  %s%-*s%*s%*s%*s%s\n", BOLD, NAME_WIDTH, "", FIGURE_WIDTH, "before",
	       FIGURE_WIDTH, "inflated", FIGURE_WIDTH, "deflated", NORMAL);
	ROW("guest: total", guest.total_kib);
	ROW("guest: free", guest.free_kib);
	ROW("guest: balloon", balloon_kib);
	ROW(has, figures.guest_kib);
	ROW(spare, figures.host_free_kib);
	ROW("host: the guest's memory", figures.host_ram_kib);
	ROW("host: all of QEMU", figures.host_process_kib);
	row_seconds(d);
	printf("  %-*s", NAME_WIDTH, "data intact");
	for (int i = 0; i < COLUMNS; i++)
		printf("%*s", FIGURE_WIDTH, d->at[i].data_good ? "yes" : "NO");
	printf("\n\n");
}

/* The host's memory that backs the guest must shrink and grow with the balloon. */
static int judge_backing(const struct demo *d)
{
	const struct column *at = d->at;
	int64_t moved_kib = (int64_t)at[INFLATED].balloon_kib;
	int64_t got_kib =
		(int64_t)(at[BEFORE].figures.host_ram_kib - at[INFLATED].figures.host_ram_kib);
	int64_t back_kib =
		(int64_t)(at[DEFLATED].figures.host_ram_kib - at[INFLATED].figures.host_ram_kib);
	int bad = 0;

	if (got_kib * 100 < moved_kib * (100 - TOLERANCE_PERCENT))
		bad = screen_complain("the balloon took %" PRId64
				      " MiB, but the host got only %" PRId64 " MiB",
				      moved_kib / KIB_PER_MIB, got_kib / KIB_PER_MIB);
	if (back_kib * 100 < moved_kib * REFILL_PERCENT)
		bad = screen_complain("of %" PRId64 " MiB the guest could use only %" PRId64
				      " MiB again",
				      moved_kib / KIB_PER_MIB, back_kib / KIB_PER_MIB);
	if (!bad)
		printf("  %sThe host got %" PRId64 " MiB, the guest got them back, and no byte of "
		       "its data changed.%s\n",
		       GREEN, got_kib / KIB_PER_MIB, NORMAL);
	return bad;
}

/* The hypervisor's figures must have moved to the KiB, and be back where they were. */
static int judge_exact(const struct demo *d)
{
	const struct column *at = d->at;
	unsigned int way_mib = d->options.memory_mib - d->options.low_mib;
	uint64_t more_kib = at[INFLATED].balloon_kib - at[BEFORE].balloon_kib;
	int bad = 0;

	if (more_kib != (uint64_t)way_mib * KIB_PER_MIB)
		bad = screen_complain("the balloon holds %" PRIu64 " KiB more, not %u MiB",
				      more_kib, way_mib);
	if (at[DEFLATED].figures.host_free_kib != at[BEFORE].figures.host_free_kib ||
	    at[DEFLATED].figures.guest_kib != at[BEFORE].figures.guest_kib ||
	    at[DEFLATED].balloon_kib != at[BEFORE].balloon_kib ||
	    at[DEFLATED].guest.total_kib != at[BEFORE].guest.total_kib)
		bad = screen_complain("the way back did not end where it began");
	if (!bad)
		printf("  %s%s got %u MiB, exact to the KiB, and gave them back, and no byte of the "
		       "guest's data changed.%s\n",
		       GREEN, d->options.platform->title, way_mib, NORMAL);
	return bad;
}

int judge(const struct demo *d)
{
	char *lines = NULL;
	int bad = 0;

	for (int i = 0; i < COLUMNS; i++)
		if (!d->at[i].data_good)
			bad = screen_complain(
				"the guest's data was damaged (column %d of the table)", i + 1);
	if (lab_log_problems(d->subject.host, NULL, &lines))
		bad = screen_complain("a kernel or the hypervisor complained (%s):\n%s",
				      lab_console_path(d->subject.host),
				      lines ? lines : lab_error());
	free(lines);
	if (bad)
		return bad;
	return exact(d) ? judge_exact(d) : judge_backing(d);
}
