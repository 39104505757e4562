// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* host/manager/: requests of people, room, and the configuration file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "manager_rig.h"

static int end(void **state)
{
	(void)state;
	rig_end();
	return 0;
}

static void fails(json_t *answer, const char *words)
{
	const char *error = json_string_value(json_object_get(answer, "error"));

	assert_true(json_is_false(json_object_get(answer, "ok")));
	assert_non_null(error);
	if (!strstr(error, words))
		fail_msg("'%s' has no '%s'", error, words);
	json_decref(answer);
}

static void succeeds(json_t *answer)
{
	assert_true(json_is_true(json_object_get(answer, "ok")));
	json_decref(answer);
}

static void a_request_that_makes_no_sense_is_refused(void **state)
{
	static const char *const wrong[] = {"",
					    "{",
					    "[]",
					    "7",
					    "{\"command\": 7}",
					    "{}",
					    "{\"command\": \"fly\"}",
					    "{\"command\": \"status\", \"command\": \"plan\"}"};
	struct aero_host_wait wait = {0};
	char *large, *text;

	(void)state;
	rig_start(1000, &rig_policy_told);
	rig_add("a", 500);
	rig_steps(1);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		fails(rig_ask(NULL, true, "%s", wrong[i]), "a request is a JSON object");
	large = malloc(AERO_HOST_REQUEST_MAX + 1);
	memset(large, ' ', AERO_HOST_REQUEST_MAX + 1);
	text = aero_manager_request(rig.manager, large, AERO_HOST_REQUEST_MAX + 1, true, rig.now_ms,
				    &wait);
	assert_non_null(strstr(text, "at most 4096 bytes"));
	free(text);
	free(large);
}

static void readers_change_nothing(void **state)
{
	(void)state;
	rig_start(1000, &rig_policy_told);
	rig_add("a", 500);
	rig_steps(1);
	fails(rig_ask(NULL, false, "{\"command\": \"make-room\", \"size_kib\": 1}"), "for reading");
	fails(rig_ask(NULL, false,
		      "{\"command\": \"set\", \"guest\": \"a\", \"settings\": {\"shares\": \"1\"}}"),
	      "for reading");
	succeeds(rig_ask(NULL, false, "{\"command\": \"status\"}"));
	succeeds(rig_ask(NULL, false, "{\"command\": \"plan\"}"));
}

static void set_keeps_settings_with_the_guest(void **state)
{
	struct rig_guest *g;

	(void)state;
	rig_start(1000, &rig_policy_told);
	g = rig_add("a", 500);
	rig_steps(1);
	succeeds(rig_ask(NULL, true,
			 "{\"command\": \"set\", \"guest\": \"a\", \"settings\": {\"min\": "
			 "\"200MiB\", \"managed\": \"no\"}}"));
	succeeds(rig_ask(NULL, true,
			 "{\"command\": \"set\", \"guest\": \"id-a\", \"settings\": {\"shares\": "
			 "\"5\"}}"));
	assert_int_equal(g->sight.settings.min_kib, 200 * MIB);
	assert_int_equal(g->sight.settings.shares, 5);
	assert_false(g->sight.settings.managed);
	assert_int_equal(g->sight.settings.set,
			 AERO_HOST_SET_MIN | AERO_HOST_SET_SHARES | AERO_HOST_SET_MANAGED);
}

static void set_refuses_what_is_wrong(void **state)
{
	static const struct {
		const char *settings, *error;
	} wrong[] = {
		{"{}", "at least one"},
		{"7", "at least one"},
		{"{\"min\": \"x\"}", "min is an amount"},
		{"{\"min\": 7}", "min is an amount"},
		{"{\"min\": \"0\"}", "min is an amount"},
		{"{\"min\": \"501MiB\"}", "min is above"},
		{"{\"max\": \"501MiB\"}", "max is more than the 500 MiB"},
		{"{\"min\": \"300M\", \"max\": \"200M\"}", "min is above"},
		{"{\"shares\": \"0\"}", "shares is a whole number"},
		{"{\"shares\": \"1000001\"}", "shares is a whole number"},
		{"{\"managed\": \"maybe\"}", "managed is yes or no"},
		{"{\"colour\": \"red\"}", "there is no setting 'colour'"},
	};
	struct rig_guest *g;

	(void)state;
	rig_start(1000, &rig_policy_told);
	g = rig_add("a", 500);
	rig_steps(1);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		fails(rig_ask(NULL, true,
			      "{\"command\": \"set\", \"guest\": \"a\", \"settings\": %s}",
			      wrong[i].settings),
		      wrong[i].error);
	fails(rig_ask(NULL, true, "{\"command\": \"set\", \"guest\": \"b\", \"settings\": {}}"),
	      "no running guest");
	assert_int_equal(g->sight.settings.set, 0);
}

/* ---- room ---- */

#define ROOM "{\"command\": \"make-room\", \"size_kib\": %u, \"timeout_ms\": %u}"

static json_t *answer(struct aero_host_wait *wait)
{
	char *text = aero_manager_answer(rig.manager, rig.now_ms, wait);
	json_t *all = text ? json_loads(text, 0, NULL) : NULL;

	free(text);
	return all;
}

static void room_that_is_there_is_kept_at_once(void **state)
{
	(void)state;
	rig_start(1000, &rig_policy_told);
	rig_add("a", 500);
	rig_steps(1);
	succeeds(rig_ask(NULL, true, ROOM, 400 * MIB, 1000u));
	rig_steps(1);
	assert_int_equal(rig.host.room_kib, 400 * MIB);
	/* Nobody comes. */
	rig_steps(125);
	assert_int_equal(rig.host.room_kib, 0);
	assert_int_equal(rig_said("nobody came"), 1);
}

static void room_is_waited_for_and_used_by_the_guest_that_starts(void **state)
{
	struct aero_host_wait wait = {0};
	struct rig_guest *g;
	json_t *all;

	(void)state;
	rig_start(1000, &rig_policy_told);
	rig_add("a", 800);
	rig_steps(1);
	assert_null(rig_ask(&wait, true, ROOM, 400 * MIB, 60000u));
	fails(rig_ask(NULL, true, ROOM, 1 * MIB, 60000u), "somebody else waits");
	rig_steps(1);
	assert_null(answer(&wait));
	rig.told_kib[0] = 600 * MIB;
	rig_steps(2);
	all = answer(&wait);
	assert_non_null(all);
	succeeds(all);
	g = rig_add("b", 400);
	g->sight.mark = 0;
	rig_steps(1);
	assert_int_equal(rig.host.room_kib, 0);
	assert_string_equal(rig_mode(1), "starting");
}

static void room_that_cannot_be_made_says_who_cannot_give(void **state)
{
	struct aero_host_wait wait = {0};
	json_t *all;

	(void)state;
	rig_start(1000, &rig_policy_told);
	rig_add("a", 400);
	rig_add("b", 400)->sight.life = AERO_HOST_PAUSED;
	rig_steps(1);
	/* a may give 300. */
	fails(rig_ask(NULL, true, ROOM, 501 * MIB, 5000u), "b (it is paused)");
	assert_null(rig_ask(&wait, true, ROOM, 450 * MIB, 5000u));
	rig_steps(6);
	all = answer(&wait);
	assert_non_null(all);
	fails(all, "only 200 MiB became free; can't give: b (it is paused)");
	rig_steps(1);
	assert_int_equal(rig.host.room_kib, 0);
}

static void whoever_goes_away_leaves_no_room_behind(void **state)
{
	struct aero_host_wait wait = {0};

	(void)state;
	rig_start(1000, &rig_policy_told);
	rig_add("a", 800);
	rig_steps(1);
	assert_null(rig_ask(&wait, true, ROOM, 400 * MIB, 60000u));
	rig_steps(1);
	assert_int_equal(rig.host.room_kib, 400 * MIB);
	aero_manager_forget(rig.manager, &wait);
	rig_steps(1);
	assert_int_equal(rig.host.room_kib, 0);
	fails(rig_ask(NULL, true, "{\"command\": \"make-room\", \"size_kib\": \"a\"}"), "size_kib");
	fails(rig_ask(NULL, true, "{\"command\": \"make-room\", \"size_kib\": -1}"), "size_kib");
	fails(rig_ask(NULL, true, ROOM, 1u, 4000000u), "timeout_ms");
}

/* ---- the file ---- */

static char complaints[8192];

static void complain(const char *line)
{
	snprintf(complaints + strlen(complaints), sizeof(complaints) - strlen(complaints), "%s\n",
		 line);
}

static unsigned int read_conf(const char *text, struct aero_manager_config *config)
{
	FILE *from = fmemopen((char *)(uintptr_t)text, strlen(text), "r");
	unsigned int wrong;

	aero_manager_config_initial(config);
	complaints[0] = 0;
	wrong = aero_host_conf_read(from, "host.conf", config, complain);
	fclose(from);
	return wrong;
}

static struct aero_manager_config conf;

static void the_file_sets_host_and_guests(void **state)
{
	static const char text[] = "# of this host\n"
				   "memory = 8GiB\nreserve=1G\nperiod = 2s\nstuck = 20s\n"
				   "min-percent = 30\npolicy = shares\nheadroom-mb = 77\n"
				   "\n[guest web*]\nmin = 256MiB # enough\nshares = 200\n"
				   "[guest db]\nmanaged = no\n";

	(void)state;
	assert_int_equal(read_conf(text, &conf), 0);
	assert_int_equal(conf.memory_kib, 8192 * MIB);
	assert_int_equal(conf.reserve_kib, 1024 * MIB);
	assert_int_equal(conf.period_ms, 2000);
	assert_int_equal(conf.stuck_ms, 20000);
	assert_int_equal(conf.min_percent, 30);
	assert_string_equal(conf.policy->name, "shares");
	assert_int_equal(conf.rules_count, 2);
	assert_string_equal(conf.rules[0].pattern, "web*");
	assert_int_equal(conf.rules[0].settings.min_kib, 256 * MIB);
	assert_int_equal(conf.rules[0].settings.shares, 200);
	assert_int_equal(conf.rules[1].settings.set, AERO_HOST_SET_MANAGED);
	free(conf.policy_config);
}

static void a_wrong_line_is_said_and_does_not_count(void **state)
{
	static const struct {
		const char *text, *words;
	} wrong[] = {
		{"memory\n", "line 1: a line is NAME = VALUE"},
		{"\nmemory = much\n", "line 2: memory is an amount of memory"},
		{"period = 1\n", "period is a time"},
		{"period = never\n", "period is a time"},
		{"min-percent = 0\n", "min-percent is a whole number from 1 to 100"},
		{"min-percent = 101\n", "min-percent is a whole number"},
		{"policy = luck\n", "there is no policy 'luck'; there are shares"},
		{"colour = red\n", "there is no setting 'colour'"},
		{"policy = shares\nheadroom-mb = x\n", "line 2: headroom-mb is a whole number"},
		{"[host]\nmin = 1G\n", "a section is [guest NAME]"},
		{"[guest ]\nmin = 1G\n", "a guest's name has"},
		{"[guest a\n", "a section is [guest NAME]"},
		{"[guest a]\nmin = x\nshares = 3\n", "line 2: min is an amount of memory such as "
						     "2G, 512MiB or 1.5GiB, not 'x'; the default "
						     "limits apply to guest a"},
		{"[guest a]\nmemory = 1G\n", "there is no setting 'memory'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(read_conf(wrong[i].text, &conf), 1);
		if (!strstr(complaints, wrong[i].words))
			fail_msg("'%s' has no '%s'", complaints, wrong[i].words);
		assert_int_equal(conf.memory_kib, 0);
		assert_int_equal(conf.period_ms, AERO_HOST_PERIOD_MS);
		assert_int_equal(conf.rules_count ? conf.rules[0].settings.set : 0, 0);
		free(conf.policy_config);
	}
}

static void a_file_of_any_bytes_does_no_harm(void **state)
{
	static char text[20000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(read_conf(text, &conf), 1);
	assert_non_null(strstr(complaints, "longer than"));
	memset(text, '\1', sizeof(text) - 1);
	memcpy(text + 5000, "\nmemory = 1G\n", 13);
	assert_int_equal(read_conf(text, &conf), 2);
	assert_int_equal(conf.memory_kib, 1024 * MIB);
	text[0] = 0;
	for (unsigned int i = 0; i <= AERO_HOST_RULES_MAX; i++)
		strcat(text, "[guest a]\n");
	assert_int_equal(read_conf(text, &conf), 1);
	assert_int_equal(conf.rules_count, AERO_HOST_RULES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_request_that_makes_no_sense_is_refused, end),
		cmocka_unit_test_teardown(readers_change_nothing, end),
		cmocka_unit_test_teardown(set_keeps_settings_with_the_guest, end),
		cmocka_unit_test_teardown(set_refuses_what_is_wrong, end),
		cmocka_unit_test_teardown(room_that_is_there_is_kept_at_once, end),
		cmocka_unit_test_teardown(room_is_waited_for_and_used_by_the_guest_that_starts,
					  end),
		cmocka_unit_test_teardown(room_that_cannot_be_made_says_who_cannot_give, end),
		cmocka_unit_test_teardown(whoever_goes_away_leaves_no_room_behind, end),
		cmocka_unit_test(the_file_sets_host_and_guests),
		cmocka_unit_test(a_wrong_line_is_said_and_does_not_count),
		cmocka_unit_test(a_file_of_any_bytes_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
