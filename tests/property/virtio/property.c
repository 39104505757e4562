// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Property tests of virtio's balloon: a simulated guest with the engine and virtio's guest half in
 * it, a simulated device that answers when chance says so (sim_virtio.h), and chance for
 * everything else.  After each thing that happens each page has exactly one owner, and the guest
 * never uses memory that the device has or may still take.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campaign.h"
#include "sim_virtio.h"
#include "world_guest.h"

#define FRAME_SHIFT (9U - AERO_BLOCK_ORDER)
#define BLOCK_PAGES (1U << AERO_BLOCK_ORDER)

/* What stays the same through one world's life; chances are in 1024ths of all steps. */
struct kind {
	const char *name;
	uint32_t pages, offered;
	bool no_large, no_split, protect;
	uint16_t target, guest, migration, relieve, memory, device, faults, reload, settle;
};

static const struct kind kinds[] = {
	{.name = "told_calm",
	 .pages = 8192,
	 .target = 120,
	 .guest = 120,
	 .device = 200,
	 .settle = 10},
	{.name = "reported_calm",
	 .pages = 8192,
	 .offered = AERO_VIRTIO_F_PAGE_REPORTING | AERO_VIRTIO_F_STATS,
	 .target = 120,
	 .guest = 120,
	 .device = 200,
	 .settle = 10},
	{.name = "told_pages",
	 .pages = 3000,
	 .offered = AERO_VIRTIO_F_MUST_TELL_HOST,
	 .no_large = true,
	 .no_split = true,
	 .target = 120,
	 .guest = 120,
	 .migration = 60,
	 .relieve = 10,
	 .device = 150,
	 .reload = 5,
	 .settle = 10},
	{.name = "told_everything",
	 .pages = 4096,
	 .protect = true,
	 .target = 120,
	 .guest = 80,
	 .migration = 60,
	 .relieve = 40,
	 .memory = 20,
	 .device = 150,
	 .faults = 100,
	 .reload = 8,
	 .settle = 6},
	{.name = "reported_everything",
	 .pages = 4096,
	 .offered = AERO_VIRTIO_F_PAGE_REPORTING,
	 .target = 120,
	 .guest = 80,
	 .migration = 60,
	 .relieve = 40,
	 .memory = 20,
	 .device = 150,
	 .faults = 100,
	 .reload = 8,
	 .settle = 6},
};

enum sight {
	SIGHT_RUN_ENDS,
	SIGHT_MIGRATIONS = SIGHT_RUN_ENDS + AERO_RUN_ENDS,
	SIGHT_TOLD_IN = SIGHT_MIGRATIONS + AERO_MIGRATE_TO_IN_FLIGHT + 1,
	SIGHT_TOLD_OUT,
	SIGHT_REPORTED,
	SIGHT_RELIEVED,
	SIGHT_RELIEF_IN_FLIGHT,
	SIGHT_LATE,
	SIGHT_LOST,
	SIGHT_VOIDED,
	SIGHT_SETTLED,
	SIGHTS
};

struct world {
	const struct kind *kind;
	struct aero_port port;
	struct sim_virtio device;
	struct aero_virtio v;
	struct aero_balloon b;
	uint64_t random, steps;
	bool verbose;
	uint64_t *sights;
};

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
	sim_check(&w->b, NULL);
}

/* -- load, unload ------------------------------------------------------------------------ */

static void load(struct world *w)
{
	const struct aero_config config = {
		.pace = {.period_ms = 1000,
			 .rate_max = UINT32_MAX,
			 .rate_min = UINT32_MAX,
			 .holdoff_ms = 500,
			 .backoff_max_ms = 32000},
		.large = !w->kind->no_large,
		.split = !w->kind->no_split,
	};

	aero_virtio_init(&w->v, &w->port, &w->device.guest, &w->device, 12 + FRAME_SHIFT);
	aero_init(&w->b, &w->port, &config, &aero_virtio_ops, &w->v);
	check(w);
}

static void collect_sights(struct world *w)
{
	see(w, SIGHT_TOLD_IN, w->device.told_in);
	see(w, SIGHT_TOLD_OUT, w->device.told_out);
	see(w, SIGHT_REPORTED, w->device.reports);
	see(w, SIGHT_RELIEVED, w->b.counters.relieved_pages);
	see(w, SIGHT_LATE, w->v.late);
	see(w, SIGHT_LOST, w->v.broken);
	w->device.told_in = w->device.told_out = w->device.reports = 0;
}

static void put_all_back(struct world *w)
{
	while (w->port.isolated.first)
		sim_putback(&w->port, w->port.isolated.first);
}

static void unload(struct world *w)
{
	struct aero_unload next;

	see(w, SIGHT_VOIDED, aero_in_flight_pages(&w->b));
	while ((next = aero_unload_step(&w->b)).kind != AERO_UNLOAD_DONE) {
		check(w);
		if (next.kind == AERO_UNLOAD_WAIT)
			put_all_back(w);
	}
	if (w->device.running || w->device.actual)
		sim_fail("the device was not told that the balloon is gone");
	aero_virtio_destroy(&w->v);
	collect_sights(w);
}

/* -- things that happen -------------------------------------------------------------------- */

static void happen_target(struct world *w)
{
	uint64_t most = w->kind->pages, pages = chance(w, most);

	if (chance(w, 4) == 0)
		pages = 0;
	if (chance(w, 8) == 0)
		pages = most * 2;
	w->device.num_pages = (uint32_t)(pages << FRAME_SHIFT);
}

static void happen_guest(struct world *w)
{
	world_guest(&w->port, &w->random, w->kind->pages);
}

static void happen_migration(struct world *w)
{
	int result = world_migration(&w->b, &w->random);

	if (result >= 0)
		see(w, SIGHT_MIGRATIONS + (unsigned int)result, 1);
}

/* What relief says the guest got is what the balloon and the batches in flight have lost. */
static void happen_relieve(struct world *w)
{
	static const uint64_t amounts[] = {1, 100, 513, 5000, UINT64_MAX};
	uint64_t before = w->b.size_pages + aero_in_flight_pages(&w->b), after;
	uint64_t got = aero_relieve(&w->b, amounts[chance(w, 5)]);

	after = w->b.size_pages + aero_in_flight_pages(&w->b);
	if (!w->b.reset_required && after + got > before)
		sim_fail("relief of %" PRIu64 " pages, but %" PRIu64 " became %" PRIu64, got,
			 before, after);
	see(w, SIGHT_RELIEF_IN_FLIGHT, w->b.urgent.flight != AERO_FLIGHT_NONE);
}

static void happen_memory(struct world *w)
{
	world_memory(&w->port, &w->random, w->kind->pages);
}

static void happen_device(struct world *w)
{
	sim_virtio_work(&w->device, (uint32_t)chance(w, AERO_VIRTIO_SLOTS));
}

static void happen_faults(struct world *w)
{
	w->device.stalled = chance(w, 3) == 0;
	w->device.broken = w->device.running && chance(w, 6) == 0;
	w->device.full = chance(w, 4) == 0;
	w->device.no_start = (uint32_t)(chance(w, 4) ? 0 : chance(w, 3));
	w->device.no_frames = (uint32_t)(chance(w, 4) ? 0 : chance(w, 12));
	w->device.blocks_max = (uint32_t)chance(w, 200);
}

static void engine_step(struct world *w)
{
	struct aero_next next = aero_step(&w->b);
	const struct sim_trace *end;

	if (next.kind == AERO_NEXT_NOW)
		return;
	w->port.now_ms += chance(w, 2) ? next.delay_ms : 1;
	end = sim_last_trace(&w->port, AERO_EVENT_RUN_END);
	if (next.kind == AERO_NEXT_DELAY && end)
		see(w, SIGHT_RUN_ENDS + (unsigned int)end->c, 1);
}

/* -- liveness ------------------------------------------------------------------------------- */

static bool is_settled(struct world *w, uint64_t runs)
{
	const struct sim_trace *end = sim_last_trace(&w->port, AERO_EVENT_RUN_END);

	return w->b.phase == AERO_PHASE_REST && w->b.counters.runs > runs && end &&
	       end->c == AERO_END_DONE && w->b.target_pages == w->device.num_pages >> FRAME_SHIFT;
}

static void end_trouble(struct world *w)
{
	w->device.stalled = w->device.broken = w->device.full = false;
	w->device.no_start = w->device.no_frames = 0;
	w->device.blocks_max = 128;
	memset(w->port.rule, 0, sizeof(w->port.rule));
	w->port.low_pages = w->port.spare_floor = 0;
	put_all_back(w);
}

/* All trouble ends; then the size must be the target's within a bounded number of steps. */
static void settle(struct world *w, uint64_t target_pages)
{
	unsigned int bound = 200 + w->kind->pages / 8, steps = 0;
	uint64_t runs = w->b.counters.runs;
	uint32_t slot;

	end_trouble(w);
	w->device.num_pages = (uint32_t)(target_pages << FRAME_SHIFT);
	do {
		if (++steps > bound)
			sim_fail("no end: size %" PRIu64 ", target %" PRIu64 ", phase %s",
				 w->b.size_pages, w->b.target_pages, aero_phase_name(w->b.phase));
		engine_step(w);
		for (slot = 0; slot < AERO_VIRTIO_SLOTS; slot++)
			sim_virtio_work(&w->device, slot);
		check(w);
	} while (!is_settled(w, runs));
	see(w, SIGHT_SETTLED, 1);
	if (w->b.size_pages != target_pages)
		sim_fail("settled at %" PRIu64 " for a target of %" PRIu64, w->b.size_pages,
			 target_pages);
	if (w->device.actual != target_pages << FRAME_SHIFT)
		sim_fail("the device was told %u frames, not %" PRIu64, w->device.actual,
			 target_pages << FRAME_SHIFT);
}

static void happen_settle(struct world *w)
{
	uint64_t most = w->b.size_pages + sim_free_pages(&w->port);

	settle(w, chance(w, 3) ? chance(w, most + 1) : 0);
}

static void happen_reload(struct world *w)
{
	unload(w);
	load(w);
}

static void step(struct world *w)
{
	const struct world_event events[] = {
		{w->kind->target, happen_target},	{w->kind->guest, happen_guest},
		{w->kind->migration, happen_migration}, {w->kind->relieve, happen_relieve},
		{w->kind->memory, happen_memory},	{w->kind->device, happen_device},
		{w->kind->faults, happen_faults},	{w->kind->reload, happen_reload},
		{w->kind->settle, happen_settle},	{1024, engine_step},
	};

	w->steps++;
	world_happen(w, &w->random, events);
	check(w);
}

/* -- life ------------------------------------------------------------------------------------ */

static void finish(struct world *w)
{
	settle(w, 0);
	unload(w);
	sim_end_guest(&w->port, w->kind->pages);
	sim_virtio_destroy(&w->device);
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
	sim_create(&w->port, w->kind->pages, 1 << 20, chance(w, UINT64_MAX));
	w->port.scatter = chance(w, 2);
	w->port.protect = w->kind->protect;
	w->port.record.verbose = verbose;
	sim_virtio_create(&w->device, &w->port, FRAME_SHIFT);
	w->device.offered = w->kind->offered;
	load(w);
	while (w->steps < steps / 2)
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
		[SIGHT_MIGRATIONS + AERO_MIGRATE_FAILED] = "migration failed",
		[SIGHT_MIGRATIONS + AERO_MIGRATE_MOVED] = "page migrated",
		[SIGHT_MIGRATIONS + AERO_MIGRATE_FROM_IN_FLIGHT] =
			"migration left the old page in flight",
		[SIGHT_TOLD_IN] = "frame told",
		[SIGHT_TOLD_OUT] = "frame told back",
		[SIGHT_REPORTED] = "block reported",
		[SIGHT_RELIEVED] = "page relieved",
		[SIGHT_RELIEF_IN_FLIGHT] = "relief left pages in flight",
		[SIGHT_LATE] = "answer too late",
		[SIGHT_LOST] = "device lost",
		[SIGHT_VOIDED] = "page in flight at an unload",
		[SIGHT_SETTLED] = "settled",
	};

	if (sight < SIGHT_MIGRATIONS) {
		switch ((enum aero_run_end)sight) {
		case AERO_END_DONE:
		case AERO_END_NO_MEMORY:
		case AERO_END_COMMAND:
		case AERO_END_RESET:
		case AERO_END_HELD_OFF:
			snprintf(name, size, "run ended: %s",
				 aero_run_end_name((enum aero_run_end)sight));
			return true;
		default:
			return false;
		}
	}
	if (!names[sight])
		return false;
	snprintf(name, size, "%s", names[sight]);
	return true;
}

int main(int argc, char **argv)
{
	const struct campaign campaign = {
		.program = "property-virtio",
		.doc = "Property tests of virtio's balloon.",
		.kinds = sizeof(kinds) / sizeof(*kinds),
		.kind_name = kind_name,
		.run = run,
		.sights = SIGHTS,
		.sights_told = SIGHTS,
		.sight_name = sight_name,
	};

	return campaign_main(&campaign, argc, argv);
}
