// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Page tables of PV guests.  They contain machine frames.  Before a page is given to Xen, it must
 * be removed from the page tables and from the table that translates frames to machine frames.  Its
 * address is then mapped to a page of zeroes, read-only, so that a stray read does not crash
 * the guest.  All entries of a batch are written by one hypercall; another one flushes the TLBs.
 */
#define pr_fmt(fmt) "aerostat: xen: " fmt

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <xen/interface/xen.h>
#include <xen/page.h>

#include <asm/xen/hypercall.h>

#include <aerostat/abi/xen.h>

#include "xen/pv.h"

static struct page *scratch;
static struct mmu_update *updates;

int aerostat_xen_pv_start(void)
{
	scratch = alloc_page(GFP_KERNEL | __GFP_ZERO);
	updates = kvcalloc(AERO_XEN_FRAMES, sizeof(*updates), GFP_KERNEL);
	if (scratch && updates)
		return 0;
	aerostat_xen_pv_stop();
	return -ENOMEM;
}

void aerostat_xen_pv_stop(void)
{
	if (scratch)
		__free_page(scratch);
	kvfree(updates);
	scratch = NULL;
	updates = NULL;
}

/*
 * The page table that was looked up last.  It maps 2 MiB of addresses.  Entries are updated by
 * their place in machine memory and not by the address that they map, because Xen can then keep the
 * same page table mapped while its entries follow one another.
 */
struct table {
	unsigned long start; /* the first address that it maps */
	u64 machine;	     /* its machine address; 0 if none was looked up yet */
};

/*
 * In a PV guest the kernel's mapping of memory has only entries for 4 KiB, and its tables are never
 * freed.
 */
static bool look_up(struct table *table, unsigned long address)
{
	unsigned int level;
	pte_t *entry;

	if (table->machine && table->start == (address & PMD_MASK))
		return true;
	entry = lookup_address(address, &level);
	if (!entry || level != PG_LEVEL_4K)
		return false;
	table->start = address & PMD_MASK;
	table->machine = virt_to_machine(entry).maddr & PAGE_MASK;
	return true;
}

static bool put_update(u32 i, struct table *table, struct page *page, pte_t pte)
{
	unsigned long address = (unsigned long)page_address(page);

	if (!look_up(table, address))
		return false;
	updates[i] = (struct mmu_update){
		.ptr = table->machine + pte_index(address) * sizeof(pte_t) + MMU_NORMAL_PT_UPDATE,
		.val = pte.pte,
	};
	return true;
}

/* Carries out the first @n entries of updates[].  Returns true if all of them were done. */
static bool run_updates(u32 n)
{
	struct mmuext_op flush = {.cmd = MMUEXT_TLB_FLUSH_ALL};

	int err;

	err = HYPERVISOR_mmu_update(updates, n, NULL, DOMID_SELF);
	err |= HYPERVISOR_mmuext_op(&flush, 1, NULL, DOMID_SELF);
	return !err;
}

static struct page *page_of(struct page **blocks, u32 i, u32 order)
{
	return blocks[i >> order] + (i & ((1U << order) - 1));
}

static void set_machine_frame(struct page *page, unsigned long frame)
{
	WRITE_ONCE(xen_p2m_addr[page_to_pfn(page)], frame);
}

/*
 * Maps the pages of blocks to the page of zeroes and invalidates their machine frames.  Returns
 * true if Xen did all of it.
 */
static bool hide(struct page **blocks, u32 n, u32 order)
{
	pte_t nothing = mfn_pte(pfn_to_mfn(page_to_pfn(scratch)), PAGE_KERNEL_RO);
	u32 count = n << order, i;
	struct table table = {};
	bool ok = true;

	for (i = 0; i < count; i++)
		ok &= put_update(i, &table, page_of(blocks, i, order), nothing);
	ok = ok && run_updates(count);
	if (ok)
		for (i = 0; i < count; i++)
			set_machine_frame(page_of(blocks, i, order), INVALID_P2M_ENTRY);
	return ok;
}

void aerostat_xen_pv_hide(struct page **blocks, u32 n, u32 order)
{
	if (!hide(blocks, n, order))
		pr_warn_once(
			"pages without memory behind them could not be hidden from stray accesses\n");
}

/*
 * Maps all pages or none.  The table of machine frames is changed first, because the kernel may
 * look up a page's frame while its mapping is restored.
 */
bool aerostat_xen_pv_map(void *ctx, struct page **pages, u32 n, const u64 *frames)
{
	struct table table = {};
	bool ok = true;
	u32 i;

	for (i = 0; i < n; i++) {
		set_machine_frame(pages[i], frames[i]);
		ok &= put_update(i, &table, pages[i], mfn_pte(frames[i], PAGE_KERNEL));
	}
	if (ok && run_updates(n))
		return true;
	if (!hide(pages, n, 0))
		pr_err("%u pages could be neither mapped nor unmapped\n", n);
	return false;
}

bool aerostat_xen_pv_unmap(void *ctx, struct page **pages, u32 n, u64 *frames)
{
	u32 i;

	for (i = 0; i < n; i++)
		frames[i] = pfn_to_mfn(page_to_pfn(pages[i]));
	if (hide(pages, n, 0))
		return true;
	/* Some pages may have been unmapped.  All are mapped again, to restore a known state. */
	if (aerostat_xen_pv_map(ctx, pages, n, frames))
		return false;
	/*
	 * The allocator must not get pages whose mapping is not known.  They go to the balloon
	 * instead: Xen takes their machine frames as soon as nothing refers to them any more.
	 */
	pr_err("%u pages of the guest lost their mapping; the balloon keeps them\n", n);
	for (i = 0; i < n; i++)
		set_machine_frame(pages[i], INVALID_P2M_ENTRY);
	return true;
}

void aerostat_xen_pv_forget(struct page **pages, u32 n)
{
	struct table table = {};
	bool ok = true;
	u32 i;

	for (i = 0; i < n; i++)
		ok &= put_update(i, &table, pages[i], __pte_ma(0));
	if (n && !(ok && run_updates(n)))
		pr_warn("%u pages without memory are still mapped\n", n);
}
