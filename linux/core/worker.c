// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The worker: owns time.  Calls the engine's steps, and starts and ends the balloon. */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/sched.h>

#include "core.h"
#include "free_list.h"

/* How long the worker stays away from the freezer and its fellow workers. */
#define WORK_SLICE_MS 20

static DEFINE_MUTEX(aerostat_registry);
struct aerostat *aerostat_one;

/* Memory can only be added without the step lock: what comes online joins the balloon. */
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
	struct aero_next next;

	mutex_lock(&a->step);
	next = aero_step(&a->balloon);
	if (next.kind == AERO_NEXT_DELAY && a->backend->run_ended)
		a->backend->run_ended(a->balloon.pace.retries, next.delay_ms);
	mutex_unlock(&a->step);
	return next.kind == AERO_NEXT_GROW ? grow(a, next.grow_pages) : next;
}

/* Whole seconds are rounded, so that the machine wakes up for several things at once. */
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

	if (a->backend->before_run)
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

	/* The backend takes its doorbell down before the balloon goes away. */
	a = READ_ONCE(aerostat_one);
	if (!a || READ_ONCE(a->ending))
		return;
	atomic64_inc(&a->kicks);
	mod_delayed_work(a->queue, &a->work, 0);
}
EXPORT_SYMBOL_GPL(aerostat_kick);

void aerostat_set_backoff(u32 max_ms, u32 retries_max)
{
	struct aero_pace_config *pace = &aerostat_one->balloon.config.pace;

	pace->backoff_max_ms = max_ms;
	pace->retries_max = retries_max;
}
EXPORT_SYMBOL_GPL(aerostat_set_backoff);

static struct aerostat *create(const struct aerostat_backend *backend)
{
	struct aero_config config;
	struct aerostat *a;

	a = kvzalloc(sizeof(*a), GFP_KERNEL);
	if (!a)
		return NULL;
	/* Frozen with user space; has a rescuer, for it is wanted most when memory is short. */
	a->queue = alloc_workqueue("aerostat", WQ_FREEZABLE | WQ_UNBOUND | WQ_MEM_RECLAIM, 1);
	if (!a->queue) {
		kvfree(a);
		return NULL;
	}
	a->backend = backend;
	mutex_init(&a->step);
	INIT_DELAYED_WORK(&a->work, work);
	aerostat_free_list_start();
	aerostat_store_init(a);
	aerostat_knobs_init(a);
	config = a->balloon.config;
	aero_init(&a->balloon, &a->port, &config, backend->ops, backend->hypervisor);
	return a;
}

static void destroy(struct aerostat *a)
{
	aerostat_free_list_stop();
	aerostat_store_settle(a);
	destroy_workqueue(a->queue);
	mutex_destroy(&a->step);
	kvfree(a);
}

static int start(struct aerostat *a)
{
	int err;

	err = aerostat_relief_start(a);
	if (err)
		return err;
	WRITE_ONCE(aerostat_one, a);
	err = aerostat_sysfs_start(a);
	if (err)
		goto no_sysfs;
	err = aerostat_policy_start(a);
	if (err)
		goto no_policy;
	aerostat_debugfs_start(a);
	queue_delayed_work(a->queue, &a->work, 0);
	return 0;

no_policy:
	aerostat_sysfs_stop(a);
no_sysfs:
	WRITE_ONCE(aerostat_one, NULL);
	aerostat_relief_stop(a);
	return err;
}

int aerostat_register(const struct aerostat_backend *backend)
{
	struct aerostat *a;
	int err;

	mutex_lock(&aerostat_registry);
	if (aerostat_one) {
		pr_err("aerostat: %s is ballooning already; unload its module first\n",
		       aerostat_one->backend->ops->name);
		err = -EBUSY;
		goto out;
	}
	a = create(backend);
	err = a ? start(a) : -ENOMEM;
	if (err && a)
		destroy(a);
out:
	mutex_unlock(&aerostat_registry);
	return err;
}
EXPORT_SYMBOL_GPL(aerostat_register);

/* What the engine says is next; @pages gets what can't be reclaimed, @n says how many. */
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

/*
 * Gives every page back to the guest.  Pages without memory behind them that the
 * hypervisor can't give back are the backend's from here on, which keeps them out of use.
 */
static void drain(struct aerostat *a)
{
	struct page *pages[32];
	struct aero_unload next;
	bool said = false;
	unsigned int n;

	do {
		n = ARRAY_SIZE(pages);
		next = unload_step(a, pages, &n);
		if (next.kind == AERO_UNLOAD_ABANDON) {
			if (!said)
				pr_warn("aerostat: %llu KiB could not be had back from the hypervisor\n",
					aerostat_kib(a->balloon.size_pages + n));
			said = true;
			a->backend->keep_unbacked(pages, n);
		}
		if (next.kind == AERO_UNLOAD_WAIT)
			msleep(next.delay_ms);
		else
			cond_resched();
	} while (next.kind != AERO_UNLOAD_DONE);
}

void aerostat_unregister(const struct aerostat_backend *backend)
{
	struct aerostat *a;

	mutex_lock(&aerostat_registry);
	a = aerostat_one;
	if (WARN_ON(!a || a->backend != backend)) {
		mutex_unlock(&aerostat_registry);
		return;
	}
	aerostat_debugfs_stop(a);
	aerostat_policy_stop(a);
	aerostat_sysfs_stop(a);
	aerostat_relief_stop(a);

	/* The doorbell first, or it would wake the worker we wait for. */
	WRITE_ONCE(a->ending, true);
	mutex_lock(&a->step);
	a->balloon.ops->quiesce(a->balloon.hypervisor);
	mutex_unlock(&a->step);
	cancel_delayed_work_sync(&a->work);

	drain(a);

	WRITE_ONCE(aerostat_one, NULL);
	destroy(a);
	mutex_unlock(&aerostat_registry);
}
EXPORT_SYMBOL_GPL(aerostat_unregister);
