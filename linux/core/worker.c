// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The worker.  It decides when the engine makes steps, from the beginning of a balloon until it is
 * empty at the end.
 */
#define pr_fmt(fmt) "aerostat: " fmt

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "core/core.h"
#include "port/free_list.h"

/* How long one call of the work function may make steps before it lets other work run. */
#define WORK_SLICE_MS 20

/* How long no step is begun when another task waits for the step lock. */
#define AWAITED_MS    1

/* How often it looks whether memory is still going offline, in case that takes too long. */
#define OFFLINE_MS    500

struct aerostat *aerostat_one;

/* Memory is added without the step lock, because pages that come online join the balloon. */
static struct aero_next grow(struct aerostat *a, u64 pages)
{
	u64 added = a->backend->grow ? a->backend->grow(pages) : 0;
	struct aero_next next;

	mutex_lock(&a->step);
	next = aero_grown(&a->balloon, added);
	mutex_unlock(&a->step);
	return next;
}

static struct aero_next step(struct aerostat *a)
{
	struct aero_next next = {.kind = AERO_NEXT_DELAY, .delay_ms = AWAITED_MS};

	aerostat_stash_note_use(a);
	if (aerostat_rests_for_offline(a)) {
		next.delay_ms = OFFLINE_MS;
		return next;
	}
	/* Without this, the task that waits could find the lock taken each time it looks. */
	if (aero_port_awaited(&a->port))
		return next;
	mutex_lock(&a->step);
	WRITE_ONCE(a->stepping, current);
	/* aerostat_worker_resume() queues the work again. */
	next.delay_ms = a->balloon.config.pace.period_ms;
	if (!READ_ONCE(a->paused))
		next = aero_step(&a->balloon);
	if (next.kind == AERO_NEXT_DELAY && a->backend->run_ended)
		a->backend->run_ended(a->balloon.pace.retries, next.delay_ms);
	if (next.kind == AERO_NEXT_DELAY && !READ_ONCE(a->paused))
		aerostat_stash_fill(a);
	if (next.kind == AERO_NEXT_DELAY)
		aerostat_free_list_rest(!a->balloon.size_pages);
	WRITE_ONCE(a->stepping, NULL);
	mutex_unlock(&a->step);
	return next.kind == AERO_NEXT_GROW ? grow(a, next.grow_pages) : next;
}

/* Delays of a second or more are rounded, so that one wake-up serves several timers. */
static unsigned long delay_of(struct aero_next next)
{
	unsigned long delay = msecs_to_jiffies(next.delay_ms);

	if (next.kind == AERO_NEXT_NOW)
		return 0;
	return next.delay_ms >= MSEC_PER_SEC ? round_jiffies_relative(delay) : delay;
}

static void work(struct work_struct *w)
{
	struct aerostat *a = container_of(to_delayed_work(w), struct aerostat, work);
	unsigned long slice_end = jiffies + msecs_to_jiffies(WORK_SLICE_MS);
	struct aero_next next;

	if (a->backend->before_run && !READ_ONCE(a->paused))
		a->backend->before_run();
	do {
		next = step(a);
		cond_resched();
	} while (next.kind == AERO_NEXT_NOW && time_before(jiffies, slice_end) &&
		 !READ_ONCE(a->ending));

	if (!READ_ONCE(a->ending))
		queue_delayed_work(a->queue, &a->work, delay_of(next));
}

void aerostat_kick(void)
{
	struct aerostat *a;

	/* The balloon cannot end meanwhile: the backend first stops everything that calls this. */
	a = READ_ONCE(aerostat_one);
	if (!a || READ_ONCE(a->ending))
		return;
	atomic64_inc(&a->kicks);
	mod_delayed_work(a->queue, &a->work, 0);
}
EXPORT_SYMBOL_GPL(aerostat_kick);

bool aerostat_is_stepping(void)
{
	struct aerostat *a = READ_ONCE(aerostat_one);

	return a && READ_ONCE(a->stepping) == current;
}
EXPORT_SYMBOL_GPL(aerostat_is_stepping);

void aerostat_set_backoff(u32 max_ms, u32 retries_max)
{
	struct aero_pace_config *pace = &aerostat_one->balloon.config.pace;

	pace->backoff_max_ms = max_ms;
	pace->retries_max = retries_max;
}
EXPORT_SYMBOL_GPL(aerostat_set_backoff);

void aerostat_worker_init(struct aerostat *a)
{
	INIT_DELAYED_WORK(&a->work, work);
}

void aerostat_worker_start(struct aerostat *a)
{
	queue_delayed_work(a->queue, &a->work, 0);
}

/* One attempt to let the balloon go.  Returns whether nothing is left to do. */
static bool let_go(struct aerostat *a, bool empty)
{
	bool gone;

	if (!mutex_trylock(&a->step))
		return false;
	gone = aero_let_go(&a->balloon);
	mutex_unlock(&a->step);
	return gone || !empty;
}

bool aerostat_worker_pause(struct aerostat *a, bool empty, unsigned int patience_ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(patience_ms);
	bool done;
	u64 before;

	WRITE_ONCE(a->paused, true);
	atomic_inc(&a->port.awaited);
	for (;;) {
		before = READ_ONCE(a->balloon.size_pages);
		done = let_go(a, empty);
		if (done || time_after(jiffies, end))
			break;
		if (READ_ONCE(a->balloon.size_pages) < before)
			cond_resched();
		else
			schedule_timeout_uninterruptible(1);
	}
	atomic_dec(&a->port.awaited);
	return done;
}

void aerostat_worker_resume(struct aerostat *a)
{
	WRITE_ONCE(a->paused, false);
	aerostat_kick();
}

/*
 * Makes one step of the unload and returns what has to be done next.  If pages are abandoned,
 * @pages receives up to *@n of them, and *@n is set to their number.
 */
static struct aero_unload unload_step(struct aerostat *a, struct page **pages, unsigned int *n)
{
	struct aero_unload next;

	mutex_lock(&a->step);
	next = aero_unload_step(&a->balloon);
	if (next.kind == AERO_UNLOAD_ABANDON)
		*n = aero_abandon(&a->balloon, pages, *n);
	mutex_unlock(&a->step);
	return next;
}

static void say_abandoned(const struct aerostat *a, u64 pages)
{
	if (pages <= a->balloon.target_pages)
		pr_info("%llu KiB that the target leaves to the hypervisor are handed over\n",
			aerostat_kib(pages));
	else
		pr_warn("%llu KiB could not be reclaimed from the hypervisor and stay out of use\n",
			aerostat_kib(pages));
}

/*
 * Gives every page back to the guest.  Pages without memory behind them that the hypervisor does
 * not populate, or that the target leaves to it, are handed over to the backend, which keeps them
 * out of use.
 */
static void drain(struct aerostat *a)
{
	struct page *few[32], **pages = kmalloc_array(AERO_BATCH_MAX, sizeof(*pages), GFP_KERNEL);
	unsigned int n, room = pages ? AERO_BATCH_MAX : ARRAY_SIZE(few);
	struct aero_unload next;
	bool said = false;

	do {
		n = room;
		next = unload_step(a, pages ?: few, &n);
		if (next.kind == AERO_UNLOAD_ABANDON) {
			if (!said)
				say_abandoned(a, a->balloon.size_pages + n);
			said = true;
			a->backend->keep_unbacked(pages ?: few, n);
		}
		if (next.kind == AERO_UNLOAD_WAIT)
			msleep(next.delay_ms);
		else
			cond_resched();
	} while (next.kind != AERO_UNLOAD_DONE);
	kfree(pages);
}

void aerostat_worker_stop(struct aerostat *a)
{
	/* The doorbell is removed first, because it could start the worker again. */
	WRITE_ONCE(a->ending, true);
	mutex_lock(&a->step);
	a->balloon.ops->quiesce(a->balloon.hypervisor);
	if (a->backend->has_successor)
		aero_hand_over(&a->balloon);
	mutex_unlock(&a->step);
	cancel_delayed_work_sync(&a->work);
	aerostat_stash_free(&a->stash, U64_MAX);
	drain(a);
}
