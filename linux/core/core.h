/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* aerostat.ko: what it offers to a hypervisor's module, and what its files share. */
#ifndef AEROSTAT_LINUX_H
#define AEROSTAT_LINUX_H

#include <linux/atomic.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/seq_file.h>
#include <linux/shrinker.h>
#include <linux/workqueue.h>

#include <aerostat/balloon.h>

/* What a hypervisor's module brings.  Constant from registration to the end. */
struct aerostat_backend {
	const struct aero_hypervisor_ops *ops;
	void *hypervisor;
	/* The hypervisor's pace; period and hold-off are the administrator's. */
	const struct aero_pace_config *pace;
	/*
	 * On a unbacked link: at the end takes pages that could not be reclaimed,
	 * and have no memory behind them.
	 */
	void (*keep_unbacked)(struct page **pages, unsigned int n);

	/*
	 * The rest may be NULL.  hide_unbacked(): blocks without memory behind them are
	 * about to join the balloon; under the step lock.
	 */
	void (*hide_unbacked)(enum aero_class class, struct page **blocks, unsigned int n);
	/* Adds at least @pages to the guest, without the step lock; how many, or 0. */
	u64 (*grow)(u64 pages);
	/* The worker is about to run; without the step lock. */
	void (*before_run)(void);
	/* A run is over, the next is @delay_ms away; under the step lock. */
	void (*run_ended)(u32 retries, u32 delay_ms);
	/*
	 * The guest may choose its own size: what it has, as its target counts, and
	 * a new target.  Where it may not, no_policy says why.
	 */
	u64 (*guest_pages)(void);
	void (*set_target)(u64 guest_pages);
	const char *no_policy;
	/*
	 * What the guest gives must be zeroed first, and the backend leaves that to the
	 * kernel where it zeroes what it allocates.
	 */
	bool zeroed;
	/* Appends "name value" lines to the statistics.  Called under the step lock. */
	void (*show)(struct seq_file *m, void *hypervisor);
};

/*
 * Starts the balloon: the first run comes at once, on another thread.  One
 * balloon at a time: -EBUSY.  May sleep.
 *
 * The backend's hypervisor may use aerostat_port() before this.
 */
int aerostat_register(const struct aerostat_backend *backend);

/* Ends it: on return no page is ballooned and nothing of the backend is used.  May sleep. */
void aerostat_unregister(const struct aerostat_backend *backend);

/*
 * For backends with unbacked links, while registered.  Blocks without memory behind
 * them join the balloon (aero_adopt()), or leave the guest's count of memory
 * (@pages below 0) and join it again.  adopt() takes the step lock.
 */
void aerostat_adopt(enum aero_class class, struct page **blocks, unsigned int n);
void aerostat_adjust_managed(struct page *page, long pages);

/*
 * Lends up to @n pages; with @fund at the cost of the guest's own memory when the
 * balloon holds too few.  Returns how many; they come back by aerostat_repay().
 * Both take the step lock.
 */
unsigned int aerostat_lend(struct page **pages, unsigned int n, bool fund);
void aerostat_repay(struct page **pages, unsigned int n);

/* The balloon's size, and what is out on loan; under the step lock or racily. */
u64 aerostat_size_pages(void);
u64 aerostat_lent_pages(void);

/* The limits of the pause after a run that could not get on; under the step lock. */
void aerostat_set_backoff(u32 max_ms, u32 retries_max);

/* Asks for a run at once.  From any context; does nothing when there is no balloon. */
void aerostat_kick(void);

/* -- inside aerostat.ko ------------------------------------------------------- */

/*
 * Lock order: aerostat_registry (registration), step, balloon_dev_info.pages_lock.
 * Page locks of ballooned pages nest inside step and outside pages_lock; page
 * migration comes with them held, so it only tries step.
 */
struct aerostat_policy;

struct aerostat {
	struct mutex step;	     /* the engine's step lock */
	struct aero_balloon balloon; /* under step */
	struct aero_port port;	     /* see aerostat_port.h */
	const struct aerostat_backend *backend;
	struct workqueue_struct *queue;
	struct delayed_work work;
	bool ending; /* single word: nothing is scheduled any more */
	atomic64_t kicks;
	u64 relief_pages; /* single word: given back when the guest runs short */
	struct notifier_block oom;
	struct shrinker *shrinker;
	struct kobject *kobj;
	struct dentry *debugfs;
	struct aerostat_policy *policy;
};

/* The one balloon, or NULL; under aerostat_registry, or while files of it are open. */
extern struct aerostat *aerostat_one;

/* pages.c */
void aerostat_store_init(struct aerostat *a);
/* Waits until page migration has let go of pages that have left the balloon.  May sleep. */
void aerostat_store_settle(struct aerostat *a);

/* mapping.c: for kernels where migration asks for it.  0 or -errno. */
#if AERO_MIGRATION_BY_MAPPING
int aerostat_mapping_start(void);
void aerostat_mapping_stop(void);

extern struct inode *aerostat_mapping_inode;
#else
static inline int aerostat_mapping_start(void)
{
	return 0;
}

static inline void aerostat_mapping_stop(void)
{
}
#endif

/* relief.c */
int aerostat_relief_start(struct aerostat *a);
void aerostat_relief_stop(struct aerostat *a);

/* knobs.c: the settings */
enum aerostat_knob {
	KNOB_PERIOD_MS,
	KNOB_HOLDOFF_MS,
	KNOB_RESERVE_KIB,
	KNOB_RELIEF_KIB,
	KNOB_LARGE,
	KNOB_SPLIT,
	KNOBS
};

/* Sets a new balloon's configuration from the module's parameters. */
void aerostat_knobs_init(struct aerostat *a);
u64 aerostat_knob_read(const struct aerostat *a, enum aerostat_knob id);
/* Takes the step lock.  -EINVAL, -ERANGE: said in the log, and nothing was changed. */
int aerostat_knob_write(struct aerostat *a, enum aerostat_knob id, const char *text);

static inline u64 aerostat_kib(u64 pages)
{
	return pages << (PAGE_SHIFT - 10);
}

/* Zeroes a block that nobody uses; 8 bytes a store, which no processor does worse. */
static inline void aerostat_zero(struct page *block, unsigned int order)
{
	memset64(page_address(block), 0, PAGE_SIZE / sizeof(u64) << order);
	cond_resched();
}

/*
 * proc.c: what only readers of /proc are told.  Pages of swap there are, and how many
 * of them are in use; false: nobody can tell.
 */
bool aerostat_swap_pages(u64 *total, u64 *used);
/* Whether memory is set aside for contiguous allocation; true when nobody can tell. */
bool aerostat_has_cma(void);
/* Whether the kernel's command line contains @option. */
bool aerostat_booted_with(const char *option);

/* policy.c: the guest's own target; after sysfs.c's start, before its stop */
int aerostat_policy_start(struct aerostat *a);
void aerostat_policy_stop(struct aerostat *a);
void aerostat_policy_show(struct seq_file *m, struct aerostat *a);

/* sysfs.c */
int aerostat_sysfs_start(struct aerostat *a);
void aerostat_sysfs_stop(struct aerostat *a);

/* stats.c */
void aerostat_debugfs_start(struct aerostat *a);
void aerostat_debugfs_stop(struct aerostat *a);

#endif
