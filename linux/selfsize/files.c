// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * /sys/kernel/aerostat/policy/: docs/use/abi.md describes each file.  The names that
 * begin with selfballoon and frontswap are those the kernel had up to 5.2.
 */
#include <linux/capability.h>
#include <linux/kobject.h>
#include <linux/kstrtox.h>
#include <linux/sysfs.h>

#include "selfsize.h"

/* The files go before the policy does, so it is there while one of these runs. */
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
		pr_err("aerostat: %s takes 0 or 1; nothing was changed\n", name);
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

/* More than an hour from step to step is no control. */
#define INTERVAL_MAX_S 3600U

struct number {
	struct kobj_attribute attr;
	size_t offset;
	u32 max;
};

static u32 *field(struct kobj_attribute *attr)
{
	return (void *)policy() + container_of(attr, struct number, attr)->offset;
}

static ssize_t number_show(struct kobject *kobj, struct kobj_attribute *attr, char *buffer)
{
	return sysfs_emit(buffer, "%u\n", READ_ONCE(*field(attr)));
}

/* Both policies have the same floor; a new inertia is served in full. */
static void number_changed(struct aerostat_policy *p, const u32 *at)
{
	p->pressure.min_usable_mb = p->committed.min_usable_mb;
	if (at == &p->selfshrink.inertia)
		p->selfshrink_state.inertia_left = p->selfshrink.inertia;
	if (at == &p->interval_s && (p->ballooning || p->shrinking))
		mod_delayed_work(p->a->queue, &p->work, p->interval_s * HZ);
}

static ssize_t number_store(struct kobject *kobj, struct kobj_attribute *attr, const char *text,
			    size_t size)
{
	u32 max = container_of(attr, struct number, attr)->max;
	u32 value;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (kstrtou32(text, 10, &value) || !value || value > max) {
		pr_err("aerostat: %s takes a whole number from 1 to %u; nothing was changed\n",
		       attr->attr.name, max);
		return -EINVAL;
	}
	mutex_lock(&policy()->lock);
	WRITE_ONCE(*field(attr), value);
	number_changed(policy(), field(attr));
	mutex_unlock(&policy()->lock);
	return size;
}

#define NUMBER(name, member, most)                                     \
	static struct number name##_attr = {                           \
		.attr = __ATTR(name, 0644, number_show, number_store), \
		.offset = offsetof(struct aerostat_policy, member),    \
		.max = (most),                                         \
	}

NUMBER(selfballoon_interval, interval_s, INTERVAL_MAX_S);
NUMBER(selfballoon_downhysteresis, committed.down_hysteresis, U32_MAX);
NUMBER(selfballoon_uphysteresis, committed.up_hysteresis, U32_MAX);
NUMBER(selfballoon_min_usable_mb, committed.min_usable_mb, U32_MAX);
NUMBER(frontswap_inertia, selfshrink.inertia, U32_MAX);
NUMBER(frontswap_hysteresis, selfshrink.hysteresis, U32_MAX);

/* -- the rest ---------------------------------------------------------------------- */

static ssize_t policy_show(struct kobject *kobj, struct kobj_attribute *attr, char *buffer)
{
	return sysfs_emit(buffer, "%s\n", aerostat_rule_name(READ_ONCE(policy()->wanted)));
}

static ssize_t policy_store(struct kobject *kobj, struct kobj_attribute *attr, const char *text,
			    size_t size)
{
	enum aerostat_rule rule;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	for (rule = RULE_COMMITTED; rule < RULES; rule++) {
		if (!sysfs_streq(text, aerostat_rule_name(rule)))
			continue;
		WRITE_ONCE(policy()->wanted, rule);
		return size;
	}
	pr_err("aerostat: policy takes committed or pressure; nothing was changed\n");
	return -EINVAL;
}

static struct kobj_attribute policy_attr = __ATTR_RW(policy);

static ssize_t acting_show(struct kobject *kobj, struct kobj_attribute *attr, char *buffer)
{
	return sysfs_emit(buffer, "%s\n", aerostat_rule_name(READ_ONCE(policy()->acting)));
}

static struct kobj_attribute acting_attr = __ATTR_RO(acting);

/* "SOME FULL", per mille of the time since the last line; each is worth a step at once. */
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
		pr_err_ratelimited("aerostat: stall takes some and full per mille, full <= some\n");
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
	&acting_attr.attr,
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
