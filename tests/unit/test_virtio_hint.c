// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Free page hints: the guest's half of them against a simulated device. */
#include "rig.h"

#include <string.h>

#include "sim_hint.h"

#define BLOCK  (1U << AERO_BLOCK_ORDER)
#define BLOCKS (RIG_PAGES / BLOCK)

static struct sim_hint device;
static struct aero_virtio_hint h;

static void check(struct rig *rig)
{
	rig_check(rig);
}

static int setup(void **state)
{
	int failed = rig_setup(state);
	struct rig *rig = *state;

	if (failed)
		return failed;
	sim_hint_create(&device, &rig->port);
	aero_virtio_hint_init(&h, &device.guest, &device);
	return 0;
}

/* Nothing may be kept when the device is reset. */
static int teardown(void **state)
{
	struct rig *rig = *state;

	sim_hint_reset(&device);
	aero_virtio_hint_reset(&h);
	check(rig);
	assert_int_equal(rig->port.owned[SIM_ASIDE], 0);
	return rig_teardown(state);
}

/* Steps until nothing is left to do, with a device that works on so many entries after each step.
 */
static void run(struct rig *rig, uint32_t works)
{
	unsigned int steps = 0;
	bool more, worked;

	do {
		assert_in_range(++steps, 1, 1000);
		more = aero_virtio_hint_step(&h);
		check(rig);
		worked = false;
		for (uint32_t i = 0; i < works; i++)
			worked = sim_hint_work(&device, 0) || worked;
	} while (more || worked);
}

static uint32_t told(const struct rig *rig)
{
	return rig->port.aside[SIM_TOLD].blocks;
}

static uint32_t held(const struct rig *rig)
{
	return rig->port.aside[SIM_HINTED].blocks;
}

/* Hints of all memory, which are held. */
static struct rig *holding(void **state)
{
	struct rig *rig = *state;

	sim_hint_command(&device, 7);
	run(rig, SIM_HINT_RING);
	assert_int_equal(h.state, AERO_VIRTIO_HINT_HOLDING);
	assert_int_equal(held(rig), BLOCKS);
	device.course[0] = 0;
	return rig;
}

/* ---- a migration ---- */

static void nothing_happens_without_a_command(void **state)
{
	struct rig *rig = *state;

	run(rig, 1);
	sim_hint_command(&device, AERO_VIRTIO_COMMAND_STOP);
	run(rig, 1);
	sim_hint_command(&device, AERO_VIRTIO_COMMAND_DONE);
	run(rig, 1);
	assert_string_equal(device.course, "");
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
}

static void all_free_memory_is_told_between_command_and_stop(void **state)
{
	struct rig *rig = *state;

	sim_hint_command(&device, 7);
	run(rig, SIM_HINT_RING);
	assert_memory_equal(device.course, "7 block ", 8);
	assert_string_equal(device.course + strlen(device.course) - 9, " block 0 ");
	assert_int_equal(device.hinted, BLOCKS);
	assert_int_equal(h.blocks, BLOCKS);
	assert_int_equal(h.runs, 1);
}

static void hinted_blocks_are_kept_until_the_host_has_done(void **state)
{
	struct rig *rig = holding(state);

	run(rig, 1);
	sim_hint_command(&device, AERO_VIRTIO_COMMAND_STOP);
	run(rig, 1);
	assert_int_equal(held(rig), BLOCKS);
	sim_hint_command(&device, AERO_VIRTIO_COMMAND_DONE);
	run(rig, 1);
	assert_int_equal(held(rig), 0);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
	assert_int_equal(h.state, AERO_VIRTIO_HINT_IDLE);
}

static void memory_in_use_is_not_told(void **state)
{
	struct rig *rig = *state;

	for (unsigned int i = 0; i < 3; i++)
		assert_non_null(sim_guest_alloc(&rig->port, AERO_BLOCK_ORDER, i & 1));
	sim_hint_command(&device, 7);
	run(rig, SIM_HINT_RING);
	assert_int_equal(held(rig), BLOCKS - 3);
}

/* ---- the ring ---- */

static void a_short_ring_is_filled_again_and_again(void **state)
{
	struct rig *rig = *state;

	device.ring = 4;
	sim_hint_command(&device, 7);
	run(rig, 1);
	assert_int_equal(h.state, AERO_VIRTIO_HINT_HOLDING);
	assert_int_equal(device.hinted, BLOCKS);
}

static void a_ring_without_room_for_a_block_gets_none(void **state)
{
	struct rig *rig = *state;

	device.ring = 2;
	sim_hint_command(&device, 7);
	run(rig, 1);
	assert_int_equal(told(rig) + held(rig), 0);
	assert_string_equal(device.course, "7 ");
}

static void a_block_that_cannot_be_queued_is_freed(void **state)
{
	struct rig *rig = *state;

	sim_hint_command(&device, 7);
	assert_true(aero_virtio_hint_step(&h));
	device.full = true;
	assert_true(aero_virtio_hint_step(&h));
	check(rig);
	assert_int_equal(told(rig), 0);
	assert_int_equal(h.state, AERO_VIRTIO_HINT_STOPPING);
	assert_false(aero_virtio_hint_step(&h));
	assert_int_equal(h.state, AERO_VIRTIO_HINT_STOPPING);
	device.full = false;
	run(rig, 1);
	assert_string_equal(device.course, "7 0 ");
}

static void a_command_that_cannot_be_queued_is_sent_later(void **state)
{
	struct rig *rig = *state;

	device.full = true;
	sim_hint_command(&device, 7);
	run(rig, 1);
	assert_int_equal(h.state, AERO_VIRTIO_HINT_STARTING);
	device.full = false;
	run(rig, SIM_HINT_RING);
	assert_int_equal(device.hinted, BLOCKS);
}

/* ---- in the middle ---- */

/* The command and a batch are queued, and the device has looked at neither. */
static struct rig *in_the_middle(void **state)
{
	struct rig *rig = *state;

	device.ring = 8;
	sim_hint_command(&device, 7);
	assert_true(aero_virtio_hint_step(&h));
	assert_true(aero_virtio_hint_step(&h));
	assert_int_equal(told(rig), 5);
	return rig;
}

static void stop_in_the_middle_ends_the_telling(void **state)
{
	struct rig *rig = in_the_middle(state);

	sim_hint_command(&device, AERO_VIRTIO_COMMAND_STOP);
	run(rig, 1);
	assert_string_equal(device.course, "7 block block block block block 0 ");
	assert_int_equal(device.hinted, 0);
	assert_int_equal(held(rig), 5);
}

static void stop_before_the_start_is_sent_sends_nothing(void **state)
{
	struct rig *rig = *state;

	device.full = true;
	sim_hint_command(&device, 7);
	aero_virtio_hint_step(&h);
	sim_hint_command(&device, AERO_VIRTIO_COMMAND_STOP);
	device.full = false;
	run(rig, 1);
	assert_string_equal(device.course, "");
}

static void done_in_the_middle_frees_each_block_when_it_is_answered(void **state)
{
	struct rig *rig = in_the_middle(state);

	sim_hint_command(&device, AERO_VIRTIO_COMMAND_DONE);
	aero_virtio_hint_step(&h);
	check(rig);
	assert_int_equal(told(rig), 5);
	/* The command, and the last block before the others. */
	assert_true(sim_hint_work(&device, 0));
	assert_true(sim_hint_work(&device, 4));
	aero_virtio_hint_step(&h);
	assert_int_equal(told(rig), 4);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES - 4 * BLOCK);
	run(rig, 1);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
}

static void a_new_command_in_the_middle_starts_again(void **state)
{
	struct rig *rig = in_the_middle(state);

	sim_hint_command(&device, 8);
	run(rig, SIM_HINT_RING);
	assert_memory_equal(device.course, "7 block block block block block 8 ", 34);
	assert_int_equal(device.hinted, BLOCKS);
	assert_int_equal(h.runs, 2);
}

static void what_is_held_is_told_again_for_a_new_command(void **state)
{
	struct rig *rig = holding(state);

	device.hinted = 0;
	sim_hint_command(&device, 8);
	run(rig, SIM_HINT_RING);
	assert_int_equal(device.hinted, BLOCKS);
	assert_int_equal(held(rig), BLOCKS);
	assert_int_equal(h.state, AERO_VIRTIO_HINT_HOLDING);
}

static void the_same_command_is_followed_once(void **state)
{
	struct rig *rig = holding(state);

	sim_hint_command(&device, 7);
	run(rig, 1);
	assert_string_equal(device.course, "");
	assert_int_equal(held(rig), BLOCKS);
}

/* ---- pressure ---- */

static void what_is_held_is_the_guests_when_it_runs_short(void **state)
{
	struct rig *rig = holding(state);
	aero_page *block;

	assert_int_equal(sim_hint_relieve(&device, 3), 3);
	check(rig);
	block = sim_guest_alloc(&rig->port, AERO_BLOCK_ORDER, false);
	assert_non_null(block);
	run(rig, 1);
	sim_guest_verify(&rig->port, block);
	assert_int_equal(held(rig), BLOCKS - 3);
}

static void what_is_told_is_nobodys_when_the_guest_runs_short(void **state)
{
	struct rig *rig = in_the_middle(state);

	assert_int_equal(sim_hint_relieve(&device, 100), 0);
	run(rig, 1);
	assert_int_equal(held(rig), BLOCKS);
}

static void after_pressure_nothing_is_taken_until_the_host_has_done(void **state)
{
	struct rig *rig = holding(state);

	sim_hint_relieve(&device, 3);
	sim_hint_command(&device, 8);
	run(rig, SIM_HINT_RING);
	assert_int_equal(held(rig), BLOCKS - 3);
	sim_hint_command(&device, AERO_VIRTIO_COMMAND_DONE);
	run(rig, 1);
	sim_hint_command(&device, 9);
	run(rig, SIM_HINT_RING);
	assert_int_equal(held(rig), BLOCKS);
}

/* A block that was to be told again is the guest's meanwhile. */
static void pressure_while_blocks_are_told_again(void **state)
{
	struct rig *rig = holding(state);

	device.ring = 4;
	sim_hint_command(&device, 8);
	aero_virtio_hint_step(&h);
	aero_virtio_hint_step(&h);
	assert_int_equal(sim_hint_relieve(&device, 100), BLOCKS - 1);
	run(rig, 1);
	assert_int_equal(held(rig), 1);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES - BLOCK);
}

/* ---- resets ---- */

static void a_reset_in_the_middle_gives_everything_back(void **state)
{
	struct rig *rig = in_the_middle(state);

	assert_true(sim_hint_work(&device, 1));
	aero_virtio_hint_step(&h);
	assert_int_equal(held(rig), 1);
	sim_hint_reset(&device);
	aero_virtio_hint_reset(&h);
	check(rig);
	assert_int_equal(sim_free_pages(&rig->port), RIG_PAGES);
	/* The device still shows its command after that. */
	device.changed = true;
	run(rig, SIM_HINT_RING);
	assert_int_equal(held(rig), BLOCKS);
}

static void states_have_names(void **state)
{
	(void)state;
	assert_string_equal(aero_virtio_hint_state_name(AERO_VIRTIO_HINT_TELLING), "telling");
	assert_string_equal(aero_virtio_hint_state_name(AERO_VIRTIO_HINT_STATES), "unknown");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_happens_without_a_command),
		TEST(all_free_memory_is_told_between_command_and_stop),
		TEST(hinted_blocks_are_kept_until_the_host_has_done),
		TEST(memory_in_use_is_not_told),
		TEST(a_short_ring_is_filled_again_and_again),
		TEST(a_ring_without_room_for_a_block_gets_none),
		TEST(a_block_that_cannot_be_queued_is_freed),
		TEST(a_command_that_cannot_be_queued_is_sent_later),
		TEST(stop_in_the_middle_ends_the_telling),
		TEST(stop_before_the_start_is_sent_sends_nothing),
		TEST(done_in_the_middle_frees_each_block_when_it_is_answered),
		TEST(a_new_command_in_the_middle_starts_again),
		TEST(what_is_held_is_told_again_for_a_new_command),
		TEST(the_same_command_is_followed_once),
		TEST(what_is_held_is_the_guests_when_it_runs_short),
		TEST(what_is_told_is_nobodys_when_the_guest_runs_short),
		TEST(after_pressure_nothing_is_taken_until_the_host_has_done),
		TEST(pressure_while_blocks_are_told_again),
		TEST(a_reset_in_the_middle_gives_everything_back),
		TEST(states_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
