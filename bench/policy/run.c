// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* One boot of Xen, and in it a fresh guest for each policy. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "bench_policy.h"

#define SHORT_MS  60000u
#define LOAD_MS	  3600000u
#define SAMPLE_MS 1000u
#define XEN_LINES "/run/figures"

static const char *const own_clock[] = {LAB_XEN_OWN_CLOCK};

/* A disk that answers after 100 us and holds nothing, as nobody looks at what is read. */
static const char disk[] =
	"modprobe null_blk nr_devices=1 gb=4 bs=4096 queue_mode=2 irqmode=2 completion_nsec=100000";

static const char swap[] = "modprobe zram && echo %uM >/sys/block/zram0/disksize && "
			   "mkswap /dev/zram0 >/dev/null && swapon /dev/zram0";

static const char switch_on[] = "modprobe aerostat_xen && cd /sys/kernel/aerostat/policy && "
				"echo %s >policy && { aerostatd >/dev/null 2>&1 & } && "
				"sleep 2 && echo 1 >selfballooning && sleep 1 && "
				"grep -qx %s active";

static int complain(const char *what)
{
	return report_complain("%s: %s", what, lab_error());
}

static int prepare(struct lab_guest *g, enum policy policy)
{
	if (lab_must(g, SHORT_MS, "%s", disk) || lab_must(g, SHORT_MS, swap, SWAP_MIB))
		return complain("the guest's disk and swap");
	if (policy != POLICY_NONE &&
	    lab_must(g, SHORT_MS, switch_on, policy_names[policy], policy_names[policy]))
		return complain(policy_names[policy]);
	return 0;
}

static int load(struct policy_bench *b, struct result *r, struct lab_guest *g)
{
	char *text = NULL;
	int ret = lab_sh(g, LOAD_MS, &text, "aerostat-load /dev/nullb0 %u %u %u %u %u %u 2>&1",
			 b->options.seed, IDLE_S, JOBS, CACHE_MIB, REQUESTS, GROWTH_MIB);

	if (ret < 0)
		ret = complain("the load");
	else if (ret > 0)
		ret = report_complain("the load ended with status %d: %s", ret, text);
	else
		ret = policy_parse_load(r, text);
	free(text);
	return ret;
}

static int start_watching(struct lab_guest *dom0)
{
	/* Left to itself, it ends with the shell. */
	return lab_must(dom0, SHORT_MS,
			"{ /xen/figures %u >" XEN_LINES " & echo $! >" XEN_LINES ".pid; }",
			SAMPLE_MS)
		       ? complain("Xen's figures")
		       : 0;
}

static int stop_watching(struct result *r, struct lab_guest *dom0, unsigned int domain)
{
	char *text = NULL;
	int ret = lab_must(dom0, SHORT_MS, "kill $(cat " XEN_LINES ".pid)");

	if (!ret)
		ret = lab_sh(dom0, SHORT_MS, &text, "grep -E '^at |^domain %u ' " XEN_LINES,
			     domain);
	ret = ret ? complain("Xen's figures") : policy_parse_xen(r, text, domain);
	free(text);
	return ret;
}

/* Kills are a result, and the kernel talks of them; all else it complains of is an error. */
static int check_log(const struct result *r, struct lab_guest *g)
{
	return r->killed ? 0 : bench_check_log(g);
}

static int run_in(struct policy_bench *b, enum policy policy, struct lab_guest *g)
{
	struct result *r = &b->result[policy];
	struct lab_guest *dom0 = lab_dom0(g);

	if (prepare(g, policy) || start_watching(dom0) || load(b, r, g) ||
	    stop_watching(r, dom0, lab_domain(g)) || check_log(r, g))
		return -1;
	return policy_sum_up(r);
}

static int run_one(struct policy_bench *b, enum policy policy, struct lab_guest *dom0)
{
	const struct lab_domu config = {
		.name = policy_names[policy], .type = LAB_PVH, .memory_mib = GUEST_MIB};
	int64_t start = lab_now_ms();
	struct lab_guest *g;
	int ret;

	fprintf(stderr, "%-10s", policy_names[policy]);
	if (lab_domu_start(&g, dom0, &config))
		return complain("a guest");
	ret = run_in(b, policy, g);
	if (lab_domu_stop(g) && !ret)
		ret = complain("a guest's end");
	if (!ret)
		fprintf(stderr, " %.0f s of its time in %.0f s\n",
			(double)b->result[policy].phase[PHASE_IDLE_AGAIN].until_ms / 1000,
			(double)(lab_now_ms() - start) / 1000);
	return ret;
}

int policy_run(struct policy_bench *b)
{
	static const struct lab_xen xen = {.kernel = LAB_KERNEL_STOCK, .dom0_mib = 512};
	const struct lab_config config = {.name = "bench-policy",
					  .xen = &xen,
					  .memory_mib = GUEST_MIB + 1024,
					  .extra = own_clock};
	struct lab_guest *dom0;
	int ret = 0;

	if (lab_boot(&dom0, &config))
		return complain("boot");
	b->qemu = lab_qmp(dom0, "query-version", NULL);
	for (int p = 0; p < POLICIES && !ret; p++)
		ret = run_one(b, (enum policy)p, dom0);
	lab_stop(dom0);
	return ret;
}
