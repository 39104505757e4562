/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A guest that sizes itself with aerostatd, and whose swapped pages come home. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"

#define POLICY	   "/sys/kernel/aerostat/policy/"
#define CGROUP	   "/sys/fs/cgroup/"
#define GUEST_MIB  512u
#define BLOB_MIB   60u
#define INTERVAL_S 2

static const struct lab_xen stock_xen = {.kernel = LAB_KERNEL_STOCK};
static const struct lab_config stock = {.xen = &stock_xen, .memory_mib = 2048};

/* Repeats the command in the domU until it succeeds. */
static const char *until(struct subject *s, unsigned int timeout_ms, const char *command)
{
	int64_t end = lab_now_ms() + timeout_ms;

	while (lab_sh(s->g, 10000, NULL, "%s", command)) {
		LAB_CHECK(lab_now_ms() < end, "not within %u ms: %s", timeout_ms, command);
		lab_sleep_ms(500);
	}
	return NULL;
}

static const char *below(struct subject *s, uint64_t mib, unsigned int timeout_ms)
{
	int64_t end = lab_now_ms() + timeout_ms;
	struct lab_domain_memory d;

	do {
		LAB_OK(lab_domain_memory(s->g, &d));
		if (d.kib / KIB_PER_MIB < mib)
			return NULL;
		lab_sleep_ms(500);
	} while (lab_now_ms() < end);
	LAB_CHECK(false, "the guest still has %" PRIu64 " MiB, not below %" PRIu64,
		  d.kib / KIB_PER_MIB, mib);
	return NULL;
}

static const char *daemon_up(struct subject *s)
{
	LAB_OK(lab_must(s->g, 10000, "aerostatd --verbose 2>>/tmp/said & echo $! >/tmp/pid"));
	return until(s, 20000, "[ $(cat " POLICY "active) = pressure ]");
}

static const char *up(struct subject *s, struct lab_guest *dom0, enum lab_domu_type type)
{
	const struct lab_domu config = {.type = type, .memory_mib = GUEST_MIB};

	LAB_TRY(domu_up(s, dom0, &config));
	LAB_TRY(load(s));
	LAB_OK(lab_must(
		s->g, 20000,
		"modprobe zram num_devices=0 && aerostat swap setup --zram --areas 4 --size-mib 48 &&"
		"cd " POLICY " && echo %d >selfballoon_interval && echo 2 >frontswap_hysteresis &&"
		"echo 1 >frontswap_selfshrinking && echo 1 >selfballooning",
		INTERVAL_S));
	return daemon_up(s);
}

/* Without the daemon the kernel module uses its own policy; with it, it follows the daemon again.
 */
static const char *dies_and_comes_back(struct lab_guest *dom0)
{
	struct subject s;

	LAB_TRY(up(&s, dom0, LAB_PVH));
	LAB_OK(lab_must(s.g, 10000, "kill -KILL $(cat /tmp/pid)"));
	LAB_TRY(until(&s, 20000, "[ $(cat " POLICY "active) = committed ]"));
	LAB_OK(lab_must(s.g, 10000, "dmesg | grep 'no report from aerostatd'"));
	LAB_TRY(daemon_up(&s));
	LAB_OK(lab_domu_stop(s.g));
	return NULL;
}

/* Pages swapped out while the guest was small are read back, and the guest grows for them. */
static const char *comes_home(struct lab_guest *dom0)
{
	char *said = NULL;
	struct subject s;

	LAB_TRY(up(&s, dom0, LAB_PVH));
	LAB_TRY(below(&s, GUEST_MIB * 3 / 4, 120000));
	LAB_OK(lab_must(s.g, 60000,
			"echo +memory >" CGROUP "cgroup.subtree_control && mkdir " CGROUP "crowd &&"
			"sh -c 'echo $$ >" CGROUP "crowd/cgroup.procs && "
			"dd if=/dev/urandom of=/tmp/blob bs=1M count=%u' 2>/dev/null && "
			"md5sum /tmp/blob >/tmp/blob.md5",
			BLOB_MIB));
	lab_sh(s.g, 30000, NULL, "echo %uM >" CGROUP "crowd/memory.reclaim", BLOB_MIB);
	LAB_OK(lab_sh(s.g, 10000, &said, "grep -h '^Mem[TA]\\|^Swap' /proc/meminfo"));
	lab_note("%s", said);
	free(said);
	LAB_TRY(until(&s, 90000,
		      "awk '/^.dev.zram/ { n += $4 } END { exit n > 4096 }' /proc/swaps"));
	lab_sh(s.g, 10000, &said,
	       "grep -v 'per mille' /tmp/said; grep -h '^Mem[TA]\\|^Swap' /proc/meminfo");
	lab_note("%s", said);
	free(said);
	LAB_OK(lab_must(s.g, 30000, "md5sum -c /tmp/blob.md5"));
	LAB_OK(lab_must(s.g, 10000, "[ $(cat " POLICY "active) = pressure ]"));
	LAB_OK(lab_domu_stop(s.g));
	return NULL;
}

static const struct lab_test tests[] = {
	{"dies-and-comes-back", dies_and_comes_back, .config = &stock, .timeout_s = 300},
	{"comes-home", comes_home, .config = &stock, .timeout_s = 400},
};

static const struct lab_suite suite = {
	.name = "xen-daemon",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
