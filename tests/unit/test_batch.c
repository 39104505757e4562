// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "rig.h"

#include "internal.h"

static void fill(struct rig *rig, enum aero_class class, unsigned int blocks)
{
	unsigned int order = aero_class_held_order(class);

	assert_int_equal(aero_port_take(&rig->port, order, AERO_LIGHT, rig->b.batch.block, blocks),
			 blocks);
	aero_batch_fill(&rig->b.batch, class, blocks);
}

static void pages_are_one_unit_each(void **state)
{
	struct rig *rig = *state;

	fill(rig, AERO_CLASS_PAGE, 7);
	assert_int_equal(rig->b.batch.units, 7);
	assert_int_equal(rig->b.batch.wire_order, 0);
	assert_int_equal(rig->b.batch.held_order, 0);
	assert_true(aero_batch_pfn(&rig->b.batch, 6).v == rig->b.batch.block[6]->pfn.v);
}

static void run_is_512_units_in_frame_order(void **state)
{
	struct rig *rig = *state;
	unsigned long long first;

	fill(rig, AERO_CLASS_SPLIT, 1);
	first = rig->b.batch.block[0]->pfn.v;
	assert_int_equal(rig->b.batch.units, 512);
	assert_int_equal(rig->b.batch.held_order, 9);
	assert_true(aero_batch_pfn(&rig->b.batch, 0).v == first);
	assert_true(aero_batch_pfn(&rig->b.batch, 511).v == first + 511);
}

static void large_block_is_one_unit(void **state)
{
	struct rig *rig = *state;

	fill(rig, AERO_CLASS_LARGE, 3);
	assert_int_equal(rig->b.batch.units, 3);
	assert_int_equal(rig->b.batch.wire_order, 9);
	assert_true(aero_batch_pfn(&rig->b.batch, 2).v == rig->b.batch.block[2]->pfn.v);
	assert_int_equal(rig->b.batch.block[2]->pfn.v % 512, 0);
}

static enum aero_reply soiled_call(void *hypervisor, struct aero_batch *batch)
{
	(void)hypervisor;
	aero_batch_answer(batch, 511, AERO_ANSWER_FAILED);
	return AERO_REPLY_FAILED;
}

static enum aero_reply clean_call(void *hypervisor, struct aero_batch *batch)
{
	uint32_t u;

	(void)hypervisor;
	assert_int_equal(batch->not_ok, 0);
	assert_false(batch->has_target);
	for (u = 0; u < AERO_BATCH_MAX; u++)
		assert_int_equal(batch->answer[u], AERO_ANSWER_OK);
	batch->has_target = true;
	batch->target_pages = 1234;
	return AERO_REPLY_OK;
}

static enum aero_reply reset_call(void *hypervisor, struct aero_batch *batch)
{
	(void)hypervisor;
	(void)batch;
	return AERO_REPLY_RESET;
}

static enum aero_reply send(struct rig *rig, enum aero_reply (*call)(void *, struct aero_batch *))
{
	const struct aero_hypervisor_ops *before = rig->b.ops;
	struct aero_hypervisor_ops ops = *before;
	enum aero_reply reply;

	ops.offer = call;
	rig->b.ops = &ops;
	reply = aero_batch_send(&rig->b, &rig->b.batch, AERO_FLIGHT_OFFERED);
	rig->b.ops = before;
	return reply;
}

static void answers_of_the_last_call_are_cleared(void **state)
{
	struct rig *rig = *state;

	fill(rig, AERO_CLASS_SPLIT, 1);
	assert_int_equal(send(rig, soiled_call), AERO_REPLY_FAILED);
	assert_int_equal(send(rig, clean_call), AERO_REPLY_OK);
}

static void an_answer_given_twice_counts_once(void **state)
{
	struct rig *rig = *state;

	aero_batch_answer(&rig->b.batch, 3, AERO_ANSWER_REFUSED);
	aero_batch_answer(&rig->b.batch, 3, AERO_ANSWER_RESET);
	assert_int_equal(rig->b.batch.not_ok, 1);
}

static void target_told_with_a_batch_is_taken_up(void **state)
{
	struct rig *rig = *state;

	fill(rig, AERO_CLASS_PAGE, 1);
	send(rig, clean_call);
	assert_int_equal(rig->b.target_pages, 1234);
}

static enum aero_reply silent_call(void *hypervisor, struct aero_batch *batch)
{
	(void)hypervisor;
	(void)batch;
	return AERO_REPLY_OK;
}

static void target_of_an_earlier_batch_is_not_taken_up_again(void **state)
{
	struct rig *rig = *state;

	fill(rig, AERO_CLASS_PAGE, 1);
	send(rig, clean_call);
	aero_note_target(&rig->b, 5);
	send(rig, silent_call);
	assert_int_equal(rig->b.target_pages, 5);
}

static void reset_told_with_a_batch_is_taken_up(void **state)
{
	struct rig *rig = *state;

	rig->b.reset_required = false;
	fill(rig, AERO_CLASS_PAGE, 1);
	assert_int_equal(send(rig, reset_call), AERO_REPLY_RESET);
	assert_true(rig->b.reset_required);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(pages_are_one_unit_each),
		RIG_TEST(run_is_512_units_in_frame_order),
		RIG_TEST(large_block_is_one_unit),
		RIG_TEST(answers_of_the_last_call_are_cleared),
		RIG_TEST(an_answer_given_twice_counts_once),
		RIG_TEST(target_told_with_a_batch_is_taken_up),
		RIG_TEST(reset_told_with_a_batch_is_taken_up),
		RIG_TEST(target_of_an_earlier_batch_is_not_taken_up_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
