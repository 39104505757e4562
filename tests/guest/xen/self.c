// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The guest sizes itself: its files, what an idle guest gives, and sudden demand. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"

#define POLICY	 "/sys/kernel/aerostat/policy/"
#define NOT_ROOT "echo nobody:x:65534:65534::/:/bin/sh >/etc/passwd; ! su nobody -s /bin/sh -c "

#ifndef CYCLES /* xen-self-long has 50 */
#define CYCLES 2u
#endif

#define GUEST_MIB  768u
#define DEMAND_MIB (GUEST_MIB * 4 / 5 - 64) /* of what a process can have, four fifths */

static const struct lab_xen stock_xen = {.kernel = LAB_KERNEL_STOCK};
static const struct lab_config stock = {.xen = &stock_xen, .memory_mib = 2304};

static const char *is(struct lab_guest *g, const char *name, const char *wanted)
{
	char path[200], *text;
	bool same;

	snprintf(path, sizeof(path), POLICY "%s", name);
	LAB_OK(lab_read_file(g, path, &text));
	text[strcspn(text, "\n")] = '\0';
	same = !strcmp(text, wanted);
	lab_note("%s: %s", name, text);
	free(text);
	LAB_CHECK(same, "%s is not %s", name, wanted);
	return NULL;
}

static const char *put(struct lab_guest *g, const char *name, const char *value)
{
	LAB_OK(lab_must(g, 10000, "echo '%s' >" POLICY "%s", value, name));
	return NULL;
}

/* ---- the files ---- */

static const char *refuses(struct lab_guest *g, const char *name, const char *value,
			   const char *stays)
{
	LAB_CHECK(lab_sh(g, 10000, NULL, "echo '%s' >" POLICY "%s", value, name) > 0,
		  "%s took '%s'", name, value);
	return stays ? is(g, name, stays) : NULL;
}

static const char *files(struct lab_guest *dom0)
{
	static const struct {
		const char *name, *initial, *good, *bad[4];
	} table[] = {
		{"selfballooning", "0", "1", {"2", "-1", "on", ""}},
		{"selfballoon_interval", "5", "1", {"0", "3601", "five", "-5"}},
		{"selfballoon_downhysteresis", "8", "1", {"0", "4294967296", "1.5", ""}},
		{"selfballoon_uphysteresis", "1", "4", {"0", "x", "1 2", "-1"}},
		{"selfballoon_min_usable_mb", "0", "100", {"4294967296", "-1", "many", ""}},
		{"frontswap_selfshrinking", "0", "1", {"2", "yes", "-1", ""}},
		{"frontswap_inertia", "3", "2", {"0", "-3", "3x", ""}},
		{"frontswap_hysteresis", "20", "10", {"0", "-1", "", "99999999999"}},
		{"policy", "pressure", "committed", {"off", "best", "", "pressures"}},
	};
	const struct lab_domu config = {.type = LAB_PV};
	struct subject s;

	LAB_TRY(domu_shared(&s, dom0, &config));
	LAB_TRY(load(&s));
	LAB_TRY(is(s.g, "active", "off"));
	LAB_TRY(is(s.g, "swap_target_kib", "-"));
	for (size_t i = LAB_COUNT(table); i--;) {
		LAB_TRY(is(s.g, table[i].name, table[i].initial));
		for (size_t j = 0; j < 4; j++)
			LAB_TRY(refuses(s.g, table[i].name, table[i].bad[j], table[i].initial));
		LAB_OK(lab_must(s.g, 10000, NOT_ROOT "'echo %s >" POLICY "%s'", table[i].good,
				table[i].name));
		LAB_OK(lab_must(s.g, 10000, "su nobody -s /bin/sh -c 'cat " POLICY "%s'",
				table[i].name));
		LAB_TRY(put(s.g, table[i].name, table[i].good));
		LAB_TRY(is(s.g, table[i].name, table[i].good));
	}
	LAB_TRY(put(s.g, "selfballoon_min_usable_mb", "0"));
	LAB_TRY(is(s.g, "selfballoon_min_usable_mb", "0"));
	LAB_TRY(refuses(s.g, "stall", "1001 0", NULL));
	LAB_TRY(refuses(s.g, "stall", "10 20", NULL));
	LAB_TRY(refuses(s.g, "stall", "10", NULL));
	LAB_TRY(put(s.g, "stall", "10 5"));
	LAB_TRY(put(s.g, "selfballooning", "0"));
	LAB_TRY(is(s.g, "active", "off"));
	return NULL;
}

static const char *never_in_dom0(struct lab_guest *g)
{
	struct subject s = {.g = g};

	LAB_TRY(load(&s));
	LAB_TRY(refuses(g, "selfballooning", "1", "0"));
	LAB_OK(lab_must(
		g, 10000,
		"dmesg | grep -q 'aerostat: self-ballooning is not possible: the initial'"));
	return NULL;
}

/* ---- an idle guest, and demand ---- */

static const char *size_mib(struct lab_guest *g, uint64_t *mib)
{
	struct lab_domain_memory d;

	LAB_OK(lab_domain_memory(g, &d));
	*mib = d.kib / KIB_PER_MIB;
	return NULL;
}

static const char *wait_below(struct subject *s, uint64_t mib, unsigned int timeout_ms)
{
	int64_t end = lab_now_ms() + timeout_ms;
	uint64_t now = 0;

	do {
		LAB_TRY(size_mib(s->g, &now));
		if (now < mib)
			return NULL;
	} while (lab_now_ms() < end);
	LAB_CHECK(false, "the idle guest still has %" PRIu64 " MiB, not below %" PRIu64, now, mib);
	return NULL;
}

/* A process takes what it can as fast as it can, and is not killed: how long that took. */
static const char *demand(struct subject *s, int64_t *ms)
{
	int64_t start = lab_now_ms();

	LAB_CHECK(!lab_call(s->g, 300000, NULL, "touch %u", DEMAND_MIB), "%s", lab_error());
	*ms = lab_now_ms() - start;
	return NULL;
}

/*
 * What the guest shrinks to is its committed memory, its reserve and pages that
 * hold data: under a third..
 */
static const char *lives(struct lab_guest *dom0, enum lab_domu_type type, const char *rule)
{
	const struct lab_domu config = {.type = type, .memory_mib = GUEST_MIB};
	int64_t alone = 0, ms, worst = 0, sum = 0;
	uint64_t before, all, now = 0;
	struct subject s;

	LAB_TRY(domu_up(&s, dom0, &config));
	/* The first touch of a PVH guest's pages costs extra: the second counts. */
	LAB_TRY(demand(&s, &alone));
	LAB_TRY(demand(&s, &alone));
	LAB_TRY(load(&s));
	LAB_TRY(total_kib(&s, 1, &before));
	LAB_TRY(put(s.g, "policy", rule));
	LAB_TRY(put(s.g, "selfballoon_interval", "1"));
	LAB_TRY(put(s.g, "selfballoon_downhysteresis", "2"));
	LAB_OK(lab_write_file(s.g, "/sys/kernel/aerostat/holdoff_ms", "2000"));
	LAB_TRY(put(s.g, "selfballooning", "1"));
	for (unsigned int i = 0; i < CYCLES; i++) {
		LAB_TRY(wait_below(&s, GUEST_MIB * 2 / 5, 180000));
		if (!i)
			LAB_TRY(is(s.g, "active", rule));
		LAB_TRY(demand(&s, &ms));
		worst = ms > worst ? ms : worst;
		sum += ms;
	}
	LAB_TRY(wait_below(&s, GUEST_MIB * 2 / 5, 180000));
	LAB_TRY(size_mib(s.g, &now));
	LAB_TRY(total_kib(&s, 1, &all));
	lab_note("idle at %" PRIu64 " of %u MiB; %u MiB on demand: %" PRId64
		 " ms without a balloon, %" PRId64 " ms with (worst %" PRId64 ")",
		 now, GUEST_MIB, DEMAND_MIB, alone, sum / CYCLES, worst);
	LAB_CHECK(all == before, "the domain and Xen had %" PRIu64 " KiB and have %" PRIu64, before,
		  all);
	LAB_CHECK(worst < 10 * alone + 20000, "somebody waited %" PRId64 " ms", worst);
	LAB_OK(lab_data_check(s.g));
	LAB_TRY(put(s.g, "selfballooning", "0"));
	LAB_OK(lab_must(s.g, 60000, "rmmod aerostat_xen"));
	LAB_OK(lab_data_check(s.g));
	LAB_OK(lab_domu_stop(s.g));
	return NULL;
}

static const char *committed_pv(struct lab_guest *g)
{
	return lives(g, LAB_PV, "committed");
}

static const char *committed_pvh(struct lab_guest *g)
{
	return lives(g, LAB_PVH, "committed");
}

/* aerostatd falls silent: within an interval the kernel goes on alone. */
static const char *silence(struct lab_guest *dom0)
{
	const struct lab_domu config = {.type = LAB_PV};
	struct subject s;

	LAB_TRY(domu_shared(&s, dom0, &config));
	LAB_TRY(load(&s));
	LAB_TRY(put(s.g, "selfballoon_interval", "2"));
	LAB_TRY(put(s.g, "stall", "0 0"));
	LAB_TRY(put(s.g, "selfballooning", "1"));
	LAB_OK(lab_must(s.g, 10000,
			"for i in 1 2 3; do echo 0 0 >" POLICY "stall && grep -qx pressure " POLICY
			"active || exit 1; sleep 1; done"));
	LAB_OK(lab_must(s.g, 30000, "until grep -qx committed " POLICY "active; do sleep 1; done"));
	LAB_TRY(put(s.g, "selfballooning", "0"));
	return NULL;
}

static const struct lab_test tests[] = {
	{"files", files, .config = &stock, .timeout_s = 300},
	{"silence", silence, .config = &stock, .timeout_s = 300},
	{"committed-pv", committed_pv, .config = &stock, .timeout_s = 600 + 90 * CYCLES},
	{"committed-pvh", committed_pvh, .config = &stock, .timeout_s = 600 + 90 * CYCLES},
	{"never-in-dom0", never_in_dom0, .config = &stock, .timeout_s = 300},
};

static const struct lab_suite suite = {
	.name = "xen-self",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
