// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A balloon device that lies, and a moody allocator, against the engine and virtio's guest half.
 * The device offers what it likes, changes its mind at each reset, has any target at each look and
 * queues of any length, accepts no request, answers none, answers late, breaks, and cannot be
 * started.  It asks for hints with any command, at any time, and answers them in any order.
 * Whatever it does, no page may be lost, owned twice, or used by the guest while the device has it;
 * nothing waits for it without bound; and when it is over the guest has all its memory again.
 *
 * Input: a byte that says how the engine is set; then one byte a step says what happens (below).
 * What the device says is taken from the bytes behind it.  Short input reads as zeros.
 */
#include <string.h>

#include "life.h"
#include "sim_hint.h"
#include "sim_virtio.h"

#define STEPS_MAX  150U

/* After so many steps without a word from the device the unload has to be over. */
#define UNLOAD_MAX 10000U

static struct {
	struct life life;
	struct sim_virtio device;
	struct aero_virtio_guest guest; /* the device's functions, with lies */
	struct aero_virtio v;

	struct sim_hint hints;
	struct aero_virtio_hint h;
} f;

/* -- lies ----------------------------------------------------------------------------- */

/* The hint queue is the same device's. */
static void forget_hints(void)
{
	sim_hint_reset(&f.hints);
	aero_virtio_hint_reset(&f.h);
}

static void reset(void *ctx)
{
	f.device.guest.reset(ctx);
	forget_hints();
}

/* Features come and go, and some were never asked for. */
static bool start(void *ctx, uint32_t wanted, uint32_t *features)
{
	forget_hints();
	f.device.offered = (uint32_t)life_take(&f.life, 1);
	if (!f.device.guest.start(ctx, wanted, features))
		return false;
	*features |= (uint32_t)life_take(&f.life, 4) & ~wanted;
	return true;
}

static uint32_t read_target(void *ctx)
{
	uint8_t n = (uint8_t)life_take(&f.life, 1);

	(void)ctx;
	return n < 200 ? n * 8U : (uint32_t)life_take(&f.life, 4);
}

static uint32_t blocks_max(void *ctx)
{
	uint8_t n = (uint8_t)life_take(&f.life, 1);

	(void)ctx;
	return n < 200 ? n : (uint32_t)life_take(&f.life, 4);
}

/* -- life ----------------------------------------------------------------------------- */

static void check(void)
{
	sim_check(&f.life.b, NULL);
	if (f.device.running && !f.v.connected)
		sim_fail("the device runs without a connection");
}

static void load(uint8_t flavour)
{
	struct aero_config config = life_config(flavour);

	config.pace.backoff_max_ms = 32000;
	aero_virtio_init(&f.v, &f.life.port, &f.guest, &f.device, 12);
	f.v.report_blocks = !(flavour & 4);
	aero_init(&f.life.b, &f.life.port, &config, &aero_virtio_ops, &f.v);
}

/* The device says nothing more, and the guest gets all its memory nevertheless. */
static void unload(void)
{
	struct aero_unload next;
	unsigned int steps = 0;

	f.device.stalled = true;
	while ((next = aero_unload_step(&f.life.b)).kind != AERO_UNLOAD_DONE) {
		check();
		if (next.kind == AERO_UNLOAD_ABANDON || ++steps > UNLOAD_MAX)
			sim_fail("unload waits for the device");
		life_put_all_back(&f.life);
	}
	if (f.device.running)
		sim_fail("the device was not reset");
	aero_virtio_destroy(&f.v);
	check();
	f.device.stalled = false;
}

static void change_device(uint8_t bits)
{
	f.device.stalled = bits & 1;
	f.device.broken = f.device.running && (bits & 2);
	f.device.full = bits & 4;
	if (bits & 8) {
		f.device.no_start = (uint32_t)life_take(&f.life, 1) % 4;
		f.device.no_frames = (uint32_t)life_take(&f.life, 1) % 16;
	}
}

/* Often a command that there was, or one with a meaning of its own. */
static void change_hints(uint8_t bits)
{
	uint8_t n = (uint8_t)life_take(&f.life, 1);

	f.hints.full = bits & 1;
	f.hints.ring = bits & 2 ? n % SIM_HINT_RING : SIM_HINT_RING;
	if (bits & 4)
		sim_hint_relieve(&f.hints, n);
	if (bits & 8)
		sim_hint_command(&f.hints, n < 250 ? n % 5 : (uint32_t)life_take(&f.life, 4));
}

static void work_on_hints(uint8_t bits)
{
	if (!f.device.running)
		return;
	if (bits & 8)
		sim_hint_work(&f.hints, bits & 7);
	else
		aero_virtio_hint_step(&f.h);
}

static void happen(uint8_t what)
{
	switch (what >> 4) {
	case 3:
		work_on_hints(what);
		break;
	case 4:
		change_hints(what);
		break;
	case 5:
	case 6:
		sim_virtio_work(&f.device, what % AERO_VIRTIO_SLOTS);
		break;
	case 7:
		change_device(what);
		break;
	case 15:
		unload();
		load(what);
		break;
	default:
		life_happen(&f.life, what);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int steps;

	memset(&f, 0, sizeof(f));
	life_begin(&f.life, data, size);
	sim_virtio_create(&f.device, &f.life.port, 0);
	f.guest = f.device.guest;
	f.guest.start = start;
	f.guest.reset = reset;
	f.guest.read_target = read_target;
	f.guest.blocks_max = blocks_max;
	sim_hint_create(&f.hints, &f.life.port);
	aero_virtio_hint_init(&f.h, &f.hints.guest, &f.hints);
	load((uint8_t)life_take(&f.life, 1));
	for (steps = 0; f.life.left && steps < STEPS_MAX; steps++) {
		happen((uint8_t)life_take(&f.life, 1));
		check();
	}
	unload();
	sim_end_guest(&f.life.port, LIFE_PAGES);
	sim_virtio_destroy(&f.device);
	sim_destroy(&f.life.port);
	return 0;
}
