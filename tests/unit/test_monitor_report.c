// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* host/json/report.c and vmware/names.c: the document says what the monitor knows. */
#include <jansson.h>

#include "json/json.h"
#include "test_monitor.h"
#include "vmware/names.h"

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

/* What the report says of the settings can be handed back as it is, "fired" included. */
static void settings_can_be_handed_back(void **state)
{
	struct machine *t = *state;
	char error[512];
	json_t *before;
	json_t *after;
	char *text;

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
	text = json_dumps(get(before, "settings"), 0);

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
	json_decref(before);
	json_decref(after);
}

/* A fault that is handed back counts from 0 again, whatever "fired" says. */
static void a_fault_that_fired_can_be_handed_back(void **state)
{
	struct machine *t = *state;
	uint64_t fired = 0;
	char error[512];
	json_t *before;
	char *text;

	assert_int_equal(
		aero_monitor_control(t->m, "{\"faults\": [{\"command\": \"lock\", \"status\": 8}]}",
				     error, sizeof(error)),
		0);
	assert_int_equal(call(t, AERO_VMW_LOCK, 100, 0), AERO_VMW_E_BUSY);
	before = report(t);
	assert_int_equal(json_integer_value(json_object_get(
				 json_array_get(get(before, "settings.faults"), 0), "fired")),
			 1);
	text = json_dumps(get(before, "settings"), 0);
	if (aero_monitor_control(t->m, text, error, sizeof(error)))
		fail_msg("%s: %s", text, error);
	assert_non_null(aero_monitor_fault(t->m, 0, &fired));
	assert_int_equal(fired, 0);
	free(text);
	json_decref(before);
}

/* JSON's numbers end at 2^63 - 1 here; a larger one must not come out negative. */
static void large_numbers_do_not_wrap(void **state)
{
	struct machine *t = *state;
	json_t *o;

	aero_monitor_set_target(t->m, UINT64_MAX);
	o = report(t);
	assert_number(o, "wanted_pages", INT64_MAX);
	json_decref(o);
	aero_monitor_set_target(t->m, (uint64_t)INT64_MAX + 1);
	o = report(t);
	assert_number(o, "wanted_pages", INT64_MAX);
	json_decref(o);
	aero_monitor_set_target(t->m, INT64_MAX - 1);
	o = report(t);
	assert_number(o, "wanted_pages", INT64_MAX - 1);
	json_decref(o);
}

/* ---- memory that runs out, at each allocation in turn ---- */

static unsigned long allocations;
static unsigned long fails_at; /* the allocation, counted from 1, from which on all fail */
static bool fails_once;

static void *scarce_malloc(size_t size)
{
	allocations++;
	if (fails_at && (fails_once ? allocations == fails_at : allocations >= fails_at))
		return NULL;
	return malloc(size);
}

/*
 * A report that lacks keys looks like one of a monitor that does not know them: it must
 * be whole, or not there.
 */
static void a_report_is_whole_or_none(void **state)
{
	struct machine *t = *state;
	unsigned long needed;
	char error[512];
	char *whole;

	machine_start(t, AERO_VMW_CAP_ALL, 5000);
	call(t, AERO_VMW_DOORBELL_SET, 3, 4);
	call(t, AERO_VMW_LOCK, 100, 0);
	assert_int_equal(
		aero_monitor_control(t->m,
				     "{\"faults\": [{\"command\": \"lock\", \"status\": 8},"
				     "{\"action\": \"reset\", \"first\": 99}],"
				     "\"withhold\": [\"basic\"], \"force_target_pages\": 5}",
				     error, sizeof(error)),
		0);
	json_set_alloc_funcs(scarce_malloc, free);
	allocations = 0;
	fails_at = 0;
	whole = aero_monitor_report(t->m);
	assert_non_null(whole);
	needed = allocations;
	assert_true(needed > 200);
	for (int once = 0; once < 2; once++) {
		fails_once = once;
		for (fails_at = 1; fails_at <= needed; fails_at++) {
			char *text;

			allocations = 0;
			text = aero_monitor_report(t->m);
			if (text)
				fail_msg("a report without allocation %lu: %s", fails_at, text);
		}
	}
	fails_at = 0;
	json_set_alloc_funcs(malloc, free);
	free(whole);
}

/* And settings are taken whole, or refused with words. */
static void a_document_takes_effect_or_says_why(void **state)
{
	static const char document[] =
		"{\"faults\": [{\"command\": \"lock\", \"status\": 8}], \"target_pages\": 77,"
		" \"withhold\": [\"basic\", \"target-64\"], \"old_host\": true}";
	struct machine *t = *state;
	unsigned long needed;
	char error[512];

	json_set_alloc_funcs(scarce_malloc, free);
	allocations = 0;
	fails_at = 0;
	fails_once = true;
	assert_int_equal(aero_monitor_control(t->m, document, error, sizeof(error)), 0);
	needed = allocations;
	assert_true(needed > 10);
	aero_monitor_set_target(t->m, 0);
	assert_int_equal(aero_monitor_set_faults(t->m, NULL, 0), 0);
	for (fails_at = 1; fails_at <= needed; fails_at++) {
		int err;

		allocations = 0;
		error[0] = 0;
		err = aero_monitor_control(t->m, document, error, sizeof(error));
		if (err == 0 || !error[0] || strchr(error, '\n'))
			fail_msg("allocation %lu: %d, \"%s\"", fails_at, err, error);
		assert_int_equal(aero_monitor_wanted(t->m), 0);
		assert_int_equal(aero_monitor_faults(t->m), 0);
	}
	fails_at = 0;
	json_set_alloc_funcs(malloc, free);
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
		MACHINE_TEST(a_fault_that_fired_can_be_handed_back),
		MACHINE_TEST(large_numbers_do_not_wrap),
		MACHINE_TEST(a_report_is_whole_or_none),
		MACHINE_TEST(a_document_takes_effect_or_says_why),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests_name("monitor-report", tests, NULL, NULL);
}
