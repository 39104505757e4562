// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The life of a balloon: the connection to the hypervisor, runs of inflation and deflation,
 * and resets.  Its end is in unload.c.
 */
#include "internal.h"

static struct aero_next now(void)
{
	return (struct aero_next){.kind = AERO_NEXT_NOW};
}

static struct aero_next after(uint32_t delay_ms)
{
	return (struct aero_next){.kind = AERO_NEXT_DELAY, .delay_ms = delay_ms};
}

void aero_init(struct aero_balloon *b, struct aero_port *port, const struct aero_config *config,
	       const struct aero_hypervisor_ops *ops, void *hypervisor)
{
	*b = (struct aero_balloon){
		.port = port,
		.ops = ops,
		.hypervisor = hypervisor,
		.config = *config,
		.phase = AERO_PHASE_REST,
		.reset_required = true,
		.pace.rate = config->pace.rate_max,
	};
}

/* A batch is in flight.  The answer kicks the worker; without a kick, the run goes on later. */
static struct aero_next wait(const struct aero_balloon *b)
{
	return (struct aero_next){
		.kind = AERO_NEXT_WAIT,
		.delay_ms = b->config.pace.period_ms,
	};
}

static struct aero_next end_run(struct aero_balloon *b, enum aero_run_end why)
{
	aero_store_free_refused(b);
	aero_tell_size(b, true);
	if (why == AERO_END_DONE || why == AERO_END_RATE)
		aero_pace_end(b);
	b->phase = AERO_PHASE_REST;
	b->last_end = why;
	b->runs_ended++;
	aero_port_trace(b->port, AERO_EVENT_RUN_END, b->target_pages, b->size_pages, (uint64_t)why);
	return after(aero_pace_delay_ms(b, why));
}

/*
 * Moves one batch toward the target.  The target may change in the middle of a run, so the
 * direction is determined anew for each batch.
 */
static struct aero_next follow_target(struct aero_balloon *b)
{
	enum aero_run_end end = AERO_END_DONE;
	bool over;

	if (!aero_batch_land(b, &b->batch, 0))
		return wait(b);
	if (b->landing_ends_run) {
		b->landing_ends_run = false;
		return end_run(b, b->landing_end);
	}
	b->phase = aero_direction(b);
	if (b->phase == AERO_PHASE_REST)
		return end_run(b, AERO_END_DONE);
	if (b->phase == AERO_PHASE_INFLATE) {
		if (aero_is_held_off(b))
			return end_run(b, AERO_END_HELD_OFF);
		over = aero_inflate(b, &end);
	} else {
		over = aero_deflate(b, &end);
	}
	if (b->batch.flight) {
		b->landing_ends_run = over;
		b->landing_end = end;
		return wait(b);
	}
	aero_tell_size(b, false);
	if (over || aero_direction(b) == AERO_PHASE_REST)
		return end_run(b, end);
	return now();
}

/*
 * The balloon is empty, so the guest has all the memory that it has page structures for.  If
 * the hypervisor's target is larger than that, memory has to be added to the guest.
 */
static struct aero_next look_beyond(struct aero_balloon *b)
{
	uint64_t beyond = b->ops->beyond ? b->ops->beyond(b->hypervisor) : 0;

	if (!beyond)
		return end_run(b, AERO_END_DONE);
	if (beyond <= b->coming_pages)
		return end_run(b, AERO_END_WAIT);
	b->phase = AERO_PHASE_GROW;
	b->arrived_pages = 0;
	return (struct aero_next){.kind = AERO_NEXT_GROW, .grow_pages = beyond - b->coming_pages};
}

struct aero_next aero_grown(struct aero_balloon *b, uint64_t added_pages)
{
	b->coming_pages += added_pages;
	/*
	 * The kernel may bring added memory online by itself before the worker reports here that
	 * it was added.  Such pages have arrived already and are no longer expected.
	 */
	b->coming_pages -= aero_min(b->coming_pages, b->arrived_pages);
	b->arrived_pages = 0;
	b->counters.grown_pages += added_pages;
	b->counters.grow_failed += !added_pages;
	/* The step lock was not held while memory was added: the balloon may have been stopped. */
	if (b->phase != AERO_PHASE_GROW)
		return after(b->config.pace.period_ms);
	return end_run(b, added_pages ? AERO_END_WAIT : AERO_END_NO_GROWTH);
}

static struct aero_next ask_target(struct aero_balloon *b)
{
	enum aero_run_end end = AERO_END_DONE;
	uint64_t target;

	switch (b->ops->get_target(b->hypervisor, aero_port_limit_pages(b->port), &target)) {
	case AERO_REPLY_OK:
		break;
	case AERO_REPLY_RESET:
		b->reset_required = true;
		return end_run(b, AERO_END_RESET);
	default:
		return end_run(b, AERO_END_COMMAND);
	}
	aero_note_target(b, target);
	aero_port_trace(b->port, AERO_EVENT_RUN, b->target_pages, b->size_pages, 0);
	b->phase = aero_direction(b);
	if (b->phase != AERO_PHASE_REST)
		return now();
	if (b->target_pages || b->size_pages) {
		aero_remake(b, &end);
		return end_run(b, b->reset_required ? AERO_END_RESET : end);
	}
	return look_beyond(b);
}

static struct aero_next connect(struct aero_balloon *b)
{
	b->link = (struct aero_link){.unbacked = b->link.unbacked};
	if (b->ops->connect(b->hypervisor, &b->link) != AERO_REPLY_OK) {
		b->counters.failed_connects++;
		if (aero_first_time(b, AERO_SAID_NO_CONNECTION))
			aero_port_log(
				b->port, AERO_LOG_WARNING,
				"%s: no connection to the hypervisor; it is tried again every %u ms (not logged again)",
				b->ops->name, b->config.pace.period_ms);
		return end_run(b, AERO_END_COMMAND);
	}
	b->said &= ~AERO_SAID_NO_CONNECTION;
	b->reset_required = false;
	return ask_target(b);
}

/*
 * After a reset the hypervisor no longer knows the balloon's pages, so the guest may use them
 * without asking.  One batch is freed in each step; when none are left, the next step connects
 * anew.
 */
static struct aero_next pop(struct aero_balloon *b)
{
	bool progress;

	/*
	 * On an unbacked link, held pages have no memory behind them and cannot be used by the
	 * guest before the hypervisor has populated them.  They stay in the balloon.
	 */
	if (!b->link.unbacked) {
		progress = aero_store_pop(b);
		if (b->size_pages)
			return progress ? now() : after(AERO_ISOLATED_RETRY_MS);
	}
	b->phase = AERO_PHASE_CONNECT;
	return now();
}

static struct aero_next begin_run(struct aero_balloon *b)
{
	b->counters.runs++;
	b->barred_in = 0;
	b->barred_out = 0;
	b->hurry = false;
	aero_pace_begin(b);
	if (!b->reset_required)
		return ask_target(b);

	b->counters.resets++;
	aero_port_trace(b->port, AERO_EVENT_RESET, b->size_pages, 0, 0);
	b->ops->quiesce(b->hypervisor);
	aero_batch_void(b);
	b->phase = AERO_PHASE_POP;
	return pop(b);
}

struct aero_next aero_step(struct aero_balloon *b)
{
	if (b->urgent.flight && !b->reset_required)
		aero_batch_land(b, &b->urgent, 0);
	switch (b->phase) {
	case AERO_PHASE_REST:
		return begin_run(b);
	case AERO_PHASE_POP:
		return pop(b);
	case AERO_PHASE_CONNECT:
		return connect(b);
	case AERO_PHASE_INFLATE:
	case AERO_PHASE_DEFLATE:
		/* The hypervisor may have answered migration or relief with a reset meanwhile. */
		if (b->reset_required)
			return end_run(b, AERO_END_RESET);
		return follow_target(b);
	default:
		return after(b->config.pace.period_ms);
	}
}

void aero_adopt(struct aero_balloon *b, enum aero_class class, aero_page **blocks, unsigned int n)
{
	uint64_t pages = (uint64_t)n << aero_class_held_order(class);

	/*
	 * Pages may be adopted before the first connection, which would otherwise take them for
	 * pages with memory behind them and free them.
	 */
	b->link.unbacked = true;
	if (b->phase == AERO_PHASE_GROW)
		b->arrived_pages += pages;
	else
		b->coming_pages -= aero_min(b->coming_pages, pages);
	b->counters.adopted_pages += pages;
	aero_store_hold(b, class, blocks, n);
}
