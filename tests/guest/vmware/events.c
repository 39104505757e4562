/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What happens to a guest in its life while it has a balloon: docs/design/life.md. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "monitor.h"

#define PAGES	  60013u
#define FAR_PAGES 110000u
#define DATA_MIB  64u
#define END_MS	  20000

static const struct lab_config one = {.memory_mib = 512};
static const struct lab_config four = {.memory_mib = 768, .cpus = 4};

static const char *qmp(struct lab_guest *g, const char *command, json_t *args)
{
	json_t *result = lab_qmp(g, command, args);

	LAB_CHECK(result, "%s: %s", command, lab_error());
	json_decref(result);
	return NULL;
}

/* CPUs leave and come back while the balloon moves. */
static const char *cpus_come_and_go(struct lab_guest *g)
{
	int id;

	LAB_OK(lab_data_fill(g, DATA_MIB, 21));
	LAB_TRY(driver_load(g));
	LAB_TRY(switch_cpus(g, &id));
	for (unsigned int i = 0; i < 4; i++) {
		LAB_TRY(inflate_to(g, FAR_PAGES));
		LAB_TRY(deflate_to(g, 0));
	}
	LAB_TRY(switch_no_more_cpus(g, id));
	LAB_TRY(nothing_lost(g));
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

/* Suspend to RAM: nothing is said while the guest sleeps, and the balloon goes on afterwards. */
static const char *suspend_to_ram(struct lab_guest *g)
{
	uint64_t before, after;
	int id;

	LAB_OK(lab_data_fill(g, DATA_MIB, 22));
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, PAGES));
	id = lab_begin(g, 60000, "sh echo deep >/sys/power/mem_sleep; echo mem >/sys/power/state");
	LAB_CHECK(id > 0, "%s", lab_error());
	lab_sleep_ms(4000);
	LAB_TRY(monitor_number(g, "counters.commands.get-target.calls", &before));
	lab_sleep_ms(2500);
	LAB_TRY(monitor_number(g, "counters.commands.get-target.calls", &after));
	LAB_CHECK(before == after, "%" PRIu64 " commands from a sleeping guest", after - before);
	LAB_TRY(qmp(g, "system_wakeup", NULL));
	LAB_CHECK(lab_end(g, id, 40000, NULL) == 0, "the guest did not wake up: %s", lab_error());
	/* QEMU's machine is reset when it wakes up, so the host has forgotten the balloon. */
	LAB_OK(lab_wait_size(g, PAGES, PAGES, 20000));
	LAB_TRY(sizes_agree(g, PAGES));
	LAB_OK(lab_data_check(g));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	return driver_unload(g);
}

/* A guest ends while pages are on their way; nothing keeps it from ending. */
static const char *ends(const char *how)
{
	const struct lab_config config = {.name = "ends", .memory_mib = 512, .append = "panic=-1"};
	struct lab_guest *g = NULL;
	const char *wrong = NULL;

	LAB_OK(lab_boot(&g, &config));
	wrong = driver_load(g);
	/* One page a call, so that the move lasts. */
	if (!wrong &&
	    (lab_monitor_control(g, "{\"withhold\": [\"batched-2m\", \"batched\"]}") ||
	     lab_target(g, FAR_PAGES) || lab_begin(g, END_MS, "sh usleep 300000; %s", how) < 0))
		wrong = lab_because("%s", lab_error());
	if (!wrong)
		wrong = guest_ends(g, how, END_MS);
	lab_stop(g);
	return wrong;
}

static const char *poweroff(struct lab_guest *g)
{
	return ends("poweroff -f");
}

static const char *restart(struct lab_guest *g)
{
	return ends("reboot -f");
}

static const char *panic(struct lab_guest *g)
{
	return ends("echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger");
}

/*
 * A guest that restarts says goodbye before, because after kexec the host would not know that
 * its pages are used again.  Here the machine restarts, and nobody loads the module again.
 */
static const char *restart_says_goodbye(struct lab_guest *g)
{
	uint64_t before, after = 0;
	int64_t start = lab_now_ms();

	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, PAGES));
	LAB_TRY(monitor_number(g, "counters.commands.start.calls", &before));
	LAB_TRY(qmp(g, "set-action", json_pack("{s:s}", "reboot", "reset")));
	LAB_CHECK(lab_begin(g, END_MS, "sh reboot -f") > 0, "%s", lab_error());
	while (after != before + 1) {
		LAB_CHECK(lab_now_ms() - start < END_MS,
			  "no START(0): %" PRIu64 " calls, %" PRIu64 " before", after, before);
		lab_sleep_ms(200);
		LAB_TRY(monitor_number(g, "counters.commands.start.calls", &after));
	}
	LAB_OK(lab_wait_size(g, 0, 0, 1000));
	/* The machine boots again; what follows needs a guest that answers. */
	LAB_OK(lab_reset(g));
	return NULL;
}

static struct lab_config compressed = {.memory_mib = 512};

static const struct lab_test tests[] = {
	{"cpus-come-and-go", cpus_come_and_go, .config = &four, .timeout_s = 240},
	{"suspend-to-ram", suspend_to_ram, .config = &compressed, .timeout_s = 180},
	{"poweroff-in-mid-move", poweroff, .config = &one},
	{"restart-in-mid-move", restart, .config = &one},
	{"panic-in-mid-move", panic, .config = &one},
	{"restart-says-goodbye", restart_says_goodbye, .config = &one, .spoils = true},
};

static const char *tidy_up(struct lab_guest *g)
{
	return lab_alive(g) ? tidy(g) : NULL;
}

static const struct lab_suite suite = {
	.name = "events",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy_up,
};

int main(int argc, char **argv)
{
	/* Only the compressed kernel has the code that wakes up from suspend in QEMU. */
	compressed.kernel = lab_env("AERO_VMLINUZ");
	return lab_suite_main(argc, argv, &suite);
}
