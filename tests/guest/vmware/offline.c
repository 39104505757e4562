/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Memory blocks go offline and online again while the balloon holds pages in them.  It was reported
 * that no block could go offline in which the balloon held 2 MiB in one piece.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "monitor.h"

#define DATA_MIB    64u
#define BLOCK_PAGES (128u * LAB_PAGES_PER_MIB)
#define PAGES	    (600u * LAB_PAGES_PER_MIB + 77)
#define MEMORY	    "/sys/devices/system/memory/memory"

static const struct lab_config config = {.memory_mib = 1024, .cpus = 2};

static int set_state(struct lab_guest *g, unsigned int block, const char *state)
{
	return lab_must(g, 120000, "echo %s >" MEMORY "%u/state", state, block);
}

/* How many pages of a memory block are marked as offline (KPF_OFFLINE), as ballooned ones are. */
static const char *held_in(struct lab_guest *g, unsigned int block, uint64_t *pages)
{
	char *text = NULL;

	LAB_OK(lab_sh(g, 60000, &text,
		      "dd if=/proc/kpageflags bs=4096 skip=%u count=%u 2>/dev/null |"
		      " hexdump -v -e '1/4 \"%%u \" 1/4 \"%%u\\n\"' |"
		      " awk '{ n += int($1 / 8388608) %% 2 } END { print n + 0 }'",
		      block * BLOCK_PAGES / 512, BLOCK_PAGES / 512));
	*pages = strtoull(text, NULL, 10);
	free(text);
	return NULL;
}

/*
 * Which memory blocks can go offline in this guest without a balloon, one bit each.  In the others
 * the kernel has memory of its own.
 */
static const char *movable_blocks(struct lab_guest *g, unsigned int *blocks)
{
	*blocks = 0;
	for (unsigned int i = config.memory_mib / 128; --i;) {
		if (set_state(g, i, "offline"))
			continue;
		*blocks |= 1U << i;
		LAB_OK(set_state(g, i, "online"));
	}
	LAB_CHECK(*blocks, "no memory block of this guest can go offline");
	return NULL;
}

/* The movable block in which the balloon holds most. */
static const char *fullest(struct lab_guest *g, unsigned int blocks, unsigned int *best)
{
	uint64_t most = 0, pages;

	for (unsigned int i = 1; i < config.memory_mib / 128; i++) {
		if (!(blocks & 1U << i))
			continue;
		LAB_TRY(held_in(g, i, &pages));
		if (pages <= most)
			continue;
		most = pages;
		*best = i;
	}
	LAB_CHECK(most > BLOCK_PAGES / 4, "the balloon holds at most %" PRIu64 " pages in a block",
		  most);
	lab_note("the balloon holds %" PRIu64 " pages in memory block %u", most, *best);
	return NULL;
}

/*
 * The block goes offline; the balloon has its size again, elsewhere, and the block comes back with
 * nothing of the balloon in it.
 */
static const char *there_and_back(struct lab_guest *g, unsigned int block)
{
	uint64_t held;

	LAB_OK(set_state(g, block, "offline"));
	LAB_OK(lab_must(g, 5000, "[ $(cat " MEMORY "%u/state) = offline ]", block));
	LAB_OK(lab_wait_size(g, PAGES, PAGES, SETTLE_MS));
	LAB_TRY(sizes_agree(g, PAGES));
	LAB_OK(lab_data_check(g));
	LAB_OK(set_state(g, block, "online"));
	LAB_TRY(held_in(g, block, &held));
	LAB_CHECK(!held, "%" PRIu64 " pages are the balloon's right after onlining", held);
	LAB_OK(lab_must(g, 60000,
			"dd if=/dev/zero of=/tmp/filler bs=1M count=128 && rm /tmp/filler"));
	return NULL;
}

static const char *goes_offline(struct lab_guest *g, const char *parameters, uint64_t *vacated)
{
	struct lab_meminfo before, after;
	unsigned int blocks, block = 0;

	LAB_OK(lab_data_fill(g, DATA_MIB, 41));
	LAB_OK(lab_meminfo(g, &before));
	LAB_TRY(movable_blocks(g, &blocks));
	LAB_OK(lab_must(g, 20000, "modprobe aerostat %s", parameters));
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, PAGES));
	LAB_TRY(fullest(g, blocks, &block));
	LAB_TRY(there_and_back(g, block));
	LAB_TRY(driver_stat(g, "vacated_pages", vacated));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	LAB_OK(lab_meminfo(g, &after));
	LAB_CHECK(after.total_kib == before.total_kib,
		  "MemTotal was %" PRIu64 " KiB and is %" PRIu64, before.total_kib,
		  after.total_kib);
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

static const char *blocks_in_the_way(struct lab_guest *g)
{
	uint64_t vacated;

	LAB_TRY(goes_offline(g, "", &vacated));
	LAB_CHECK(vacated > BLOCK_PAGES / 4, "only %" PRIu64 " pages given back", vacated);
	return NULL;
}

static const char *split_blocks_in_the_way(struct lab_guest *g)
{
	MONITOR(g, "{\"withhold\": [\"batched-2m\"]}");
	return blocks_in_the_way(g);
}

static const char *single_pages_in_the_way(struct lab_guest *g)
{
	uint64_t vacated;

	LAB_TRY(goes_offline(g, "large=0 split=0", &vacated));
	LAB_CHECK(!vacated, "%" PRIu64 " pages given back that could have migrated", vacated);
	return NULL;
}

/* A host that does not give memory back: the block stays online, and nothing is lost. */
static const char *host_refuses(struct lab_guest *g)
{
	unsigned int blocks, block = 0;

	LAB_OK(lab_data_fill(g, DATA_MIB, 42));
	LAB_TRY(movable_blocks(g, &blocks));
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, PAGES));
	LAB_TRY(fullest(g, blocks, &block));
	MONITOR(g, "{\"faults\": [{\"direction\": \"deflate\", \"on\": \"entry\","
		   " \"status\": \"ppn-pinned\"}]}");
	LAB_CHECK(set_state(g, block, "offline"), "it went offline against the host's answer");
	LAB_OK(lab_must(g, 5000, "dmesg | grep -q 'aerostat: memory at .* stays online'"));
	LAB_TRY(sizes_agree(g, PAGES));
	MONITOR(g, "{\"faults\": []}");
	LAB_TRY(there_and_back(g, block));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

static const struct lab_test tests[] = {
	{"blocks-in-the-way", blocks_in_the_way, .config = &config, .timeout_s = 300},
	{"split-blocks-in-the-way", split_blocks_in_the_way, .config = &config, .timeout_s = 300},
	{"single-pages-in-the-way", single_pages_in_the_way, .config = &config, .timeout_s = 300},
	{"host-refuses", host_refuses, .config = &config, .timeout_s = 300},
};

static const struct lab_suite suite = {
	.name = "offline",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
