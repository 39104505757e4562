// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "balloon.h"
#include "units.h"

/* A test compares it with docs/use/abi.md, and that with the module's own (tests/tools/docs.test).
 */
static struct setting table[] = {
	{"period_ms", false, SETTING_MS, 100, 60000, 1000,
	 "time from one run of the worker to the next", NULL, NULL},
	{"holdoff_ms", false, SETTING_MS, 0, 3600000, 30000,
	 "how long inflation stops after memory ran short", NULL, NULL},
	{"reserve_kib", false, SETTING_KIB, 0, 1ULL << 40, 0,
	 "available memory that is left to the guest; 0: by its size", NULL, NULL},
	{"relief_kib", false, SETTING_KIB, 0, 1ULL << 40, 0,
	 "given back at once when memory runs out; 0: by the guest's size", NULL, NULL},
	{"stash_kib", false, SETTING_KIB, 0, 1ULL << 40, 0,
	 "kept ready, and freed without the host when memory runs out", NULL, NULL},
	{"large", false, SETTING_SWITCH, 0, 1, 1, "offer memory in units of 2 MiB", NULL, NULL},
	{"split", false, SETTING_SWITCH, 0, 1, 1, "take memory from the allocator in blocks", NULL,
	 NULL},
	{"selfballooning", true, SETTING_SWITCH, 0, 1, 0, "the guest chooses its own size", NULL,
	 NULL},
	{"selfballoon_interval", true, SETTING_S, 1, 3600, 5, "from one step to the next", NULL,
	 NULL},
	{"selfballoon_downhysteresis", true, SETTING_NUMBER, 1, 0, 0,
	 "committed: 1/N of the way down in a step", "committed", "down-hysteresis"},
	{"selfballoon_uphysteresis", true, SETTING_NUMBER, 1, 0, 0,
	 "committed: 1/N of the way up in a step", "committed", "up-hysteresis"},
	{"selfballoon_min_usable_mb", true, SETTING_MIB, 0, 0, 0,
	 "the floor above the reserve; 0: by the guest's size", "committed", "min-usable-mb"},
	{"frontswap_selfshrinking", true, SETTING_SWITCH, 0, 1, 0,
	 "pages that stay in swap without need are called home", NULL, NULL},
	{"frontswap_inertia", true, SETTING_NUMBER, 1, 0, 0,
	 "steps without growth of swap before the first call", "selfshrink", "inertia"},
	{"frontswap_hysteresis", true, SETTING_NUMBER, 1, 0, 0,
	 "1/N of what is in swap is called home in a step", "selfshrink", "hysteresis"},
};

/* The module refuses 0 in those of these files that don't begin with it. */
static void fill_in(struct setting *s)
{
	for (size_t p = 0; p < aero_guest_policies_count; p++) {
		const struct aero_policy *policy = aero_guest_policies[p];
		const struct aero_policy_option *o;

		if (strcmp(policy->name, s->of))
			continue;
		o = aero_policy_option_find(policy, s->option);
		if (!o)
			continue;
		s->least = o->least || !o->initial ? o->least : 1;
		s->most = o->most;
		s->initial = o->initial;
	}
}

const struct setting *settings_table(size_t *count)
{
	*count = sizeof(table) / sizeof(*table);
	for (size_t i = 0; i < *count; i++)
		if (table[i].of)
			fill_in(&table[i]);
	return table;
}

const struct setting *setting_find(const char *name)
{
	size_t count;
	const struct setting *all = settings_table(&count);

	for (size_t i = 0; i < count; i++)
		if (!strcmp(all[i].name, name))
			return &all[i];
	return NULL;
}

/* ---- units ---- */

static const char *unit_of(const struct setting *s)
{
	static const char *const names[] = {
		[SETTING_NUMBER] = "",	[SETTING_SWITCH] = "", [SETTING_KIB] = " KiB",
		[SETTING_MIB] = " MiB", [SETTING_MS] = " ms",  [SETTING_S] = " s"};

	return names[s->kind];
}

const char *setting_range(const struct setting *s, char text[SETTING_RANGE_MAX])
{
	if (s->kind == SETTING_SWITCH)
		snprintf(text, SETTING_RANGE_MAX, "0 or 1");
	else
		snprintf(text, SETTING_RANGE_MAX, "%" PRIu64 " to %" PRIu64 "%s", s->least, s->most,
			 unit_of(s));
	return text;
}

/* A number with a unit of its own in that of the file. */
static bool parse_unit(const struct setting *s, const char *text, uint64_t *value)
{
	uint64_t divide = s->kind == SETTING_MIB ? 1024 : s->kind == SETTING_S ? 1000 : 1;

	switch (s->kind) {
	case SETTING_KIB:
	case SETTING_MIB:
		if (!units_parse_size(text, value))
			return false;
		break;
	case SETTING_MS:
	case SETTING_S:
		if (!units_parse_time(text, value))
			return false;
		break;
	default:
		return false;
	}
	if (*value % divide)
		return false;
	*value /= divide;
	return true;
}

bool setting_parse(const struct setting *s, const char *text, uint64_t *value)
{
	if (!aero_parse(text, UINT64_MAX, value) && !parse_unit(s, text, value))
		return false;
	return *value >= s->least && *value <= s->most;
}

/* ---- files ---- */

static void name_file(const struct setting *s, char file[128])
{
	snprintf(file, 128, BALLOON_FOLDER "/%s%s", s->policy ? "policy/" : "", s->name);
}

int setting_read(const char *root, const struct setting *s, uint64_t *value)
{
	char file[128];

	name_file(s, file);
	return aero_read_number(root, file, value);
}

int settings_write_file(const char *root, const char *file, const char *text, const char *what)
{
	int err = aero_write(root, file, text);

	if (!err)
		return CLI_OK;
	if (err == -EACCES)
		cli_complain("only root may set %s", what);
	else if (err == -EPERM)
		cli_complain("%s can't be set: only root may, and not where the module was loaded "
			     "with noselfballooning or noselfshrink",
			     what);
	else if (err == -ENOENT)
		cli_complain("%s can't be set: there is no %s%s", what, root, file);
	else
		cli_complain("%s can't be set to %s: %s; the kernel's log says more", what, text,
			     strerror(-err));
	return CLI_FAILED;
}

int setting_write(const char *root, const struct setting *s, uint64_t value)
{
	char file[128], text[32];

	name_file(s, file);
	snprintf(text, sizeof(text), "%" PRIu64, value);
	return settings_write_file(root, file, text, s->name);
}
