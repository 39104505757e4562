// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "world.h"

#include <string.h>

/*
 * The guest of the scenarios.  Some pages stay free unless the port reclaims, so that the
 * engine meets both efforts.
 */
static const struct world_size usual_size = {
	.guest_pages = 2,
	.cache_pages = 2,
	.low_pages = 3,
	.rate_max = 8,
	.rate_min = 2,
	.slow_runs = 2,
	.retries_max = 5,
};

/* Steps in which a run, a target or an unload must be over, with room for the pauses. */
#define RUN_STEPS     200U
#define SETTLE_STEPS  400U
#define UNLOAD_STEPS  100U

/* The targets at the end: neither is a whole number of blocks. */
#define SETTLE_TARGET (2 * BLOCK + 1)
#define UNLOAD_TARGET (BLOCK + 2)

/* VMware's rules with rates for a tiny guest; Xen's back-off. */
static const struct world_size *size_of(const struct setting *setting)
{
	return setting->size ? setting->size : &usual_size;
}

static struct aero_config config_of(const struct setting *setting)
{
	const struct world_size *size = size_of(setting);

	return (struct aero_config){
		.pace = {.period_ms = 1000,
			 .rate_max = size->rate_max,
			 .rate_min = size->rate_min,
			 .rate_step = 2,
			 .slow_runs = size->slow_runs,
			 .holdoff_ms = 5000,
			 .backoff_max_ms = setting->xen ? 16000 : 0,
			 .retries_max = setting->xen ? size->retries_max : 0,
			 .recheck_ms = setting->xen ? 60000 : 0},
		.large = setting->large,
		.split = setting->split,
	};
}

/* -- the checks ------------------------------------------------------------------------ */

static int locked_order(void *ctx, uint64_t pfn)
{
	const struct world *w = ctx;

	return w->host.lock[pfn - BASE_PFN] - 1;
}

void world_check(struct world *w)
{
	const struct aero_counters *c = &w->b.counters;
	struct sim_view view = {.ctx = w,
				.connected = w->host.connected,
				.locked_order = locked_order,
				.locked_pages = w->host.locked_pages};

	if (w->setting->xen) {
		sim_xen_check(&w->xen, &w->b);
		return;
	}
	sim_check(&w->b, &view);
	if (c->pages_in - c->pages_out - c->pages_popped != w->b.size_pages)
		sim_fail("the counters do not make the size");
}

/* -- the outside ----------------------------------------------------------------------- */

void world_target(struct world *w, uint64_t pages)
{
	uint64_t all;

	w->host.target_pages = pages;
	if (!w->setting->xen)
		return;
	all = sim_xen_all(&w->xen);
	w->xen.target = pages < all ? all - pages : 0;
}

void world_target_beyond(struct world *w, uint64_t pages)
{
	w->xen.target = sim_xen_all(&w->xen) + pages;
}

void world_forget(struct world *w)
{
	vmware_forget(w);
}

static enum aero_class large_class(const struct world *w)
{
	return w->setting->pv ? AERO_CLASS_SPLIT : AERO_CLASS_LARGE;
}

void world_online(struct world *w, uint64_t pages)
{
	enum aero_class class;
	aero_page *block;

	if (pages > w->coming)
		pages = w->coming;
	w->coming -= pages;
	while (pages) {
		class = large_class(w);
		block = pages < BLOCK ? NULL : sim_online(&w->port, AERO_BLOCK_ORDER);
		if (!block) {
			class = AERO_CLASS_PAGE;
			block = sim_online(&w->port, 0);
		}
		aero_adopt(&w->b, class, &block, 1);
		pages -= 1U << aero_class_held_order(class);
	}
	world_check(w);
}

static struct aero_next add_memory(struct world *w, uint64_t pages)
{
	uint64_t there = w->port.owned[SIM_ABSENT] - w->coming;
	struct aero_next next;

	if (pages > there)
		pages = there;
	switch (cut_here(CUT_ADD)) {
	case CUT_NOTHING:
		pages = 0;
		break;
	case CUT_PARTIAL:
		pages /= 2;
		break;
	default:
		break;
	}
	w->coming += pages;
	/* A kernel may bring a part of it online before the engine hears of it. */
	world_online(w, pages / 2);
	next = aero_grown(&w->b, pages);
	world_check(w);
	return next;
}

/* -- the worker -------------------------------------------------------------------------- */

struct aero_next world_step(struct world *w)
{
	struct aero_next next = aero_step(&w->b);

	world_check(w);
	if (next.kind == AERO_NEXT_GROW)
		next = add_memory(w, next.grow_pages);
	if (next.kind == AERO_NEXT_DELAY)
		w->port.now_ms += next.delay_ms;
	return next;
}

void world_run(struct world *w, unsigned int runs)
{
	unsigned int steps = 0;

	while (runs) {
		if (++steps > RUN_STEPS)
			sim_fail("a run without an end");
		runs -= world_step(w).kind == AERO_NEXT_DELAY;
	}
}

static void keep(struct world *w)
{
	unsigned int room = PAGES_MAX - w->kept_n;

	w->kept_n += aero_abandon(&w->b, w->kept + w->kept_n,
				  room < AERO_BATCH_MAX ? room : AERO_BATCH_MAX);
}

bool world_unload_step(struct world *w)
{
	struct aero_unload next = aero_unload_step(&w->b);

	if (next.kind == AERO_UNLOAD_ABANDON)
		keep(w);
	/* Abandoned pages are nobody's, of which the checker knows nothing. */
	if (!w->kept_n)
		world_check(w);
	w->port.now_ms += next.delay_ms;
	if (next.kind != AERO_UNLOAD_DONE)
		return false;
	if (w->setting->xen)
		aero_xen_end(&w->x);
	return true;
}

bool world_migrate(struct world *w)
{
	aero_page *page = sim_isolate(&w->port);

	if (!page)
		return false;
	world_check(w);
	if (sim_migrate(&w->b, page) == AERO_MIGRATE_FAILED)
		sim_putback(&w->port, page);
	world_check(w);
	return true;
}

void world_lend(struct world *w, unsigned int n)
{
	unsigned int got = sim_lend(&w->b, n);

	world_check(w);
	if (got < n && aero_fund(&w->b, n - got)) {
		world_check(w);
		sim_lend(&w->b, n - got);
	}
	world_check(w);
}

/* -- life ---------------------------------------------------------------------------------- */

void world_load(struct world *w)
{
	struct aero_config config = config_of(w->setting);

	if (w->setting->xen) {
		aero_xen_init(&w->x, &w->port, &w->xen_guest, w);
		aero_init(&w->b, &w->port, &config, &aero_xen_ops, &w->x);
		if (w->kept_n)
			aero_adopt(&w->b, AERO_CLASS_PAGE, w->kept, w->kept_n);
		w->kept_n = 0;
	} else {
		aero_vmware_init(&w->v, &w->port, &vmware_guest_ops, w);
		aero_init(&w->b, &w->port, &config, &aero_vmware_ops, &w->v);
	}
	world_check(w);
}

static void create_xen(struct world *w, uint32_t absent)
{
	uint32_t i;

	sim_xen_create(&w->xen, &w->port, w->setting->pv, 0, SPARE_XEN, false);
	w->xen.x = &w->x;
	w->xen.has_target = true;
	for (i = w->pages - absent; i < w->pages; i++)
		sim_xen_unbacked(&w->xen, w->port.page + i);
	xen_guest_init(w);
	world_target(w, 0);
}

void world_create(struct world *w, const struct setting *setting, uint32_t pages, uint32_t absent)
{
	const struct world_size *size = size_of(setting);
	uint32_t i;

	memset(w, 0, sizeof(*w));
	w->setting = setting;
	w->pages = pages;
	sim_create(&w->port, pages, BASE_PFN, 1);
	sim_absent(&w->port, absent);
	if (setting->xen)
		create_xen(w, absent);
	for (i = 0; i < size->guest_pages + size->cache_pages; i++)
		sim_guest_alloc(&w->port, 0, i >= size->guest_pages);
	w->port.low_pages = size->low_pages;
	world_load(w);
}

void world_destroy(struct world *w)
{
	if (w->setting->xen)
		sim_xen_destroy(&w->xen);
	sim_destroy(&w->port);
}

/* -- the end --------------------------------------------------------------------------- */

static void end_trouble(struct world *w)
{
	cut_end();
	while (w->port.isolated.first)
		sim_putback(&w->port, w->port.isolated.first);
	while (w->port.lent.first)
		sim_repay(&w->b, AERO_BATCH_MAX);
	w->xen.limit = UINT64_MAX;
	world_online(w, ALL_COMING);
	world_check(w);
}

static bool is_settled(const struct world *w, uint64_t target)
{
	return w->b.phase == AERO_PHASE_REST && w->b.size_pages == target &&
	       w->b.target_pages == target && !w->b.reset_required;
}

static void settle(struct world *w, uint64_t target)
{
	unsigned int steps = 0;

	world_target(w, target);
	while (world_step(w).kind == AERO_NEXT_NOW || !is_settled(w, target))
		if (++steps > SETTLE_STEPS)
			sim_fail("size %llu, target %llu (told: %llu), and it gets no further",
				 (unsigned long long)w->b.size_pages, (unsigned long long)target,
				 (unsigned long long)w->b.target_pages);
}

static void unload(struct world *w)
{
	unsigned int steps = 0;

	while (!world_unload_step(w))
		if (++steps > UNLOAD_STEPS || w->kept_n)
			sim_fail("%llu pages are left after an unload",
				 (unsigned long long)w->b.size_pages + w->kept_n);
	if (!w->setting->xen)
		aero_vmware_destroy(&w->v);
}

void world_prove(struct world *w)
{
	uint32_t pages;

	end_trouble(w);
	settle(w, 0);
	settle(w, SETTLE_TARGET);
	settle(w, 0);
	settle(w, UNLOAD_TARGET);
	unload(w);
	while (w->port.guest.first)
		sim_guest_free(&w->port, w->port.guest.first);
	while (w->port.cache.first)
		sim_guest_free(&w->port, w->port.cache.first);
	pages = w->pages - w->port.owned[SIM_ABSENT];
	if (sim_free_pages(&w->port) != pages)
		sim_fail("%u of %u pages are free in the end", sim_free_pages(&w->port), pages);
	if (w->setting->xen && (w->x.strays || w->xen.reservation != pages))
		sim_fail("xen: the guest has %llu of its %u pages in the end",
			 (unsigned long long)w->xen.reservation, pages);
}

void world_finish(struct world *w)
{
	world_prove(w);
	world_destroy(w);
}
