// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <inttypes.h>
#include <string.h>

#include "host.h"
#include "units.h"

static const char *size_of(const json_t *object, const char *name, char text[UNITS_TEXT_MAX])
{
	uint64_t kib = host_kib(object, name);

	if (kib == BALLOON_UNKNOWN)
		return strcpy(text, "-");
	return units_size(text, kib);
}

void host_summary(const json_t *all, char text[2 * HOST_LINE_MAX])
{
	const json_t *host = json_object_get(all, "host");
	char total[UNITS_TEXT_MAX], reserve[UNITS_TEXT_MAX], promised[UNITS_TEXT_MAX];
	char unused[UNITS_TEXT_MAX], overhead[UNITS_TEXT_MAX], room[UNITS_TEXT_MAX];
	uint64_t kept = host_kib(host, "room_kib");
	int n;

	n = snprintf(text, 2 * HOST_LINE_MAX,
		     "%s to share out by policy %s: guests have or were promised %s, reserve %s, "
		     "the host itself %s, free %s",
		     size_of(host, "total_kib", total), host_text(all, "policy"),
		     size_of(host, "promised_kib", promised), size_of(host, "reserve_kib", reserve),
		     size_of(host, "overhead_kib", overhead), size_of(host, "free_kib", unused));
	if (kept && kept != BALLOON_UNKNOWN)
		n += snprintf(text + n, 2 * HOST_LINE_MAX - (size_t)n, ", room %s for %s",
			      json_is_true(json_object_get(host, "room_made")) ? "is kept"
									       : "is being made",
			      units_size(room, kept));
	if (json_is_true(json_object_get(all, "dry_run")))
		n += snprintf(text + n, 2 * HOST_LINE_MAX - (size_t)n, ", nothing is changed");
	if (!json_is_true(json_object_get(all, "connected")))
		snprintf(text + n, 2 * HOST_LINE_MAX - (size_t)n, "; NOT UP TO DATE: %s",
			 host_text(all, "failure"));
}

#define FORM "%-16.16s %-11.11s %9s %9s %9s %9s %9s %7s  %s"

const char *host_table_head(void)
{
	static char head[HOST_LINE_MAX];

	snprintf(head, sizeof(head), FORM, "GUEST", "STATE", "HAS", "TARGET", "NEEDS", "MIN", "MAX",
		 "SHARES", "WHY");
	return head;
}

void host_table_line(const json_t *g, bool decided, char text[HOST_LINE_MAX])
{
	char has[UNITS_TEXT_MAX], target[UNITS_TEXT_MAX], need[UNITS_TEXT_MAX];
	char min[UNITS_TEXT_MAX], max[UNITS_TEXT_MAX], shares[UNITS_TEXT_MAX];
	const char *why = host_text(g, "why");

	snprintf(shares, sizeof(shares), "%" PRIu64, host_kib(g, "shares"));
	snprintf(text, HOST_LINE_MAX, FORM, cli_shown(host_text(g, "name")), host_text(g, "mode"),
		 size_of(g, "current_kib", has),
		 size_of(g, decided ? "decided_kib" : "target_kib", target),
		 size_of(g, "need_kib", need), size_of(g, "min_kib", min),
		 size_of(g, "max_kib", max), shares, *why ? why : host_text(g, "reason"));
}

void host_show(const json_t *all, bool decided)
{
	const json_t *guests = json_object_get(all, "guests"), *g;
	char text[2 * HOST_LINE_MAX];
	size_t i;

	host_summary(all, text);
	units_entry(stdout, "", text);
	puts(host_table_head());
	json_array_foreach((json_t *)(uintptr_t)guests, i, g) {
		host_table_line(g, decided, text);
		puts(text);
	}
}

/* ---- explain ---- */

static const struct {
	const char *reason, *words;
} reasons[] = {
	{"keeps", "It keeps what it has: a move would be too small to be worth it."},
	{"grows-to-need", "It grows, because it needs more than it has."},
	{"grows-spare", "It grows, because the host has more than all need."},
	{"shrinks-spare", "It shrinks, because it has more than it needs and others need it."},
	{"shrinks-share", "It shrinks to its share, because there is not enough for all."},
	{"shrinks-host", "It shrinks, because the host itself is short of memory."},
	{"shrinks-room", "It shrinks, to make room for a guest that starts."},
	{"at-min", "It has its minimum, and would shrink further without it."},
	{"at-max", "It has its maximum, and would grow further without it."},
	{"left-alone", "It is left alone."},
	{"waits", "It should grow, and waits until others have given up what they were asked for."},
};

static const char *reason_words(const char *reason)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (!strcmp(reasons[i].reason, reason))
			return reasons[i].words;
	return reason;
}

static void explain_statistics(const json_t *g)
{
	char usable[UNITS_TEXT_MAX], cache[UNITS_TEXT_MAX], age[UNITS_TEXT_MAX];
	uint64_t ms = host_kib(g, "statistics_age_ms");
	char text[2 * HOST_LINE_MAX];

	if (ms == BALLOON_UNKNOWN)
		snprintf(text, sizeof(text),
			 "None that are possible; it is judged by its size alone.");
	else
		snprintf(text, sizeof(text),
			 "%s usable, %s of page cache, said %s ago; %" PRIu64
			 " major faults since the step before.",
			 size_of(g, "usable_kib", usable), size_of(g, "cache_kib", cache),
			 units_time(age, ms), host_kib(g, "major_faults"));
	units_entry(stdout, "Statistics", text);
}

void host_explain(const json_t *all, const json_t *g)
{
	char a[UNITS_TEXT_MAX], b[UNITS_TEXT_MAX], c[UNITS_TEXT_MAX], d[UNITS_TEXT_MAX];
	char text[2 * HOST_LINE_MAX];
	const char *why = host_text(g, "why"), *complaint = host_text(g, "complaint");

	snprintf(text, sizeof(text), "%s; %s", cli_shown(host_text(g, "name")),
		 host_text(g, "mode"));
	units_entry(stdout, "Guest", text);
	snprintf(text, sizeof(text), "It has %s and was asked for %s; it needs %s, says policy %s.",
		 size_of(g, "current_kib", a), size_of(g, "target_kib", b),
		 size_of(g, "need_kib", c), host_text(all, "policy"));
	units_entry(stdout, "Size", text);
	snprintf(text, sizeof(text), "%s%s%s", reason_words(host_text(g, "reason")),
		 *why ? "  Its state: " : "", why);
	units_entry(stdout, "Why", text);
	snprintf(text, sizeof(text), "%s to %s, with %" PRIu64 " shares; it booted with %s.%s%s",
		 size_of(g, "min_kib", a), size_of(g, "max_kib", b), host_kib(g, "shares"),
		 size_of(g, "boot_kib", c),
		 *complaint ? "  These are defaults, because what was set is wrong: " : "",
		 complaint);
	units_entry(stdout, "Limits", text);
	explain_statistics(g);
	snprintf(text, sizeof(text),
		 "%" PRIu64 " times, %" PRIu64
		 " of these in another direction than before; %" PRIu64
		 " failed.  The host holds %s for it.",
		 host_kib(g, "moves"), host_kib(g, "turns"), host_kib(g, "failures"),
		 size_of(g, "resident_kib", d));
	units_entry(stdout, "Moved", text);
}
