// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A balloon device that lies, and a moody allocator, against the engine and virtio's guest half.
 * The device offers what it likes, changes its mind at each reset, has any target at each look and
 * queues of any length, accepts no request, answers none, answers late, breaks, and cannot be
 * started.  Whatever it does, no page may be lost, owned twice, or used by the guest while the
 * device has it; nothing waits for it without bound; and when it is over the guest has all its
 * memory again.
 *
 * Input: a byte that says how the engine is set; then one byte a step says what happens (below).
 * What the device says is taken from the bytes behind it.  Short input reads as zeros.
 */
#include <stdlib.h>
#include <string.h>

#include "sim_virtio.h"

#define PAGES	   1100U
#define BASE_PFN   1024U
#define STEPS_MAX  150U

/* After so many steps without a word from the device the unload has to be over. */
#define UNLOAD_MAX 10000U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	const uint8_t *at;
	size_t left;

	struct aero_port port;
	struct sim_virtio device;
	struct aero_virtio_guest guest; /* the device's functions, with lies */
	struct aero_virtio v;
	struct aero_balloon b;
} f;

static uint64_t take(unsigned int bytes)
{
	uint64_t n = 0;

	while (bytes--) {
		n <<= 8;
		if (f.left) {
			n |= *f.at++;
			f.left--;
		}
	}
	return n;
}

/* -- lies ----------------------------------------------------------------------------- */

/* Features come and go, and some were never asked for. */
static bool start(void *ctx, uint32_t wanted, uint32_t *features)
{
	f.device.offered = (uint32_t)take(1);
	if (!f.device.guest.start(ctx, wanted, features))
		return false;
	*features |= (uint32_t)take(4) & ~wanted;
	return true;
}

static uint32_t read_target(void *ctx)
{
	uint8_t n = (uint8_t)take(1);

	(void)ctx;
	return n < 200 ? n * 8U : (uint32_t)take(4);
}

static uint32_t blocks_max(void *ctx)
{
	uint8_t n = (uint8_t)take(1);

	(void)ctx;
	return n < 200 ? n : (uint32_t)take(4);
}

/* -- life ----------------------------------------------------------------------------- */

static void check(void)
{
	sim_check(&f.b, NULL);
	if (f.device.running && !f.v.connected)
		sim_fail("the device runs without a connection");
}

static void load(uint8_t flavour)
{
	const struct aero_config config = {
		.pace = {.period_ms = 1000,
			 .rate_max = 2048,
			 .rate_min = 512,
			 .rate_step = 16,
			 .slow_runs = 4,
			 .holdoff_ms = 5000,
			 .backoff_max_ms = 32000},
		.large = flavour & 1,
		.split = flavour & 2,
	};

	aero_virtio_init(&f.v, &f.port, &f.guest, &f.device, 12);
	f.v.report_blocks = !(flavour & 4);
	aero_init(&f.b, &f.port, &config, &aero_virtio_ops, &f.v);
}

static void put_all_back(void)
{
	while (f.port.isolated.first)
		sim_putback(&f.port, f.port.isolated.first);
}

/* The device says nothing more, and the guest gets all its memory nevertheless. */
static void unload(void)
{
	struct aero_unload next;
	unsigned int steps = 0;

	f.device.stalled = true;
	while ((next = aero_unload_step(&f.b)).kind != AERO_UNLOAD_DONE) {
		check();
		if (next.kind == AERO_UNLOAD_ABANDON || ++steps > UNLOAD_MAX)
			sim_fail("unload waits for the device");
		put_all_back();
	}
	if (f.device.running)
		sim_fail("the device was not reset");
	aero_virtio_destroy(&f.v);
	check();
	f.device.stalled = false;
}

static void step(void)
{
	struct aero_next next = aero_step(&f.b);

	if (next.kind != AERO_NEXT_NOW)
		f.port.now_ms += next.delay_ms;
}

static void change_mood(void)
{
	struct sim_rule *rule = &f.port.rule[take(1) % SIM_RULES];
	uint8_t bits = (uint8_t)take(1);

	f.port.low_pages = (uint32_t)take(1) * 8;
	f.port.spare_floor = (uint32_t)take(1) * 8;
	*rule = (struct sim_rule){
		.effort = (uint8_t)(bits & 1 ? SIM_ANY : (bits >> 1) % AERO_EFFORTS),
		.order = (uint8_t)(bits & 4 ? SIM_ANY : (bits & 8 ? AERO_BLOCK_ORDER : 0)),
		.first = take(1),
		.times = take(1),
	};
}

static void change_device(uint8_t bits)
{
	f.device.stalled = bits & 1;
	f.device.broken = f.device.running && (bits & 2);
	f.device.full = bits & 4;
	if (bits & 8) {
		f.device.no_start = (uint32_t)take(1) % 4;
		f.device.no_frames = (uint32_t)take(1) % 16;
	}
}

static void migrate(void)
{
	aero_page *page = f.port.isolated.first;

	if (page && sim_migrate(&f.b, page) == AERO_MIGRATE_FAILED)
		sim_putback(&f.port, page);
}

static void happen(uint8_t what)
{
	switch (what >> 4) {
	case 5:
	case 6:
		sim_virtio_work(&f.device, what % AERO_VIRTIO_SLOTS);
		break;
	case 7:
		change_device(what);
		break;
	case 8:
		aero_relieve(&f.b, take(what & 1 ? 1 : 2));
		break;
	case 9:
		change_mood();
		break;
	case 10:
		sim_isolate(&f.port);
		break;
	case 11:
		migrate();
		break;
	case 12:
		if (f.port.isolated.first)
			sim_putback(&f.port, f.port.isolated.first);
		break;
	case 13:
		sim_guest_alloc(&f.port, what % SIM_ORDERS, what & 1);
		break;
	case 14:
		if (f.port.guest.first)
			sim_guest_free(&f.port, f.port.guest.first);
		break;
	case 15:
		unload();
		load(what);
		break;
	default:
		step();
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int steps;

	memset(&f, 0, sizeof(f));
	f.at = data;
	f.left = size;
	sim_create(&f.port, PAGES, BASE_PFN, 1);
	sim_virtio_create(&f.device, &f.port, 0);
	f.guest = f.device.guest;
	f.guest.start = start;
	f.guest.read_target = read_target;
	f.guest.blocks_max = blocks_max;
	load((uint8_t)take(1));
	for (steps = 0; f.left && steps < STEPS_MAX; steps++) {
		happen((uint8_t)take(1));
		check();
	}
	unload();
	sim_end_guest(&f.port, PAGES);
	sim_virtio_destroy(&f.device);
	sim_destroy(&f.port);
	return 0;
}
