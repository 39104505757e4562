// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* -- the hypervisor's side --------------------------------------------------------- */

static bool is_ram(void *ctx, uint64_t pfn, uint64_t pages)
{
	struct world *w = ctx;
	uint64_t i, hash;

	if (!sim_page(&w->port, pfn) || !sim_page(&w->port, pfn + pages - 1))
		return false;
	for (i = 0; w->kind->holes && i < pages; i++) {
		hash = ((pfn + i) * 0x9e3779b97f4a7c15ULL) >> 54;
		if (hash < w->kind->holes)
			return false;
	}
	return true;
}

static void *memory_at(struct world *w, uint64_t gpa, size_t len)
{
	aero_page *page = sim_page(&w->port, gpa / SIM_PAGE_SIZE);

	if (!page || gpa % SIM_PAGE_SIZE + len > SIM_PAGE_SIZE)
		return NULL;
	return (char *)sim_memory(page) + gpa % SIM_PAGE_SIZE;
}

static int read_memory(void *ctx, uint64_t gpa, void *buffer, size_t len)
{
	void *memory = memory_at(ctx, gpa, len);

	if (!memory)
		return -EFAULT;
	memcpy(buffer, memory, len);
	return 0;
}

static int write_memory(void *ctx, uint64_t gpa, const void *buffer, size_t len)
{
	void *memory = memory_at(ctx, gpa, len);

	if (!memory)
		return -EFAULT;
	memcpy(memory, buffer, len);
	return 0;
}

static int discard(void *ctx, uint64_t pfn, uint64_t pages)
{
	struct world *w = ctx;

	sim_discard(&w->port, pfn, pages);
	return 0;
}

static int populate(void *ctx, uint64_t pfn, uint64_t pages)
{
	struct world *w = ctx;

	sim_populate(&w->port, pfn, pages);
	return 0;
}

static void ring(void *ctx, uint32_t vmci_context, uint32_t vmci_resource)
{
	struct world *w = ctx;

	if (vmci_context != 1 || vmci_resource != 2)
		sim_fail("the wrong doorbell rang");
	w->kicked = true;
}

struct aero_monitor_host host_of(struct world *w)
{
	return (struct aero_monitor_host){
		.memory = {.ctx = w,
			   .is_ram = is_ram,
			   .read = read_memory,
			   .write = write_memory,
			   .discard = discard,
			   .populate = populate},
		.ring = ring,
	};
}

static int locked_order(void *ctx, uint64_t pfn)
{
	const struct world *w = ctx;

	return aero_monitor_locked_order(w->monitor, pfn);
}

void check(struct world *w)
{
	const struct aero_counters *c = &w->b.counters;
	struct sim_view view = {
		.ctx = w,
		.connected = aero_monitor_connected(w->monitor),
		.locked_order = locked_order,
		.locked_pages = aero_monitor_size(w->monitor),
	};

	sim_check(&w->b, &view);
	if (c->pages_in - c->pages_out - c->pages_popped != w->b.size_pages)
		sim_fail("the counters make a size of %" PRIu64 ", it is %" PRIu64,
			 c->pages_in - c->pages_out - c->pages_popped, w->b.size_pages);
}

/* -- the guest's side --------------------------------------------------------------- */

static bool entries_say_reset(struct world *w, uint64_t count)
{
	const uint64_t *entry = sim_memory(w->batch_page);
	uint64_t i;

	for (i = 0; i < count; i++)
		if ((entry[i] & AERO_VMW_ENTRY_STATUS) == AERO_VMW_E_RESET)
			return true;
	return false;
}

static void make_call(void *ctx, struct aero_vmware_call *call)
{
	struct world *w = ctx;
	struct aero_vmw_regs regs = {
		.rax = AERO_VMW_MAGIC,
		.rbx = call->arg1,
		.rcx = call->command,
		.rdx = AERO_VMW_PORT,
		.rsi = call->arg2,
	};
	bool reset;

	aero_monitor_call(w->monitor, &regs);
	call->status = (uint32_t)regs.rax;
	call->result = regs.rbx;
	call->caps = (uint32_t)regs.rcx;
	if (call->command != AERO_VMW_GET_TARGET || call->status)
		tell(w, "  %s(0x%" PRIx64 ", %" PRIu64 ") = 0x%x",
		     aero_vmware_command_name(call->command), call->arg1, call->arg2, call->status);

	/*
	 * A rule may answer "reset" without one.  No hypervisor does: what that
	 * word means is that it has forgotten the pages.
	 */
	reset = call->status == AERO_VMW_E_RESET;
	if (call->status == AERO_VMW_OK && is_batched(call->command))
		reset = entries_say_reset(w, call->arg2);
	if (reset)
		aero_monitor_demand_reset(w->monitor);
}

static uint64_t *alloc_batch_page(void *ctx, aero_pfn *pfn)
{
	struct world *w = ctx;

	if (w->no_batch_page)
		return NULL;
	w->batch_page = sim_wire(&w->port);
	if (!w->batch_page)
		return NULL;
	*pfn = w->batch_page->pfn;
	return sim_memory(w->batch_page);
}

static void free_batch_page(void *ctx, uint64_t *page)
{
	struct world *w = ctx;

	if (!w->batch_page || page != sim_memory(w->batch_page))
		sim_fail("a page that is no batch page is freed as one");
	sim_unwire(&w->port, w->batch_page);
	w->batch_page = NULL;
}

static bool open_doorbell(void *ctx, uint32_t *context, uint32_t *resource)
{
	const struct world *w = ctx;

	*context = 1;
	*resource = 2;
	return !w->no_doorbell;
}

static void close_doorbell(void *ctx)
{
	(void)ctx;
}

const struct aero_vmware_guest guest_ops = {
	.call = make_call,
	.alloc_batch_page = alloc_batch_page,
	.free_batch_page = free_batch_page,
	.open_doorbell = open_doorbell,
	.close_doorbell = close_doorbell,
};
