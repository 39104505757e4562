// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Pages lent to another driver (test_borrow.ko): from the balloon, from the guest's
 * own memory, from memory that is added; and figures as before once they are back.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"

#define BOOT_MIB  256u
#define FULL_KIB  (BOOT_MIB * KIB_PER_MIB)
#define FOLDER	  "/sys/kernel/debug/test_borrow/"
#define INJECTION "/sys/kernel/debug/fail_page_alloc"
#define PAGE_KIB  4u
#define LOANS	  10u
#define FAR_MANY  (1u << 19) /* 2 GiB of pages: more than the guest has */
#define ONLINE                                                  \
	"for s in /sys/devices/system/memory/memory*/state; do" \
	" if [ \"$(cat $s)\" = offline ]; then echo online >$s || exit 1; fi; done"

static const char *up(struct subject *s, struct lab_guest *dom0, enum lab_domu_type type,
		      enum lab_kernel kernel)
{
	struct lab_domu config = {
		.type = type, .kernel = kernel, .memory_mib = BOOT_MIB, .maxmem_mib = BOOT_MIB};

	if (!lab_kernel_built(kernel))
		return lab_skip("this kernel is not built: lab/setup kernel-xen");
	return borrower_up(s, dom0, &config);
}

static const char *borrow(struct subject *s, unsigned int pages)
{
	LAB_OK(lab_must(s->g, 30000, "echo %u >" FOLDER "borrow", pages));
	return NULL;
}

static const char *repay(struct subject *s, unsigned int pages)
{
	LAB_OK(lab_must(s->g, 30000, "echo %u >" FOLDER "repay", pages));
	return NULL;
}

static const char *is_lent(struct subject *s, unsigned int pages)
{
	int status = lab_sh(s->g, 10000, NULL, "grep -qx 'lent_pages %u' " STATS, pages);

	LAB_CHECK(!status, "not %u pages are lent", pages);
	return NULL;
}

/* All that was lent is back: the domain and the engine's books are as they were. */
static const char *is_as_before(struct subject *s, uint64_t kib, const struct lab_meminfo *before)
{
	struct lab_meminfo now;

	LAB_TRY(settle(s, kib));
	LAB_TRY(is_lent(s, 0));
	LAB_TRY(figures_agree(s));
	LAB_OK(lab_meminfo(s->g, &now));
	LAB_CHECK(now.total_kib == before->total_kib,
		  "MemTotal was %" PRIu64 " KiB and is %" PRIu64, before->total_kib, now.total_kib);
	return NULL;
}

static const char *from_guest(struct subject *s)
{
	struct lab_meminfo before;

	LAB_OK(lab_meminfo(s->g, &before));
	LAB_TRY(borrow(s, 1000));
	LAB_TRY(is_lent(s, 1000));
	LAB_TRY(settle(s, FULL_KIB - 1000 * PAGE_KIB));
	LAB_TRY(repay(s, 300));
	LAB_TRY(settle(s, FULL_KIB - 700 * PAGE_KIB));
	LAB_TRY(repay(s, 700));
	return is_as_before(s, FULL_KIB, &before);
}

static const char *from_balloon(struct subject *s)
{
	uint64_t target_kib = FULL_KIB - 48 * KIB_PER_MIB;
	unsigned int held = 48 * KIB_PER_MIB / PAGE_KIB;
	struct lab_meminfo before;

	LAB_TRY(move_to(s, target_kib));
	LAB_OK(lab_meminfo(s->g, &before));
	LAB_TRY(borrow(s, held - 100));
	LAB_TRY(settle(s, target_kib));
	LAB_TRY(borrow(s, 2100));
	LAB_TRY(is_lent(s, held + 2000));
	LAB_TRY(settle(s, target_kib - 2000 * PAGE_KIB));
	/* A target that goes down is met as well; one above all there is waits for the loan. */
	LAB_TRY(repay(s, held + 2000));
	LAB_TRY(is_as_before(s, target_kib, &before));
	return move_to(s, FULL_KIB);
}

static const char *too_many(struct subject *s)
{
	struct lab_meminfo before;
	char *out;

	LAB_OK(lab_meminfo(s->g, &before));
	LAB_CHECK(lab_sh(s->g, 30000, &out, "echo %u 2>&1 >" FOLDER "borrow", FAR_MANY) > 0,
		  "2 GiB were lent by a guest of %u MiB", BOOT_MIB);
	LAB_CHECK(strstr(out, "memory"), "the wrong error: %s", out);
	free(out);
	return is_as_before(s, FULL_KIB, &before);
}

static const char *lends(struct lab_guest *dom0, enum lab_domu_type type, enum lab_kernel kernel)
{
	struct subject s;

	LAB_TRY(up(&s, dom0, type, kernel));
	LAB_TRY(from_guest(&s));
	LAB_TRY(from_balloon(&s));
	LAB_TRY(too_many(&s));
	/* The module can't be unloaded while its pages are lent. */
	LAB_TRY(borrow(&s, 10));
	LAB_CHECK(lab_sh(s.g, 10000, NULL, "rmmod aerostat_xen") > 0, "unloaded with pages lent");
	return borrower_down(&s);
}

static const char *none_are(struct subject *s, const char *what)
{
	char path[sizeof(FOLDER) + 16];
	uint64_t pages;

	snprintf(path, sizeof(path), FOLDER "%s", what);
	LAB_OK(lab_read_number(s->g, path, &pages));
	LAB_CHECK(!pages, "%" PRIu64 " of the lent pages are %s", pages, what);
	return NULL;
}

/*
 * Reported: lent pages keep the balloon's marks, so that newer kernels refuse to map them, and
 * those that the guest gives up for a loan come from ZONE_MOVABLE, which then cannot go offline.
 */
static const char *plain(struct lab_guest *dom0)
{
	const struct lab_domu config = {
		.type = LAB_PVH, .memory_mib = BOOT_MIB, .append = "movablecore=100M"};
	struct subject s;

	LAB_TRY(domu_shared(&s, dom0, &config));
	LAB_OK(lab_must(s.g, 10000, "grep -q 'zone  Movable' /proc/zoneinfo"));
	LAB_OK(lab_must(s.g, 20000, "modprobe aerostat large=0 split=0"));
	LAB_TRY(load(&s));
	LAB_TRY(hurry(&s));
	LAB_OK(lab_must(s.g, 20000, "modprobe test_borrow"));
	LAB_TRY(borrow(&s, 4000));
	LAB_TRY(none_are(&s, "movable"));
	LAB_TRY(none_are(&s, "marked"));
	LAB_TRY(repay(&s, 4000));
	LAB_TRY(move_to(&s, FULL_KIB - 48 * KIB_PER_MIB));
	LAB_TRY(borrow(&s, 4000));
	LAB_TRY(none_are(&s, "marked"));
	LAB_TRY(repay(&s, 4000));
	LAB_TRY(move_to(&s, FULL_KIB));
	LAB_TRY(figures_agree(&s));
	return borrower_down(&s);
}

static const char *pv(struct lab_guest *g)
{
	return lends(g, LAB_PV, LAB_KERNEL_STOCK);
}

static const char *pvh(struct lab_guest *g)
{
	return lends(g, LAB_PVH, LAB_KERNEL_STOCK);
}

static const char *pv_own(struct lab_guest *g)
{
	return lends(g, LAB_PV, LAB_KERNEL_OWN);
}

/* Memory is added for the loan; who waits for it can be interrupted. */
static const char *adds(struct lab_guest *dom0, enum lab_kernel kernel, const char *allow)
{
	unsigned int pages = 40000;
	struct lab_meminfo before;
	struct subject s;

	LAB_TRY(up(&s, dom0, LAB_PV, kernel));
	spoil(&s);
	LAB_OK(lab_meminfo(s.g, &before));
	LAB_CHECK(lab_sh(s.g, 10000, NULL, "echo 7 >%s", allow) > 0, "%s took a 7", allow);
	LAB_OK(lab_must(s.g, 10000, "echo 1 >%s", allow));
	LAB_OK(lab_must(s.g, 20000,
			"{ echo %u >" FOLDER "borrow; } & sleep 2; kill -TERM $!; ! wait $!",
			pages));
	LAB_TRY(is_lent(&s, 0));
	LAB_OK(lab_must(s.g, 60000,
			"{ echo %u >" FOLDER "borrow; } & while kill -0 $!; do " ONLINE
			"; sleep 1; done 2>/dev/null; wait $!",
			pages));
	LAB_TRY(is_lent(&s, pages));
	LAB_TRY(settle(&s, FULL_KIB));
	LAB_TRY(repay(&s, pages));
	LAB_TRY(is_lent(&s, 0));
	LAB_TRY(settle(&s, FULL_KIB));
	return borrower_down(&s);
}

static const char *adds_own(struct lab_guest *g)
{
	return adds(g, LAB_KERNEL_OWN, "/proc/sys/xen/balloon/hotplug_unpopulated");
}

static const char *adds_stock(struct lab_guest *g)
{
	return adds(g, LAB_KERNEL_STOCK, "/sys/module/aerostat_xen/parameters/hotplug_unpopulated");
}

/*
 * A borrower's loan for which there are so many pages and no more, by fault injection
 * that looks at the borrower alone, and gives up after a while: it ends as well.
 */
static const char *fails_half_way(struct subject *s, unsigned int pages)
{
	struct figures was, is;
	int status;

	LAB_TRY(read_figures(s->g, &was));
	LAB_OK(lab_must(s->g, 10000, "cd " INJECTION " && echo %u >space && echo 100 >times",
			pages));
	status = lab_sh(s->g, 30000, NULL,
			"echo 1 >/proc/self/make-it-fail; echo 3000 >" FOLDER "borrow");
	LAB_CHECK(status > 0, "3000 pages were lent with %u, or nobody answered: status %d", pages,
		  status);
	LAB_TRY(read_figures(s->g, &is));
	lab_note("%" PRIu64 " pages were taken before it failed", is.taken - was.taken);
	LAB_CHECK(is.taken > was.taken, "it did not fail half-way");
	return NULL;
}

static const char *failing(struct lab_guest *dom0)
{
	struct lab_meminfo before;
	struct subject s;

	LAB_TRY(up(&s, dom0, LAB_PV, LAB_KERNEL_DEBUG));
	LAB_OK(lab_meminfo(s.g, &before));
	LAB_OK(lab_must(s.g, 10000,
			"cd " INJECTION " && echo Y >task-filter && echo 100 >probability &&"
			" echo 0 >verbose && echo N >ignore-gfp-wait &&"
			" echo N >ignore-gfp-highmem && echo 0 >min-order"));
	for (unsigned int i = 0; i < LOANS; i++) {
		LAB_TRY(fails_half_way(&s, 300 + 250 * i));
		LAB_TRY(is_as_before(&s, FULL_KIB, &before));
	}
	return borrower_down(&s);
}

static const struct lab_xen stock_xen = {.kernel = LAB_KERNEL_STOCK};
static const struct lab_config stock = {.xen = &stock_xen};

static const struct lab_test tests[] = {
	{"pv", pv, .config = &stock, .timeout_s = 300},
	{"adds-memory-stock", adds_stock, .config = &stock, .timeout_s = 300},
	{"pv-own", pv_own, .config = &stock, .timeout_s = 300},
	{"adds-memory-own", adds_own, .config = &stock, .timeout_s = 300},
	{"pvh", pvh, .config = &stock, .timeout_s = 300},
	{"lent-pages-are-plain", plain, .config = &stock, .timeout_s = 300},
	{"allocations-fail", failing, .config = &stock, .timeout_s = 300},
};

static const struct lab_suite suite = {
	.name = "xen-lend",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
