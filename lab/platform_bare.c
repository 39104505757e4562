/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Platform bare: a PC of stock QEMU without any balloon. */
#include <errno.h>

#include "internal.h"

static int add_args(struct lab_args *args, const struct lab_guest *g)
{
	lab_add_pc(args, &g->config, "multi", "vmport=off", "qemu64");
	return lab_add_linux(args, &g->config);
}

static int figures(struct lab_guest *g, struct lab_figures *out)
{
	struct lab_host_memory host;
	int ret = lab_host_memory(g, &host);

	*out = (struct lab_figures){
		.guest_kib = lab_guest_bytes(g) / 1024,
		.host_free_kib = LAB_UNKNOWN,
		.host_ram_kib = host.ram_kib,
		.host_process_kib = host.process_kib,
	};
	return ret;
}

const struct lab_platform lab_platform_bare = {
	.name = "bare",
	.title = "plain QEMU",
	.qemu = "qemu-system-x86_64",
	.memory_mib = 1024,
	.keeps_boots = true,
	.args = add_args,
	.figures = figures,
};
