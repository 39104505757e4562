// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "vmware_script.h"

#include <endian.h>
#include <stdlib.h>

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

int script_setup(void **state)
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

int script_teardown(void **state)
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

enum aero_reply connect_to(struct host *host, uint32_t caps)
{
	enum aero_reply reply;

	host->caps = caps;
	reply = ops->connect(&host->v, &host->link);
	return reply;
}

struct host *connected(void **state, uint32_t caps)
{
	struct host *host = *state;

	assert_int_equal(connect_to(host, caps), AERO_REPLY_OK);
	host->calls = 0;
	return host;
}

void answer_with(struct host *host, uint32_t command, uint32_t status, unsigned int times)
{
	host->odd_command = command;
	host->odd_status = status;
	host->times = times;
}
struct aero_batch *batch_of(struct host *host, enum aero_class class, uint32_t blocks,
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

void assert_call(const struct host *host, unsigned int i, uint32_t command, uint64_t arg1,
		 uint64_t arg2)
{
	assert_true(i < host->calls);
	assert_int_equal(host->call[i].command, command);
	assert_true(host->call[i].arg1 == arg1);
	assert_true(host->call[i].arg2 == arg2);
}
