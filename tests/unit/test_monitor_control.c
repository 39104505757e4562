// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* host/json/control.c: good documents take effect; bad ones say why and change nothing. */
#include "json/json.h"
#include "test_monitor.h"

static void good(struct machine *t, const char *json)
{
	char error[512] = "";

	if (aero_monitor_control(t->m, json, error, sizeof(error)))
		fail_msg("%s: %s", json, error);
}

static void every_setting(void **state)
{
	struct machine *t = *state;
	const struct aero_monitor_fault *rule;

	machine_start(t, AERO_VMW_CAP_ALL, 1000);
	call(t, AERO_VMW_LOCK, 100, 0);
	good(t, "{}");
	assert_int_equal(aero_monitor_size(t->m), 1);

	good(t, "{\"target_pages\": 77}");
	assert_int_equal(aero_monitor_target(t->m), 77);
	good(t, "{\"force_target_pages\": 1000000000}");
	assert_int_equal(aero_monitor_target(t->m), 1000000000);
	good(t, "{\"force_target_pages\": null}");
	assert_int_equal(aero_monitor_target(t->m), 77);
	good(t, "{\"zero_counters\": false}");
	assert_int_equal(aero_monitor_counters(t->m)->command[AERO_VMW_LOCK].calls, 1);
	good(t, "{\"zero_counters\": true}");
	assert_int_equal(aero_monitor_counters(t->m)->command[AERO_VMW_LOCK].calls, 0);
	good(t, "{\"forget_locks\": true}");
	assert_int_equal(aero_monitor_size(t->m), 0);
	assert_true(aero_monitor_connected(t->m));
	good(t, "{\"demand_reset\": true}");
	assert_false(aero_monitor_connected(t->m));
	good(t, "{\"withhold\": [\"batched\", \"target-64\"]}");
	call(t, AERO_VMW_START, AERO_VMW_CAP_ALL, 0);
	assert_int_equal(t->regs.rcx, AERO_VMW_CAP_BASIC | AERO_VMW_CAP_SIGNALLED);
	good(t, "{\"old_host\": true}");
	assert_int_equal(call(t, AERO_VMW_START, AERO_VMW_CAP_ALL, 0), AERO_VMW_OK);
	/* What a document does not name stays. */
	good(t, "{\"zero_counters\": true}");
	assert_int_equal(call(t, AERO_VMW_START, AERO_VMW_CAP_ALL, 0), AERO_VMW_OK);

	good(t, "{\"faults\": [{\"command\": \"start\", \"action\": \"silence\", \"times\": 1},"
		"{\"command\": \"batched-2m-lock\", \"direction\": \"inflate\", \"on\": \"entry\","
		"\"action\": \"status\", \"status\": \"ppn-pinned\", \"first\": 4, \"every\": 5,"
		"\"times\": 6}]}");
	assert_int_equal(aero_monitor_faults(t->m), 2);
	rule = aero_monitor_fault(t->m, 0, NULL);
	assert_int_equal(rule->action, AERO_FAULT_SILENCE);
	assert_int_equal(rule->first, 1);
	assert_int_equal(rule->every, 1);
	rule = aero_monitor_fault(t->m, 1, NULL);
	assert_int_equal(rule->command, AERO_VMW_BATCHED_2M_LOCK);
	assert_int_equal(rule->direction, AERO_FAULT_INFLATE);
	assert_int_equal(rule->what, AERO_FAULT_ENTRY);
	assert_int_equal(rule->status, AERO_VMW_E_PINNED);
	assert_int_equal(rule->first, 4);
	assert_int_equal(rule->every, 5);
	assert_int_equal(rule->times, 6);
	good(t, "{\"faults\": [{\"status\": \"failure\"}]}");
	rule = aero_monitor_fault(t->m, 0, NULL);
	assert_int_equal(rule->command, AERO_FAULT_ANY_COMMAND);
	assert_int_equal(rule->status, AERO_VMW_FAILURE);
	good(t, "{\"faults\": []}");
	assert_int_equal(aero_monitor_faults(t->m), 0);
}

/* Each with a word that its error must have. */
static void bad_documents_change_nothing(void **state)
{
	static const struct {
		const char *json;
		const char *word;
	} cases[] = {
		{"", "not JSON"},
		{"{", "not JSON"},
		{"{}{}", "not JSON"},
		{"{\"old_host\": true, \"old_host\": true}", "not JSON"},
		{"[]", "object"},
		{"7", "not JSON"},
		{"{\"nonsense\": 1}", "nonsense"},
		{"{\"target_pages\": -1}", "target_pages"},
		{"{\"target_pages\": 1.5}", "target_pages"},
		{"{\"target_pages\": \"5\"}", "target_pages"},
		{"{\"target_pages\": null}", "target_pages"},
		{"{\"target_pages\": 99999999999999999999}", "not JSON"},
		{"{\"force_target_pages\": -5}", "force_target_pages"},
		{"{\"force_target_pages\": true}", "force_target_pages"},
		{"{\"zero_counters\": 1}", "zero_counters"},
		{"{\"demand_reset\": \"yes\"}", "demand_reset"},
		{"{\"forget_locks\": 1}", "forget_locks"},
		{"{\"old_host\": null}", "old_host"},
		{"{\"withhold\": \"basic\"}", "withhold"},
		{"{\"withhold\": [\"fast\"]}", "withhold"},
		{"{\"withhold\": [4]}", "withhold"},
		{"{\"faults\": {}}", "faults"},
		{"{\"faults\": [7]}", "fault"},
		{"{\"faults\": [{}]}", "status"},
		{"{\"faults\": [{\"status\": 5, \"often\": 1}]}", "often"},
		{"{\"faults\": [{\"status\": 0}]}", "status"},
		{"{\"faults\": [{\"status\": \"ok\"}]}", "status"},
		{"{\"faults\": [{\"status\": \"other\"}]}", "status"},
		{"{\"faults\": [{\"status\": 4294967296}]}", "status"},
		{"{\"faults\": [{\"status\": 5, \"command\": \"jump\"}]}", "command"},
		{"{\"faults\": [{\"status\": 5, \"command\": 2}]}", "command"},
		{"{\"faults\": [{\"status\": 5, \"direction\": \"up\"}]}", "direction"},
		{"{\"faults\": [{\"status\": 5, \"on\": \"page\"}]}", "on"},
		{"{\"faults\": [{\"status\": 5, \"action\": \"explode\"}]}", "action"},
		{"{\"faults\": [{\"status\": 5, \"first\": 0}]}", "first"},
		{"{\"faults\": [{\"status\": 5, \"every\": 0}]}", "every"},
		{"{\"faults\": [{\"status\": 5, \"times\": -1}]}", "times"},
		{"{\"faults\": [{\"status\": 5, \"fired\": \"often\"}]}", "fired"},
		{"{\"faults\": [{\"status\": 32, \"on\": \"entry\"}]}", "entry"},
		{"{\"faults\": [{\"status\": 5, \"on\": \"entry\", \"command\": \"start\"}]}",
		 "fit together"},
		{"{\"faults\": [{\"action\": \"reset\", \"status\": 7}]}", "fit together"},
	};
	struct machine *t = *state;
	char *before;
	char *after;

	machine_start(t, AERO_VMW_CAP_ALL, 1000);
	call(t, AERO_VMW_LOCK, 100, 0);
	good(t, "{\"faults\": [{\"command\": \"lock\", \"status\": 5}]}");
	before = aero_monitor_report(t->m);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char error[512] = "";
		char mixed[512];

		assert_int_equal(aero_monitor_control(t->m, cases[i].json, error, sizeof(error)),
				 -EINVAL);
		if (!strstr(error, cases[i].word) || strchr(error, '\n'))
			fail_msg("%s: \"%s\" lacks \"%s\"", cases[i].json, error, cases[i].word);
		/* A good part before the bad one has no effect either. */
		if (cases[i].json[0] == '{' && cases[i].json[1] == '"') {
			snprintf(mixed, sizeof(mixed), "{\"demand_reset\": true, %s",
				 cases[i].json + 1);
			assert_int_equal(aero_monitor_control(t->m, mixed, error, sizeof(error)),
					 -EINVAL);
		}
		after = aero_monitor_report(t->m);
		assert_string_equal(before, after);
		free(after);
	}
	free(before);
}

static void an_error_fits_its_buffer(void **state)
{
	struct machine *t = *state;
	char error[8];

	memset(error, 'x', sizeof(error));
	assert_int_equal(aero_monitor_control(t->m, "{\"nonsense\": 1}", error, 7), -EINVAL);
	assert_int_equal(error[6], 0);
	assert_int_equal(error[7], 'x');
}

/* Names from the document stand in the message, and must not break its line. */
static void a_message_is_one_line(void **state)
{
	static const char *const documents[] = {
		"{\"a\\nb\": 1}",
		"{\"a\\r\\u001b[2Jb\\u0085\": 1}",
		"{\"faults\": [{\"a\\nb\": 1}]}",
		"{\"a\nb\": 1}",
		"{\"\xc3\xa4\": 1}",
	};
	struct machine *t = *state;
	char error[512];

	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		assert_int_equal(aero_monitor_control(t->m, documents[i], error, sizeof(error)),
				 -EINVAL);
		assert_true(error[0]);
		for (const char *at = error; *at; at++)
			if (*at < ' ' || *at > '~')
				fail_msg("byte %#x in the message for %s", *at & 0xffu,
					 documents[i]);
	}
}

static void all_faults_but_no_more(void **state)
{
	struct machine *t = *state;
	char json[2048] = "{\"faults\": [";

	for (unsigned int i = 0; i < AERO_MONITOR_FAULTS; i++)
		strcat(json, i ? ",{\"status\": 8}" : "{\"status\": 8}");
	strcat(json, "]}");
	good(t, json);
	assert_int_equal(aero_monitor_faults(t->m), AERO_MONITOR_FAULTS);
}

static void too_many_faults(void **state)
{
	struct machine *t = *state;
	char json[2048] = "{\"faults\": [";
	char error[512];

	for (unsigned int i = 0; i <= AERO_MONITOR_FAULTS; i++)
		strcat(json, i ? ",{\"status\": 8}" : "{\"status\": 8}");
	strcat(json, "]}");
	assert_int_equal(aero_monitor_control(t->m, json, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "16"));
	assert_int_equal(aero_monitor_faults(t->m), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(every_setting),
		MACHINE_TEST(bad_documents_change_nothing),
		MACHINE_TEST(an_error_fits_its_buffer),
		MACHINE_TEST(a_message_is_one_line),
		MACHINE_TEST(all_faults_but_no_more),
		MACHINE_TEST(too_many_faults),
	};

	return cmocka_run_group_tests_name("monitor-control", tests, NULL, NULL);
}
