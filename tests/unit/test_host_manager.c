// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* host/manager/: what it keeps to whatever the policy, the guests and the backend do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager_rig.h"

static int end(void **state)
{
	(void)state;
	rig_end();
	return 0;
}

/* ---- limits and promises ---- */

/* A host with one guest, which gets what the test says. */
static struct rig_guest *one_told_guest(void)
{
	rig_start(4096, &rig_policy_told);
	return rig_add("a", 1000);
}

static void no_guest_goes_below_its_minimum_or_above_its_maximum(void **state)
{
	struct rig_guest *g = one_told_guest();

	(void)state;
	g->sight.settings = (struct aero_host_settings){
		.set = AERO_HOST_SET_MIN | AERO_HOST_SET_MAX,
		.min_kib = 400 * MIB,
		.max_kib = 900 * MIB,
	};
	rig.told_kib[0] = 1;
	rig_steps(3);
	assert_int_equal(g->target_kib, 400 * MIB);
	rig.told_kib[0] = UINT64_MAX;
	rig_steps(3);
	assert_int_equal(g->target_kib, 900 * MIB);
}

static void a_target_is_set_only_when_it_changes(void **state)
{
	struct rig_guest *g = one_told_guest();

	(void)state;
	rig_steps(10);
	assert_int_equal(g->asked, 0);
	rig.told_kib[0] = 600 * MIB;
	rig_steps(10);
	assert_int_equal(g->asked, 1);
}

/* One gives to the other: the other may have it when it is there, not before. */
static void no_more_is_promised_than_there_is(void **state)
{
	struct rig_guest *a, *b;

	(void)state;
	rig_start(1000, &rig_policy_told);
	a = rig_add("a", 900);
	b = rig_add("b", 800);
	b->sight.current_kib = b->target_kib = 100 * MIB;
	a->speed_kib = 50 * MIB;
	rig_steps(1);
	rig.told_kib[0] = 300 * MIB;
	rig.told_kib[1] = 700 * MIB;
	for (unsigned int i = 0; i < 20; i++) {
		rig_steps(1);
		assert_in_range(rig_promised_kib(), 0, 1000 * MIB);
	}
	assert_int_equal(b->sight.current_kib, 700 * MIB);
}

/* Or a guest has a page more than was counted on, and room is never complete. */
static void targets_are_whole_pages(void **state)
{
	struct rig_guest *g = one_told_guest();

	(void)state;
	rig.told_kib[0] = 500 * MIB + 333;
	rig_steps(2);
	assert_int_equal(g->target_kib % 64, 0);
	assert_in_range(g->target_kib, 500 * MIB, 500 * MIB + 333);
	g->sight.settings =
		(struct aero_host_settings){.set = AERO_HOST_SET_MIN, .min_kib = 300 * MIB + 1};
	rig.told_kib[0] = 1;
	rig_steps(2);
	assert_int_equal(g->target_kib, 300 * MIB + 64);
}

static void a_dry_run_changes_nothing(void **state)
{
	struct rig_guest *g;
	json_t *all;

	(void)state;
	rig_start(4096, &rig_policy_told);
	rig.config.dry_run = true;
	rig_restart();
	g = rig_add("a", 1000);
	rig.told_kib[0] = 500 * MIB;
	rig_steps(30);
	assert_int_equal(g->asked, 0);
	all = rig_ask(NULL, false, "{\"command\": \"plan\"}");
	assert_int_equal(json_integer_value(json_object_get(
				 json_array_get(json_object_get(all, "guests"), 0), "decided_kib")),
			 500 * MIB);
	json_decref(all);
}

/* ---- guests that do not do as they are told ---- */

static void a_stuck_guest_is_planned_around(void **state)
{
	struct rig_guest *g = one_told_guest();

	(void)state;
	rig_steps(3);
	g->speed_kib = 0;
	g->silent = true;
	rig.told_kib[0] = 500 * MIB;
	rig_steps(17);
	assert_string_equal(rig_mode(0), "stuck");
	assert_non_null(strstr(rig_why(0), "made no progress"));
	/* Its request is withdrawn: it takes and gives nothing behind our back. */
	assert_int_equal(g->target_kib, 1000 * MIB);
	rig_steps(1);
	assert_int_equal(rig.seen[0].mode, AERO_HOST_STUCK);
	assert_int_equal(rig_said("made no progress"), 1);
	/* It answers again. */
	g->silent = false;
	g->speed_kib = UINT64_MAX;
	rig_steps(40);
	assert_string_equal(rig_mode(0), "managed");
	assert_int_equal(g->sight.current_kib, 500 * MIB);
}

/* Its driver answers, and has nothing left to give: it must be able to grow all the same. */
static void a_guest_that_gave_all_may_still_grow(void **state)
{
	struct rig_guest *g = one_told_guest();

	(void)state;
	g->sight.current_kib = g->target_kib = 600 * MIB;
	rig_steps(2);
	g->speed_kib = 0;
	rig.told_kib[0] = 500 * MIB;
	rig_steps(17);
	assert_string_equal(rig_mode(0), "managed");
	assert_non_null(strstr(rig_why(0), "could not give more"));
	rig_steps(1);
	assert_int_equal(rig.seen[0].min_kib, 600 * MIB);
	g->speed_kib = UINT64_MAX;
	rig.told_kib[0] = 900 * MIB;
	rig_steps(3);
	assert_int_equal(g->sight.current_kib, 900 * MIB);
}

static void slow_is_not_stuck(void **state)
{
	struct rig_guest *g = one_told_guest();

	(void)state;
	rig_steps(2);
	g->speed_kib = MIB;
	rig.told_kib[0] = 700 * MIB;
	for (unsigned int i = 0; i < 350; i++) {
		rig_steps(1);
		assert_string_equal(rig_mode(0), "managed");
	}
	assert_int_equal(g->sight.current_kib, 700 * MIB);
}

static void a_guest_without_driver_starts_and_is_then_unreachable(void **state)
{
	struct rig_guest *g = one_told_guest();

	(void)state;
	g->sight.mark = 0;
	g->speed_kib = 0;
	rig.told_kib[0] = 500 * MIB;
	rig_steps(30);
	assert_string_equal(rig_mode(0), "starting");
	assert_int_equal(g->asked, 0);
	rig_steps(60);
	assert_string_equal(rig_mode(0), "unreachable");
	assert_non_null(strstr(rig_why(0), "no balloon driver answers"));
	/* The driver comes. */
	g->sight.mark = 7;
	g->speed_kib = UINT64_MAX;
	rig_steps(3);
	assert_string_equal(rig_mode(0), "managed");
	assert_int_equal(g->sight.current_kib, 500 * MIB);
}

static void a_guest_that_cannot_be_reached_is_left_alone(void **state)
{
	static const struct {
		enum aero_host_life life;
		const char *why;
	} lives[] = {{AERO_HOST_PAUSED, "paused"},
		     {AERO_HOST_CRASHED, "crashed"},
		     {AERO_HOST_ENDING, "shuts down"}};
	struct rig_guest *g = one_told_guest();

	(void)state;
	rig_steps(2);
	for (size_t i = 0; i < 3; i++) {
		g->sight.life = lives[i].life;
		rig.told_kib[0] = 500 * MIB;
		rig_steps(40);
		assert_string_equal(rig_mode(0), "unreachable");
		assert_non_null(strstr(rig_why(0), lives[i].why));
		assert_int_equal(g->asked, 0);
	}
	/* The time in which it was paused is not held against it. */
	g->sight.life = AERO_HOST_RUNNING;
	rig_steps(3);
	assert_string_equal(rig_mode(0), "managed");
	assert_int_equal(g->sight.current_kib, 500 * MIB);
}

static void a_guest_without_a_device_is_left_alone(void **state)
{
	struct rig_guest *g = one_told_guest();

	(void)state;
	g->sight.balloon = false;
	rig.told_kib[0] = 500 * MIB;
	rig_steps(100);
	assert_string_equal(rig_mode(0), "unreachable");
	assert_int_equal(g->asked, 0);
}

static void a_refused_target_is_tried_again_later(void **state)
{
	struct rig_guest *g = one_told_guest();

	(void)state;
	rig_steps(2);
	g->refuses = true;
	rig.told_kib[0] = 500 * MIB;
	rig_steps(20);
	assert_string_equal(rig_mode(0), "unreachable");
	assert_int_equal(rig_said("its size can't be set"), 1);
	g->refuses = false;
	rig_steps(20);
	assert_string_equal(rig_mode(0), "managed");
	assert_int_equal(g->sight.current_kib, 500 * MIB);
}

/* Such as a driver that gives memory back when a guest runs out of it. */
static void a_size_that_changes_by_itself_is_where_we_begin(void **state)
{
	struct rig_guest *g = one_told_guest();

	(void)state;
	rig_steps(2);
	rig.told_kib[0] = 500 * MIB;
	rig_steps(5);
	rig.told_kib[0] = 0;
	g->sight.current_kib = g->target_kib = 800 * MIB;
	rig_steps(2);
	assert_int_equal(rig.seen[0].target_kib, 800 * MIB);
	assert_int_equal(rig.seen[0].current_kib, 800 * MIB);
}

/* ---- the daemon and the backend come and go ---- */

static void a_restarted_daemon_goes_on_from_what_is(void **state)
{
	struct rig_guest *g = one_told_guest();

	(void)state;
	rig_steps(2);
	rig.told_kib[0] = 500 * MIB;
	rig_steps(3);
	rig.told_kib[0] = 0;
	g->asked = 0;
	rig_restart();
	rig_steps(20);
	assert_int_equal(g->asked, 0);
	assert_string_equal(rig_mode(0), "managed");
	assert_int_equal(rig.seen[0].target_kib, 500 * MIB);
}

/* What a guest was asked for before the daemon began, it may take at any moment. */
static void what_was_asked_before_is_promised(void **state)
{
	struct rig_guest *a, *b;

	(void)state;
	rig_start(1500, &rig_policy_told);
	a = rig_add("a", 1000);
	b = rig_add("b", 1000);
	a->sight.current_kib = b->sight.current_kib = 400 * MIB;
	a->target_kib = a->sight.asked_kib = 900 * MIB;
	b->target_kib = b->sight.asked_kib = 400 * MIB;
	a->speed_kib = 10 * MIB;
	rig.told_kib[0] = 900 * MIB;
	rig.told_kib[1] = 1000 * MIB;
	rig_steps(3);
	assert_int_equal(rig.seen[0].target_kib, 900 * MIB);
	assert_int_equal(b->target_kib, 600 * MIB);
	assert_true(rig_promised_kib() <= 1500 * MIB);
	assert_int_equal(a->asked, 0);
	/* It was stuck before, and still is: the others need not wait for it. */
	a->speed_kib = 0;
	a->silent = true;
	rig.told_kib[0] = 0;
	rig_steps(18);
	assert_string_equal(rig_mode(0), "stuck");
	assert_int_equal(b->target_kib, 1000 * MIB);
}

static void a_guest_that_begins_small_starts_with_that(void **state)
{
	struct rig_guest *g;

	(void)state;
	rig_start(4096, &rig_policy_told);
	g = rig_add("a", 1000);
	g->sight.current_kib = g->target_kib = g->sight.start_kib = 400 * MIB;
	g->sight.mark = 0;
	rig.told_kib[0] = 800 * MIB;
	rig_steps(5);
	assert_string_equal(rig_mode(0), "starting");
	assert_int_equal(rig.seen[0].max_kib, 400 * MIB);
	assert_int_equal(g->asked, 0);
	g->sight.start_kib = 0;
	rig_steps(2);
	assert_string_equal(rig_mode(0), "managed");
	assert_int_equal(g->target_kib, 800 * MIB);
}

static void nothing_changes_while_the_backend_is_away(void **state)
{
	struct rig_guest *g;
	json_t *all;

	(void)state;
	rig_start(4096, &rig_policy_told);
	g = rig_add("a", 1000);
	rig_steps(2);
	rig.away = true;
	rig.told_kib[0] = 500 * MIB;
	for (unsigned int i = 0; i < 30; i++)
		assert_int_not_equal(rig_step(), 0);
	assert_int_equal(g->asked, 0);
	assert_int_equal(rig_said("the backend is away"), 1);
	all = rig_ask(NULL, false, "{\"command\": \"status\"}");
	assert_true(json_is_false(json_object_get(all, "connected")));
	json_decref(all);
	rig.away = false;
	rig_steps(3);
	assert_int_equal(rig_said("can be seen again"), 1);
	assert_int_equal(g->sight.current_kib, 500 * MIB);
}

static void a_guest_that_ends_is_forgotten(void **state)
{
	(void)state;
	rig_start(4096, &rig_policy_told);
	rig_add("a", 1000);
	rig_add("b", 1000);
	rig_steps(2);
	rig.count = 1;
	rig_steps(1);
	assert_string_equal(rig_mode(1), "");
	rig_add("b", 500);
	rig_steps(1);
	assert_string_equal(rig_mode(1), "managed");
}

/* ---- statistics ---- */

static void statistics_that_are_impossible_say_nothing(void **state)
{
	struct rig_guest *g = one_told_guest();

	(void)state;
	rig_steps(2);
	assert_in_range(rig.seen[0].statistics_age_ms, 0, 1000);
	/* Huge. */
	g->sight.unused_kib = g->sight.usable_kib = g->sight.cache_kib = UINT64_MAX / 2;
	rig_steps(1);
	assert_int_equal(rig.seen[0].statistics_age_ms, UINT32_MAX);
	assert_int_equal(rig.seen[0].usable_kib, AERO_HOST_UNKNOWN);
	/* Zero. */
	g->sight.unused_kib = g->sight.usable_kib = g->sight.cache_kib = 0;
	rig_steps(1);
	assert_int_equal(rig.seen[0].statistics_age_ms, UINT32_MAX);
	/* One of them is good. */
	g->sight.usable_kib = 10 * MIB;
	rig_steps(1);
	assert_int_equal(rig.seen[0].usable_kib, 10 * MIB);
	assert_in_range(rig.seen[0].statistics_age_ms, 0, 1000);
}

static void stale_statistics_grow_old(void **state)
{
	struct rig_guest *g = one_told_guest();

	(void)state;
	rig_steps(3);
	g->silent = true;
	rig_steps(20);
	assert_int_equal(rig.seen[0].statistics_age_ms, 20000);
	/* A look without statistics is no news either. */
	g->sight.mark = 0;
	g->sight.usable_kib = AERO_HOST_UNKNOWN;
	rig_steps(5);
	assert_int_equal(rig.seen[0].statistics_age_ms, 25000);
	assert_int_equal(rig.seen[0].usable_kib, 500 * MIB);
}

static void counters_that_go_back_have_begun_anew(void **state)
{
	struct rig_guest *g = one_told_guest();

	(void)state;
	g->sight.major_faults = g->sight.swap_in_kib = 1000;
	rig_steps(2);
	g->sight.major_faults = g->sight.swap_in_kib = 1300;
	rig_steps(1);
	assert_int_equal(rig.seen[0].major_faults, 300);
	assert_int_equal(rig.seen[0].swap_in_kib, 300);
	rig_steps(1);
	assert_int_equal(rig.seen[0].major_faults, 0);
	g->sight.major_faults = 5;
	g->sight.swap_in_kib = AERO_HOST_UNKNOWN;
	rig_steps(1);
	assert_int_equal(rig.seen[0].major_faults, 0);
	assert_int_equal(rig.seen[0].swap_in_kib, 0);
}

static void the_hosts_own_use_is_taken_off(void **state)
{
	(void)state;
	rig_start(0, &rig_policy_told);
	rig.reading.total_kib = 4000 * MIB;
	rig.reading.available_kib = 2500 * MIB;
	rig_add("a", 1000);
	rig_steps(1);
	assert_int_equal(rig.host.total_kib, 4000 * MIB);
	assert_int_equal(rig.host.overhead_kib, 500 * MIB);
	/* More than there is. */
	rig.guest[0].sight.resident_kib = UINT64_MAX - 5;
	rig_steps(1);
	assert_int_equal(rig.host.overhead_kib, 0);
}

/* ---- settings ---- */

static void wrong_settings_are_said_once_and_defaults_apply(void **state)
{
	static const struct aero_host_settings wrong[] = {
		{.set = AERO_HOST_SET_MIN, .min_kib = 2000 * MIB},
		{.set = AERO_HOST_SET_MAX, .max_kib = 2000 * MIB},
		{.set = AERO_HOST_SET_MIN | AERO_HOST_SET_MAX,
		 .min_kib = 600 * MIB,
		 .max_kib = 500 * MIB},
	};
	static const unsigned int said[] = {2, 3, 1};
	struct rig_guest *g = one_told_guest();

	(void)state;
	strcpy(g->sight.complaint, "nonsense");
	rig_steps(5);
	assert_int_equal(rig_said("guest a: nonsense; its default limits apply"), 1);
	assert_int_equal(rig.seen[0].min_kib, 250 * MIB);
	g->sight.complaint[0] = 0;
	for (size_t i = 0; i < 3; i++) {
		g->sight.settings = wrong[i];
		rig_steps(5);
		assert_int_equal(rig_said("default limits apply"), said[i]);
		assert_int_equal(rig.seen[0].min_kib, 250 * MIB);
		assert_int_equal(rig.seen[0].max_kib, 1000 * MIB);
		if (i == 1)
			rig.log[0] = 0;
	}
}

static void metadata_stand_above_the_configuration(void **state)
{
	struct rig_guest *g;

	(void)state;
	rig_start(4096, &rig_policy_told);
	rig.config.rules_count = 1;
	strcpy(rig.config.rules[0].pattern, "web*");
	rig.config.rules[0].settings = (struct aero_host_settings){
		.set = AERO_HOST_SET_MIN | AERO_HOST_SET_SHARES,
		.min_kib = 300 * MIB,
		.shares = 7,
	};
	rig_restart();
	g = rig_add("web1", 1000);
	rig_add("db", 1000);
	g->sight.settings = (struct aero_host_settings){.set = AERO_HOST_SET_SHARES, .shares = 9};
	rig_steps(1);
	assert_int_equal(rig.seen[0].min_kib, 300 * MIB);
	assert_int_equal(rig.seen[0].shares, 9);
	assert_int_equal(rig.seen[1].min_kib, 250 * MIB);
	assert_int_equal(rig.seen[1].shares, 100);
}

static void managed_no_leaves_a_guest_alone(void **state)
{
	struct rig_guest *g = one_told_guest();

	(void)state;
	g->sight.settings = (struct aero_host_settings){.set = AERO_HOST_SET_MANAGED};
	rig.told_kib[0] = 500 * MIB;
	rig_steps(20);
	assert_string_equal(rig_mode(0), "fixed");
	assert_int_equal(g->asked, 0);
}

/* ---- every policy, in a host where anything happens ---- */

static uint64_t dice;

static uint64_t roll(uint64_t n)
{
	dice = dice * 6364136223846793005u + 1442695040888963407u;
	return (dice >> 33) % n;
}

static void shake(struct rig_guest *g)
{
	g->sight.life = roll(10) ? AERO_HOST_RUNNING : (enum aero_host_life)roll(4);
	g->speed_kib = roll(4) ? roll(200) * MIB : 0;
	g->silent = !roll(5);
	g->refuses = !roll(10);
	g->sight.usable_kib = roll(3) ? roll(g->sight.current_kib + 1) : roll(UINT64_MAX);
	g->sight.unused_kib = roll(3) ? roll(g->sight.current_kib + 1) : roll(UINT64_MAX);
	g->sight.major_faults = roll(3) ? g->sight.major_faults + roll(1000) : roll(UINT64_MAX);
}

/* Promises rise only as far as there is memory, whatever was promised before. */
static void no_policy_promises_more_than_there_is(void **state)
{
	(void)state;
	for (size_t p = 0; p < aero_host_policies_count; p++) {
		if (p)
			rig_end();
		dice = 4711 + p;
		rig_start(4000, aero_host_policies[p]);
		for (unsigned int i = 0; i < 5; i++)
			rig_add((const char *[]){"a", "b", "c", "d", "e"}[i], 700);
		for (unsigned int i = 0; i < 3000; i++) {
			uint64_t before = rig_promised_kib();

			if (!(i % 5))
				shake(&rig.guest[roll(5)]);
			rig.away = !roll(50);
			if (!roll(200))
				rig_restart();
			rig_step();
			if (rig_promised_kib() > before)
				assert_in_range(rig_promised_kib(), 0, 4000 * MIB);
			for (unsigned int g = 0; g < 5; g++)
				assert_in_range(rig.guest[g].target_kib, 175 * MIB, 700 * MIB);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(no_guest_goes_below_its_minimum_or_above_its_maximum,
					  end),
		cmocka_unit_test_teardown(a_target_is_set_only_when_it_changes, end),
		cmocka_unit_test_teardown(no_more_is_promised_than_there_is, end),
		cmocka_unit_test_teardown(targets_are_whole_pages, end),
		cmocka_unit_test_teardown(a_dry_run_changes_nothing, end),
		cmocka_unit_test_teardown(a_stuck_guest_is_planned_around, end),
		cmocka_unit_test_teardown(a_guest_that_gave_all_may_still_grow, end),
		cmocka_unit_test_teardown(slow_is_not_stuck, end),
		cmocka_unit_test_teardown(a_guest_without_driver_starts_and_is_then_unreachable,
					  end),
		cmocka_unit_test_teardown(a_guest_that_cannot_be_reached_is_left_alone, end),
		cmocka_unit_test_teardown(a_guest_without_a_device_is_left_alone, end),
		cmocka_unit_test_teardown(a_refused_target_is_tried_again_later, end),
		cmocka_unit_test_teardown(a_size_that_changes_by_itself_is_where_we_begin, end),
		cmocka_unit_test_teardown(a_restarted_daemon_goes_on_from_what_is, end),
		cmocka_unit_test_teardown(what_was_asked_before_is_promised, end),
		cmocka_unit_test_teardown(a_guest_that_begins_small_starts_with_that, end),
		cmocka_unit_test_teardown(nothing_changes_while_the_backend_is_away, end),
		cmocka_unit_test_teardown(a_guest_that_ends_is_forgotten, end),
		cmocka_unit_test_teardown(statistics_that_are_impossible_say_nothing, end),
		cmocka_unit_test_teardown(stale_statistics_grow_old, end),
		cmocka_unit_test_teardown(counters_that_go_back_have_begun_anew, end),
		cmocka_unit_test_teardown(the_hosts_own_use_is_taken_off, end),
		cmocka_unit_test_teardown(wrong_settings_are_said_once_and_defaults_apply, end),
		cmocka_unit_test_teardown(metadata_stand_above_the_configuration, end),
		cmocka_unit_test_teardown(managed_no_leaves_a_guest_alone, end),
		cmocka_unit_test_teardown(no_policy_promises_more_than_there_is, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
