/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * aerostat-hostd in dom0, and two PVH guests that have less together than both would like: one
 * wants memory, and the other has to give it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"

#define GUEST_MIB    384u
/* So much less than both have at first is theirs. */
#define SHORT_MIB    192u
#define DEMAND_MIB   150u
#define DEMAND_MIB_S 6u
#define MIN_MIB	     200u
#define MAX_MIB	     260u

static const struct lab_xen stock_xen = {.kernel = LAB_KERNEL_STOCK};
static const struct lab_config stock = {.xen = &stock_xen, .memory_mib = 2048};

static const char *const names[2] = {"web", "db"};

/* Both guests go on from test to test. */
static struct pair {
	struct lab_guest *dom0;
	struct subject guest[2];
	uint64_t reserve_kib;
	bool settled; /* the reserve has been there, and has to stay */
	uint64_t least_kib;
} pair;

/* ---- figures ---- */

static const char *look(void)
{
	struct lab_xen_memory xen;

	LAB_OK(lab_xen_memory(pair.dom0, &xen));
	if (!pair.settled)
		return NULL;
	pair.least_kib = xen.free_kib < pair.least_kib ? xen.free_kib : pair.least_kib;
	LAB_CHECK(xen.free_kib >= pair.reserve_kib,
		  "the host has %" PRIu64 " KiB free, and its reserve is %" PRIu64, xen.free_kib,
		  pair.reserve_kib);
	return NULL;
}

static const char *size_kib(unsigned int i, uint64_t *kib)
{
	struct lab_domain_memory d;

	LAB_OK(lab_domain_memory(pair.guest[i].g, &d));
	*kib = d.kib - pair.guest[i].offset_kib;
	return NULL;
}

static const char *wait_size(unsigned int i, uint64_t low_mib, uint64_t high_mib,
			     unsigned int timeout_ms)
{
	int64_t end = lab_now_ms() + timeout_ms;
	uint64_t kib;

	do {
		LAB_TRY(look());
		LAB_TRY(size_kib(i, &kib));
		if (kib >= low_mib * KIB_PER_MIB && kib <= high_mib * KIB_PER_MIB)
			return NULL;
		lab_sleep_ms(200);
	} while (lab_now_ms() < end);
	return lab_because("%s has %" PRIu64 " KiB after %u ms, not %" PRIu64 " to %" PRIu64 " MiB",
			   names[i], kib, timeout_ms, low_mib, high_mib);
}

static const char *target_kib(unsigned int i, uint64_t *kib)
{
	char *text;

	LAB_OK(lab_xenstore_read(pair.guest[i].g, "memory/target", &text));
	*kib = strtoull(text, NULL, 10);
	free(text);
	return NULL;
}

/* ---- the daemon ---- */

static const char *tell_log(const char *why)
{
	char words[1024], *text = NULL;

	snprintf(words, sizeof(words), "%s", why);
	lab_sh(pair.dom0, 20000, &text, "aerostat host status; tail -n 20 /tmp/hostd.log");
	lab_note("%s", text ? text : "");
	free(text);
	return lab_because("%s", words);
}

static const char *daemon_up(void)
{
	LAB_OK(lab_must(pair.dom0, 20000,
			"{ aerostat-hostd --reserve %" PRIu64 "KiB >>/tmp/hostd.log 2>&1 & } && "
			"echo $! >/run/hostd.pid",
			pair.reserve_kib));
	if (lab_sh(pair.dom0, 60000, NULL,
		   "for i in $(seq 100); do aerostat host status >/dev/null 2>&1 && exit 0; "
		   "sleep 0.2; done; exit 1"))
		return tell_log("aerostat-hostd does not answer");
	return NULL;
}

static const char *daemon_killed(void)
{
	LAB_OK(lab_must(pair.dom0, 20000, "kill -KILL $(cat /run/hostd.pid)"));
	return NULL;
}

/* The text of `aerostat host`, to be freed, which must end well. */
static const char *host_cli(char **out, const char *words)
{
	int ret = lab_sh(pair.dom0, 60000, out, "aerostat host %s 2>&1", words);

	LAB_CHECK(!ret, "aerostat host %s: %d, %s", words, ret, *out ? *out : lab_error());
	return NULL;
}

static const char *wait_mode(unsigned int i, const char *mode, unsigned int timeout_ms)
{
	int64_t end = lab_now_ms() + timeout_ms;
	char words[64], wanted[64], *out;
	bool is;

	snprintf(words, sizeof(words), "explain %s --json", names[i]);
	snprintf(wanted, sizeof(wanted), "\"mode\": \"%s\"", mode);
	do {
		if (!lab_sh(pair.dom0, 60000, &out, "aerostat host %s 2>&1", words)) {
			is = strstr(out, wanted);
			free(out);
			if (is)
				return NULL;
		}
		LAB_TRY(look());
		lab_sleep_ms(300);
	} while (lab_now_ms() < end);
	return lab_because("%s is not %s", names[i], mode);
}

/* ---- guests ---- */

static const char *guest_up(unsigned int i)
{
	const struct lab_domu config = {.name = names[i], .type = LAB_PVH, .memory_mib = GUEST_MIB};

	LAB_TRY(domu_up(&pair.guest[i], pair.dom0, &config));
	LAB_TRY(load(&pair.guest[i]));
	LAB_OK(lab_must(pair.guest[i].g, 20000,
			"{ aerostatd >/tmp/said 2>&1 & } && echo $! >/run/aerostatd.pid && "
			"sleep 2 && [ -d /proc/$(cat /run/aerostatd.pid) ]"));
	return NULL;
}

/* Guests that have so much less together than they like; and the daemon, which has seen to it. */
static const char *pair_up(struct lab_guest *dom0)
{
	struct lab_xen_memory xen;

	if (pair.dom0 != dom0 || !pair.guest[0].g) {
		pair = (struct pair){.dom0 = dom0, .least_kib = UINT64_MAX};
		if (lab_sh(dom0, 20000, NULL, "[ -x /usr/sbin/aerostat-hostd ]"))
			return lab_skip("aerostat-hostd was built without libxen-dev");
		LAB_TRY(guest_up(0));
		LAB_TRY(guest_up(1));
		LAB_OK(lab_xen_memory(dom0, &xen));
		pair.reserve_kib = xen.free_kib + SHORT_MIB * KIB_PER_MIB;
	}
	LAB_TRY(daemon_up());
	for (unsigned int i = 0; i < 2; i++)
		LAB_TRY(wait_mode(i, "managed", 30000));
	for (int64_t end = lab_now_ms() + 60000; !pair.settled;) {
		LAB_OK(lab_xen_memory(dom0, &xen));
		pair.settled = xen.free_kib >= pair.reserve_kib;
		if (!pair.settled && lab_now_ms() > end)
			return tell_log("the reserve is not free after a minute");
		lab_sleep_ms(200);
	}
	return NULL;
}

static const char *demand(unsigned int i, unsigned int mib)
{
	unsigned long long touched = 0;
	int64_t start = lab_now_ms();
	char request[48], state[16];

	snprintf(request, sizeof(request), "hog start %u %u", mib, DEMAND_MIB_S);
	LAB_TRY(agent(pair.guest[i].g, request));
	while (touched < (unsigned long long)mib * LAB_PAGES_PER_MIB) {
		char *out = NULL;
		int words;

		LAB_CHECK(!lab_call(pair.guest[i].g, 60000, &out, "hog status"), "%s", lab_error());
		words = sscanf(out, "%15s touched_pages %llu", state, &touched);
		free(out);
		LAB_CHECK(words == 2 && !strcmp(state, "running"),
			  "in %s the load has ended after %llu MiB", names[i],
			  touched / LAB_PAGES_PER_MIB);
		LAB_CHECK(lab_now_ms() - start < 180000, "in %s the load has %llu of %u MiB",
			  names[i], touched / LAB_PAGES_PER_MIB, mib);
		LAB_TRY(look());
		lab_sleep_ms(200);
	}
	lab_note("%s had %u MiB more after %.1f s", names[i], mib,
		 (double)(lab_now_ms() - start) / 1000);
	return NULL;
}

static const char *rest(unsigned int i)
{
	return agent(pair.guest[i].g, "hog stop");
}

static const char *data_is_whole(void)
{
	for (unsigned int i = 0; i < 2; i++)
		if (pair.guest[i].g)
			LAB_OK(lab_data_check(pair.guest[i].g));
	return NULL;
}

/* ---- the tests ---- */

/* What the first one gets comes from the other one, and back again. */
static const char *memory_goes_to_who_needs_it(struct lab_guest *dom0)
{
	uint64_t before[2], after[2];

	LAB_TRY(pair_up(dom0));
	for (unsigned int round = 0; round < 4; round++) {
		unsigned int one = round % 2, other = !one;

		for (unsigned int i = 0; i < 2; i++)
			LAB_TRY(size_kib(i, &before[i]));
		LAB_TRY(demand(one, DEMAND_MIB));
		LAB_TRY(wait_size(one, GUEST_MIB - SHORT_MIB / 2 + 20, GUEST_MIB, 30000));
		LAB_TRY(wait_size(other, GUEST_MIB / 4, GUEST_MIB - SHORT_MIB / 2 - 20, 30000));
		for (unsigned int i = 0; i < 2; i++)
			LAB_TRY(size_kib(i, &after[i]));
		lab_note("%s: %" PRIu64 " to %" PRIu64 " MiB; %s: %" PRIu64 " to %" PRIu64 " MiB",
			 names[one], before[one] / KIB_PER_MIB, after[one] / KIB_PER_MIB,
			 names[other], before[other] / KIB_PER_MIB, after[other] / KIB_PER_MIB);
		LAB_TRY(rest(one));
	}
	lab_note("the least that was free: %" PRIu64 " KiB, with a reserve of %" PRIu64,
		 pair.least_kib, pair.reserve_kib);
	return data_is_whole();
}

static const char *db_stays_within(const char *while_what)
{
	uint64_t kib = 0;

	for (int64_t end = lab_now_ms() + 8000; lab_now_ms() < end; lab_sleep_ms(200)) {
		LAB_TRY(look());
		LAB_TRY(size_kib(1, &kib));
		LAB_CHECK(kib >= MIN_MIB * KIB_PER_MIB && kib <= MAX_MIB * KIB_PER_MIB,
			  "%s, db has %" PRIu64 " KiB", while_what, kib);
	}
	lab_note("%s, db has %" PRIu64 " KiB", while_what, kib);
	return NULL;
}

static const char *minimum_and_maximum_hold(struct lab_guest *dom0)
{
	char *out;
	bool is;

	LAB_TRY(pair_up(dom0));
	LAB_OK(lab_must(dom0, 30000, "aerostat host set db --min %uM --max %uM", MIN_MIB, MAX_MIB));
	LAB_OK(lab_xenstore_read(pair.guest[1].g, "aerostat/max", &out));
	is = strtoull(out, NULL, 10) == MAX_MIB * KIB_PER_MIB;
	free(out);
	LAB_CHECK(is, "aerostat/max is not %u MiB", MAX_MIB);
	LAB_TRY(wait_size(1, MIN_MIB, MAX_MIB, 30000));
	LAB_TRY(demand(0, DEMAND_MIB));
	LAB_TRY(db_stays_within("while web wants more"));
	LAB_TRY(rest(0));
	/* Its load fits into its maximum, but not what would be kept free beside it. */
	LAB_TRY(demand(1, 70));
	LAB_TRY(db_stays_within("while it wants more"));
	LAB_TRY(rest(1));
	LAB_OK(lab_must(dom0, 30000, "xenstore-rm /local/domain/%u/aerostat",
			lab_domain(pair.guest[1].g)));
	return data_is_whole();
}

/* What stands here in the place of aerostatd's line any process of that guest could write. */
static const char *nonsense_harms_only_who_writes_it(struct lab_guest *dom0)
{
	uint64_t kib;

	LAB_TRY(pair_up(dom0));
	LAB_OK(lab_must(pair.guest[1].g, 20000, "kill $(cat /run/aerostatd.pid)"));
	for (unsigned int i = 0; i < 20; i++) {
		LAB_OK(lab_must(dom0, 20000,
				"xenstore-write /local/domain/%u/data/aerostat "
				"'total=99999999999999999999 usable=-1'",
				lab_domain(pair.guest[1].g)));
		LAB_TRY(look());
		lab_sleep_ms(300);
	}
	LAB_TRY(demand(0, DEMAND_MIB));
	LAB_TRY(size_kib(0, &kib));
	LAB_CHECK(kib > (DEMAND_MIB + 80) * KIB_PER_MIB, "web has %" PRIu64 " KiB only", kib);
	LAB_TRY(size_kib(1, &kib));
	LAB_CHECK(kib <= GUEST_MIB * KIB_PER_MIB, "db has %" PRIu64 " KiB", kib);
	LAB_TRY(rest(0));
	LAB_OK(lab_must(pair.guest[1].g, 20000,
			"{ aerostatd >/tmp/said 2>&1 & } && echo $! >/run/aerostatd.pid"));
	return data_is_whole();
}

static const char *the_daemon_is_killed(struct lab_guest *dom0)
{
	uint64_t before[2], after;

	LAB_TRY(pair_up(dom0));
	for (unsigned int round = 0; round < 2; round++) {
		char request[48];

		/* In the middle of moves. */
		snprintf(request, sizeof(request), "hog start %u %u", DEMAND_MIB, DEMAND_MIB_S);
		LAB_TRY(agent(pair.guest[round].g, request));
		lab_sleep_ms(9000);
		LAB_TRY(daemon_killed());
		LAB_TRY(agent(pair.guest[round].g, "hog stop"));
		for (unsigned int i = 0; i < 2; i++)
			LAB_TRY(target_kib(i, &before[i]));
		for (int64_t end = lab_now_ms() + 6000; lab_now_ms() < end; lab_sleep_ms(300))
			LAB_TRY(look());
		for (unsigned int i = 0; i < 2; i++) {
			LAB_TRY(target_kib(i, &after));
			LAB_CHECK(after == before[i],
				  "without a daemon the target of %s went from %" PRIu64
				  " to %" PRIu64,
				  names[i], before[i], after);
			LAB_TRY(wait_size(i, before[i] / KIB_PER_MIB - 2,
					  before[i] / KIB_PER_MIB + 2, 20000));
		}
		LAB_TRY(daemon_up());
		for (unsigned int i = 0; i < 2; i++)
			LAB_TRY(wait_mode(i, "managed", 10000));
		LAB_TRY(demand(round, DEMAND_MIB));
		LAB_TRY(wait_size(round, GUEST_MIB - SHORT_MIB / 2 + 20, GUEST_MIB, 30000));
		LAB_TRY(rest(round));
	}
	return data_is_whole();
}

static const char *a_guest_is_destroyed(struct lab_guest *dom0)
{
	unsigned int domain;
	char request[48], *out;

	LAB_TRY(pair_up(dom0));
	domain = lab_domain(pair.guest[1].g);
	snprintf(request, sizeof(request), "hog start %u %u", DEMAND_MIB, DEMAND_MIB_S);
	LAB_TRY(agent(pair.guest[1].g, request));
	lab_sleep_ms(9000);
	LAB_OK(lab_domu_stop(pair.guest[1].g));
	pair.guest[1].g = NULL;
	LAB_TRY(demand(0, DEMAND_MIB));
	LAB_TRY(host_cli(&out, "status"));
	LAB_CHECK(strstr(out, "web") && !strstr(out, "db "), "%s", out);
	free(out);
	/* Nobody has written to what is no longer there. */
	LAB_CHECK(lab_sh(dom0, 20000, NULL, "xenstore-exists /local/domain/%u/memory", domain),
		  "xenstore has a memory of a domain that has ended");
	LAB_TRY(rest(0));
	return data_is_whole();
}

/* Its end is an error in one line, and nothing else. */
static const char *xenstored_is_gone(struct lab_guest *dom0)
{
	struct lab_domain_memory before, after;
	char *out;

	if (!pair.guest[0].g)
		LAB_TRY(pair_up(dom0));
	else
		LAB_TRY(daemon_up());
	lab_sleep_ms(4000);
	LAB_OK(lab_domain_memory(dom0, &before));
	LAB_OK(lab_must(dom0, 20000, "kill -KILL $(cat /run/xenstored.pid)"));
	lab_sleep_ms(8000);
	LAB_TRY(host_cli(&out, "status"));
	LAB_CHECK(strstr(out, "NOT UP TO DATE"), "%s", out);
	free(out);
	LAB_OK(lab_must(dom0, 20000, "kill -0 $(cat /run/hostd.pid)"));
	LAB_CHECK(!lab_sh(dom0, 20000, &out,
			  "cat /tmp/hostd.log; "
			  "[ $(grep -c 'does xenstored run' /tmp/hostd.log) -le 2 ]"),
		  "%s", out ? out : lab_error());
	lab_note("%s", out);
	free(out);
	LAB_OK(lab_domain_memory(dom0, &after));
	LAB_CHECK(before.kib == after.kib, "dom0 went from %" PRIu64 " to %" PRIu64 " KiB",
		  before.kib, after.kib);
	/* It comes back, knowing nobody: that is no error. */
	LAB_OK(lab_must(dom0, 30000,
			"xenstored --pid-file /run/xenstored.pid && sleep 5 && "
			"tail -n 1 /tmp/hostd.log | grep -q 'can be seen again'"));
	return NULL;
}

static const char *after_test(struct lab_guest *dom0)
{
	lab_sh(dom0, 20000, NULL, "kill $(cat /run/hostd.pid)");
	for (unsigned int i = 0; i < 2; i++)
		if (pair.dom0 == dom0 && pair.guest[i].g)
			lab_call(pair.guest[i].g, 20000, NULL, "hog stop");
	return NULL;
}

static const struct lab_test tests[] = {
	{"memory-goes-to-who-needs-it", memory_goes_to_who_needs_it, .config = &stock,
	 .timeout_s = 900},
	{"minimum-and-maximum-hold", minimum_and_maximum_hold, .config = &stock, .timeout_s = 600},
	{"nonsense-harms-only-who-writes-it", nonsense_harms_only_who_writes_it, .config = &stock,
	 .timeout_s = 600},
	{"the-daemon-is-killed", the_daemon_is_killed, .config = &stock, .timeout_s = 900},
	{"a-guest-is-destroyed", a_guest_is_destroyed, .config = &stock, .timeout_s = 600},
	{"xenstored-is-gone", xenstored_is_gone, .config = &stock, .timeout_s = 600,
	 .spoils = true},
};

static const struct lab_suite suite = {
	.name = "xen-host",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = after_test,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
