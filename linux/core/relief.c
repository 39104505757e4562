// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Gives memory back to a guest that is short of it: from the shrinker when little memory is left,
 * and from the OOM notifier before a process is killed.  What a backend keeps beside the balloon
 * goes first.  After that the balloon gives, if it may, and does not grow for a while.
 */
#include <linux/oom.h>
#include <linux/sched.h>

#include "core/core.h"
#include "compat/shrinker.h"

/*
 * The notifier makes a step in progress end early and waits for that, but not longer than this.
 * Only a command to the hypervisor can take so long.
 */
#define OOM_PATIENCE_MS 2000

static bool lock_patiently(struct aerostat *a, unsigned int patience_ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(patience_ms);
	bool locked;

	/* The step that holds the lock needs memory itself, and this is its own task. */
	if (READ_ONCE(a->stepping) == current)
		return false;
	atomic_inc(&a->port.awaited);
	while (!(locked = mutex_trylock(&a->step)) && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	atomic_dec(&a->port.awaited);
	return locked;
}

/*
 * What is kept beside the balloon is not part of what the guest counts as available, but some of it
 * is always to be had.  So no more than this is offered to the shrinker at a time.
 */
#define BESIDE_PAGES 16384U

u64 aerostat_relieve_beside(struct aerostat *a, u64 pages)
{
	return a->backend->relieve_beside
		       ? a->backend->relieve_beside(a->backend->hypervisor, pages)
		       : 0;
}

static u64 beside_pages(const struct aerostat *a)
{
	return a->backend->beside_pages ? a->backend->beside_pages(a->backend->hypervisor) : 0;
}

/* What can be had without the step lock.  The worker learns at once that the guest ran short. */
static u64 relieve_from_stash(struct aerostat *a, u64 pages)
{
	u64 freed;

	if (!pages || !READ_ONCE(a->stash.held_pages))
		return 0;
	freed = aerostat_stash_relieve(a, pages);
	aerostat_kick();
	return freed;
}

/* What there is already is enough to go on with, so nobody waits for more. */
static u64 relieve_from_balloon(struct aerostat *a, u64 wanted, unsigned int patience_ms)
{
	u64 pages = relieve_from_stash(a, wanted);

	if (pages < wanted && lock_patiently(a, pages ? 0 : patience_ms)) {
		pages += aero_relieve(&a->balloon, wanted - pages);
		mutex_unlock(&a->step);
	}
	return pages;
}

static int oom(struct notifier_block *nb, unsigned long unused, void *data)
{
	struct aerostat *a = container_of(nb, struct aerostat, oom);
	unsigned long *freed = data;
	u64 wanted = READ_ONCE(a->relief_pages), pages = aerostat_relieve_beside(a, wanted);

	if (pages < wanted && !a->backend->no_relief)
		pages += relieve_from_balloon(a, wanted - pages, pages ? 0 : OOM_PATIENCE_MS);
	*freed += pages;
	return NOTIFY_OK;
}

static struct aerostat *aerostat_of(struct shrinker *shrinker)
{
	return aero_compat_shrinker_data(shrinker);
}

/*
 * How many pages the guest lacks.  Shrinkers are called in every reclaim, also when clean page
 * cache can be reclaimed, and the balloon should not shrink then.  Therefore nothing is lacking
 * until available memory has fallen to half of the reserve that inflation leaves to the guest, and
 * what is lacking then is the rest of the reserve.
 */
static unsigned long shortfall(const struct aerostat *a)
{
	long available = si_mem_available();
	long reserve = (long)READ_ONCE(a->port.reserve_pages);

	return available < reserve / 2 ? (unsigned long)(reserve - available) : 0;
}

/* -- news of reclaim ---------------------------------------------------------------- */

#define TELL_INTERVAL (HZ / 10)

static void tell_of_reclaim(struct work_struct *work)
{
	struct aerostat *a = container_of(work, struct aerostat, reclaim_work);
	const struct aerostat_listener *listener = READ_ONCE(a->listener);

	if (listener)
		listener->on_reclaim(a);
}

/* Several tasks may reclaim at once; one message more or less does not matter. */
static void note_reclaim(struct aerostat *a)
{
	unsigned long told_at = READ_ONCE(a->reclaim_told_at);

	if (!READ_ONCE(a->listener) || time_before(jiffies, told_at + TELL_INTERVAL))
		return;
	WRITE_ONCE(a->reclaim_told_at, jiffies);
	queue_work(a->queue, &a->reclaim_work);
}

void aerostat_relief_tell(struct aerostat *a, const struct aerostat_listener *listener)
{
	WRITE_ONCE(a->listener, listener);
	/* An item that is queued after this finds the new value. */
	cancel_work_sync(&a->reclaim_work);
}

/* -- the shrinker -------------------------------------------------------------------- */

/*
 * The kernel adds up what count() reported and scan() did not do, and asks for it later.  While
 * another task holds the lock only the stash can be freed, so only that is reported.
 */
static unsigned long count(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct aerostat *a = aerostat_of(shrinker);
	u64 beside = min_t(u64, beside_pages(a), BESIDE_PAGES);
	u64 at_hand = READ_ONCE(a->stash.held_pages);

	note_reclaim(a);
	if (a->backend->no_relief)
		return beside;
	if (!mutex_is_locked(&a->step))
		at_hand += READ_ONCE(a->balloon.size_pages);
	return beside + min_t(u64, shortfall(a), at_hand);
}

/*
 * This may run inside an allocation that a step makes, so the lock is only tried.  Without the
 * lock the request counts as done, because the kernel would defer it and ask for more and more.
 * Other tasks may have been given enough since count(), so the shortfall is looked at again.
 */
static unsigned long scan_balloon(struct aerostat *a, unsigned long wanted)
{
	unsigned long lacking = min(shortfall(a), wanted);
	unsigned long freed = (unsigned long)relieve_from_stash(a, lacking);

	if (freed >= lacking || !mutex_trylock(&a->step))
		return freed;
	lacking = min(shortfall(a), lacking - freed);
	freed += (unsigned long)aero_relieve(&a->balloon, lacking);
	mutex_unlock(&a->step);
	return freed || !lacking ? freed : SHRINK_STOP;
}

static unsigned long scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct aerostat *a = aerostat_of(shrinker);
	unsigned long freed = (unsigned long)aerostat_relieve_beside(a, sc->nr_to_scan);

	if (freed)
		return freed;
	return a->backend->no_relief ? SHRINK_STOP : scan_balloon(a, sc->nr_to_scan);
}

/* Whether there is anything that may be given. */
static bool may_relieve(const struct aerostat *a)
{
	return !a->backend->no_relief || a->backend->relieve_beside;
}

int aerostat_relief_start(struct aerostat *a)
{
	int err;

	INIT_WORK(&a->reclaim_work, tell_of_reclaim);
	a->reclaim_told_at = jiffies;
	if (!may_relieve(a))
		return 0;
	a->oom.notifier_call = oom;
	err = register_oom_notifier(&a->oom);
	if (err)
		return err;
	a->shrinker = aero_compat_shrinker_register("aerostat", count, scan, a);
	if (!a->shrinker)
		unregister_oom_notifier(&a->oom);
	return a->shrinker ? 0 : -ENOMEM;
}

void aerostat_relief_stop(struct aerostat *a)
{
	if (!may_relieve(a))
		return;
	aero_compat_shrinker_free(a->shrinker);
	unregister_oom_notifier(&a->oom);
}
