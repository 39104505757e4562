/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "storm.h"

#define TARGETS	     200u
#define ROUND	     25u /* of them, then one that must be met */
#define PAUSE_MAX_MS 50u /* after every other one */
#define CROSSINGS    10u
#define SWING_KIB    (64 * KIB_PER_MIB)
#define LEFT_KIB     (2 * KIB_PER_MIB) /* free memory when both have all of theirs */

uint64_t storm_seed(void)
{
	const char *text = getenv("AERO_SEED");
	uint64_t value = text ? strtoull(text, NULL, 0) : 1;

	lab_note("AERO_SEED=%" PRIu64 " repeats these targets", value);
	return value;
}

/* splitmix64 */
static uint64_t chance(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

const char *write_targets(struct subject *s, uint64_t *state, unsigned int n, uint64_t low_kib,
			  uint64_t high_kib, unsigned int max_mib)
{
	uint64_t pages = (high_kib - low_kib) / LAB_PAGE_KIB + 1;
	struct lab_guest *dom0 = lab_dom0(s->g);

	LAB_OK(lab_must(dom0, 20000, "xl mem-max %u %um", lab_domain(s->g), max_mib));
	for (unsigned int i = 0; i < n; i++) {
		uint64_t kib = low_kib + chance(state) % pages * LAB_PAGE_KIB;

		LAB_CHECK(!lab_call(dom0, 20000, NULL,
				    "store /local/domain/%u/memory/target %" PRIu64,
				    lab_domain(s->g), kib),
			  "can't write a target: %s", lab_error());
		if (chance(state) % 2)
			lab_sleep_ms((unsigned int)(chance(state) % PAUSE_MAX_MS));
	}
	return NULL;
}

/* Any page between the two, so nearly all targets break a block. */
static const char *storm(struct subject *s, unsigned int low_mib, unsigned int high_mib,
			 unsigned int max_mib)
{
	uint64_t low_kib = low_mib * KIB_PER_MIB, high_kib = high_mib * KIB_PER_MIB;
	uint64_t pages = (high_kib - low_kib) / LAB_PAGE_KIB + 1, state = storm_seed(), before,
		 after;
	int64_t start = lab_now_ms();

	LAB_TRY(hurry(s));
	/* Without a first target of its own dom0 has no maximum that could be set. */
	LAB_TRY(move_to(s, high_kib));
	LAB_TRY(total_kib(s, 1, &before));
	for (unsigned int i = 0; i < TARGETS / ROUND; i++) {
		uint64_t kib;

		LAB_TRY(write_targets(s, &state, ROUND - 1, low_kib, high_kib, max_mib));
		kib = low_kib + chance(&state) % pages * LAB_PAGE_KIB;
		LAB_OK(lab_mem_set_kib(s->g, kib));
		LAB_TRY(settle(s, kib));
		LAB_TRY(figures_agree(s));
	}
	LAB_TRY(total_kib(s, 1, &after));
	LAB_CHECK(before == after,
		  "the domain and Xen's free memory were %" PRIu64 " KiB in all and are %" PRIu64,
		  before, after);
	LAB_OK(lab_data_check(s->g));
	lab_note("%u targets in %" PRId64 " ms", TARGETS, lab_now_ms() - start);
	return NULL;
}

const char *storm_dom0(struct lab_guest *g)
{
	struct subject s = {.g = g};

	LAB_OK(lab_data_fill(g, 64, 1));
	LAB_TRY(load(&s));
	LAB_TRY(storm(&s, 800, 1024, 1024));
	LAB_OK(lab_call(g, 20000, NULL, "data free"));
	return NULL;
}

static const char *storm_domu(struct lab_guest *g, enum lab_domu_type type)
{
	const struct lab_domu config = {.type = type, .memory_mib = 256, .maxmem_mib = MAX_MIB};
	struct subject s;

	LAB_TRY(domu_shared(&s, g, &config));
	LAB_TRY(load(&s));
	return storm(&s, 200, 400, MAX_MIB);
}

const char *storm_pv(struct lab_guest *g)
{
	return storm_domu(g, LAB_PV);
}

const char *storm_pvh(struct lab_guest *g)
{
	return storm_domu(g, LAB_PVH);
}

/* Host memory holds only the sum: who shall get more has to wait for who has to give. */
static const char *cross(struct subject s[2])
{
	uint64_t before, after, mid_kib;
	struct lab_xen_memory xen;

	LAB_OK(lab_xen_memory(s[0].g, &xen));
	mid_kib = 256 * KIB_PER_MIB + (xen.free_kib - LEFT_KIB) / 2 / LAB_PAGE_KIB * LAB_PAGE_KIB;
	for (unsigned int i = 0; i < 2; i++) {
		LAB_TRY(move_to(&s[i], mid_kib));
	}
	LAB_TRY(total_kib(s, 2, &before));
	for (unsigned int i = 0; i < CROSSINGS; i++) {
		/* Now the one, now the other gives; now the taker, now the giver is told first. */
		uint64_t kib[2] = {mid_kib - SWING_KIB, mid_kib + SWING_KIB};
		unsigned int giver = i % 2, first = i / 2 % 2;
		int64_t start = lab_now_ms();

		LAB_OK(lab_mem_set_kib(s[first].g, kib[first != giver]));
		LAB_OK(lab_mem_set_kib(s[!first].g, kib[first == giver]));
		LAB_TRY(settle(&s[giver], kib[0]));
		/* When the giver is slow, the taker looks again only after a minute. */
		LAB_TRY(settle_within(&s[!giver], kib[1], 2 * SETTLE_MS));
		lab_note("crossing %u: %" PRId64 " ms", i + 1, lab_now_ms() - start);
	}
	LAB_TRY(total_kib(s, 2, &after));
	LAB_CHECK(before == after,
		  "the domains and Xen's free memory were %" PRIu64 " KiB in all and are %" PRIu64,
		  before, after);
	return NULL;
}

const char *crossing(struct lab_guest *g)
{
	const struct lab_domu configs[2] = {
		{.type = LAB_PV, .name = "one", .memory_mib = 256, .maxmem_mib = MAX_MIB},
		{.type = LAB_PVH, .memory_mib = 256, .maxmem_mib = MAX_MIB},
	};
	struct subject s[2];

	LAB_TRY(domu_shared(&s[1], g, &configs[1]));
	LAB_TRY(domu_up(&s[0], g, &configs[0]));
	for (unsigned int i = 0; i < 2; i++)
		LAB_TRY(load(&s[i]));
	LAB_TRY(cross(s));
	for (unsigned int i = 0; i < 2; i++) {
		LAB_TRY(figures_agree(&s[i]));
		LAB_OK(lab_data_check(s[i].g));
	}
	return NULL;
}
