/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The command `aerostat` in a real guest.  tests/cli/ has each subcommand with right and wrong
 * input on folders that stand for a guest; here the kernel, the module and the monitor are the real
 * ones, and what the command says is compared with what they say.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "monitor.h"

#define SYSFS	   "/sys/kernel/aerostat/"
#define COMMAND_MS 20000u
#define AGREES	   0
#define DIFFERS	   3
#define MEMORY_MIB 768u
#define BALLOON	   (256 * LAB_PAGES_PER_MIB)

/* The guest has no users; `su` wants one. */
#define AS_NOBODY  "echo nobody:x:65534:65534::/:/bin/sh >/etc/passwd; su nobody -s /bin/sh -c "

static const struct lab_config config = {.memory_mib = MEMORY_MIB};

/* Runs it in the guest; its exit status must be the one given.  @text is to be freed. */
static const char *run(struct lab_guest *g, int status, const char *command, char **text)
{
	int got = lab_sh(g, COMMAND_MS, text, "%s 2>&1", command);

	LAB_CHECK(got == status, "exit status %d instead of %d: %s: %s", got, status, command,
		  *text ? *text : "");
	return NULL;
}

static const char *run_json(struct lab_guest *g, int status, const char *command, json_t **out)
{
	char *text = NULL;
	const char *why = run(g, status, command, &text);

	*out = why ? NULL : json_loads(text, 0, NULL);
	if (!why && !*out)
		why = lab_because("no JSON from %s: %s", command, text);
	free(text);
	return why;
}

static const char *number_is(const json_t *document, const char *name, uint64_t value)
{
	const json_t *at = json_object_get(document, name);

	LAB_CHECK(json_is_integer(at) && (uint64_t)json_integer_value(at) == value,
		  "%s is %" JSON_INTEGER_FORMAT ", not %" PRIu64, name, json_integer_value(at),
		  value);
	return NULL;
}

static const char *begin(struct lab_guest *g)
{
	LAB_TRY(driver_load(g));
	return inflate_to(g, BALLOON);
}

/* ---- status ---- */

static const char *status_agrees(struct lab_guest *g)
{
	const char *why;
	json_t *all;

	LAB_TRY(begin(g));
	LAB_TRY(run_json(g, AGREES, "aerostat status --json", &all));
	why = number_is(all, "size_kib", BALLOON * LAB_PAGE_KIB);
	if (!why)
		why = number_is(all, "target_kib", BALLOON * LAB_PAGE_KIB);
	if (!why && !json_is_true(json_object_get(all, "agrees")))
		why = "size and target are the same, and it does not say so";
	json_decref(all);
	LAB_TRY(why);
	return driver_unload(g);
}

/* A target that the guest can't bear: it says so, and whose memory is lacking. */
static const char *status_differs(struct lab_guest *g)
{
	char *text = NULL;
	const char *why;

	LAB_TRY(begin(g));
	LAB_OK(lab_target(g, (MEMORY_MIB - 64) * LAB_PAGES_PER_MIB));
	LAB_OK(lab_must(g, 60000, "until grep -q no_memory " SYSFS "last_run; do sleep 1; done"));
	why = run(g, DIFFERS, "aerostat status", &text);
	if (!why && !strstr(text, "waiting: the guest"))
		why = lab_because("it does not say what holds the balloon back: %s", text);
	if (text)
		lab_note("%.*s", (int)strcspn(text, "\n"), text);
	free(text);
	LAB_TRY(why);
	LAB_TRY(deflate_to(g, 0));
	return driver_unload(g);
}

/* Without root, and without debugfs. */
static const char *status_for_everybody(struct lab_guest *g)
{
	const char *why;
	json_t *all;

	LAB_TRY(begin(g));
	LAB_OK(lab_must(g, 5000, "umount /sys/kernel/debug"));
	why = run_json(g, AGREES, AS_NOBODY "'aerostat status --json'", &all);
	if (!why)
		why = number_is(all, "size_kib", BALLOON * LAB_PAGE_KIB);
	if (!why && json_is_null(json_object_get(all, "large_kib")))
		why = "large_kib is not known without debugfs";
	json_decref(all);
	LAB_OK(lab_must(g, 5000, "mount -t debugfs debugfs /sys/kernel/debug"));
	LAB_TRY(why);
	return driver_unload(g);
}

static const char *status_without_module(struct lab_guest *g)
{
	char *text = NULL;
	const char *why = run(g, 4, "aerostat status", &text);

	if (!why && !strstr(text, "aerostat_vmware"))
		why = lab_because("it does not say which module belongs here: %s", text);
	free(text);
	return why;
}

/* ---- what changes something ---- */

static const char *set_is_refused(struct lab_guest *g)
{
	char *text = NULL;
	const char *why;

	LAB_TRY(begin(g));
	why = run(g, 1, "aerostat set 300MiB", &text);
	if (!why && (strchr(text, '\n') != strrchr(text, '\n') || !strstr(text, "VMware")))
		why = lab_because("no clear line: %s", text);
	free(text);
	LAB_TRY(why);
	LAB_TRY(sizes_agree(g, BALLOON));
	return driver_unload(g);
}

static const char *knob_sets(struct lab_guest *g)
{
	uint64_t was, is;
	char *text = NULL;

	LAB_TRY(driver_load(g));
	LAB_TRY(run(g, 0, "aerostat knob reserve_kib 80MiB && aerostat knob reserve_kib", &text));
	LAB_CHECK(!strcmp(text, "81920\n"), "it shows %s", text);
	free(text);
	LAB_OK(lab_read_number(g, SYSFS "reserve_kib", &was));
	LAB_CHECK(was == 81920, "the module has %" PRIu64, was);
	text = NULL;
	LAB_TRY(run(g, 2, "aerostat knob reserve_kib much", &text));
	free(text);
	LAB_OK(lab_read_number(g, SYSFS "reserve_kib", &is));
	LAB_CHECK(is == was, "a bad value has changed it to %" PRIu64, is);
	return driver_unload(g);
}

/* ---- what looks around ---- */

/* Boot memory is usable, balloon and reserved, within 1 %. */
static const char *account_holds(const json_t *all)
{
	const json_t *m = json_object_get(all, "memory");
	json_int_t boot = json_integer_value(json_object_get(m, "boot_kib")), sum = 0;
	static const char *const parts[] = {"usable_kib", "balloon_kib", "reserved_kib"};

	for (size_t i = 0; i < LAB_COUNT(parts); i++)
		sum += json_integer_value(json_object_get(m, parts[i]));
	lab_note("%" JSON_INTEGER_FORMAT " KiB at boot, %" JSON_INTEGER_FORMAT " accounted for",
		 boot, sum);
	LAB_CHECK(boot > MEMORY_MIB * 1000, "it knows of %" JSON_INTEGER_FORMAT " KiB only", boot);
	LAB_CHECK(llabs(sum - boot) <= boot / 100, "the sum is not the memory at boot");
	return number_is(m, "balloon_kib", BALLOON * LAB_PAGE_KIB);
}

static const char *doctor_is_content(struct lab_guest *g)
{
	const char *why;
	json_t *all;

	LAB_TRY(begin(g));
	LAB_TRY(run_json(g, 0, "aerostat doctor --json", &all));
	why = account_holds(all);
	json_decref(all);
	LAB_TRY(why);
	return driver_unload(g);
}

/* A host that does not answer is what it is there for. */
static const char *doctor_finds_silent_host(struct lab_guest *g)
{
	char *text = NULL;
	const char *why;

	LAB_TRY(begin(g));
	MONITOR(g, "{\"faults\": [{\"command\": \"get-target\", \"status\": \"failure\"}]}");
	LAB_OK(lab_must(g, 30000,
			"until grep -q command_failed " SYSFS "last_run; do sleep 1; done"));
	why = run(g, DIFFERS, "aerostat doctor", &text);
	if (!why && !strstr(text, "host-silent"))
		why = lab_because("it does not find it: %s", text);
	free(text);
	MONITOR(g, "{\"faults\": []}");
	LAB_TRY(why);
	LAB_TRY(deflate_to(g, 0));
	return driver_unload(g);
}

static const char *export_says_bytes(struct lab_guest *g)
{
	LAB_TRY(begin(g));
	LAB_OK(lab_must(g, COMMAND_MS,
			"aerostat export >/tmp/metrics && grep -qx 'aerostat_size_bytes %" PRIu64
			"' /tmp/metrics && grep -qx 'aerostat_target_bytes %" PRIu64
			"' /tmp/metrics; ret=$?; [ $ret = 0 ] || cat /tmp/metrics; exit $ret",
			(uint64_t)BALLOON * LAB_PAGE_KIB * 1024,
			(uint64_t)BALLOON * LAB_PAGE_KIB * 1024));
	return driver_unload(g);
}

static const char *bugreport_has_what_helps(struct lab_guest *g)
{
	LAB_TRY(begin(g));
	LAB_OK(lab_must(
		g, COMMAND_MS,
		"hostname secretname; cd /tmp && aerostat bugreport >/tmp/said && ls /tmp && "
		"f=$(ls /tmp/*bugreport* | head -n 1) && grep -q ^size_pages $f && "
		"grep -q 'aerostat: ' $f && ! grep -q secretname $f; ret=$?; "
		"[ $ret = 0 ] || cat /tmp/said $f; rm -f $f; exit $ret"));
	return driver_unload(g);
}

static const struct lab_test tests[] = {
	{"status-without-module", status_without_module, .config = &config},
	{"status-agrees-with-monitor", status_agrees, .config = &config},
	{"status-says-what-holds-it-back", status_differs, .config = &config},
	{"status-without-root-and-debugfs", status_for_everybody, .config = &config},
	{"set-is-refused-by-vmware", set_is_refused, .config = &config},
	{"knob-sets-and-refuses", knob_sets, .config = &config},
	{"doctor-accounts-for-memory", doctor_is_content, .config = &config},
	{"doctor-finds-a-silent-host", doctor_finds_silent_host, .config = &config},
	{"export-says-the-same-in-bytes", export_says_bytes, .config = &config},
	{"bugreport-is-useful-and-private", bugreport_has_what_helps, .config = &config},
};

static const struct lab_suite suite = {
	.name = "command",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
