// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Property tests of VMware's balloon: random worlds (world.h). */
#include <stdlib.h>

#include "campaign.h"
#include "world.h"

#define CAPS_4K (AERO_VMW_CAP_ALL & ~AERO_VMW_CAP_BATCHED_2M)

static const struct world_kind kinds[] = {
	{.name = "calm_2m",
	 .pages = 8192,
	 .caps = AERO_VMW_CAP_ALL,
	 .large = true,
	 .divisor = 2,
	 .chances = {.target = 120, .guest = 150, .settle = 10}},
	{.name = "calm_4k",
	 .pages = 3000,
	 .caps = CAPS_4K,
	 .chances = {.target = 120, .guest = 150, .settle = 10}},
	{.name = "calm_runs",
	 .pages = 4096,
	 .base_pfn = 1 << 20,
	 .caps = CAPS_4K,
	 .split = true,
	 .chances = {.target = 120, .guest = 100, .migration = 20, .settle = 10}},
	{.name = "calm_unbatched",
	 .pages = 3072,
	 .caps = AERO_VMW_CAP_BASIC | AERO_VMW_CAP_SIGNALLED,
	 .split = true,
	 .divisor = 2,
	 .chances = {.target = 120, .guest = 100, .migration = 20, .settle = 10}},
	{.name = "calm_old_host",
	 .pages = 2048,
	 .caps = AERO_VMW_CAP_ALL,
	 .old_host = true,
	 .large = true,
	 .divisor = 2,
	 .chances = {.target = 120, .guest = 100, .settle = 10}},
	{.name = "short_of_memory",
	 .pages = 4096,
	 .caps = AERO_VMW_CAP_ALL,
	 .large = true,
	 .split = true,
	 .chances = {.target = 120, .guest = 200, .memory = 30, .relieve = 20, .settle = 6}},
	{.name = "migration",
	 .pages = 3000,
	 .caps = AERO_VMW_CAP_ALL,
	 .chances = {.target = 100,
		     .guest = 40,
		     .migration = 400,
		     .faults = 20,
		     .reset = 5,
		     .reload = 5,
		     .settle = 6}},
	{.name = "refusing_frames",
	 .pages = 4096,
	 .caps = AERO_VMW_CAP_ALL,
	 .large = true,
	 .split = true,
	 .holes = 3,
	 .chances = {.target = 120, .guest = 60, .migration = 30, .reset = 3, .reload = 3}},
	{.name = "faulty_monitor_2m",
	 .pages = 8192,
	 .caps = AERO_VMW_CAP_ALL,
	 .large = true,
	 .split = true,
	 .chances = {.target = 200, .guest = 20, .migration = 10, .faults = 60, .settle = 5}},
	{.name = "faulty_monitor_blocks",
	 .pages = 8192,
	 .caps = AERO_VMW_CAP_ALL,
	 .large = true,
	 .whole_blocks = true,
	 .chances = {.target = 300, .faults = 60}},
	{.name = "faulty_monitor_runs",
	 .pages = 4096,
	 .caps = CAPS_4K,
	 .split = true,
	 .chances = {.target = 200, .guest = 20, .migration = 10, .faults = 60, .settle = 5}},
	{.name = "faulty_monitor_unbatched",
	 .pages = 3072,
	 .caps = AERO_VMW_CAP_BASIC,
	 .split = true,
	 .divisor = 2,
	 .chances = {.target = 200, .guest = 20, .migration = 10, .faults = 60, .settle = 5}},
	{.name = "resets_and_unloads",
	 .pages = 4096,
	 .caps = AERO_VMW_CAP_ALL,
	 .large = true,
	 .chances = {.target = 120,
		     .guest = 30,
		     .migration = 60,
		     .host = 10,
		     .faults = 20,
		     .reset = 20,
		     .reload = 20,
		     .reboot = 4,
		     .settle = 5}},
	{.name = "everything",
	 .pages = 4096,
	 .caps = AERO_VMW_CAP_ALL,
	 .large = true,
	 .split = true,
	 .chances = {.target = 120,
		     .guest = 80,
		     .migration = 40,
		     .relieve = 10,
		     .memory = 15,
		     .faults = 15,
		     .reset = 5,
		     .host = 5,
		     .reload = 5,
		     .reboot = 2,
		     .settle = 4}},
	{.name = "everything_protected",
	 .pages = 2048,
	 .caps = AERO_VMW_CAP_ALL,
	 .large = true,
	 .split = true,
	 .protect = true,
	 .every_byte = true,
	 .divisor = 8,
	 .chances = {.target = 120,
		     .guest = 80,
		     .migration = 40,
		     .relieve = 10,
		     .memory = 15,
		     .faults = 15,
		     .reset = 5,
		     .host = 5,
		     .reload = 5,
		     .reboot = 2,
		     .settle = 4}},
	{.name = "clamped_targets",
	 .pages = 32768 + 6000,
	 .caps = AERO_VMW_CAP_ALL,
	 .large = true,
	 .clamped = true,
	 .divisor = 20,
	 .chances = {.target = 120, .guest = 60, .reset = 3, .reload = 3, .settle = 10}},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const char *kind_name(unsigned int kind)
{
	return kinds[kind].name;
}

static void run(unsigned int kind, uint64_t seed, uint64_t steps, bool verbose, uint64_t *sights)
{
	struct world *world = malloc(sizeof(*world));

	if (!world)
		sim_fail("no memory for a world");
	if (kinds[kind].divisor)
		steps /= kinds[kind].divisor;
	world_create(world, &kinds[kind], seed * 0x100000001b3ULL, verbose, sights);
	while (world->steps < steps)
		world_step(world);
	world_finish(world);
	free(world);
}

int main(int argc, char **argv)
{
	static const struct campaign campaign = {
		.program = "property",
		.doc = "Random worlds around the balloon's engine, and a proof after each step that "
		       "every page has one owner.",
		.kinds = KINDS,
		.kind_name = kind_name,
		.run = run,
		.sights = WORLD_SIGHTS,
		.sights_told = WORLD_COMMANDS,
		.sight_name = world_sight_name,
	};

	return campaign_main(&campaign, argc, argv);
}
