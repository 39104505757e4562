/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The contract between aerostat.ko, which contains the engine, and the module of a hypervisor
 * (vmware/, xen/).  A hypervisor's module registers one struct aerostat_backend.  All functions of
 * aerostat.ko that it may call are declared here as well.
 */
#ifndef AEROSTAT_LINUX_BACKEND_H
#define AEROSTAT_LINUX_BACKEND_H

#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/seq_file.h>
#include <linux/types.h>

#include <aerostat/balloon.h>

/* What a hypervisor's module provides.  Must not change while it is registered. */
struct aerostat_backend {
	const struct aero_hypervisor_ops *ops;
	void *hypervisor; /* the first argument of each of @ops */

	/* The hypervisor's pace.  Period and hold-off are set by the administrator instead. */
	const struct aero_pace_config *pace;

	/*
	 * Optional.  A single word, which may change at any moment: whether pages must be zeroed
	 * before they leave the guest and the backend relies on the kernel to zero what it
	 * allocates.  If so, pages are zeroed that reach the balloon otherwise: blocks from the
	 * free lists, and pages to which the kernel migrates.
	 */
	const bool *zeroed;

	/*
	 * Optional.  Called before the worker makes steps, without the step lock, which it may
	 * take.  May sleep.
	 */
	void (*before_run)(void);

	/*
	 * Optional.  Called under the step lock when a run has ended.  The next one begins in
	 * @delay_ms unless the worker is kicked.  @retries is the number of runs in a row that
	 * made no progress.
	 */
	void (*run_ended)(u32 retries, u32 delay_ms);

	/*
	 * Optional.  Tells the hypervisor of free memory: @n entries of @free, which nobody uses
	 * until this returns, and whose content may be lost then, unless it matters
	 * (aerostat_free_pages_matter()).  Returns 0, or -errno if the
	 * hypervisor was not told; it is asked again later.  Called without the step lock, at the
	 * same time as any other function, but not twice at once.  May sleep.
	 */
	int (*report_free)(void *hypervisor, struct scatterlist *free, unsigned int n);

	/* Optional.  Appends lines of a name and a value to the statistics.  Step lock. */
	void (*show)(struct seq_file *m, void *hypervisor);

	/*
	 * For guests that may choose their own size.  guest_pages() returns what the guest has
	 * now, counted like its target, and set_target() sets a new target.  Both are called
	 * without the step lock.  If the guest may not choose its size, set_target() is NULL,
	 * or no_policy is the reason: a sentence without a full stop.
	 */
	u64 (*guest_pages)(void);
	void (*set_target)(u64 guest_pages);
	const char *no_policy;

	/*
	 * Optional.  Adds at least @pages pages of memory to the guest.  Returns how many were
	 * added, or 0.  Called without the step lock; may sleep.
	 */
	u64 (*grow)(u64 pages);

	/*
	 * Whether the hypervisor wants its memory to stay away even when the guest runs short.  If
	 * so, no memory is given back but for the target, and held pages do not count as the
	 * guest's memory (MemTotal).
	 */
	bool no_relief;

	/*
	 * Optional, both or none, for a backend that keeps memory beside the balloon (below).  How
	 * many pages there are that the guest can have at once; and frees at least @pages of
	 * them, or all there are, and returns how many.  Called without the step lock, from any
	 * context that may free memory, also while an allocation fails.
	 */
	u64 (*beside_pages)(void *hypervisor);
	u64 (*relieve_beside)(void *hypervisor, u64 pages);

	/*
	 * Only for hypervisors whose links are unbacked (Xen), where a page that the balloon
	 * holds has no memory behind it.
	 *
	 * hide_unbacked() is optional.  It is called under the step lock for @n blocks of
	 * @class without memory, before they join the balloon.
	 *
	 * keep_unbacked() takes pages over that could not be reclaimed before the module was
	 * unloaded, and keeps them out of use.  It is called without the step lock, with at most
	 * AERO_BATCH_MAX pages at a time.  If @has_successor, somebody follows the target after
	 * the module; keep_unbacked() then also gets the pages that the target leaves to the
	 * hypervisor.
	 */
	bool has_successor;
	void (*hide_unbacked)(enum aero_class class, struct page **blocks, unsigned int n);
	void (*keep_unbacked)(struct page **pages, unsigned int n);
};

/*
 * Starts the balloon.  Its first run begins at once, in another thread.  Returns 0, -EBUSY if
 * another module's balloon is active, or -ENOMEM.  May sleep.
 */
int aerostat_register(const struct aerostat_backend *backend);

/*
 * Ends the balloon.  When it returns, no page is ballooned and nothing of the backend is used any
 * more.  May sleep.
 */
void aerostat_unregister(const struct aerostat_backend *backend);

/* Makes the worker run at once.  May be called from any context, also without a balloon. */
void aerostat_kick(void);

/* Whether the caller is the worker in one of its steps.  May be called from any context. */
bool aerostat_is_stepping(void);

/*
 * aerostat_pause() ends the connection and keeps the worker from making steps, so that nothing of
 * the backend is used until aerostat_resume(), after which the worker connects anew.  The pages
 * stay in the balloon.  Returns 0, or -EBUSY after two seconds in which a step did not end; the
 * worker goes on then.  Both may be called while the worker is frozen.  May sleep.
 */
int aerostat_pause(void);
void aerostat_resume(void);

/*
 * Sets the limits of the pause after a run that made no progress.  The pause doubles up to @max_ms;
 * from the @retries_max-th such run in a row on, it is recheck_ms (0: never).  Called under the
 * step lock, which is held while any of a backend's aero_hypervisor_ops is called.
 */
void aerostat_set_backoff(u32 max_ms, u32 retries_max);

/*
 * The balloon's size, and the number of pages on loan.  Both are exact under the step lock. Without
 * it, each is a single word, which may change at any moment.
 */
u64 aerostat_size_pages(void);
u64 aerostat_lent_pages(void);

/* -- for a backend that keeps memory beside the balloon, while registered ------------- */

/*
 * aerostat_begin() takes the step lock between two steps.  Returns false, without it, if the worker
 * is paused or somebody waits for the lock who needs it soon; try again later then.
 * aerostat_end() releases it.
 */
bool aerostat_begin(void);
void aerostat_end(void);

/*
 * Takes up to @n free blocks of 2 MiB that the guest can spare, at most AERO_BATCH_MAX, as the
 * balloon does; they are not zeroed.  Returns how many.  Called after aerostat_begin().
 */
unsigned int aerostat_take_blocks(struct page **blocks, unsigned int n);

/* Gives such blocks back.  Takes no lock of the balloon's. */
void aerostat_free_blocks(struct page **blocks, unsigned int n);

/* -- only for hypervisors whose links are unbacked (Xen), while registered ------------ */

/*
 * Adds @n blocks, which belong to the caller and have no memory behind them, to the balloon
 * (aero_adopt()).  @n is at most AERO_BATCH_MAX.  Takes the step lock.
 */
void aerostat_adopt(enum aero_class class, struct page **blocks, unsigned int n);

/*
 * Adds @pages pages, which begin at @page, to the guest's count of its memory, or removes them if
 * @pages is negative.  Called under the step lock.
 */
void aerostat_adjust_managed(struct page *page, long pages);

/*
 * Lends up to @n pages that have no memory behind them.  With @fund, the guest gives up pages of
 * its own if the balloon holds too few.  Returns how many were lent.  aerostat_repay() takes them
 * back.  Both take the step lock and may sleep.
 */
unsigned int aerostat_lend(struct page **pages, unsigned int n, bool fund);
void aerostat_repay(struct page **pages, unsigned int n);

#endif
