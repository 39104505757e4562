/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* QEMU's command line: the parts that several platforms share. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "internal.h"

void lab_add(struct lab_args *args, const char *format, ...)
{
	va_list list;

	if (args->count == LAB_ARGS_MAX) {
		args->failed = true;
		return;
	}
	va_start(list, format);
	if (vasprintf(&args->word[args->count], format, list) < 0) {
		args->word[args->count] = NULL;
		args->failed = true;
	} else {
		args->count++;
	}
	va_end(list);
}

void lab_args_free(struct lab_args *args)
{
	while (args->count)
		free(args->word[--args->count]);
}

void lab_quote_commas(const char *value, char *out, size_t room)
{
	while (*value && room > 2) {
		if (*value == ',') {
			*out++ = ',';
			room--;
		}
		*out++ = *value++;
		room--;
	}
	*out = 0;
}

void lab_add_memory(struct lab_args *args, const struct lab_config *c)
{
	lab_add(args, "-m");
	lab_add(args, "%u", c->memory_mib);
	lab_add(args, "-object");
	lab_add(args, "memory-backend-%s,id=ram,size=%uM,share=%s",
		c->backend == LAB_MEMFD ? "memfd" : "ram", c->memory_mib,
		c->backend == LAB_MEMFD ? "on" : "off");
	lab_add(args, "-smp");
	lab_add(args, "%u", c->cpus);
}

void lab_add_pc(struct lab_args *args, const struct lab_config *c, const char *threads,
		const char *machine, const char *cpu)
{
	lab_add(args, "-accel");
	lab_add(args, "tcg,thread=%s", threads);
	lab_add(args, "-machine");
	lab_add(args, "pc,memory-backend=ram,%s", machine);
	lab_add(args, "-cpu");
	lab_add(args, "%s", cpu);
	lab_add_memory(args, c);
	lab_add(args, "-serial");
	lab_add(args, "chardev:console");
	lab_add(args, "-serial");
	lab_add(args, "chardev:agent");
}

/* What the guest writes is gone with QEMU. */
static void add_disk(struct lab_args *args, const char *path)
{
	char quoted[4096];

	lab_quote_commas(path, quoted, sizeof(quoted));
	lab_add(args, "-drive");
	lab_add(args, "file=%s,if=virtio,format=raw,snapshot=on", quoted);
}

int lab_add_linux_with(struct lab_args *args, const struct lab_config *c, const char *more)
{
	const char *kernel = c->kernel ? c->kernel : lab_env("AERO_KERNEL");
	const char *initramfs = c->initramfs ? c->initramfs : lab_env("AERO_INITRAMFS");

	if (c->disk)
		add_disk(args, c->disk);
	if (c->disk && !c->kernel)
		return 0;
	if (!kernel || !initramfs)
		return -ENOENT;
	lab_add(args, "-kernel");
	lab_add(args, "%s", kernel);
	lab_add(args, "-initrd");
	lab_add(args, "%s", initramfs);
	lab_add(args, "-append");
	/* Log level 5 prints warnings and worse; the agent raises it after the boot, which
	 * a slow serial port would otherwise delay. */
	lab_add(args, "console=ttyS0,115200 loglevel=5 panic=-1 watchdog_thresh=30 %s %s", more,
		c->append ? c->append : "");
	return 0;
}

int lab_add_linux(struct lab_args *args, const struct lab_config *c)
{
	return lab_add_linux_with(args, c, "");
}
