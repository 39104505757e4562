// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * tools/aerostatd/home.c and bring.c: when pages come home, and for how long nothing is tried
 * after giving up.  The machine is a folder (tests/swap/os.c); the child is a real one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "home.h"
#include "machine.h"

#define POLICY	  AERO_POLICY_FOLDER

/* Four areas; 100 KiB lie in the second, which is the least, and 200 in each other one. */
#define LEAST_KIB 100U
#define ALL_KIB	  700U

/* The headroom is a twentieth of it, of which half may be used up on the way. */
#define TOTAL_KIB 1000000U

static struct machine *machine;
static struct aero_home home;

static const struct aero_stall calm = {0};

static void swap_is_used(void)
{
	char text[1024];
	size_t n = 0;

	for (unsigned int i = 0; i < 4; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "/dev/zram%u  partition 8188 %u 100\n", i,
				      i == 1 ? LEAST_KIB : 200);
	machine_write(machine, "/proc/swaps", "Filename Type Size Used Priority\n%s", text);
}

static void available_is(unsigned int kib)
{
	machine_write(machine, "/proc/meminfo", "MemTotal: %u kB\nMemAvailable: %u kB\n", TOTAL_KIB,
		      kib);
}

static void stalls_are(unsigned int n)
{
	machine_write(machine, "/proc/vmstat", "allocstall_normal %u\npswpout 0\n", n);
}

static void tasks_waited_us(unsigned long long us)
{
	machine_write(machine, "/proc/pressure/memory",
		      "some avg10=0.00 avg60=0.00 avg300=0.00 total=%llu\n"
		      "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		      us);
}

/* All that lies in swap may stay: the pace adds nothing to what a test says is due. */
static void nothing_more_is_due(void)
{
	machine_write(machine, POLICY "/swap_target_kib", "%u\n", ALL_KIB);
}

/* Switching an area off takes a minute, or no time. */
static void areas_are_slow(bool slow)
{
	machine_write(machine, "/fake/swapoff-ms", slow ? "60000" : "0");
}

static int set_up(void **state)
{
	static const char *const folders[] = {"/proc/pressure", POLICY, "/sys/class/zram-control",
					      "/sys/block",	"/dev", "/run",
					      "/fake"};
	const struct aero_plan plan = {.areas = 4, .size_mib = 8, .priority = 100};
	static struct aero_areas areas;

	(void)state;
	machine = machine_new();
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		machine_folder(machine, folders[i]);
	machine_write(machine, "/proc/swaps", "Filename Type Size Used Priority\n");
	machine_write(machine, POLICY "/frontswap_selfshrinking", "1\n");
	machine_write(machine, POLICY "/selfballoon_interval", "1\n");
	nothing_more_is_due();
	available_is(TOTAL_KIB / 2);
	stalls_are(7);
	tasks_waited_us(1000);
	areas_are_slow(false);
	close(aero_areas_lock(machine->root, 0));
	assert_int_equal(aero_areas_make(machine->root, &plan, &areas), 0);
	swap_is_used();
	memset(&home, 0, sizeof(home));
	home.root = machine->root;
	home.verbose = true;
	aero_home_start(&home);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	aero_home_end(&home);
	machine_remove(machine);
	return 0;
}

/* Reports without pressure, until one more would begin. */
static void almost_begin(void)
{
	while (home.calm < 4 || home.resting > 1) {
		aero_home_step(&home, &calm);
		assert_int_equal(home.child, 0);
	}
}

static void begin(void)
{
	home.due_kib = LEAST_KIB;
	almost_begin();
	aero_home_step(&home, &calm);
	assert_int_not_equal(home.child, 0);
}

/* Watches until the child has ended. */
static void until_it_ended(void)
{
	const struct timespec nap = {.tv_nsec = 1000000};

	for (int i = 0; i < 20000 && home.child; i++) {
		aero_home_watch(&home);
		nanosleep(&nap, NULL);
	}
	assert_int_equal(home.child, 0);
}

/* Begins, and the kernel has to reclaim memory meanwhile. */
static void begin_and_give_up(void)
{
	areas_are_slow(true);
	begin();
	stalls_are(8);
	until_it_ended();
	stalls_are(7);
}

static void comes_home(void)
{
	areas_are_slow(false);
	begin();
	until_it_ended();
	swap_is_used();
}

/* ---- when it begins ---- */

static void pressure_begins_the_count_of_calm_reports_anew(void **state)
{
	const struct aero_stall just_calm = {.some_permille = AERO_STALL_PERMILLE - 1};
	const struct aero_stall pressed = {.some_permille = AERO_STALL_PERMILLE};

	(void)state;
	home.due_kib = LEAST_KIB;
	for (int i = 0; i < 4; i++)
		aero_home_step(&home, &just_calm);
	aero_home_step(&home, &pressed);
	for (int i = 0; i < 4; i++)
		aero_home_step(&home, &just_calm);
	assert_int_equal(home.child, 0);
	aero_home_step(&home, &just_calm);
	assert_int_not_equal(home.child, 0);
}

static void what_is_not_wanted_any_more_is_not_owed(void **state)
{
	(void)state;
	home.due_kib = LEAST_KIB;
	almost_begin();
	machine_write(machine, POLICY "/swap_target_kib", "-\n");
	aero_home_step(&home, &calm);
	nothing_more_is_due();
	aero_home_step(&home, &calm);
	assert_int_equal(home.child, 0);
	assert_int_equal(home.due_kib, 0);
}

static void what_can_not_begin_yet_is_owed_once(void **state)
{
	(void)state;
	home.due_kib = 5 * LEAST_KIB;
	aero_home_step(&home, &calm);
	assert_int_equal(home.child, 0);
	assert_int_equal(home.due_kib, LEAST_KIB);
}

/* ---- giving up ---- */

static void half_of_the_headroom_may_be_used_up(void **state)
{
	(void)state;
	areas_are_slow(true);
	begin();
	available_is(TOTAL_KIB / 40);
	aero_home_watch(&home);
	assert_false(home.killed);
	available_is(TOTAL_KIB / 40 - 1);
	aero_home_watch(&home);
	assert_true(home.killed);
}

static void what_takes_more_than_thirty_reports_is_given_up(void **state)
{
	(void)state;
	areas_are_slow(true);
	begin();
	for (int i = 0; i < 30; i++) {
		aero_home_step(&home, &calm);
		aero_home_watch(&home);
		assert_false(home.killed);
	}
	aero_home_step(&home, &calm);
	aero_home_watch(&home);
	assert_true(home.killed);
}

static void rests_double_up_to_sixteen_minutes(void **state)
{
	static const unsigned int rests[] = {30, 60, 120, 240, 480, 960, 960};

	(void)state;
	for (size_t i = 0; i < sizeof(rests) / sizeof(*rests); i++) {
		begin_and_give_up();
		assert_int_equal(home.resting, rests[i]);
	}
}

static void success_makes_rests_short_again(void **state)
{
	(void)state;
	begin_and_give_up();
	begin_and_give_up();
	comes_home();
	assert_int_equal(home.resting, 0);
	begin_and_give_up();
	assert_int_equal(home.resting, 30);
}

/* ---- the end ---- */

static void after_one_area_it_waits_for_calm_again(void **state)
{
	(void)state;
	comes_home();
	home.due_kib = LEAST_KIB;
	for (int i = 0; i < 4; i++)
		aero_home_step(&home, &calm);
	assert_int_equal(home.child, 0);
}

static bool is_on(const char *path)
{
	static struct aero_areas areas;
	bool on = false;

	assert_int_equal(aero_areas_load(machine->root, &areas), 1);
	assert_int_equal(aero_areas_look(machine->root, &areas), 0);
	for (size_t i = 0; i < areas.count; i++)
		on = on || (!strcmp(areas.area[i].path, path) && areas.area[i].on);
	return on;
}

static void areas_that_stayed_off_are_on_at_the_end(void **state)
{
	(void)state;
	machine_write(machine, "/fake/swapon-errno", "12");
	begin();
	until_it_ended();
	assert_false(is_on("/dev/zram1"));
	machine_unlink(machine, "/fake/swapon-errno");
	aero_home_end(&home);
	assert_true(is_on("/dev/zram1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pressure_begins_the_count_of_calm_reports_anew),
		TEST(what_is_not_wanted_any_more_is_not_owed),
		TEST(what_can_not_begin_yet_is_owed_once),
		TEST(half_of_the_headroom_may_be_used_up),
		TEST(what_takes_more_than_thirty_reports_is_given_up),
		TEST(rests_double_up_to_sixteen_minutes),
		TEST(success_makes_rests_short_again),
		TEST(after_one_area_it_waits_for_calm_again),
		TEST(areas_that_stayed_off_are_on_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
