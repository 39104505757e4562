// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Property tests of Xen's balloon: a simulated guest with the engine and Xen's
 * guest half in it, a simulated Xen (sim_xen.h), and chance for everything else.
 * After each thing that happens all books agree: each page the guest may use has
 * memory behind it, and the guest's figures and the balloon's sum up.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campaign.h"
#include "world_guest.h"
#include "sim_xen.h"

/* A large block is 2 MiB, whatever the guest's page is. */
#define PAGE_ORDER  (9U - AERO_BLOCK_ORDER)
#define BLOCK_PAGES (1U << AERO_BLOCK_ORDER)

/* What stays the same through one world's life; chances are in 1024ths of all steps. */
struct kind {
	const char *name;
	uint32_t pages, spare; /* the guest's, and what the host has beyond */
	bool pv, scattered;
	bool large, split;
	bool no_scrub, protect;
	uint32_t hollow_pages; /* had no memory at boot: adopted */
	uint32_t absent_pages; /* of all, are not there at first: they may be added */
	bool lend_adds;	       /* memory is added for loans */
	uint32_t divisor;
	uint16_t target, guest, migration, relieve, memory, host, faults, reload, settle;
	uint16_t online, lend, repay;
};

static const struct kind kinds[] = {
	{.name = "pvh_calm",
	 .pages = 8192,
	 .spare = 2048,
	 .large = true,
	 .split = true,
	 .divisor = 4,
	 .target = 120,
	 .guest = 120,
	 .settle = 10},
	{.name = "pvh_pages",
	 .divisor = 2,
	 .pages = 3000,
	 .spare = 100,
	 .hollow_pages = 300,
	 .absent_pages = 700,
	 .online = 40,
	 .lend = 40,
	 .repay = 30,
	 .target = 120,
	 .guest = 120,
	 .migration = 60,
	 .reload = 5,
	 .settle = 10},
	{.name = "pvh_contention",
	 .divisor = 2,
	 .pages = 4096,
	 .spare = 512,
	 .large = true,
	 .split = true,
	 .target = 120,
	 .guest = 60,
	 .host = 80,
	 .relieve = 15,
	 .memory = 15,
	 .reload = 5,
	 .settle = 8},
	{.name = "pvh_faults",
	 .pages = 4096,
	 .spare = 512,
	 .large = true,
	 .split = true,
	 .hollow_pages = 700,
	 .absent_pages = 1100,
	 .lend_adds = true,
	 .online = 40,
	 .lend = 30,
	 .repay = 30,
	 .target = 150,
	 .guest = 40,
	 .migration = 30,
	 .host = 20,
	 .faults = 80,
	 .relieve = 10,
	 .reload = 8,
	 .settle = 6},
	{.name = "pv_calm",
	 .divisor = 2,
	 .pages = 4096,
	 .spare = 1024,
	 .pv = true,
	 .split = true,
	 .target = 120,
	 .guest = 100,
	 .migration = 20,
	 .settle = 10},
	{.name = "pv_scattered",
	 .divisor = 2,
	 .pages = 4096,
	 .spare = 1536,
	 .pv = true,
	 .scattered = true,
	 .split = true,
	 .hollow_pages = 600,
	 .absent_pages = 1300,
	 .online = 30,
	 .lend = 60,
	 .repay = 50,
	 .target = 120,
	 .guest = 60,
	 .host = 40,
	 .reload = 5,
	 .settle = 10},
	{.name = "pv_faults",
	 .pages = 4096,
	 .spare = 512,
	 .pv = true,
	 .split = true,
	 .no_scrub = true,
	 .target = 150,
	 .guest = 40,
	 .migration = 30,
	 .host = 30,
	 .faults = 100,
	 .relieve = 10,
	 .reload = 8,
	 .settle = 6},
	{.name = "pv_everything",
	 .pages = 3072,
	 .spare = 512,
	 .pv = true,
	 .scattered = true,
	 .split = true,
	 .protect = true,
	 .hollow_pages = 200,
	 .absent_pages = 800,
	 .lend_adds = true,
	 .online = 40,
	 .lend = 40,
	 .repay = 40,
	 .divisor = 8,
	 .target = 120,
	 .guest = 80,
	 .migration = 40,
	 .relieve = 10,
	 .memory = 20,
	 .host = 30,
	 .faults = 60,
	 .reload = 8,
	 .settle = 6},
	{.name = "pvh_everything",
	 .pages = 4096,
	 .spare = 512,
	 .large = true,
	 .split = true,
	 .hollow_pages = 200,
	 .absent_pages = 1200,
	 .online = 40,
	 .lend = 40,
	 .repay = 40,
	 .divisor = 2,
	 .target = 120,
	 .guest = 80,
	 .migration = 40,
	 .relieve = 10,
	 .memory = 20,
	 .host = 30,
	 .faults = 60,
	 .reload = 8,
	 .settle = 6},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* What has happened, to show that the tests get anywhere; all sums. */
enum sight {
	SIGHT_RUN_ENDS,					  /* + enum aero_run_end */
	SIGHT_ANSWERS = SIGHT_RUN_ENDS + AERO_RUN_ENDS,	  /* + enum sim_xen_what */
	SIGHT_MIGRATIONS = SIGHT_ANSWERS + SIM_XEN_WHATS, /* + enum aero_migration */
	SIGHT_PVH_LARGE_OUT = SIGHT_MIGRATIONS + 3,
	SIGHT_PVH_LARGE_BACK,
	SIGHT_PV_LARGE_OUT,
	SIGHT_PV_LARGE_BACK,
	SIGHT_SHORT,
	SIGHT_UNMAPPED,
	SIGHT_STRAYS,
	SIGHT_BROKEN,
	SIGHT_RECHECKS,
	SIGHT_RELIEVED,
	SIGHT_ADOPTED,
	SIGHT_ABANDONED,
	SIGHT_ASKED,
	SIGHT_GROWN,
	SIGHT_GROWN_IN_PART,
	SIGHT_ONLINE,
	SIGHT_ONLINE_EARLY,
	SIGHT_LENT,
	SIGHT_FUNDED,
	SIGHT_WASTED,
	SIGHT_WAITED,
	SIGHT_REPAID,
	SIGHT_LENT_LONG,
	SIGHT_STOPPED_IN_RUN,
	SIGHT_SETTLED,
	SIGHTS
};

struct world {
	const struct kind *kind;
	struct aero_port port;
	struct sim_xen xen;
	struct aero_xen x;
	struct aero_balloon b;
	uint64_t adopted, abandoned; /* by this balloon */
	uint64_t asked;		     /* pages the engine wants added, while it waits for that */
	uint64_t added;		     /* of those, added and not reported yet */
	uint64_t coming;	     /* added ever, and not online yet */
	uint64_t random, steps;
	bool verbose;
	uint64_t *sights;
	aero_page *unbacked[4096]; /* without memory, and nobody's for now */
	uint32_t hollow_n;
};

__attribute__((format(printf, 2, 3))) static void tell(const struct world *w, const char *format,
						       ...)
{
	va_list args;

	if (!w->verbose)
		return;
	printf("# %" PRIu64 ": ", w->steps);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

static uint64_t chance(struct world *w, uint64_t n)
{
	return world_chance(&w->random, n);
}

static void see(struct world *w, unsigned int sight, uint64_t n)
{
	w->sights[sight] += n;
}

static void check(struct world *w)
{
	const struct aero_counters *c = &w->b.counters;
	uint64_t due = c->pages_in - c->pages_out + w->adopted - w->abandoned - w->b.lent_pages;

	sim_xen_check(&w->xen, &w->b);
	if (w->x.strays)
		see(w, SIGHT_STRAYS, 1);
	if (w->verbose && w->xen.course[0])
		tell(w, "  %s", w->xen.course);
	w->xen.course[0] = 0;
	if (c->pages_popped)
		sim_fail("%" PRIu64 " pages were popped, with nothing behind them",
			 c->pages_popped);
	if (due != w->b.size_pages)
		sim_fail("the counters make a size of %" PRIu64 ", it is %" PRIu64, due,
			 w->b.size_pages);
	if (c->adopted_pages != w->adopted || c->abandoned_pages != w->abandoned)
		sim_fail("%" PRIu64 " adopted and %" PRIu64 " abandoned pages are miscounted",
			 w->adopted, w->abandoned);
	/* While memory is added the engine only counts what arrives. */
	if (w->b.coming_pages + w->added != w->coming + w->b.arrived_pages)
		sim_fail("%" PRIu64 " pages are to come, the engine counts %" PRIu64, w->coming,
			 w->b.coming_pages);
}

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
	aero_page *page = world_page(&w->random, &w->port.isolated);
	enum aero_migration result;

	if (!page || chance(w, 3) == 0) {
		sim_isolate(&w->port);
	} else if (chance(w, 3) == 0) {
		sim_putback(&w->port, page);
	} else {
		result = sim_migrate(&w->b, page);
		tell(w, "migrate: %d", (int)result);
		see(w, SIGHT_MIGRATIONS + (unsigned int)result, 1);
		if (result == AERO_MIGRATE_FAILED)
			sim_putback(&w->port, page);
	}
}

static void happen_relieve(struct world *w)
{
	static const uint64_t amounts[] = {1, 100, 513, 5000, UINT64_MAX};
	uint64_t size = w->b.size_pages;
	uint64_t got = aero_relieve(&w->b, amounts[chance(w, 5)]);

	tell(w, "relieved: %" PRIu64, got);
	if (w->b.size_pages + got != size)
		sim_fail("relief of %" PRIu64 " pages, but the size fell by %" PRIu64, got,
			 size - w->b.size_pages);
}

static void happen_memory(struct world *w)
{
	struct sim_rule *rule = &w->port.rule[chance(w, SIM_RULES)];

	w->port.low_pages = (uint32_t)(chance(w, 2) ? chance(w, w->kind->pages / 2) : 0);
	w->port.spare_floor = (uint32_t)(chance(w, 2) ? chance(w, w->kind->pages / 2) : 0);
	*rule = (struct sim_rule){
		.effort = (uint8_t)(chance(w, 2) ? chance(w, AERO_EFFORTS) : SIM_ANY),
		.order = (uint8_t)(chance(w, 2) ? chance(w, 2) * AERO_BLOCK_ORDER : SIM_ANY),
		.first = 1 + chance(w, 600),
		.times = 1 + chance(w, 700),
	};
	if (chance(w, 3) == 0)
		memset(w->port.rule, 0, sizeof(w->port.rule));
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

/* A target is followed, and never overshot. */
static void judge_step(const struct world *w, uint64_t size, uint64_t target, uint64_t spare)
{
	uint64_t now = w->b.size_pages;

	if (now > size && (now > target || now - size > spare))
		sim_fail("grew from %" PRIu64 " to %" PRIu64 " for a target of %" PRIu64, size, now,
			 target);
	if (now < size && now < target)
		sim_fail("shrank from %" PRIu64 " to %" PRIu64 " for a target of %" PRIu64, size,
			 now, target);
}

/* The period; the pauses after a setback; and the one after too many of them. */
static bool is_a_pause(uint32_t delay_ms)
{
	static const uint32_t pauses_ms[] = {1000, 2000, 4000, 8000, 16000, 60000};
	unsigned int i;

	for (i = 0; i < sizeof(pauses_ms) / sizeof(pauses_ms[0]); i++)
		if (delay_ms == pauses_ms[i])
			return true;
	return false;
}

/* -- memory that is added ------------------------------------------------------------------ */

static void lend_to_those_who_wait(struct world *w)
{
	uint64_t n = w->xen.lend_wanted;

	if (!n)
		return;
	n = sim_lend(&w->b, (unsigned int)(n < AERO_BATCH_MAX ? n : AERO_BATCH_MAX));
	w->xen.lend_wanted -= n;
	see(w, SIGHT_WAITED, n);
}

/* Up to @pages that were added, as blocks where they form some, or singly. */
static void bring_online(struct world *w, uint64_t pages)
{
	enum aero_class large = w->kind->pv ? AERO_CLASS_SPLIT : AERO_CLASS_LARGE, class;
	bool singly = chance(w, 4) == 0;
	aero_page *block;

	if (pages > w->coming)
		pages = w->coming;
	if (!pages)
		return;
	tell(w, "%" PRIu64 " of %" PRIu64 " pages come online", pages, w->coming);
	see(w, SIGHT_ONLINE, pages);
	w->coming -= pages;
	w->adopted += pages;
	while (pages) {
		class = large;
		block = singly || pages < BLOCK_PAGES ? NULL
						      : sim_online(&w->port, AERO_BLOCK_ORDER);
		if (!block) {
			class = AERO_CLASS_PAGE;
			block = sim_online(&w->port, 0);
		}
		aero_adopt(&w->b, class, &block, 1);
		pages -= 1U << aero_class_held_order(class);
	}
	lend_to_those_who_wait(w);
}

static void happen_online(struct world *w)
{
	if (w->coming)
		bring_online(w, 1 + chance(w, chance(w, 2) ? 40 : w->coming));
}

static void rest(struct world *w, struct aero_next next)
{
	const struct sim_trace *end = sim_last_trace(&w->port, AERO_EVENT_RUN_END);

	see(w, SIGHT_RUN_ENDS + (unsigned int)end->c, 1);
	see(w, SIGHT_RECHECKS, next.delay_ms == 60000);
	if (!is_a_pause(next.delay_ms))
		sim_fail("a pause of %u ms", next.delay_ms);
	w->port.now_ms += next.delay_ms;
}

/* All of it, more than that, a part of it, or nothing; some is online at once. */
static void add_memory(struct world *w, bool honestly)
{
	uint64_t left = w->port.owned[SIM_ABSENT] - w->coming;
	uint64_t n = w->asked < left ? w->asked : left;

	switch (honestly ? 2 : chance(w, 4)) {
	case 0:
		n = 0;
		break;
	case 1:
		n = n ? chance(w, n) : 0;
		break;
	case 2:
		break;
	default:
		n += chance(w, left - n + 1);
		break;
	}
	tell(w, "%" PRIu64 " of %" PRIu64 " pages are added", n, w->asked);
	see(w, n < w->asked ? SIGHT_GROWN_IN_PART : SIGHT_GROWN, n);
	w->added = n;
	w->coming += n;
	if (n && chance(w, 2)) {
		n = w->coming;
		bring_online(w, chance(w, n + 1));
		see(w, SIGHT_ONLINE_EARLY, n - w->coming);
	}
	check(w);
	if (!w->added)
		w->xen.lend_wanted = 0;
	n = w->added;
	w->added = w->asked = 0;
	rest(w, aero_grown(&w->b, n));
}

/* Exactly what is missing, and only when the balloon could not help. */
static void note_growth(struct world *w, uint64_t pages)
{
	uint64_t beyond = w->xen.guest.beyond_pages(&w->xen);

	tell(w, "%" PRIu64 " pages are asked for", pages);
	see(w, SIGHT_ASKED, 1);
	if (w->b.size_pages || w->b.target_pages)
		sim_fail("growth is asked for at size %" PRIu64 " and target %" PRIu64,
			 w->b.size_pages, w->b.target_pages);
	if (pages + w->coming != beyond)
		sim_fail("%" PRIu64 " pages are asked for, %" PRIu64 " come already, and %" PRIu64
			 " are missing",
			 pages, w->coming, beyond);
	w->asked = pages;
}

/* -- loans ------------------------------------------------------------------------------ */

/* The guest gives some of its own; not all who ask for that take it. */
static unsigned int fund_loan(struct world *w, unsigned int n)
{
	uint64_t size = w->b.size_pages, spare = aero_port_spare_pages(&w->port);
	unsigned int got = aero_fund(&w->b, n);

	tell(w, "%u of %u pages are given up for a loan", got, n);
	see(w, SIGHT_FUNDED, got);
	if (got > n || got > spare || w->b.size_pages != size + got)
		sim_fail("%u of %u pages for a loan, spare are %" PRIu64
			 ", and the size went from %" PRIu64 " to %" PRIu64,
			 got, n, spare, size, w->b.size_pages);
	check(w);
	if (chance(w, 8))
		return sim_lend(&w->b, n);
	see(w, SIGHT_WASTED, got);
	return 0;
}

static void happen_lend(struct world *w)
{
	unsigned int n = 1 + (unsigned int)chance(w, chance(w, 3) ? 64 : AERO_BATCH_MAX);
	unsigned int got;

	/* So that something is left for the guest. */
	if (w->b.lent_pages + w->xen.lend_wanted + n > w->kind->pages / 4)
		return;
	got = sim_lend(&w->b, n);
	if (got < n && w->xen.lend_adds)
		w->xen.lend_wanted += n - got;
	else if (got < n)
		got += fund_loan(w, n - got);
	tell(w, "%u of %u pages are lent", got, n);
	see(w, SIGHT_LENT, got);
	/* A driver that has got too few may have no use for them. */
	if (got < n && !w->xen.lend_wanted && chance(w, 2))
		see(w, SIGHT_REPAID, sim_repay(&w->b, got));
}

static void happen_repay(struct world *w)
{
	unsigned int n = 1 + (unsigned int)chance(w, chance(w, 2) ? 20 : AERO_BATCH_MAX);

	n = sim_repay(&w->b, n);
	tell(w, "%u pages are repaid", n);
	see(w, SIGHT_REPAID, n);
	lend_to_those_who_wait(w);
}

/* No loans, nobody who waits for one, and no memory between here and there. */
static void close_doors(struct world *w)
{
	w->xen.lend_wanted = 0;
	while (w->port.lent.first)
		see(w, SIGHT_REPAID, sim_repay(&w->b, AERO_BATCH_MAX));
	if (w->asked)
		add_memory(w, true);
	bring_online(w, w->coming);
	check(w);
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
	const struct {
		uint16_t chance;
		void (*happen)(struct world *);
	} things[] = {
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
	uint64_t draw = chance(w, 1024);
	unsigned int i = 0;

	w->steps++;
	while (draw >= things[i].chance)
		draw -= things[i++].chance;
	things[i].happen(w);
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
	while (w->port.guest.first)
		sim_guest_free(&w->port, w->port.guest.first);
	while (w->port.cache.first)
		sim_guest_free(&w->port, w->port.cache.first);
	if (sim_free_pages(&w->port) != pages)
		sim_fail("%u of %u pages are free in the end", sim_free_pages(&w->port), pages);
	sim_xen_destroy(&w->xen);
	sim_destroy(&w->port);
}

static void run(unsigned int kind, uint64_t seed, uint64_t steps, bool verbose, uint64_t *sights)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		sim_fail("no memory for a world");
	w->kind = &kinds[kind];
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

static const char *kind_name(unsigned int kind)
{
	return kinds[kind].name;
}

static bool sight_name(unsigned int sight, char *name, size_t size)
{
	static const char *const names[SIGHTS] = {
		[SIGHT_ANSWERS + SIM_XEN_HONEST] = "call answered honestly",
		[SIGHT_ANSWERS + SIM_XEN_PARTIAL] = "call done in part",
		[SIGHT_ANSWERS + SIM_XEN_ERROR] = "call answered with an error",
		[SIGHT_ANSWERS + SIM_XEN_MORE] = "call claimed to have done more than asked",
		[SIGHT_MIGRATIONS + AERO_MIGRATE_FAILED] = "migration failed",
		[SIGHT_MIGRATIONS + AERO_MIGRATE_MOVED] = "page migrated",
		[SIGHT_MIGRATIONS + AERO_MIGRATE_SHRUNK] = "migration shrank the balloon",
		[SIGHT_PVH_LARGE_OUT] = "PVH: large extent given up",
		[SIGHT_PVH_LARGE_BACK] = "PVH: large extent populated",
		[SIGHT_PV_LARGE_OUT] = "PV: large extent given up",
		[SIGHT_PV_LARGE_BACK] = "PV: large extent populated",
		[SIGHT_SHORT] = "short answer",
		[SIGHT_UNMAPPED] = "page that could not be mapped",
		[SIGHT_STRAYS] = "stray machine frames between steps",
		[SIGHT_BROKEN] = "block broken",
		[SIGHT_RECHECKS] = "recheck after the retries",
		[SIGHT_RELIEVED] = "page given back in need",
		[SIGHT_ADOPTED] = "page adopted",
		[SIGHT_ABANDONED] = "page abandoned at unload",
		[SIGHT_ASKED] = "growth asked for",
		[SIGHT_GROWN] = "page added, all that were asked for",
		[SIGHT_GROWN_IN_PART] = "page added, of more that were asked for",
		[SIGHT_ONLINE] = "page came online",
		[SIGHT_ONLINE_EARLY] = "page came online during an add",
		[SIGHT_LENT] = "page lent",
		[SIGHT_FUNDED] = "page given up for a loan",
		[SIGHT_WASTED] = "page given up for a loan nobody took",
		[SIGHT_WAITED] = "page lent that had been waited for",
		[SIGHT_REPAID] = "page repaid",
		[SIGHT_LENT_LONG] = "page on loan until the end",
		[SIGHT_STOPPED_IN_RUN] = "unloaded in the middle of a run",
		[SIGHT_SETTLED] = "settled at the target",
	};

	if (sight >= SIGHT_ANSWERS) {
		snprintf(name, size, "%s", names[sight]);
		return true;
	}
	snprintf(name, size, "run ended: %s", aero_run_end_name((enum aero_run_end)sight));
	/* No command fails as a whole, there are no resets, no rate, and no hold-off. */
	return sight == AERO_END_DONE || sight == AERO_END_NO_MEMORY ||
	       sight == AERO_END_NO_PROGRESS || sight == AERO_END_NO_GROWTH ||
	       sight == AERO_END_WAIT;
}

int main(int argc, char **argv)
{
	static const struct campaign campaign = {
		.program = "property-xen",
		.doc = "Random worlds around Xen's balloon, and a proof after each step that every "
		       "page the guest may use has memory behind it.",
		.kinds = KINDS,
		.kind_name = kind_name,
		.run = run,
		.sights = SIGHTS,
		.sights_told = SIGHTS,
		.sight_name = sight_name,
	};

	return campaign_main(&campaign, argc, argv);
}
