/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Platform arm64: QEMU's machine "virt" with the balloon device of stock QEMU on its PCI bus.
 * Kernel and user space are those of `lab/setup kernels`; this machine's own are of no use here.
 */
#include <errno.h>

#include "internal.h"

static int configure(struct lab_guest *g)
{
	if (!g->config.kernel || !g->config.initramfs)
		return lab_fail(EINVAL,
				"guests of arm64 need a kernel and an initramfs of their own; "
				"run: make kernels");
	return 0;
}

/* The machine has one serial port, so the agent's channel is a console of virtio's. */
static int add_args(struct lab_args *args, const struct lab_guest *g)
{
	const struct lab_config *c = &g->config;

	lab_add(args, "-accel");
	lab_add(args, "tcg,thread=multi");
	lab_add(args, "-machine");
	lab_add(args, "virt,memory-backend=ram,gic-version=3");
	/* Knows pages of 4, 16 and 64 KiB.  To compute real pointer signatures takes long. */
	lab_add(args, "-cpu");
	lab_add(args, "max,pauth-impdef=on");
	lab_add_memory(args, c);
	lab_add(args, "-serial");
	lab_add(args, "chardev:console");
	lab_add(args, "-device");
	lab_add(args, "virtio-serial-pci,max_ports=1");
	lab_add(args, "-device");
	lab_add(args, "virtconsole,chardev=agent");
	lab_add_balloon(args, "virtio-balloon-pci", true);
	return lab_add_linux_with(args, c,
				  "console=ttyAMA0 aero_modules=virtio_pci,virtio_console "
				  "aero_channel=/dev/hvc0");
}

const struct lab_platform lab_platform_arm64 = {
	.name = "arm64",
	.title = "virtio on arm64",
	.driver = "aerostat_virtio",
	.in_tree = "virtio_balloon",
	.qemu = "qemu-system-aarch64",
	.memory_mib = 1024,
	.configure = configure,
	.args = add_args,
	.set_target = lab_balloon_set_target,
	.size = lab_balloon_size,
	.figures = lab_balloon_figures,
	.look_ms = 10,
};
