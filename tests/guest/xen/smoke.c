/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The lab for Xen itself, with the kernel's own balloon driver: does what the other
 * tests on Xen stand on hold?
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"
#include "xen.h"

#define KIB_PER_MIB 1024u
#define SETTLE_MS   60000u
#define QUIET_MS    2000u
#define DOM0_KIB    (1024u * KIB_PER_MIB)

static const struct lab_xen stock_xen = {.kernel = LAB_KERNEL_STOCK};
static const struct lab_config stock = {.xen = &stock_xen};

static const char *tidy(struct lab_guest *g)
{
	LAB_OK(lab_domu_stop_all(g));
	return NULL;
}

/* ---- what must hold after each target ---- */

/*
 * Sets a target and waits until the domain is at it (but for `offset_kib`, which a
 * PVH domain has on top).  What the domain lost or got, Xen must have got or lost, exactly.
 */
static const char *move_to(struct lab_guest *g, uint64_t kib, uint64_t offset_kib)
{
	struct lab_xen_memory xen0, xen1;
	struct lab_domain_memory was, is;
	int64_t start = lab_now_ms(), end;

	LAB_OK(lab_memory_now(g, &xen0, &was));
	LAB_OK(lab_mem_set_kib(g, kib));
	LAB_OK(lab_wait_domain_kib(g, kib + offset_kib, kib + offset_kib, SETTLE_MS));
	end = lab_now_ms();
	LAB_OK(lab_memory_now(g, &xen1, &is));
	lab_note("domain %u: %" PRIu64 " -> %" PRIu64 " KiB in %" PRId64
		 " ms; Xen's free memory: %" PRIu64 " -> %" PRIu64 " KiB",
		 lab_domain(g), was.kib, is.kib, end - start, xen0.free_kib, xen1.free_kib);
	LAB_CHECK(was.kib + xen0.free_kib == is.kib + xen1.free_kib,
		  "the domain moved by %" PRId64 " KiB, Xen's free memory by %" PRId64,
		  (int64_t)(is.kib - was.kib), (int64_t)(xen1.free_kib - xen0.free_kib));
	return NULL;
}

/* ---- dom0 ---- */

static const char *dom0_up(struct lab_guest *g)
{
	struct lab_domain_memory dom0;
	struct lab_xen_memory xen;
	char *out = NULL;
	int status = lab_xl(g, 20000, &out, "info");

	LAB_CHECK(status == 0 && strstr(out, "xen_version"), "xl info: status %d: %s", status,
		  out ? out : lab_error());
	free(out);
	LAB_OK(lab_memory_now(g, &xen, &dom0));
	lab_note("Xen: %" PRIu64 " KiB, free %" PRIu64 "; dom0: %" PRIu64 ", at most %" PRIu64,
		 xen.total_kib, xen.free_kib, dom0.kib, dom0.max_kib);
	LAB_CHECK(dom0.kib == DOM0_KIB, "dom0 has %" PRIu64 " KiB", dom0.kib);
	LAB_CHECK(dom0.running, "dom0 does not count as running");
	return NULL;
}

/* ---- domUs ---- */

/* Output of more than one piece, statuses, requests in parallel, late ones, files. */
static const char *agent_works(struct lab_guest *u)
{
	char *out = NULL;
	int status, slow, quick;

	status = lab_sh(u, 20000, &out, "seq 1 2000; exit 7");
	LAB_CHECK(status == 7, "status %d: %s", status, status < 0 ? lab_error() : out);
	LAB_CHECK(strlen(out) == 8893 && !strcmp(out + 8893 - 5, "2000\n"), "%zu bytes came back",
		  strlen(out));
	free(out);
	slow = lab_begin(u, 20000, "sh sleep 2; echo slow");
	quick = lab_begin(u, 20000, "sh echo quick");
	LAB_CHECK(slow > 0 && quick > 0, "%s", lab_error());
	status = lab_end(u, quick, 20000, &out);
	LAB_CHECK(status == 0 && !strcmp(out, "quick\n"), "status %d: %s", status, lab_error());
	free(out);
	status = lab_end(u, slow, 20000, &out);
	LAB_CHECK(status == 0 && !strcmp(out, "slow\n"), "status %d: %s", status, lab_error());
	free(out);
	LAB_CHECK(lab_sh(u, 1000, NULL, "sleep 100") == 124, "a late command was not ended");
	LAB_CHECK(lab_read_file(u, "/nowhere", &out) == 2, "a file that is not there was read");
	free(out);
	return NULL;
}

/* Emulation that mixes up registers shows here; 50 of these were enough to find one. */
static const char *computes(struct lab_guest *u)
{
	char *out = NULL;
	int status = lab_sh(u, 90000, &out,
			    "i=0; while [ $i -lt 60 ]; do i=$((i+1)); "
			    "x=$(seq 1 50 | grep 7 | tail -n 1 | sed s/7/8/); "
			    "[ \"$x\" = 48 ] || echo \"run $i: '$x'\"; done");

	LAB_CHECK(status == 0 && !*out, "status %d; %s", status, status < 0 ? lab_error() : out);
	free(out);
	return NULL;
}

static const char *domu_works(struct lab_guest *g, enum lab_domu_type type)
{
	struct lab_domu config = {.type = type, .memory_mib = 256, .maxmem_mib = 512};
	int64_t start = lab_now_ms();
	struct lab_domain_memory d;
	struct lab_meminfo mem;
	struct lab_guest *u;
	uint64_t offset_kib;

	LAB_OK(lab_domu_start(&u, g, &config));
	lab_note("up after %" PRId64 " ms", lab_now_ms() - start);
	LAB_TRY(agent_works(u));
	LAB_TRY(computes(u));
	LAB_OK(lab_data_fill(u, 64, 2));
	/* The first target tells how much the domain has besides; from then on it stays. */
	LAB_OK(lab_mem_set_kib(u, 240 * KIB_PER_MIB));
	LAB_OK(lab_wait_domain_kib(u, 240 * KIB_PER_MIB, 242 * KIB_PER_MIB, SETTLE_MS));
	LAB_OK(lab_wait_domain_steady(u, QUIET_MS, SETTLE_MS, &d));
	offset_kib = d.kib - 240 * KIB_PER_MIB;
	lab_note("%" PRIu64 " KiB above the target", offset_kib);
	LAB_CHECK(type == LAB_PVH || !offset_kib, "a PV domain has more than its target");
	LAB_TRY(move_to(u, 200 * KIB_PER_MIB + 4, offset_kib));
	LAB_TRY(move_to(u, 256 * KIB_PER_MIB, offset_kib));
	LAB_OK(lab_data_check(u));
	LAB_OK(lab_meminfo(u, &mem));
	lab_note("inside: %" PRIu64 " KiB in all, %" PRIu64 " free", mem.total_kib, mem.free_kib);
	return NULL;
}

static const char *domu_pv(struct lab_guest *g)
{
	return domu_works(g, LAB_PV);
}

static const char *domu_pvh(struct lab_guest *g)
{
	return domu_works(g, LAB_PVH);
}

/* A domU that ends by itself is an error with a reason, not a hang; and its log is scanned. */
static const char *domu_dies(struct lab_guest *g)
{
	struct lab_domu config = {.type = LAB_PV, .name = "dies"};
	struct lab_guest *u;
	char *lines = NULL;
	int status;

	LAB_OK(lab_domu_start(&u, g, &config));
	lab_log_mark(g);
	status = lab_sh(u, 30000, NULL,
			"echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger");
	LAB_CHECK(status < 0, "a domU that crashed answered with %d", status);
	lab_note("%s", lab_error());
	for (int i = 0; i < 100 && lab_sh(u, 1000, NULL, "true") != -EPIPE; i++)
		lab_sleep_ms(100);
	LAB_CHECK(!lab_alive(u), "a domU that crashed counts as alive: %s", lab_error());
	LAB_CHECK(lab_log_problems(g, NULL, &lines) > 0 && strstr(lines, "sysrq"),
		  "the crash is not among the problems: %s", lines ? lines : "");
	free(lines);
	LAB_OK(lab_domu_stop(u));
	lab_log_mark(g);
	return NULL;
}

static const struct lab_test tests[] = {
	{"dom0-up", dom0_up, .config = &stock, .timeout_s = 300},
	{"domu-pv", domu_pv, .config = &stock, .timeout_s = 360},
	{"domu-pvh", domu_pvh, .config = &stock, .timeout_s = 480},
	{"domu-dies", domu_dies, .config = &stock, .timeout_s = 360},
};

static const struct lab_suite suite = {"xen-smoke", tests, LAB_COUNT(tests), .after_test = tidy};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
