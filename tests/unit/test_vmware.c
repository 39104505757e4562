// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* VMware's protocol as the guest speaks it: a connection's life, the target, names. */
#include "vmware_script.h"

static const struct aero_hypervisor_ops *const ops = &aero_vmware_ops;

/* -- a connection's life ---------------------------------------------------------- */

static void start_asks_for_all_then_doorbell_then_guest_id(void **state)
{
	struct host *host = *state;

	assert_int_equal(connect_to(host, AERO_VMW_CAP_ALL), AERO_REPLY_OK);
	assert_int_equal(host->calls, 3);
	assert_call(host, 0, AERO_VMW_START, AERO_VMW_CAP_ALL, 0);
	assert_call(host, 1, AERO_VMW_DOORBELL_SET, CONTEXT, RESOURCE);
	assert_call(host, 2, AERO_VMW_GUEST_ID, AERO_VMW_GUEST_LINUX, 0);
	assert_true(host->link.large);
	assert_int_equal(host->v.caps, AERO_VMW_CAP_ALL);
}

static void capabilities_nobody_asked_for_are_not_used(void **state)
{
	struct host *host = *state;

	host->v.caps_wanted = AERO_VMW_CAP_BASIC;
	host->old = false;
	answer_with(host, AERO_VMW_START, AERO_VMW_OK_CAPS, 1);
	connect_to(host, UINT32_MAX);
	assert_int_equal(host->v.caps, AERO_VMW_CAP_BASIC);
	assert_call(host, 0, AERO_VMW_START, AERO_VMW_CAP_BASIC, 0);
}

static void old_host_gets_basic_commands_only(void **state)
{
	struct host *host = *state;

	host->old = true;
	assert_int_equal(connect_to(host, AERO_VMW_CAP_ALL), AERO_REPLY_OK);
	assert_int_equal(host->v.caps, AERO_VMW_CAP_BASIC);
	assert_false(host->link.large);
	assert_null(host->page);
	host->calls = 0;
	ops->offer(&host->v, batch_of(host, AERO_CLASS_PAGE, 1, 5));
	assert_call(host, 0, AERO_VMW_LOCK, 5, 0);
}

static void large_pages_are_never_used_without_batching(void **state)
{
	struct host *host = *state;

	assert_int_equal(connect_to(host, AERO_VMW_CAP_BASIC | AERO_VMW_CAP_BATCHED_2M),
			 AERO_REPLY_OK);
	assert_false(host->link.large);
	assert_int_equal(host->v.caps, AERO_VMW_CAP_BASIC);
}

static void start_with_0_when_the_batch_page_cannot_be_had(void **state)
{
	struct host *host = *state;

	host->no_page = true;
	assert_int_not_equal(connect_to(host, AERO_VMW_CAP_ALL), AERO_REPLY_OK);
	assert_int_equal(host->calls, 2);
	assert_call(host, 0, AERO_VMW_START, AERO_VMW_CAP_ALL, 0);
	assert_call(host, 1, AERO_VMW_START, 0, 0);
	assert_int_equal(host->v.caps, 0);
	/* And it works once there is one. */
	host->no_page = false;
	assert_int_equal(connect_to(host, AERO_VMW_CAP_ALL), AERO_REPLY_OK);
}

static void host_that_grants_neither_way_is_no_host(void **state)
{
	struct host *host = *state;

	assert_int_equal(connect_to(host, AERO_VMW_CAP_SIGNALLED), AERO_REPLY_FAILED);
}

static void silent_host_is_no_host(void **state)
{
	struct host *host = *state;

	answer_with(host, AERO_VMW_START, AERO_VMW_FAILURE, 1);
	assert_int_equal(connect_to(host, AERO_VMW_CAP_ALL), AERO_REPLY_FAILED);
	assert_int_equal(host->calls, 1);
	assert_int_equal(host->v.failures[AERO_VMW_START], 1);
}

static void busy_and_reset_at_start_are_told_apart(void **state)
{
	struct host *host = *state;

	answer_with(host, AERO_VMW_START, AERO_VMW_E_BUSY, 1);
	assert_int_equal(connect_to(host, AERO_VMW_CAP_ALL), AERO_REPLY_BUSY);
	answer_with(host, AERO_VMW_START, AERO_VMW_E_RESET, 1);
	assert_int_equal(connect_to(host, AERO_VMW_CAP_ALL), AERO_REPLY_RESET);
}

static void doorbell_only_where_granted(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_BASIC | AERO_VMW_CAP_BATCHED);

	assert_int_equal(host->doorbells, 0);
	assert_int_equal(host->v.calls[AERO_VMW_DOORBELL_SET], 0);
}

static void guest_without_doorbells_polls(void **state)
{
	struct host *host = *state;

	host->no_doorbell = true;
	assert_int_equal(connect_to(host, AERO_VMW_CAP_ALL), AERO_REPLY_OK);
	assert_int_equal(host->v.calls[AERO_VMW_DOORBELL_SET], 0);
}

static void doorbell_the_host_would_not_take_is_closed_and_said_once(void **state)
{
	struct host *host = *state;

	answer_with(host, AERO_VMW_DOORBELL_SET, AERO_VMW_E_COMMAND, 2);
	assert_int_equal(connect_to(host, AERO_VMW_CAP_ALL), AERO_REPLY_OK);
	assert_int_equal(host->doorbells, 0);
	assert_int_equal(connect_to(host, AERO_VMW_CAP_ALL), AERO_REPLY_OK);
	assert_int_equal(sim_logged(&host->port, "doorbell"), 1);
	assert_int_equal(host->v.failures[AERO_VMW_DOORBELL_SET], 2);
	/* Nothing was set, so there is nothing to take down. */
	host->calls = 0;
	ops->quiesce(&host->v);
	assert_int_equal(host->calls, 0);
}

static void reset_at_the_doorbell_or_guest_id_fails_the_connection(void **state)
{
	struct host *host = *state;

	answer_with(host, AERO_VMW_DOORBELL_SET, AERO_VMW_E_RESET, 1);
	assert_int_equal(connect_to(host, AERO_VMW_CAP_ALL), AERO_REPLY_RESET);
	assert_int_equal(host->doorbells, 0);
	answer_with(host, AERO_VMW_GUEST_ID, AERO_VMW_E_RESET, 1);
	assert_int_equal(connect_to(host, AERO_VMW_CAP_ALL), AERO_REPLY_RESET);
}

static void guest_id_that_fails_is_said_once_and_does_no_harm(void **state)
{
	struct host *host = *state;

	answer_with(host, AERO_VMW_GUEST_ID, AERO_VMW_E_COMMAND, 2);
	assert_int_equal(connect_to(host, AERO_VMW_CAP_BASIC), AERO_REPLY_OK);
	assert_int_equal(connect_to(host, AERO_VMW_CAP_BASIC), AERO_REPLY_OK);
	assert_int_equal(sim_logged(&host->port, "guest's kind"), 1);
}

static void quiesce_takes_the_doorbell_down_once(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_ALL);

	ops->quiesce(&host->v);
	assert_int_equal(host->calls, 1);
	assert_call(host, 0, AERO_VMW_DOORBELL_SET, 0xffffffff, 0xffffffff);
	assert_int_equal(host->doorbells, 0);
	ops->quiesce(&host->v);
	assert_int_equal(host->calls, 1);
}

static void disconnect_is_start_with_0_whatever_it_answers(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_ALL);

	ops->disconnect(&host->v);
	assert_call(host, 0, AERO_VMW_START, 0, 0);
	assert_int_equal(host->v.caps, 0);
}

static void batch_page_is_kept_through_a_reset(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_ALL);
	uint64_t *page = host->page;

	assert_non_null(page);
	ops->quiesce(&host->v);
	assert_int_equal(connect_to(host, AERO_VMW_CAP_ALL), AERO_REPLY_OK);
	assert_ptr_equal(host->v.batch_page, page);
}

/* -- the target ------------------------------------------------------------------------ */

static void limit_is_told_and_the_target_comes_back(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_ALL);
	uint64_t target = 0;

	host->target_pages = 0x300000002ULL;
	assert_int_equal(ops->get_target(&host->v, 0x7654321, &target), AERO_REPLY_OK);
	assert_call(host, 0, AERO_VMW_GET_TARGET, 0x7654321, 0);
	assert_true(target == 0x300000002ULL);
}

static void target_has_32_bits_on_lesser_hosts(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_ALL & ~AERO_VMW_CAP_TARGET_64);
	uint64_t target = 0;

	host->target_pages = 0x300000002ULL;
	assert_int_equal(ops->get_target(&host->v, 1000, &target), AERO_REPLY_OK);
	assert_int_equal(target, 2);
}

static void limit_above_32_bits_is_not_told_to_lesser_hosts(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_ALL & ~AERO_VMW_CAP_TARGET_64);
	uint64_t target = 99;

	assert_int_equal(ops->get_target(&host->v, 1ULL << 32, &target), AERO_REPLY_FAILED);
	assert_int_equal(ops->get_target(&host->v, 1ULL << 32, &target), AERO_REPLY_FAILED);
	assert_int_equal(host->calls, 0);
	assert_int_equal(target, 99);
	assert_int_equal(sim_logged(&host->port, "16 TiB"), 1);
	assert_int_equal(ops->get_target(&host->v, UINT32_MAX, &target), AERO_REPLY_OK);
}

static void limit_above_32_bits_is_told_where_granted(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_ALL);
	uint64_t target;

	assert_int_equal(ops->get_target(&host->v, 1ULL << 32, &target), AERO_REPLY_OK);
	assert_call(host, 0, AERO_VMW_GET_TARGET, 1ULL << 32, 0);
}

static void each_status_of_get_target_has_its_reply(void **state)
{
	static const struct {
		uint32_t status;
		enum aero_reply reply;
	} cases[] = {
		{AERO_VMW_FAILURE, AERO_REPLY_FAILED}, {AERO_VMW_E_COMMAND, AERO_REPLY_FAILED},
		{AERO_VMW_E_RESET, AERO_REPLY_RESET},  {AERO_VMW_E_BUSY, AERO_REPLY_BUSY},
		{AERO_VMW_OK_CAPS, AERO_REPLY_FAILED}, {9, AERO_REPLY_FAILED},
		{0x80000000, AERO_REPLY_FAILED},       {AERO_VMW_E_PPN, AERO_REPLY_FAILED},
	};
	struct host *host = connected(state, AERO_VMW_CAP_ALL);
	uint64_t target = 99;
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		answer_with(host, AERO_VMW_GET_TARGET, cases[i].status, 1);
		assert_int_equal(ops->get_target(&host->v, 1000, &target), cases[i].reply);
		assert_int_equal(target, 99);
	}
}

/* -- names and counters --------------------------------------------------------------------- */

static void calls_and_failures_are_counted(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_BASIC);
	uint64_t target;

	answer_with(host, AERO_VMW_GET_TARGET, AERO_VMW_E_BUSY, 1);
	ops->get_target(&host->v, 1000, &target);
	ops->get_target(&host->v, 1000, &target);
	assert_int_equal(host->v.calls[AERO_VMW_GET_TARGET], 2);
	assert_int_equal(host->v.failures[AERO_VMW_GET_TARGET], 1);
	assert_int_equal(host->v.calls[AERO_VMW_START], 1);
	assert_int_equal(host->v.failures[AERO_VMW_START], 0);
}

static void commands_and_capabilities_have_names(void **state)
{
	(void)state;
	assert_string_equal(aero_vmware_command_name(AERO_VMW_BATCHED_2M_UNLOCK),
			    "batched_2m_unlock");
	assert_string_equal(aero_vmware_command_name(5), "unknown");
	assert_string_equal(aero_vmware_command_name(AERO_VMW_COMMANDS), "unknown");
	assert_string_equal(aero_vmware_command_name(UINT32_MAX), "unknown");
	assert_string_equal(aero_vmware_cap_name(AERO_VMW_CAP_TARGET_64), "target_64");
	assert_string_equal(aero_vmware_cap_name(1), "unknown");
	assert_string_equal(aero_vmware_cap_name(AERO_VMW_CAP_ALL), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(start_asks_for_all_then_doorbell_then_guest_id),
		TEST(capabilities_nobody_asked_for_are_not_used),
		TEST(old_host_gets_basic_commands_only),
		TEST(large_pages_are_never_used_without_batching),
		TEST(start_with_0_when_the_batch_page_cannot_be_had),
		TEST(host_that_grants_neither_way_is_no_host),
		TEST(silent_host_is_no_host),
		TEST(busy_and_reset_at_start_are_told_apart),
		TEST(doorbell_only_where_granted),
		TEST(guest_without_doorbells_polls),
		TEST(doorbell_the_host_would_not_take_is_closed_and_said_once),
		TEST(reset_at_the_doorbell_or_guest_id_fails_the_connection),
		TEST(guest_id_that_fails_is_said_once_and_does_no_harm),
		TEST(quiesce_takes_the_doorbell_down_once),
		TEST(disconnect_is_start_with_0_whatever_it_answers),
		TEST(batch_page_is_kept_through_a_reset),
		TEST(limit_is_told_and_the_target_comes_back),
		TEST(target_has_32_bits_on_lesser_hosts),
		TEST(limit_above_32_bits_is_not_told_to_lesser_hosts),
		TEST(limit_above_32_bits_is_told_where_granted),
		TEST(each_status_of_get_target_has_its_reply),
		TEST(calls_and_failures_are_counted),
		TEST(commands_and_capabilities_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
