// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A hostile guest against the monitor: registers and batch pages from the
 * fuzzer, the books checked after each call.
 *
 * Input: records of one byte that says what follows.  All numbers are little
 * endian.  Short input reads as zeros.
 *
 *   0x00-0x9f  a call: low 4 bits the command, next bits choose the width of the
 *              arguments (below), then argument 1 and argument 2
 *   0xa0-0xcf  write 1 + (n & 15) entries into the batch page, each 3 bytes:
 *              16 bits of page number and 8 of flags (low bits, high bits, junk)
 *   0xd0-0xdf  the host: new target, reset, demanded reset, force, withhold
 *   0xe0-0xef  a fault rule
 *   0xf0-0xff  a raw call: all five registers
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"
#include "vmware/monitor.h"

#define PFN_END	   40000ULL
#define HOLE_FROM  20000ULL
#define HOLE_PAGES 3000ULL
#define CALLS_MAX  200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at;
	size_t left;
};

static struct {
	struct aero_monitor *m;
	uint64_t batch[512];
	uint64_t batch_pfn;
	uint8_t gone[PFN_END];
	uint64_t gone_count;
	uint64_t changes; /* of gone */
	bool broken;	  /* the batch page can't be written */
} t;

#define MUST(condition)                                                                   \
	do {                                                                              \
		if (!(condition)) {                                                       \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, \
				#condition);                                              \
			abort();                                                          \
		}                                                                         \
	} while (0)

static uint64_t take(struct input *in, unsigned int bytes)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < bytes && in->left; i++) {
		value |= (uint64_t)*in->at++ << (8 * i);
		in->left--;
	}
	return value;
}

static bool is_ram(void *ctx, uint64_t pfn, uint64_t pages)
{
	MUST(pages == 1 || pages == 512);
	MUST(pfn < PFN_END && pages <= PFN_END - pfn);
	return pfn + pages <= HOLE_FROM || pfn >= HOLE_FROM + HOLE_PAGES;
}

static int read_guest(void *ctx, uint64_t gpa, void *buf, size_t len)
{
	MUST(len >= 8 && len <= sizeof(t.batch) && len % 8 == 0);
	MUST(gpa % 4096 == 0 && gpa / 4096 < PFN_END && !t.gone[gpa / 4096]);
	memcpy(buf, t.batch, len);
	return 0;
}

static int write_guest(void *ctx, uint64_t gpa, const void *buf, size_t len)
{
	const uint8_t *bytes = buf;

	MUST(gpa % 4096 == 0 && gpa / 4096 < PFN_END && !t.gone[gpa / 4096]);
	if (t.broken)
		return -EFAULT;
	/* Nothing but the status bits is written. */
	for (size_t i = 0; i < len / 8; i++) {
		uint64_t entry;

		memcpy(&entry, bytes + i * 8, 8);
		MUST((entry ^ t.batch[i]) <= AERO_VMW_ENTRY_STATUS);
	}
	memcpy(t.batch, buf, len);
	return 0;
}

static int discard(void *ctx, uint64_t pfn, uint64_t pages)
{
	for (uint64_t i = pfn; i < pfn + pages; i++) {
		MUST(i < PFN_END && !t.gone[i]);
		t.gone[i] = 1;
	}
	t.gone_count += pages;
	t.changes++;
	return 0;
}

static int populate(void *ctx, uint64_t pfn, uint64_t pages)
{
	for (uint64_t i = pfn; i < pfn + pages; i++) {
		MUST(i < PFN_END && t.gone[i]);
		t.gone[i] = 0;
	}
	t.gone_count -= pages;
	t.changes++;
	return 0;
}

static void check(void)
{
	uint64_t locked = 0;
	uint64_t at = 0;
	uint64_t pfn;
	unsigned int order;

	MUST(aero_monitor_is_valid(t.m));
	while (aero_monitor_next_locked(t.m, at, &pfn, &order)) {
		MUST(pfn >= at && (order == 0 || order == AERO_VMW_2M_ORDER));
		at = pfn + (1ULL << order);
		MUST(is_ram(NULL, pfn, at - pfn));
		for (uint64_t i = pfn; i < at; i++)
			MUST(t.gone[i] && aero_monitor_locked_order(t.m, i) == (int)order);
		locked += at - pfn;
	}
	/* All that is locked is gone; the same number: all that is gone is locked. */
	MUST(locked == aero_monitor_size(t.m) && locked == t.gone_count);
}

/* May a call with this answer have changed the state at all? */
static bool may_change(const struct aero_vmw_regs *before, const struct aero_vmw_regs *after)
{
	return after->rax == AERO_VMW_OK || after->rax == AERO_VMW_OK_CAPS ||
	       after->rax == AERO_VMW_E_RESET || /* a fault may demand it */
	       (before->rcx == AERO_VMW_START && before->rbx == 0);
}

static void call(struct aero_vmw_regs regs)
{
	static uint64_t batch[512];
	const struct aero_vmw_regs before = regs;
	uint64_t size = aero_monitor_size(t.m);
	uint64_t target = aero_monitor_target(t.m);
	uint64_t changes = t.changes;

	memcpy(batch, t.batch, sizeof(batch));
	aero_monitor_call(t.m, &regs);
	check();
	MUST(regs.rax <= UINT32_MAX && regs.rdx == before.rdx && regs.rsi == before.rsi);
	if (regs.rcx != before.rcx)
		MUST(regs.rax == AERO_VMW_OK_CAPS && before.rcx == AERO_VMW_START);
	if (!may_change(&before, &regs)) {
		MUST(regs.rbx == before.rbx && regs.rcx == before.rcx);
		MUST(size == aero_monitor_size(t.m) && target == aero_monitor_target(t.m));
		MUST(!memcmp(batch, t.batch, sizeof(batch)));
		MUST(changes == t.changes);
	}
	/* A batch without its answers is not carried out. */
	if (t.broken && before.rcx >= AERO_VMW_BATCHED_LOCK && regs.rax != AERO_VMW_E_RESET)
		MUST(changes == t.changes);
	/* Never over the target by more than the rest of a run. */
	if (aero_monitor_size(t.m) > size)
		MUST(aero_monitor_size(t.m) < target + 512);
}

/* Few page numbers are interesting: near the start, the hole, the end; or anything. */
static uint64_t page_number(struct input *in, unsigned int width)
{
	switch (width & 3) {
	case 0:
		return take(in, 1);
	case 1:
		return take(in, 2);
	case 2:
		return take(in, 1) * 512;
	default:
		return take(in, 8);
	}
}

static void record_call(struct input *in, uint8_t kind)
{
	struct aero_vmw_regs regs = {.rax = AERO_VMW_MAGIC, .rcx = kind & 15, .rdx = AERO_VMW_PORT};

	regs.rbx = page_number(in, kind >> 4);
	regs.rsi = kind & 0x40 ? take(in, 2) : take(in, 1);
	call(regs);
}

static void record_batch(struct input *in, uint8_t kind)
{
	unsigned int start = (unsigned int)take(in, 1);

	for (unsigned int i = 0; i <= (kind & 15u); i++) {
		uint64_t pfn = take(in, 2);
		uint8_t flags = (uint8_t)take(in, 1);
		uint64_t entry = (flags & 0x40 ? pfn << 9 : pfn) << 12;

		if (flags & 0x80)
			entry |= (uint64_t)(flags & 0x3f) << 5 | (uint64_t)flags << 56;
		t.batch[(start + i) % 512] = entry;
	}
}

static void record_host(struct input *in, uint8_t kind)
{
	switch (kind & 7) {
	case 0:
	case 1:
		aero_monitor_set_target(t.m, take(in, 2));
		break;
	case 2:
		if (kind & 8)
			aero_monitor_forget_locks(t.m);
		else
			aero_monitor_reset(t.m);
		break;
	case 3:
		aero_monitor_demand_reset(t.m);
		break;
	case 4:
		aero_monitor_force_target(t.m, kind & 8 ? take(in, 3) : AERO_MONITOR_NOT_FORCED);
		break;
	case 5:
		aero_monitor_withhold(t.m, (uint32_t)take(in, 1));
		break;
	case 6:
		aero_monitor_old_host(t.m, kind & 8);
		break;
	case 7:
		t.broken = kind & 8;
		break;
	}
	check();
}

static void record_fault(struct input *in, uint8_t kind)
{
	struct aero_monitor_fault rule = {
		.command = kind & 1 ? AERO_FAULT_ANY_COMMAND : (uint32_t)take(in, 1),
		.direction = (enum aero_fault_direction)take(in, 1),
		.what = kind & 2 ? AERO_FAULT_ENTRY : AERO_FAULT_COMMAND,
		.action = (enum aero_fault_action)(kind >> 2 & 3),
		.status = (uint32_t)take(in, 1),
		.first = take(in, 1),
		.every = take(in, 1),
		.times = 1 + take(in, 1),
	};
	unsigned int before = aero_monitor_faults(t.m);

	if (aero_monitor_set_faults(t.m, &rule, 1))
		MUST(aero_monitor_faults(t.m) == before);
	else
		MUST(aero_monitor_faults(t.m) == 1);
}

static void record_raw(struct input *in)
{
	struct aero_vmw_regs regs;

	regs.rax = take(in, 8);
	regs.rbx = take(in, 8);
	regs.rcx = take(in, 8);
	regs.rdx = take(in, 8);
	regs.rsi = take(in, 8);
	call(regs);
}

static void record(struct input *in)
{
	uint8_t kind = (uint8_t)take(in, 1);

	if (kind < 0xa0)
		record_call(in, kind);
	else if (kind < 0xd0)
		record_batch(in, kind);
	else if (kind < 0xe0)
		record_host(in, kind);
	else if (kind < 0xf0)
		record_fault(in, kind);
	else
		record_raw(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct aero_monitor_host host = {
		.memory = {.is_ram = is_ram,
			   .read = read_guest,
			   .write = write_guest,
			   .discard = discard,
			   .populate = populate},
	};
	const struct aero_monitor_config config = {PFN_END, PFN_END - HOLE_PAGES, AERO_VMW_CAP_ALL};
	struct input in = {data, size};
	char *report;

	memset(&t, 0, sizeof(t));
	MUST(aero_monitor_create(&t.m, &host, &config) == 0);
	for (unsigned int i = 0; in.left && i < CALLS_MAX; i++)
		record(&in);
	report = aero_monitor_report(t.m);
	MUST(report);
	free(report);
	aero_monitor_destroy(t.m);
	return 0;
}
