// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "world.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "world_guest.h"

/* -- load, unload ------------------------------------------------------------------------ */

static void adopt(struct world *w)
{
	uint32_t i, n;

	for (i = 0; i < w->hollow_n; i += n) {
		n = w->hollow_n - i < 32 ? w->hollow_n - i : 32;
		aero_adopt(&w->b, AERO_CLASS_PAGE, w->unbacked + i, n);
		w->adopted += n;
	}
	see(w, SIGHT_ADOPTED, w->hollow_n);
	w->hollow_n = 0;
}

/* Pages to adopt come at once or after the first steps; until then they are in no book. */
static void load(struct world *w)
{
	/* linux/xen/module.c has these constants. */
	const struct aero_config config = {
		.pace = {.period_ms = 1000,
			 .rate_max = UINT32_MAX,
			 .rate_min = UINT32_MAX,
			 .backoff_max_ms = 32000,
			 .retries_max = 4,
			 .recheck_ms = 60000},
		.large = w->kind->large,
		.split = w->kind->split,
		.remake = true,
	};
	uint64_t early = chance(w, 4);

	aero_xen_init(&w->x, &w->port, &w->xen.guest, &w->xen);
	aero_init(&w->b, &w->port, &config, &aero_xen_ops, &w->x);
	w->adopted = w->abandoned = 0;
	/* A target of nothing, so that the size stays as it is known. */
	w->xen.wanted = 0;
	w->xen.target = w->xen.current;
	while (early--)
		aero_step(&w->b);
	adopt(w);
	check(w);
}

static void collect_sights(struct world *w)
{
	const struct aero_counters *c = &w->b.counters;
	unsigned int i;

	see(w, w->kind->pv ? SIGHT_PV_LARGE_OUT : SIGHT_PVH_LARGE_OUT, w->x.decreased_large);
	see(w, w->kind->pv ? SIGHT_PV_LARGE_BACK : SIGHT_PVH_LARGE_BACK, w->x.populated_large);
	see(w, SIGHT_SHORT, w->x.short_answers);
	see(w, SIGHT_UNMAPPED, w->x.unmapped);
	see(w, SIGHT_BROKEN, c->blocks_broken);
	see(w, SIGHT_RELIEVED, c->relieved_pages);
	see(w, SIGHT_REMADE, c->blocks_remade);
	for (i = 0; i < SIM_XEN_WHATS; i++)
		see(w, SIGHT_ANSWERS + i, w->xen.answered[i]);
	memset(w->xen.answered, 0, sizeof(w->xen.answered));
}

static void be_honest(struct world *w)
{
	memset(w->xen.rule, 0, sizeof(w->xen.rule));
	w->xen.fail_maps = w->xen.fail_unmaps = w->xen.skip_maps = 0;
}

static void put_all_back(struct world *w)
{
	while (w->port.isolated.first)
		sim_putback(&w->port, w->port.isolated.first);
}

/* What Xen does not give now stays out of use, as nobody's page. */
static void abandon(struct world *w)
{
	unsigned int n = aero_abandon(&w->b, w->unbacked + w->hollow_n, 32);

	if (!n)
		sim_fail("%" PRIu64 " pages can't be abandoned", w->b.size_pages);
	w->hollow_n += n;
	w->abandoned += n;
	see(w, SIGHT_ABANDONED, n);
}

static void unload(struct world *w)
{
	struct aero_unload next;

	tell(w, "unload at size %" PRIu64, w->b.size_pages);
	if (w->b.phase == AERO_PHASE_INFLATE || w->b.phase == AERO_PHASE_DEFLATE)
		see(w, SIGHT_STOPPED_IN_RUN, 1);
	while ((next = aero_unload_step(&w->b)).kind != AERO_UNLOAD_DONE) {
		if (next.kind == AERO_UNLOAD_ABANDON)
			abandon(w);
		else
			check(w);
		if (next.kind != AERO_UNLOAD_WAIT)
			continue;
		put_all_back(w);
	}
	/* Xen may refuse frames for longer than the end tries. */
	if (aero_xen_end(&w->x)) {
		be_honest(w);
		aero_xen_end(&w->x);
	}
	collect_sights(w);
}

/* -- things that happen -------------------------------------------------------------------- */

static void set_target(struct world *w, uint64_t pages)
{
	uint64_t all = sim_xen_all(&w->xen);

	tell(w, "target %" PRIu64, pages);
	w->xen.wanted = pages;
	w->xen.target = pages < all ? all - pages : 0;
}

/* The guest should have more than there is: @pages beyond all. */
static void set_target_beyond(struct world *w, uint64_t pages)
{
	tell(w, "target %" PRIu64 " pages beyond all", pages);
	w->xen.target = sim_xen_all(&w->xen) + pages;
}

static void happen_target(struct world *w)
{
	uint64_t size = w->b.size_pages, pages = w->kind->pages;

	switch (chance(w, w->kind->absent_pages ? 11 : 8)) {
	case 0:
		set_target(w, 0);
		break;
	case 1:
		set_target(w, chance(w, size + 1));
		break;
	case 2:
		set_target(w, size + chance(w, 2 * BLOCK_PAGES));
		break;
	case 3:
		set_target(w, size > BLOCK_PAGES ? size - chance(w, BLOCK_PAGES) : 1);
		break;
	case 4:
		/* A lie no guest can follow. */
		set_target(w, chance(w, 4) ? pages + 1 : UINT64_MAX);
		break;
	case 8:
	case 9:
		set_target_beyond(w, chance(w, w->kind->absent_pages));
		break;
	case 10:
		set_target_beyond(w, chance(w, 4) ? pages : UINT32_MAX);
		break;
	default:
		set_target(w, chance(w, pages));
		break;
	}
}

static void happen_guest(struct world *w)
{
	world_guest(&w->port, &w->random, w->kind->pages);
}

static void happen_migration(struct world *w)
{
	int result = world_migration(&w->b, &w->random);

	if (result < 0)
		return;
	tell(w, "migrate: %d", result);
	see(w, SIGHT_MIGRATIONS + (unsigned int)result, 1);
}

static void happen_relieve(struct world *w)
{
	tell(w, "relieved: %" PRIu64, world_relief(&w->b, &w->random));
}

static void happen_memory(struct world *w)
{
	world_memory(&w->port, &w->random, w->kind->pages);
}

/* Another domain eats the memory, or leaves some. */
static void happen_host(struct world *w)
{
	uint64_t most = w->kind->pages;

	w->xen.limit = UINT64_MAX;
	if (chance(w, 4))
		w->xen.limit = w->xen.reservation + chance(w, most - w->xen.current + 1) / 4;
	tell(w, "host: at most %" PRIu64 ", now %" PRIu64, w->xen.limit, w->xen.reservation);
}

static uint64_t random_amount(struct world *w, enum sim_xen_what what)
{
	static const uint64_t odd[] = {1, 12, 4096, 1ULL << 31, 1ULL << 32, INT64_MAX - 512};

	if (what == SIM_XEN_PARTIAL)
		return chance(w, 2) ? 0 : chance(w, chance(w, 2) ? 4 : 513);
	return odd[chance(w, 6)];
}

static void happen_faults(struct world *w)
{
	static const enum aero_xen_op ops[] = {0, AERO_XEN_DECREASE_RESERVATION,
					       AERO_XEN_POPULATE_PHYSMAP};
	struct sim_xen_rule *rule = &w->xen.rule[chance(w, SIM_XEN_RULES)];

	*rule = (struct sim_xen_rule){
		.what = (enum sim_xen_what)(1 + chance(w, SIM_XEN_WHATS - 1)),
		.op = ops[chance(w, 3)],
		.order = (uint8_t)(chance(w, 2) ? chance(w, 2) * AERO_BLOCK_ORDER : SIM_ANY),
		.skip = (uint32_t)chance(w, 4),
		.times = (uint32_t)(1 + chance(w, chance(w, 3) ? 3 : 60)),
	};
	rule->amount = random_amount(w, rule->what);
	tell(w, "fault: %d of operation %d, order %u, amount %" PRIu64, (int)rule->what,
	     (int)rule->op, rule->order, rule->amount);
	w->xen.skip_maps = (uint32_t)chance(w, 4);
	w->xen.fail_maps = chance(w, 2) ? (uint32_t)chance(w, 3) : 0;
	w->xen.fail_unmaps = chance(w, 3) ? 0 : (uint32_t)chance(w, 3);
	if (chance(w, 4) == 0)
		be_honest(w);
}

/* A block was given for single pages, and not all of those came: no other is tried for a time. */
static bool is_half_an_exchange(const struct world *w, uint64_t size)
{
	return size == w->b.target_pages && w->b.size_pages - size <= 1U << AERO_BLOCK_ORDER &&
	       w->b.remake_from_ms > w->port.now_ms;
}

/* A target is followed, and never overshot but by half an exchange. */
static void judge_step(const struct world *w, uint64_t size, uint64_t target, uint64_t spare)
{
	uint64_t now = w->b.size_pages;

	if (now > size && (now > target || now - size > spare) && !is_half_an_exchange(w, size))
		sim_fail("grew from %" PRIu64 " to %" PRIu64 " for a target of %" PRIu64, size, now,
			 target);
	if (now < size && now < target)
		sim_fail("shrank from %" PRIu64 " to %" PRIu64 " for a target of %" PRIu64, size,
			 now, target);
}

static void engine_step(struct world *w)
{
	uint64_t size = w->b.size_pages, target = w->b.target_pages;
	uint64_t spare = aero_port_spare_pages(&w->port);
	struct aero_next next;

	/* The worker is busy elsewhere. */
	if (w->asked) {
		if (chance(w, 4) == 0)
			add_memory(w, false);
		return;
	}
	next = aero_step(&w->b);
	judge_step(w, size, target, spare);
	if (next.kind == AERO_NEXT_GROW)
		note_growth(w, next.grow_pages);
	if (next.kind == AERO_NEXT_DELAY)
		rest(w, next);
}

/* -- liveness ------------------------------------------------------------------------------- */

static bool is_settled(struct world *w, uint64_t runs)
{
	const struct sim_trace *end = sim_last_trace(&w->port, AERO_EVENT_RUN_END);

	return w->b.phase == AERO_PHASE_REST && w->b.counters.runs > runs &&
	       w->b.target_pages == w->xen.guest.wanted_pages(&w->xen) &&
	       !w->xen.guest.beyond_pages(&w->xen) && end && end->c == AERO_END_DONE;
}

/* All trouble ends, and what is on its way arrives. */
static void end_trouble(struct world *w)
{
	be_honest(w);
	memset(w->port.rule, 0, sizeof(w->port.rule));
	w->port.low_pages = w->port.spare_floor = 0;
	w->xen.limit = UINT64_MAX;
	w->xen.lend_wanted = 0;
	put_all_back(w);
	if (w->asked)
		add_memory(w, true);
	bring_online(w, w->coming);
}

/* Then the size must be the target's within a bounded number of steps. */
static void await_target(struct world *w)
{
	unsigned int bound = 100 + w->kind->pages / 16, steps = 0;
	uint64_t runs = w->b.counters.runs;

	do {
		if (++steps > bound)
			sim_fail("no end: size %" PRIu64 ", target %" PRIu64 ", phase %s",
				 w->b.size_pages, w->b.target_pages, aero_phase_name(w->b.phase));
		if (w->asked)
			add_memory(w, true);
		else
			engine_step(w);
		bring_online(w, w->coming);
		check(w);
	} while (!is_settled(w, runs));
	tell(w, "settled at %" PRIu64, w->b.size_pages);
	see(w, SIGHT_SETTLED, 1);
	if (w->xen.has_target && w->xen.current != w->xen.target)
		sim_fail("settled with %" PRIu64 " pages for a target of %" PRIu64, w->xen.current,
			 w->xen.target);
}

static void settle(struct world *w, uint64_t target_pages)
{
	end_trouble(w);
	set_target(w, target_pages);
	await_target(w);
	if (w->b.size_pages != target_pages)
		sim_fail("settled at %" PRIu64 " for a target of %" PRIu64, w->b.size_pages,
			 target_pages);
}

/* A target that takes growth is met to the page, too, with all loans repaid. */
static void settle_beyond(struct world *w)
{
	end_trouble(w);
	close_doors(w);
	set_target_beyond(w, chance(w, w->port.owned[SIM_ABSENT] + 1));
	await_target(w);
	if (w->b.size_pages)
		sim_fail("%" PRIu64 " pages are left in the balloon", w->b.size_pages);
}

static void happen_settle(struct world *w)
{
	uint64_t most = w->b.size_pages + sim_free_pages(&w->port);

	if (w->kind->absent_pages && chance(w, 3) == 0)
		settle_beyond(w);
	else
		settle(w, chance(w, 3) ? chance(w, most + 1) : 0);
}

/* With loans out, or memory on its way, the module is in use. */
static void happen_reload(struct world *w)
{
	if (w->b.lent_pages || w->xen.lend_wanted || w->coming || w->asked) {
		if (chance(w, 2))
			return;
		close_doors(w);
	}
	unload(w);
	load(w);
}

static void step(struct world *w)
{
	const struct world_event events[] = {
		{w->kind->target, happen_target},
		{w->kind->guest, happen_guest},
		{w->kind->migration, happen_migration},
		{w->kind->relieve, happen_relieve},
		{w->kind->memory, happen_memory},
		{w->kind->host, happen_host},
		{w->kind->faults, happen_faults},
		{w->kind->reload, happen_reload},
		{w->kind->settle, happen_settle},
		{w->kind->online, happen_online},
		{w->kind->lend, happen_lend},
		{w->kind->repay, happen_repay},
		{1024, engine_step},
	};

	w->steps++;
	world_happen(w, &w->random, events);
	check(w);
}

/* -- life ------------------------------------------------------------------------------------ */

static void create(struct world *w)
{
	const struct kind *kind = w->kind;
	uint32_t i;

	sim_create(&w->port, kind->pages, 1 << 20, chance(w, UINT64_MAX));
	sim_absent(&w->port, kind->absent_pages);
	w->port.scatter = chance(w, 2);
	w->port.protect = kind->protect;
	w->port.record.verbose = w->verbose;
	sim_xen_create(&w->xen, &w->port, kind->pv, kind->pv ? 0 : PAGE_ORDER, kind->spare,
		       kind->scattered);
	w->xen.x = &w->x;
	w->xen.has_target = kind->absent_pages || kind->lend;
	w->xen.lend_adds = kind->lend_adds;
	for (i = kind->pages - kind->absent_pages; i < kind->pages; i++)
		sim_xen_unbacked(&w->xen, w->port.page + i);
	if (kind->no_scrub)
		w->xen.guest.scrub = NULL;
	for (i = 0; i < kind->hollow_pages; i++) {
		if (aero_port_take(&w->port, 0, AERO_LIGHT, &w->unbacked[i], 1) != 1)
			sim_fail("no page to make unbacked");
		sim_xen_unbacked(&w->xen, w->unbacked[i]);
	}
	w->hollow_n = kind->hollow_pages;
	load(w);
}

/* With trouble over, an unload leaves nothing behind. */
static void finish(struct world *w)
{
	uint32_t pages;

	see(w, SIGHT_LENT_LONG, w->b.lent_pages);
	end_trouble(w);
	close_doors(w);
	settle(w, 0);
	unload(w);
	pages = w->kind->pages - w->port.owned[SIM_ABSENT];
	if (w->hollow_n || w->x.strays || w->xen.reservation != pages)
		sim_fail("the guest has not got all its memory back");
	sim_end_guest(&w->port, pages);
	sim_xen_destroy(&w->xen);
	sim_destroy(&w->port);
}

void world_run(const struct kind *kind, uint64_t seed, uint64_t steps, bool verbose,
	       uint64_t *sights)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		sim_fail("no memory for a world");
	w->kind = kind;
	w->random = seed * 0x100000001b3ULL;
	w->verbose = verbose;
	w->sights = sights;
	if (w->kind->divisor)
		steps /= w->kind->divisor;
	create(w);
	while (w->steps < steps)
		step(w);
	finish(w);
	free(w);
}
