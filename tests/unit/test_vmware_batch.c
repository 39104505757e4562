// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* How pages go to a VMware host and come back: by the batch and one by one. */
#include <string.h>

#include "vmware_script.h"

static const struct aero_hypervisor_ops *const ops = &aero_vmware_ops;

/* -- pages by the batch ------------------------------------------------------------------ */

static void batch_holds_addresses_in_order(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_ALL);
	struct aero_batch *batch = batch_of(host, AERO_CLASS_PAGE, 512, 0x1000);
	unsigned int i;

	assert_int_equal(ops->offer(&host->v, batch), AERO_REPLY_OK);
	assert_call(host, 0, AERO_VMW_BATCHED_LOCK, BATCH_FRAME, 512);
	for (i = 0; i < 512; i++)
		assert_true(host->entry[i] == (0x1000ULL + i) << 12);
	assert_int_equal(batch->not_ok, 0);
	assert_true(batch->has_target);
	assert_int_equal(batch->target_pages, 1000);
}

static void batch_page_above_16_tib_is_named_in_full(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_ALL & ~AERO_VMW_CAP_TARGET_64);

	/* answer_entries() asserts it too, for each batch of each test. */
	ops->offer(&host->v, batch_of(host, AERO_CLASS_PAGE, 1, 1));
	assert_true(host->call[0].arg1 == BATCH_FRAME);
}

static void frames_above_32_bits_are_not_cut_in_a_batch(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_ALL & ~AERO_VMW_CAP_TARGET_64);

	assert_int_equal(ops->offer(&host->v, batch_of(host, AERO_CLASS_PAGE, 1, 0xabcdef01234ULL)),
			 AERO_REPLY_OK);
	assert_true(host->entry[0] == 0xabcdef01234000ULL);
}

static void run_is_512_entries(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_ALL);

	ops->offer(&host->v, batch_of(host, AERO_CLASS_SPLIT, 1, 0x400));
	assert_call(host, 0, AERO_VMW_BATCHED_LOCK, BATCH_FRAME, 512);
	assert_true(host->entry[0] == 0x400000);
	assert_true(host->entry[511] == 0x5ff000);
}

static void large_blocks_go_by_the_2m_commands(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_ALL);

	ops->offer(&host->v, batch_of(host, AERO_CLASS_LARGE, 2, 0x200));
	ops->reclaim(&host->v, batch_of(host, AERO_CLASS_LARGE, 2, 0x200));
	assert_call(host, 0, AERO_VMW_BATCHED_2M_LOCK, BATCH_FRAME, 2);
	assert_call(host, 1, AERO_VMW_BATCHED_2M_UNLOCK, BATCH_FRAME, 2);
	assert_true(host->entry[0] == 0x200000);
	assert_true(host->entry[1] == 0x400000);
}

static void pages_go_back_by_batched_unlock(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_ALL);

	ops->reclaim(&host->v, batch_of(host, AERO_CLASS_PAGE, 3, 0x200));
	assert_call(host, 0, AERO_VMW_BATCHED_UNLOCK, BATCH_FRAME, 3);
}

static enum aero_answer answer_due(unsigned int status)
{
	switch (status) {
	case 0:
		return AERO_ANSWER_OK;
	case AERO_VMW_E_PPN:
	case AERO_VMW_E_PINNED:
		return AERO_ANSWER_REFUSED;
	case AERO_VMW_E_NOT_NEEDED:
		return AERO_ANSWER_NOT_NEEDED;
	case AERO_VMW_E_RESET:
		return AERO_ANSWER_RESET;
	default:
		return AERO_ANSWER_FAILED;
	}
}

static void each_status_of_an_entry_has_its_answer(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_ALL);
	struct aero_batch *batch = batch_of(host, AERO_CLASS_PAGE, 32, 0x200);
	unsigned int i;

	for (i = 0; i < 32; i++)
		host->entry_status[i] = (uint8_t)i;
	assert_int_equal(ops->offer(&host->v, batch), AERO_REPLY_RESET);
	for (i = 0; i < 32; i++)
		assert_int_equal(batch->answer[i], answer_due(i));
	assert_int_equal(batch->not_ok, 31);
}

static void batch_without_a_reset_in_it_is_ok_as_a_whole(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_ALL);
	struct aero_batch *batch = batch_of(host, AERO_CLASS_PAGE, 3, 0x200);

	host->entry_status[1] = AERO_VMW_E_PINNED;
	assert_int_equal(ops->offer(&host->v, batch), AERO_REPLY_OK);
	assert_int_equal(batch->not_ok, 1);
	assert_int_equal(batch->answer[1], AERO_ANSWER_REFUSED);
}

static void statuses_beyond_the_batch_are_not_looked_at(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_ALL);
	struct aero_batch *batch = batch_of(host, AERO_CLASS_PAGE, 512, 0x200);
	unsigned int i;

	for (i = 100; i < 512; i++)
		host->entry_status[i] = AERO_VMW_E_RESET;
	ops->offer(&host->v, batch);
	batch = batch_of(host, AERO_CLASS_PAGE, 100, 0x200);
	assert_int_equal(ops->offer(&host->v, batch), AERO_REPLY_OK);
	assert_int_equal(batch->not_ok, 0);
}

static void failed_batch_says_nothing_of_its_entries(void **state)
{
	static const uint32_t statuses[] = {
		AERO_VMW_FAILURE, AERO_VMW_E_COMMAND, AERO_VMW_E_PPN, AERO_VMW_E_BUSY, 12,
		0x12345678};
	struct host *host = connected(state, AERO_VMW_CAP_ALL);
	struct aero_batch *batch;
	enum aero_reply reply;
	unsigned int i;

	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		batch = batch_of(host, AERO_CLASS_PAGE, 5, 0x200);
		answer_with(host, AERO_VMW_BATCHED_LOCK, statuses[i], 1);
		reply = ops->offer(&host->v, batch);
		assert_int_equal(reply, statuses[i] == AERO_VMW_E_BUSY ? AERO_REPLY_BUSY
								       : AERO_REPLY_FAILED);
		/* The result register of a failed call is no target. */
		assert_false(batch->has_target);
	}
	assert_int_equal(host->v.failures[AERO_VMW_BATCHED_LOCK], 6);
}

static void reset_of_a_batch_answers_reset_for_each_unit(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_ALL);
	struct aero_batch *batch = batch_of(host, AERO_CLASS_PAGE, 5, 0x200);
	unsigned int i;

	answer_with(host, AERO_VMW_BATCHED_UNLOCK, AERO_VMW_E_RESET, 1);
	assert_int_equal(ops->reclaim(&host->v, batch), AERO_REPLY_RESET);
	assert_int_equal(batch->not_ok, 5);
	for (i = 0; i < 5; i++)
		assert_int_equal(batch->answer[i], AERO_ANSWER_RESET);
}

/* -- pages one by one ---------------------------------------------------------------------- */

static void unbatched_pages_are_locked_one_by_one(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_BASIC);
	struct aero_batch *batch = batch_of(host, AERO_CLASS_PAGE, 3, 0x200);

	assert_int_equal(ops->offer(&host->v, batch), AERO_REPLY_OK);
	assert_int_equal(ops->reclaim(&host->v, batch), AERO_REPLY_OK);
	assert_int_equal(host->calls, 6);
	assert_call(host, 2, AERO_VMW_LOCK, 0x202, 0);
	assert_call(host, 3, AERO_VMW_UNLOCK, 0x200, 0);
	assert_true(batch->has_target);
	assert_int_equal(batch->target_pages, 1000);
}

/* Reported: up to 511 further pages were offered to a host that had answered "not needed". */
static void unbatched_lock_stops_when_the_target_is_met(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_BASIC);
	struct aero_batch *batch = batch_of(host, AERO_CLASS_PAGE, 5, 0x200);
	unsigned int i;

	answer_with(host, AERO_VMW_LOCK, AERO_VMW_E_NOT_NEEDED, 1);
	assert_int_equal(ops->offer(&host->v, batch), AERO_REPLY_OK);
	assert_int_equal(host->calls, 1);
	for (i = 0; i < 5; i++)
		assert_int_equal(batch->answer[i], AERO_ANSWER_NOT_NEEDED);
}

static void unbatched_run_is_named_page_by_page(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_BASIC);

	ops->offer(&host->v, batch_of(host, AERO_CLASS_SPLIT, 1, 0x200));
	assert_int_equal(host->calls, 512);
	assert_call(host, 511, AERO_VMW_LOCK, 0x3ff, 0);
}

static void frame_above_32_bits_is_refused_without_a_call(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_BASIC);
	struct aero_batch *batch = batch_of(host, AERO_CLASS_PAGE, 2, UINT32_MAX);

	assert_int_equal(ops->offer(&host->v, batch), AERO_REPLY_OK);
	assert_int_equal(host->calls, 1);
	assert_call(host, 0, AERO_VMW_LOCK, UINT32_MAX, 0);
	assert_int_equal(batch->answer[0], AERO_ANSWER_OK);
	assert_int_equal(batch->answer[1], AERO_ANSWER_REFUSED);
	assert_int_equal(sim_logged(&host->port, "16 TiB"), 1);
}

static void frame_above_32_bits_is_named_in_full_where_granted(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_BASIC | AERO_VMW_CAP_TARGET_64);
	struct aero_batch *batch = batch_of(host, AERO_CLASS_PAGE, 1, 0x123456789ULL);

	assert_int_equal(ops->offer(&host->v, batch), AERO_REPLY_OK);
	assert_call(host, 0, AERO_VMW_LOCK, 0x123456789ULL, 0);
	assert_int_equal(batch->not_ok, 0);
}

static void each_status_of_lock_has_its_answer(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_BASIC);
	struct aero_batch *batch;
	unsigned int status;

	for (status = 1; status < 40; status++) {
		batch = batch_of(host, AERO_CLASS_PAGE, 1, 0x200);
		answer_with(host, AERO_VMW_LOCK, status, 1);
		assert_int_equal(ops->offer(&host->v, batch),
				 status == AERO_VMW_E_RESET ? AERO_REPLY_RESET : AERO_REPLY_OK);
		assert_int_equal(batch->answer[0], answer_due(status));
		assert_false(batch->has_target);
	}
}

static void nobody_is_asked_after_a_reset_in_the_middle(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_BASIC);
	struct aero_batch *batch = batch_of(host, AERO_CLASS_PAGE, 10, 0x200);

	answer_with(host, AERO_VMW_LOCK, AERO_VMW_E_RESET, 1);
	host->skip = 4;
	assert_int_equal(ops->offer(&host->v, batch), AERO_REPLY_RESET);
	assert_int_equal(host->calls, 5);
	assert_int_equal(batch->not_ok, 6);
	assert_int_equal(batch->answer[3], AERO_ANSWER_OK);
	assert_int_equal(batch->answer[4], AERO_ANSWER_RESET);
	assert_int_equal(batch->answer[9], AERO_ANSWER_RESET);
}

/* -- a host that does not know the balloon --------------------------------------------------- */

static void all_entries_are(struct host *host, unsigned int n, uint8_t status)
{
	memset(host->entry_status, status, n);
}

/*
 * Reported: after a resume from hibernation the host still had the balloon of the kernel that
 * loaded the image.  It answered each unlock with "not locked", every second, and the sizes never
 * agreed again.
 */
static void batch_that_the_host_does_not_know_is_a_reset(void **state)
{
	static const enum aero_class classes[] = {AERO_CLASS_PAGE, AERO_CLASS_LARGE};
	struct host *host;
	struct aero_batch *batch;
	unsigned int c, i;

	for (c = 0; c < 2; c++) {
		host = connected(state, AERO_VMW_CAP_ALL);
		all_entries_are(host, 5, AERO_VMW_E_UNLOCKED);
		batch = batch_of(host, classes[c], 5, 0x200);
		assert_int_equal(ops->reclaim(&host->v, batch), AERO_REPLY_RESET);
		assert_int_equal(batch->not_ok, 5);
		for (i = 0; i < 5; i++)
			assert_int_equal(batch->answer[i], AERO_ANSWER_RESET);
		all_entries_are(host, 5, 0);
		ops->quiesce(&host->v);
	}
	assert_int_equal(sim_logged(&host->port, "does not know"), 1);
}

/* The host forgets what it has locked, and the doorbell, before the guest uses its pages. */
static void unknown_balloon_is_disconnected_at_once(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_ALL);

	assert_true(host->v.doorbell_set);
	all_entries_are(host, 1, AERO_VMW_E_UNLOCKED);
	ops->reclaim(&host->v, batch_of(host, AERO_CLASS_PAGE, 1, 0x200));
	assert_int_equal(host->calls, 3);
	assert_call(host, 1, AERO_VMW_DOORBELL_SET, UINT32_MAX, UINT32_MAX);
	assert_call(host, 2, AERO_VMW_START, 0, 0);
	assert_int_equal(host->doorbells, 1);
	ops->quiesce(&host->v);
	assert_int_equal(host->doorbells, 0);
	assert_int_equal(host->calls, 3);
}

static void batch_that_is_partly_unknown_is_no_reset(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_ALL);
	struct aero_batch *batch = batch_of(host, AERO_CLASS_PAGE, 5, 0x200);

	all_entries_are(host, 5, AERO_VMW_E_UNLOCKED);
	host->entry_status[3] = AERO_VMW_E_BUSY;
	assert_int_equal(ops->reclaim(&host->v, batch), AERO_REPLY_OK);
	assert_int_equal(batch->not_ok, 5);
	batch = batch_of(host, AERO_CLASS_PAGE, 5, 0x200);
	host->entry_status[3] = 0;
	assert_int_equal(ops->reclaim(&host->v, batch), AERO_REPLY_OK);
	assert_int_equal(batch->not_ok, 4);
}

/* To a lock, "not locked" is a senseless answer, which says nothing about the balloon. */
static void unknown_status_of_a_lock_is_no_reset(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_ALL);

	all_entries_are(host, 5, AERO_VMW_E_UNLOCKED);
	assert_int_equal(ops->offer(&host->v, batch_of(host, AERO_CLASS_PAGE, 5, 0x200)),
			 AERO_REPLY_OK);
}

static void unbatched_pages_that_the_host_does_not_know_are_a_reset(void **state)
{
	struct host *host = connected(state, AERO_VMW_CAP_BASIC);
	struct aero_batch *batch = batch_of(host, AERO_CLASS_PAGE, 5, 0x200);

	answer_with(host, AERO_VMW_UNLOCK, AERO_VMW_E_UNLOCKED, 4);
	assert_int_equal(ops->reclaim(&host->v, batch), AERO_REPLY_OK);
	assert_int_equal(batch->not_ok, 4);
	batch = batch_of(host, AERO_CLASS_PAGE, 5, 0x200);
	answer_with(host, AERO_VMW_UNLOCK, AERO_VMW_E_UNLOCKED, 5);
	assert_int_equal(ops->reclaim(&host->v, batch), AERO_REPLY_RESET);
	assert_int_equal(batch->answer[0], AERO_ANSWER_RESET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(batch_holds_addresses_in_order),
		TEST(batch_page_above_16_tib_is_named_in_full),
		TEST(frames_above_32_bits_are_not_cut_in_a_batch),
		TEST(run_is_512_entries),
		TEST(large_blocks_go_by_the_2m_commands),
		TEST(pages_go_back_by_batched_unlock),
		TEST(each_status_of_an_entry_has_its_answer),
		TEST(batch_without_a_reset_in_it_is_ok_as_a_whole),
		TEST(statuses_beyond_the_batch_are_not_looked_at),
		TEST(failed_batch_says_nothing_of_its_entries),
		TEST(reset_of_a_batch_answers_reset_for_each_unit),
		TEST(unbatched_pages_are_locked_one_by_one),
		TEST(unbatched_lock_stops_when_the_target_is_met),
		TEST(unbatched_run_is_named_page_by_page),
		TEST(frame_above_32_bits_is_refused_without_a_call),
		TEST(frame_above_32_bits_is_named_in_full_where_granted),
		TEST(each_status_of_lock_has_its_answer),
		TEST(nobody_is_asked_after_a_reset_in_the_middle),
		TEST(batch_that_the_host_does_not_know_is_a_reset),
		TEST(unknown_balloon_is_disconnected_at_once),
		TEST(batch_that_is_partly_unknown_is_no_reset),
		TEST(unknown_status_of_a_lock_is_no_reset),
		TEST(unbatched_pages_that_the_host_does_not_know_are_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
