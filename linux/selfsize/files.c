// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The files in /sys/kernel/aerostat/policy/.  docs/use/abi.md describes each of them.  The names
 * that begin with selfballoon and frontswap are those of Linux up to 5.2.
 */
#define pr_fmt(fmt) "aerostat: " fmt

#include <linux/capability.h>
#include <linux/kobject.h>
#include <linux/kstrtox.h>
#include <linux/printk.h>
#include <linux/sysfs.h>

#include "selfsize/selfsize.h"

/* The files are removed before the policy ends, so it exists while one of these functions runs. */
static struct aerostat_policy *policy(void)
{
	return aerostat_one->policy;
}

/* -- switches ---------------------------------------------------------------------- */

static ssize_t write_switch(bool *which, const char *name, const char *text, size_t size)
{
	u32 value;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (kstrtou32(text, 10, &value) || value > 1) {
		pr_err_ratelimited("%s takes 0 or 1; nothing was changed\n", name);
		return -EINVAL;
	}
	mutex_lock(&policy()->lock);
	err = aerostat_policy_switch(policy(), which, value);
	mutex_unlock(&policy()->lock);
	return err ? err : (ssize_t)size;
}

#define SWITCH(name, value)                                                            \
	static ssize_t name##_show(struct kobject *kobj, struct kobj_attribute *attr,  \
				   char *buffer)                                       \
	{                                                                              \
		return sysfs_emit(buffer, "%d\n", READ_ONCE(value));                   \
	}                                                                              \
	static ssize_t name##_store(struct kobject *kobj, struct kobj_attribute *attr, \
				    const char *text, size_t size)                     \
	{                                                                              \
		return write_switch(&(value), #name, text, size);                      \
	}                                                                              \
	static struct kobj_attribute name##_attr = __ATTR_RW(name)

SWITCH(selfballooning, policy()->ballooning);
SWITCH(frontswap_selfshrinking, policy()->shrinking);

/* -- numbers ----------------------------------------------------------------------- */

/* With more than an hour from one step to the next, the policy would control nothing. */
#define INTERVAL_MAX_S 3600U

struct number {
	struct kobj_attribute attr;
	const char *policy, *option; /* names in the table; NULL for the interval */
};

static u32 *field(const struct number *n, const struct aero_policy_option **option)
{
	struct aerostat_guest_policy *g;

	*option = NULL;
	if (!n->policy)
		return &policy()->interval_s;
	g = aerostat_policy_find(policy(), n->policy);
	*option = aero_policy_option_find(g->policy, n->option);
	return aero_policy_option_at(*option, g->config);
}

static ssize_t number_show(struct kobject *kobj, struct kobj_attribute *attr, char *buffer)
{
	const struct aero_policy_option *option;

	return sysfs_emit(buffer, "%u\n",
			  READ_ONCE(*field(container_of(attr, struct number, attr), &option)));
}

/* An option that several policies have under the same name, such as the floor, has one value. */
static void share(struct aerostat_policy *p, const char *name, u32 value)
{
	const struct aero_policy_option *option;
	size_t i;

	for (i = 0; i < aero_guest_policies_count; i++) {
		option = aero_policy_option_find(p->policies[i].policy, name);
		if (option && p->policies[i].policy->kind == AERO_POLICY_SIZE)
			WRITE_ONCE(*aero_policy_option_at(option, p->policies[i].config), value);
	}
}

/* Takes a new value into account.  A new inertia of the policy for swap starts its count again. */
static void number_changed(struct aerostat_policy *p, const struct number *n, u32 value)
{
	if (!n->policy) {
		if (p->ballooning || p->shrinking)
			mod_delayed_work(p->a->queue, &p->work, p->interval_s * HZ);
		return;
	}
	share(p, n->option, value);
	if (!strcmp(n->option, "inertia"))
		aerostat_policy_reset(p->shrink);
}

static ssize_t number_store(struct kobject *kobj, struct kobj_attribute *attr, const char *text,
			    size_t size)
{
	struct number *n = container_of(attr, struct number, attr);
	const struct aero_policy_option *option;
	u32 *at = field(n, &option);
	u32 max = option ? option->most : INTERVAL_MAX_S;
	/* Linux 5.2 refused 0 in each of these files; what a file begins with can be put back. */
	u32 min = option && !option->initial ? option->least : 1;
	u32 value;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (kstrtou32(text, 10, &value) || value < min || value > max) {
		pr_err_ratelimited("%s takes a whole number from %u to %u; nothing was changed\n",
				   attr->attr.name, min, max);
		return -EINVAL;
	}
	mutex_lock(&policy()->lock);
	WRITE_ONCE(*at, value);
	number_changed(policy(), n, value);
	mutex_unlock(&policy()->lock);
	return size;
}

#define NUMBER(name, of, which)                                        \
	static struct number name##_attr = {                           \
		.attr = __ATTR(name, 0644, number_show, number_store), \
		.policy = (of),                                        \
		.option = (which),                                     \
	}

NUMBER(selfballoon_interval, NULL, NULL);
NUMBER(selfballoon_downhysteresis, "committed", "down-hysteresis");
NUMBER(selfballoon_uphysteresis, "committed", "up-hysteresis");
NUMBER(selfballoon_min_usable_mb, "committed", "min-usable-mb");
NUMBER(frontswap_inertia, "selfshrink", "inertia");
NUMBER(frontswap_hysteresis, "selfshrink", "hysteresis");

/* -- the rest ---------------------------------------------------------------------- */

static ssize_t policy_show(struct kobject *kobj, struct kobj_attribute *attr, char *buffer)
{
	return sysfs_emit(buffer, "%s\n", READ_ONCE(policy()->wanted)->policy->name);
}

static ssize_t policy_store(struct kobject *kobj, struct kobj_attribute *attr, const char *text,
			    size_t size)
{
	struct aerostat_guest_policy *g;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	g = aerostat_policy_find(policy(), text);
	if (!g || g->policy->kind != AERO_POLICY_SIZE) {
		pr_err_ratelimited(
			"there is no policy of this name that sets the guest's size; nothing was changed\n");
		return -EINVAL;
	}
	WRITE_ONCE(policy()->wanted, g);
	return size;
}

static struct kobj_attribute policy_attr = __ATTR_RW(policy);

static ssize_t active_show(struct kobject *kobj, struct kobj_attribute *attr, char *buffer)
{
	const struct aerostat_guest_policy *active = READ_ONCE(policy()->active);

	return sysfs_emit(buffer, "%s\n", active ? active->policy->name : "off");
}

static struct kobj_attribute active_attr = __ATTR_RO(active);

/* Reads "SOME FULL", per mille of the time since the last report, and makes a step at once. */
static ssize_t stall_store(struct kobject *kobj, struct kobj_attribute *attr, const char *text,
			   size_t size)
{
	struct aerostat_policy *p = policy();
	unsigned int some, full;
	int end = 0;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (sscanf(text, "%u %u %n", &some, &full, &end) != 2 || text[end] || some > 1000 ||
	    full > some) {
		pr_err_ratelimited(
			"stall takes two numbers per mille, of which the second is not larger than the first; nothing was changed\n");
		return -EINVAL;
	}
	mutex_lock(&p->lock);
	p->stall = (struct aerostat_stall){some, full, jiffies, true};
	aerostat_policy_step_now(p);
	mutex_unlock(&p->lock);
	return size;
}

static struct kobj_attribute stall_attr = __ATTR_WO(stall);

static ssize_t target_kib_show(struct kobject *kobj, struct kobj_attribute *attr, char *buffer)
{
	return sysfs_emit(buffer, "%llu\n", aerostat_kib(READ_ONCE(policy()->target_pages)));
}

static struct kobj_attribute target_kib_attr = __ATTR_RO(target_kib);

static ssize_t swap_target_kib_show(struct kobject *kobj, struct kobj_attribute *attr, char *buffer)
{
	struct aerostat_policy *p = policy();
	ssize_t size;

	mutex_lock(&p->lock);
	size = p->swap_excess ? sysfs_emit(buffer, "%llu\n", aerostat_kib(p->swap_target_pages))
			      : sysfs_emit(buffer, "-\n");
	mutex_unlock(&p->lock);
	return size;
}

static struct kobj_attribute swap_target_kib_attr = __ATTR_RO(swap_target_kib);

static struct attribute *attributes[] = {
	&selfballooning_attr.attr,
	&selfballoon_interval_attr.attr.attr,
	&selfballoon_downhysteresis_attr.attr.attr,
	&selfballoon_uphysteresis_attr.attr.attr,
	&selfballoon_min_usable_mb_attr.attr.attr,
	&frontswap_selfshrinking_attr.attr,
	&frontswap_inertia_attr.attr.attr,
	&frontswap_hysteresis_attr.attr.attr,
	&policy_attr.attr,
	&active_attr.attr,
	&stall_attr.attr,
	&target_kib_attr.attr,
	&swap_target_kib_attr.attr,
	NULL,
};

static const struct attribute_group group = {
	.name = "policy",
	.attrs = attributes,
};

int aerostat_policy_files_start(struct aerostat_policy *p)
{
	return sysfs_create_group(p->a->kobj, &group);
}

void aerostat_policy_files_stop(struct aerostat_policy *p)
{
	sysfs_remove_group(p->a->kobj, &group);
}
