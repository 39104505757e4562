/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Platform xen: Xen and a dom0 in QEMU; the guest under test is a domU (xen.h). */
#include <errno.h>

#include "internal.h"
#include "xen_internal.h"

#define START_MS    40000 /* Xen's daemons in dom0 */
#define DOM0_MIB    1024u
#define XEN_MIB	    256u /* Xen itself, and what it keeps for each domain */
#define QUIET_MS    1500
#define SETTLE_MS   60000
#define KIB_PER_MIB 1024u

/* Xen as the kernel; dom0's kernel and initramfs as its multiboot modules. */
static int add_args(struct lab_args *args, const struct lab_guest *g)
{
	const struct lab_config *c = &g->config;
	const struct lab_xen *x = c->xen;
	const char *xen = lab_env("AERO_XEN");
	const char *kernel = c->kernel ? c->kernel : lab_xen_kernel(x->kernel);
	const char *initramfs = c->initramfs ? c->initramfs : lab_env("AERO_XEN_DOM0");
	char quoted_kernel[4096], quoted_initramfs[4096], append[4096];

	if (!xen || !kernel || !initramfs)
		return -ENOENT;
	/* Xen is not reliable on emulated CPUs that really run in parallel. */
	lab_add_pc(args, c, "single", "vmport=off", LAB_XEN_CPU);
	lab_quote_commas(kernel, quoted_kernel, sizeof(quoted_kernel));
	lab_quote_commas(initramfs, quoted_initramfs, sizeof(quoted_initramfs));
	lab_quote_commas(c->append ? c->append : "", append, sizeof(append));
	lab_add(args, "-kernel");
	lab_add(args, "%s", xen);
	lab_add(args, "-append");
	lab_add(args,
		"console=com1 com1=115200,8n1 dom0_mem=%uM,max:%uM dom0_max_vcpus=%u "
		"loglvl=all guest_loglvl=all%s%s",
		x->dom0_mib, x->dom0_max_mib, x->dom0_vcpus, x->append ? " " : "",
		x->append ? x->append : "");
	lab_add(args, "-initrd");
	lab_add(args,
		"%s console=hvc0 nomodeset loglevel=5 panic=-1 watchdog_thresh=30 "
		"aero_role=dom0%s%s,%s",
		quoted_kernel, *append ? " " : "", append, quoted_initramfs);
	return 0;
}

/* Starts what Xen's tools need in a dom0 that has just booted. */
static int up(struct lab_guest *g)
{
	return lab_must(g, START_MS, "/xen/start");
}

static const char *lacks(const struct lab_config *c)
{
	enum lab_kernel kernel = c && c->xen ? c->xen->kernel : LAB_KERNEL_STOCK;

	if (!lab_build_folder())
		return NULL; /* then nothing is set up, and lab_boot() says so */
	if (!lab_env("AERO_XEN")) {
		lab_fail(ENOENT, "Xen is not set up; run: lab/setup xen %s", lab_build_folder());
		return lab_error();
	}
	return !c || c->kernel || lab_kernel_built(kernel) ? NULL : lab_error();
}

/* The target is set once, so that guest and toolstack agree on it from then on. */
static int start_domu(struct lab_subject *out, const struct lab_subject_config *c)
{
	struct lab_domu domu = {
		.type = c->type == 0 ? LAB_PVH : LAB_PV,
		.memory_mib = c->memory_mib,
		.append = c->append,
	};
	uint64_t kib = (uint64_t)c->memory_mib * KIB_PER_MIB;
	int ret = lab_domu_start(&out->guest, out->host, &domu);

	if (ret) {
		out->guest = NULL;
		return ret;
	}
	ret = lab_mem_set_kib(out->guest, kib);
	return ret ? ret : lab_wait_domain_steady(out->guest, QUIET_MS, SETTLE_MS, NULL);
}

/* dom0 gets the machine; what is asked for the guest's kernel is for the domU. */
static void host_config(struct lab_config *out, const struct lab_subject_config *c)
{
	/* Copied at the boot, so one is enough. */
	static struct lab_xen xen;

	xen = (struct lab_xen){.dom0_mib = c->host_mib ? c->host_mib : DOM0_MIB};
	out->xen = &xen;
	out->memory_mib = xen.dom0_mib + c->memory_mib + XEN_MIB;
	out->append = NULL;
}

static int size(struct lab_guest *g, uint64_t *guest_kib)
{
	struct lab_domain_memory domain;
	int ret = lab_domain_memory(g, &domain);

	if (!ret)
		*guest_kib = domain.kib;
	return ret;
}

static int figures(struct lab_guest *g, struct lab_figures *out)
{
	struct lab_xen_memory xen;
	struct lab_domain_memory domain;
	int ret = lab_memory_now(g, &xen, &domain);

	if (!ret)
		*out = (struct lab_figures){
			.guest_kib = domain.kib,
			.host_free_kib = xen.free_kib,
			.host_ram_kib = LAB_UNKNOWN,
			.host_process_kib = LAB_UNKNOWN,
		};
	return ret;
}

static const char *const types[] = {"pvh", "pv", NULL};

const struct lab_platform lab_platform_xen = {
	.name = "xen",
	.title = "Xen",
	.version = "AERO_XEN_VERSION",
	.types = types,
	.driver = "aerostat_xen",
	.takes_over = true,
	.qemu = "qemu-system-x86_64",
	.memory_mib = 2048,
	.look_ms = 100,
	.no_reset = true,
	.configure = lab_xen_config,
	.keeps_boots = true,
	.args = add_args,
	.up = up,
	.lacks = lacks,
	.host_config = host_config,
	.start_guest = start_domu,
	.nested_stop = lab_domu_stop,
	.set_target = lab_mem_set_kib,
	.size = size,
	.settled = lab_wait_domain_kib,
	.figures = figures,
};
