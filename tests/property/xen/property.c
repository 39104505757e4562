// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Property tests of Xen's balloon: a simulated guest with the engine and Xen's
 * guest half in it, a simulated Xen (sim_xen.h), and chance for everything else.
 * After each thing that happens all books agree: each page the guest may use has
 * memory behind it, and the guest's figures and the balloon's sum up.
 */
#include "world.h"

#include <stdio.h>

#include "campaign.h"

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

static void run(unsigned int kind, uint64_t seed, uint64_t steps, bool verbose, uint64_t *sights)
{
	world_run(&kinds[kind], seed, steps, verbose, sights);
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
		[SIGHT_REMADE] = "block made anew",
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
