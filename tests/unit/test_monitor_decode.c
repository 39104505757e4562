// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* host/vmware/decode.c: what is refused, with which status, and that nothing changes then. */
#include "test_monitor.h"

/* What a refused call must leave as it was. */
struct before {
	uint64_t size;
	uint64_t target;
	uint64_t limit;
	uint64_t caps;
	uint64_t discards;
	uint64_t populates;
};

static struct before look(const struct machine *t)
{
	return (struct before){aero_monitor_size(t->m),
			       aero_monitor_target(t->m),
			       aero_monitor_limit(t->m),
			       aero_monitor_caps(t->m),
			       t->discards,
			       t->populates};
}

#define assert_refused(t, status, command, arg1, arg2)                   \
	do {                                                             \
		struct before before_ = look(t);                         \
		struct before after_;                                    \
		assert_int_equal(call(t, command, arg1, arg2), status);  \
		after_ = look(t);                                        \
		assert_memory_equal(&before_, &after_, sizeof(before_)); \
		assert_int_equal((t)->regs.rbx, (uint64_t)(arg1));       \
		assert_int_equal((t)->regs.rcx, (uint64_t)(command));    \
	} while (0)

static void without_magic_there_is_no_port(void **state)
{
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_ALL, 1000);
	t->regs = (struct aero_vmw_regs){1, 100, AERO_VMW_LOCK, 3, 4};
	aero_monitor_call(t->m, &t->regs);
	assert_int_equal(t->regs.rax, UINT32_MAX);
	assert_int_equal(t->regs.rbx, 100);
	assert_int_equal(t->regs.rcx, AERO_VMW_LOCK);
	assert_int_equal(aero_monitor_size(t->m), 0);
	assert_int_equal(aero_monitor_counters(t->m)->bad_magic, 1);

	/* Only eax counts, the upper half of rax does not. */
	t->regs =
		(struct aero_vmw_regs){0xdeadULL << 32 | AERO_VMW_MAGIC, 100, AERO_VMW_LOCK, 0, 0};
	aero_monitor_call(t->m, &t->regs);
	assert_int_equal(t->regs.rax, AERO_VMW_OK);
}

static void unknown_commands(void **state)
{
	static const uint64_t numbers[] = {
		5, 11, 12, UINT32_MAX, 1ULL << 32, 1ULL << 32 | AERO_VMW_LOCK, UINT64_MAX};
	struct machine *t = *state;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_refused(t, AERO_VMW_E_COMMAND, numbers[i], 100, 1);
		assert_int_equal(aero_monitor_counters(t->m)->unknown_commands, i + 1);
	}
}

static void without_a_connection_reset(void **state)
{
	struct machine *t = *state;

	for (uint32_t command = AERO_VMW_GET_TARGET; command < AERO_VMW_COMMANDS; command++)
		if (command != 5)
			assert_refused(t, AERO_VMW_E_RESET, command, 100, 1);
}

static void commands_need_their_capability(void **state)
{
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_BASIC, 1000);
	assert_refused(t, AERO_VMW_E_COMMAND, AERO_VMW_BATCHED_LOCK, BATCH_PFN, 1);
	assert_refused(t, AERO_VMW_E_COMMAND, AERO_VMW_BATCHED_UNLOCK, BATCH_PFN, 1);
	assert_refused(t, AERO_VMW_E_COMMAND, AERO_VMW_BATCHED_2M_LOCK, BATCH_PFN, 1);
	assert_refused(t, AERO_VMW_E_COMMAND, AERO_VMW_BATCHED_2M_UNLOCK, BATCH_PFN, 1);
	assert_refused(t, AERO_VMW_E_COMMAND, AERO_VMW_DOORBELL_SET, 1, 1);

	machine_start(t, AERO_VMW_CAP_BATCHED, 1000);
	assert_refused(t, AERO_VMW_E_COMMAND, AERO_VMW_LOCK, 100, 0);
	assert_refused(t, AERO_VMW_E_COMMAND, AERO_VMW_UNLOCK, 100, 0);
	assert_refused(t, AERO_VMW_E_COMMAND, AERO_VMW_BATCHED_2M_LOCK, BATCH_PFN, 1);
	assert_int_equal(call_batch(t, AERO_VMW_BATCHED_LOCK, 100, 1, 1), AERO_VMW_OK);
}

static void start_grants_the_intersection(void **state)
{
	struct machine *t = *state;

	assert_int_equal(call(t, AERO_VMW_START, UINT64_MAX, 0), AERO_VMW_OK_CAPS);
	assert_int_equal(t->regs.rcx, AERO_VMW_CAP_ALL);

	/* 2 MiB batches only with batches. */
	assert_int_equal(call(t, AERO_VMW_START, AERO_VMW_CAP_BASIC | AERO_VMW_CAP_BATCHED_2M, 0),
			 AERO_VMW_OK_CAPS);
	assert_int_equal(t->regs.rcx, AERO_VMW_CAP_BASIC);

	/* Nothing in common, or nothing that moves pages: the old connection stays. */
	assert_refused(t, AERO_VMW_FAILURE, AERO_VMW_START, 1, 0);
	assert_refused(t, AERO_VMW_FAILURE, AERO_VMW_START, AERO_VMW_CAP_TARGET_64, 0);
	assert_refused(t, AERO_VMW_FAILURE, AERO_VMW_START, 1ULL << 33, 0);
	assert_int_equal(aero_monitor_caps(t->m), AERO_VMW_CAP_BASIC);
}

static void limits(void **state)
{
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_ALL & ~AERO_VMW_CAP_TARGET_64, 1000);
	assert_refused(t, AERO_VMW_FAILURE, AERO_VMW_GET_TARGET, 0, 0);
	assert_refused(t, AERO_VMW_FAILURE, AERO_VMW_GET_TARGET, 1ULL << 32, 0);
	assert_int_equal(call(t, AERO_VMW_GET_TARGET, UINT32_MAX, 0), AERO_VMW_OK);

	machine_start(t, AERO_VMW_CAP_ALL, 1000);
	assert_refused(t, AERO_VMW_FAILURE, AERO_VMW_GET_TARGET, 0, 0);
	assert_refused(t, AERO_VMW_FAILURE, AERO_VMW_GET_TARGET, (1ULL << 52) + 1, 0);
	assert_refused(t, AERO_VMW_FAILURE, AERO_VMW_GET_TARGET, UINT64_MAX, 0);
	assert_int_equal(call(t, AERO_VMW_GET_TARGET, 1ULL << 52, 0), AERO_VMW_OK);
}

static void pages_that_cannot_be_locked(void **state)
{
	static const uint64_t pfns[] = {PFN_END,    HOLE_FROM,	HOLE_FROM + HOLE_PAGES - 1,
					UINT32_MAX, 1ULL << 32, 1ULL << 52,
					UINT64_MAX, 1ULL << 63};
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_ALL, 1000);
	for (size_t i = 0; i < sizeof(pfns) / sizeof(pfns[0]); i++) {
		assert_refused(t, AERO_VMW_E_PPN, AERO_VMW_LOCK, pfns[i], 0);
		assert_refused(t, AERO_VMW_E_PPN, AERO_VMW_UNLOCK, pfns[i], 0);
	}
	assert_refused(t, AERO_VMW_E_UNLOCKED, AERO_VMW_UNLOCK, 100, 0);
	assert_int_equal(call(t, AERO_VMW_LOCK, 100, 0), AERO_VMW_OK);
	assert_refused(t, AERO_VMW_E_LOCKED, AERO_VMW_LOCK, 100, 0);
	assert_int_equal(call(t, AERO_VMW_LOCK, HOLE_FROM - 1, 0), AERO_VMW_OK);
	assert_int_equal(call(t, AERO_VMW_LOCK, HOLE_FROM + HOLE_PAGES, 0), AERO_VMW_OK);
	assert_int_equal(call(t, AERO_VMW_LOCK, PFN_END - 1, 0), AERO_VMW_OK);
	assert_int_equal(call(t, AERO_VMW_LOCK, 0, 0), AERO_VMW_OK);
}

static bool all_is_ram(void *ctx, uint64_t pfn, uint64_t pages)
{
	return true;
}

static int no_discard(void *ctx, uint64_t pfn, uint64_t pages)
{
	return 0;
}

/* A page number over 32 bits on a machine that has such pages. */
static void wide_page_numbers_need_the_capability(void **state)
{
	struct machine *t = *state;
	struct aero_monitor_host host = machine_host(t);
	struct aero_monitor_config config = {(1ULL << 32) + 1024, 1ULL << 32, AERO_VMW_CAP_ALL};
	struct aero_monitor *m;

	host.memory.is_ram = all_is_ram;
	host.memory.discard = no_discard;
	host.memory.populate = NULL;
	for (int wide = 0; wide < 2; wide++) {
		uint32_t caps = wide ? AERO_VMW_CAP_ALL
				     : AERO_VMW_CAP_ALL & ~AERO_VMW_CAP_TARGET_64;
		struct aero_vmw_regs regs = {AERO_VMW_MAGIC, caps, AERO_VMW_START, 0, 0};

		assert_int_equal(aero_monitor_create(&m, &host, &config), 0);
		aero_monitor_set_target(m, 1000);
		aero_monitor_call(m, &regs);
		regs = (struct aero_vmw_regs){AERO_VMW_MAGIC, 1ULL << 32, AERO_VMW_LOCK, 0, 0};
		aero_monitor_call(m, &regs);
		assert_int_equal(regs.rax, wide ? AERO_VMW_OK : AERO_VMW_E_PPN);
		assert_int_equal(aero_monitor_size(m), wide);
		/* Not truncated to page 0 either. */
		assert_false(aero_monitor_is_locked(m, 0));

		/* In a batch, addresses have 64 bits always. */
		t->batch[0] = ((1ULL << 32) + 5) << 12;
		regs = (struct aero_vmw_regs){AERO_VMW_MAGIC, BATCH_PFN, AERO_VMW_BATCHED_LOCK, 0,
					      1};
		aero_monitor_call(m, &regs);
		assert_int_equal(regs.rax, AERO_VMW_OK);
		assert_int_equal(entry_status(t, 0), AERO_VMW_OK);
		assert_true(aero_monitor_is_locked(m, (1ULL << 32) + 5));
		aero_monitor_destroy(m);
	}
}

static void bad_batches(void **state)
{
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_ALL, 100000);
	for (uint32_t c = AERO_VMW_BATCHED_LOCK; c <= AERO_VMW_BATCHED_2M_UNLOCK; c++) {
		assert_refused(t, AERO_VMW_FAILURE, c, BATCH_PFN, 0);
		assert_refused(t, AERO_VMW_FAILURE, c, BATCH_PFN, 513);
		assert_refused(t, AERO_VMW_FAILURE, c, BATCH_PFN, 1ULL << 32 | 1);
		assert_refused(t, AERO_VMW_FAILURE, c, BATCH_PFN, UINT64_MAX);
		assert_refused(t, AERO_VMW_E_PPN, c, HOLE_FROM, 1);
		assert_refused(t, AERO_VMW_E_PPN, c, PFN_END, 1);
		assert_refused(t, AERO_VMW_E_PPN, c, BATCH_PFN | 1ULL << 52, 1);
		assert_refused(t, AERO_VMW_E_PPN, c, UINT64_MAX, 1);
		t->read_error = -EFAULT;
		assert_refused(t, AERO_VMW_FAILURE, c, BATCH_PFN, 1);
		t->read_error = 0;
	}
	assert_int_equal(call(t, AERO_VMW_LOCK, 100, 0), AERO_VMW_OK);
	assert_refused(t, AERO_VMW_E_LOCKED, AERO_VMW_BATCHED_LOCK, 100, 1);
	assert_int_equal(call_batch(t, AERO_VMW_BATCHED_2M_LOCK, RUN, RUN, 1), AERO_VMW_OK);
	assert_refused(t, AERO_VMW_E_LOCKED, AERO_VMW_BATCHED_UNLOCK, RUN + 5, 1);
}

/* Each kind of bad entry between two good ones. */
static void bad_entries(void **state)
{
	static const struct {
		uint64_t raw;
		unsigned int status;
	} cases[] = {
		{PFN_END << 12, AERO_VMW_E_PPN},	{HOLE_FROM << 12, AERO_VMW_E_PPN},
		{UINT64_MAX << 12, AERO_VMW_E_PPN},	{100ULL << 12 | 0x20, AERO_VMW_E_PPN},
		{100ULL << 12 | 0x800, AERO_VMW_E_PPN}, {BATCH_PFN << 12, AERO_VMW_E_PINNED},
		{50ULL << 12, AERO_VMW_E_LOCKED},     /* earlier in the batch */
		{60ULL << 12, AERO_VMW_E_LOCKED},     /* earlier in time */
		{(RUN + 3) << 12, AERO_VMW_E_LOCKED}, /* in a 2 MiB run */
		{100ULL << 12 | 0x1f, AERO_VMW_OK},   /* old status bits do not matter */
	};
	struct machine *t = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		machine_start(t, AERO_VMW_CAP_ALL, 100000);
		call(t, AERO_VMW_LOCK, 60, 0);
		call_batch(t, AERO_VMW_BATCHED_2M_LOCK, RUN, RUN, 1);
		t->batch[0] = 50ULL << 12;
		t->batch[1] = cases[i].raw;
		t->batch[2] = 52ULL << 12;
		assert_int_equal(call(t, AERO_VMW_BATCHED_LOCK, BATCH_PFN, 3), AERO_VMW_OK);
		assert_int_equal(entry_status(t, 0), AERO_VMW_OK);
		assert_int_equal(entry_status(t, 1), cases[i].status);
		assert_int_equal(entry_status(t, 2), AERO_VMW_OK);
		assert_int_equal(t->batch[1] & ~0x1fULL, cases[i].raw & ~0x1fULL);
		assert_int_equal(aero_monitor_size(t->m),
				 RUN + 3 + (cases[i].status == AERO_VMW_OK));
	}
}

static void bad_entries_of_2m(void **state)
{
	static const struct {
		uint64_t pfn;
		unsigned int status;
	} cases[] = {
		{8 * RUN + 1, AERO_VMW_E_PPN}, /* not aligned */
		{8 * RUN + 256, AERO_VMW_E_PPN},
		{0, AERO_VMW_E_PINNED},			 /* the batch page's run */
		{PFN_END / RUN * RUN, AERO_VMW_E_PPN},	 /* only part of it exists */
		{HOLE_FROM / RUN * RUN, AERO_VMW_E_PPN}, /* the hole begins in it */
		{HOLE_FROM / RUN * RUN + RUN, AERO_VMW_E_PPN},
		{HOLE_FROM / RUN * RUN - RUN, AERO_VMW_OK},
		{2 * RUN, AERO_VMW_E_LOCKED}, /* one 4 KiB page of it is */
		{3 * RUN, AERO_VMW_E_LOCKED},
		{4 * RUN, AERO_VMW_E_LOCKED}, /* earlier in the batch */
	};
	struct machine *t = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		machine_start(t, AERO_VMW_CAP_ALL, 100000);
		call(t, AERO_VMW_LOCK, 3 * RUN - 1, 0);
		call_batch(t, AERO_VMW_BATCHED_2M_LOCK, 3 * RUN, RUN, 1);
		t->batch[0] = (4 * RUN) << 12;
		t->batch[1] = cases[i].pfn << 12;
		assert_int_equal(call(t, AERO_VMW_BATCHED_2M_LOCK, BATCH_PFN, 2), AERO_VMW_OK);
		assert_int_equal(entry_status(t, 0), AERO_VMW_OK);
		assert_int_equal(entry_status(t, 1), cases[i].status);
	}
}

static void unlock_wants_the_size_of_the_lock(void **state)
{
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_ALL, 100000);
	assert_int_equal(call_batch(t, AERO_VMW_BATCHED_2M_LOCK, RUN, RUN, 1), AERO_VMW_OK);
	assert_int_equal(call_batch(t, AERO_VMW_BATCHED_LOCK, 2 * RUN, 1, 512), AERO_VMW_OK);
	assert_int_equal(aero_monitor_size(t->m), 2 * RUN);

	assert_refused(t, AERO_VMW_E_UNLOCKED, AERO_VMW_UNLOCK, RUN, 0);
	call_batch(t, AERO_VMW_BATCHED_UNLOCK, RUN, 1, 512);
	for (unsigned int i = 0; i < 512; i++)
		assert_int_equal(entry_status(t, i), AERO_VMW_E_UNLOCKED);
	call_batch(t, AERO_VMW_BATCHED_2M_UNLOCK, 2 * RUN, RUN, 1);
	assert_int_equal(entry_status(t, 0), AERO_VMW_E_UNLOCKED);
	assert_int_equal(aero_monitor_size(t->m), 2 * RUN);

	/* Twice in one batch: the second finds it done. */
	t->batch[0] = t->batch[1] = RUN << 12;
	assert_int_equal(call(t, AERO_VMW_BATCHED_2M_UNLOCK, BATCH_PFN, 2), AERO_VMW_OK);
	assert_int_equal(entry_status(t, 0), AERO_VMW_OK);
	assert_int_equal(entry_status(t, 1), AERO_VMW_E_UNLOCKED);
	assert_int_equal(aero_monitor_size(t->m), RUN);
}

static void no_more_than_the_target(void **state)
{
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_ALL, 3);
	call_batch(t, AERO_VMW_BATCHED_LOCK, 100, 1, 5);
	assert_int_equal(entry_status(t, 2), AERO_VMW_OK);
	assert_int_equal(entry_status(t, 3), AERO_VMW_E_NOT_NEEDED);
	assert_int_equal(entry_status(t, 4), AERO_VMW_E_NOT_NEEDED);
	assert_int_equal(aero_monitor_size(t->m), 3);
	assert_refused(t, AERO_VMW_E_NOT_NEEDED, AERO_VMW_LOCK, 200, 0);
	assert_refused(t, AERO_VMW_E_LOCKED, AERO_VMW_LOCK, 100, 0);

	/* A run may overshoot, for a page is still wanted; the next is not. */
	aero_monitor_set_target(t->m, 4);
	call_batch(t, AERO_VMW_BATCHED_2M_LOCK, RUN, RUN, 2);
	assert_int_equal(entry_status(t, 0), AERO_VMW_OK);
	assert_int_equal(entry_status(t, 1), AERO_VMW_E_NOT_NEEDED);

	/* The guest may go below the target. */
	call_batch(t, AERO_VMW_BATCHED_UNLOCK, 100, 1, 3);
	call_batch(t, AERO_VMW_BATCHED_2M_UNLOCK, RUN, RUN, 1);
	assert_int_equal(aero_monitor_size(t->m), 0);
}

static void doorbell_arguments(void **state)
{
	struct machine *t = *state;

	machine_start(t, AERO_VMW_CAP_ALL, 3);
	assert_refused(t, AERO_VMW_FAILURE, AERO_VMW_DOORBELL_SET, 1ULL << 32, 1);
	assert_refused(t, AERO_VMW_FAILURE, AERO_VMW_DOORBELL_SET, 1, 1ULL << 32);
	aero_monitor_set_target(t->m, 4);
	assert_int_equal(t->rings, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(without_magic_there_is_no_port),
		MACHINE_TEST(unknown_commands),
		MACHINE_TEST(without_a_connection_reset),
		MACHINE_TEST(commands_need_their_capability),
		MACHINE_TEST(start_grants_the_intersection),
		MACHINE_TEST(limits),
		MACHINE_TEST(pages_that_cannot_be_locked),
		MACHINE_TEST(wide_page_numbers_need_the_capability),
		MACHINE_TEST(bad_batches),
		MACHINE_TEST(bad_entries),
		MACHINE_TEST(bad_entries_of_2m),
		MACHINE_TEST(unlock_wants_the_size_of_the_lock),
		MACHINE_TEST(no_more_than_the_target),
		MACHINE_TEST(doorbell_arguments),
	};

	return cmocka_run_group_tests_name("monitor-decode", tests, NULL, NULL);
}
