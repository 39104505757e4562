// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What xenstore has of a domain.  The nodes below `data` and `control` are the guest's to write,
 * and may hold anything; so may all others, when an administrator has written them.
 */
#include "xen.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "files.h"

/* 1 PiB; no guest has more. */
#define KIB_MOST (UINT64_C(1) << 40)

const char *const xen_setting_names[XEN_SETTINGS] = {"min", "max", "shares", "managed"};

const char *xen_path(uint32_t number, const char *name, char path[XEN_PATH_MAX])
{
	snprintf(path, XEN_PATH_MAX, "/local/domain/%" PRIu32 "/%s", number, name);
	return path;
}

/* 0, -ENOENT or -E2BIG as the world's read(), or its failure. */
static int read_text(const struct xen_source *from, const char *name, char text[XEN_VALUE_MAX])
{
	char path[XEN_PATH_MAX];

	text[0] = 0;
	return from->world->read(from->self, xen_path(from->number, name, path), text);
}

static bool is_failure(int err)
{
	return err && err != -ENOENT && err != -E2BIG;
}

enum { ABSENT, WRONG, GOOD };

/* A number of KiB that is possible: ABSENT, WRONG or GOOD, or the world's failure. */
static int read_kib(const struct xen_source *from, const char *name, char text[XEN_VALUE_MAX],
		    uint64_t *kib)
{
	int err = read_text(from, name, text);

	if (is_failure(err))
		return err;
	if (err == -ENOENT)
		return ABSENT;
	return !err && aero_parse(text, KIB_MOST, kib) && *kib ? GOOD : WRONG;
}

/* ---- what the toolstack and the administrator have written ---- */

__attribute__((format(printf, 2, 3))) static void complain(struct xen_about *about,
							   const char *format, ...)
{
	va_list args;

	about->settings.set = 0;
	va_start(args, format);
	vsnprintf(about->complaint, sizeof(about->complaint), format, args);
	va_end(args);
}

static int read_name(const struct xen_source *from, struct xen_about *about)
{
	char text[XEN_VALUE_MAX];
	int err = read_text(from, "name", text);

	if (is_failure(err))
		return err;
	if (err || !*text)
		snprintf(about->name, sizeof(about->name), "domain-%" PRIu32, from->number);
	else
		snprintf(about->name, sizeof(about->name), "%.*s", (int)sizeof(about->name) - 1,
			 text);
	return 0;
}

static int read_sizes(const struct xen_source *from, struct xen_about *about)
{
	char text[XEN_VALUE_MAX];
	int found = read_kib(from, "memory/static-max", text, &about->static_max_kib);

	if (found < 0)
		return found;
	if (found != GOOD) {
		about->static_max_kib = AERO_HOST_UNKNOWN;
		complain(about, "in xenstore its memory/static-max is no number of KiB");
	}
	found = read_kib(from, "memory/videoram", text, &about->video_kib);
	if (found != GOOD || about->video_kib > about->static_max_kib)
		about->video_kib = 0;
	return found < 0 ? found : 0;
}

/* What toolstacks with a range have: xapi, and those that are made like it. */
static int read_range(const struct xen_source *from, struct xen_about *about)
{
	char low_text[XEN_VALUE_MAX], high_text[XEN_VALUE_MAX];
	uint64_t low = 0, high = 0;
	int low_found = read_kib(from, "memory/dynamic-min", low_text, &low), high_found;

	if (low_found < 0)
		return low_found;
	high_found = read_kib(from, "memory/dynamic-max", high_text, &high);
	if (high_found < 0)
		return high_found;
	if (low_found == ABSENT && high_found == ABSENT)
		return 0;
	if (low_found != GOOD || high_found != GOOD || low > high || high > about->static_max_kib) {
		complain(about, "in xenstore its memory/dynamic-min and dynamic-max are no range "
				"of KiB up to static-max");
		return 0;
	}
	about->settings.set = AERO_HOST_SET_MIN | AERO_HOST_SET_MAX;
	about->settings.min_kib = low;
	about->settings.max_kib = high;
	return 0;
}

static int read_settings(const struct xen_source *from, struct xen_about *about)
{
	char text[XEN_VALUE_MAX], path[64], error[AERO_HOST_WORDS_MAX - 64];

	for (unsigned int i = 0; i < XEN_SETTINGS && !about->complaint[0]; i++) {
		int err;

		snprintf(path, sizeof(path), XEN_SETTINGS_FOLDER "/%s", xen_setting_names[i]);
		err = read_text(from, path, text);
		if (is_failure(err))
			return err;
		if (err == -ENOENT)
			continue;
		if (!aero_host_settings_parse(&about->settings, xen_setting_names[i], text, error,
					      sizeof(error)))
			complain(about, "in xenstore below " XEN_SETTINGS_FOLDER ", %s", error);
	}
	return 0;
}

int xen_about_read(const struct xen_source *from, struct xen_about *about)
{
	uint64_t target;
	int err = xen_target_read(from, &target);

	memset(about, 0, sizeof(*about));
	if (!err)
		err = read_name(from, about);
	if (!err)
		err = read_sizes(from, about);
	if (!err && !about->complaint[0])
		err = read_range(from, about);
	if (!err)
		err = read_settings(from, about);
	return err;
}

int xen_target_read(const struct xen_source *from, uint64_t *kib)
{
	char text[XEN_VALUE_MAX];
	int found = read_kib(from, "memory/target", text, kib);

	if (found == WRONG)
		*kib = 0;
	return found < 0 ? found : found == ABSENT ? -ENOENT : 0;
}

/* ---- what the guest has written ---- */

/* Another one for each text, and never 0 (FNV-1a). */
static uint64_t mark_of(uint64_t mark, const char *text)
{
	for (; *text; text++)
		mark = (mark ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return mark ? mark : 1;
}

#define MARK_START UINT64_C(0xcbf29ce484222325)

/* The guest's figures; what it does not say is AERO_HOST_UNKNOWN. */
struct figures {
	uint64_t total;
	struct xen_said said;
};

static void say_nothing(struct xen_said *said)
{
	*said = (struct xen_said){
		.here = said->here,
		.unused_kib = AERO_HOST_UNKNOWN,
		.usable_kib = AERO_HOST_UNKNOWN,
		.cache_kib = AERO_HOST_UNKNOWN,
		.swap_in_kib = AERO_HOST_UNKNOWN,
		.swap_out_kib = AERO_HOST_UNKNOWN,
		.major_faults = AERO_HOST_UNKNOWN,
	};
}

static bool fits(uint64_t part, uint64_t total)
{
	return part == AERO_HOST_UNKNOWN || part <= total;
}

static bool is_possible(const struct figures *f, const struct xen_about *about)
{
	const struct xen_said *s = &f->said;

	return f->total && f->total <= about->static_max_kib && f->total <= KIB_MOST &&
	       fits(s->unused_kib, f->total) && fits(s->usable_kib, f->total) &&
	       fits(s->cache_kib, f->total) &&
	       (s->unused_kib != AERO_HOST_UNKNOWN || s->usable_kib != AERO_HOST_UNKNOWN);
}

/* "NAME=NUMBER"; names that are not known may come with later versions. */
static bool take_word(struct figures *f, char *word)
{
	const struct {
		const char *name;
		uint64_t *to;
	} known[] = {
		{"total", &f->total},
		{"unused", &f->said.unused_kib},
		{"usable", &f->said.usable_kib},
		{"cache", &f->said.cache_kib},
		{"swap-in", &f->said.swap_in_kib},
		{"swap-out", &f->said.swap_out_kib},
		{"major-faults", &f->said.major_faults},
	};
	char *value = strchr(word, '=');
	uint64_t number;

	if (!value || value == word)
		return false;
	*value++ = 0;
	if (!aero_parse(value, AERO_HOST_UNKNOWN - 1, &number))
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(known[i].name, word))
			*known[i].to = number;
	return true;
}

/* One line of aerostatd, so that figures of one moment come together. */
static int read_ours(const struct xen_source *from, struct figures *f)
{
	char text[XEN_VALUE_MAX], *rest = text, *word;
	int err = read_text(from, "data/aerostat", text);

	if (err)
		return is_failure(err) ? err : 0;
	f->said.mark = mark_of(MARK_START, text);
	while ((word = strsep(&rest, " ")))
		if (*word && !take_word(f, word))
			f->total = 0;
	return 0;
}

/* Three nodes of XenServer's agents. */
static int read_agents(const struct xen_source *from, struct figures *f)
{
	char total[XEN_VALUE_MAX], unused[XEN_VALUE_MAX], updated[XEN_VALUE_MAX];
	int found, err = read_kib(from, "data/meminfo_total", total, &f->total);

	if (err != GOOD)
		return err < 0 ? err : 0;
	found = read_kib(from, "data/meminfo_free", unused, &f->said.unused_kib);
	if (found != GOOD) {
		f->total = 0;
		return found < 0 ? found : 0;
	}
	err = read_text(from, "data/updated", updated);
	f->said.mark = mark_of(mark_of(mark_of(MARK_START, total), unused), updated);
	return is_failure(err) ? err : 0;
}

/* What drivers and agents write when they are there. */
static int look_for_driver(const struct xen_source *from, struct xen_said *said)
{
	static const char *const nodes[] = {"control/feature-balloon", "control/feature-poweroff",
					    "control/feature-suspend"};
	char text[XEN_VALUE_MAX];

	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes) && !said->here; i++) {
		int err = read_text(from, nodes[i], text);

		if (is_failure(err))
			return err;
		said->here = !err && !strcmp(text, "1");
	}
	return 0;
}

int xen_said_read(const struct xen_source *from, const struct xen_about *about,
		  struct xen_said *said)
{
	struct figures f = {.total = 0};
	int err = 0;

	say_nothing(&f.said);
	err = read_ours(from, &f);
	if (!err && !f.said.mark)
		err = read_agents(from, &f);
	if (err)
		return err;
	if (!f.said.mark || !is_possible(&f, about))
		say_nothing(said);
	else {
		*said = f.said;
		said->here = true;
	}
	return said->here ? 0 : look_for_driver(from, said);
}
