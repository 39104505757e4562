// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * host/vmware/commit.c and call.c: what good calls do, what is counted, and what happens
 * when the batch page can't be written.
 */
#include "test_monitor.h"

static void start_begins_anew(void **state)
{
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_ALL, 1000);
	call_batch(t, AERO_VMW_BATCHED_LOCK, 100, 1, 10);
	machine_start(t, AERO_VMW_CAP_BASIC, 1000);
	assert_int_equal(aero_monitor_size(t->m), 0);
	assert_int_equal(aero_monitor_caps(t->m), AERO_VMW_CAP_BASIC);
	assert_true(aero_monitor_connected(t->m));
}

/* An error, so that Debian's driver does not ask on for ever; but everything is forgotten. */
static void start_0_ends_the_connection_and_fails(void **state)
{
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_ALL, 10000);
	call_batch(t, AERO_VMW_BATCHED_2M_LOCK, RUN, RUN, 3);
	assert_int_equal(call(t, AERO_VMW_START, 0, 0), AERO_VMW_FAILURE);
	assert_int_equal(aero_monitor_size(t->m), 0);
	assert_false(aero_monitor_connected(t->m));
	assert_int_equal(call(t, AERO_VMW_UNLOCK, RUN, 0), AERO_VMW_E_RESET);
	assert_int_equal(call(t, AERO_VMW_START, 0, 0), AERO_VMW_FAILURE);
}

static void single_pages(void **state)
{
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_BASIC, 1000);
	assert_int_equal(call(t, AERO_VMW_LOCK, 100, 12345), AERO_VMW_OK);
	assert_int_equal(t->regs.rbx, 1000);
	assert_int_equal(aero_monitor_size(t->m), 1);
	aero_monitor_set_target(t->m, 555);
	assert_int_equal(call(t, AERO_VMW_UNLOCK, 100, 0), AERO_VMW_OK);
	assert_int_equal(t->regs.rbx, 555);
	assert_int_equal(aero_monitor_size(t->m), 0);
	assert_int_equal(t->discards, 1);
	assert_int_equal(t->populates, 1);
}

static void batches_report_the_target(void **state)
{
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_ALL, 200000);
	assert_int_equal(call_batch(t, AERO_VMW_BATCHED_2M_LOCK, RUN, RUN, 100), AERO_VMW_OK);
	assert_int_equal(t->regs.rbx, 200000);
	assert_int_equal(aero_monitor_size(t->m), 100 * RUN);
	assert_int_equal(call_batch(t, AERO_VMW_BATCHED_LOCK, 150000, 1, 512), AERO_VMW_OK);
	assert_int_equal(aero_monitor_size(t->m), 101 * RUN);
	assert_int_equal(call_batch(t, AERO_VMW_BATCHED_UNLOCK, 150000, 1, 512), AERO_VMW_OK);
	assert_int_equal(call_batch(t, AERO_VMW_BATCHED_2M_UNLOCK, RUN, RUN, 100), AERO_VMW_OK);
	assert_int_equal(aero_monitor_size(t->m), 0);
	assert_int_equal(aero_monitor_memory_counters(t->m)->discarded_pages, 101 * RUN);
}

static void neighbours_are_merged(void **state)
{
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_ALL, 200000);
	call_batch(t, AERO_VMW_BATCHED_LOCK, 1000, 1, 100);
	assert_int_equal(t->discards, 1);
	/* Downwards, as an allocator that splits from the top gives them. */
	for (unsigned int i = 0; i < 100; i++)
		t->batch[i] = (2000ULL - i) << 12;
	call(t, AERO_VMW_BATCHED_LOCK, BATCH_PFN, 100);
	assert_int_equal(t->discards, 2);
	call_batch(t, AERO_VMW_BATCHED_LOCK, 3000, 2, 10);
	assert_int_equal(t->discards, 12);
	call_batch(t, AERO_VMW_BATCHED_UNLOCK, 1000, 1, 100);
	assert_int_equal(t->populates, 1);
}

static void unwritable_batch_changes_nothing(void **state)
{
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_ALL, 200000);
	t->write_error = -EFAULT;
	assert_int_equal(call_batch(t, AERO_VMW_BATCHED_LOCK, 1000, 1, 100), AERO_VMW_FAILURE);
	assert_int_equal(aero_monitor_size(t->m), 0);
	assert_int_equal(t->discards, 0);
	assert_int_equal(t->regs.rbx, BATCH_PFN);
	assert_int_equal(aero_monitor_counters(t->m)->entry[AERO_INFLATE][AERO_SIZE_4K][0], 0);
}

static void failed_discard_is_counted_only(void **state)
{
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_ALL, 200000);
	t->discard_error = -EINVAL;
	assert_int_equal(call(t, AERO_VMW_LOCK, 100, 0), AERO_VMW_OK);
	assert_int_equal(aero_monitor_size(t->m), 1);
	assert_int_equal(aero_monitor_memory_counters(t->m)->discard_failures, 1);
}

static void calls_are_counted_by_status(void **state)
{
	struct machine *t = *state;
	const struct aero_monitor_counters *n = aero_monitor_counters(t->m);

	machine_start(t, AERO_VMW_CAP_ALL, 200000);
	call(t, AERO_VMW_LOCK, 100, 0);
	call(t, AERO_VMW_LOCK, 100, 0);
	call(t, AERO_VMW_LOCK, PFN_END, 0);
	assert_int_equal(n->command[AERO_VMW_START].status[AERO_VMW_OK], 1);
	assert_int_equal(n->command[AERO_VMW_START].failures, 0);
	assert_int_equal(n->command[AERO_VMW_LOCK].calls, 3);
	assert_int_equal(n->command[AERO_VMW_LOCK].failures, 2);
	assert_int_equal(n->command[AERO_VMW_LOCK].status[AERO_VMW_OK], 1);
	assert_int_equal(n->command[AERO_VMW_LOCK].status[AERO_VMW_E_LOCKED], 1);
	assert_int_equal(n->command[AERO_VMW_LOCK].status[AERO_VMW_E_PPN], 1);
	assert_int_equal(n->entry[AERO_INFLATE][AERO_SIZE_4K][AERO_VMW_OK], 1);
	assert_int_equal(n->entry[AERO_INFLATE][AERO_SIZE_4K][AERO_VMW_E_LOCKED], 1);

	call_batch(t, AERO_VMW_BATCHED_2M_LOCK, RUN, RUN, 4);
	call_batch(t, AERO_VMW_BATCHED_2M_UNLOCK, 2 * RUN, RUN, 4);
	assert_int_equal(n->entry[AERO_INFLATE][AERO_SIZE_2M][AERO_VMW_OK], 4);
	assert_int_equal(n->entry[AERO_DEFLATE][AERO_SIZE_2M][AERO_VMW_OK], 3);
	assert_int_equal(n->entry[AERO_DEFLATE][AERO_SIZE_2M][AERO_VMW_E_UNLOCKED], 1);
	call(t, AERO_VMW_BATCHED_LOCK, BATCH_PFN, 0);
	assert_int_equal(n->command[AERO_VMW_BATCHED_LOCK].status[AERO_STATUS_FAILURE], 1);
}

/*
 * The status that a fault answers may look like a success of another command.  Nothing
 * was carried out, so no register but eax may say otherwise.
 */
static void a_forced_answer_leaves_the_registers(void **state)
{
	struct aero_monitor_fault rule = {.command = AERO_FAULT_ANY_COMMAND,
					  .action = AERO_FAULT_STATUS,
					  .status = AERO_VMW_OK_CAPS,
					  .first = 1,
					  .every = 1};
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_ALL, 1000);
	assert_int_equal(aero_monitor_set_faults(t->m, &rule, 1), 0);
	assert_int_equal(call(t, AERO_VMW_LOCK, 100, 0), AERO_VMW_OK_CAPS);
	assert_int_equal(t->regs.rcx, AERO_VMW_LOCK);
	assert_int_equal(t->regs.rbx, 100);
	assert_int_equal(aero_monitor_size(t->m), 0);
	assert_int_equal(call(t, AERO_VMW_START, AERO_VMW_CAP_BASIC, 0), AERO_VMW_OK_CAPS);
	assert_int_equal(t->regs.rcx, AERO_VMW_START);
	assert_int_equal(aero_monitor_caps(t->m), AERO_VMW_CAP_ALL);
}

/* GET_TARGET marks; moves add what passed since the mark; idle time is not in it. */
static void busy_time_leaves_idle_out(void **state)
{
	struct machine *t = *state;
	const struct aero_monitor_counters *n = aero_monitor_counters(t->m);

	call(t, AERO_VMW_START, AERO_VMW_CAP_ALL, 0);
	aero_monitor_set_target(t->m, 1000);
	t->instructions = 100;
	call(t, AERO_VMW_LOCK, 100, 0); /* no mark yet */
	t->instructions = 200;
	call(t, AERO_VMW_LOCK, 101, 0); /* and moves alone make none */
	call(t, AERO_VMW_UNLOCK, 101, 0);
	assert_int_equal(n->busy_instructions[AERO_INFLATE], 0);

	t->instructions = 1000;
	t->ns = 10;
	call(t, AERO_VMW_GET_TARGET, RAM_PAGES, 0);
	t->instructions = 1010;
	t->ns = 13;
	call(t, AERO_VMW_LOCK, 101, 0);
	t->instructions = 1015;
	call(t, AERO_VMW_LOCK, 101, 0); /* refused, but work all the same */
	assert_int_equal(n->busy_instructions[AERO_INFLATE], 15);
	assert_int_equal(n->busy_ns[AERO_INFLATE], 3);

	t->instructions = 9000;
	call(t, AERO_VMW_GUEST_ID, 1, 0);
	call(t, AERO_VMW_GET_TARGET, RAM_PAGES, 0);
	t->instructions = 9007;
	call(t, AERO_VMW_UNLOCK, 101, 0);
	assert_int_equal(n->busy_instructions[AERO_INFLATE], 15);
	assert_int_equal(n->busy_instructions[AERO_DEFLATE], 7);

	/* A new connection drops the mark. */
	call(t, AERO_VMW_START, AERO_VMW_CAP_ALL, 0);
	t->instructions = 20000;
	call(t, AERO_VMW_LOCK, 101, 0);
	assert_int_equal(n->busy_instructions[AERO_INFLATE], 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(start_begins_anew),
		MACHINE_TEST(start_0_ends_the_connection_and_fails),
		MACHINE_TEST(single_pages),
		MACHINE_TEST(batches_report_the_target),
		MACHINE_TEST(neighbours_are_merged),
		MACHINE_TEST(unwritable_batch_changes_nothing),
		MACHINE_TEST(failed_discard_is_counted_only),
		MACHINE_TEST(calls_are_counted_by_status),
		MACHINE_TEST(a_forced_answer_leaves_the_registers),
		MACHINE_TEST(busy_time_leaves_idle_out),
	};

	return cmocka_run_group_tests_name("monitor-commit", tests, NULL, NULL);
}
