// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* tools/swap/areas.c: a record of swap areas is believed only if it could have been written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "areas.h"
#include "machine.h"
#include "os.h"

static int set_up(void **state)
{
	struct machine *machine = machine_new();

	machine_folder(machine, AERO_AREAS_FOLDER);
	*state = machine;
	return 0;
}

static int tear_down(void **state)
{
	machine_remove(*state);
	return 0;
}

/* A record of @count devices, as the tools write it. */
static json_t *recorded(const struct machine *machine, size_t count)
{
	static struct aero_areas areas;
	json_t *json;

	memset(&areas, 0, sizeof(areas));
	areas.priority = AERO_PRIORITY_MAX;
	areas.size_mib = 1;
	areas.count = count;
	for (size_t i = 0; i < count; i++) {
		areas.area[i].zram = (int)i;
		snprintf(areas.area[i].path, sizeof(areas.area[i].path), "/dev/zram%zu", i);
	}
	assert_int_equal(aero_areas_save(machine->root, &areas), 0);
	json = json_load_file(machine_path(machine, AERO_AREAS_RECORD), JSON_REJECT_DUPLICATES,
			      NULL);
	assert_non_null(json);
	return json;
}

/* Writes the record, reads it, and frees it. */
static int load(const struct machine *machine, json_t *json)
{
	static struct aero_areas areas;

	assert_int_equal(json_dump_file(json, machine_path(machine, AERO_AREAS_RECORD), 0), 0);
	json_decref(json);
	return aero_areas_load(machine->root, &areas);
}

static int load_with(const struct machine *machine, const char *key, json_t *value)
{
	json_t *json = recorded(machine, 2);

	json_object_set_new(json, key, value);
	return load(machine, json);
}

static int load_with_area(const struct machine *machine, const char *key, json_t *value)
{
	json_t *json = recorded(machine, 2);

	json_object_set_new(json_array_get(json_object_get(json, "areas"), 1), key, value);
	return load(machine, json);
}

static void what_was_written_is_believed(void **state)
{
	assert_int_equal(load(*state, recorded(*state, 1)), 1);
	assert_int_equal(load(*state, recorded(*state, AERO_AREAS_MAX)), 1);
}

static void more_areas_than_there_can_be_are_refused(void **state)
{
	json_t *json = recorded(*state, AERO_AREAS_MAX);
	json_t *list = json_object_get(json, "areas");

	json_array_append_new(list, json_deep_copy(json_array_get(list, 0)));
	assert_int_equal(load(*state, json), -1);
}

static void numbers_out_of_range_are_refused(void **state)
{
	assert_int_equal(load_with(*state, "version", json_integer(99)), -1);
	assert_int_equal(load_with(*state, "priority", json_integer(0)), 1);
	assert_int_equal(load_with(*state, "priority", json_integer(-1)), -1);
	assert_int_equal(load_with(*state, "priority", json_integer(AERO_PRIORITY_MAX + 1)), -1);
	assert_int_equal(load_with(*state, "size_mib", json_integer(UINT32_MAX)), 1);
	assert_int_equal(load_with(*state, "size_mib", json_integer(UINT32_MAX + 1LL)), -1);
	assert_int_equal(load_with(*state, "size_mib", json_integer(0)), -1);
	assert_int_equal(load_with(*state, "size_mib", json_integer(-1)), -1);
	assert_int_equal(load_with(*state, "areas", json_object()), -1);
}

static void areas_nobody_would_have_made_are_refused(void **state)
{
	char longest[AERO_PATH_MAX + 1];

	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	longest[AERO_PATH_MAX] = 0;
	assert_int_equal(load_with_area(*state, "zram", json_integer(-1)), 1);
	assert_int_equal(load_with_area(*state, "zram", json_integer(-2)), -1);
	assert_int_equal(load_with_area(*state, "zram", json_integer(7)), -1);
	assert_int_equal(load_with_area(*state, "path", json_string("dev/zram1")), -1);
	assert_int_equal(load_with_area(*state, "path", json_string("/dev/zram0")), -1);
	assert_int_equal(load_with_area(*state, "path", json_string(longest)), -1);
	assert_int_equal(load_with_area(*state, "uuid", json_string("00")), -1);
}

static void paths_of_files_have_a_bound(void **state)
{
	char path[AERO_PATH_MAX + 1];
	json_t *json, *area;
	size_t length;

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	for (length = AERO_PATH_MAX - 1; length <= AERO_PATH_MAX; length++) {
		path[length] = 0;
		json = recorded(*state, 1);
		area = json_array_get(json_object_get(json, "areas"), 0);
		json_object_set_new(area, "zram", json_integer(-1));
		json_object_set_new(area, "path", json_string(path));
		assert_int_equal(load(*state, json), length < AERO_PATH_MAX ? 1 : -1);
		path[length] = 'a';
	}
}

static void paths_of_files_are_absolute(void **state)
{
	json_t *json = recorded(*state, 1);
	json_t *area = json_array_get(json_object_get(json, "areas"), 0);

	json_object_set_new(area, "zram", json_integer(-1));
	json_object_set_new(area, "path", json_string("swap/area-1"));
	assert_int_equal(load(*state, json), -1);
}

static void states_nobody_would_have_written_are_refused(void **state)
{
	assert_int_equal(load_with_area(*state, "state", json_string("planned")), 1);
	assert_int_equal(load_with_area(*state, "state", json_string("added")), 1);
	assert_int_equal(load_with_area(*state, "state", json_string("begun")), -1);
	assert_int_equal(load_with_area(*state, "state", json_integer(0)), -1);
}

/* Of 0.1: what is on is not lost by an upgrade. */
static void records_of_the_first_version_are_believed(void **state)
{
	json_t *json = recorded(*state, 1);
	json_t *area = json_array_get(json_object_get(json, "areas"), 0);

	json_object_set_new(json, "version", json_integer(1));
	json_object_del(area, "state");
	assert_int_equal(load(*state, json), 1);
	assert_int_equal(load_with(*state, "version", json_integer(1)), -1);
}

/* Of two values under one name nobody knows which is meant. */
static void names_that_stand_twice_are_refused(void **state)
{
	const struct machine *machine = *state;
	static struct aero_areas areas;
	json_t *json = recorded(machine, 1);
	char *text = json_dumps(json, 0);

	machine_write(machine, AERO_AREAS_RECORD, "{\"size_mib\": 5, %s", text + 1);
	assert_int_equal(aero_areas_load(machine->root, &areas), -1);
	free(text);
	json_decref(json);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_written_is_believed),
		TEST(more_areas_than_there_can_be_are_refused),
		TEST(numbers_out_of_range_are_refused),
		TEST(areas_nobody_would_have_made_are_refused),
		TEST(paths_of_files_have_a_bound),
		TEST(paths_of_files_are_absolute),
		TEST(states_nobody_would_have_written_are_refused),
		TEST(records_of_the_first_version_are_believed),
		TEST(names_that_stand_twice_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
