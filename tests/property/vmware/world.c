// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "internal.h"

#include <inttypes.h>
#include <string.h>

#include "world_guest.h"

#define SLACK_PAGES 512U

static uint64_t chance(struct world *w, uint64_t n)
{
	return world_chance(&w->random, n);
}

/* -- load, unload, reboot --------------------------------------------------------------- */

static void load(struct world *w)
{
	/* VMware's constants (docs/design/vmware.md, "Pace"). */
	struct aero_config config = {
		.pace = {.period_ms = 1000,
			 .rate_max = 2048,
			 .rate_min = 512,
			 .rate_step = 16,
			 .slow_runs = 4,
			 .holdoff_ms = 5000},
		.large = w->kind->large,
		.split = w->kind->split,
		.remake = true,
	};

	aero_vmware_init(&w->v, &w->port, &guest_ops, w);
	aero_init(&w->b, &w->port, &config, &aero_vmware_ops, &w->v);
}

/* The engine's counters end with it. */
static void collect_sights(struct world *w)
{
	const struct aero_counters *c = &w->b.counters;

	see(w, WORLD_REFUSED_PAGES, c->refused[AERO_UNIT_BASE]);
	see(w, WORLD_REFUSED_BLOCKS, c->refused[AERO_UNIT_LARGE]);
	see(w, WORLD_ODD_ANSWERS, c->odd_answers);
	see(w, WORLD_RUNS_BROKEN, c->blocks_broken);
	see(w, WORLD_BLOCKS_REMADE, c->blocks_remade);
	see(w, WORLD_PAGES_POPPED, c->pages_popped);
	see(w, WORLD_PAGES_RELIEVED, c->relieved_pages);
	see(w, WORLD_RECLAIM_FAILED, c->take_failed[AERO_UNIT_BASE][AERO_RECLAIM]);
	see(w, WORLD_LARGE_FAILED, c->take_failed[AERO_UNIT_LARGE][AERO_LIGHT]);
	see(w, WORLD_CONNECT_FAILED, c->failed_connects);
}

static void boot(struct world *w)
{
	sim_create(&w->port, w->kind->pages, w->kind->base_pfn, chance(w, UINT64_MAX));
	w->port.scatter = chance(w, 2);
	w->port.protect = w->kind->protect;
	w->port.record.verbose = w->verbose;
	if (w->kind->every_byte)
		sim_look_closer(&w->port);
	w->batch_page = NULL;
	load(w);
}

/* Rules off: a host that ignores START(0) leaves its guest no way to unload. */
static void no_faults(struct world *w)
{
	if (aero_monitor_set_faults(w->monitor, NULL, 0))
		sim_fail("the monitor does not let go of its faults");
}

static void put_all_back(struct world *w)
{
	while (w->port.isolated.first)
		sim_putback(&w->port, w->port.isolated.first);
}

static void unload(struct world *w)
{
	struct aero_unload next;

	tell(w, "unload at size %" PRIu64, w->b.size_pages);
	if (w->b.phase == AERO_PHASE_INFLATE || w->b.phase == AERO_PHASE_DEFLATE)
		see(w, WORLD_STOPPED_IN_RUN, 1);
	no_faults(w);
	aero_stop(&w->b);
	check(w);
	if (aero_monitor_size(w->monitor))
		sim_fail("the monitor holds %" PRIu64 " pages after the goodbye",
			 aero_monitor_size(w->monitor));
	while ((next = aero_unload_step(&w->b)).kind != AERO_UNLOAD_DONE) {
		check(w);
		if (next.kind == AERO_UNLOAD_AGAIN)
			continue;
		if (next.kind != AERO_UNLOAD_WAIT || !w->port.isolated.first)
			sim_fail("unload is stuck at %" PRIu64 " pages", w->b.size_pages);
		see(w, WORLD_DRAIN_WAITED, 1);
		put_all_back(w);
	}
	check(w);
	aero_vmware_destroy(&w->v);
	if (w->port.owned[SIM_HELD] || w->port.owned[SIM_FLIGHT] || w->port.owned[SIM_ISOLATED] ||
	    w->port.owned[SIM_WIRED])
		sim_fail("the guest has not got all its pages back");
	collect_sights(w);
}

static void reboot(struct world *w)
{
	tell(w, "reboot at size %" PRIu64, w->b.size_pages);
	see(w, WORLD_REBOOTS, 1);
	collect_sights(w);
	aero_monitor_reset(w->monitor);
	sim_destroy(&w->port);
	boot(w);
}

/* -- things that happen ---------------------------------------------------------------- */

static void set_target(struct world *w, uint64_t pages)
{
	if (w->kind->whole_blocks)
		pages -= pages % SLACK_PAGES;
	tell(w, "target %" PRIu64, pages);
	if (w->kind->clamped)
		aero_monitor_set_target(w->monitor, pages);
	else
		aero_monitor_force_target(w->monitor, pages);
}

static void happen_target(struct world *w)
{
	uint64_t size = w->b.size_pages, pages = w->kind->pages;

	switch (chance(w, 9)) {
	case 0:
		set_target(w, 0);
		break;
	case 1:
		set_target(w, chance(w, size + 1));
		break;
	case 2:
		set_target(w, size + chance(w, 1200));
		break;
	case 3:
		set_target(w, size > 600 ? size - chance(w, 600) : 1);
		break;
	case 4:
		set_target(w, chance(w, size / 2 + 1));
		break;
	case 5:
		/* A lie no guest can follow. */
		set_target(w, chance(w, 4) ? pages + 1 : 1ULL << 63);
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
	see(w, (enum world_sight)(WORLD_MIGRATE_FAILED + result), 1);
}

static void happen_relieve(struct world *w)
{
	tell(w, "relieved: %" PRIu64, world_relief(&w->b, &w->random));
}

static void happen_memory(struct world *w)
{
	world_memory(&w->port, &w->random, w->kind->pages);
	w->no_batch_page = chance(w, 8) == 0;
	w->no_doorbell = chance(w, 4) == 0;
}

static uint32_t random_status(struct world *w, enum aero_fault_what what)
{
	static const uint32_t odd[] = {
		AERO_VMW_FAILURE, AERO_VMW_FAILURE, AERO_VMW_E_BUSY, AERO_VMW_OK_CAPS, 31,
		0x80000000};

	if (what == AERO_FAULT_ENTRY)
		return (uint32_t)(1 + chance(w, chance(w, 2) ? 8 : 31));
	return chance(w, 2) ? (uint32_t)(1 + chance(w, 8)) : odd[chance(w, 6)];
}

/* Of the whole command: soon, for rules do not live long and commands are few. */
static void choose_command_events(struct world *w, struct aero_monitor_fault *fault)
{
	static const uint32_t commands[] = {
		AERO_VMW_START,
		AERO_VMW_GET_TARGET,
		AERO_VMW_GUEST_ID,
		AERO_VMW_DOORBELL_SET,
		AERO_VMW_LOCK,
		AERO_VMW_UNLOCK,
		AERO_VMW_BATCHED_LOCK,
		AERO_VMW_BATCHED_UNLOCK,
		AERO_VMW_BATCHED_LOCK,
		AERO_VMW_BATCHED_UNLOCK,
		AERO_VMW_BATCHED_2M_LOCK,
		AERO_VMW_BATCHED_2M_UNLOCK,
		AERO_VMW_BATCHED_2M_UNLOCK,
		AERO_FAULT_ANY_COMMAND,
	};

	fault->command = commands[chance(w, sizeof(commands) / sizeof(commands[0]))];
	if (!(w->v.caps & AERO_VMW_CAP_BATCHED) && chance(w, 2))
		fault->command = chance(w, 2) ? AERO_VMW_LOCK : AERO_VMW_UNLOCK;
	fault->first = 1 + (chance(w, 4) ? chance(w, 3) : chance(w, 600));
	fault->every = 1 + (chance(w, 2) ? 0 : chance(w, 40));
	fault->times = chance(w, 4) ? 1 + chance(w, 4) : chance(w, 100);
}

static void choose_entry_events(struct world *w, struct aero_monitor_fault *fault)
{
	fault->command = AERO_FAULT_ANY_COMMAND;
	fault->direction = (enum aero_fault_direction)chance(w, 3);
	fault->first = 1 + (chance(w, 2) ? chance(w, 8) : chance(w, 2000));
	fault->every = 1 + (chance(w, 2) ? 0 : chance(w, chance(w, 2) ? 40 : 3000));
	fault->times = chance(w, 3) ? 1 + chance(w, 40) : 0;
	/* Large entries are few; to meet them, their commands are named. */
	if (chance(w, 3))
		return;
	fault->command = chance(w, 2) ? AERO_VMW_BATCHED_2M_LOCK : AERO_VMW_BATCHED_2M_UNLOCK;
	fault->direction = AERO_FAULT_BOTH;
	fault->first = 1 + chance(w, 4);
}

static struct aero_monitor_fault random_fault(struct world *w)
{
	struct aero_monitor_fault fault = {
		.what = chance(w, 2) ? AERO_FAULT_ENTRY : AERO_FAULT_COMMAND,
		.action = chance(w, 8) ? AERO_FAULT_STATUS : AERO_FAULT_RESET,
	};

	if (fault.what == AERO_FAULT_COMMAND) {
		choose_command_events(w, &fault);
		if (chance(w, 10) == 0)
			fault.action = AERO_FAULT_SILENCE;
	} else {
		choose_entry_events(w, &fault);
	}
	if (fault.action == AERO_FAULT_STATUS)
		fault.status = random_status(w, fault.what);
	return fault;
}

static void collect_faults(struct world *w)
{
	uint64_t fired;
	unsigned int i;

	for (i = 0; i < aero_monitor_faults(w->monitor); i++)
		if (aero_monitor_fault(w->monitor, i, &fired))
			see(w, WORLD_FAULTS_FIRED, fired);
}

static void happen_faults(struct world *w)
{
	struct aero_monitor_fault rules[4];
	unsigned int i, n = (unsigned int)chance(w, 5);

	collect_faults(w);
	for (i = 0; i < n; i++) {
		rules[i] = random_fault(w);
		tell(w,
		     "fault: command %d %s action %d status 0x%x first %" PRIu64 " every %" PRIu64
		     " times %" PRIu64,
		     (int)rules[i].command, rules[i].what == AERO_FAULT_ENTRY ? "entry" : "whole",
		     (int)rules[i].action, rules[i].status, rules[i].first, rules[i].every,
		     rules[i].times);
	}
	if (aero_monitor_set_faults(w->monitor, rules, n))
		sim_fail("the monitor does not take these faults");
}

static void happen_host(struct world *w)
{
	uint32_t withheld = (uint32_t)chance(w, 64) & AERO_VMW_CAP_ALL;

	if (chance(w, 2))
		withheld = 0;
	tell(w, "withheld: 0x%x", withheld);
	aero_monitor_withhold(w->monitor, withheld);
	aero_monitor_old_host(w->monitor, w->kind->old_host || chance(w, 8) == 0);
}

/* What the engine knew before a step, to judge the step by. */
struct before {
	enum aero_phase phase;
	uint64_t size, target, spare;
};

/* A batch is cut for the target the engine knew; the answer may bring another. */
static void judge_step(const struct world *w, const struct before *before)
{
	uint64_t size = w->b.size_pages;

	if (size > before->size && (size > before->target || size - before->size > before->spare))
		sim_fail("grew from %" PRIu64 " to %" PRIu64 " for a target of %" PRIu64
			 " with %" PRIu64 " spare",
			 before->size, size, before->target, before->spare);
	if (before->phase == AERO_PHASE_DEFLATE && size < before->size && size < before->target)
		sim_fail("shrank from %" PRIu64 " to %" PRIu64 " for a target of %" PRIu64,
			 before->size, size, before->target);
	if (before->phase == AERO_PHASE_REST && w->b.phase == AERO_PHASE_DEFLATE &&
	    w->b.target_pages && size - w->b.target_pages <= SLACK_PAGES)
		sim_fail("deflates from %" PRIu64 " to %" PRIu64 ", within the slack", size,
			 w->b.target_pages);
}

static void engine_step(struct world *w)
{
	uint64_t freed = w->b.counters.refused_freed[AERO_UNIT_BASE];
	const struct before before = {
		.phase = w->b.phase,
		.size = w->b.size_pages,
		.target = w->b.target_pages,
		.spare = aero_port_spare_pages(&w->port),
	};
	struct aero_next next = aero_step(&w->b);
	const struct sim_trace *end;

	if (w->b.phase == AERO_PHASE_INFLATE)
		see(w, WORLD_REFUSED_OVERFLOW, w->b.counters.refused_freed[AERO_UNIT_BASE] - freed);
	judge_step(w, &before);
	if (next.kind != AERO_NEXT_DELAY)
		return;
	end = sim_last_trace(&w->port, AERO_EVENT_RUN_END);
	if (w->b.phase == AERO_PHASE_REST && end)
		see(w, (enum world_sight)(WORLD_RUN_ENDS + end->c), 1);
	/* The doorbell, or somebody else, may wake the worker before its time. */
	w->port.now_ms += w->kicked ? 1 : next.delay_ms;
	w->kicked = false;
}

static void happen_settle(struct world *w)
{
	uint64_t most = w->b.size_pages + sim_free_pages(&w->port);

	if (w->kind->clamped && most > w->kind->pages - 32768)
		most = w->kind->pages - 32768;
	/* A few for the batch page. */
	world_settle(w, chance(w, 3) && most > 4 ? chance(w, most - 4) : 0);
}

static void happen_reset(struct world *w)
{
	tell(w, "the monitor forgets");
	aero_monitor_demand_reset(w->monitor);
}

static void happen_reload(struct world *w)
{
	unload(w);
	load(w);
}

void world_step(struct world *w)
{
	const struct world_chances *c = &w->kind->chances;
	const struct world_event events[] = {
		{c->target, happen_target},   {c->guest, happen_guest},
		{c->relieve, happen_relieve}, {c->migration, happen_migration},
		{c->memory, happen_memory},   {c->faults, happen_faults},
		{c->host, happen_host},	      {c->reboot, reboot},
		{c->settle, happen_settle},   {c->reset, happen_reset},
		{c->reload, happen_reload},   {1024, engine_step},
	};

	w->steps++;
	see(w, WORLD_STEPS, 1);
	world_happen(w, &w->random, events);
	check(w);
}

/* -- liveness ----------------------------------------------------------------------------- */

static void calm_down(struct world *w)
{
	collect_faults(w);
	no_faults(w);
	aero_monitor_withhold(w->monitor, 0);
	aero_monitor_old_host(w->monitor, w->kind->old_host);
	memset(w->port.rule, 0, sizeof(w->port.rule));
	w->port.low_pages = 0;
	w->port.spare_floor = 0;
	w->no_batch_page = false;
	put_all_back(w);
}

/* A run that began after all this has ended with the target met. */
static bool is_settled(struct world *w, uint64_t runs, uint64_t target_pages)
{
	const struct sim_trace *end = sim_last_trace(&w->port, AERO_EVENT_RUN_END);

	return w->b.phase == AERO_PHASE_REST && w->b.counters.runs > runs && !w->b.reset_required &&
	       aero_monitor_connected(w->monitor) && w->b.target_pages == target_pages && end &&
	       end->c == AERO_END_DONE;
}

void world_settle(struct world *w, uint64_t target_pages)
{
	uint64_t before = w->b.size_pages, runs = w->b.counters.runs, size;
	/* A run under way may send one batch more before it learns of the new target. */
	bool exact = before < target_pages && w->b.phase == AERO_PHASE_REST;
	/* Resets, slow runs of 512 pages, and a hold-off, all at their worst. */
	unsigned int bound = 100 + w->kind->pages / 64, steps = 0;

	calm_down(w);
	set_target(w, target_pages);
	do {
		if (++steps > bound)
			sim_fail("no end: size %" PRIu64 ", target %" PRIu64
				 ", phase %s after %u steps",
				 w->b.size_pages, target_pages, aero_phase_name(w->b.phase), bound);
		engine_step(w);
		check(w);
	} while (!is_settled(w, runs, target_pages));

	size = w->b.size_pages;
	tell(w, "settled at %" PRIu64 " for %" PRIu64, size, target_pages);
	see(w, WORLD_SETTLED, 1);
	if (size < target_pages || size - target_pages > SLACK_PAGES ||
	    (exact && size != target_pages) || (!target_pages && size))
		sim_fail("settled at %" PRIu64 " from %" PRIu64 " for a target of %" PRIu64, size,
			 before, target_pages);
}

/* -- life ------------------------------------------------------------------------------------ */

void world_create(struct world *w, const struct world_kind *kind, uint64_t seed, bool verbose,
		  uint64_t *sights)
{
	const struct aero_monitor_host host = host_of(w);
	const struct aero_monitor_config config = {
		.pfn_end = kind->base_pfn + kind->pages,
		.ram_pages = kind->pages,
		.caps = kind->caps,
	};

	*w = (struct world){.kind = kind, .random = seed, .verbose = verbose, .sights = sights};
	if (aero_monitor_create(&w->monitor, &host, &config))
		sim_fail("no monitor");
	aero_monitor_old_host(w->monitor, kind->old_host);
	boot(w);
}

void world_finish(struct world *w)
{
	collect_faults(w);
	collect_statuses(w);
	unload(w);
	if (!aero_monitor_is_valid(w->monitor))
		sim_fail("the monitor's own books do not agree");
	sim_end_guest(&w->port, w->kind->pages);
	sim_destroy(&w->port);
	aero_monitor_destroy(w->monitor);
}
