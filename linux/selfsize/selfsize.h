/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The guest's own policy: declarations that policy.c, files.c and figures.c share. */
#ifndef AEROSTAT_LINUX_POLICY_H
#define AEROSTAT_LINUX_POLICY_H

#include <linux/mutex.h>
#include <linux/vm_event_item.h>
#include <linux/workqueue.h>

#include <aerostat/policy.h>

#include "core/core.h"

/* A policy of the table with its options and its state in this guest. */
struct aerostat_guest_policy {
	const struct aero_policy *policy;
	void *config, *state;
};

#define AEROSTAT_POLICIES_MAX 16

/* Counters at the last reading.  A policy gets the differences from one reading to the next. */
struct aerostat_counts {
	unsigned long events[NR_VM_EVENT_ITEMS];
	u64 refaults, relieved_pages;
	unsigned long read_at; /* jiffies; 0: never */
};

/* The last report of aerostatd about tasks that wait for memory. */
struct aerostat_stall {
	u32 some_permille, full_permille;
	unsigned long told_at; /* jiffies */
	bool told;
};

struct aerostat_policy {
	struct aerostat *a;
	struct mutex lock; /* protects everything below; taken before the step lock */
	struct delayed_work work;
	bool ending;
	bool ballooning, shrinking;
	bool warned; /* of too little swap, since self-ballooning was switched on */
	u32 interval_s;
	/* One entry for each policy of the table, in its order. */
	struct aerostat_guest_policy policies[AEROSTAT_POLICIES_MAX];
	const struct aerostat_guest_policy *wanted; /* the administrator's choice */
	const struct aerostat_guest_policy *active; /* made the last step; NULL: off */
	const struct aerostat_guest_policy *shrink; /* the first policy for swap */
	struct aerostat_counts counts, counts_now;
	u64 committed_pages; /* at the last step */
	struct aerostat_stall stall;
	u64 target_pages; /* the guest's size that the last step asked for */
	bool swap_excess;
	u64 swap_target_pages; /* valid if swap_excess is set */
};

/*
 * policy.c: the guest's own target.  It starts after the files of sysfs.c and stops before
 * them.  Returns 0 or -errno.
 */
int aerostat_policy_start(struct aerostat *a);
void aerostat_policy_stop(struct aerostat *a);
/* Appends the policy's lines to the statistics. */
void aerostat_policy_show(struct seq_file *m, struct aerostat *a);

/* figures.c: reads the guest's figures.  Events are counted since the last call. */
void aerostat_figures(struct aerostat_policy *p, struct aero_policy_figures *f);

/* policy.c: functions for files.c.  Those that change anything need the policy's lock. */
struct aerostat_guest_policy *aerostat_policy_find(struct aerostat_policy *p, const char *name);
/* Sets a policy's state back to its beginning. */
void aerostat_policy_reset(const struct aerostat_guest_policy *g);
/*
 * Switches self-ballooning or self-shrinking.  Returns 0, -EOPNOTSUPP if the guest may not choose
 * its size, or -EPERM if a module parameter forbids it.  The log has the reason of an error.
 */
int aerostat_policy_switch(struct aerostat_policy *p, bool *which, bool on);
void aerostat_policy_step_now(struct aerostat_policy *p);

/* files.c: they are made after the policy has started, and removed before it stops. */
int aerostat_policy_files_start(struct aerostat_policy *p);
void aerostat_policy_files_stop(struct aerostat_policy *p);

#endif
