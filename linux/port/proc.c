// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Reads files of /proc for figures that the kernel offers to no module: how much swap there is, and
 * the kernel's command line.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "port/proc.h"

/* /proc/meminfo has some 60 lines of 28 bytes; a command line is at most 2 KiB on x86. */
#define PROC_BYTES 4096

/* Returns the text of a file, which the caller frees, or NULL if it cannot be read. */
static char *read_proc(const char *path)
{
	char *text = kmalloc(PROC_BYTES, GFP_KERNEL);
	struct file *file;
	ssize_t got;
	loff_t at = 0;

	if (!text)
		return NULL;
	file = filp_open(path, O_RDONLY, 0);
	if (IS_ERR(file))
		goto fail;
	got = kernel_read(file, text, PROC_BYTES - 1, &at);
	filp_close(file, NULL);
	if (got < 0)
		goto fail;
	text[got] = '\0';
	return text;

fail:
	kfree(text);
	return NULL;
}

static bool find_kib(const char *text, const char *name, u64 *kib)
{
	const char *at = strstr(text, name);
	unsigned long long value;

	if (!at || sscanf(at + strlen(name), " %llu kB", &value) != 1)
		return false;
	*kib = value;
	return true;
}

bool aerostat_swap_pages(u64 *total, u64 *used)
{
	char *text = read_proc("/proc/meminfo");
	u64 total_kib, free_kib;
	bool ok;

	ok = text && find_kib(text, "SwapTotal:", &total_kib) &&
	     find_kib(text, "SwapFree:", &free_kib);
	kfree(text);
	if (!ok)
		return false;
	*total = total_kib >> (PAGE_SHIFT - 10);
	*used = (total_kib - min(total_kib, free_kib)) >> (PAGE_SHIFT - 10);
	return true;
}

bool aerostat_has_cma(void)
{
	char *text;
	u64 kib = 0;

	if (!IS_ENABLED(CONFIG_CMA))
		return false;
	text = read_proc("/proc/meminfo");
	if (text && !find_kib(text, "CmaTotal:", &kib))
		kib = 1;
	kfree(text);
	return !text || kib;
}

bool aerostat_booted_with(const char *option)
{
	char *text = read_proc("/proc/cmdline");
	bool found = text && strstr(text, option);

	kfree(text);
	return found;
}
