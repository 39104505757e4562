// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The whole of the policy on figures by chance and on a simulated guest. */
#include "pressure_rig.h"

/* -- chance ----------------------------------------------------------------------------- */

static uint64_t chance_state = 1;

static uint64_t chance(uint64_t below)
{
	/* xorshift64* */
	chance_state ^= chance_state >> 12;
	chance_state ^= chance_state << 25;
	chance_state ^= chance_state >> 27;
	return (chance_state * 0x2545F4914F6CDD1DULL >> 11) % below;
}

static struct aero_policy_figures chance_figures(void)
{
	struct aero_policy_figures f = {.max_pfn = 300000};

	f.managed_pages = 10000 + chance(280000);
	f.current_pages = f.managed_pages + chance(300000 - f.managed_pages);
	f.committed_pages = chance(400000);
	f.reserve_pages = chance(6000);
	f.swapped_pages = chance(4) ? 0 : chance(100000);
	f.available_pages = chance(f.managed_pages);
	f.free_pages = chance(f.available_pages + 1) + f.reserve_pages;
	f.file_active_pages = chance(f.available_pages + 1);
	f.anon_pages = chance(f.managed_pages - f.available_pages + 1);
	f.refaults = chance(3) ? 0 : chance(5000);
	f.scanned_pages = chance(3) ? 0 : chance(5000);
	f.stolen_pages = chance(f.scanned_pages + 1);
	f.swap_in_pages = chance(4) ? 0 : chance(2000);
	f.swap_out_pages = chance(4) ? 0 : chance(2000);
	f.stalls = chance(4) ? 0 : chance(500);
	f.relieved_pages = chance(8) ? 0 : chance(20000);
	f.some_permille = chance(2) ? AERO_POLICY_UNKNOWN : (uint32_t)chance(50);
	f.full_permille = chance(2) ? AERO_POLICY_UNKNOWN : (uint32_t)chance(20);
	f.interval_ms = 1 + (uint32_t)chance(20000);
	return f;
}

static void worsen(struct aero_policy_figures *f)
{
	switch (chance(5)) {
	case 0:
		f->refaults += chance(5000);
		break;
	case 1:
		f->swap_in_pages += chance(5000);
		break;
	case 2:
		f->relieved_pages += chance(50000);
		break;
	case 3:
		f->committed_pages += chance(100000);
		break;
	case 4:
		f->full_permille = 1000;
		break;
	}
}

static void any_figures_stay_between_floor_and_limit(void **state)
{
	struct rig *rig = *state;
	struct aero_committed_config committed;

	rig->config.min_usable_mb = 0;
	aero_committed_defaults(&committed, 12);
	for (int i = 0; i < 200000; i++) {
		struct aero_policy_figures f = chance_figures();
		uint64_t floor = aero_committed_floor_pages(&committed, &f);
		uint64_t offset = f.current_pages - f.managed_pages, target;

		target = aero_pressure_step(&rig->config, &rig->state, &f);
		assert_in_range(target, floor + offset, UINT64_MAX);
		assert_true(target <= f.max_pfn || target == floor + offset);
	}
}

static void more_trouble_never_means_less_memory(void **state)
{
	struct rig *rig = *state;

	for (int i = 0; i < 200000; i++) {
		struct aero_policy_figures f = chance_figures(), worse = f;
		struct aero_pressure other = rig->state;
		uint64_t target, more;

		worsen(&worse);
		target = aero_pressure_step(&rig->config, &rig->state, &f);
		more = aero_pressure_step(&rig->config, &other, &worse);
		assert_in_range(more, target, UINT64_MAX);
	}
}

/* -- a simulated guest --------------------------------------------------------------- */

static void boot(struct rig *rig, uint64_t mib)
{
	rig->config.min_usable_mb = 0;
	sim_guest_init(&rig->guest, mib * MIB);
	rig->target_pages = rig->guest.total_pages;
}

static void run(struct rig *rig, unsigned int seconds)
{
	uint64_t before;

	for (unsigned int s = 0; s < seconds; s += STEP / 1000) {
		before = rig->guest.managed_pages;
		sim_guest_step(&rig->guest, &rig->load, rig->target_pages, STEP,
			       &rig->host_free_pages);
		if (rig->guest.managed_pages != before) {
			int way = rig->guest.managed_pages > before ? 1 : -1;

			rig->turns += way == -rig->direction;
			rig->direction = way;
		}
		rig->target_pages =
			aero_pressure_step(&rig->config, &rig->state, &rig->guest.figures);
	}
}

static void want(struct rig *rig, uint64_t anon_mib, uint64_t hot_mib)
{
	rig->load.anon_pages = anon_mib * MIB;
	rig->load.committed_pages = anon_mib * MIB * 3 / 2;
	rig->load.hot_pages = hot_mib * MIB;
}

static uint64_t managed_mib(const struct rig *rig)
{
	return rig->guest.managed_pages / MIB;
}

static void idle_guest_goes_to_its_floor(void **state)
{
	struct rig *rig = *state;
	struct aero_committed_config committed;
	uint64_t floor;

	boot(rig, 1024);
	want(rig, 30, 0);
	run(rig, 300);
	aero_committed_defaults(&committed, 12);
	floor = aero_committed_floor_pages(&committed, &rig->guest.figures);
	assert_in_range(rig->guest.managed_pages, floor, floor + floor / 16);
	assert_int_equal(rig->turns, 0);
	run(rig, 3600);
	assert_int_equal(rig->turns, 0);
}

static void sudden_growth_is_met_at_once(void **state)
{
	struct rig *rig = *state;

	boot(rig, 1024);
	want(rig, 30, 0);
	run(rig, 600);
	want(rig, 800, 0);
	run(rig, 5);
	assert_int_equal(rig->guest.homeless_pages, 0);
	run(rig, 5);
	/* One step later nobody waits any more. */
	run(rig, 5);
	assert_int_equal(rig->guest.stalled_permille, 0);
	assert_in_range(managed_mib(rig), 800, 1024);
}

static void constant_load_comes_to_rest(void **state)
{
	struct rig *rig = *state;

	boot(rig, 2048);
	want(rig, 300, 0);
	run(rig, 1800);
	rig->turns = 0;
	run(rig, 4 * 3600);
	assert_int_equal(rig->turns, 0);
	assert_in_range(managed_mib(rig), 300, 480);
}

/* It has to try now and then; but seldom, and without much harm. */
static void constant_cache_is_tried_seldom(void **state)
{
	struct rig *rig = *state;
	uint64_t refaults = 0;

	boot(rig, 2048);
	want(rig, 200, 500);
	run(rig, 7200);
	rig->turns = 0;
	for (int i = 0; i < 4 * 720; i++) {
		run(rig, 5);
		refaults += rig->guest.figures.refaults;
	}
	/* In 4 hours. */
	assert_in_range(rig->turns, 0, 40);
	assert_in_range(managed_mib(rig), 700, 900);
	assert_in_range(refaults / MIB, 0, 1000);
}

static void steady_growth_never_waits(void **state)
{
	struct rig *rig = *state;

	boot(rig, 2048);
	want(rig, 50, 0);
	run(rig, 600);
	for (unsigned int mib = 50; mib < 1800; mib += 20) {
		want(rig, mib, 0);
		run(rig, 5);
		assert_int_equal(rig->guest.homeless_pages, 0);
		assert_in_range(rig->guest.stalled_permille, 0, 5);
	}
}

static void pulsing_load_is_followed_less_and_less(void **state)
{
	struct rig *rig = *state;
	unsigned int first;

	boot(rig, 2048);
	for (int i = 0; i < 20; i++) {
		want(rig, i % 2 ? 800 : 100, 0);
		run(rig, 60);
	}
	first = rig->turns;
	rig->turns = 0;
	for (int i = 0; i < 20; i++) {
		want(rig, i % 2 ? 800 : 100, 0);
		run(rig, 60);
	}
	assert_true(rig->turns < first || !rig->turns);
	assert_in_range(rig->turns, 0, 8);
	/* When it is over, the memory comes back. */
	want(rig, 100, 0);
	run(rig, 1200);
	assert_in_range(managed_mib(rig), 100, 260);
}

static void host_without_memory_does_not_break_it(void **state)
{
	struct rig *rig = *state;

	boot(rig, 1024);
	want(rig, 30, 0);
	run(rig, 600);
	rig->host_free_pages = 50 * MIB;
	want(rig, 800, 0);
	run(rig, 600);
	assert_int_equal(rig->host_free_pages, 0);
	rig->host_free_pages = ENDLESS;
	run(rig, 60);
	assert_int_equal(rig->guest.homeless_pages, 0);
	assert_in_range(managed_mib(rig), 800, 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(any_figures_stay_between_floor_and_limit),
		TEST(more_trouble_never_means_less_memory),
		TEST(idle_guest_goes_to_its_floor),
		TEST(sudden_growth_is_met_at_once),
		TEST(constant_load_comes_to_rest),
		TEST(constant_cache_is_tried_seldom),
		TEST(steady_growth_never_waits),
		TEST(pulsing_load_is_followed_less_and_less),
		TEST(host_without_memory_does_not_break_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
