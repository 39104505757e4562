// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Adds memory beyond what the guest booted with.  A free range of guest frames is added to the
 * kernel as memory.  When its pages come online they have no memory behind them, so they join the
 * balloon, which populates them like any others.
 *
 * A kernel with CONFIG_XEN_BALLOON_MEMORY_HOTPLUG gives all memory that comes online to its
 * built-in balloon, from which takeover.c takes it.
 */
#define pr_fmt(fmt) "aerostat: xen: " fmt

#include <linux/ioport.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include <xen/balloon.h>
#include <xen/page.h>

#include "core/backend.h"
#include "compat/hotplug.h"
#include "xen/internal.h"

#if defined(CONFIG_MEMORY_HOTPLUG) && defined(CONFIG_X86)

/* Above the holes below 4 GiB, where unreported devices may live. */
#define FIRST_BYTE SZ_4G

/* The page structures of new memory may use 1/SPARE_PART of the available memory. */
#define SPARE_PART 4

static bool can_grow;

/* The function that is told how it went.  It is set before anything can call it. */
static aerostat_xen_grow_news tell;

bool aerostat_xen_can_grow(void)
{
	return can_grow;
}

#ifdef CONFIG_XEN_BALLOON_MEMORY_HOTPLUG

static int online_start(void)
{
	return 0;
}

static void online_stop(void)
{
}

static bool expect(u64 start, u64 size)
{
	return true;
}

static void forget(unsigned long pfn, unsigned long pages)
{
}

#else

/*
 * A memory block that was added and is not online yet.  Each of them holds a reference to this
 * module, because without the module the kernel would take the block's pages for usable memory.
 * So there is none when the module is unloaded.
 */
struct coming {
	struct list_head list;
	unsigned long pfn, pages;
};

static LIST_HEAD(coming);
static DEFINE_SPINLOCK(coming_lock);

static bool is_coming(unsigned long pfn)
{
	struct coming *c;
	bool found = false;

	spin_lock(&coming_lock);
	list_for_each_entry(c, &coming, list)
		found |= pfn >= c->pfn && pfn - c->pfn < c->pages;
	spin_unlock(&coming_lock);
	return found;
}

static void forget(unsigned long pfn, unsigned long pages)
{
	struct coming *c, *next;

	spin_lock(&coming_lock);
	list_for_each_entry_safe(c, next, &coming, list) {
		if (c->pfn < pfn || c->pfn >= pfn + pages)
			continue;
		list_del(&c->list);
		kfree(c);
		module_put(THIS_MODULE);
	}
	spin_unlock(&coming_lock);
}

/* Records blocks before they are added, because the kernel may bring them online at once. */
static bool expect(u64 start, u64 size)
{
	unsigned long block = memory_block_size_bytes();
	u64 at;

	for (at = start; at < start + size; at += block) {
		struct coming *c = kmalloc(sizeof(*c), GFP_KERNEL);

		if (!c || !try_module_get(THIS_MODULE)) {
			kfree(c);
			forget(PHYS_PFN(start), PHYS_PFN(size));
			return false;
		}
		c->pfn = PHYS_PFN(at);
		c->pages = PHYS_PFN(block);
		spin_lock(&coming_lock);
		list_add(&c->list, &coming);
		spin_unlock(&coming_lock);
	}
	return true;
}

static void adopt_blocks(struct page *page, unsigned int order)
{
	enum aero_class large = aerostat_xen_sees_machine_frames() ? AERO_CLASS_SPLIT
								   : AERO_CLASS_LARGE;
	unsigned long i, j;

	for (i = 0; i < 1UL << order; i += 1UL << AERO_BLOCK_ORDER) {
		struct page *block = page + i;

		/* The block gets one reference, on its first page, like one from the allocator. */
		for (j = 0; j < 1UL << AERO_BLOCK_ORDER; j++) {
			aero_compat_claim_onlined(block + j);
			set_page_count(block + j, !j);
		}
		aerostat_adopt(large, &block, 1);
		cond_resched();
	}
}

static void adopt_pages(struct page *first, unsigned int order)
{
	unsigned long i;

	for (i = 0; i < 1UL << order; i++) {
		struct page *page = first + i;

		aero_compat_claim_onlined(page);
		set_page_count(page, 1);
		aerostat_adopt(AERO_CLASS_PAGE, &page, 1);
	}
}

static void online_page(struct page *page, unsigned int order)
{
	if (!is_coming(page_to_pfn(page)))
		generic_online_page(page, order);
	else if (order >= AERO_BLOCK_ORDER)
		adopt_blocks(page, order);
	else
		adopt_pages(page, order);
}

static int online_start(void)
{
	return set_online_page_callback(online_page);
}

static void online_stop(void)
{
	restore_online_page_callback(online_page);
}

#endif

static int memory_event(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct memory_notify *notify = data;

	if (event == MEM_ONLINE) {
		forget(notify->start_pfn, notify->nr_pages);
		aerostat_kick();
		tell(false);
	}
	return NOTIFY_OK;
}

static struct notifier_block memory_notifier = {
	.notifier_call = memory_event,
};

int aerostat_xen_grow_start(aerostat_xen_grow_news news)
{
	int err;

	tell = news;
	/* Another driver's callback would take pages without memory for usable memory. */
	err = online_start();
	if (err) {
		pr_warn("another driver handles memory that comes online; no memory can be added to this guest\n");
		return 0;
	}
	err = register_memory_notifier(&memory_notifier);
	if (err)
		online_stop();
	can_grow = !err;
	return err;
}

void aerostat_xen_grow_stop(void)
{
	if (!can_grow)
		return;
	unregister_memory_notifier(&memory_notifier);
	online_stop();
}

/* Returns the first address that this guest cannot use. */
static u64 address_end(void)
{
	u64 end = 1ULL << min_t(u32, boot_cpu_data.x86_phys_bits, MAX_PHYSMEM_BITS);

	end = min_t(u64, end, aero_compat_hotplug_end());
#ifdef CONFIG_XEN_PV
	if (aerostat_xen_sees_machine_frames())
		end = min_t(u64, end, PFN_PHYS((u64)xen_p2m_size));
#endif
	return end;
}

/*
 * Returns the address of a free range, or 0 if there is none.  The range is found by reserving it,
 * and released again at once, because add_memory() reserves it itself.
 */
static u64 find_range(u64 size)
{
	struct resource *resource = kzalloc(sizeof(*resource), GFP_KERNEL);
	u64 start = 0;
	int err;

	if (!resource)
		return 0;
	resource->name = "aerostat";
	resource->flags = IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY;
	err = allocate_resource(&iomem_resource, resource, size, FIRST_BYTE, address_end() - 1,
				memory_block_size_bytes(), NULL, NULL);
	if (!err) {
		start = resource->start;
		release_resource(resource);
	}
	kfree(resource);
	return start;
}

/*
 * The kernel maps new memory as soon as it is added.  In a PV guest, its entries in the table of
 * machine frames must be invalid then, so that nothing is mapped.
 */
static bool clear_machine_frames(u64 start, u64 size)
{
#ifdef CONFIG_XEN_PV
	unsigned long pfn;

	if (!aerostat_xen_sees_machine_frames())
		return true;
	for (pfn = PHYS_PFN(start); pfn < PHYS_PFN(start + size); pfn++) {
		if (xen_alloc_p2m_entry(pfn) < 0)
			return false;
		WRITE_ONCE(xen_p2m_addr[pfn], INVALID_P2M_ENTRY);
	}
#endif
	return true;
}

static int add(u64 start, u64 size)
{
	int err;

	if (!expect(start, size))
		return -ENOMEM;
	err = aero_compat_add_memory(start, size);
	if (err)
		forget(PHYS_PFN(start), PHYS_PFN(size));
	return err;
}

/*
 * Returns how many bytes to add for @pages, in whole memory blocks: not more than there is memory
 * for the page structures.  Returns 0 if there is too little for one block.
 */
static u64 affordable(u64 pages)
{
	u64 block = PHYS_PFN(memory_block_size_bytes());
	u64 spare = (u64)max(si_mem_available(), 0L) << PAGE_SHIFT;
	u64 most = div_u64(div_u64(spare, SPARE_PART), sizeof(struct page));

	pages = min(pages, round_down(most, block) ?: block);
	if (round_up(pages, block) * sizeof(struct page) > spare / 2)
		return 0;
	return round_up(pages, block) << PAGE_SHIFT;
}

/*
 * The reason of the last failure, which was logged.  Another attempt follows each minute, so the
 * same reason is not logged again until memory could be added.
 */
static const char *told;

static u64 failed(const char *why, u64 pages, int err)
{
	if (told != why)
		pr_warn("%llu KiB of memory could not be added, because %s (error %d); this is tried again each minute\n",
			aerostat_kib(pages), why, err);
	told = why;
	tell(true);
	return 0;
}

u64 aerostat_xen_grow(u64 pages)
{
	u64 size = affordable(pages), start;
	int err;

	if (!size)
		return failed("too little memory is free for the page structures", pages, -ENOMEM);
	start = find_range(size);
	if (!start)
		return failed("no range of addresses is free for it", pages, -EBUSY);
	if (!clear_machine_frames(start, size))
		return failed("there is no room in the table of machine frames", pages, -ENOMEM);
	err = add(start, size);
	if (err)
		return failed("the kernel refused it", pages, err);
	told = NULL;
	/* On other kernels it must stay as it was at boot, because target.c depends on that. */
	if (IS_ENABLED(CONFIG_XEN_BALLOON))
		balloon_stats.total_pages += size >> PAGE_SHIFT;
	pr_info("added %llu KiB of memory at 0x%llx; it is used once it is online\n", size >> 10,
		start);
	return size >> PAGE_SHIFT;
}

#else

bool aerostat_xen_can_grow(void)
{
	return false;
}

int aerostat_xen_grow_start(aerostat_xen_grow_news news)
{
	return 0;
}

void aerostat_xen_grow_stop(void)
{
}

u64 aerostat_xen_grow(u64 pages)
{
	return 0;
}

#endif
