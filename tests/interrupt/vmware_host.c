// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* VMware's host, and what the guest does for the protocol, with cuts. */
#include <endian.h>
#include <string.h>

#include "world.h"

/* An odd status, and an odd status of an entry, that mean nothing. */
#define ODD_STATUS 0x1234U
#define ODD_ENTRY  21U

void vmware_forget(struct world *w)
{
	uint32_t i;

	for (i = 0; i < w->pages; i++)
		if (w->host.lock[i])
			sim_populate(&w->port, BASE_PFN + i, 1);
	memset(w->host.lock, 0, sizeof(w->host.lock));
	w->host.locked_pages = 0;
	w->host.connected = false;
}

/* The guest named this unit, and the answer is success. */
static void change_hands(struct world *w, uint64_t pfn, unsigned int order, bool giving)
{
	uint64_t pages = 1ULL << order, i;

	if (!sim_page(&w->port, pfn) || !sim_page(&w->port, pfn + pages - 1) || pfn % pages)
		sim_fail("the guest named frame 0x%llx in order %u", (unsigned long long)pfn,
			 order);
	for (i = 0; i < pages; i++) {
		uint8_t *lock = &w->host.lock[pfn - BASE_PFN + i];

		if (*lock != (giving ? 0 : order + 1))
			sim_fail("frame 0x%llx is %s, but its lock is %u",
				 (unsigned long long)(pfn + i), giving ? "offered" : "asked back",
				 *lock);
		*lock = (uint8_t)(giving ? order + 1 : 0);
	}
	w->host.locked_pages += giving ? pages : -pages;
	if (giving)
		sim_discard(&w->port, pfn, pages);
	else
		sim_populate(&w->port, pfn, pages);
}

/* The status of a command that is cut as a whole; AERO_VMW_OK: it is not. */
static uint32_t status_of(enum cut_way way)
{
	switch (way) {
	case CUT_FAILED:
		return AERO_VMW_FAILURE;
	case CUT_BUSY:
		return AERO_VMW_E_BUSY;
	case CUT_RESET:
		return AERO_VMW_E_RESET;
	case CUT_REFUSED:
		return AERO_VMW_E_PINNED;
	case CUT_NOT_NEEDED:
		return AERO_VMW_E_NOT_NEEDED;
	case CUT_GARBAGE:
		return ODD_STATUS;
	default:
		return AERO_VMW_OK;
	}
}

/* What the host writes into entry @i of @n; AERO_VMW_OK: the page changes hands. */
static uint32_t entry_status(enum cut_way way, uint64_t i, uint64_t n)
{
	bool second_half = i >= n / 2;

	switch (way) {
	case CUT_REFUSED:
		return AERO_VMW_E_PPN;
	case CUT_NOT_NEEDED:
		return second_half ? AERO_VMW_E_NOT_NEEDED : AERO_VMW_OK;
	case CUT_PARTIAL:
		return second_half ? AERO_VMW_E_LOCKED : AERO_VMW_OK;
	case CUT_PARTIAL_REFUSED:
		return second_half ? AERO_VMW_E_PINNED : AERO_VMW_OK;
	case CUT_PARTIAL_RESET:
		return second_half ? AERO_VMW_E_RESET : AERO_VMW_OK;
	case CUT_GARBAGE:
		return ODD_ENTRY;
	default:
		return AERO_VMW_OK;
	}
}

static void move_batch(struct world *w, struct aero_vmware_call *call)
{
	bool giving = call->command == AERO_VMW_BATCHED_LOCK ||
		      call->command == AERO_VMW_BATCHED_2M_LOCK;
	unsigned int order = call->command >= AERO_VMW_BATCHED_2M_LOCK ? AERO_VMW_2M_ORDER : 0;
	enum cut_way way = cut_here(giving ? CUT_BATCHED_LOCK : CUT_BATCHED_UNLOCK);
	uint64_t *page = sim_memory(w->batch_page), i;
	bool reset = false;

	if (call->arg1 != w->batch_page->pfn.v || !call->arg2 || call->arg2 > AERO_BATCH_MAX)
		sim_fail("a batch of %llu entries at frame 0x%llx", (unsigned long long)call->arg2,
			 (unsigned long long)call->arg1);
	if (way == CUT_FAILED || way == CUT_BUSY || way == CUT_RESET) {
		call->status = status_of(way);
		return;
	}
	if (way == CUT_TOO_MUCH)
		call->result = UINT64_MAX;
	for (i = 0; i < call->arg2; i++) {
		uint32_t status = entry_status(way, i, call->arg2);

		if (le64toh(page[i]) % SIM_PAGE_SIZE)
			sim_fail("entry 0x%llx", (unsigned long long)le64toh(page[i]));
		if (status == AERO_VMW_OK)
			change_hands(w, le64toh(page[i]) / SIM_PAGE_SIZE, order, giving);
		page[i] |= htole64(status);
		reset = reset || status == AERO_VMW_E_RESET;
	}
	if (reset)
		vmware_forget(w);
}

static void move_one(struct world *w, struct aero_vmware_call *call)
{
	bool giving = call->command == AERO_VMW_LOCK;
	enum cut_way way = cut_here(giving ? CUT_LOCK : CUT_UNLOCK);

	call->status = status_of(way);
	if (way == CUT_TOO_MUCH)
		call->result = UINT64_MAX;
	if (call->status == AERO_VMW_OK)
		change_hands(w, call->arg1, 0, giving);
}

static void start(struct world *w, struct aero_vmware_call *call)
{
	enum cut_way way = cut_here(call->arg1 ? CUT_START : CUT_GOODBYE);

	call->status = status_of(way);
	/* A goodbye is always understood; else the guest could never unload. */
	if (!call->arg1) {
		vmware_forget(w);
		return;
	}
	if (call->status != AERO_VMW_OK)
		return;
	if (w->host.locked_pages)
		sim_fail("START while the host has %llu pages",
			 (unsigned long long)w->host.locked_pages);
	w->host.connected = true;
	if (way != CUT_OLD) {
		call->status = AERO_VMW_OK_CAPS;
		call->caps = w->setting->caps;
	}
}

static void get_target(struct aero_vmware_call *call)
{
	enum cut_way way = cut_here(CUT_GET_TARGET);

	call->status = status_of(way);
	if (way == CUT_TOO_MUCH)
		call->result = UINT64_MAX;
	if (way == CUT_NOTHING)
		call->result = 0;
}

static void make_call(void *ctx, struct aero_vmware_call *call)
{
	struct world *w = ctx;

	call->result = w->host.target_pages;
	if (!w->host.connected && call->command != AERO_VMW_START) {
		call->status = AERO_VMW_E_RESET;
		return;
	}
	switch (call->command) {
	case AERO_VMW_START:
		start(w, call);
		break;
	case AERO_VMW_GET_TARGET:
		get_target(call);
		break;
	case AERO_VMW_GUEST_ID:
		call->status = status_of(cut_here(CUT_IDENTIFY));
		break;
	case AERO_VMW_DOORBELL_SET:
		call->status = status_of(cut_here(CUT_SET_DOORBELL));
		break;
	case AERO_VMW_LOCK:
	case AERO_VMW_UNLOCK:
		move_one(w, call);
		break;
	default:
		move_batch(w, call);
		break;
	}
	if (call->status == AERO_VMW_E_RESET)
		vmware_forget(w);
}

static uint64_t *alloc_batch_page(void *ctx, aero_pfn *pfn)
{
	struct world *w = ctx;

	w->batch_page = cut_here(CUT_BATCH_PAGE) == CUT_FAILED ? NULL : sim_wire(&w->port);
	if (!w->batch_page)
		return NULL;
	*pfn = w->batch_page->pfn;
	return sim_memory(w->batch_page);
}

static void free_batch_page(void *ctx, uint64_t *page)
{
	struct world *w = ctx;

	if (page != sim_memory(w->batch_page))
		sim_fail("another page than the batch page is freed");
	sim_unwire(&w->port, w->batch_page);
	w->batch_page = NULL;
}

static bool open_doorbell(void *ctx, uint32_t *context, uint32_t *resource)
{
	(void)ctx;
	*context = *resource = 1;
	return cut_here(CUT_OPEN_DOORBELL) != CUT_FAILED;
}

static void close_doorbell(void *ctx)
{
	(void)ctx;
}

const struct aero_vmware_guest vmware_guest_ops = {
	.call = make_call,
	.alloc_batch_page = alloc_batch_page,
	.free_batch_page = free_batch_page,
	.open_doorbell = open_doorbell,
	.close_doorbell = close_doorbell,
};
