/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The host answers wrongly: each status of the protocol, and one it does not
 * have, to single pages and to whole commands, on the way in and on the way out.
 * Whatever it says, no page is lost, the data stays, and once the host is itself
 * again the balloon follows its target to the page.
 */
#include <inttypes.h>
#include <string.h>

#include "monitor.h"

#define PAGES	 20011u
#define DATA_MIB 32u

static const struct lab_config config = {.memory_mib = 512};

/* @fault: what goes wrong, a JSON object without braces. */
static const char *while_inflating(struct lab_guest *g, const char *fault)
{
	uint64_t fired;

	LAB_OK(lab_data_fill(g, DATA_MIB, 3));
	LAB_TRY(driver_load(g));
	MONITOR(g, "{\"faults\": [{\"direction\": \"inflate\", %s}]}", fault);
	LAB_TRY(inflate_to(g, PAGES));
	LAB_TRY(monitor_number(g, "counters.faults_fired", &fired));
	LAB_CHECK(fired, "the fault never came");
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

static const char *while_deflating(struct lab_guest *g, const char *fault)
{
	uint64_t fired;

	LAB_OK(lab_data_fill(g, DATA_MIB, 4));
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, PAGES));
	MONITOR(g, "{\"faults\": [{\"direction\": \"deflate\", %s}]}", fault);
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(monitor_number(g, "counters.faults_fired", &fired));
	LAB_CHECK(fired, "the fault never came");
	LAB_TRY(nothing_lost(g));
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

#define ONLY_4K		 "{\"withhold\": [\"batched-2m\"]}"
#define SINGLY		 "{\"withhold\": [\"batched-2m\", \"batched\"]}"
#define ENTRIES(status)	 "\"on\": \"entry\", \"every\": 3, \"times\": 200, \"status\": " status
#define COMMANDS(status) "\"on\": \"command\", \"times\": 2, \"status\": " status

/* One test for pages of 4 KiB, one for large pages, one for whole commands; both ways. */
#define STATUS(name, status)                                                  \
	static const char *lock_4k_##name(struct lab_guest *g)                \
	{                                                                     \
		MONITOR(g, ONLY_4K);                                          \
		return while_inflating(g, ENTRIES(status));                   \
	}                                                                     \
	static const char *lock_2m_##name(struct lab_guest *g)                \
	{                                                                     \
		return while_inflating(g, ENTRIES(status));                   \
	}                                                                     \
	static const char *lock_command_##name(struct lab_guest *g)           \
	{                                                                     \
		return while_inflating(g, COMMANDS(status));                  \
	}                                                                     \
	static const char *lock_single_##name(struct lab_guest *g)            \
	{                                                                     \
		MONITOR(g, SINGLY);                                           \
		return while_inflating(g, COMMANDS(status) ", \"every\": 7"); \
	}                                                                     \
	static const char *unlock_4k_##name(struct lab_guest *g)              \
	{                                                                     \
		MONITOR(g, ONLY_4K);                                          \
		return while_deflating(g, ENTRIES(status));                   \
	}                                                                     \
	static const char *unlock_2m_##name(struct lab_guest *g)              \
	{                                                                     \
		return while_deflating(g, ENTRIES(status));                   \
	}                                                                     \
	static const char *unlock_command_##name(struct lab_guest *g)         \
	{                                                                     \
		return while_deflating(g, COMMANDS(status));                  \
	}                                                                     \
	static const char *unlock_single_##name(struct lab_guest *g)          \
	{                                                                     \
		MONITOR(g, SINGLY);                                           \
		return while_deflating(g, COMMANDS(status) ", \"every\": 7"); \
	}

/* clang-format off */
#define ROW(name, title) {title, name, .config = &config}
#define ROWS(name, title)                                       \
	ROW(lock_4k_##name, "lock-4k-" title),                  \
	ROW(lock_2m_##name, "lock-2m-" title),                  \
	ROW(lock_command_##name, "lock-command-" title),        \
	ROW(lock_single_##name, "lock-single-" title),          \
	ROW(unlock_4k_##name, "unlock-4k-" title),              \
	ROW(unlock_2m_##name, "unlock-2m-" title),              \
	ROW(unlock_command_##name, "unlock-command-" title),    \
	ROW(unlock_single_##name, "unlock-single-" title)
/* clang-format on */

STATUS(command, "\"command-invalid\"")
STATUS(ppn, "\"ppn-invalid\"")
STATUS(locked, "\"ppn-locked\"")
STATUS(unlocked, "\"ppn-not-locked\"")
STATUS(pinned, "\"ppn-pinned\"")
STATUS(not_needed, "\"ppn-not-needed\"")
STATUS(reset, "\"reset\"")
STATUS(busy, "\"busy\"")
STATUS(undefined, "29")

static const char *lock_failure(struct lab_guest *g)
{
	return while_inflating(g, COMMANDS("\"failure\""));
}

static const char *unlock_failure(struct lab_guest *g)
{
	return while_deflating(g, COMMANDS("\"failure\""));
}

/* More refusals than are kept aside: the rest is freed at once, all of it in the end. */
static const char *refused_are_freed(struct lab_guest *g)
{
	uint64_t refused, freed;

	MONITOR(g, ONLY_4K);
	LAB_TRY(driver_load(g));
	MONITOR(g, "{\"faults\": [{\"direction\": \"inflate\", \"on\": \"entry\", \"every\": 2,"
		   " \"times\": 1000, \"status\": \"ppn-pinned\"}]}");
	LAB_TRY(inflate_to(g, PAGES));
	LAB_TRY(driver_stat(g, "refused_base", &refused));
	LAB_TRY(driver_stat(g, "refused_freed_base", &freed));
	LAB_CHECK(refused == 1000 && freed == 1000, "%" PRIu64 " refused, %" PRIu64 " freed",
		  refused, freed);
	return driver_unload(g);
}

/* A host that takes no page at all costs one attempt a run, not a busy guest. */
static const char *takes_nothing(struct lab_guest *g)
{
	uint64_t before, after, runs_before, runs_after;

	LAB_TRY(driver_load(g));
	MONITOR(g, "{\"faults\": [{\"direction\": \"inflate\", \"on\": \"entry\","
		   " \"status\": \"ppn-pinned\"}]}");
	LAB_OK(lab_target(g, PAGES));
	lab_sleep_ms(2000);
	LAB_TRY(driver_stat(g, "runs", &runs_before));
	before = driver_stat_or_0(g, "batched_lock") + driver_stat_or_0(g, "batched_2m_lock");
	lab_sleep_ms(3000);
	LAB_TRY(driver_stat(g, "runs", &runs_after));
	after = driver_stat_or_0(g, "batched_lock") + driver_stat_or_0(g, "batched_2m_lock");
	LAB_CHECK(after - before <= 3 * (runs_after - runs_before + 1),
		  "%" PRIu64 " commands in %" PRIu64 " runs", after - before,
		  runs_after - runs_before);
	MONITOR(g, "{\"faults\": []}");
	LAB_TRY(inflate_to(g, PAGES));
	return driver_unload(g);
}

/* The odd status is said once, however often it comes. */
static const char *said_once(struct lab_guest *g)
{
	LAB_OK(lab_must(g, 5000, "dmesg -c >/dev/null"));
	LAB_TRY(driver_load(g));
	MONITOR(g, "{\"faults\": [{\"direction\": \"inflate\", \"on\": \"entry\", \"every\": 2,"
		   " \"times\": 100, \"status\": 29}]}");
	LAB_TRY(inflate_to(g, PAGES));
	LAB_OK(lab_must(g, 5000, "test $(dmesg | grep -c 'would not take frame') = 1"));
	return driver_unload(g);
}

/* The doorbell's, the guest's kind's and GET_TARGET's failures stop nothing for good. */
static const char *other_commands(struct lab_guest *g)
{
	MONITOR(g, "{\"faults\": [{\"command\": \"guest-id\", \"status\": \"failure\"},"
		   " {\"command\": \"get-target\", \"status\": \"busy\", \"times\": 2},"
		   " {\"command\": \"start\", \"status\": \"failure\", \"times\": 2}]}");
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, PAGES));
	return driver_unload(g);
}

static const char *start_unanswered(struct lab_guest *g)
{
	uint64_t failed;

	MONITOR(g, "{\"faults\": [{\"command\": \"start\", \"action\": \"silence\","
		   " \"times\": 3}]}");
	LAB_TRY(driver_load(g));
	LAB_TRY(driver_stat(g, "failed_connects", &failed));
	LAB_CHECK(failed == 3, "%" PRIu64 " failed connections", failed);
	LAB_TRY(inflate_to(g, PAGES));
	return driver_unload(g);
}

/* And one who never answers: the module loads, waits, and goes away cleanly. */
static const char *start_never_answered(struct lab_guest *g)
{
	MONITOR(g, "{\"faults\": [{\"command\": \"start\", \"action\": \"silence\"}]}");
	LAB_OK(lab_must(g, 20000, "modprobe aerostat_vmware && sleep 2"));
	LAB_OK(lab_must(g, 20000, "test $(cat /sys/kernel/aerostat/size_kib) = 0"));
	LAB_OK(lab_must(g, 20000, "rmmod aerostat_vmware"));
	return NULL;
}

static const char *reset_while_inflating(struct lab_guest *g)
{
	MONITOR(g, ONLY_4K);
	return while_inflating(g, "\"on\": \"command\", \"first\": 20, \"times\": 1,"
				  " \"action\": \"reset\"");
}

/* The connection is lost after a part of a batch was judged. */
static const char *reset_inside_a_batch(struct lab_guest *g)
{
	MONITOR(g, ONLY_4K);
	return while_inflating(g, "\"on\": \"entry\", \"first\": 3000, \"times\": 1,"
				  " \"action\": \"reset\"");
}

static const char *reset_while_deflating(struct lab_guest *g)
{
	MONITOR(g, ONLY_4K);
	return while_deflating(g, "\"on\": \"command\", \"first\": 10, \"times\": 1,"
				  " \"action\": \"reset\"");
}

static const char *reset_at_rest(struct lab_guest *g)
{
	uint64_t popped;

	LAB_OK(lab_data_fill(g, DATA_MIB, 6));
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, PAGES));
	for (int i = 0; i < 3; i++) {
		MONITOR(g, "{\"demand_reset\": true}");
		LAB_OK(lab_wait_size(g, 0, 0, 1000));
		LAB_OK(lab_wait_size(g, PAGES, PAGES, SETTLE_MS));
	}
	LAB_TRY(driver_stat(g, "pages_popped", &popped));
	LAB_CHECK(popped == 3 * PAGES, "%" PRIu64 " pages popped", popped);
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

/*
 * Reported: a guest that was resumed from hibernation had a balloon that the host did not know.
 * Each unlock was answered with "not locked", and the balloon could not be emptied before the
 * module was unloaded.
 */
static const char *host_forgets(struct lab_guest *g)
{
	uint64_t resets, before;

	LAB_OK(lab_data_fill(g, DATA_MIB, 7));
	LAB_TRY(driver_load(g));
	LAB_TRY(driver_stat(g, "resets", &before));
	LAB_TRY(inflate_to(g, PAGES));
	MONITOR(g, "{\"forget_locks\": true}");
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(sizes_agree(g, 0));
	LAB_TRY(driver_stat(g, "resets", &resets));
	LAB_CHECK(resets == before + 1, "%" PRIu64 " resets", resets - before);
	LAB_TRY(nothing_lost(g));

	/* To a smaller size: the host again has each page that the guest has given. */
	LAB_TRY(inflate_to(g, PAGES));
	MONITOR(g, "{\"forget_locks\": true, \"target_pages\": 10000}");
	LAB_OK(lab_wait_size(g, 10000, 10000, SETTLE_MS));
	LAB_TRY(sizes_agree(g, 10000));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

static const struct lab_test tests[] = {
	ROWS(command, "command-invalid"),
	ROWS(ppn, "ppn-invalid"),
	ROWS(locked, "already-locked"),
	ROWS(unlocked, "not-locked"),
	ROWS(pinned, "pinned"),
	ROWS(not_needed, "not-needed"),
	ROWS(reset, "reset"),
	ROWS(busy, "busy"),
	ROWS(undefined, "undefined"),
	{"lock-command-failure", lock_failure, .config = &config},
	{"unlock-command-failure", unlock_failure, .config = &config},
	{"refused-pages-are-freed", refused_are_freed, .config = &config},
	{"host-takes-nothing", takes_nothing, .config = &config},
	{"odd-status-is-said-once", said_once, .config = &config},
	{"other-commands-fail", other_commands, .config = &config},
	{"start-unanswered", start_unanswered, .config = &config},
	{"start-never-answered", start_never_answered, .config = &config},
	{"reset-while-inflating", reset_while_inflating, .config = &config},
	{"reset-inside-a-batch", reset_inside_a_batch, .config = &config},
	{"reset-while-deflating", reset_while_deflating, .config = &config},
	{"reset-at-rest", reset_at_rest, .config = &config},
	{"host-forgets-the-locks", host_forgets, .config = &config},
};

static const struct lab_suite suite = {
	.name = "faults",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
