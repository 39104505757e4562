/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Loading, unloading, resets of the machine, suspend; where the module must refuse. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "monitor.h"

#define PAGES	 60013u
#define DATA_MIB 64u

static const struct lab_config config = {.memory_mib = 512};
/* The monitor is there, but the CPU says that the hypervisor is another. */
static const char *const other_cpu[] = {"-cpu", "qemu64", NULL};
static const struct lab_config elsewhere = {.memory_mib = 256, .extra = other_cpu};

static const char *unload_full_20_times(struct lab_guest *g)
{
	struct lab_meminfo before, after;

	LAB_OK(lab_data_fill(g, DATA_MIB, 8));
	LAB_OK(lab_meminfo(g, &before));
	LAB_OK(lab_target(g, PAGES));
	for (int i = 0; i < 20; i++) {
		LAB_TRY(driver_load(g));
		LAB_OK(lab_wait_size(g, PAGES, PAGES, SETTLE_MS));
		LAB_TRY(driver_unload(g));
	}
	LAB_OK(lab_meminfo(g, &after));
	LAB_CHECK(after.free_kib + 8 * 1024 > before.free_kib,
		  "free memory was %" PRIu64 " KiB and is %" PRIu64, before.free_kib,
		  after.free_kib);
	LAB_OK(lab_data_check(g));
	return NULL;
}

/* In the middle of whatever it is doing: inflating, deflating, connecting. */
static const char *unload_at_any_moment(struct lab_guest *g)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, 9));
	MONITOR(g, "{\"withhold\": [\"batched-2m\", \"batched\"]}");
	for (int i = 0; i < 20; i++) {
		LAB_OK(lab_target(g, i % 3 ? PAGES : 1000));
		LAB_OK(lab_must(g, 20000,
				"modprobe aerostat_vmware && usleep %d && rmmod aerostat_vmware",
				i * i * 5000));
		LAB_OK(lab_wait_size(g, 0, 0, 1000));
	}
	LAB_OK(lab_data_check(g));
	return NULL;
}

/* Unload must not depend on a host that answers. */
static const char *unload_without_host(struct lab_guest *g)
{
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, PAGES));
	MONITOR(g, "{\"faults\": [{\"command\": \"any\", \"status\": \"busy\"}]}");
	LAB_OK(lab_must(g, 20000, "rmmod aerostat_vmware && rmmod aerostat"));
	return NULL;
}

static const char *target_0_empties(struct lab_guest *g)
{
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, 511));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(inflate_to(g, 1));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	return driver_unload(g);
}

static const char *slack_is_left_alone(struct lab_guest *g)
{
	uint64_t size;

	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, 10240));
	LAB_OK(lab_target(g, 10240 - SLACK_PAGES));
	lab_sleep_ms(3000);
	LAB_OK(lab_size(g, &size));
	LAB_CHECK(size == 10240, "%" PRIu64 " pages: it deflated within the slack", size);
	return driver_unload(g);
}

static const char *machine_reset(struct lab_guest *g)
{
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, PAGES));
	LAB_OK(lab_reset(g));
	LAB_OK(lab_wait_size(g, 0, 0, 1000));
	LAB_OK(lab_data_fill(g, DATA_MIB, 10));
	LAB_TRY(driver_load(g));
	LAB_OK(lab_wait_size(g, PAGES, PAGES, SETTLE_MS));
	LAB_TRY(deflate_to(g, 0));
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

static uint64_t commands(struct lab_guest *g)
{
	uint64_t calls = 0;

	return monitor_number(g, "counters.commands.get-target.calls", &calls) ? 0 : calls;
}

/* The kernel freezes for five seconds, as for suspend, and thaws again. */
static const char *freeze_and_thaw(struct lab_guest *g)
{
	uint64_t before, after;
	int id;

	LAB_OK(lab_data_fill(g, DATA_MIB, 12));
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, PAGES));
	LAB_OK(lab_must(g, 5000, "echo freezer >/sys/power/pm_test"));
	id = lab_begin(g, 30000, "sh echo mem >/sys/power/state");
	LAB_CHECK(id > 0, "%s", lab_error());
	lab_sleep_ms(2000);
	before = commands(g);
	LAB_CHECK(before, "no figure from the monitor");
	LAB_OK(lab_target(g, 0));
	lab_sleep_ms(2000);
	after = commands(g);
	LAB_CHECK(before == after, "%" PRIu64 " commands from a frozen guest", after - before);
	LAB_CHECK(lab_end(g, id, 20000, NULL) == 0, "the guest did not thaw: %s", lab_error());
	LAB_OK(lab_wait_size(g, 0, 0, SETTLE_MS));
	LAB_TRY(nothing_lost(g));
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

/*
 * Reported: the kernel that loads an image of a hibernated one left its balloon to it, and the host
 * kept pages locked that the guest used.  Whoever opens /dev/snapshot for writing is about to load
 * an image.  Here none is loaded, and the balloon comes back when the file is closed.
 */
static const char *lets_go_before_a_restore(struct lab_guest *g)
{
	uint64_t connected;
	int id;

	LAB_OK(lab_data_fill(g, DATA_MIB, 13));
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, PAGES));
	id = lab_begin(g, 60000, "sh exec 3>/dev/snapshot && sleep 10");
	LAB_CHECK(id > 0, "%s", lab_error());
	if (lab_wait_size(g, 0, 0, 4000)) {
		char *out = NULL;
		int status = lab_end(g, id, 30000, &out);

		return lab_because("not let go; status %d: %s", status, out ? out : lab_error());
	}
	lab_sleep_ms(2500);
	LAB_TRY(monitor_number(g, "connection.connected", &connected));
	LAB_CHECK(!connected, "it connected again before the image was loaded");
	LAB_CHECK(lab_end(g, id, 30000, NULL) == 0, "%s", lab_error());
	LAB_OK(lab_wait_size(g, PAGES, PAGES, SETTLE_MS));
	LAB_TRY(sizes_agree(g, PAGES));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

/* After hibernation the host may know any balloon or none, so the balloon is connected anew. */
static const char *connects_anew_after_hibernation(struct lab_guest *g)
{
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, PAGES));
	MONITOR(g, "{\"forget_locks\": true}");
	LAB_OK(lab_must(g, 30000, "exec 3</dev/snapshot && exec 3<&-"));
	LAB_OK(lab_wait_size(g, PAGES, PAGES, SETTLE_MS));
	LAB_TRY(sizes_agree(g, PAGES));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	return driver_unload(g);
}

/* The guest may be asked for more than it has: it gives what it can spare and lives. */
static const char *target_above_limit(struct lab_guest *g)
{
	struct lab_meminfo memory;
	uint64_t limit_kib, reserve_kib, target_kib, size;

	LAB_TRY(driver_load(g));
	LAB_OK(lab_read_number(g, "/sys/kernel/aerostat/limit_kib", &limit_kib));
	LAB_OK(lab_read_number(g, "/sys/kernel/aerostat/reserve_kib", &reserve_kib));
	MONITOR(g, "{\"force_target_pages\": %" PRIu64 "}", limit_kib);
	lab_sleep_ms(10000);
	LAB_OK(lab_read_number(g, "/sys/kernel/aerostat/target_kib", &target_kib));
	LAB_CHECK(target_kib == limit_kib, "target %" PRIu64 " KiB with a limit of %" PRIu64,
		  target_kib, limit_kib);
	LAB_OK(lab_meminfo(g, &memory));
	LAB_CHECK(memory.available_kib >= reserve_kib / 2,
		  "only %" PRIu64 " KiB are available, the reserve is %" PRIu64,
		  memory.available_kib, reserve_kib);
	LAB_OK(lab_must(g, 20000, "ls -lR / >/tmp/list; rm /tmp/list"));
	LAB_OK(lab_size(g, &size));
	LAB_CHECK(size * LAB_PAGE_KIB > limit_kib / 2, "it only gave %" PRIu64 " pages", size);
	MONITOR(g, "{\"force_target_pages\": null}");
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	return driver_unload(g);
}

static const char *target_lies(struct lab_guest *g)
{
	LAB_TRY(driver_load(g));
	MONITOR(g, "{\"force_target_pages\": 9223372036854775807}");
	lab_sleep_ms(4000);
	LAB_OK(lab_must(g, 20000, "true"));
	MONITOR(g, "{\"force_target_pages\": null}");
	LAB_TRY(deflate_to(g, 0));
	return driver_unload(g);
}

/* VMCI is not loaded, and where it is there is no device: the target is polled. */
static const char *no_doorbell(struct lab_guest *g)
{
	LAB_OK(lab_must(g, 20000,
			"insmod /lib/modules/$(uname -r)/aerostat.ko &&"
			" insmod /lib/modules/$(uname -r)/aerostat_vmware.ko"));
	LAB_OK(lab_must(g, 5000, "! grep -q ^vmw_vmci /proc/modules"));
	LAB_TRY(inflate_to(g, 5000));
	LAB_TRY(driver_unload(g));

	LAB_OK(lab_must(g, 20000, "modprobe vmw_vmci"));
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, 5000));
	LAB_TRY(driver_unload(g));
	LAB_OK(lab_must(g, 20000, "rmmod vmw_vmci"));
	return NULL;
}

/* The engine's module alone does nothing, anywhere. */
static const char *engine_alone(struct lab_guest *g)
{
	LAB_OK(lab_must(g, 20000,
			"modprobe aerostat && test ! -e /sys/kernel/aerostat"
			" && rmmod aerostat"));
	return NULL;
}

static const char *not_on_vmware(struct lab_guest *g)
{
	char *out;
	int status = lab_sh(g, 20000, &out, "modprobe aerostat_vmware");

	LAB_CHECK(status > 0 && out && strstr(out, "No such device"), "status %d, %s", status,
		  out ? out : lab_error());
	free(out);
	LAB_OK(lab_must(g, 5000, "! grep -q ^aerostat_vmware /proc/modules"));
	return NULL;
}

static const char *beside_the_other_driver(struct lab_guest *g)
{
	LAB_OK(lab_must(g, 20000, "dmesg -c >/dev/null; modprobe vmw_balloon"));
	LAB_OK(lab_must(g, 20000, "! modprobe aerostat_vmware 2>/dev/null"));
	LAB_OK(lab_must(
		g, 5000,
		"dmesg | grep -q 'aerostat: vmware: the driver vmw_balloon is loaded; unload it'"));
	LAB_OK(lab_must(g, 20000, "rmmod vmw_balloon"));
	LAB_TRY(driver_load(g));
	return driver_unload(g);
}

/*
 * Reported: the kernel's driver, loaded after ours, took the connection unnoticed.  And nothing
 * loads our module by itself in a VMware guest.
 */
static const char *before_the_other_driver(struct lab_guest *g)
{
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, PAGES));
	LAB_OK(lab_must(g, 20000, "dmesg -c >/dev/null; ! modprobe vmw_balloon 2>/dev/null"));
	LAB_OK(lab_must(g, 5000,
			"dmesg | grep -q 'aerostat: vmware: the driver vmw_balloon is not loaded'"
			" && ! grep -q ^vmw_balloon /proc/modules"));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(sizes_agree(g, 0));
	LAB_TRY(driver_unload(g));
	LAB_OK(lab_must(g, 20000, "modprobe vmw_balloon && rmmod vmw_balloon"));
	LAB_OK(lab_must(g, 5000,
			"grep -q 'dmi:.*svnVMware.*aerostat_vmware' "
			"/lib/modules/$(uname -r)/modules.alias"));
	return NULL;
}

/* What can be followed: a run, its batches, its end. */
static const char *tracepoints(struct lab_guest *g)
{
	LAB_TRY(driver_load(g));
	LAB_OK(lab_must(g, 20000,
			"grep -q tracefs /proc/mounts || mount -t tracefs t /sys/kernel/tracing;"
			" cd /sys/kernel/tracing && echo 1 >events/aerostat/enable"));
	LAB_TRY(inflate_to(g, 5000));
	LAB_TRY(deflate_to(g, 0));
	LAB_OK(lab_must(
		g, 20000,
		"cd /sys/kernel/tracing && echo 0 >events/aerostat/enable && cat trace &&"
		" for e in 'aerostat_target: target=5000 size=0' 'aerostat_offer: class=large blocks=9 pages=4608'"
		" 'aerostat_offer: class=page blocks=392 pages=392' 'aerostat_run_end: .*why=done'"
		" 'aerostat_reclaim: class=large blocks=9 pages=4608'; do"
		" grep -q \"$e\" trace || { echo \"no $e\"; exit 1; }; done"));
	return driver_unload(g);
}

static const struct lab_test tests[] = {
	{"unload-full-20-times", unload_full_20_times, .config = &config, .timeout_s = 180},
	{"unload-at-any-moment", unload_at_any_moment, .config = &config, .timeout_s = 180},
	{"unload-without-host", unload_without_host, .config = &config},
	{"target-0-empties", target_0_empties, .config = &config},
	{"slack-is-left-alone", slack_is_left_alone, .config = &config},
	{"machine-reset", machine_reset, .config = &config},
	{"freeze-and-thaw", freeze_and_thaw, .config = &config},
	{"lets-go-before-a-restore", lets_go_before_a_restore, .config = &config},
	{"connects-anew-after-hibernation", connects_anew_after_hibernation, .config = &config},
	{"target-above-limit", target_above_limit, .config = &config},
	{"target-lies", target_lies, .config = &config},
	{"no-doorbell", no_doorbell, .config = &config},
	{"tracepoints", tracepoints, .config = &config},
	{"beside-the-other-driver", beside_the_other_driver, .config = &config},
	{"before-the-other-driver", before_the_other_driver, .config = &config},
	{"engine-alone", engine_alone, .config = &config},
	{"not-on-vmware", not_on_vmware, .config = &elsewhere},
};

static const struct lab_suite suite = {
	.name = "life",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
