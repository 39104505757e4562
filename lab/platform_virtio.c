// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Platform virtio: stock QEMU with its own balloon device, as KVM's guests have it.  What the
 * device offers can be changed by further arguments for QEMU, such as
 * `-global virtio-balloon-pci.free-page-reporting=off`.
 *
 * The machine is a PC, whose device is on the PCI bus, or a microvm, which has no such bus: the
 * device is a piece of memory (MMIO) there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* The types differ in what the device offers, and in how the guest reaches it. */
enum { TYPE_REPORTING, TYPE_TOLD, TYPE_MMIO, TYPE_MMIO_LEGACY };
static const char *const types[] = {
	[TYPE_REPORTING] = "reporting",
	[TYPE_TOLD] = "told",
	[TYPE_MMIO] = "mmio",
	[TYPE_MMIO_LEGACY] = "mmio-legacy",
	NULL,
};

static bool is_mmio(const struct lab_config *c)
{
	return c->type == TYPE_MMIO || c->type == TYPE_MMIO_LEGACY;
}

/* Defaults, which further arguments may change; properties of -device they could not. */
void lab_add_balloon(struct lab_args *args, const char *device, bool reports)
{
	lab_add(args, "-global");
	lab_add(args, "%s.deflate-on-oom=on", device);
	lab_add(args, "-global");
	lab_add(args, "%s.free-page-reporting=%s", device, reports ? "on" : "off");
	lab_add(args, "-device");
	lab_add(args, "%s,id=balloon", device);
}

/* It has one serial port, so the agent's channel is a console of virtio's. */
static void add_microvm(struct lab_args *args, const struct lab_config *c)
{
	lab_add(args, "-accel");
	lab_add(args, "tcg,thread=multi");
	lab_add(args, "-machine");
	lab_add(args, "microvm,memory-backend=ram");
	lab_add(args, "-global");
	lab_add(args, "virtio-mmio.force-legacy=%s", c->type == TYPE_MMIO_LEGACY ? "on" : "off");
	lab_add(args, "-cpu");
	lab_add(args, "qemu64");
	lab_add_memory(args, c);
	lab_add(args, "-serial");
	lab_add(args, "chardev:console");
	lab_add(args, "-device");
	lab_add(args, "virtio-serial-device,max_ports=1");
	lab_add(args, "-device");
	lab_add(args, "virtconsole,chardev=agent");
}

/*
 * The speed of the host's counter of cycles, which the guest sees, in kHz; 0: unknown.  A microvm
 * has no clock to measure it against, and on a busy machine the kernel then waits for ever.
 */
static unsigned int cycles_khz(void)
{
	char *text = lab_slurp("/proc/cpuinfo", 0, NULL);
	const char *at = text ? strstr(text, "cpu MHz") : NULL;
	double mhz = 0;

	if (!at || sscanf(at, "cpu MHz : %lf", &mhz) != 1)
		mhz = 0;
	free(text);
	return (unsigned int)(mhz * 1000);
}

static int add_linux(struct lab_args *args, const struct lab_config *c)
{
	char more[256];

	if (!is_mmio(c))
		return lab_add_linux(args, c);
	snprintf(more, sizeof(more),
		 "aero_modules=virtio_mmio,virtio_console aero_channel=/dev/hvc0"
		 " tsc_early_khz=%u",
		 cycles_khz());
	return lab_add_linux_with(args, c, more);
}

static int add_args(struct lab_args *args, const struct lab_guest *g)
{
	const struct lab_config *c = &g->config;

	if (is_mmio(c))
		add_microvm(args, c);
	else
		lab_add_pc(args, c, "multi", "vmport=off", "qemu64");
	lab_add_balloon(args, is_mmio(c) ? "virtio-balloon-device" : "virtio-balloon-pci",
			c->type != TYPE_TOLD);
	return add_linux(args, c);
}

/* In Debian's kernel the transport is a module. */
static int up(struct lab_guest *g)
{
	return is_mmio(&g->config) ? 0 : lab_must(g, 30000, "modprobe virtio_pci");
}

static void host_config(struct lab_config *out, const struct lab_subject_config *config)
{
	out->type = config->type;
}

int lab_balloon_figures(struct lab_guest *g, struct lab_figures *out)
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
	.figures = lab_balloon_figures,
	.look_ms = 10,
};
