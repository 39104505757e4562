// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A hostile or mad hypervisor, and a moody allocator, against the engine and
 * VMware's or Xen's guest half.  Whatever the answers are, no page may be lost,
 * owned twice, or used by the guest while the hypervisor has it; and when it is
 * over the guest has all its memory again.
 *
 * A hypervisor here does what it says: a unit answered with success changes
 * hands, a reset forgets all.  It may say anything at any time.
 *
 * Input: a byte that says which half it is, and how the engine is set; then one
 * byte a step says what happens (below).  The answers to the calls which that
 * makes, and other numbers, are taken from the bytes behind it.  Short input reads
 * as zeros, which is success.
 */
#include <endian.h>
#include <string.h>

#include <aerostat/vmware.h>

#include "life.h"
#include "sim_xen.h"

#define STEPS_MAX 100U

/* The first byte: bits 0 and 1 set the engine; with this high half it is Xen, PV with bit 2. */
#define MODE_XEN  0x60U
#define MODE_PV	  0x04U
#define SPARE	  512U /* pages Xen has beyond the guest's */

static struct {
	struct life life;
	struct aero_vmware v;
	aero_page *batch_page;
	bool no_batch_page;

	/* The hypervisor's books. */
	bool connected;
	uint8_t order[LIFE_PAGES]; /* of the lock, plus 1 */
	uint64_t locked_pages;

	/* Xen's half and Xen, with answers that come from the input. */
	bool is_xen;
	bool honest;
	struct aero_xen x;
	struct sim_xen xen;
	struct aero_xen_guest xen_guest;
} f;

/* -- the hypervisor --------------------------------------------------------------- */

static void forget(void)
{
	uint32_t i;

	for (i = 0; i < LIFE_PAGES; i++)
		if (f.order[i])
			sim_populate(&f.life.port, LIFE_BASE_PFN + i, 1);
	memset(f.order, 0, sizeof(f.order));
	f.locked_pages = 0;
	f.connected = false;
}

/* The guest named this unit, and the answer was success. */
static void change_hands(uint64_t pfn, unsigned int order, bool giving)
{
	uint64_t pages = 1ULL << order, i;

	if (!sim_page(&f.life.port, pfn) || !sim_page(&f.life.port, pfn + pages - 1) || pfn % pages)
		sim_fail("the guest named frame 0x%llx in order %u", (unsigned long long)pfn,
			 order);
	for (i = 0; i < pages; i++) {
		uint8_t *lock = &f.order[pfn - LIFE_BASE_PFN + i];

		if (*lock != (giving ? 0 : order + 1))
			sim_fail("frame 0x%llx is %s, but its lock is %u",
				 (unsigned long long)(pfn + i), giving ? "offered" : "asked back",
				 *lock);
		*lock = (uint8_t)(giving ? order + 1 : 0);
	}
	f.locked_pages += giving ? pages : -pages;
	if (giving)
		sim_discard(&f.life.port, pfn, pages);
	else
		sim_populate(&f.life.port, pfn, pages);
}

static uint32_t take_status(void)
{
	uint8_t n = (uint8_t)life_take(&f.life, 1);

	if (n < 64)
		return n;
	if (n < 128)
		return AERO_VMW_OK;
	if (n < 160)
		return AERO_VMW_OK_CAPS;
	return n < 192 ? AERO_VMW_FAILURE : (uint32_t)life_take(&f.life, 4);
}

/* Answers to some entries, or to all alike, or bytes of any kind anywhere in the page. */
static void scribble(uint64_t *page)
{
	uint8_t mode = (uint8_t)life_take(&f.life, 1);
	unsigned int n = mode % 32, i;

	if (mode < 96)
		return;
	if (mode < 128) {
		for (i = 0; i < AERO_VMW_BATCH_MAX; i++)
			page[i] |= htole64(n);
		return;
	}
	for (i = 0; i < n; i++) {
		uint64_t *entry = &page[life_take(&f.life, 2) % AERO_VMW_BATCH_MAX];

		*entry = mode < 192 ? *entry | htole64(life_take(&f.life, 1) % 32)
				    : life_take(&f.life, 8);
	}
}

static void move_batch(const struct aero_vmware_call *call)
{
	bool giving = call->command == AERO_VMW_BATCHED_LOCK ||
		      call->command == AERO_VMW_BATCHED_2M_LOCK;
	unsigned int order = call->command >= AERO_VMW_BATCHED_2M_LOCK ? AERO_VMW_2M_ORDER : 0;
	uint64_t *page = sim_memory(f.batch_page);
	uint64_t wire[AERO_VMW_BATCH_MAX], status, i;
	bool reset = call->status == AERO_VMW_E_RESET;

	if (call->arg1 != f.batch_page->pfn.v || !call->arg2 || call->arg2 > AERO_VMW_BATCH_MAX)
		sim_fail("a batch of %llu entries at frame 0x%llx", (unsigned long long)call->arg2,
			 (unsigned long long)call->arg1);
	memcpy(wire, page, sizeof(wire));
	scribble(page);
	for (i = 0; i < call->arg2 && call->status == AERO_VMW_OK; i++) {
		if (le64toh(wire[i]) % SIM_PAGE_SIZE)
			sim_fail("entry 0x%llx", (unsigned long long)le64toh(wire[i]));
		status = le64toh(page[i]) & AERO_VMW_ENTRY_STATUS;
		if (status == AERO_VMW_OK)
			change_hands(le64toh(wire[i]) / SIM_PAGE_SIZE, order, giving);
		reset = reset || status == AERO_VMW_E_RESET;
	}
	if (reset)
		forget();
}

static void make_call(void *ctx, struct aero_vmware_call *call)
{
	(void)ctx;
	call->status = take_status();
	call->result = life_take_number(&f.life);
	switch (call->command) {
	case AERO_VMW_START:
		call->caps =
			(uint32_t)(call->status == AERO_VMW_OK_CAPS ? life_take(&f.life, 1) : 0);
		/* A goodbye is always understood; else the guest could never unload. */
		if (!call->arg1)
			forget();
		else if (call->status == AERO_VMW_OK || call->status == AERO_VMW_OK_CAPS)
			f.connected = true;
		break;
	case AERO_VMW_LOCK:
	case AERO_VMW_UNLOCK:
		if (call->status == AERO_VMW_OK)
			change_hands(call->arg1, 0, call->command == AERO_VMW_LOCK);
		break;
	case AERO_VMW_BATCHED_LOCK:
	case AERO_VMW_BATCHED_UNLOCK:
	case AERO_VMW_BATCHED_2M_LOCK:
	case AERO_VMW_BATCHED_2M_UNLOCK:
		move_batch(call);
		break;
	case AERO_VMW_GET_TARGET:
	case AERO_VMW_GUEST_ID:
	case AERO_VMW_DOORBELL_SET:
		break;
	default:
		sim_fail("command %u", call->command);
	}
	if (call->status == AERO_VMW_E_RESET)
		forget();
}

static int locked_order(void *ctx, uint64_t pfn)
{
	(void)ctx;
	return f.order[pfn - LIFE_BASE_PFN] - 1;
}

static void check(void)
{
	const struct aero_counters *c = &f.life.b.counters;
	struct sim_view view = {.connected = f.connected,
				.locked_order = locked_order,
				.locked_pages = f.locked_pages};

	if (f.is_xen) {
		sim_xen_check(&f.xen, &f.life.b);
		return;
	}
	sim_check(&f.life.b, &view);
	if (c->pages_in - c->pages_out - c->pages_popped != f.life.b.size_pages)
		sim_fail("the counters do not make the size");
}

/* -- the guest ---------------------------------------------------------------------- */

static uint64_t *alloc_batch_page(void *ctx, aero_pfn *pfn)
{
	(void)ctx;
	f.batch_page = f.no_batch_page ? NULL : sim_wire(&f.life.port);
	if (!f.batch_page)
		return NULL;
	*pfn = f.batch_page->pfn;
	return sim_memory(f.batch_page);
}

static void free_batch_page(void *ctx, uint64_t *page)
{
	(void)ctx;
	(void)page;
	sim_unwire(&f.life.port, f.batch_page);
	f.batch_page = NULL;
}

static bool open_doorbell(void *ctx, uint32_t *context, uint32_t *resource)
{
	(void)ctx;
	*context = *resource = 1;
	return true;
}

static void close_doorbell(void *ctx)
{
	(void)ctx;
}

static const struct aero_vmware_guest guest_ops = {
	.call = make_call,
	.alloc_batch_page = alloc_batch_page,
	.free_batch_page = free_batch_page,
	.open_doorbell = open_doorbell,
	.close_doorbell = close_doorbell,
};

/* -- Xen ------------------------------------------------------------------------------ */

static long xen_memory_op(void *ctx, enum aero_xen_op op, uint64_t *frames, uint32_t extents,
			  uint32_t order)
{
	uint8_t n = (uint8_t)(f.honest ? 0 : life_take(&f.life, 1));

	/* Mostly honest: the rest of a byte is the amount, or what stands behind it. */
	f.xen.rule[0] = (struct sim_xen_rule){
		.what = n < 128 ? SIM_XEN_HONEST : (enum sim_xen_what)(n % SIM_XEN_WHATS),
		.order = SIM_ANY,
		.times = 1,
	};
	if (n >= 128)
		f.xen.rule[0].amount = n & 64 ? life_take(&f.life, 8) & INT64_MAX : (n & 63) >> 2;
	if (f.xen.rule[0].what == SIM_XEN_MORE)
		f.xen.rule[0].amount &= INT64_MAX >> 1;
	return f.xen.guest.memory_op(ctx, op, frames, extents, order);
}

static uint64_t xen_wanted_pages(void *ctx)
{
	(void)ctx;
	return life_take_number(&f.life);
}

static bool xen_unmap(void *ctx, aero_page **pages, uint32_t n, uint64_t *frames)
{
	f.xen.fail_unmaps = !f.honest && life_take(&f.life, 1) > 240;
	return f.xen.guest.unmap(ctx, pages, n, frames);
}

static bool xen_map(void *ctx, aero_page **pages, uint32_t n, const uint64_t *frames)
{
	f.xen.fail_maps = !f.honest && life_take(&f.life, 1) > 240;
	return f.xen.guest.map(ctx, pages, n, frames);
}

static void create_xen(bool pv)
{
	sim_xen_create(&f.xen, &f.life.port, pv, 0, SPARE, false);
	f.is_xen = true;
	f.xen.x = &f.x;
	f.xen_guest = f.xen.guest;
	f.xen_guest.memory_op = xen_memory_op;
	f.xen_guest.wanted_pages = xen_wanted_pages;
	f.xen_guest.unmap = pv ? xen_unmap : NULL;
	f.xen_guest.map = pv ? xen_map : NULL;
}

static void load_xen(const struct aero_config *config)
{
	aero_xen_init(&f.x, &f.life.port, &f.xen_guest, &f.xen);
	aero_init(&f.life.b, &f.life.port, config, &aero_xen_ops, &f.x);
}

/* Xen has memory again, or this could take for ever. */
static void calm_xen(bool calm)
{
	f.honest = calm;
	if (calm)
		f.xen.limit = UINT64_MAX;
}

/* -- life ----------------------------------------------------------------------------- */

static void load(uint8_t flavour)
{
	struct aero_config config = life_config(flavour);

	if (f.is_xen) {
		load_xen(&config);
		return;
	}
	aero_vmware_init(&f.v, &f.life.port, &guest_ops, NULL);
	aero_init(&f.life.b, &f.life.port, &config, &aero_vmware_ops, &f.v);
}

/* A hypervisor that is honest again leaves nothing to wait for but isolated pages. */
static void unload(void)
{
	struct aero_unload next;

	calm_xen(true);
	while ((next = aero_unload_step(&f.life.b)).kind != AERO_UNLOAD_DONE) {
		check();
		if (next.kind == AERO_UNLOAD_ABANDON)
			sim_fail("unload gives %llu pages up",
				 (unsigned long long)f.life.b.size_pages);
		if (next.kind == AERO_UNLOAD_WAIT && !f.is_xen && !f.life.port.isolated.first)
			sim_fail("unload is stuck");
		life_put_all_back(&f.life);
	}
	if (f.is_xen)
		aero_xen_end(&f.x);
	else
		aero_vmware_destroy(&f.v);
	calm_xen(false);
	check();
}

static void happen(uint8_t what)
{
	if (what >> 4 == 15) {
		unload();
		load(what);
		return;
	}
	life_happen(&f.life, what);
	if (what >> 4 != 9)
		return;
	f.no_batch_page = f.life.mood & 16;
	if (f.is_xen)
		f.xen.limit = f.life.mood & 32 ? f.xen.reservation + life_take(&f.life, 1)
					       : UINT64_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int steps;
	uint8_t flavour;

	memset(&f, 0, sizeof(f));
	life_begin(&f.life, data, size);
	flavour = (uint8_t)life_take(&f.life, 1);
	if ((flavour & 0xf0) == MODE_XEN)
		create_xen(flavour & MODE_PV);
	load(flavour);
	for (steps = 0; f.life.left && steps < STEPS_MAX; steps++) {
		happen((uint8_t)life_take(&f.life, 1));
		check();
	}
	unload();
	sim_end_guest(&f.life.port, LIFE_PAGES);
	if (f.is_xen)
		sim_xen_destroy(&f.xen);
	sim_destroy(&f.life.port);
	return 0;
}
