// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The machine with Xen, its guests, and the drivers in them. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "xen_bench.h"

/* What a guest needs besides what is moved, and what Xen needs besides the guests. */
#define DOM0_SPARE_MIB	  1024u
#define DOMU_SPARE_MIB	  512u
#define XEN_MIB		  256u

#define MODULE_TIMEOUT_MS 60000
#define SETTLE_MS	  60000
#define QUIET_MS	  1500
#define DOMU_BOOT_MS	  180000

static const char *append_of(const struct bench *b)
{
	return b->set == SET_BARE ? "init_on_alloc=0 xen_scrub_pages=0" : NULL;
}

static unsigned int dom0_mib(const struct bench *b)
{
	return b->options.move_mib + DOM0_SPARE_MIB;
}

static unsigned int domu_mib(const struct bench *b)
{
	return b->options.move_mib + DOMU_SPARE_MIB;
}

void xen_configure(struct bench *b, struct lab_config *out)
{
	struct xen *x = b->own;

	x->lab = (struct lab_xen){.kernel = LAB_KERNEL_STOCK, .dom0_mib = dom0_mib(b)};
	out->memory_mib = dom0_mib(b) + domu_mib(b) + XEN_MIB;
	out->append = append_of(b);
	out->xen = &x->lab;
}

/* Which thread of QEMU is its CPU? */
int xen_booted(struct bench *b)
{
	struct xen *x = b->own;
	json_t *cpus = lab_qmp(b->host, "query-cpus-fast", NULL);

	x->thread = (int)json_integer_value(json_object_get(json_array_get(cpus, 0), "thread-id"));
	json_decref(cpus);
	b->profile.xen_symbols = x->symbols;
	return x->thread > 0 ? 0 : report_complain("QEMU does not say which thread is its CPU");
}

static int start_domu(struct bench *b)
{
	const struct lab_domu domu = {
		.type = b->kind == KIND_PV ? LAB_PV : LAB_PVH,
		.memory_mib = domu_mib(b),
		.append = append_of(b),
		.boot_timeout_ms = DOMU_BOOT_MS,
	};

	if (lab_domu_start(&b->guest, b->host, &domu)) {
		b->guest = b->host;
		return report_complain("%s", lab_error());
	}
	return 0;
}

/* The toolstack says the target once, so that it and the guest agree from here on. */
int xen_begin(struct bench *b)
{
	struct xen *x = b->own;
	unsigned int mib = b->kind == KIND_DOM0 ? dom0_mib(b) : domu_mib(b);
	char *target;

	memset(x->background, 0, sizeof(x->background));
	if (b->kind != KIND_DOM0 && start_domu(b))
		return -1;
	if (lab_mem_set_kib(b->guest, (uint64_t)mib * KIB_PER_MIB) ||
	    lab_wait_domain_steady(b->guest, QUIET_MS, SETTLE_MS, NULL) ||
	    lab_xenstore_read(b->guest, "memory/target", &target))
		return report_complain("%s", lab_error());
	x->high_kib = strtoull(target, NULL, 10);
	free(target);
	if (x->high_kib < (uint64_t)b->options.move_mib * KIB_PER_MIB)
		return report_complain("the toolstack's target makes no sense: %" PRIu64 " KiB",
				       x->high_kib);
	return 0;
}

int xen_end(struct bench *b)
{
	struct lab_guest *domu = b->guest;

	b->guest = b->host;
	if (domu == b->host)
		return 0;
	return lab_domu_stop(domu) ? report_complain("%s", lab_error()) : 0;
}

int xen_load(struct bench *b, enum bench_driver driver)
{
	if (driver == BENCH_PEER)
		return 0;
	return lab_must(b->guest, MODULE_TIMEOUT_MS, "modprobe aerostat_xen%s",
			b->set == SET_BARE ? " scrub=0" : "")
		       ? report_complain("%s", lab_error())
		       : 0;
}

int xen_unload(struct bench *b, enum bench_driver driver)
{
	if (driver == BENCH_PEER)
		return 0;
	return lab_must(b->guest, MODULE_TIMEOUT_MS, "rmmod aerostat_xen")
		       ? report_complain("%s", lab_error())
		       : 0;
}
