/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the files of aerostat.ko share.  Hypervisors' modules see backend.h only. */
#ifndef AEROSTAT_LINUX_CORE_H
#define AEROSTAT_LINUX_CORE_H

#include <linux/atomic.h>
#include <linux/kobject.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/seq_file.h>
#include <linux/shrinker.h>
#include <linux/workqueue.h>

#include "core/backend.h"

struct aerostat_policy;

/*
 * The one balloon.
 *
 * Lock order: the registration lock (main.c), the policy's lock, @step,
 * balloon_dev_info.pages_lock.  Page locks of ballooned pages nest inside @step and
 * outside pages_lock.  Page migration comes with page locks held, so it only tries @step;
 * so does the shrinker, which may run inside an allocation that a step makes.
 */
struct aerostat {
	struct mutex step;	     /* the engine's step lock */
	struct aero_balloon balloon; /* under @step */
	struct aero_port port;	     /* fields say what protects them: aerostat_port.h */
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
	struct aerostat_policy *policy; /* set as long as the files that use it are there */
	/* Appends the lines of the guest's own policy to the statistics, under @step. */
	void (*show_policy)(struct seq_file *m, struct aerostat *a);
};

/*
 * worker.c: the balloon there is, or NULL.  Changes under the registration lock only;
 * files in sysfs and debugfs may use it, since the balloon outlives them.
 */
extern struct aerostat *aerostat_one;

/* worker.c: prepares the work item, and starts the first run. */
void aerostat_worker_init(struct aerostat *a);
void aerostat_worker_start(struct aerostat *a);
/* Stops the worker, and gives every page back to the guest.  May sleep. */
void aerostat_worker_stop(struct aerostat *a);

/*
 * migrate.c: moves the balloon's hold from @from to @to, for the port's page migration,
 * which holds both page locks.  0 or -errno, as the kernel's migration expects them.
 */
int aerostat_migrate(struct aero_port *port, struct page *to, struct page *from);

/* relief.c: gives memory back when the guest runs short.  0 or -errno. */
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
/* Under the step lock. */
u64 aerostat_knob_read(const struct aerostat *a, enum aerostat_knob id);
/*
 * Takes the step lock.  -EINVAL or -ERANGE: nothing was changed, and the log says what
 * is allowed (at a limited rate).
 */
int aerostat_knob_write(struct aerostat *a, enum aerostat_knob id, const char *text);

/* sysfs.c: /sys/kernel/aerostat/.  0 or -errno. */
int aerostat_sysfs_start(struct aerostat *a);
void aerostat_sysfs_stop(struct aerostat *a);

/* stats.c: the statistics in debugfs.  Without debugfs there are none. */
void aerostat_debugfs_start(struct aerostat *a);
void aerostat_debugfs_stop(struct aerostat *a);

#endif
