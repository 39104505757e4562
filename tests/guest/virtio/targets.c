/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Targets that a host may set although it should not, and more of them than any host sets.  Each
 * with our driver and with the kernel's.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "virtio.h"

#define DATA_MIB      128u
/* $AERO_TARGETS: another number.  The kernel's driver takes some seconds for each. */
#define TARGETS	      1000u
#define TARGETS_PEERS 100u
#define MIB	      (1024u * 1024u)
#define END_MS	      30000u

static struct lab_config config = {.memory_mib = 1024, .cpus = 2, .type = REPORTING};
static struct lab_config nodes = {
	.memory_mib = 1024, .cpus = 2, .type = REPORTING, .append = "numa=fake=2"};
static struct lab_config ending = {
	.name = "ending", .memory_mib = 1024, .cpus = 2, .type = TOLD, .append = "panic=-1"};

static const char *size_is(struct lab_guest *g, uint64_t pages)
{
	uint64_t size;

	LAB_OK(lab_size(g, &size));
	LAB_CHECK(size == pages, "the balloon has %" PRIu64 " pages, not %" PRIu64, size, pages);
	return NULL;
}

/* ---- targets that make no sense ---- */

static const char *refused(struct lab_guest *g, json_t *value)
{
	json_t *result = lab_qmp(g, "balloon", json_pack("{s:o}", "value", value));

	LAB_CHECK(!result, "the host took it");
	/* An answer in the negative, and not QEMU's end. */
	return size_is(g, FAR);
}

/* QEMU refuses them, or takes more than all memory for all of it; the balloon is not confused. */
static const char *illegal_targets(struct lab_guest *g, const char *module)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, 81));
	LAB_TRY(insert(g, module));
	LAB_TRY(reach(g, FAR));
	LAB_TRY(refused(g, json_integer(0)));
	LAB_TRY(refused(g, json_integer(-1)));
	LAB_TRY(refused(g, json_integer(INT64_MIN)));
	LAB_TRY(refused(g, json_string("512M")));
	LAB_TRY(refused(g, json_real(0.5)));
	lab_sleep_ms(2000);
	LAB_TRY(size_is(g, FAR));
	LAB_OK(lab_balloon_set(g, lab_guest_bytes(g) + MIB));
	LAB_OK(lab_wait_size(g, 0, 0, SETTLE_MS));
	LAB_TRY(reach(g, FAR));
	LAB_OK(lab_balloon_set(g, INT64_MAX));
	LAB_OK(lab_wait_size(g, 0, 0, SETTLE_MS));
	/* Not a whole number of pages: the guest keeps the page that was begun. */
	LAB_OK(lab_balloon_set(g, 700ull * MIB + 1));
	LAB_OK(lab_wait_size(g, 324 * LAB_PAGES_PER_MIB - 1, 324 * LAB_PAGES_PER_MIB - 1,
			     SETTLE_MS));
	LAB_OK(lab_data_check(g));
	return reach(g, 0);
}

/* It is there when the driver comes, and nothing moves before that. */
static const char *target_before_the_driver(struct lab_guest *g, const char *module)
{
	LAB_OK(lab_target(g, FAR));
	lab_sleep_ms(1500);
	LAB_TRY(size_is(g, 0));
	LAB_TRY(insert(g, module));
	LAB_OK(lab_wait_size(g, FAR, FAR, SETTLE_MS));
	LAB_OK(lab_must(g, 60000, "rmmod %s", module));
	LAB_TRY(size_is(g, 0));
	LAB_TRY(insert(g, module));
	LAB_OK(lab_wait_size(g, FAR, FAR, SETTLE_MS));
	return reach(g, 0);
}

/* ---- less than a guest can live with ---- */

/* The guest starts programs and reads files, each second. */
static const char *goes_on(struct lab_guest *g, unsigned int seconds)
{
	for (unsigned int i = 0; i < seconds; i++) {
		LAB_OK(lab_must(g, 20000,
				"ls -lR /bin /proc/sys/vm >/tmp/list && sort /tmp/list"
				" >/dev/null"));
		lab_sleep_ms(700);
	}
	return NULL;
}

/*
 * The host wants all but 10 MiB, again and again; the guest goes on, and gets its memory back.  The
 * kernel's balloon goes up and down, as it takes all there is and then gives way; ours leaves a
 * reserve, and stays.
 */
static const char *minimum(struct lab_guest *g, const char *module)
{
	uint64_t size;

	LAB_OK(lab_data_fill(g, DATA_MIB, 82));
	LAB_TRY(insert(g, module));
	for (unsigned int i = 0; i < 4; i++) {
		LAB_OK(lab_target(g, (1024 - 10) * LAB_PAGES_PER_MIB));
		LAB_TRY(goes_on(g, 8));
		LAB_OK(lab_size(g, &size));
		lab_note("the balloon has %" PRIu64 " of %u MiB", size / LAB_PAGES_PER_MIB,
			 1024 - 10);
		LAB_CHECK(size > FAR || !strcmp(module, "virtio_balloon"),
			  "it has %" PRIu64 " pages only", size);
		if (i % 2)
			LAB_TRY(reach(g, FAR / 2));
	}
	LAB_TRY(reach(g, 0));
	LAB_OK(lab_data_check(g));
	return NULL;
}

/* ---- large pages ---- */

/* As many of them as the kernel can make, which includes compaction; they are freed at once. */
static const char *large_pages(struct lab_guest *g, unsigned int *pages)
{
	char *text;

	LAB_OK(lab_sh(g, 60000, &text,
		      "cd /proc/sys/vm && echo 1000 >nr_hugepages; cat nr_hugepages;"
		      " echo 0 >nr_hugepages"));
	*pages = (unsigned int)strtoul(text, NULL, 10);
	free(text);
	return NULL;
}

/* In fragmented memory targets are reached all the same; what comes back makes large pages again.
 */
static const char *large_pages_come_back(struct lab_guest *g, const char *module)
{
	unsigned int before, within, after;

	LAB_OK(lab_data_fill(g, DATA_MIB, 84));
	LAB_TRY(large_pages(g, &before));
	LAB_TRY(agent(g, "fragment 64"));
	LAB_TRY(large_pages(g, &within));
	LAB_CHECK(within < before / 4, "%u of %u large pages are left", within, before);
	LAB_TRY(insert(g, module));
	LAB_TRY(reach(g, FAR / 2));
	LAB_TRY(agent(g, "fragment stop"));
	LAB_TRY(reach(g, FAR));
	LAB_TRY(reach(g, 0));
	LAB_TRY(large_pages(g, &after));
	lab_note("there were %u large pages, %u in between, and are %u", before, within, after);
	LAB_CHECK(after >= before * 9 / 10, "%u of %u large pages came back", after, before);
	LAB_OK(lab_data_check(g));
	return NULL;
}

/* ---- many ---- */

static const char *targets_that_differ(struct lab_guest *g, unsigned int count)
{
	const char *seed = getenv("AERO_SEED");
	unsigned int state = seed ? (unsigned int)strtoul(seed, NULL, 0) : 1;
	int64_t start = lab_now_ms();

	for (unsigned int i = 0; i < count; i++) {
		const char *why = reach(g, (unsigned int)rand_r(&state) % FAR);

		if (why)
			lab_note("this was target %u, with AERO_SEED=%s", i, seed ? seed : "1");
		LAB_TRY(why);
		if (i % 100 == 0)
			LAB_OK(lab_data_check(g));
	}
	lab_note("%u targets in %.1f s", count, (double)(lab_now_ms() - start) / 1000);
	return NULL;
}

/* What is free, with the pages that the kernel keeps for each CPU, which MemFree does not have. */
static const char *free_kib(struct lab_guest *g, uint64_t *kib)
{
	char *text;

	LAB_OK(lab_sh(g, 10000, &text,
		      "awk '$1 == \"nr_free_pages\" || $1 == \"count:\" { n += $2 }"
		      " END { print 4 * n }' /proc/zoneinfo"));
	*kib = strtoull(text, NULL, 10);
	free(text);
	LAB_CHECK(*kib, "/proc/zoneinfo says nothing");
	return NULL;
}

static const char *stress(struct lab_guest *g, const char *module)
{
	bool ours = strcmp(module, "virtio_balloon");
	unsigned int count = ours ? TARGETS : TARGETS_PEERS;
	const char *another = getenv("AERO_TARGETS");
	uint64_t before, after;

	LAB_OK(lab_data_fill(g, DATA_MIB, 83));
	LAB_TRY(free_kib(g, &before));
	LAB_TRY(insert(g, module));
	LAB_TRY(targets_that_differ(g, another ? (unsigned int)atoi(another) : count));
	LAB_TRY(reach(g, 0));
	if (ours)
		LAB_TRY(nothing_lost(g));
	LAB_OK(lab_must(g, 60000, "rmmod %s", module));
	LAB_TRY(free_kib(g, &after));
	lab_note("free memory was %" PRIu64 " KiB and is %" PRIu64, before, after);
	LAB_CHECK(after + 16 * 1024 > before, "some of it is lost");
	LAB_OK(lab_data_check(g));
	return NULL;
}

/* ---- two nodes ---- */

/* More than one node has: pages of both, and the guest's data stays. */
static const char *two_nodes(struct lab_guest *g, const char *module)
{
	LAB_OK(lab_must(g, 5000, "test -d /sys/devices/system/node/node1"));
	LAB_OK(lab_data_fill(g, DATA_MIB, 85));
	LAB_TRY(insert(g, module));
	for (unsigned int i = 0; i < 3; i++) {
		LAB_TRY(reach(g, FAR + 333 * i));
		LAB_OK(lab_data_check(g));
		LAB_TRY(reach(g, 1000 * i));
	}
	return reach(g, 0);
}

/* ---- the end ---- */

/* A guest ends while pages are on their way, by frame numbers, so that it lasts. */
static const char *ends(const char *module, const char *how)
{
	struct lab_guest *g = NULL;
	const char *wrong;

	LAB_OK(lab_boot(&g, &ending));
	wrong = insert(g, module);
	if (!wrong && (lab_target(g, FAR) || lab_begin(g, END_MS, "sh usleep 20000; %s", how) < 0))
		wrong = lab_because("%s", lab_error());
	if (!wrong)
		wrong = guest_ends(g, how, END_MS);
	lab_stop(g);
	return wrong;
}

static const char *ends_in_mid_move(struct lab_guest *g, const char *module)
{
	LAB_TRY(ends(module, "poweroff -f"));
	return ends(module, "reboot -f");
}

VIRTIO_BOTH(illegal_targets)
VIRTIO_BOTH(target_before_the_driver)
VIRTIO_BOTH(minimum)
VIRTIO_BOTH(stress)
VIRTIO_BOTH(large_pages_come_back)
VIRTIO_BOTH(two_nodes)
VIRTIO_BOTH(ends_in_mid_move)

static const struct lab_test tests[] = {
	{"illegal-targets", illegal_targets_ours, .config = &config, .timeout_s = 120},
	{"illegal-targets-virtio_balloon", illegal_targets_theirs, .config = &config,
	 .timeout_s = 120},
	{"target-before-the-driver", target_before_the_driver_ours, .config = &config,
	 .timeout_s = 120},
	{"target-before-the-driver-virtio_balloon", target_before_the_driver_theirs,
	 .config = &config, .timeout_s = 120},
	{"minimum", minimum_ours, .config = &config, .timeout_s = 240},
	{"minimum-virtio_balloon", minimum_theirs, .config = &config, .timeout_s = 240},
	{"large-pages-come-back", large_pages_come_back_ours, .config = &config, .fresh = true,
	 .timeout_s = 240},
	{"large-pages-come-back-virtio_balloon", large_pages_come_back_theirs, .config = &config,
	 .fresh = true, .timeout_s = 240},
	{"two-nodes", two_nodes_ours, .config = &nodes, .timeout_s = 120},
	{"two-nodes-virtio_balloon", two_nodes_theirs, .config = &nodes, .timeout_s = 120},
	{"ends-in-mid-move", ends_in_mid_move_ours, .config = &config, .timeout_s = 200},
	{"ends-in-mid-move-virtio_balloon", ends_in_mid_move_theirs, .config = &config,
	 .timeout_s = 200},
	{"stress", stress_ours, .config = &config, .timeout_s = 1200},
	{"stress-virtio_balloon", stress_theirs, .config = &config, .timeout_s = 1800},
};

static const struct lab_suite suite = {
	.name = "virtio-targets",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = drivers_gone,
};

int main(int argc, char **argv)
{
	config.platform = nodes.platform = ending.platform = &lab_platform_virtio;
	return lab_suite_main(argc, argv, &suite);
}
