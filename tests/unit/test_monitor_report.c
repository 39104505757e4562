// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* host/report.c and names.c: the document says what the monitor knows. */
#include <jansson.h>

#include "test_monitor.h"

static json_t *report(struct machine *t)
{
	char *text = aero_monitor_report(t->m);
	json_t *o;

	assert_non_null(text);
	o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	assert_non_null(o);
	return o;
}

/* A value by the names on the way to it, separated by dots. */
static json_t *get(json_t *o, const char *path)
{
	char key[64];

	while (o && *path) {
		size_t n = strcspn(path, ".");

		assert_true(n < sizeof(key));
		memcpy(key, path, n);
		key[n] = 0;
		o = json_object_get(o, key);
		path += n + (path[n] == '.');
	}
	assert_non_null(o);
	return o;
}

#define assert_number(o, path, n) assert_int_equal(json_integer_value(get(o, path)), n)

static void an_empty_monitor(void **state)
{
	json_t *o = report(*state);

	assert_number(o, "format", 1);
	assert_number(o, "ram_pages", RAM_PAGES);
	assert_number(o, "limit_pages", RAM_PAGES);
	assert_number(o, "size_pages", 0);
	assert_int_equal(json_array_size(get(o, "capabilities_offered")), 5);
	assert_true(json_is_false(get(o, "connection.connected")));
	assert_true(json_is_null(get(o, "settings.force_target_pages")));
	assert_int_equal(json_object_size(get(o, "counters.commands")), 10);
	assert_int_equal(json_object_size(get(o, "counters.commands.lock.status")), 0);
	json_decref(o);
}

static void a_busy_monitor(void **state)
{
	struct machine *t = *state;
	json_t *o;

	machine_start(t, AERO_VMW_CAP_ALL, 5000);
	call(t, AERO_VMW_GUEST_ID, AERO_VMW_GUEST_LINUX, 0);
	call(t, AERO_VMW_DOORBELL_SET, 3, 4);
	t->instructions = 77;
	t->ns = 88;
	call_batch(t, AERO_VMW_BATCHED_2M_LOCK, RUN, RUN, 2);
	call(t, AERO_VMW_LOCK, 100, 0);
	call(t, AERO_VMW_LOCK, 100, 0);

	o = report(t);
	assert_number(o, "wanted_pages", 5000);
	assert_number(o, "target_pages", 5000);
	assert_number(o, "size_pages", 2 * RUN + 1);
	assert_true(json_is_true(get(o, "connection.connected")));
	assert_int_equal(json_array_size(get(o, "connection.capabilities")), 5);
	assert_number(o, "connection.guest_id", 1);
	assert_number(o, "connection.limit_said_pages", RAM_PAGES);
	assert_number(o, "connection.doorbell_context", 3);
	assert_number(o, "connection.doorbell_resource", 4);
	assert_number(o, "counters.commands.lock.calls", 2);
	assert_number(o, "counters.commands.lock.failures", 1);
	assert_number(o, "counters.commands.lock.status.ppn-locked", 1);
	assert_number(o, "counters.inflate.pages", 2 * RUN + 1);
	assert_number(o, "counters.inflate.entries.2m.ok", 2);
	assert_number(o, "counters.inflate.entries.4k.ppn-locked", 1);
	assert_number(o, "counters.inflate.busy_instructions", 77);
	assert_number(o, "counters.inflate.busy_ns", 88);
	assert_number(o, "counters.deflate.pages", 0);
	assert_number(o, "counters.discarded_pages", 2 * RUN + 1);
	json_decref(o);
}

/* What the report says of the settings can be handed back, but for "fired". */
static void settings_can_be_handed_back(void **state)
{
	struct machine *t = *state;
	char error[512];
	json_t *before;
	json_t *after;
	json_t *fault;
	json_t *settings;
	char *text;
	size_t i;

	assert_int_equal(aero_monitor_control(
				 t->m,
				 "{\"faults\": [{\"command\": \"lock\", \"status\": \"failure\"},"
				 "{\"on\": \"entry\", \"status\": 9, \"direction\": \"deflate\","
				 "\"first\": 2, \"every\": 3, \"times\": 4}],"
				 "\"withhold\": [\"batched-2m\"], \"old_host\": true,"
				 "\"force_target_pages\": 5}",
				 error, sizeof(error)),
			 0);
	before = report(t);
	settings = json_deep_copy(get(before, "settings"));
	json_array_foreach(json_object_get(settings, "faults"), i, fault)
		assert_int_equal(json_object_del(fault, "fired"), 0);
	text = json_dumps(settings, 0);

	assert_int_equal(aero_monitor_control(t->m,
					      "{\"faults\": [], \"withhold\": [], \"old_host\": "
					      "false, \"force_target_pages\": null}",
					      error, sizeof(error)),
			 0);
	after = report(t);
	assert_false(json_equal(get(before, "settings"), get(after, "settings")));
	json_decref(after);
	assert_int_equal(aero_monitor_control(t->m, text, error, sizeof(error)), 0);
	after = report(t);
	assert_true(json_equal(get(before, "settings"), get(after, "settings")));
	free(text);
	json_decref(settings);
	json_decref(before);
	json_decref(after);
}

static void names(void **state)
{
	assert_string_equal(aero_monitor_command_name(AERO_VMW_BATCHED_2M_UNLOCK),
			    "batched-2m-unlock");
	assert_null(aero_monitor_command_name(5));
	assert_null(aero_monitor_command_name(AERO_VMW_COMMANDS));
	assert_string_equal(aero_monitor_status_name(AERO_VMW_E_RESET), "reset");
	for (unsigned int i = 0; i < AERO_STATUS_KINDS; i++)
		assert_non_null(aero_monitor_status_name(i));
	assert_null(aero_monitor_status_name(AERO_STATUS_KINDS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(an_empty_monitor),
		MACHINE_TEST(a_busy_monitor),
		MACHINE_TEST(settings_can_be_handed_back),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests_name("monitor-report", tests, NULL, NULL);
}
