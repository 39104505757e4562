/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Declarations that the files of aerostat.ko share.  Other modules include backend.h only. */
#ifndef AEROSTAT_LINUX_CORE_H
#define AEROSTAT_LINUX_CORE_H

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/kobject.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/seq_file.h>
#include <linux/shrinker.h>
#include <linux/workqueue.h>

#include "core/backend.h"
#include "core/stash.h"

struct aerostat_policy;
struct aerostat;

struct aerostat_listener {
	/*
	 * The kernel has begun to reclaim memory.  Called at most ten times a second, from a work
	 * item of the balloon's queue.  May sleep.
	 */
	void (*on_reclaim)(struct aerostat *a);
};

/*
 * The balloon.  There is at most one.
 *
 * Locks are taken in this order: the registration lock (main.c), the policy's lock, @step, page
 * locks of ballooned pages, balloon_dev_info.pages_lock.  Page migration holds page locks when it
 * calls, so it only tries to take @step.  So does the shrinker, which may run inside an allocation
 * that a step makes.
 */
struct aerostat {
	struct mutex step;	     /* the engine's step lock */
	struct aero_balloon balloon; /* under @step */
	struct aero_port port;	     /* fields say what protects them: aerostat_port.h */
	const struct aerostat_backend *backend;
	struct workqueue_struct *queue;
	struct delayed_work work;
	bool ending; /* single word; when set, no more work is queued */
	bool paused; /* single word; when set, no step is begun */
	/*
	 * The task that makes a step, or NULL.  Written under @step.  A task that finds itself here
	 * runs inside one of the step's allocations and must not wait for the step lock.
	 */
	struct task_struct *stepping;
	atomic64_t kicks;
	u64 relief_pages; /* single word; how much the OOM notifier gives back at once */
	struct aerostat_stash stash;
	struct notifier_block oom, sleep, reboot, memory;
	/* Memory is going offline, and the worker rests until then at most (jiffies). */
	bool going_offline;
	unsigned long offline_until;
	struct shrinker *shrinker;
	const struct aerostat_listener *listener; /* NULL: nobody wants to know */
	struct work_struct reclaim_work;
	unsigned long reclaim_told_at; /* jiffies */
	struct kobject *kobj;
	struct dentry *debugfs;
	struct aerostat_policy *policy; /* set as long as the files that use it are there */
	/* Appends the lines of the guest's own policy to the statistics, under @step. */
	void (*show_policy)(struct seq_file *m, struct aerostat *a);
};

/*
 * worker.c: the balloon, or NULL.  It changes under the registration lock only.  The functions of
 * files in sysfs and debugfs may use it, because these files are removed before the balloon.
 */
extern struct aerostat *aerostat_one;

/* worker.c: prepares the work item, and starts the first run. */
void aerostat_worker_init(struct aerostat *a);
void aerostat_worker_start(struct aerostat *a);
/*
 * Makes the worker wait and ends the connection, so that the hypervisor forgets the balloon's
 * pages.  If @empty, gives all of them back to the guest.  Waits for a step in progress and for
 * isolated pages, but not longer than @patience_ms.  Returns false if that was too short.  The
 * worker goes on, and connects anew, after aerostat_worker_resume().
 */
bool aerostat_worker_pause(struct aerostat *a, bool empty, unsigned int patience_ms);
void aerostat_worker_resume(struct aerostat *a);
/* Stops the worker and gives every page back to the guest.  May sleep. */
void aerostat_worker_stop(struct aerostat *a);

/*
 * migrate.c: replaces the ballooned page @from by @to, for the port's page migration, which holds
 * both page locks.  Returns 0 or -errno, as the kernel's migration expects.
 */
int aerostat_migrate(struct aero_port *port, struct page *to, struct page *from);

/* relief.c: gives memory back when the guest runs short of it.  Returns 0 or -errno. */
int aerostat_relief_start(struct aerostat *a);
void aerostat_relief_stop(struct aerostat *a);
/*
 * Sets who is told of reclaim; NULL: nobody.  When it returns, the one from before is not called
 * any more.  May sleep.
 */
void aerostat_relief_tell(struct aerostat *a, const struct aerostat_listener *listener);
/* Frees pages that the backend keeps beside the balloon.  Needs no lock.  Returns how many. */
u64 aerostat_relieve_beside(struct aerostat *a, u64 pages);

/* power.c: hibernation, restart and kexec.  Returns 0 or -errno. */
int aerostat_power_start(struct aerostat *a);
void aerostat_power_stop(struct aerostat *a);

/* offline.c: memory blocks that go offline.  Returns 0 or -errno. */
int aerostat_offline_start(struct aerostat *a);
void aerostat_offline_stop(struct aerostat *a);

/* Whether the worker should leave the step lock to the kernel, which clears a part of memory. */
static inline bool aerostat_rests_for_offline(const struct aerostat *a)
{
	/* Pairs with let_worker_rest(): the time is read after the flag. */
	return smp_load_acquire(&a->going_offline) &&
	       time_before(jiffies, READ_ONCE(a->offline_until));
}

/* knobs.c: the settings */
enum aerostat_knob {
	KNOB_PERIOD_MS,
	KNOB_HOLDOFF_MS,
	KNOB_RESERVE_KIB,
	KNOB_RELIEF_KIB,
	KNOB_STASH_KIB,
	KNOB_LARGE,
	KNOB_SPLIT,
	KNOBS
};

/* Sets a new balloon's configuration from the module's parameters. */
void aerostat_knobs_init(struct aerostat *a);
/* Called under the step lock. */
u64 aerostat_knob_read(const struct aerostat *a, enum aerostat_knob id);
/*
 * Takes the step lock.  After -EINVAL or -ERANGE nothing was changed, and the log says what is
 * allowed.  The rate of these messages is limited.
 */
int aerostat_knob_write(struct aerostat *a, enum aerostat_knob id, const char *text);

/* sysfs.c: /sys/kernel/aerostat/.  Returns 0 or -errno. */
int aerostat_sysfs_start(struct aerostat *a);
void aerostat_sysfs_stop(struct aerostat *a);

/* stats.c: the statistics in debugfs.  Without debugfs there are none, which is no error. */
void aerostat_debugfs_start(struct aerostat *a);
void aerostat_debugfs_stop(struct aerostat *a);

#endif
