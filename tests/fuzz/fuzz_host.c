// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Policies for hosts, with figures from the fuzzer: whatever guests say, the promises of the
 * interface hold after each step.
 *
 * Input: a byte for the policy, one for the number of guests, then for each step and guest its
 * figures; what is missing is zero.  What the host knows by itself (limits, sizes, targets) is
 * brought into bounds, what guests say is not.
 */
#include <string.h>

#include "fuzz.h"

#include "tests/property/host/world.h"

#define GUESTS_MAX 6
#define STEPS_MAX  64
/* 4 PiB: sums of such sizes are in range. */
#define SIZE_MASK  ((1ULL << 42) - 1)

struct input {
	const uint8_t *data;
	size_t size;
};

static void take(struct input *in, void *to, size_t size)
{
	size_t there = size < in->size ? size : in->size;

	memset(to, 0, size);
	memcpy(to, in->data, there);
	in->data += there;
	in->size -= there;
}

static uint64_t take_size(struct input *in)
{
	uint64_t size;

	take(in, &size, sizeof(size));
	return size & SIZE_MASK;
}

static void guest(struct input *in, struct aero_host_guest *g)
{
	uint64_t target = g->target_kib;
	uint8_t mode;

	take(in, g, sizeof(*g));
	take(in, &mode, sizeof(mode));
	g->mode = (enum aero_host_guest_mode)(mode % (AERO_HOST_STARTING + 1));
	g->min_kib &= SIZE_MASK;
	g->max_kib &= SIZE_MASK;
	g->current_kib &= SIZE_MASK;
	g->target_kib = target;
	if (g->min_kib > g->max_kib)
		g->min_kib = g->max_kib;
}

static void host(struct input *in, struct aero_host_figures *h)
{
	uint64_t available;

	h->total_kib = take_size(in);
	h->reserve_kib = take_size(in);
	h->overhead_kib = take_size(in);
	h->room_kib = take_size(in);
	take(in, &available, sizeof(available));
	h->available_kib = available;
	take(in, &h->some_permille, sizeof(h->some_permille));
	take(in, &h->full_permille, sizeof(h->full_permille));
	take(in, &h->interval_ms, sizeof(h->interval_ms));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct input in = {data, size};
	uint8_t policy, count;

	take(&in, &policy, sizeof(policy));
	take(&in, &count, sizeof(count));
	world_init(&w, aero_host_policies[policy % aero_host_policies_count], 1);
	for (size_t i = 0; i < w.count; i++)
		free(w.states[i]);
	w.count = count % GUESTS_MAX + 1;
	for (size_t i = 0; i < w.count; i++) {
		w.states[i] = calloc(1, w.policy->guest_state_size + 1);
		w.guests[i].target_kib = take_size(&in);
	}
	for (int step = 0; step < STEPS_MAX && in.size; step++) {
		host(&in, &w.host);
		for (size_t i = 0; i < w.count; i++)
			guest(&in, &w.guests[i]);
		world_step(&w);
		if (w.broken)
			dprintf(2, "%s: %s\n", w.policy->name, w.broken);
		MUST(!w.broken);
	}
	world_free(&w);
	return 0;
}
