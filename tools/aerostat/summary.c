// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What the balloon has, what holds it back and why, in words. */
#include <string.h>

#include "balloon.h"
#include "units.h"

/* VMware's driver does not begin to shrink for less than a large block above the target. */
#define SLACK_KIB 2048U

bool balloon_agrees(const struct balloon *b)
{
	if (b->size_kib == b->target_kib)
		return true;
	return !strcmp(b->hypervisor, "vmware") && b->target_kib && b->size_kib > b->target_kib &&
	       b->size_kib - b->target_kib <= SLACK_KIB;
}

bool balloon_is_own_master(const struct balloon *b)
{
	return b->selfballooning == 1;
}

const char *balloon_hypervisor_name(const struct balloon *b)
{
	static const char *const names[][2] = {
		{"vmware", "VMware"}, {"xen", "Xen"}, {"virtio", "virtio"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(b->hypervisor, names[i][0]))
			return names[i][1];
	return *b->hypervisor ? b->hypervisor : "an unknown hypervisor";
}

/* ---- why size and target differ ---- */

/* The allocator gave nothing: mostly because only the reserve is left. */
static void why_no_memory(const struct balloon *b, char *text)
{
	char reserve[UNITS_TEXT_MAX], spare[UNITS_TEXT_MAX];

	if (b->spare_kib != BALLOON_UNKNOWN && b->spare_kib > SLACK_KIB)
		snprintf(
			text, BALLOON_SUMMARY_MAX,
			"waiting: the guest had no memory to spare at the last attempt; now it has "
			"%s, and the next attempt follows",
			units_size(spare, b->spare_kib));
	else if (b->reserve_kib != BALLOON_UNKNOWN)
		snprintf(text, BALLOON_SUMMARY_MAX,
			 "waiting: the guest has only its reserve of %s left",
			 units_size(reserve, b->reserve_kib));
	else
		snprintf(text, BALLOON_SUMMARY_MAX, "waiting: the guest has no memory to spare");
}

static void why_held_off(const struct balloon *b, char *text)
{
	char pause[UNITS_TEXT_MAX], given[UNITS_TEXT_MAX], ago[UNITS_TEXT_MAX];
	int n;

	n = snprintf(text, BALLOON_SUMMARY_MAX,
		     "waiting: the guest ran short of memory, and the balloon does not grow for %s "
		     "after that",
		     b->holdoff_ms == BALLOON_UNKNOWN ? "a while"
						      : units_time(pause, b->holdoff_ms));
	if (b->last_relief_ago_ms != BALLOON_UNKNOWN && b->last_relief_kib != BALLOON_UNKNOWN)
		snprintf(text + n, BALLOON_SUMMARY_MAX - (size_t)n, " (%s given back %s ago)",
			 units_size(given, b->last_relief_kib),
			 units_time(ago, b->last_relief_ago_ms));
}

/* The rest of what a run may end with; the names are the module's. */
static const char *why_else(const struct balloon *b)
{
	static const char *const reasons[][2] = {
		{"rate", "on the way, at a limited rate, because memory was short before"},
		{"command_failed", "waiting: the host does not answer as it should"},
		{"reset", "waiting: the host has forgotten this guest's pages, and the balloon "
			  "connects anew"},
		{"no_growth", "waiting: memory could not be added to the guest"},
		{"wait", "waiting: memory that was added is not online yet"},
	};
	bool inflate = b->size_kib < b->target_kib;

	if (!strcmp(b->state, "connecting") || !strcmp(b->state, "resetting"))
		return "waiting: the balloon is not connected to the host";
	if (!strcmp(b->last_run, "no_progress"))
		return inflate ? "waiting: the host accepts no more pages"
			       : "waiting: the host returns no more pages";
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (!strcmp(b->last_run, reasons[i][0]))
			return reasons[i][1];
	return inflate ? "on the way" : "giving back";
}

static void why(const struct balloon *b, char text[BALLOON_SUMMARY_MAX])
{
	bool inflate = b->size_kib < b->target_kib;

	if (inflate && !strcmp(b->last_run, "no_memory"))
		why_no_memory(b, text);
	else if (inflate && !strcmp(b->last_run, "held_off"))
		why_held_off(b, text);
	else
		snprintf(text, BALLOON_SUMMARY_MAX, "%s", why_else(b));
}

void balloon_summary(const struct balloon *b, char text[BALLOON_SUMMARY_MAX])
{
	char target[UNITS_TEXT_MAX], size[UNITS_TEXT_MAX], reason[BALLOON_SUMMARY_MAX];
	const char *who = balloon_is_own_master(b) ? "the guest's policy" : "the host";

	units_size(target, b->target_kib);
	units_size(size, b->size_kib);
	if (balloon_agrees(b)) {
		if (b->target_kib)
			snprintf(text, BALLOON_SUMMARY_MAX,
				 "%s asks for %s, and the balloon holds it.", who, target);
		else
			snprintf(text, BALLOON_SUMMARY_MAX,
				 "%s asks for nothing, and the balloon is empty.", who);
	} else {
		why(b, reason);
		/* What rounds to the same is told exactly. */
		if (!strcmp(target, size)) {
			snprintf(target, sizeof(target), "%llu KiB",
				 (unsigned long long)b->target_kib);
			snprintf(size, sizeof(size), "%llu KiB", (unsigned long long)b->size_kib);
		}
		snprintf(text, BALLOON_SUMMARY_MAX, "%s asks for %s, %s held, %.400s.", who,
			 b->target_kib ? target : "nothing", size, reason);
	}
	*text = (char)(*text - 'a' + 'A');
}
