// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Instructions that a guest has executed, and when it has come to rest. */
#include "frame.h"

/* The guest has come to rest when it executed less than this in one interval. */
#define REST_INTERVAL_MS  40
#define REST_INSTRUCTIONS 20000
#define REST_TIMEOUT_MS	  10000

/* Two rounds of our driver's clock, which ticks once a second. */
#define IDLE_MS		  2000

uint64_t bench_instructions_now(const struct bench *b)
{
	uint64_t sum = b->counts->user + b->counts->rest;

	for (unsigned int i = 0; i < BENCH_SLOTS; i++)
		sum += __atomic_load_n(&b->counts->slot[i].instructions, __ATOMIC_RELAXED);
	return sum;
}

int bench_wait_for_rest(const struct bench *b)
{
	int64_t start = lab_now_ms();
	uint64_t last = bench_instructions_now(b), now;

	for (;;) {
		lab_sleep_ms(REST_INTERVAL_MS);
		now = bench_instructions_now(b);
		if (now - last < REST_INSTRUCTIONS)
			return 0;
		if (lab_now_ms() - start > REST_TIMEOUT_MS)
			return report_complain("the guest does not come to rest: "
					       "%llu instructions in %u ms",
					       (unsigned long long)(now - last), REST_INTERVAL_MS);
		last = now;
	}
}

int bench_measure_idle(struct bench *b, enum bench_driver driver)
{
	int64_t start_ms;
	uint64_t start;

	if (bench_wait_for_rest(b))
		return -1;
	if (b->idle_per_ms[driver] > 0)
		return 0;
	start_ms = lab_now_ms();
	start = bench_instructions_now(b);
	lab_sleep_ms(IDLE_MS);
	b->idle_per_ms[driver] =
		(double)(bench_instructions_now(b) - start) / (double)(lab_now_ms() - start_ms);
	return 0;
}

int bench_instructions_since(const struct bench *b, enum bench_driver driver, uint64_t start,
			     int64_t start_ms, uint64_t *instructions)
{
	uint64_t idle;

	if (bench_wait_for_rest(b))
		return -1;
	*instructions = bench_instructions_now(b) - start;
	idle = (uint64_t)(b->idle_per_ms[driver] * (double)(lab_now_ms() - start_ms));
	*instructions -= idle < *instructions ? idle : 0;
	return 0;
}
