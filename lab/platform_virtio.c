// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Platform virtio: a PC of stock QEMU with its own balloon device, as KVM's guests have it.  What
 * the device offers can be changed by further arguments for QEMU, such as
 * `-global virtio-balloon-pci.free-page-reporting=off`.
 */
#include <errno.h>

#include "internal.h"

/* The types differ in what the device offers. */
enum { TYPE_REPORTING, TYPE_TOLD };
static const char *const types[] = {
	[TYPE_REPORTING] = "reporting",
	[TYPE_TOLD] = "told",
	NULL,
};

static int add_args(struct lab_args *args, const struct lab_guest *g)
{
	lab_add_pc(args, &g->config, "multi", "vmport=off", "qemu64");
	/* Further arguments may change these defaults; properties of -device they could not. */
	lab_add(args, "-global");
	lab_add(args, "virtio-balloon-pci.deflate-on-oom=on");
	lab_add(args, "-global");
	lab_add(args, "virtio-balloon-pci.free-page-reporting=%s",
		g->config.type == TYPE_TOLD ? "off" : "on");
	lab_add(args, "-device");
	lab_add(args, "virtio-balloon-pci,id=balloon");
	return lab_add_linux(args, &g->config);
}

/* In Debian's kernel the transport is a module. */
static int up(struct lab_guest *g)
{
	return lab_must(g, 30000, "modprobe virtio_pci");
}

static void host_config(struct lab_config *out, const struct lab_subject_config *config)
{
	out->type = config->type;
}

static int figures(struct lab_guest *g, struct lab_figures *out)
{
	struct lab_host_memory host;
	int ret;

	*out = (struct lab_figures){.host_free_kib = LAB_UNKNOWN};
	ret = lab_balloon_size(g, &out->guest_kib);
	if (!ret)
		ret = lab_host_memory(g, &host);
	if (ret)
		return ret;
	out->host_ram_kib = host.ram_kib;
	out->host_process_kib = host.process_kib;
	return 0;
}

const struct lab_platform lab_platform_virtio = {
	.name = "virtio",
	.title = "virtio",
	.types = types,
	.driver = "aerostat_virtio",
	.in_tree = "virtio_balloon",
	.qemu = "qemu-system-x86_64",
	.memory_mib = 1024,
	.args = add_args,
	.up = up,
	.host_config = host_config,
	.set_target = lab_balloon_set_target,
	.size = lab_balloon_size,
	.figures = figures,
	.look_ms = 10,
};
