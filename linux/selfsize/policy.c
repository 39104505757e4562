// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The guest sizes itself.  Once an interval, a policy computes a target from figures about the
 * guest. docs/design/policy.md explains the policies, and docs/use/selfballoon.md how to use them.
 *
 * A policy may need to know how long tasks wait for memory, which the kernel tells to user space
 * only.  Such a policy is active only while aerostatd reports it.  One interval after the last
 * report, the first policy of the table that needs no report takes over.
 */
#define pr_fmt(fmt) "aerostat: " fmt

#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/seq_file.h>

#include "port/proc.h"
#include "selfsize/selfsize.h"

static bool selfballooning;
module_param(selfballooning, bool, 0444);
MODULE_PARM_DESC(selfballooning, "1: the guest sizes itself from the start (default 0)");

static bool noselfballooning;
module_param(noselfballooning, bool, 0444);
MODULE_PARM_DESC(noselfballooning, "1: the guest can't be made to size itself (default 0)");

static bool noselfshrink;
module_param(noselfshrink, bool, 0444);
MODULE_PARM_DESC(noselfshrink, "1: swapped pages can't be made to come home (default 0)");

struct aerostat_guest_policy *aerostat_policy_find(struct aerostat_policy *p, const char *name)
{
	size_t i;

	for (i = 0; i < aero_guest_policies_count; i++)
		if (sysfs_streq(name, p->policies[i].policy->name))
			return &p->policies[i];
	return NULL;
}

void aerostat_policy_reset(const struct aerostat_guest_policy *g)
{
	memset(g->state, 0, g->policy->state_size);
	if (g->policy->init)
		g->policy->init(g->config, g->state);
}

/* Returns the first policy of a kind; with @without_report, the first that needs no report. */
static struct aerostat_guest_policy *first_of(struct aerostat_policy *p, enum aero_policy_kind kind,
					      bool without_report)
{
	size_t i;

	for (i = 0; i < aero_guest_policies_count; i++) {
		const struct aero_policy *policy = p->policies[i].policy;

		if (policy->kind == kind &&
		    !(without_report && policy->needs & AERO_NEEDS_STALL_REPORT))
			return &p->policies[i];
	}
	return NULL;
}

/*
 * When a process allocates more than memory and swap together, the kernel refuses it, before the
 * policy can make the guest grow.  Therefore there must be as much swap as memory was given away.
 */
static void warn_of_swap(struct aerostat_policy *p)
{
	u64 total = 0, used, memory = totalram_pages();

	p->warned = true;
	if (aerostat_swap_pages(&total, &used) && total >= memory)
		return;
	pr_warn_ratelimited(
		"self-ballooning needs as much swap as memory, but there are %llu KiB of swap and %llu KiB of memory; a process that allocates much at once may be refused (aerostat swap setup adds swap)\n",
		aerostat_kib(total), aerostat_kib(memory));
}

static bool is_told(const struct aerostat_policy *p)
{
	return p->stall.told && time_before(jiffies, p->stall.told_at + p->interval_s * HZ);
}

/* By how many pages at a time the guest should shrink. */
static u32 grain_pages(const struct aerostat *a)
{
	bool large = READ_ONCE(a->balloon.link.large) && READ_ONCE(a->balloon.config.large);

	return large ? 1U << AERO_BLOCK_ORDER : 1;
}

/*
 * Where the hypervisor takes large blocks, the balloon shall consist of them: a policy moves the
 * target by a few hundred pages at a time, and Xen needs 15 times as many instructions to give back
 * a single page of a PVH guest as a page of a block.  The guest keeps the rest of a block.
 */
static u64 whole_blocks(const struct aerostat *a, u64 target_pages)
{
	u64 guest_pages = a->backend->guest_pages(), size_pages = READ_ONCE(a->balloon.size_pages);

	if (target_pages >= guest_pages + size_pages)
		return target_pages;
	return target_pages + ((size_pages + guest_pages - target_pages) & (grain_pages(a) - 1));
}

static void balloon_step(struct aerostat_policy *p, struct aero_policy_figures *f)
{
	const struct aerostat_guest_policy *next = p->wanted;
	bool told = is_told(p);

	if (next->policy->needs & AERO_NEEDS_STALL_REPORT && !told)
		next = first_of(p, AERO_POLICY_SIZE, true) ?: p->wanted;
	if (p->active == p->wanted && next != p->active)
		pr_info_ratelimited(
			"no report from aerostatd; using policy '%s' until it returns\n",
			next->policy->name);
	if (p->active != next)
		aerostat_policy_reset(next);
	p->active = next;
	if (told) {
		f->some_permille = p->stall.some_permille;
		f->full_permille = p->stall.full_permille;
	}
	/* Swapped pages need room only while they are being brought home. */
	if (!p->shrinking)
		f->swapped_pages = 0;
	if (!next->policy->step(next->config, next->state, f, &p->target_pages))
		return;
	p->a->backend->set_target(whole_blocks(p->a, p->target_pages));
	aerostat_kick();
}

static void shrink_step(struct aerostat_policy *p, const struct aero_policy_figures *f)
{
	const struct aerostat_guest_policy *g = p->shrink;

	p->swap_excess = g->policy->step(g->config, g->state, f, &p->swap_target_pages);
}

/*
 * Makes a step.  @periodic is set when an interval is over, and not set when only a report of
 * stalls has come.  Called under the policy's lock.
 */
static void step(struct aerostat_policy *p, bool periodic)
{
	struct aero_policy_figures f;

	aerostat_figures(p, &f);
	f.grain_pages = grain_pages(p->a);
	p->committed_pages = f.committed_pages;
	if (p->ballooning) {
		if (!p->warned)
			warn_of_swap(p);
		balloon_step(p, &f);
	}
	if (p->shrinking && periodic)
		shrink_step(p, &f);
}

static void work(struct work_struct *w)
{
	struct aerostat_policy *p = container_of(to_delayed_work(w), struct aerostat_policy, work);

	mutex_lock(&p->lock);
	if (p->ballooning || p->shrinking) {
		step(p, true);
		if (!p->ending)
			queue_delayed_work(p->a->queue, &p->work, p->interval_s * HZ);
	}
	mutex_unlock(&p->lock);
}

void aerostat_policy_step_now(struct aerostat_policy *p)
{
	if (p->ballooning && p->wanted->policy->needs & AERO_NEEDS_STALL_REPORT)
		step(p, false);
}

/*
 * Is it certain that memory will not be enough?  Processes were promised more than is available
 * since the last step, or the balloon has already given memory back in an emergency.  In an
 * emergency it takes a while until what was asked for has arrived, so it is not asked for more at
 * once.
 */
static bool is_sudden(const struct aerostat_policy *p)
{
	long committed = vm_memory_committed(), available = max(si_mem_available(), 0L);
	u64 relieved_pages = READ_ONCE(p->a->balloon.counters.relieved_pages);

	if (committed > (long)p->committed_pages + available)
		return true;
	return relieved_pages != p->counts.relieved_pages &&
	       time_after_eq(jiffies, p->counts.read_at + HZ / 2);
}

/*
 * Reclaim is the first sign that processes use what they were promised.  Until the interval is
 * over, or aerostatd has had its turn among tasks that wait for memory, the guest would swap.
 */
static void on_reclaim(struct aerostat *a)
{
	struct aerostat_policy *p = a->policy;

	mutex_lock(&p->lock);
	if (p->ballooning && p->counts.read_at && is_sudden(p))
		step(p, false);
	mutex_unlock(&p->lock);
}

static const struct aerostat_listener listener = {.on_reclaim = on_reclaim};

static bool may_choose(const struct aerostat *a)
{
	return a->backend->set_target && !a->backend->no_policy;
}

int aerostat_policy_switch(struct aerostat_policy *p, bool *which, bool on)
{
	const char *why = p->a->backend->no_policy;
	bool forbidden = which == &p->ballooning ? noselfballooning : noselfshrink;

	if (on && which == &p->ballooning && !may_choose(p->a)) {
		pr_err_ratelimited("self-ballooning is not possible: %s\n",
				   why ?: "the hypervisor's module has no support for it");
		return -EOPNOTSUPP;
	}
	if (on && forbidden) {
		pr_err_ratelimited(
			"the module was loaded with %s=1, which forbids this; nothing was changed\n",
			which == &p->ballooning ? "noselfballooning" : "noselfshrink");
		return -EPERM;
	}
	if (on && !*which) {
		p->warned = false;
		p->counts.read_at = 0;
		aerostat_policy_reset(p->shrink);
	}
	*which = on;
	if (!p->ballooning)
		p->active = NULL;
	if (!p->shrinking)
		p->swap_excess = false;
	if (on && !p->ending)
		mod_delayed_work(p->a->queue, &p->work, 0);
	return 0;
}

static void release(struct aerostat_policy *p)
{
	size_t i;

	for (i = 0; i < aero_guest_policies_count; i++) {
		kfree(p->policies[i].config);
		kfree(p->policies[i].state);
	}
	kfree(p);
}

static int prepare(struct aerostat_policy *p)
{
	struct aerostat_guest_policy *g;
	size_t i;

	if (WARN_ON(aero_guest_policies_count > AEROSTAT_POLICIES_MAX))
		return -EINVAL;
	for (i = 0; i < aero_guest_policies_count; i++) {
		g = &p->policies[i];
		g->policy = aero_guest_policies[i];
		g->config = kzalloc(g->policy->config_size, GFP_KERNEL);
		g->state = kzalloc(g->policy->state_size, GFP_KERNEL);
		if (!g->config || !g->state)
			return -ENOMEM;
		g->policy->defaults(g->config, PAGE_SHIFT);
		aerostat_policy_reset(g);
	}
	p->shrink = first_of(p, AERO_POLICY_SWAP, false);
	p->wanted = aerostat_policy_find(p, "pressure");
	return p->wanted && p->shrink ? 0 : -EINVAL;
}

int aerostat_policy_start(struct aerostat *a)
{
	struct aerostat_policy *p = kzalloc(sizeof(*p), GFP_KERNEL);
	int err;

	if (!p)
		return -ENOMEM;
	p->a = a;
	mutex_init(&p->lock);
	INIT_DELAYED_WORK(&p->work, work);
	p->interval_s = AERO_POLICY_INTERVAL_MS / MSEC_PER_SEC;
	a->policy = p;
	err = prepare(p);
	if (err) {
		a->policy = NULL;
		release(p);
		return err;
	}
	/*
	 * Where the parameter asks for what is not possible here, the log says so, and the
	 * balloon works without it.
	 */
	mutex_lock(&p->lock);
	if (selfballooning)
		aerostat_policy_switch(p, &p->ballooning, true);
	mutex_unlock(&p->lock);
	if (may_choose(a))
		aerostat_relief_tell(a, &listener);
	return 0;
}

void aerostat_policy_stop(struct aerostat *a)
{
	struct aerostat_policy *p = a->policy;

	aerostat_relief_tell(a, NULL);
	mutex_lock(&p->lock);
	p->ending = true;
	mutex_unlock(&p->lock);
	cancel_delayed_work_sync(&p->work);
	a->policy = NULL;
	mutex_destroy(&p->lock);
	release(p);
}

/*
 * The policy's lock cannot be taken here, because the step lock is held.  The values are single
 * words, which may be read without it.
 */
void aerostat_policy_show(struct seq_file *m, struct aerostat *a)
{
	const struct aerostat_policy *p = a->policy;
	const struct aerostat_guest_policy *active = READ_ONCE(p->active);

	seq_printf(m, "policy %s\n", active ? active->policy->name : "off");
	seq_printf(m, "policy_target_pages %llu\n", READ_ONCE(p->target_pages));
}
