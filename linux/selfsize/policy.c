// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The guest sizes itself: once an interval, figures go into a policy and a target
 * comes out.  docs/design/policy.md has the rules, docs/use/selfballoon.md how to use them.
 *
 * `pressure` wants to know how long tasks wait for memory, which only user space is
 * told.  So it acts while aerostatd says so, and an interval after it went silent
 * `committed` does, which needs nobody.
 */
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/seq_file.h>

#include "selfsize.h"

static bool selfballooning;
module_param(selfballooning, bool, 0444);
MODULE_PARM_DESC(selfballooning, "1: the guest sizes itself from the start (default 0)");

static bool noselfballooning;
module_param(noselfballooning, bool, 0444);
MODULE_PARM_DESC(noselfballooning, "1: the guest can't be made to size itself (default 0)");

static bool noselfshrink;
module_param(noselfshrink, bool, 0444);
MODULE_PARM_DESC(noselfshrink, "1: swapped pages can't be made to come home (default 0)");

static const char *const rule_names[RULES] = {
	[RULE_OFF] = "off",
	[RULE_COMMITTED] = "committed",
	[RULE_PRESSURE] = "pressure",
};

const char *aerostat_rule_name(enum aerostat_rule rule)
{
	return rule_names[rule];
}

/*
 * The kernel refuses a process what is more than memory and swap together, before anybody
 * could make the guest grow: so there must be as much swap as may have been given away.
 */
static void warn_of_swap(struct aerostat_policy *p)
{
	u64 total = 0, used, memory = totalram_pages();

	p->warned = true;
	if (aerostat_swap_pages(&total, &used) && total >= memory)
		return;
	pr_warn("aerostat: self-ballooning with %llu KiB of swap for %llu KiB of memory: a process that asks for more at once than is left may be refused; have as much swap as memory (aerostat swap setup)\n",
		aerostat_kib(total), aerostat_kib(memory));
}

static bool is_told(const struct aerostat_policy *p)
{
	return p->stall.told && time_before(jiffies, p->stall.told_at + p->interval_s * HZ);
}

static void balloon_step(struct aerostat_policy *p, struct aero_policy_figures *f)
{
	enum aerostat_rule rule = p->wanted;

	if (rule == RULE_PRESSURE && !is_told(p))
		rule = RULE_COMMITTED;
	if (p->acting == RULE_PRESSURE && rule != p->wanted)
		pr_info("aerostat: nothing was heard of aerostatd: the policy is committed until it is back\n");
	p->acting = rule;
	if (rule == RULE_PRESSURE) {
		f->some_permille = p->stall.some_permille;
		f->full_permille = p->stall.full_permille;
		p->target_pages = aero_pressure_step(&p->pressure, &p->pressure_state, f);
	} else {
		memset(&p->pressure_state, 0, sizeof(p->pressure_state));
		p->target_pages = aero_committed_target_pages(&p->committed, f);
	}
	p->a->backend->set_target(p->target_pages);
	aerostat_kick();
}

static void shrink_step(struct aerostat_policy *p, const struct aero_policy_figures *f)
{
	p->swap_excess = aero_selfshrink_step(&p->selfshrink, &p->selfshrink_state,
					      f->swapped_pages, &p->swap_target_pages);
}

/* Under the policy's lock.  @periodic: an interval is over, not only news of stalls. */
static void step(struct aerostat_policy *p, bool periodic)
{
	struct aero_policy_figures f;

	aerostat_figures(p->a, &p->counts, &f);
	p->committed.leave_swapped = !p->shrinking;
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
	if (p->ballooning && p->wanted == RULE_PRESSURE)
		step(p, false);
}

int aerostat_policy_switch(struct aerostat_policy *p, bool *which, bool on)
{
	const char *why = p->a->backend->no_policy;
	bool forbidden = which == &p->ballooning ? noselfballooning : noselfshrink;

	if (on && which == &p->ballooning && (why || !p->a->backend->set_target)) {
		pr_err("aerostat: no self-ballooning: %s\n", why ?: "not with this hypervisor");
		return -EOPNOTSUPP;
	}
	if (on && forbidden) {
		pr_err("aerostat: forbidden when the module was loaded (%s=1)\n",
		       which == &p->ballooning ? "noselfballooning" : "noselfshrink");
		return -EPERM;
	}
	if (on && !*which) {
		p->warned = false;
		p->counts.read_at = 0;
		memset(&p->selfshrink_state, 0, sizeof(p->selfshrink_state));
		p->selfshrink_state.inertia_left = p->selfshrink.inertia;
	}
	*which = on;
	if (!p->ballooning)
		p->acting = RULE_OFF;
	if (!p->shrinking)
		p->swap_excess = false;
	if (on && !p->ending)
		mod_delayed_work(p->a->queue, &p->work, 0);
	return 0;
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
	p->wanted = RULE_PRESSURE;
	aero_committed_defaults(&p->committed, PAGE_SHIFT);
	aero_pressure_defaults(&p->pressure, PAGE_SHIFT);
	aero_selfshrink_defaults(&p->selfshrink);
	a->policy = p;
	err = aerostat_policy_files_start(p);
	if (err) {
		a->policy = NULL;
		kfree(p);
		return err;
	}
	/* Asked for, but impossible: said in the log, and the balloon works without. */
	mutex_lock(&p->lock);
	if (selfballooning)
		aerostat_policy_switch(p, &p->ballooning, true);
	mutex_unlock(&p->lock);
	return 0;
}

void aerostat_policy_stop(struct aerostat *a)
{
	struct aerostat_policy *p = a->policy;

	aerostat_policy_files_stop(p);
	mutex_lock(&p->lock);
	p->ending = true;
	mutex_unlock(&p->lock);
	cancel_delayed_work_sync(&p->work);
	a->policy = NULL;
	mutex_destroy(&p->lock);
	kfree(p);
}

/* Single words, read racily: the step lock, which is held, comes after the policy's. */
void aerostat_policy_show(struct seq_file *m, struct aerostat *a)
{
	const struct aerostat_policy *p = a->policy;

	seq_printf(m, "policy %s\n", aerostat_rule_name(READ_ONCE(p->acting)));
	seq_printf(m, "policy_target_pages %llu\n", READ_ONCE(p->target_pages));
}
