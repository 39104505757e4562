// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* host/vmware/monitor.c: creation, the clamp, resets, lookup, doorbell. */
#include "test_monitor.h"

static void create_refuses_bad_configurations(void **state)
{
	struct machine *t = *state;
	const struct aero_monitor_host good = machine_host(t);
	const struct aero_monitor_config configs[] = {
		{0, 0, AERO_VMW_CAP_BASIC},	   {100, 0, AERO_VMW_CAP_BASIC},
		{100, 101, AERO_VMW_CAP_BASIC},	   {(1ULL << 36) + 1, 100, AERO_VMW_CAP_BASIC},
		{100, 100, AERO_VMW_CAP_ALL << 1}, {100, 100, 1},
	};
	const struct aero_monitor_config config = {100, 100, AERO_VMW_CAP_ALL};
	struct aero_monitor *m = NULL;
	struct aero_monitor_host host;

	for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++)
		assert_int_equal(aero_monitor_create(&m, &good, &configs[i]), -EINVAL);
	host = good;
	host.memory.is_ram = NULL;
	assert_int_equal(aero_monitor_create(&m, &host, &config), -EINVAL);
	host = good;
	host.memory.read = NULL;
	assert_int_equal(aero_monitor_create(&m, &host, &config), -EINVAL);
	host = good;
	host.memory.write = NULL;
	assert_int_equal(aero_monitor_create(&m, &host, &config), -EINVAL);
	host = good;
	host.memory.discard = NULL;
	assert_int_equal(aero_monitor_create(&m, &host, &config), -EINVAL);
	assert_null(m);

	host = good;
	host.memory.populate = NULL;
	host.instructions = NULL;
	host.now_ns = NULL;
	host.ring = NULL;
	assert_int_equal(aero_monitor_create(&m, &host, &config), 0);
	aero_monitor_destroy(m);
	aero_monitor_destroy(NULL);
}

static void target_is_clamped(void **state)
{
	struct machine *t = *state;
	const uint64_t keep = 32768; /* 128 MiB, more than a sixteenth here */

	/* Before the guest has told its limit, it is all RAM. */
	assert_int_equal(aero_monitor_limit(t->m), RAM_PAGES);
	assert_int_equal(aero_monitor_set_target(t->m, UINT64_MAX), RAM_PAGES - keep);
	assert_int_equal(aero_monitor_wanted(t->m), UINT64_MAX);

	call(t, AERO_VMW_START, AERO_VMW_CAP_ALL, 0);
	assert_int_equal(call(t, AERO_VMW_GET_TARGET, 100000, 0), AERO_VMW_OK);
	assert_int_equal(t->regs.rbx, 100000 - keep);
	assert_int_equal(aero_monitor_target(t->m), 100000 - keep);

	/* A guest cannot raise it over what it has. */
	call(t, AERO_VMW_GET_TARGET, 1ULL << 40, 0);
	assert_int_equal(t->regs.rbx, RAM_PAGES - keep);

	/* A tiny one gives nothing. */
	call(t, AERO_VMW_GET_TARGET, keep, 0);
	assert_int_equal(t->regs.rbx, 0);
	call(t, AERO_VMW_GET_TARGET, keep + 1, 0);
	assert_int_equal(t->regs.rbx, 1);

	assert_int_equal(aero_monitor_set_target(t->m, 0), 0);
}

static void big_guest_keeps_a_sixteenth(void **state)
{
	struct machine *t = *state;
	struct aero_monitor_host host = machine_host(t);
	struct aero_monitor_config config = {1ULL << 24, 1ULL << 24, AERO_VMW_CAP_ALL};
	struct aero_monitor *m;

	assert_int_equal(aero_monitor_create(&m, &host, &config), 0);
	assert_int_equal(aero_monitor_set_target(m, UINT64_MAX), (1ULL << 24) - (1ULL << 20));
	aero_monitor_destroy(m);
}

static void target_fits_32_bits_without_the_capability(void **state)
{
	struct machine *t = *state;
	struct aero_monitor_host host = machine_host(t);
	struct aero_monitor_config config = {9ULL << 29, 9ULL << 29, AERO_VMW_CAP_ALL};
	struct aero_vmw_regs regs;
	struct aero_monitor *m;

	assert_int_equal(aero_monitor_create(&m, &host, &config), 0);
	regs = (struct aero_vmw_regs){AERO_VMW_MAGIC, AERO_VMW_CAP_BASIC, AERO_VMW_START, 0, 0};
	aero_monitor_call(m, &regs);
	assert_int_equal(aero_monitor_set_target(m, (1ULL << 32) + 5), UINT32_MAX);
	aero_monitor_force_target(m, 1ULL << 33);
	assert_int_equal(aero_monitor_target(m), UINT32_MAX);
	aero_monitor_force_target(m, AERO_MONITOR_NOT_FORCED);

	regs = (struct aero_vmw_regs){AERO_VMW_MAGIC, AERO_VMW_CAP_ALL, AERO_VMW_START, 0, 0};
	aero_monitor_call(m, &regs);
	assert_int_equal(aero_monitor_target(m), (1ULL << 32) + 5);
	aero_monitor_destroy(m);
}

static void forced_target_is_not_clamped(void **state)
{
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_ALL, 1000);
	aero_monitor_force_target(t->m, 10 * RAM_PAGES);
	call(t, AERO_VMW_GET_TARGET, RAM_PAGES, 0);
	assert_int_equal(t->regs.rbx, 10 * RAM_PAGES);
	assert_int_equal(aero_monitor_set_target(t->m, 2000), 10 * RAM_PAGES);
	aero_monitor_force_target(t->m, AERO_MONITOR_NOT_FORCED);
	assert_int_equal(aero_monitor_target(t->m), 2000);
}

static void lookup_knows_page_and_order(void **state)
{
	struct machine *t = *state;
	uint64_t pfn = 0;
	unsigned int order = 0;

	assert_false(aero_monitor_next_locked(t->m, 0, &pfn, &order));
	machine_start(t, AERO_VMW_CAP_ALL, 10000);
	call_batch(t, AERO_VMW_BATCHED_2M_LOCK, 4 * RUN, RUN, 2);
	call(t, AERO_VMW_LOCK, 99, 0);
	call(t, AERO_VMW_LOCK, PFN_END - 1, 0);
	assert_int_equal(aero_monitor_size(t->m), 2 * RUN + 2);

	assert_int_equal(aero_monitor_locked_order(t->m, 99), 0);
	assert_int_equal(aero_monitor_locked_order(t->m, 98), -1);
	assert_int_equal(aero_monitor_locked_order(t->m, 4 * RUN - 1), -1);
	assert_int_equal(aero_monitor_locked_order(t->m, 4 * RUN), 9);
	assert_int_equal(aero_monitor_locked_order(t->m, 6 * RUN - 1), 9);
	assert_int_equal(aero_monitor_locked_order(t->m, 6 * RUN), -1);
	assert_int_equal(aero_monitor_locked_order(t->m, PFN_END), -1);
	assert_int_equal(aero_monitor_locked_order(t->m, UINT64_MAX), -1);

	assert_true(aero_monitor_next_locked(t->m, 0, &pfn, &order));
	assert_true(pfn == 99 && order == 0);
	assert_true(aero_monitor_next_locked(t->m, 100, &pfn, &order));
	assert_true(pfn == 4 * RUN && order == 9);
	assert_true(aero_monitor_next_locked(t->m, 5 * RUN, &pfn, &order));
	assert_true(pfn == 5 * RUN && order == 9);
	assert_true(aero_monitor_next_locked(t->m, 6 * RUN, &pfn, &order));
	assert_true(pfn == PFN_END - 1 && order == 0);
	assert_false(aero_monitor_next_locked(t->m, PFN_END, &pfn, &order));
}

static void system_reset_forgets_the_guest(void **state)
{
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_ALL, 10000);
	call(t, AERO_VMW_GET_TARGET, 100000, 0);
	call_batch(t, AERO_VMW_BATCHED_LOCK, 100, 1, 50);
	t->populates = 0;
	aero_monitor_reset(t->m);
	machine_check(t);
	assert_int_equal(t->populates, 1);
	assert_int_equal(aero_monitor_size(t->m), 0);
	assert_int_equal(aero_monitor_limit(t->m), RAM_PAGES);
	assert_int_equal(aero_monitor_caps(t->m), 0);
	assert_false(aero_monitor_connected(t->m));
	assert_int_equal(aero_monitor_target(t->m), 10000);
	assert_int_equal(call(t, AERO_VMW_GET_TARGET, RAM_PAGES, 0), AERO_VMW_E_RESET);
}

static void demanded_reset_holds_until_start(void **state)
{
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_ALL, 10000);
	call_batch(t, AERO_VMW_BATCHED_2M_LOCK, RUN, RUN, 3);
	aero_monitor_demand_reset(t->m);
	machine_check(t);
	assert_int_equal(aero_monitor_size(t->m), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(call(t, AERO_VMW_LOCK, 100, 0), AERO_VMW_E_RESET);
	machine_start(t, AERO_VMW_CAP_ALL, 10000);
	assert_int_equal(call(t, AERO_VMW_LOCK, 100, 0), AERO_VMW_OK);
	assert_int_equal(aero_monitor_counters(t->m)->resets_demanded, 1);
}

static void forgotten_locks_are_not_told_to_the_guest(void **state)
{
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_ALL, 10000);
	call_batch(t, AERO_VMW_BATCHED_2M_LOCK, RUN, RUN, 3);
	assert_int_equal(call(t, AERO_VMW_LOCK, 100, 0), AERO_VMW_OK);
	aero_monitor_forget_locks(t->m);
	machine_check(t);
	assert_int_equal(aero_monitor_size(t->m), 0);
	assert_true(aero_monitor_connected(t->m));
	assert_int_equal(call(t, AERO_VMW_UNLOCK, 100, 0), AERO_VMW_E_UNLOCKED);
	assert_int_equal(call(t, AERO_VMW_LOCK, 100, 0), AERO_VMW_OK);
}

static void doorbell_rings_on_a_new_target(void **state)
{
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_ALL, 10000);
	assert_int_equal(t->rings, 0);
	assert_int_equal(call(t, AERO_VMW_DOORBELL_SET, 11, 22), AERO_VMW_OK);
	aero_monitor_set_target(t->m, 10000); /* the same */
	assert_int_equal(t->rings, 0);
	aero_monitor_set_target(t->m, 10001);
	assert_int_equal(t->rings, 1);
	assert_int_equal(t->ring_context, 11);
	assert_int_equal(t->ring_resource, 22);
	aero_monitor_force_target(t->m, 5);
	assert_int_equal(t->rings, 2);

	assert_int_equal(call(t, AERO_VMW_DOORBELL_SET, UINT32_MAX, UINT32_MAX), AERO_VMW_OK);
	aero_monitor_force_target(t->m, 6);
	assert_int_equal(t->rings, 2);
	assert_int_equal(aero_monitor_counters(t->m)->doorbell_rings, 2);

	/* A doorbell ends with its connection. */
	assert_int_equal(call(t, AERO_VMW_DOORBELL_SET, 11, 22), AERO_VMW_OK);
	aero_monitor_reset(t->m);
	aero_monitor_force_target(t->m, 7);
	assert_int_equal(t->rings, 2);
}

static void counters_can_be_zeroed(void **state)
{
	static const struct aero_monitor_counters zero;
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_ALL, 10000);
	call(t, AERO_VMW_LOCK, 100, 0);
	assert_memory_not_equal(aero_monitor_counters(t->m), &zero, sizeof(zero));
	aero_monitor_zero_counters(t->m);
	assert_memory_equal(aero_monitor_counters(t->m), &zero, sizeof(zero));
	assert_int_equal(aero_monitor_size(t->m), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(create_refuses_bad_configurations),
		MACHINE_TEST(target_is_clamped),
		MACHINE_TEST(big_guest_keeps_a_sixteenth),
		MACHINE_TEST(target_fits_32_bits_without_the_capability),
		MACHINE_TEST(forced_target_is_not_clamped),
		MACHINE_TEST(lookup_knows_page_and_order),
		MACHINE_TEST(system_reset_forgets_the_guest),
		MACHINE_TEST(demanded_reset_holds_until_start),
		MACHINE_TEST(forgotten_locks_are_not_told_to_the_guest),
		MACHINE_TEST(doorbell_rings_on_a_new_target),
		MACHINE_TEST(counters_can_be_zeroed),
	};

	return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
