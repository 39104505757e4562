/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * aerostatd and swapped pages that come home.  The guest may not choose its size, but
 * its swap is its own: the policy in the kernel says how much should be left there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor.h"

#define POLICY	       "/sys/kernel/aerostat/policy/"
#define CGROUP	       "/sys/fs/cgroup/"
#define AREAS	       4u
#define AREA_MIB       64u
#define DATA_MIB       120u
#define BURST_MIB      340u
#define FULL_MIB       400u

/* A quarter of what is left, each second, after three seconds. */
#define INTERVAL_S     1
#define HYSTERESIS     4

/* From here on the policy calls it pressure (include/aerostat/policy.h). */
#define STALL_PERMILLE 10

/*
 * 1 s, 4/3, 2 and 4 s for the four areas; before each, 5 reports without pressure, half
 * a second apart; the inertia; and as much again, for the machine may be busy.
 */
#define HOME_MS	       (2 * (8334 + AREAS * 2500 + 3000))

static const struct lab_config config = {.memory_mib = 512};

/* ---- steps ---- */

/* Repeats the command until it succeeds. */
static const char *until(struct lab_guest *g, unsigned int timeout_ms, const char *command)
{
	int64_t end = lab_now_ms() + timeout_ms;

	while (lab_sh(g, 10000, NULL, "%s", command)) {
		LAB_CHECK(lab_now_ms() < end, "not within %u ms: %s", timeout_ms, command);
		lab_sleep_ms(200);
	}
	return NULL;
}

static const char *set_up(struct lab_guest *g, unsigned int hysteresis)
{
	LAB_TRY(driver_load(g));
	LAB_OK(lab_must(
		g, 20000,
		"modprobe zram num_devices=0 && aerostat swap setup --areas %u --size-mib %u --zram",
		AREAS, AREA_MIB));
	LAB_OK(lab_must(g, 10000,
			"cd " POLICY
			" && echo %d >selfballoon_interval && echo %u >frontswap_hysteresis "
			"&& echo 1 >frontswap_selfshrinking",
			INTERVAL_S, hysteresis));
	return NULL;
}

static const char *daemon_up(struct lab_guest *g)
{
	LAB_OK(lab_must(g, 10000, "aerostatd --verbose 2>/tmp/said & echo $! >/tmp/pid"));
	return NULL;
}

static const char *all_on(struct lab_guest *g)
{
	LAB_OK(lab_must(g, 10000, "cat /proc/swaps; [ $(grep -c '^/dev/zram' /proc/swaps) = %u ]",
			AREAS));
	return NULL;
}

static const char *undone(struct lab_guest *g)
{
	LAB_OK(lab_must(g, 60000, "aerostat swap undo"));
	LAB_OK(lab_must(
		g, 10000,
		"! grep zram /proc/swaps && ! ls /dev/zram* /sys/block/zram* /run/aerostat/swap"));
	return NULL;
}

/* Removes what a test may have left; must not fail if there is nothing. */
static const char *clean(struct lab_guest *g)
{
	char *said = NULL;

	lab_sh(g, 10000, &said, "[ ! -e /tmp/said ] || grep -v 'per mille' /tmp/said");
	if (said && *said)
		lab_note("%s", said);
	free(said);
	LAB_TRY(agent(g, "hog stop"));
	LAB_TRY(agent(g, "data free"));
	lab_sh(g, 10000, NULL, "kill $(cat /tmp/pid); rm -f /tmp/blob");
	LAB_TRY(until(g, 20000, "! pidof aerostatd"));
	lab_sh(g, 10000, NULL, "kill -9 $(cat " CGROUP "crowd/cgroup.procs)");
	LAB_TRY(until(g, 20000,
		      "cd " CGROUP "; for d in crowd aerostatd-home; do "
		      "[ ! -e $d ] || rmdir $d || exit 1; done"));
	LAB_OK(lab_must(g, 60000,
			"rm -f /tmp/pid /tmp/said; aerostat swap undo;"
			"[ ! -e /sys/module/zram ] || rmmod zram;"
			"[ ! -e /sys/module/aerostat_vmware ] || rmmod aerostat_vmware aerostat"));
	return tidy(g);
}

static const char *used_kib(struct lab_guest *g, uint64_t *kib)
{
	char *text = NULL;

	LAB_OK(lab_sh(g, 10000, &text,
		      "awk '/^.dev.zram/ { n += $4 } END { print n + 0 }' /proc/swaps"));
	*kib = strtoull(text, NULL, 10);
	free(text);
	return NULL;
}

static const char *waited_us(struct lab_guest *g, uint64_t *us)
{
	char *text = NULL;

	LAB_OK(lab_sh(g, 10000, &text, "sed -n 's/^some .*total=//p' /proc/pressure/memory"));
	*us = strtoull(text, NULL, 10);
	free(text);
	return NULL;
}

/* ---- the daemon by itself ---- */

static const char *wants_the_module(struct lab_guest *g)
{
	LAB_OK(lab_must(g, 10000, "aerostatd --once; [ $? = 4 ]"));
	return NULL;
}

static const char *reports_and_ends(struct lab_guest *g)
{
	LAB_TRY(driver_load(g));
	LAB_OK(lab_must(
		g, 10000,
		"aerostatd --once --verbose 2>&1 | grep 'aerostatd: of 1[0-9]* ms some waited'"));
	LAB_TRY(daemon_up(g));
	lab_sleep_ms(3000);
	LAB_OK(lab_must(g, 10000,
			"p=$(cat /tmp/pid); [ \"$(cat /proc/$p/oom_score_adj)\" = -900 ] &&"
			"grep -q '^VmLck:.* [1-9]' /proc/$p/status && kill -TERM $p && sleep 0.5 &&"
			"[ ! -e /proc/$p ] && grep -q 'told to stop' /tmp/said"));
	/* The kernel lets root register pressure triggers. */
	LAB_OK(lab_must(g, 10000, "! grep 'no news of pressure' /tmp/said"));
	return NULL;
}

/* The daemon runs without the module for a while and then with a newly loaded one. */
static const char *survives_a_reload(struct lab_guest *g)
{
	LAB_TRY(driver_load(g));
	LAB_TRY(daemon_up(g));
	lab_sleep_ms(1500);
	LAB_TRY(driver_unload(g));
	LAB_TRY(until(g, 10000, "grep 'module is gone' /tmp/said"));
	LAB_TRY(driver_load(g));
	LAB_TRY(until(g, 10000, "grep 'is there again' /tmp/said"));
	return NULL;
}

/* ---- pages come home ---- */

static const char *comes_home(struct lab_guest *g)
{
	uint64_t used, waited, waited_then;
	int64_t start, took;

	LAB_TRY(set_up(g, HYSTERESIS));
	LAB_OK(lab_data_fill(g, DATA_MIB, 3));
	/* Used more than once, because the kernel counts only refaults of such pages as stalls. */
	LAB_OK(lab_data_check(g));
	LAB_TRY(hog(g, BURST_MIB));
	LAB_TRY(agent(g, "hog stop"));
	LAB_TRY(used_kib(g, &used));
	LAB_CHECK(used > DATA_MIB * 1024 / 2, "the burst pushed only %" PRIu64 " KiB out", used);
	LAB_OK(lab_must(g, 10000, "[ $(awk '/^VmSwap/ { print $2 }' /proc/1/status) -gt %u ]",
			DATA_MIB * 1024 / 2));
	LAB_TRY(waited_us(g, &waited_then));
	start = lab_now_ms();
	LAB_TRY(daemon_up(g));
	LAB_TRY(until(g, HOME_MS,
		      "awk '/^.dev.zram/ { n += $4 } END { exit n > 4096 }' /proc/swaps"));
	took = lab_now_ms() - start;
	LAB_TRY(waited_us(g, &waited));
	lab_note("%" PRIu64 " KiB came home in %" PRId64 " ms; tasks waited %" PRIu64 " us", used,
		 took, waited - waited_then);
	/* Below what the policy takes for pressure. */
	LAB_CHECK(waited - waited_then < (uint64_t)took * STALL_PERMILLE,
		  "tasks waited %" PRIu64 " us in %" PRId64 " ms", waited - waited_then, took);
	LAB_TRY(all_on(g));
	LAB_OK(lab_must(g, 10000, "[ $(awk '/^VmSwap/ { print $2 }' /proc/1/status) -lt 4096 ]"));
	LAB_OK(lab_must(g, 10000, "grep 'came home' /tmp/said && ! grep 'half-way' /tmp/said"));
	LAB_OK(lab_data_check(g));
	LAB_TRY(undone(g));
	return NULL;
}

/* A file in a tmpfs whose pages a control group can be made to give to swap. */
static const char *make_blob(struct lab_guest *g, unsigned int mib)
{
	LAB_OK(lab_must(
		g, 60000,
		"echo +memory >" CGROUP "cgroup.subtree_control && mkdir " CGROUP "crowd &&"
		"sh -c 'echo $$ >" CGROUP "crowd/cgroup.procs &&"
		"dd if=/dev/urandom of=/tmp/blob bs=1M count=%u' 2>/dev/null && md5sum /tmp/blob "
		">/tmp/blob.md5",
		mib));
	return NULL;
}

static const char *growing_is_left_alone(struct lab_guest *g)
{
	uint64_t before, after;

	LAB_TRY(set_up(g, 1));
	LAB_TRY(make_blob(g, 60));
	LAB_TRY(daemon_up(g));
	for (unsigned int i = 0; i < 14; i++) {
		/* The kernel may have swapped out less, which does not count as success. */
		lab_sh(g, 10000, NULL, "echo 2M >" CGROUP "crowd/memory.reclaim");
		lab_sleep_ms(400);
		if (i == 4)
			LAB_TRY(used_kib(g, &before));
	}
	LAB_TRY(used_kib(g, &after));
	lab_note("%" PRIu64 " KiB after a while, %" PRIu64 " in the end", before, after);
	LAB_CHECK(after > before + 8 * 1024, "the store did not grow");
	LAB_OK(lab_must(g, 10000, "! grep 'came home\\|half-way' /tmp/said"));
	/* Now there is no pressure, and the same pages are read back. */
	LAB_TRY(until(g, HOME_MS,
		      "awk '/^.dev.zram/ { n += $4 } END { exit n > 4096 }' /proc/swaps"));
	LAB_OK(lab_must(g, 10000, "md5sum -c /tmp/blob.md5"));
	return NULL;
}

/* ---- giving up ---- */

#define CROWD	   20u
#define MEMBER_KIB 3200u

/*
 * Many processes, for between two of them a swapoff can be interrupted; all of what
 * they have goes to swap.  Whoever brings it home gets a third of a per cent of a processor.
 */
static const char *slow_home(struct lab_guest *g)
{
	LAB_TRY(set_up(g, 1));
	LAB_OK(lab_must(
		g, 60000,
		"echo '+memory +cpu' >" CGROUP "cgroup.subtree_control && mkdir " CGROUP
		"crowd " CGROUP "aerostatd-home && echo '1000 300000' >" CGROUP
		"aerostatd-home/cpu.max &&"
		"for i in $(seq %u); do (echo 0 >" CGROUP "crowd/cgroup.procs;"
		"cat /init /init /init /init | dd bs=%uk count=1 iflag=fullblock | sleep 600) "
		">/dev/null 2>&1 & done",
		CROWD, MEMBER_KIB));
	LAB_TRY(until(g, 30000, "[ $(cat " CGROUP "crowd/memory.current) -gt 65000000 ]"));
	lab_sh(g, 30000, NULL, "echo 200M >" CGROUP "crowd/memory.reclaim");
	LAB_TRY(until(g, 20000,
		      "awk '/^.dev.zram/ { n += $4 } END { exit n < 30000 }' /proc/swaps"));
	LAB_TRY(daemon_up(g));
	return until(g, HOME_MS, "cat " CGROUP "aerostatd-home/cgroup.procs | grep .");
}

/* While a swapoff goes on, /proc/swaps has the area; when it was done, it has not. */
static const char *nobody_at_it(struct lab_guest *g)
{
	/* The killed process may take a while to end. */
	LAB_OK(lab_must(g, 10000, "echo max >" CGROUP "aerostatd-home/cpu.max"));
	LAB_TRY(until(g, 20000, "[ -z \"$(cat " CGROUP "aerostatd-home/cgroup.procs)\" ]"));
	LAB_OK(lab_must(g, 10000, "! grep 'came home' /tmp/said"));
	return all_on(g);
}

static const char *pressure_ends_it(struct lab_guest *g)
{
	LAB_TRY(slow_home(g));
	LAB_TRY(hog(g, FULL_MIB));
	LAB_TRY(until(g, 10000, "grep 'half-way: [mt]' /tmp/said"));
	LAB_TRY(nobody_at_it(g));
	/* The swapped pages do not fit into memory now. */
	LAB_OK(lab_must(g, 20000, "aerostat swap undo; [ $? = 1 ]"));
	LAB_TRY(all_on(g));
	LAB_OK(lab_must(g, 10000, "[ $(grep -c 'half-way' /tmp/said) = 1 ]"));
	return NULL;
}

static const char *ends_with_all_on(struct lab_guest *g)
{
	LAB_TRY(slow_home(g));
	LAB_OK(lab_must(g, 30000,
			"kill -TERM $(cat /tmp/pid); sleep 0.5; cd " CGROUP
			"; [ ! -e aerostatd-home ] || "
			"echo max >aerostatd-home/cpu.max; while [ -e /proc/$(cat /tmp/pid) ]; do "
			"sleep 0.1; done"));
	LAB_OK(lab_must(g, 10000,
			"! grep 'came home' /tmp/said && [ ! -e " CGROUP "aerostatd-home ]"));
	return all_on(g);
}

static const char *killed_with_all_on(struct lab_guest *g)
{
	LAB_TRY(slow_home(g));
	LAB_OK(lab_must(g, 10000, "kill -KILL $(cat /tmp/pid)"));
	LAB_TRY(nobody_at_it(g));
	/* An area that was off is switched on again by the next daemon. */
	LAB_OK(lab_must(g, 60000, "swapoff /dev/zram2"));
	LAB_TRY(daemon_up(g));
	return until(g, 10000, "[ $(grep -c '^/dev/zram' /proc/swaps) = 4 ]");
}

/* ---- setting up ---- */

static const char *refuses_what_can_not_be(struct lab_guest *g)
{
	LAB_OK(lab_must(
		g, 10000,
		"aerostat swap setup --areas 2 --size-mib 8 --zram; [ $? = 1 ] &&"
		"aerostat swap setup --areas 2 --size-mib 8 --directory /tmp 2>&1 | grep 'in memory'"));
	/* The initramfs itself is in memory, too. */
	LAB_OK(lab_must(
		g, 10000,
		"! aerostat swap setup --areas 2 --size-mib 8 --directory / && [ ! -e /run/aerostat/swap ]"));
	return NULL;
}

/*
 * Reported: the unit's hardening gives the daemon a mount namespace of its own.  When that
 * has ended, /proc/swaps shows /zram1 for the /dev/zram1 that was switched on there; status
 * said that it was off, the next daemon could not switch it on, and undo failed.
 */
static const char *knows_areas_of_a_namespace(struct lab_guest *g)
{
	LAB_TRY(set_up(g, HYSTERESIS));
	LAB_OK(lab_must(g, 20000,
			"unshare -m sh -c 'swapoff /dev/zram1 && swapon /dev/zram1' &&"
			"cat /proc/swaps && grep '^/zram1 ' /proc/swaps"));
	LAB_OK(lab_must(g, 10000, "aerostat swap status | grep '^/dev/zram1 on '"));
	LAB_TRY(daemon_up(g));
	lab_sleep_ms(2000);
	LAB_OK(lab_must(g, 10000, "! grep switch /tmp/said && kill $(cat /tmp/pid)"));
	LAB_TRY(until(g, 20000, "! pidof aerostatd"));
	/* One that really is off is seen to be. */
	LAB_OK(lab_must(g, 20000,
			"swapoff /dev/zram2 && aerostat swap status | grep '^/dev/zram2 off '"));
	return undone(g);
}

/* A record as a set-up leaves it that was killed with its only device in this state. */
#define BEGUN                                                                                   \
	"mkdir -p /run/aerostat && echo '{\"version\": 2, \"priority\": 100, \"size_mib\": 8, " \
	"\"areas\": [{\"path\": \"/dev/zram0\", \"zram\": 0, \"state\": \"%s\", \"uuid\": "     \
	"\"00112233445566778899aabbccddeeff\"}]}' >/run/aerostat/swap"
#define NO_ZRAM "! ls /sys/block/zram0 /run/aerostat/swap"

/*
 * Reported: a set-up that is killed leaves a device that undo does not know.  Here are the
 * states in which it can be left; tests/cli/swap-kill.test has all points of the program.
 */
static const char *undo_knows_what_was_begun(struct lab_guest *g)
{
	LAB_OK(lab_must(g, 20000, "modprobe zram num_devices=0"));
	LAB_OK(lab_must(g, 10000, BEGUN " && aerostat swap undo && " NO_ZRAM, "planned"));
	LAB_OK(lab_must(g, 10000,
			"cat /sys/class/zram-control/hot_add && " BEGUN
			" && aerostat swap undo && " NO_ZRAM,
			"planned"));
	LAB_OK(lab_must(g, 10000,
			"cat /sys/class/zram-control/hot_add && " BEGUN
			" && aerostat swap undo && " NO_ZRAM,
			"added"));
	LAB_OK(lab_must(g, 10000,
			"cat /sys/class/zram-control/hot_add && echo 8M >/sys/block/zram0/disksize "
			"&& " BEGUN " && aerostat swap undo && " NO_ZRAM,
			"added"));
	/* Somebody else's: it has a size already, or what lies there is not ours. */
	LAB_OK(lab_must(g, 10000,
			"cat /sys/class/zram-control/hot_add && echo 8M >/sys/block/zram0/disksize "
			"&& " BEGUN " && aerostat swap undo && [ -e /sys/block/zram0 ]",
			"planned"));
	LAB_OK(lab_must(g, 10000,
			"mkswap /dev/zram0 && " BEGUN
			" && ! aerostat swap undo && [ -e /sys/block/zram0 ] && "
			"echo 0 >/sys/class/zram-control/hot_remove",
			"added"));
	return NULL;
}

static const struct lab_test tests[] = {
	{"wants-the-module", wants_the_module, .config = &config},
	{"reports-and-ends", reports_and_ends, .config = &config},
	{"survives-a-reload", survives_a_reload, .config = &config},
	{"refuses-what-can-not-be", refuses_what_can_not_be, .config = &config},
	{"knows-areas-of-a-namespace", knows_areas_of_a_namespace, .config = &config},
	{"undo-knows-what-was-begun", undo_knows_what_was_begun, .config = &config},
	{"comes-home", comes_home, .config = &config, .timeout_s = 120},
	{"growing-is-left-alone", growing_is_left_alone, .config = &config, .timeout_s = 120},
	{"pressure-ends-it", pressure_ends_it, .config = &config, .timeout_s = 120},
	{"ends-with-all-on", ends_with_all_on, .config = &config, .timeout_s = 120},
	{"killed-with-all-on", killed_with_all_on, .config = &config, .timeout_s = 120},
};

static const struct lab_suite suite = {
	.name = "swap",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = clean,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
