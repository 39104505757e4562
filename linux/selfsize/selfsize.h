/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The guest's own policy in the kernel: what policy.c, its files and figures.c share. */
#ifndef AEROSTAT_LINUX_POLICY_H
#define AEROSTAT_LINUX_POLICY_H

#include <linux/mutex.h>
#include <linux/vm_event_item.h>
#include <linux/workqueue.h>

#include <aerostat/policy.h>

#include "core/core.h"

/* A policy of the table at work in this guest. */
struct aerostat_guest_policy {
	const struct aero_policy *policy;
	void *config, *state;
};

#define AEROSTAT_POLICIES_MAX 16

/* Counts at the last reading, of which a policy wants the differences. */
struct aerostat_counts {
	unsigned long events[NR_VM_EVENT_ITEMS];
	u64 refaults, relieved_pages;
	unsigned long read_at; /* jiffies; 0: never */
};

/* What aerostatd said last of tasks that wait for memory. */
struct aerostat_stall {
	u32 some_permille, full_permille;
	unsigned long told_at; /* jiffies */
	bool told;
};

struct aerostat_policy {
	struct aerostat *a;
	struct mutex lock; /* all below; taken before the step lock */
	struct delayed_work work;
	bool ending;
	bool ballooning, shrinking;
	bool warned; /* of too little swap; anew each time it is switched on */
	u32 interval_s;
	/* As many as the table has, in its order. */
	struct aerostat_guest_policy policies[AEROSTAT_POLICIES_MAX];
	const struct aerostat_guest_policy *wanted; /* the administrator's choice */
	const struct aerostat_guest_policy *active; /* in the last step; NULL: off */
	const struct aerostat_guest_policy *shrink; /* the first that is about swap */
	struct aerostat_counts counts;
	struct aerostat_stall stall;
	u64 target_pages; /* what the last step asked for */
	bool swap_excess;
	u64 swap_target_pages; /* with swap_excess */
};

/*
 * policy.c: the guest's own target.  It starts after the files of sysfs.c and stops before
 * them.  Returns 0 or -errno.
 */
int aerostat_policy_start(struct aerostat *a);
void aerostat_policy_stop(struct aerostat *a);
/* Appends the policy's lines to the statistics. */
void aerostat_policy_show(struct seq_file *m, struct aerostat *a);

/* figures.c: how the guest is.  Events are counted since the last call with these @counts. */
void aerostat_figures(struct aerostat *a, struct aerostat_counts *counts,
		      struct aero_policy_figures *f);

/* policy.c, for its files; all take the policy's lock */
struct aerostat_guest_policy *aerostat_policy_find(struct aerostat_policy *p, const char *name);
/* Starts a policy's state again. */
void aerostat_policy_reset(const struct aerostat_guest_policy *g);
/* -EOPNOTSUPP, with the reason in the log, where the guest may not choose its size. */
int aerostat_policy_switch(struct aerostat_policy *p, bool *which, bool on);
void aerostat_policy_step_now(struct aerostat_policy *p);

/* files.c: they are made after the policy has started, and removed before it stops. */
int aerostat_policy_files_start(struct aerostat_policy *p);
void aerostat_policy_files_stop(struct aerostat_policy *p);

#endif
