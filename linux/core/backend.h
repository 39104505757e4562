/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The contract between aerostat.ko, which has the engine, and the module of one
 * hypervisor (vmware/, xen/).  A hypervisor's module registers one struct
 * aerostat_backend; everything else it calls is declared here as well.
 */
#ifndef AEROSTAT_LINUX_BACKEND_H
#define AEROSTAT_LINUX_BACKEND_H

#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/types.h>

#include <aerostat/balloon.h>

/* What a hypervisor's module brings.  Constant from registration to the end. */
struct aerostat_backend {
	const struct aero_hypervisor_ops *ops;
	void *hypervisor; /* handed to each of @ops */

	/* The hypervisor's pace; period and hold-off are the administrator's. */
	const struct aero_pace_config *pace;

	/*
	 * True: pages must be zeroed before they leave the guest, and the backend relies
	 * on the kernel to zero what it allocates.  Pages that reach the balloon without
	 * passing the allocator are then zeroed by the port.
	 */
	bool zeroed;

	/*
	 * Optional: the worker is about to run.  Called without the step lock; may sleep
	 * and may take it.
	 */
	void (*before_run)(void);

	/*
	 * Optional: a run has ended, and the next one begins in @delay_ms unless it is
	 * kicked.  @retries: runs in a row that could not get on.  Under the step lock.
	 */
	void (*run_ended)(u32 retries, u32 delay_ms);

	/* Optional: appends "name value" lines to the statistics.  Under the step lock. */
	void (*show)(struct seq_file *m, void *hypervisor);

	/*
	 * A guest that may choose its own size: guest_pages() is what it has now, in the
	 * units of its target, and set_target() sets a new one.  Both are called without
	 * the step lock.  Where the guest may not choose, set_target() is NULL or
	 * no_policy says why in one sentence without a full stop.
	 */
	u64 (*guest_pages)(void);
	void (*set_target)(u64 guest_pages);
	const char *no_policy;

	/*
	 * Optional: adds at least @pages pages of memory to the guest.  Returns how many
	 * were added, or 0.  Called without the step lock; may sleep.
	 */
	u64 (*grow)(u64 pages);

	/*
	 * Only for hypervisors whose links are unbacked (Xen): a page that the balloon holds
	 * has no memory behind it.
	 *
	 * hide_unbacked(), optional: @n blocks of @class without memory are about to join
	 * the balloon.  Under the step lock.
	 *
	 * keep_unbacked(): takes pages that could not be reclaimed before the module was
	 * unloaded, and keeps everybody from using them.  Without the step lock.
	 */
	void (*hide_unbacked)(enum aero_class class, struct page **blocks, unsigned int n);
	void (*keep_unbacked)(struct page **pages, unsigned int n);
};

/*
 * Starts the balloon.  The first run comes at once, on another thread.  There is one
 * balloon at a time: -EBUSY while another module's is there.  -ENOMEM.  May sleep.
 */
int aerostat_register(const struct aerostat_backend *backend);

/* Ends it.  On return no page is ballooned and nothing of the backend is used.  May sleep. */
void aerostat_unregister(const struct aerostat_backend *backend);

/* Asks for a run at once.  From any context; does nothing when there is no balloon. */
void aerostat_kick(void);

/*
 * The limits of the pause after a run that could not get on: the pause doubles up to
 * @max_ms, and after @retries_max such runs (0: unlimited) it is the long one.  Under the
 * step lock, which all of a backend's aero_hypervisor_ops are called under.
 */
void aerostat_set_backoff(u32 max_ms, u32 retries_max);

/*
 * The balloon's size, and the pages that are lent out.  Exact under the step lock; without
 * it each is a single word that may change at once.
 */
u64 aerostat_size_pages(void);
u64 aerostat_lent_pages(void);

/* -- only for hypervisors whose links are unbacked (Xen), while registered ------------ */

/*
 * @n blocks of the caller's that have no memory behind them join the balloon
 * (aero_adopt()); @n is at most AERO_BATCH_MAX.  Takes the step lock.
 */
void aerostat_adopt(enum aero_class class, struct page **blocks, unsigned int n);

/*
 * @pages pages from @page on join the guest's count of its memory, or leave it (@pages
 * below 0).  Under the step lock.
 */
void aerostat_adjust_managed(struct page *page, long pages);

/*
 * Lends up to @n pages that have no memory behind them.  With @fund, pages of the guest's
 * own are given up when the balloon holds too few.  Returns how many were lent; they
 * come back by aerostat_repay().  Both take the step lock, and may sleep.
 */
unsigned int aerostat_lend(struct page **pages, unsigned int n, bool fund);
void aerostat_repay(struct page **pages, unsigned int n);

#endif
