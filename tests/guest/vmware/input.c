/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What an administrator may type: each setting with each kind of nonsense. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "monitor.h"

#define FOLDER "/sys/kernel/aerostat/"

static const struct lab_config config = {.memory_mib = 256};

struct setting {
	const char *name;
	const char *too_small; /* NULL: there is no such thing */
	const char *too_large;
	const char *good;
	const char *reads; /* what it reads as after @good */
};

static const struct setting settings[] = {
	{"period_ms", "99", "60001", "250", "250"},
	{"holdoff_ms", NULL, "3600001", "0x10", "16"},
	{"reserve_kib", NULL, "1099511627777", "8192", "8192"},
	{"relief_kib", NULL, "1099511627777", "4096", "4096"},
	{"stash_kib", NULL, "1099511627777", "4096", "4096"},
	{"large", NULL, "2", "0", "0"},
	{"split", NULL, "2", "0", "0"},
};

static const char *const nonsense[] = {
	"",
	" ",
	"x",
	"-1",
	"1x",
	"1 2",
	"1.5",
	"0x",
	"\xff\xfe",
	"18446744073709551616",
	"99999999999999999999999999999999999999999999999999999999999999999999999999999999999999",
};

/* What the log says of a wrong value, as a pattern of grep's with the setting's name in it. */
#define COMPLAINT "aerostat: %s takes a whole number from .*nothing was changed"

/*
 * The write fails, and the value is what it was.  The log has at most one line about it,
 * and none while messages are suppressed because there were many.
 */
static const char *refuses(struct lab_guest *g, const char *name, const char *value)
{
	char path[128];
	uint64_t before, after;
	int err;

	snprintf(path, sizeof(path), FOLDER "%s", name);
	LAB_OK(lab_read_number(g, path, &before));
	LAB_OK(lab_must(g, 5000, "dmesg -c >/dev/null"));
	err = lab_write_file(g, path, value);
	/* Writing nothing at all never reaches the kernel's side: success, and no change. */
	LAB_CHECK(err == EINVAL || err == ERANGE || !*value, "%s took '%s' (%d)", name, value, err);
	LAB_OK(lab_read_number(g, path, &after));
	LAB_CHECK(before == after, "%s became %" PRIu64 " through '%s'", name, after, value);
	LAB_OK(lab_must(g, 5000,
			"dmesg; test $(dmesg | grep -c aerostat:) -le 1 &&"
			" test $(dmesg | grep aerostat: | grep -vc '" COMPLAINT "') = 0",
			name));
	return NULL;
}

/* A refused write has a line in the log for each setting, when the log was quiet before. */
static const char *complains(struct lab_guest *g, const struct setting *s)
{
	LAB_OK(lab_must(g, 5000, "dmesg -c >/dev/null; ! echo %s >" FOLDER "%s", s->too_large,
			s->name));
	LAB_OK(lab_must(g, 5000, "dmesg; test $(dmesg | grep -c '" COMPLAINT "') = 1", s->name));
	return NULL;
}

/* The kernel's own limit: 10 messages in 5 seconds, and how many it left out. */
#define RATE_BURST 10
#define RATE_MS	   5000

/*
 * Any user who may write the settings could fill the log by a loop: reported of knobs.c,
 * which had no limit.  200 writes take less than two of the limit's intervals.
 */
static const char *floods(struct lab_guest *g)
{
	LAB_TRY(driver_load(g));
	for (size_t i = 0; i < LAB_COUNT(settings); i++)
		LAB_TRY(complains(g, &settings[i]));
	LAB_OK(lab_must(g, 20000,
			"dmesg -c >/dev/null; i=0; while [ $i -lt 200 ]; do"
			" ! echo x >" FOLDER
			"period_ms || exit 1; i=$((i + 1)); done 2>/dev/null"));
	LAB_OK(lab_must(g, 5000,
			"n=$(dmesg | grep -c 'takes a whole number'); echo $n;"
			" test $n -le %d",
			2 * RATE_BURST));
	lab_sleep_ms(RATE_MS + 500);
	for (size_t i = 0; i < LAB_COUNT(settings); i++)
		LAB_TRY(complains(g, &settings[i]));
	return driver_unload(g);
}

static const char *sysfs(struct lab_guest *g)
{
	LAB_TRY(driver_load(g));
	for (size_t i = 0; i < LAB_COUNT(settings); i++) {
		const struct setting *s = &settings[i];
		char path[128], *text;

		for (size_t n = 0; n < LAB_COUNT(nonsense); n++)
			LAB_TRY(refuses(g, s->name, nonsense[n]));
		if (s->too_small)
			LAB_TRY(refuses(g, s->name, s->too_small));
		LAB_TRY(refuses(g, s->name, s->too_large));

		snprintf(path, sizeof(path), FOLDER "%s", s->name);
		LAB_OK(lab_write_file(g, path, s->good));
		LAB_OK(lab_read_file(g, path, &text));
		LAB_CHECK(!strncmp(text, s->reads, strlen(s->reads)), "%s reads %s", s->name, text);
		free(text);
	}
	LAB_TRY(inflate_to(g, 5000));
	LAB_TRY(deflate_to(g, 0));
	return driver_unload(g);
}

/* What is only to be read, and what only root may write. */
static const char *permissions(struct lab_guest *g)
{
	LAB_TRY(driver_load(g));
	LAB_OK(lab_must(g, 20000,
			"mode() { ls -ln $1 | cut -d' ' -f1; }; cd " FOLDER " &&"
			" for f in hypervisor state size_kib target_kib limit_kib spare_kib; do"
			" test \"$(mode $f)\" = -r--r--r-- || exit 1; done;"
			" for f in period_ms holdoff_ms reserve_kib relief_kib large split; do"
			" test \"$(mode $f)\" = -rw-r--r-- || exit 1; done;"
			" test \"$(mode /sys/kernel/debug/aerostat/stats)\" = -r--------"));
	return driver_unload(g);
}

/* The module does not load, says why (busybox tries twice), and leaves nothing behind. */
static const char *refuses_parameter(struct lab_guest *g, const char *name, const char *value)
{
	LAB_OK(lab_must(
		g, 20000,
		"dmesg -c >/dev/null; ! insmod /lib/modules/$(uname -r)/aerostat.ko '%s=%s' "
		"2>/dev/null || exit 1; ! grep -q ^aerostat /proc/modules || exit 1;"
		" dmesg | grep -q 'aerostat: %s takes a whole number'",
		name, value, name));
	return NULL;
}

static const char *parameters(struct lab_guest *g)
{
	static const char *const some[] = {"", "x", "-1", "1x", "18446744073709551616"};

	for (size_t i = 0; i < LAB_COUNT(settings); i++) {
		const struct setting *s = &settings[i];

		for (size_t n = 0; n < LAB_COUNT(some); n++)
			LAB_TRY(refuses_parameter(g, s->name, some[n]));
		if (s->too_small)
			LAB_TRY(refuses_parameter(g, s->name, s->too_small));
		LAB_TRY(refuses_parameter(g, s->name, s->too_large));
	}
	LAB_OK(lab_must(g, 20000,
			"modprobe aerostat period_ms=250 holdoff_ms=0x10"
			" reserve_kib=8192 relief_kib=4096 stash_kib=4096 large=0 split=0"));
	LAB_TRY(driver_load(g));
	for (size_t i = 0; i < LAB_COUNT(settings); i++)
		LAB_OK(lab_must(g, 5000, "test $(cat " FOLDER "%s) = %s", settings[i].name,
				settings[i].reads));
	return driver_unload(g);
}

static const struct lab_test tests[] = {
	{"sysfs", sysfs, .config = &config, .timeout_s = 120},
	{"wrong-values-do-not-flood-the-log", floods, .config = &config, .timeout_s = 60},
	{"permissions", permissions, .config = &config},
	{"parameters", parameters, .config = &config, .timeout_s = 120},
};

static const struct lab_suite suite = {
	.name = "input",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
