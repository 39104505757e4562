// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * How fast the balloon may grow.  As long as the allocator has pages, the speed is not limited:
 * first without reclaim, and then with it, at the speed at which the guest reclaims memory.  When
 * a whole batch finds nothing in spite of reclaim, the guest has nothing more to spare.  The run
 * ends, and the next few runs are limited to a rate, which falls with each such failure and rises
 * after limited runs without failure.  docs/design/vmware.md, "Pace", has the rule and VMware's
 * constants.
 */
#include "internal.h"

/*
 * How many blocks' worth of pages are taken before a run tries large blocks again: at first, and at
 * most.
 */
#define LARGE_PAUSE_BLOCKS     8U
#define LARGE_PAUSE_BLOCKS_MAX 256U

void aero_pace_begin(struct aero_balloon *b)
{
	struct aero_pace *pace = &b->pace;

	if (pace->slow_left)
		pace->slow_left--;
	pace->taken = 0;
	pace->moved_before = b->counters.pages_in + b->counters.pages_out;
	pace->effort[AERO_UNIT_BASE] = AERO_LIGHT;
	pace->effort[AERO_UNIT_LARGE] = AERO_LIGHT;
	pace->large_from = 0;
	pace->large_pause = LARGE_PAUSE_BLOCKS * AERO_BLOCK_PAGES;
	pace->limited = pace->slow_left != 0;
}

/* Raises the rate after a limited run that reached its limit and met no failure. */
void aero_pace_end(struct aero_balloon *b)
{
	const struct aero_pace_config *config = &b->config.pace;
	struct aero_pace *pace = &b->pace;
	uint64_t rate;

	if (!pace->limited || pace->taken < pace->rate)
		return;
	rate = pace->rate + config->rate_step * (pace->taken / pace->rate);
	pace->rate = (uint32_t)aero_min(rate, config->rate_max);
}

/* Returns how many pages this run may still take. */
uint64_t aero_pace_allowance(const struct aero_balloon *b)
{
	const struct aero_pace *pace = &b->pace;

	if (!pace->limited)
		return UINT64_MAX;
	return pace->taken < pace->rate ? pace->rate - pace->taken : 0;
}

/*
 * Called when the allocator has no more of @unit without reclaim.  The run goes on with reclaim.
 * This is no reason to go more slowly: in a guest that is full of page cache it happens at once,
 * and reclaim then succeeds for as long as there is page cache.
 */
void aero_pace_light_failed(struct aero_balloon *b, enum aero_unit unit)
{
	b->pace.effort[unit] = AERO_RECLAIM;
}

/*
 * Called when the allocator has no more large blocks even with reclaim.  The run goes on with
 * single pages.  To take those changes what is free and what is in use, so large blocks are tried
 * again after some of them; twice as many after each further failure, because to look for a block
 * in vain costs time.
 */
void aero_pace_large_failed(struct aero_balloon *b)
{
	struct aero_pace *pace = &b->pace;

	pace->large_from = pace->taken + pace->large_pause;
	if (pace->large_pause < LARGE_PAUSE_BLOCKS_MAX * AERO_BLOCK_PAGES)
		pace->large_pause *= 2;
	pace->effort[AERO_UNIT_LARGE] = AERO_LIGHT;
}

/*
 * Called when the allocator has no more pages even with reclaim.  The run is over, and the next
 * ones are limited, to a lower rate.
 */
void aero_pace_reclaim_failed(struct aero_balloon *b)
{
	struct aero_pace *pace = &b->pace;
	uint32_t half = pace->rate / 2;

	pace->slow_left = b->config.pace.slow_runs;
	pace->rate = half > b->config.pace.rate_min ? half : b->config.pace.rate_min;
	pace->limited = false;
}

void aero_hold_off(struct aero_balloon *b)
{
	b->pace.held_off = true;
	b->pace.held_off_until_ms = aero_port_now_ms(b->port) + b->config.pace.holdoff_ms;
	b->counters.holdoffs++;
}

bool aero_is_held_off(struct aero_balloon *b)
{
	if (b->pace.held_off && aero_port_now_ms(b->port) >= b->pace.held_off_until_ms)
		b->pace.held_off = false;
	return b->pace.held_off;
}

/*
 * Whether a run with this end made no progress for a reason that may be gone later, so that the
 * pause before the next one should be longer.
 */
static bool is_setback(enum aero_run_end end)
{
	return end == AERO_END_NO_MEMORY || end == AERO_END_NO_PROGRESS ||
	       end == AERO_END_COMMAND || end == AERO_END_NO_GROWTH;
}

/* Returns the pause between a run with this end and the next one. */
uint32_t aero_pace_delay_ms(struct aero_balloon *b, enum aero_run_end end)
{
	const struct aero_pace_config *config = &b->config.pace;
	uint64_t delay = config->period_ms;
	uint32_t i;

	if (!is_setback(end)) {
		b->pace.retries = 0;
		return config->period_ms;
	}
	/* Some pages were moved, so the next run comes soon. */
	if (b->counters.pages_in + b->counters.pages_out != b->pace.moved_before)
		b->pace.retries = 0;
	if (!config->backoff_max_ms)
		return config->period_ms;
	if (b->pace.retries < UINT32_MAX)
		b->pace.retries++;
	if (config->retries_max && b->pace.retries >= config->retries_max)
		return config->recheck_ms;
	for (i = 0; i < b->pace.retries && delay < config->backoff_max_ms; i++)
		delay *= 2;
	return (uint32_t)aero_min(delay, config->backoff_max_ms);
}
