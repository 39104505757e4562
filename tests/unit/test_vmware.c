// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* VMware's protocol as the guest speaks it, against a host that is a script. */
#include "rig.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <aerostat/vmware.h>

#define CALLS	    600U

#define BATCH_FRAME 0x123456789ULL /* above 32 bits */
#define CONTEXT	    77U
#define RESOURCE    88U

struct host {
	struct aero_port port; /* for the log */
	struct aero_vmware v;
	struct aero_batch batch;
	struct aero_link link;

	struct aero_vmware_call call[CALLS]; /* with its answer */
	unsigned int calls;

	uint32_t caps; /* granted */
	bool old;      /* START is answered with plain 0 */
	uint64_t target_pages;
	/* The status of one command number instead of success, @times times after @skip. */
	uint32_t odd_command, odd_status;
	unsigned int skip, times;
	/* Statuses written into the batch page, by entry. */
	uint8_t entry_status[AERO_VMW_BATCH_MAX];
	uint64_t entry[AERO_VMW_BATCH_MAX]; /* as the guest wrote them */

	uint64_t *page; /* the batch page, while there is one */
	bool no_page, no_doorbell;
	unsigned int doorbells; /* open */
};

static uint32_t regular_answer(struct host *host, struct aero_vmware_call *call)
{
	switch (call->command) {
	case AERO_VMW_START:
		if (!call->arg1)
			return AERO_VMW_FAILURE;
		call->caps = (uint32_t)call->arg1 & host->caps;
		return host->old ? AERO_VMW_OK : AERO_VMW_OK_CAPS;
	case AERO_VMW_GUEST_ID:
	case AERO_VMW_DOORBELL_SET:
		return AERO_VMW_OK;
	default:
		call->result = host->target_pages;
		return AERO_VMW_OK;
	}
}

static void answer_entries(struct host *host, const struct aero_vmware_call *call)
{
	uint64_t i;

	assert_true(call->arg1 == BATCH_FRAME);
	assert_in_range(call->arg2, 1, AERO_VMW_BATCH_MAX);
	for (i = 0; i < call->arg2; i++) {
		host->entry[i] = le64toh(host->page[i]);
		host->page[i] = htole64(host->entry[i] | host->entry_status[i]);
	}
}

static void make_call(void *ctx, struct aero_vmware_call *call)
{
	struct host *host = ctx;

	assert_true(host->calls < CALLS);
	call->status = regular_answer(host, call);
	if (call->command == host->odd_command && host->skip) {
		host->skip--;
	} else if (call->command == host->odd_command && host->times) {
		host->times--;
		call->status = host->odd_status;
		call->result = 0x5555;
	}
	if (call->command >= AERO_VMW_BATCHED_LOCK && call->command <= AERO_VMW_BATCHED_2M_UNLOCK)
		answer_entries(host, call);
	host->call[host->calls++] = *call;
}

static uint64_t *alloc_batch_page(void *ctx, aero_pfn *pfn)
{
	struct host *host = ctx;

	if (host->no_page)
		return NULL;
	assert_null(host->page);
	host->page = calloc(1, 4096);
	pfn->v = BATCH_FRAME;
	return host->page;
}

static void free_batch_page(void *ctx, uint64_t *page)
{
	struct host *host = ctx;

	assert_ptr_equal(page, host->page);
	free(page);
	host->page = NULL;
}

static bool open_doorbell(void *ctx, uint32_t *context, uint32_t *resource)
{
	struct host *host = ctx;

	if (host->no_doorbell)
		return false;
	host->doorbells++;
	*context = CONTEXT;
	*resource = RESOURCE;
	return true;
}

static void close_doorbell(void *ctx)
{
	struct host *host = ctx;

	assert_int_equal(host->doorbells, 1);
	host->doorbells--;
}

static const struct aero_vmware_guest guest = {
	.call = make_call,
	.alloc_batch_page = alloc_batch_page,
	.free_batch_page = free_batch_page,
	.open_doorbell = open_doorbell,
	.close_doorbell = close_doorbell,
};

static const struct aero_hypervisor_ops *const ops = &aero_vmware_ops;

static int setup(void **state)
{
	struct host *host = calloc(1, sizeof(*host));

	if (!host)
		return -1;
	sim_create(&host->port, 1, 0, 1);
	host->caps = AERO_VMW_CAP_ALL;
	host->odd_command = UINT32_MAX;
	host->target_pages = 1000;
	aero_vmware_init(&host->v, &host->port, &guest, host);
	*state = host;
	return 0;
}

static int teardown(void **state)
{
	struct host *host = *state;

	ops->quiesce(&host->v);
	aero_vmware_destroy(&host->v);
	assert_null(host->page);
	assert_int_equal(host->doorbells, 0);
	sim_destroy(&host->port);
	free(host);
	return 0;
}

static enum aero_reply connect_to(struct host *host, uint32_t caps)
{
	enum aero_reply reply;

	host->caps = caps;
	reply = ops->connect(&host->v, &host->link);
	return reply;
}

static struct host *connected(void **state, uint32_t caps)
{
	struct host *host = *state;

	assert_int_equal(connect_to(host, caps), AERO_REPLY_OK);
	host->calls = 0;
	return host;
}

static void answer_with(struct host *host, uint32_t command, uint32_t status, unsigned int times)
{
	host->odd_command = command;
	host->odd_status = status;
	host->times = times;
}

/* A batch of @units pages, or large blocks, from frame @first on. */
static struct aero_batch *batch_of(struct host *host, enum aero_class class, uint32_t blocks,
				   unsigned long long first)
{
	struct aero_batch *batch = &host->batch;
	uint32_t i;

	*batch = (struct aero_batch){.class = class, .blocks = blocks};
	batch->held_order = (uint8_t)aero_class_held_order(class);
	batch->wire_order = (uint8_t)aero_class_wire_order(class);
	batch->units_per_block = 1U << (batch->held_order - batch->wire_order);
	batch->units = blocks * batch->units_per_block;
	for (i = 0; i < blocks; i++)
		batch->first[i].v = first + ((unsigned long long)i << batch->held_order);
	return batch;
}

static void assert_call(const struct host *host, unsigned int i, uint32_t command, uint64_t arg1,
			uint64_t arg2)
{
	assert_true(i < host->calls);
	assert_int_equal(host->call[i].command, command);
	assert_true(host->call[i].arg1 == arg1);
	assert_true(host->call[i].arg2 == arg2);
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		TEST(calls_and_failures_are_counted),
		TEST(commands_and_capabilities_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
