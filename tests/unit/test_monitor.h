/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A monitor over a make-believe machine, for the unit tests.
 *
 * The machine has PFN_END page numbers with a hole in the middle.  Only its
 * batch page has contents.  What the monitor does to memory is recorded in a
 * map: one byte a page, how often it was discarded less how often given back.
 */
#ifndef TEST_MONITOR_H
#define TEST_MONITOR_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vmware/monitor.h"

#define PFN_END	   (262144ULL + 100) /* 1 GiB and a bit: the last run is not whole */
#define HOLE_FROM  200000ULL
#define HOLE_PAGES 1000ULL
#define RAM_PAGES  (PFN_END - HOLE_PAGES)
#define BATCH_PFN  7ULL
#define RUN	   512ULL

struct machine {
	struct aero_monitor *m;
	struct aero_vmw_regs regs; /* of the last call, after it */
	uint64_t batch[512];	   /* contents of the batch page */
	int8_t gone[PFN_END];	   /* 1: discarded */
	uint64_t gone_pages;
	unsigned int discards; /* callbacks */
	unsigned int populates;
	unsigned int rings;
	uint32_t ring_context;
	uint32_t ring_resource;
	int read_error;
	int write_error;
	int discard_error;
	uint64_t instructions;
	uint64_t ns;
};

static inline bool machine_is_ram(void *ctx, uint64_t pfn, uint64_t pages)
{
	assert_true(pages == 1 || pages == RUN);
	assert_true(pfn + pages <= PFN_END);
	return pfn + pages <= HOLE_FROM || pfn >= HOLE_FROM + HOLE_PAGES;
}

static inline int machine_read(void *ctx, uint64_t gpa, void *buf, size_t len)
{
	struct machine *t = ctx;

	assert_int_equal(gpa, BATCH_PFN << 12);
	assert_true(len <= sizeof(t->batch));
	if (!t->read_error)
		memcpy(buf, t->batch, len);
	return t->read_error;
}

static inline int machine_write(void *ctx, uint64_t gpa, const void *buf, size_t len)
{
	struct machine *t = ctx;

	assert_int_equal(gpa, BATCH_PFN << 12);
	assert_true(len <= sizeof(t->batch));
	if (!t->write_error)
		memcpy(t->batch, buf, len);
	return t->write_error;
}

static inline int machine_discard(void *ctx, uint64_t pfn, uint64_t pages)
{
	struct machine *t = ctx;

	t->discards++;
	t->gone_pages += pages;
	for (uint64_t i = pfn; i < pfn + pages; i++) {
		assert_int_equal(t->gone[i], 0);
		t->gone[i] = 1;
	}
	return t->discard_error;
}

static inline int machine_populate(void *ctx, uint64_t pfn, uint64_t pages)
{
	struct machine *t = ctx;

	t->populates++;
	t->gone_pages -= pages;
	for (uint64_t i = pfn; i < pfn + pages; i++) {
		assert_int_equal(t->gone[i], 1);
		t->gone[i] = 0;
	}
	return 0;
}

static inline uint64_t machine_instructions(void *ctx)
{
	return ((struct machine *)ctx)->instructions;
}

static inline uint64_t machine_ns(void *ctx)
{
	return ((struct machine *)ctx)->ns;
}

static inline void machine_ring(void *ctx, uint32_t context, uint32_t resource)
{
	struct machine *t = ctx;

	t->rings++;
	t->ring_context = context;
	t->ring_resource = resource;
}

static inline struct aero_monitor_host machine_host(struct machine *t)
{
	return (struct aero_monitor_host){
		.memory = {.ctx = t,
			   .is_ram = machine_is_ram,
			   .read = machine_read,
			   .write = machine_write,
			   .discard = machine_discard,
			   .populate = machine_populate},
		.instructions = machine_instructions,
		.now_ns = machine_ns,
		.ring = machine_ring,
	};
}

static inline struct machine *machine_new(uint32_t caps)
{
	struct machine *t = calloc(1, sizeof(*t));
	struct aero_monitor_config config = {PFN_END, RAM_PAGES, caps};
	struct aero_monitor_host host;

	assert_non_null(t);
	host = machine_host(t);
	assert_int_equal(aero_monitor_create(&t->m, &host, &config), 0);
	return t;
}

static inline int machine_setup(void **state)
{
	*state = machine_new(AERO_VMW_CAP_ALL);
	return 0;
}

static inline int machine_teardown(void **state)
{
	struct machine *t = *state;

	aero_monitor_destroy(t->m);
	free(t);
	return 0;
}

/* After each call: the books are right, and memory is gone exactly where it is locked. */
static inline void machine_check(struct machine *t)
{
	uint64_t at = 0;
	uint64_t locked = 0;
	uint64_t pfn;
	unsigned int order;

	assert_true(aero_monitor_is_valid(t->m));
	while (aero_monitor_next_locked(t->m, at, &pfn, &order)) {
		at = pfn + (1ULL << order);
		locked += at - pfn;
		for (uint64_t i = pfn; i < at; i++)
			if (t->gone[i] != 1 || aero_monitor_locked_order(t->m, i) != (int)order)
				fail_msg("page %llu: gone %d", (unsigned long long)i, t->gone[i]);
	}
	/* All that is locked is gone; as many are gone, so there are no others. */
	assert_int_equal(locked, aero_monitor_size(t->m));
	assert_int_equal(locked, t->gone_pages);
}

/* One call without the checks; returns eax. */
static inline uint32_t call_raw(struct machine *t, uint64_t command, uint64_t arg1, uint64_t arg2)
{
	t->regs = (struct aero_vmw_regs){AERO_VMW_MAGIC, arg1, command, AERO_VMW_PORT, arg2};
	aero_monitor_call(t->m, &t->regs);
	assert_int_equal(t->regs.rax >> 32, 0);
	assert_int_equal(t->regs.rdx, AERO_VMW_PORT);
	assert_int_equal(t->regs.rsi, arg2);
	return (uint32_t)t->regs.rax;
}

static inline uint32_t call(struct machine *t, uint64_t command, uint64_t arg1, uint64_t arg2)
{
	uint32_t status = call_raw(t, command, arg1, arg2);

	machine_check(t);
	return status;
}

/* A connection with these capabilities, the limit told, and a target. */
static inline void machine_start(struct machine *t, uint32_t caps, uint64_t target)
{
	assert_int_equal(call(t, AERO_VMW_START, caps, 0), AERO_VMW_OK_CAPS);
	assert_int_equal(t->regs.rcx, caps);
	assert_int_equal(call(t, AERO_VMW_GET_TARGET, RAM_PAGES, 0), AERO_VMW_OK);
	assert_int_equal(aero_monitor_set_target(t->m, target), target);
}

/* A batch of count neighbours, step pages apart. */
static inline uint32_t call_batch(struct machine *t, uint64_t command, uint64_t pfn, uint64_t step,
				  unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		t->batch[i] = (pfn + i * step) << 12;
	return call(t, command, BATCH_PFN, count);
}

static inline unsigned int entry_status(const struct machine *t, unsigned int i)
{
	return (unsigned int)(t->batch[i] & AERO_VMW_ENTRY_STATUS);
}

#define MACHINE_TEST(f) cmocka_unit_test_setup_teardown(f, machine_setup, machine_teardown)

#endif
