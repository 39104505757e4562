// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The books of a host, and the rules of other managers as their documents have them. */
#include <string.h>

#include "host_rig.h"

/* -- the table ----------------------------------------------------------------------------- */

static void table_has_ours_first_and_every_rule_by_name(void **state)
{
	assert_string_equal(aero_host_policies[0]->name, "shares");
	for (size_t i = 0; i < aero_host_policies_count; i++)
		assert_ptr_equal(aero_host_policy_find(aero_host_policies[i]->name),
				 aero_host_policies[i]);
	assert_null(aero_host_policy_find("share"));
	assert_null(aero_host_policy_find("sharess"));
}

static void every_reason_has_a_name_of_its_own(void **state)
{
	for (int i = 0; i < AERO_HOST_REASONS; i++)
		for (int n = 0; n < i; n++)
			assert_string_not_equal(aero_host_reason_name((enum aero_host_reason)i),
						aero_host_reason_name((enum aero_host_reason)n));
	assert_string_equal(aero_host_reason_name(AERO_HOST_REASONS), "unknown");
}

static void initial_values_are_within_their_bounds(void **state)
{
	for (size_t i = 0; i < aero_host_policies_count; i++)
		for (size_t n = 0; n < aero_host_policies[i]->options_count; n++) {
			const struct aero_policy_option *o = &aero_host_policies[i]->options[n];

			assert_in_range(o->initial, o->least, o->most);
			assert_true(o->offset + sizeof(uint32_t) <=
				    aero_host_policies[i]->config_size);
		}
}

/* -- the books, seen through squeezed, which hands out all there is -------------------------- */

static struct host_rig squeezed(uint64_t total)
{
	struct host_rig r;

	rig_init(&r, "squeezed", total);
	rig_set(&r, "interval-ms", 0);
	return r;
}

static void reserve_overhead_and_room_are_not_handed_out(void **state)
{
	struct host_rig r = squeezed(4 * GIB);

	r.host.reserve_kib = 512 * MIB;
	r.host.overhead_kib = 512 * MIB;
	r.host.room_kib = GIB;
	rig_add(&r, GIB, GIB);
	rig_decide(&r);
	assert_int_equal(r.decision[0].target_kib, 2 * GIB);
	rig_free(&r);
}

/* 256 + (8192 - 512) / 2 MiB each, but the first has not given back yet what it had too much. */
static void growth_waits_for_what_others_really_gave(void **state)
{
	struct host_rig r = squeezed(4 * GIB);

	rig_add(&r, 3 * GIB, GIB);
	rig_add(&r, GIB, GIB);
	rig_decide(&r);
	assert_int_equal(r.decision[0].target_kib, 2 * GIB);
	assert_int_equal(r.decision[1].target_kib, GIB);
	assert_int_equal(r.decision[1].reason, AERO_HOST_WAITS);
	/* Half of the way is there. */
	r.guest[0].target_kib = 2 * GIB;
	r.guest[0].current_kib = 2 * GIB + 512 * MIB;
	rig_decide(&r);
	assert_int_equal(r.decision[1].target_kib, GIB + 512 * MIB);
	rig_free(&r);
}

/* It was promised and has not arrived: the same memory must not be promised again. */
static void what_is_in_flight_counts_once(void **state)
{
	struct host_rig r = squeezed(4 * GIB);

	rig_add(&r, GIB, GIB);
	rig_add(&r, GIB, GIB);
	rig_decide(&r);
	assert_int_equal(r.decision[0].target_kib, 2 * GIB);
	r.guest[0].target_kib = 2 * GIB;
	r.guest[1].target_kib = 2 * GIB;
	rig_decide(&r);
	assert_int_equal(r.decision[0].target_kib, 2 * GIB);
	assert_int_equal(r.decision[1].target_kib, 2 * GIB);
	rig_free(&r);
}

static void host_with_less_free_than_its_books_say_gives_less(void **state)
{
	struct host_rig r = squeezed(4 * GIB);

	r.host.reserve_kib = 256 * MIB;
	r.host.available_kib = 512 * MIB;
	rig_add(&r, GIB, GIB);
	rig_decide(&r);
	assert_int_equal(r.decision[0].target_kib, GIB + 256 * MIB);
	assert_int_equal(r.decision[0].reason, AERO_HOST_WAITS);
	rig_free(&r);
}

static void guests_out_of_reach_are_left_alone_and_counted(void **state)
{
	static const enum aero_host_guest_mode modes[] = {AERO_HOST_FIXED, AERO_HOST_UNREACHABLE,
							  AERO_HOST_STUCK};

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		struct host_rig r = squeezed(4 * GIB);

		rig_add(&r, GIB, GIB);
		rig_add(&r, 2 * GIB, GIB);
		r.guest[1].mode = modes[i];
		r.guest[1].target_kib = GIB;
		rig_decide(&r);
		assert_int_equal(r.decision[0].target_kib, 2 * GIB);
		assert_int_equal(r.decision[1].target_kib, GIB);
		assert_int_equal(r.decision[1].reason, AERO_HOST_LEFT_ALONE);
		rig_free(&r);
	}
}

static void guest_that_starts_takes_its_maximum(void **state)
{
	struct host_rig r = squeezed(6 * GIB);

	rig_add(&r, GIB, GIB);
	rig_add(&r, 0, 0);
	r.guest[1].mode = AERO_HOST_STARTING;
	rig_decide(&r);
	assert_int_equal(r.decision[0].target_kib, 2 * GIB);
	rig_free(&r);
}

static void raised_minimum_is_kept_at_once(void **state)
{
	struct host_rig r = squeezed(2 * GIB);

	rig_add(&r, GIB, GIB);
	rig_add(&r, GIB, GIB);
	r.guest[0].min_kib = GIB + 256 * MIB;
	rig_decide(&r);
	assert_true(r.decision[0].target_kib >= GIB + 256 * MIB);
	rig_free(&r);
}

static void lowered_maximum_is_kept_at_once(void **state)
{
	for (size_t i = 0; i < aero_host_policies_count; i++) {
		struct host_rig r;

		rig_init(&r, aero_host_policies[i]->name, 8 * GIB);
		rig_add(&r, 2 * GIB, GIB);
		r.guest[0].max_kib = GIB;
		rig_decide(&r);
		assert_int_equal(r.decision[0].target_kib, GIB);
		/* Limits that contradict each other: the maximum counts. */
		r.guest[0].min_kib = 3 * GIB;
		rig_decide(&r);
		assert_int_equal(r.decision[0].target_kib, GIB);
		rig_free(&r);
	}
}

/* -- fixed ------------------------------------------------------------------------------------ */

static void fixed_moves_nobody(void **state)
{
	struct host_rig r;

	rig_init(&r, "fixed", 64 * GIB);
	rig_add(&r, GIB, GIB);
	rig_add(&r, 2 * GIB, MIB);
	rig_decide(&r);
	assert_int_equal(r.decision[0].target_kib, GIB);
	assert_int_equal(r.decision[1].target_kib, 2 * GIB);
	rig_free(&r);
}

/* -- squeezed ---------------------------------------------------------------------------------- */

static void squeezed_is_the_same_part_of_the_way_for_all(void **state)
{
	struct host_rig r = squeezed(3 * GIB);

	rig_add(&r, GIB, GIB);
	rig_add(&r, GIB, GIB);
	r.guest[0].min_kib = 512 * MIB;
	r.guest[0].max_kib = GIB;
	r.guest[1].min_kib = GIB;
	r.guest[1].max_kib = 3 * GIB;
	/* 1.5 of 2.5 GiB above the minima: three fifths of the way. */
	rig_step(&r);
	assert_in_range(r.decision[0].target_kib, 819 * MIB, 820 * MIB);
	rig_step(&r);
	assert_in_range(r.decision[1].target_kib, 2252 * MIB, 2253 * MIB);
	rig_free(&r);
}

static void squeezed_acts_every_30_seconds(void **state)
{
	struct host_rig r;

	rig_init(&r, "squeezed", 8 * GIB);
	rig_add(&r, GIB, GIB);
	rig_step(&r);
	assert_int_equal(r.guest[0].current_kib, 4 * GIB);
	r.host.total_kib = 2 * GIB;
	for (int i = 0; i < 5; i++) {
		rig_decide(&r);
		assert_int_equal(r.decision[0].target_kib, 4 * GIB);
	}
	rig_decide(&r);
	assert_int_equal(r.decision[0].target_kib, 2 * GIB);
	rig_free(&r);
}

/* -- qmemman ------------------------------------------------------------------------------------
 */

static void qmemman_shares_all_in_proportion_to_130_percent_of_use(void **state)
{
	struct host_rig r;

	rig_init(&r, "qmemman", 3 * GIB + 50 * MIB);
	rig_add(&r, GIB, 400 * MIB);
	rig_add(&r, GIB, 800 * MIB);
	rig_decide(&r);
	assert_int_equal(r.decision[0].need_kib, 520 * MIB);
	assert_int_equal(r.decision[1].need_kib, 1040 * MIB);
	assert_in_range(r.decision[0].target_kib, GIB - MIB, GIB);
	assert_in_range(r.decision[1].target_kib, 2 * GIB - MIB, 2 * GIB);
	rig_free(&r);
}

/* 1.3 times 3.5 GiB is above the maximum of 4 GiB: the other one gets the rest. */
static void qmemman_gives_what_one_may_not_have_to_the_others(void **state)
{
	struct host_rig r;

	rig_init(&r, "qmemman", 6 * GIB + 50 * MIB);
	rig_add(&r, GIB, 100 * MIB);
	rig_add(&r, 4 * GIB, 3 * GIB + 512 * MIB);
	rig_decide(&r);
	assert_int_equal(r.decision[1].target_kib, 4 * GIB);
	assert_in_range(r.decision[0].target_kib, 2 * GIB - MIB, 2 * GIB);
	rig_free(&r);
}

static void qmemman_does_not_count_cache_but_counts_swap(void **state)
{
	struct host_rig r;

	rig_init(&r, "qmemman", 3 * GIB);
	rig_add(&r, GIB, 400 * MIB);
	rig_use(&r, 0, 400 * MIB, 500 * MIB);
	rig_decide(&r);
	assert_int_equal(r.decision[0].need_kib, 520 * MIB);
	r.guest[0].swap_out_kib = 100 * MIB;
	rig_decide(&r);
	assert_int_equal(r.decision[0].need_kib, 650 * MIB);
	r.guest[0].swap_out_kib = 0;
	r.guest[0].swap_in_kib = 200 * MIB;
	rig_decide(&r);
	assert_int_equal(r.decision[0].need_kib, 520 * MIB);
	rig_free(&r);
}

static void qmemman_takes_surplus_for_those_that_are_short(void **state)
{
	struct host_rig r;

	rig_init(&r, "qmemman", 3 * GIB);
	rig_add(&r, 2 * GIB, GIB);
	rig_add(&r, GIB, GIB - 16 * MIB);
	r.guest[1].swap_out_kib = 2 * GIB;
	rig_step(&r);
	/* 130 % of 1 GiB; the other one waits for that. */
	assert_in_range(r.decision[0].target_kib, 1331 * MIB, 1332 * MIB);
	assert_int_equal(r.decision[1].target_kib, GIB);
	r.guest[1].swap_out_kib = 0;
	rig_step(&r);
	assert_true(r.decision[1].target_kib > GIB + 600 * MIB);
	rig_free(&r);
}

static void qmemman_leaves_small_changes_alone(void **state)
{
	struct host_rig r;

	rig_init(&r, "qmemman", 2 * GIB + 50 * MIB);
	rig_add(&r, GIB, 500 * MIB);
	rig_add(&r, GIB, 540 * MIB);
	/* 39 MiB would go from one to the other. */
	rig_decide(&r);
	assert_int_equal(r.decision[0].target_kib, GIB);
	rig_use(&r, 1, 700 * MIB, 0);
	rig_decide(&r);
	assert_true(r.decision[0].target_kib < GIB - 150 * MIB);
	rig_free(&r);
}

/* -- proxmox -------------------------------------------------------------------------------------
 */

/* The guide's example: 9.6 GiB above the minima, 3000 shares of 6000 for the database. */
static void proxmox_shares_80_percent_as_in_its_guide(void **state)
{
	struct host_rig r;

	rig_init(&r, "proxmox", 32 * GIB);
	rig_set(&r, "interval-ms", 0);
	rig_set(&r, "step-mb", 1 << 20);
	r.host.overhead_kib = 8 * GIB;
	for (size_t i = 0; i < 4; i++) {
		rig_add(&r, 2 * GIB, GIB);
		r.guest[i].min_kib = 2 * GIB;
		r.guest[i].max_kib = 16 * GIB;
	}
	r.guest[0].shares = 3000;
	rig_decide(&r);
	assert_in_range(r.decision[0].target_kib, 2 * GIB + 4914 * MIB, 2 * GIB + 4916 * MIB);
	assert_in_range(r.decision[1].target_kib, 2 * GIB + 1637 * MIB, 2 * GIB + 1639 * MIB);
	rig_free(&r);
}

static void proxmox_moves_in_steps(void **state)
{
	struct host_rig r;

	rig_init(&r, "proxmox", 32 * GIB);
	rig_add(&r, GIB, GIB);
	rig_step(&r);
	assert_int_equal(r.decision[0].target_kib, GIB + 100 * MIB);
	/* And every 10 s only. */
	rig_step(&r);
	assert_int_equal(r.decision[0].target_kib, GIB + 100 * MIB);
	rig_step(&r);
	assert_int_equal(r.decision[0].target_kib, GIB + 200 * MIB);
	rig_free(&r);
}

/* -- mom
 * ------------------------------------------------------------------------------------------- */

static struct host_rig mom(uint64_t total, uint64_t free)
{
	struct host_rig r;

	rig_init(&r, "mom", total);
	r.host.available_kib = free;
	return r;
}

static void mom_grows_all_while_a_fifth_of_the_host_is_free(void **state)
{
	struct host_rig r = mom(10 * GIB, 3 * GIB);

	rig_add(&r, 2 * GIB, 512 * MIB);
	rig_add(&r, 2 * GIB, 2 * GIB - MIB);
	rig_decide(&r);
	/* By 5 %, or to what is used and a fifth of the maximum. */
	assert_in_range(r.decision[0].target_kib, 2150 * MIB, 2151 * MIB);
	assert_in_range(r.decision[1].target_kib, 2866 * MIB, 2868 * MIB);
	rig_free(&r);
}

static void mom_shrinks_all_by_5_percent_otherwise(void **state)
{
	struct host_rig r = mom(10 * GIB, GIB);

	rig_add(&r, 2 * GIB, GIB);
	rig_add(&r, 2 * GIB, 1900 * MIB);
	rig_decide(&r);
	assert_in_range(r.decision[0].target_kib, 1945 * MIB, 1946 * MIB);
	/* A tenth of the host is free, so a tenth of the guest stays free. */
	assert_int_equal(r.decision[1].target_kib, 2 * GIB);
	rig_free(&r);
}

static void mom_makes_guests_swap_when_it_is_critical(void **state)
{
	struct host_rig r = mom(10 * GIB, 256 * MIB);

	rig_add(&r, 2 * GIB, 2 * GIB - MIB);
	rig_decide(&r);
	/* 2.5 % of the host are free: 2.5 % of the guest less than it uses. */
	assert_in_range(r.decision[0].target_kib, 1995 * MIB, 1997 * MIB);
	rig_free(&r);
}

static void mom_waits_for_the_average_of_ten_samples(void **state)
{
	struct host_rig r = mom(10 * GIB, 5 * GIB);

	rig_set(&r, "interval-ms", 0);
	rig_add(&r, 2 * GIB, GIB);
	for (int i = 0; i < 10; i++)
		rig_decide(&r);
	/* One sample below the threshold does not make it shrink. */
	r.host.available_kib = GIB;
	rig_decide(&r);
	assert_true(r.decision[0].target_kib > 2 * GIB);
	for (int i = 0; i < 10; i++)
		rig_decide(&r);
	assert_true(r.decision[0].target_kib < 2 * GIB);
	rig_free(&r);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(table_has_ours_first_and_every_rule_by_name),
		T(every_reason_has_a_name_of_its_own),
		T(initial_values_are_within_their_bounds),
		T(reserve_overhead_and_room_are_not_handed_out),
		T(growth_waits_for_what_others_really_gave),
		T(what_is_in_flight_counts_once),
		T(host_with_less_free_than_its_books_say_gives_less),
		T(guests_out_of_reach_are_left_alone_and_counted),
		T(guest_that_starts_takes_its_maximum),
		T(raised_minimum_is_kept_at_once),
		T(lowered_maximum_is_kept_at_once),
		T(fixed_moves_nobody),
		T(squeezed_is_the_same_part_of_the_way_for_all),
		T(squeezed_acts_every_30_seconds),
		T(qmemman_shares_all_in_proportion_to_130_percent_of_use),
		T(qmemman_gives_what_one_may_not_have_to_the_others),
		T(qmemman_does_not_count_cache_but_counts_swap),
		T(qmemman_takes_surplus_for_those_that_are_short),
		T(qmemman_leaves_small_changes_alone),
		T(proxmox_shares_80_percent_as_in_its_guide),
		T(proxmox_moves_in_steps),
		T(mom_grows_all_while_a_fifth_of_the_host_is_free),
		T(mom_shrinks_all_by_5_percent_otherwise),
		T(mom_makes_guests_swap_when_it_is_critical),
		T(mom_waits_for_the_average_of_ten_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
