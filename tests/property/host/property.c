// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Random hosts: whatever their guests say, every rule keeps the promises of its interface.
 *
 * Usage: property-host [SEED [SEEDS]]
 */
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

#define STEPS	     300
#define STEADY_STEPS 2000
#define QUIET_STEPS  200

static int failed;
static unsigned int number;

static void result(const struct aero_host_policy *policy, const char *name, uint64_t seed,
		   const char *broken)
{
	number++;
	if (!broken) {
		printf("ok %u - %s_%s\n", number, policy->name, name);
		return;
	}
	printf("not ok %u - %s_%s\n# %s, with seed %llu\n", number, policy->name, name, broken,
	       (unsigned long long)seed);
	failed = 1;
}

/* Guests change what they use, move slowly, and some of them say nonsense. */
static const char *lying_guests(const struct aero_host_policy *policy, uint64_t seed)
{
	static struct world w;

	world_init(&w, policy, seed);
	for (int i = 0; i < STEPS && !w.broken; i++) {
		world_live(&w, false);
		world_lie(&w);
		world_step(&w);
		world_move(&w, false);
	}
	world_free(&w);
	return w.broken;
}

static const char *living_guests(const struct aero_host_policy *policy, uint64_t seed)
{
	static struct world w;

	world_init(&w, policy, seed);
	for (int i = 0; i < STEPS && !w.broken; i++) {
		world_live(&w, false);
		world_step(&w);
		world_move(&w, world_between(&w, 0, 1));
	}
	world_free(&w);
	return w.broken;
}

/* Where nothing changes, nothing moves any more after some time. */
static const char *steady_world(const struct aero_host_policy *policy, uint64_t seed)
{
	static struct world w;
	size_t moves = 0;

	world_init(&w, policy, seed);
	for (int i = 0; i < STEADY_STEPS + QUIET_STEPS && !w.broken; i++) {
		size_t moved;

		world_live(&w, i > 20);
		moved = world_step(&w);
		moves += i >= STEADY_STEPS ? moved : 0;
		world_move(&w, true);
	}
	world_free(&w);
	return w.broken ? w.broken : moves ? "guests still move in a steady world" : NULL;
}

/*
 * With enough for all, each guest has what it uses at the end, and some to spare; and it had it
 * soon.  The rules that do not look at what guests use are not asked.
 */
static const char *enough_for_all(const struct aero_host_policy *policy, uint64_t seed)
{
	static struct world w;
	const char *broken = NULL;
	uint64_t sum = 0;

	world_init(&w, policy, seed);
	for (size_t i = 0; i < w.count; i++)
		sum += w.guests[i].max_kib;
	for (size_t i = 0; i < w.count; i++) {
		w.guests[i].current_kib = w.guests[i].max_kib / 2;
		w.guests[i].target_kib = w.guests[i].current_kib;
		w.used_kib[i] = w.guests[i].max_kib * world_between(&w, 5, 80) / 100;
	}
	w.host.total_kib = sum * 7 / 10 + (4ULL << 20);
	for (int i = 0; i < 100; i++) {
		world_live(&w, true);
		world_step(&w);
		world_move(&w, true);
	}
	for (size_t i = 0; i < w.count; i++)
		if (w.guests[i].current_kib < w.used_kib[i])
			broken = "a guest has less than it uses";
	world_free(&w);
	return w.broken ? w.broken : broken;
}

static void all_seeds(const struct aero_host_policy *policy, const char *name,
		      const char *(*test)(const struct aero_host_policy *, uint64_t),
		      uint64_t first, uint64_t seeds)
{
	const char *broken = NULL;
	uint64_t seed;

	for (seed = first; seed < first + seeds; seed++) {
		broken = test(policy, seed);
		if (broken)
			break;
	}
	result(policy, name, seed, broken);
}

int main(int argc, char **argv)
{
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	uint64_t seeds = argc > 2 ? strtoull(argv[2], NULL, 10) : 40;

	printf("1..%zu\n", aero_host_policies_count * 3 + 1);
	for (size_t i = 0; i < aero_host_policies_count; i++) {
		const struct aero_host_policy *policy = aero_host_policies[i];

		all_seeds(policy, "keeps_its_promises_whatever_guests_say", lying_guests, first,
			  seeds);
		all_seeds(policy, "keeps_its_promises_while_loads_change", living_guests, first,
			  seeds);
		/* MOM's rules hover around their threshold: it grows all, or shrinks all. */
		if (policy == aero_host_policy_find("mom")) {
			printf("ok %u - mom_moves_nothing_in_a_steady_world # SKIP it does\n",
			       ++number);
			continue;
		}
		all_seeds(policy, "moves_nothing_in_a_steady_world", steady_world, first,
			  seeds < 10 ? seeds : 10);
	}
	all_seeds(aero_host_policy_find("shares"), "gives_each_what_it_needs_if_there_is_enough",
		  enough_for_all, first, seeds);
	return failed;
}
