// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* host/vmware/faults.c: which rules are accepted, when they fire, and that they change nothing
 * else. */
#include "test_monitor.h"

#define ANY AERO_FAULT_ANY_COMMAND

static const struct aero_monitor_fault busy_lock = {
	.command = AERO_VMW_LOCK,
	.action = AERO_FAULT_STATUS,
	.status = AERO_VMW_E_BUSY,
	.first = 1,
	.every = 1,
};

static void set_one(struct machine *t, struct aero_monitor_fault rule)
{
	assert_int_equal(aero_monitor_set_faults(t->m, &rule, 1), 0);
}

static void rules_out_of_range_are_refused(void **state)
{
	static const struct aero_monitor_fault bad[] = {
		{AERO_VMW_COMMANDS, 0, 0, 0, 1, 1, 1, 0},
		{5, 0, 0, 0, 1, 1, 1, 0},
		{ANY, 9, 0, 0, 1, 1, 1, 0},
		{ANY, 0, 9, 0, 1, 1, 1, 0},
		{ANY, 0, 0, 9, 1, 1, 1, 0},
		{ANY, 0, 0, 0, 1, 0, 1, 0},
		{ANY, 0, 0, 0, 1, 1, 0, 0},
		/* "Done" for what was not done. */
		{ANY, 0, AERO_FAULT_COMMAND, AERO_FAULT_STATUS, 0, 1, 1, 0},
		{ANY, 0, AERO_FAULT_ENTRY, AERO_FAULT_STATUS, 0, 1, 1, 0},
		/* Does not fit into an entry: 32 would read as 0. */
		{ANY, 0, AERO_FAULT_ENTRY, AERO_FAULT_STATUS, 32, 1, 1, 0},
		/* A status where none belongs; silence of an entry. */
		{ANY, 0, AERO_FAULT_COMMAND, AERO_FAULT_RESET, 7, 1, 1, 0},
		{ANY, 0, AERO_FAULT_COMMAND, AERO_FAULT_SILENCE, 7, 1, 1, 0},
		{ANY, 0, AERO_FAULT_ENTRY, AERO_FAULT_SILENCE, 0, 1, 1, 0},
		/* Can never match. */
		{AERO_VMW_START, 0, AERO_FAULT_ENTRY, AERO_FAULT_STATUS, 5, 1, 1, 0},
		{AERO_VMW_GET_TARGET, AERO_FAULT_INFLATE, 0, 0, 1, 1, 1, 0},
		{AERO_VMW_LOCK, AERO_FAULT_DEFLATE, 0, 0, 1, 1, 1, 0},
	};
	struct aero_monitor_fault many[AERO_MONITOR_FAULTS + 1];
	struct machine *t = *state;

	set_one(t, busy_lock);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(aero_monitor_set_faults(t->m, &bad[i], 1), -EINVAL);
	for (unsigned int i = 0; i <= AERO_MONITOR_FAULTS; i++)
		many[i] = busy_lock;
	assert_int_equal(aero_monitor_set_faults(t->m, many, AERO_MONITOR_FAULTS + 1), -E2BIG);
	/* The old ones stand. */
	assert_int_equal(aero_monitor_faults(t->m), 1);
	assert_int_equal(aero_monitor_set_faults(t->m, many, AERO_MONITOR_FAULTS), 0);
	assert_int_equal(aero_monitor_faults(t->m), AERO_MONITOR_FAULTS);
	assert_null(aero_monitor_fault(t->m, AERO_MONITOR_FAULTS, NULL));
	assert_int_equal(aero_monitor_set_faults(t->m, NULL, 0), 0);
	assert_int_equal(aero_monitor_faults(t->m), 0);
}

static void first_every_times(void **state)
{
	struct machine *t = *state;
	struct aero_monitor_fault rule = busy_lock;
	uint64_t fired;

	machine_start(t, AERO_VMW_CAP_ALL, 1000);
	rule.first = 3;
	rule.every = 2;
	rule.times = 3;
	set_one(t, rule);
	/* Due at 3, 5, 7, and then no more. */
	for (unsigned int i = 1; i <= 12; i++)
		assert_int_equal(call(t, AERO_VMW_LOCK, 100 + i, 0),
				 i == 3 || i == 5 || i == 7 ? AERO_VMW_E_BUSY : AERO_VMW_OK);
	assert_int_equal(aero_monitor_size(t->m), 9);
	assert_int_equal(aero_monitor_fault(t->m, 0, &fired)->status, AERO_VMW_E_BUSY);
	assert_int_equal(fired, 3);
	assert_int_equal(aero_monitor_counters(t->m)->faults_fired, 3);
	/* Other commands are not events of this rule. */
	assert_int_equal(call(t, AERO_VMW_UNLOCK, 101, 0), AERO_VMW_OK);
}

static void any_status_on_any_command(void **state)
{
	static const uint32_t statuses[] = {
		1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 4711, AERO_VMW_OK_CAPS, AERO_VMW_FAILURE};
	struct machine *t = *state;
	struct aero_monitor_fault rule = busy_lock;

	machine_start(t, AERO_VMW_CAP_ALL, 1000);
	call(t, AERO_VMW_LOCK, 100, 0);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		for (uint32_t command = 0; command < AERO_VMW_COMMANDS; command++) {
			if (command == 5)
				continue;
			rule.command = command;
			rule.status = statuses[i];
			set_one(t, rule);
			t->batch[0] = 300ULL << 12;
			assert_int_equal(call(t, command, command == 0 ? 0 : BATCH_PFN, 1),
					 statuses[i]);
			assert_int_equal(t->regs.rcx, command);
			assert_int_equal(t->batch[0], 300ULL << 12);
			assert_int_equal(aero_monitor_size(t->m), 1);
			assert_true(aero_monitor_connected(t->m));
		}
	}
	/* What was not carried out is no entry: the one is from before the rules. */
	assert_int_equal(
		aero_monitor_counters(t->m)->entry[AERO_INFLATE][AERO_SIZE_4K][AERO_VMW_OK], 1);
}

static void entries_of_a_batch(void **state)
{
	struct machine *t = *state;
	struct aero_monitor_fault rule = {
		.command = ANY,
		.direction = AERO_FAULT_INFLATE,
		.what = AERO_FAULT_ENTRY,
		.action = AERO_FAULT_STATUS,
		.status = 21,
		.first = 2,
		.every = 3,
	};

	machine_start(t, AERO_VMW_CAP_ALL, 100000);
	set_one(t, rule);
	assert_int_equal(call_batch(t, AERO_VMW_BATCHED_LOCK, 100, 1, 9), AERO_VMW_OK);
	for (unsigned int i = 0; i < 9; i++)
		assert_int_equal(entry_status(t, i), i % 3 == 1 ? 21 : 0);
	assert_int_equal(aero_monitor_size(t->m), 6);
	/* The count goes on from one call to the next: events 10, 11, 12. */
	assert_int_equal(call(t, AERO_VMW_LOCK, 200, 0), AERO_VMW_OK);
	assert_int_equal(call(t, AERO_VMW_LOCK, 201, 0), 21);
	assert_int_equal(call_batch(t, AERO_VMW_BATCHED_2M_LOCK, RUN, RUN, 1), AERO_VMW_OK);
	assert_int_equal(entry_status(t, 0), 0);
	/* Unlocking is not its direction. */
	assert_int_equal(call_batch(t, AERO_VMW_BATCHED_UNLOCK, 100, 3, 3), AERO_VMW_OK);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(entry_status(t, i), 0);
	assert_int_equal(
		aero_monitor_counters(t->m)->entry[AERO_INFLATE][AERO_SIZE_4K][AERO_STATUS_OTHER],
		4);
}

static void reset_at_the_nth_command(void **state)
{
	struct machine *t = *state;
	struct aero_monitor_fault rule = {
		.command = ANY, .action = AERO_FAULT_RESET, .first = 4, .every = 1, .times = 1};

	set_one(t, rule);
	machine_start(t, AERO_VMW_CAP_ALL, 1000);
	assert_int_equal(call(t, AERO_VMW_LOCK, 100, 0), AERO_VMW_OK);
	assert_int_equal(call(t, AERO_VMW_LOCK, 101, 0), AERO_VMW_E_RESET);
	assert_int_equal(aero_monitor_size(t->m), 0);
	assert_int_equal(call(t, AERO_VMW_LOCK, 102, 0), AERO_VMW_E_RESET);
	machine_start(t, AERO_VMW_CAP_ALL, 1000);
}

static void reset_in_the_middle_of_a_batch(void **state)
{
	struct machine *t = *state;
	struct aero_monitor_fault rule = {.command = AERO_VMW_BATCHED_LOCK,
					  .what = AERO_FAULT_ENTRY,
					  .action = AERO_FAULT_RESET,
					  .first = 15,
					  .every = 1,
					  .times = 1};

	machine_start(t, AERO_VMW_CAP_ALL, 1000);
	set_one(t, rule);
	assert_int_equal(call_batch(t, AERO_VMW_BATCHED_LOCK, 100, 1, 10), AERO_VMW_OK);
	assert_int_equal(call_batch(t, AERO_VMW_BATCHED_LOCK, 200, 1, 10), AERO_VMW_E_RESET);
	assert_int_equal(aero_monitor_size(t->m), 0);
	assert_int_equal(t->batch[0], 200ULL << 12);
	/* The five entries before the reset were not carried out, and are not counted so. */
	assert_int_equal(
		aero_monitor_counters(t->m)->entry[AERO_INFLATE][AERO_SIZE_4K][AERO_VMW_OK], 10);

	/* The rest of the batch is no event any more. */
	rule.first = 5;
	rule.times = 0;
	machine_start(t, AERO_VMW_CAP_ALL, 1000);
	set_one(t, rule);
	aero_monitor_zero_counters(t->m);
	assert_int_equal(call_batch(t, AERO_VMW_BATCHED_LOCK, 200, 1, 10), AERO_VMW_E_RESET);
	assert_int_equal(aero_monitor_counters(t->m)->faults_fired, 1);
}

static void silence_looks_like_no_port(void **state)
{
	struct machine *t = *state;
	struct aero_monitor_fault rule = {
		.command = AERO_VMW_START, .action = AERO_FAULT_SILENCE, .first = 1, .every = 1};

	set_one(t, rule);
	assert_int_equal(call(t, AERO_VMW_START, AERO_VMW_CAP_ALL, 0), UINT32_MAX);
	assert_int_equal(t->regs.rbx, AERO_VMW_CAP_ALL);
	assert_int_equal(t->regs.rcx, AERO_VMW_START);
	assert_false(aero_monitor_connected(t->m));
}

static void the_first_rule_that_fires_decides(void **state)
{
	struct machine *t = *state;
	struct aero_monitor_fault rules[2] = {busy_lock, busy_lock};
	uint64_t fired;

	rules[0].every = 2;
	rules[1].status = AERO_VMW_E_PINNED;
	machine_start(t, AERO_VMW_CAP_ALL, 1000);
	assert_int_equal(aero_monitor_set_faults(t->m, rules, 2), 0);
	assert_int_equal(call(t, AERO_VMW_LOCK, 100, 0), AERO_VMW_E_BUSY);
	assert_int_equal(call(t, AERO_VMW_LOCK, 100, 0), AERO_VMW_E_PINNED);
	assert_int_equal(call(t, AERO_VMW_LOCK, 100, 0), AERO_VMW_E_BUSY);
	aero_monitor_fault(t->m, 0, &fired);
	assert_int_equal(fired, 2);
	aero_monitor_fault(t->m, 1, &fired);
	assert_int_equal(fired, 1);
}

static void capabilities_can_be_withheld(void **state)
{
	struct machine *t = *state;

	aero_monitor_withhold(t->m, AERO_VMW_CAP_BATCHED | AERO_VMW_CAP_SIGNALLED);
	assert_int_equal(call(t, AERO_VMW_START, AERO_VMW_CAP_ALL, 0), AERO_VMW_OK_CAPS);
	assert_int_equal(t->regs.rcx, AERO_VMW_CAP_BASIC | AERO_VMW_CAP_TARGET_64);
	aero_monitor_withhold(t->m, AERO_VMW_CAP_ALL);
	assert_int_equal(call(t, AERO_VMW_START, AERO_VMW_CAP_ALL, 0), AERO_VMW_FAILURE);
	aero_monitor_withhold(t->m, 0);
	machine_start(t, AERO_VMW_CAP_ALL, 1000);
}

static void an_old_host_answers_plain_0(void **state)
{
	struct machine *t = *state;

	aero_monitor_old_host(t->m, true);
	assert_int_equal(call(t, AERO_VMW_START, AERO_VMW_CAP_ALL, 0), AERO_VMW_OK);
	assert_int_equal(t->regs.rcx, AERO_VMW_START);
	assert_int_equal(t->regs.rbx, AERO_VMW_CAP_ALL);
	assert_int_equal(aero_monitor_caps(t->m), AERO_VMW_CAP_BASIC);
	aero_monitor_set_target(t->m, 10);
	assert_int_equal(call(t, AERO_VMW_LOCK, 100, 0), AERO_VMW_OK);
	assert_int_equal(call(t, AERO_VMW_BATCHED_LOCK, BATCH_PFN, 1), AERO_VMW_E_COMMAND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(rules_out_of_range_are_refused),
		MACHINE_TEST(first_every_times),
		MACHINE_TEST(any_status_on_any_command),
		MACHINE_TEST(entries_of_a_batch),
		MACHINE_TEST(reset_at_the_nth_command),
		MACHINE_TEST(reset_in_the_middle_of_a_batch),
		MACHINE_TEST(silence_looks_like_no_port),
		MACHINE_TEST(the_first_rule_that_fires_decides),
		MACHINE_TEST(capabilities_can_be_withheld),
		MACHINE_TEST(an_old_host_answers_plain_0),
	};

	return cmocka_run_group_tests_name("monitor-faults", tests, NULL, NULL);
}
