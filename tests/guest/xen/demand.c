// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The guest sizes itself with `pressure`, which aerostatd tells of waiting tasks: what
 * an idle guest gives, sudden demand, and two guests that do not fit at once.
 *
 * Time is the machine's own (QEMU's -icount): minutes of rest pass in seconds, and what
 * a process waits can be compared, however busy the host is.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"

#ifndef CYCLES /* xen-demand-long has 50 */
#define CYCLES 1u
#endif

#define POLICY	     "/sys/kernel/aerostat/policy/"
#define GUEST_MIB    1024u
#define SWAP_MIB     GUEST_MIB /* with less, a guest that has given much refuses to promise so much */
#define DEMAND_MIB   768u      /* four fifths of what the guest's kernel has */
#define IDLE_MIB     (GUEST_MIB * 2 / 5)

/* Nobody has to wait longer than this share of what it takes without a balloon. */
#define WAIT_PERCENT 130

/* Two guests of this size share a host that has room for one and a half. */
#define TWIN_MIB     640u
#define ROUNDS	     3u

static const char *const own_clock[] = {LAB_XEN_OWN_CLOCK};
static const struct lab_xen stock_xen = {.kernel = LAB_KERNEL_STOCK};
static const struct lab_config one_guest = {
	.xen = &stock_xen, .memory_mib = 2304, .extra = own_clock};
static const struct lab_config two_guests_room = {
	.xen = &stock_xen, .memory_mib = 2048, .extra = own_clock};

/* -- steps -------------------------------------------------------------------------- */

static const char *add_swap(struct subject *s)
{
	LAB_OK(lab_must(s->g, 20000,
			"modprobe zram && echo %uM >/sys/block/zram0/disksize && "
			"mkswap /dev/zram0 && swapon /dev/zram0",
			SWAP_MIB));
	return NULL;
}

static const char *start_daemon(struct subject *s)
{
	LAB_OK(lab_must(
		s->g, 20000,
		"{ aerostatd >/dev/null 2>&1 & } && echo $! >/run/aerostatd.pid && sleep 2 && "
		"[ -d /proc/$(cat /run/aerostatd.pid) ]"));
	return NULL;
}

static const char *switch_on(struct subject *s)
{
	LAB_TRY(load(s));
	LAB_TRY(start_daemon(s));
	LAB_OK(lab_must(s->g, 20000,
			"echo pressure >" POLICY "policy && echo 1 >" POLICY "selfballooning"));
	return NULL;
}

static const char *await_active(struct subject *s, const char *rule, unsigned int seconds)
{
	LAB_CHECK(!lab_sh(s->g, 60000, NULL,
			  "for i in $(seq %u); do grep -qx %s " POLICY "active && exit 0; "
			  "sleep 0.1; done; exit 1",
			  10 * seconds, rule),
		  "%s does not act after %u s", rule, seconds);
	return NULL;
}

static const char *await_below(struct subject *s, uint64_t mib)
{
	uint64_t before = 0;
	struct lab_domain_memory d;

	for (int64_t end = lab_now_ms() + 240000; lab_now_ms() < end;) {
		LAB_OK(lab_domain_memory(s->g, &d));
		/* Come to rest, and for longer than it takes until shrinking counts as wise. */
		if (d.kib < mib * KIB_PER_MIB && d.kib == before)
			return NULL;
		before = d.kib;
		LAB_OK(lab_must(s->g, 60000, "sleep 35"));
	}
	LAB_CHECK(false, "the idle guest still has %" PRIu64 " KiB, not below %" PRIu64 " MiB",
		  before, mib);
	return NULL;
}

/* "phase demand FROM UNTIL", of the guest's own clock. */
static const char *parse_demand(const char *text, int64_t *ms)
{
	const char *line = strstr(text, "phase demand ");
	int64_t from, until;

	LAB_CHECK(!strstr(text, "killed"), "a process was killed: %s", text);
	LAB_CHECK(line && sscanf(line, "phase demand %" SCNd64 " %" SCNd64, &from, &until) == 2,
		  "the load says: %s", text);
	*ms = until - from;
	return NULL;
}

/* A process takes so much as fast as it can, and keeps it for a time: how long that took. */
static const char *demand(struct subject *s, unsigned int mib, unsigned int hold_s, int64_t *ms)
{
	const char *failure;
	char *text;
	int ret = lab_sh(s->g, 600000, &text, "aerostat-load demand %u %u 2>&1", mib, hold_s);

	LAB_CHECK(ret >= 0, "%s", lab_error());
	failure = parse_demand(text, ms);
	free(text);
	return failure;
}

/* -- one guest ---------------------------------------------------------------------- */

static const char *cycles(struct subject *s, int64_t alone, int64_t *worst)
{
	uint64_t singles, remade;
	int64_t ms, sum = 0;

	*worst = 0;
	for (unsigned int i = 0; i < CYCLES; i++) {
		LAB_TRY(await_below(s, IDLE_MIB));
		LAB_TRY(driver_stat(s->g, "held_page", &singles));
		LAB_TRY(driver_stat(s->g, "blocks_remade", &remade));
		LAB_TRY(demand(s, DEMAND_MIB, 0, &ms));
		lab_note("%u: %" PRId64 " ms; %" PRIu64 " single pages were held, %" PRIu64
			 " blocks had been made anew",
			 i + 1, ms, singles, remade);
		*worst = ms > *worst ? ms : *worst;
		sum += ms;
	}
	lab_note("%u MiB on demand: %" PRId64 " ms without a balloon; with it %u times, %" PRId64
		 " ms on average, %" PRId64 " at worst",
		 DEMAND_MIB, alone, CYCLES, sum / CYCLES, *worst);
	return NULL;
}

static const char *lives(struct lab_guest *dom0, enum lab_domu_type type)
{
	const struct lab_domu config = {.type = type, .memory_mib = GUEST_MIB};
	struct lab_xen_memory x0, x1;
	struct lab_domain_memory d0, d1;
	int64_t first, alone, worst;
	struct subject s;

	LAB_TRY(domu_up(&s, dom0, &config));
	LAB_TRY(add_swap(&s));
	/*
	 * The first touch of a PVH guest's pages costs extra: the second counts, although with a
	 * balloon each page is one that was just populated.
	 */
	LAB_TRY(demand(&s, DEMAND_MIB, 0, &first));
	LAB_TRY(demand(&s, DEMAND_MIB, 0, &alone));
	lab_note("without a balloon %" PRId64 " ms, at the first touch %" PRId64, alone, first);
	LAB_OK(lab_memory_now(s.g, &x0, &d0));
	LAB_TRY(switch_on(&s));
	LAB_TRY(await_active(&s, "pressure", 10));
	LAB_TRY(cycles(&s, alone, &worst));
	LAB_TRY(await_below(&s, IDLE_MIB));
	LAB_OK(lab_memory_now(s.g, &x1, &d1));
	lab_note("idle at %" PRIu64 " of %u MiB; Xen has %" PRIu64 " MiB more",
		 d1.kib / KIB_PER_MIB, GUEST_MIB, (x1.free_kib - x0.free_kib) / KIB_PER_MIB);
	LAB_CHECK(d0.kib - d1.kib == x1.free_kib - x0.free_kib,
		  "the guest gave %" PRIu64 " KiB, and Xen has %" PRIu64 " more", d0.kib - d1.kib,
		  x1.free_kib - x0.free_kib);
	LAB_CHECK(worst <= alone * WAIT_PERCENT / 100, "somebody waited %" PRId64 " ms", worst);
	LAB_TRY(await_active(&s, "pressure", 1));
	LAB_OK(lab_data_check(s.g));
	LAB_OK(lab_domu_stop(s.g));
	return NULL;
}

static const char *pressure_pv(struct lab_guest *g)
{
	return lives(g, LAB_PV);
}

static const char *pressure_pvh(struct lab_guest *g)
{
	return lives(g, LAB_PVH);
}

/* -- two guests --------------------------------------------------------------------- */

static const char *twin_up(struct subject *s, struct lab_guest *dom0, const char *name)
{
	const struct lab_domu config = {.name = name, .type = LAB_PV, .memory_mib = TWIN_MIB};

	LAB_TRY(domu_up(s, dom0, &config));
	LAB_TRY(add_swap(s));
	LAB_TRY(switch_on(s));
	return NULL;
}

/* While one works the other has just ceased to, and has not given its memory back yet. */
static const char *take_turns(struct subject twin[2])
{
	int64_t ms;

	for (unsigned int i = 0; i < 2 * ROUNDS; i++) {
		LAB_TRY(demand(&twin[i % 2], TWIN_MIB * 4 / 5 - 48, 10, &ms));
		lab_note("guest %u had what it wanted after %" PRId64 " ms", i % 2, ms);
		LAB_OK(lab_must(twin[i % 2].g, 120000, "sleep 60"));
	}
	return NULL;
}

/* The other starts in what the first one does not need. */
static const char *two_guests(struct lab_guest *dom0)
{
	struct lab_xen_memory x;
	struct subject twin[2];
	uint64_t before, after;

	LAB_OK(lab_xen_memory(dom0, &x));
	lab_note("%" PRIu64 " MiB for two guests of %u", x.free_kib / KIB_PER_MIB, TWIN_MIB);
	LAB_CHECK(x.free_kib / KIB_PER_MIB < TWIN_MIB * 33 / 20, "that is too much for the test");
	LAB_TRY(twin_up(&twin[0], dom0, "one"));
	LAB_TRY(await_below(&twin[0], TWIN_MIB / 2));
	LAB_TRY(twin_up(&twin[1], dom0, "other"));
	LAB_TRY(await_below(&twin[1], TWIN_MIB / 2));
	LAB_TRY(total_kib(twin, 2, &before));
	LAB_TRY(take_turns(twin));
	LAB_TRY(await_active(&twin[0], "pressure", 1));
	LAB_TRY(await_active(&twin[1], "pressure", 1));
	LAB_TRY(await_below(&twin[0], TWIN_MIB / 2));
	LAB_TRY(await_below(&twin[1], TWIN_MIB / 2));
	LAB_TRY(total_kib(twin, 2, &after));
	LAB_CHECK(before == after, "guests and Xen had %" PRIu64 " KiB and have %" PRIu64, before,
		  after);
	LAB_OK(lab_data_check(twin[0].g));
	LAB_OK(lab_data_check(twin[1].g));
	return NULL;
}

static const struct lab_test tests[] = {
	{"pressure-pv", pressure_pv, .config = &one_guest, .timeout_s = 400 + 80 * CYCLES},
	{"pressure-pvh", pressure_pvh, .config = &one_guest, .timeout_s = 400 + 80 * CYCLES},
	{"two-guests", two_guests, .config = &two_guests_room, .timeout_s = 600},
};

static const struct lab_suite suite = {
	.name = "xen-demand",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
