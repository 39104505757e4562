// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A PV guest's page tables name machine frames.  A page that is given up must
 * leave them, and the table from frames to machine frames, before Xen takes it.
 * Its address then shows a page of zeroes, read-only, so that a stray read of
 * it does not bring the guest down.  All updates of a batch are one hypercall.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <xen/interface/xen.h>
#include <xen/page.h>

#include <asm/xen/hypercall.h>

#include <aerostat/abi/xen.h>

#include "xen_pv.h"

static struct page *scratch;
static struct multicall_entry *calls;

int aerostat_xen_pv_start(void)
{
	scratch = alloc_page(GFP_KERNEL | __GFP_ZERO);
	calls = kvcalloc(AERO_XEN_FRAMES, sizeof(*calls), GFP_KERNEL);
	if (scratch && calls)
		return 0;
	aerostat_xen_pv_stop();
	return -ENOMEM;
}

void aerostat_xen_pv_stop(void)
{
	if (scratch)
		__free_page(scratch);
	kvfree(calls);
	scratch = NULL;
	calls = NULL;
}

/* As MULTI_update_va_mapping(), whose tracepoint is not there for modules; 64-bit. */
static void put_call(u32 i, struct page *page, pte_t pte, unsigned long flags)
{
	calls[i] = (struct multicall_entry){
		.op = __HYPERVISOR_update_va_mapping,
		.args = {(unsigned long)page_address(page), pte.pte, flags},
	};
}

/* One flush serves all updates of a batch. */
static unsigned long flush_last(u32 i, u32 n)
{
	return i + 1 == n ? UVMF_TLB_FLUSH | UVMF_ALL : UVMF_NONE;
}

/* Carries out the first @n entries of calls[]; true when each one worked. */
static bool run_calls(u32 n)
{
	bool ok = true;
	u32 i;

	if (HYPERVISOR_multicall(calls, n))
		return false;
	for (i = 0; i < n; i++)
		ok &= !calls[i].result;
	return ok;
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
 * Blocks show our page of zeroes, and have no machine frame.  True when Xen did
 * all of it.
 */
static bool hide(struct page **blocks, u32 n, u32 order)
{
	pte_t nothing = mfn_pte(pfn_to_mfn(page_to_pfn(scratch)), PAGE_KERNEL_RO);
	u32 count = n << order, i;
	bool ok;

	for (i = 0; i < count; i++)
		put_call(i, page_of(blocks, i, order), nothing, flush_last(i, count));
	ok = run_calls(count);
	if (ok)
		for (i = 0; i < count; i++)
			set_machine_frame(page_of(blocks, i, order), INVALID_P2M_ENTRY);
	return ok;
}

void aerostat_xen_pv_hide(struct page **blocks, u32 n, u32 order)
{
	if (!hide(blocks, n, order))
		pr_warn_once("aerostat: xen: pages without memory could not be hidden\n");
}

/*
 * The table of frames first: while a page's mapping comes back, the kernel may
 * look its frame up.  All of them or none.
 */
bool aerostat_xen_pv_map(void *ctx, struct page **pages, u32 n, const u64 *frames)
{
	u32 i;

	for (i = 0; i < n; i++) {
		set_machine_frame(pages[i], frames[i]);
		put_call(i, pages[i], mfn_pte(frames[i], PAGE_KERNEL), flush_last(i, n));
	}
	if (run_calls(n))
		return true;
	if (!hide(pages, n, 0))
		pr_err("aerostat: xen: %u pages can be neither mapped nor unmapped\n", n);
	return false;
}

bool aerostat_xen_pv_unmap(void *ctx, struct page **pages, u32 n, u64 *frames)
{
	u32 i;

	for (i = 0; i < n; i++)
		frames[i] = pfn_to_mfn(page_to_pfn(pages[i]));
	if (hide(pages, n, 0))
		return true;
	/* Some of them did: the state before is the only one we know. */
	if (!aerostat_xen_pv_map(ctx, pages, n, frames))
		pr_err("aerostat: xen: %u pages of the guest lost their mapping\n", n);
	return false;
}

void aerostat_xen_pv_forget(struct page **pages, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		put_call(i, pages[i], __pte_ma(0), flush_last(i, n));
	if (n && !run_calls(n))
		pr_warn("aerostat: xen: %u pages without memory are still mapped\n", n);
}
