// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A simulated Xen: machine frames, extents, and answers made to order. */
#include "sim_xen.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_PAGES (1U << AERO_BLOCK_ORDER)

static uint32_t index_of(const struct sim_xen *xen, const aero_page *page)
{
	return (uint32_t)(page->pfn.v - xen->port->base_pfn);
}

__attribute__((format(printf, 2, 3))) static void note(struct sim_xen *xen, const char *format, ...)
{
	size_t used = strlen(xen->course);
	va_list args;

	va_start(args, format);
	vsnprintf(xen->course + used, sizeof(xen->course) - used, format, args);
	va_end(args);
}

/* -- machine memory ------------------------------------------------------------ */

static bool is_run_free(const struct sim_xen *xen, uint32_t first, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		if (xen->taken[first + i])
			return false;
	return true;
}

/* The guest gets a naturally aligned run; SIM_XEN_NONE: there is none, or no more for it. */
static uint64_t alloc_run(struct sim_xen *xen, uint32_t order)
{
	uint32_t n = 1U << order, runs = xen->machine_pages / n, i;

	if (xen->reservation + n > xen->limit)
		return SIM_XEN_NONE;
	for (i = 0; i < runs; i++) {
		uint32_t first = (xen->next / n + i) % runs * n;

		if (!is_run_free(xen, first, n))
			continue;
		memset(xen->taken + first, true, n);
		xen->reservation += n;
		xen->next = first + n;
		return first;
	}
	return SIM_XEN_NONE;
}

static void free_run(struct sim_xen *xen, uint64_t first, uint32_t order)
{
	uint64_t n = 1ULL << order, i;

	if (first % n || first + n > xen->machine_pages)
		sim_fail("xen: no extent of order %u at machine frame 0x%llx", order,
			 (unsigned long long)first);
	for (i = first; i < first + n; i++) {
		if (!xen->taken[i])
			sim_fail("xen: machine frame 0x%llx is given up, but not the guest's",
				 (unsigned long long)i);
		if (xen->owner[i] != SIM_XEN_NONE)
			sim_fail("xen: machine frame 0x%llx is given up while it is mapped",
				 (unsigned long long)i);
		xen->taken[i] = false;
	}
	xen->reservation -= n;
}

/* -- what lies behind a page ----------------------------------------------------- */

static void put_behind(struct sim_xen *xen, uint32_t index, uint64_t machine)
{
	if (machine >= xen->machine_pages || !xen->taken[machine])
		sim_fail("xen: machine frame 0x%llx is not the guest's",
			 (unsigned long long)machine);
	if (xen->owner[machine] != SIM_XEN_NONE)
		sim_fail("xen: machine frame 0x%llx is behind two pages",
			 (unsigned long long)machine);
	if (xen->machine[index] != SIM_XEN_NONE)
		sim_fail("xen: page %u has memory behind it already", index);
	xen->machine[index] = machine;
	xen->owner[machine] = index;
	sim_populate(xen->port, xen->port->base_pfn + index, 1);
}

static uint64_t take_away(struct sim_xen *xen, uint32_t index)
{
	uint64_t machine = xen->machine[index];

	if (machine == SIM_XEN_NONE)
		sim_fail("xen: page %u has no memory behind it", index);
	xen->machine[index] = SIM_XEN_NONE;
	xen->owner[machine] = SIM_XEN_NONE;
	sim_discard(xen->port, xen->port->base_pfn + index, 1);
	return machine;
}

/* The pages of an extent the guest named. */
static uint32_t named_pages(const struct sim_xen *xen, uint64_t frame, uint32_t order)
{
	uint64_t pfn = frame >> xen->page_order;

	if (frame & ((1ULL << xen->page_order) - 1) || pfn % (1U << order) ||
	    !sim_page(xen->port, pfn) || !sim_page(xen->port, pfn + (1U << order) - 1))
		sim_fail("xen: frame 0x%llx names no block of order %u", (unsigned long long)frame,
			 order);
	return (uint32_t)(pfn - xen->port->base_pfn);
}

static bool decrease_one(struct sim_xen *xen, uint64_t frame, uint32_t order)
{
	uint32_t index, i;

	if (xen->pv) {
		free_run(xen, frame, order);
		return true;
	}
	index = named_pages(xen, frame, order);
	for (i = index; i < index + (1U << order); i++) {
		if (xen->guest.scrub && !xen->scrubbed[i])
			sim_fail("xen: page %u was not scrubbed", i);
		free_run(xen, take_away(xen, i), 0);
	}
	return true;
}

static bool populate_one(struct sim_xen *xen, uint64_t *frame, uint32_t order)
{
	uint32_t index = named_pages(xen, *frame, order), i;
	uint64_t machine;

	for (i = index; i < index + (1U << order); i++)
		if (xen->machine[i] != SIM_XEN_NONE)
			sim_fail("xen: page %u is populated, and has memory already", i);
	machine = alloc_run(xen, order);
	if (machine == SIM_XEN_NONE)
		return false;
	if (xen->pv)
		*frame = machine;
	for (i = 0; !xen->pv && i < 1U << order; i++)
		put_behind(xen, index + i, machine + i);
	return true;
}

/* -- the hypercall ------------------------------------------------------------------ */

static struct sim_xen_rule *find_rule(struct sim_xen *xen, enum aero_xen_op op, uint32_t order)
{
	struct sim_xen_rule *rule;

	for (rule = xen->rule; rule < xen->rule + SIM_XEN_RULES; rule++) {
		if (!rule->times || (rule->op && rule->op != op) ||
		    (rule->order != SIM_ANY && rule->order != order))
			continue;
		if (rule->skip) {
			rule->skip--;
			continue;
		}
		rule->times--;
		return rule;
	}
	return NULL;
}

static long carry_out(struct sim_xen *xen, enum aero_xen_op op, uint64_t *frames, uint32_t extents,
		      uint32_t order)
{
	const struct sim_xen_rule *rule = find_rule(xen, op, order);
	enum sim_xen_what what = rule ? rule->what : SIM_XEN_HONEST;
	uint32_t most = extents, i;

	xen->answered[what]++;
	if (what == SIM_XEN_ERROR)
		return -(long)rule->amount;
	if (what == SIM_XEN_PARTIAL && rule->amount < most)
		most = (uint32_t)rule->amount;
	for (i = 0; i < most; i++)
		if (!(op == AERO_XEN_POPULATE_PHYSMAP ? populate_one(xen, &frames[i], order)
						      : decrease_one(xen, frames[i], order)))
			break;
	/* Who did less than it was asked may say so only. */
	return what == SIM_XEN_MORE && i == extents ? (long)(extents + rule->amount) : (long)i;
}

static long memory_op(void *ctx, enum aero_xen_op op, uint64_t *frames, uint32_t extents,
		      uint32_t order)
{
	struct sim_xen *xen = ctx;
	long done;

	xen->calls++;
	if (op != AERO_XEN_DECREASE_RESERVATION && op != AERO_XEN_POPULATE_PHYSMAP)
		sim_fail("xen: operation %d", (int)op);
	if (!extents || extents > AERO_XEN_FRAMES)
		sim_fail("xen: a list of %u extents", extents);
	if (order != xen->page_order && order != xen->page_order + AERO_BLOCK_ORDER)
		sim_fail("xen: extents of order %u", order);
	done = carry_out(xen, op, frames, extents, order - xen->page_order);
	note(xen, "%s:%u:%u=%ld ", op == AERO_XEN_POPULATE_PHYSMAP ? "populate" : "decrease", order,
	     extents, done);
	return done;
}

/* -- the guest's system --------------------------------------------------------------- */

uint64_t sim_xen_all(const struct sim_xen *xen)
{
	return xen->current + xen->port->owned[SIM_HELD] + xen->port->owned[SIM_ISOLATED];
}

static uint64_t excess(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t wanted_pages(void *ctx)
{
	const struct sim_xen *xen = ctx;

	return xen->has_target ? excess(sim_xen_all(xen), xen->target) : xen->wanted;
}

static uint64_t beyond_pages(void *ctx)
{
	const struct sim_xen *xen = ctx;
	uint64_t all = sim_xen_all(xen);

	if (!xen->has_target)
		return xen->beyond;
	if (!xen->lend_adds)
		all += xen->port->owned[SIM_LENT];
	return excess(xen->target, all) + (xen->lend_adds ? xen->lend_wanted : 0);
}

static void count(struct sim_xen *xen, const aero_page *block, uint32_t order, bool counted)
{
	uint32_t first = index_of(xen, block), i;

	for (i = first; i < first + (1U << order); i++) {
		if (xen->counted[i] == counted)
			sim_fail("page %u %s twice", i, counted ? "came back" : "left");
		if (!counted != (xen->machine[i] == SIM_XEN_NONE))
			sim_fail("page %u is said to have %s", i, counted ? "come back" : "left");
		xen->counted[i] = counted;
	}
	xen->current += counted ? 1ULL << order : -(1ULL << order);
}

static void left(void *ctx, aero_page *block, uint32_t order)
{
	count(ctx, block, order, false);
}

static void came_back(void *ctx, aero_page *block, uint32_t order)
{
	count(ctx, block, order, true);
}

/* Touches the memory, so that a page that has none ends the test. */
static void scrub(void *ctx, aero_page *block, uint32_t order)
{
	struct sim_xen *xen = ctx;
	uint32_t first = index_of(xen, block), i;

	for (i = 0; i < 1U << order; i++) {
		if (xen->machine[first + i] == SIM_XEN_NONE)
			sim_fail("page %u is scrubbed after it left", first + i);
		memset(sim_memory(block + i), 0, 64);
		xen->scrubbed[first + i] = true;
	}
	xen->scrubs += 1ULL << order;
}

static void stay(void *ctx, bool on)
{
	struct sim_xen *xen = ctx;

	if (xen->stays == on)
		sim_fail("xen: stay() says %d twice", on);
	xen->stays = on;
}

/* Machine frames that only the batch knows would be wrong on another host. */
static void check_stays(const struct sim_xen *xen)
{
	if (!xen->stays)
		sim_fail("xen: the guest could be moved to another host in the middle of a batch");
}

static bool unmap(void *ctx, aero_page **pages, uint32_t n, uint64_t *frames)
{
	struct sim_xen *xen = ctx;
	uint32_t i, index;

	if (!n || n > AERO_XEN_FRAMES)
		sim_fail("%u pages are unmapped at once", n);
	check_stays(xen);
	xen->unmaps++;
	note(xen, "unmap:%u%s ", n, xen->fail_unmaps ? "!" : "");
	if (xen->fail_unmaps) {
		xen->fail_unmaps--;
		return false;
	}
	for (i = 0; i < n; i++) {
		index = index_of(xen, pages[i]);
		if (xen->guest.scrub && !xen->scrubbed[index])
			sim_fail("xen: page %u was not scrubbed", index);
		frames[i] = take_away(xen, index);
	}
	return true;
}

static bool map(void *ctx, aero_page **pages, uint32_t n, const uint64_t *frames)
{
	struct sim_xen *xen = ctx;
	bool fails = xen->fail_maps && !xen->skip_maps;
	uint32_t i;

	if (!n || n > AERO_XEN_FRAMES)
		sim_fail("%u pages are mapped at once", n);
	check_stays(xen);
	xen->maps++;
	note(xen, "map:%u%s ", n, fails ? "!" : "");
	if (xen->skip_maps)
		xen->skip_maps--;
	if (fails) {
		xen->fail_maps--;
		return false;
	}
	for (i = 0; i < n; i++)
		put_behind(xen, index_of(xen, pages[i]), frames[i]);
	return true;
}

/* -- life ------------------------------------------------------------------------------- */

static void *zeroes(size_t n, size_t size)
{
	void *memory = calloc(n, size);

	if (!memory)
		sim_fail("no memory for a simulated Xen");
	return memory;
}

/* Machine frames in order, or every third of them, and then those left out. */
static void populate_all(struct sim_xen *xen, bool scattered)
{
	uint32_t pages = xen->port->pages, step = scattered ? 3 : 1, at = 0, start = 0, i;

	memset(xen->machine, 0xff, pages * sizeof(*xen->machine));
	memset(xen->owner, 0xff, xen->machine_pages * sizeof(*xen->owner));
	for (i = 0; i < pages; i++) {
		xen->machine[i] = at;
		xen->owner[at] = i;
		xen->taken[at] = true;
		xen->counted[i] = true;
		at += step;
		if (at >= pages)
			at = ++start;
	}
}

void sim_xen_create(struct sim_xen *xen, struct aero_port *port, bool pv, uint32_t page_order,
		    uint32_t spare, bool scattered)
{
	uint32_t pages = port->pages;

	*xen = (struct sim_xen){
		.port = port,
		.pv = pv,
		.page_order = page_order,
		.machine_pages = (pages + spare + BLOCK_PAGES - 1) / BLOCK_PAGES * BLOCK_PAGES,
		.reservation = pages,
		.current = pages,
		.limit = UINT64_MAX,
		.guest = {.memory_op = memory_op,
			  .wanted_pages = wanted_pages,
			  .beyond_pages = beyond_pages,
			  .left = left,
			  .came_back = came_back,
			  .scrub = scrub,
			  .unmap = pv ? unmap : NULL,
			  .map = pv ? map : NULL,
			  .stay = pv ? stay : NULL,
			  .page_order = page_order},
	};
	xen->machine = zeroes(pages, sizeof(*xen->machine));
	xen->counted = zeroes(pages, sizeof(*xen->counted));
	xen->scrubbed = zeroes(pages, sizeof(*xen->scrubbed));
	xen->taken = zeroes(xen->machine_pages, sizeof(*xen->taken));
	xen->owner = zeroes(xen->machine_pages, sizeof(*xen->owner));
	populate_all(xen, scattered);
}

void sim_xen_destroy(struct sim_xen *xen)
{
	free(xen->machine);
	free(xen->counted);
	free(xen->scrubbed);
	free(xen->taken);
	free(xen->owner);
}

void sim_xen_unbacked(struct sim_xen *xen, aero_page *page)
{
	uint32_t index = index_of(xen, page);

	free_run(xen, take_away(xen, index), 0);
	xen->counted[index] = false;
	xen->current--;
}

bool sim_xen_is_usable(const struct sim_xen *xen, const aero_page *page)
{
	return xen->machine[index_of(xen, page)] != SIM_XEN_NONE;
}

/* -- the checker ---------------------------------------------------------------------------- */

/* Xen does not remember in which size a page was given up: the store says it. */
static int locked_order(void *ctx, uint64_t pfn)
{
	const struct sim_xen *xen = ctx;
	const aero_page *page = sim_page(xen->port, pfn);

	if (sim_xen_is_usable(xen, page))
		return -1;
	return (int)aero_class_wire_order((enum aero_class)page->class);
}

void sim_xen_check(struct sim_xen *xen, const struct aero_balloon *b)
{
	struct sim_view view = {.ctx = xen, .connected = true, .locked_order = locked_order};
	uint64_t taken = 0, usable = 0;
	uint64_t unbacked = b->size_pages + b->lent_pages + xen->port->owned[SIM_ABSENT];
	uint32_t i;

	for (i = 0; i < xen->machine_pages; i++)
		taken += xen->taken[i];
	for (i = 0; i < xen->port->pages; i++) {
		uint64_t machine = xen->machine[i];

		if (xen->counted[i] != (machine != SIM_XEN_NONE))
			sim_fail("page %u is %s memory, but has %s", i,
				 xen->counted[i] ? "counted as" : "not counted as",
				 machine == SIM_XEN_NONE ? "none" : "some");
		if (machine == SIM_XEN_NONE)
			continue;
		usable++;
		if (!xen->taken[machine] || xen->owner[machine] != i)
			sim_fail("page %u does not own its machine frame", i);
	}
	if (taken != xen->reservation || usable != xen->current)
		sim_fail("xen: the figures are wrong: reservation %llu, current %llu",
			 (unsigned long long)xen->reservation, (unsigned long long)xen->current);
	if (xen->current + unbacked != xen->port->pages)
		sim_fail("current %llu and %llu without memory are not %u",
			 (unsigned long long)xen->current, (unsigned long long)unbacked,
			 xen->port->pages);
	if (xen->reservation != xen->current + (xen->x ? xen->x->strays : 0))
		sim_fail("xen: the guest has %llu machine frames, and uses %llu of them",
			 (unsigned long long)xen->reservation, (unsigned long long)xen->current);
	view.locked_pages = xen->port->pages - usable;
	sim_check(b, &view);
	memset(xen->scrubbed, false, xen->port->pages);
}
