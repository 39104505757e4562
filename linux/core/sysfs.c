// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* /sys/kernel/aerostat/: docs/use/abi.md describes each file. */
#include <linux/kobject.h>
#include <linux/sysfs.h>

#include "core/core.h"

/*
 * Removing the files waits for their readers, and the balloon outlives its
 * files: so aerostat_one is there as long as any of these runs.
 */

/* -- state: read-only; single words, read without the lock -------------------------- */

static ssize_t hypervisor_show(struct kobject *kobj, struct kobj_attribute *attr, char *buffer)
{
	return sysfs_emit(buffer, "%s\n", aerostat_one->backend->ops->name);
}

static ssize_t state_show(struct kobject *kobj, struct kobj_attribute *attr, char *buffer)
{
	return sysfs_emit(buffer, "%s\n", aero_phase_name(READ_ONCE(aerostat_one->balloon.phase)));
}

static ssize_t size_kib_show(struct kobject *kobj, struct kobj_attribute *attr, char *buffer)
{
	return sysfs_emit(buffer, "%llu\n",
			  aerostat_kib(READ_ONCE(aerostat_one->balloon.size_pages)));
}

static ssize_t target_kib_show(struct kobject *kobj, struct kobj_attribute *attr, char *buffer)
{
	return sysfs_emit(buffer, "%llu\n",
			  aerostat_kib(READ_ONCE(aerostat_one->balloon.target_pages)));
}

static ssize_t limit_kib_show(struct kobject *kobj, struct kobj_attribute *attr, char *buffer)
{
	return sysfs_emit(buffer, "%llu\n",
			  aerostat_kib(aero_port_limit_pages(&aerostat_one->port)));
}

static ssize_t spare_kib_show(struct kobject *kobj, struct kobj_attribute *attr, char *buffer)
{
	return sysfs_emit(buffer, "%llu\n",
			  aerostat_kib(aero_port_spare_pages(&aerostat_one->port)));
}

static struct kobj_attribute hypervisor_attr = __ATTR_RO(hypervisor);
static struct kobj_attribute state_attr = __ATTR_RO(state);
static struct kobj_attribute size_kib_attr = __ATTR_RO(size_kib);
static struct kobj_attribute target_kib_attr = __ATTR_RO(target_kib);
static struct kobj_attribute limit_kib_attr = __ATTR_RO(limit_kib);
static struct kobj_attribute spare_kib_attr = __ATTR_RO(spare_kib);

/* -- knobs: written by the administrator ------------------------------------------- */

struct knob_attribute {
	struct kobj_attribute attr;
	enum aerostat_knob id;
};

static enum aerostat_knob knob_of(struct kobj_attribute *attr)
{
	return container_of(attr, struct knob_attribute, attr)->id;
}

static ssize_t knob_show(struct kobject *kobj, struct kobj_attribute *attr, char *buffer)
{
	u64 value;

	mutex_lock(&aerostat_one->step);
	value = aerostat_knob_read(aerostat_one, knob_of(attr));
	mutex_unlock(&aerostat_one->step);
	return sysfs_emit(buffer, "%llu\n", value);
}

static ssize_t knob_store(struct kobject *kobj, struct kobj_attribute *attr, const char *text,
			  size_t size)
{
	int err = aerostat_knob_write(aerostat_one, knob_of(attr), text);

	return err ? err : (ssize_t)size;
}

#define KNOB_ATTR(name, knob)                                      \
	static struct knob_attribute name##_attr = {               \
		.attr = __ATTR(name, 0644, knob_show, knob_store), \
		.id = (knob),                                      \
	}

KNOB_ATTR(period_ms, KNOB_PERIOD_MS);
KNOB_ATTR(holdoff_ms, KNOB_HOLDOFF_MS);
KNOB_ATTR(reserve_kib, KNOB_RESERVE_KIB);
KNOB_ATTR(relief_kib, KNOB_RELIEF_KIB);
KNOB_ATTR(large, KNOB_LARGE);
KNOB_ATTR(split, KNOB_SPLIT);

static struct attribute *attributes[] = {&hypervisor_attr.attr,
					 &state_attr.attr,
					 &size_kib_attr.attr,
					 &target_kib_attr.attr,
					 &limit_kib_attr.attr,
					 &spare_kib_attr.attr,
					 &period_ms_attr.attr.attr,
					 &holdoff_ms_attr.attr.attr,
					 &reserve_kib_attr.attr.attr,
					 &relief_kib_attr.attr.attr,
					 &large_attr.attr.attr,
					 &split_attr.attr.attr,
					 NULL};

static const struct attribute_group group = {
	.attrs = attributes,
};

int aerostat_sysfs_start(struct aerostat *a)
{
	int err;

	a->kobj = kobject_create_and_add("aerostat", kernel_kobj);
	if (!a->kobj)
		return -ENOMEM;
	err = sysfs_create_group(a->kobj, &group);
	if (err)
		kobject_put(a->kobj);
	return err;
}

void aerostat_sysfs_stop(struct aerostat *a)
{
	sysfs_remove_group(a->kobj, &group);
	kobject_put(a->kobj);
}
