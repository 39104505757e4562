// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The guest's memory, for the monitor.
 *
 * RAM is what belongs to QEMU's memory backends.  Everything else that looks
 * like RAM (ROMs, the video card's memory) is not the guest's to give away.
 */
#include <errno.h>
#include <string.h>

#include "plugin.h"

#define PAGE_BYTES  (1ULL << AERO_VMW_PAGE_SHIFT)
#define BACKENDS    64

/*
 * On the PC machines the guest's memory above 3.5 GiB at the most is moved
 * above 4 GiB, or above 1 TiB on CPUs with AMD's HyperTransport hole.  Room for
 * both, and for memory that is plugged in later, at one bit a page.
 */
#define HOLES_BYTES (12ULL << 30)
#define HT_HOLE_END (1ULL << 40)
#define HT_HOLE_RAM (1000ULL << 30)

static struct backend {
	const uint8_t *host;
	uint64_t bytes;
} backends[BACKENDS];
static unsigned int backends_count;

static int look_at_object(Object *child, void *opaque)
{
	MemoryRegion *mr;

	if (!object_dynamic_cast(child, "memory-backend") ||
	    !host_memory_backend_is_mapped(child) || backends_count == BACKENDS)
		return 0;
	mr = host_memory_backend_get_memory(child);
	backends[backends_count].host = memory_region_get_ram_ptr(mr);
	backends[backends_count].bytes = memory_region_size(mr);
	backends_count++;
	return 0;
}

/* Memory can be plugged in and out, so this is called again from time to time. */
void aero_qemu_look_for_ram(void)
{
	backends_count = 0;
	object_child_foreach(object_get_objects_root(), look_at_object, NULL);
}

int aero_qemu_memory_init(uint64_t *pfn_end, uint64_t *ram_pages)
{
	MemoryInfo *info = qmp_query_memory_size_summary(NULL);
	uint64_t bytes;

	if (!info)
		return -ENODEV;
	bytes = info->base_memory + (info->has_plugged_memory ? info->plugged_memory : 0);
	aero_qemu_look_for_ram();
	if (bytes < PAGE_BYTES || backends_count == 0)
		return -ENODEV;
	*ram_pages = bytes / PAGE_BYTES;
	*pfn_end = (bytes + HOLES_BYTES) / PAGE_BYTES;
	if (bytes >= HT_HOLE_RAM)
		*pfn_end += HT_HOLE_END / PAGE_BYTES;
	return 0;
}

static bool in_a_backend(const uint8_t *host, uint64_t bytes)
{
	for (unsigned int i = 0; i < backends_count; i++)
		if (host >= backends[i].host && bytes <= backends[i].bytes &&
		    (uint64_t)(host - backends[i].host) <= backends[i].bytes - bytes)
			return true;
	return false;
}

static bool is_ram(void *ctx, uint64_t pfn, uint64_t pages)
{
	hwaddr gpa = pfn * PAGE_BYTES;
	uint64_t left = pages * PAGE_BYTES;

	while (left) {
		hwaddr bytes = left;
		void *host;
		bool ok;

		/* Memory-mapped I/O is not touched: reading it has effects on the device. */
		if (cpu_physical_memory_is_io(gpa))
			return false;
		host = cpu_physical_memory_map(gpa, &bytes, false);
		if (!host)
			return false;
		ok = bytes > 0 && bytes <= left && bytes % PAGE_BYTES == 0 &&
		     in_a_backend(host, bytes);
		cpu_physical_memory_unmap(host, bytes, false, 0);
		if (!ok)
			return false;
		gpa += bytes;
		left -= bytes;
	}
	return true;
}

static int access_memory(uint64_t gpa, void *buf, size_t len, bool is_write)
{
	MemTxAttrs none = {0};

	return address_space_rw(&address_space_memory, gpa, none, buf, len, is_write) ? -EFAULT : 0;
}

static int read_memory(void *ctx, uint64_t gpa, void *buf, size_t len)
{
	return access_memory(gpa, buf, len, false);
}

static int write_memory(void *ctx, uint64_t gpa, const void *buf, size_t len)
{
	return access_memory(gpa, (void *)(uintptr_t)buf, len, true);
}

/* Discards the contiguous memory that begins at gpa.  Sets *bytes to how much that is. */
static int discard_piece(hwaddr gpa, hwaddr *bytes)
{
	ram_addr_t offset;
	RAMBlock *block;
	void *host;
	int err;

	host = cpu_physical_memory_map(gpa, bytes, true);
	if (!host)
		return -EFAULT;
	if (in_a_backend(host, *bytes)) {
		block = qemu_ram_block_from_host(host, false, &offset);
		err = block ? ram_block_discard_range(block, offset, *bytes) : -EFAULT;
		/* Marks it as written: translated code and dirty bits are out of date. */
		cpu_physical_memory_unmap(host, *bytes, true, *bytes);
	} else {
		/* This is not RAM after all.  Nothing has been changed. */
		err = -EFAULT;
		cpu_physical_memory_unmap(host, *bytes, true, 0);
	}
	return err;
}

static int discard(void *ctx, uint64_t pfn, uint64_t pages)
{
	hwaddr gpa = pfn * PAGE_BYTES;
	uint64_t left = pages * PAGE_BYTES;
	int result = 0;

	while (left) {
		hwaddr bytes = left;
		int err = cpu_physical_memory_is_io(gpa) ? -EFAULT : discard_piece(gpa, &bytes);

		if (err)
			result = err;
		if (bytes == 0 || bytes > left || bytes % PAGE_BYTES)
			return -EFAULT;
		gpa += bytes;
		left -= bytes;
	}
	return result;
}

struct aero_guest_memory aero_qemu_memory(void *ctx)
{
	return (struct aero_guest_memory){
		.ctx = ctx,
		.is_ram = is_ram,
		.read = read_memory,
		.write = write_memory,
		.discard = discard,
	};
}
