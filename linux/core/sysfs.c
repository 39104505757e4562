// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The files in /sys/kernel/aerostat/.  docs/use/abi.md describes each of them. */
#include <linux/kobject.h>
#include <linux/sysfs.h>

#include "core/core.h"

/*
 * The removal of the files waits for their readers, and the balloon ends after its files were
 * removed.  So aerostat_one is valid while any of these functions runs.
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

/* How much memory the balloon holds in blocks that were offered to the hypervisor as one unit. */
static ssize_t large_kib_show(struct kobject *kobj, struct kobj_attribute *attr, char *buffer)
{
	return sysfs_emit(buffer, "%llu\n",
			  aerostat_kib(READ_ONCE(aerostat_one->balloon.held[AERO_CLASS_LARGE])
				       << AERO_BLOCK_ORDER));
}

static ssize_t lent_kib_show(struct kobject *kobj, struct kobj_attribute *attr, char *buffer)
{
	return sysfs_emit(buffer, "%llu\n",
			  aerostat_kib(READ_ONCE(aerostat_one->balloon.lent_pages)));
}

/* How much memory lies ready for a guest that runs short; not part of the balloon. */
static ssize_t stashed_kib_show(struct kobject *kobj, struct kobj_attribute *attr, char *buffer)
{
	return sysfs_emit(buffer, "%llu\n",
			  aerostat_kib(READ_ONCE(aerostat_one->stash.held_pages)));
}

/* Why the last run ended.  If size and target differ, this is the reason. */
static ssize_t last_run_show(struct kobject *kobj, struct kobj_attribute *attr, char *buffer)
{
	const struct aero_balloon *b = &aerostat_one->balloon;

	return sysfs_emit(buffer, "%s\n",
			  READ_ONCE(b->runs_ended) ? aero_run_end_name(READ_ONCE(b->last_end))
						   : "none");
}

static struct kobj_attribute hypervisor_attr = __ATTR_RO(hypervisor);
static struct kobj_attribute state_attr = __ATTR_RO(state);
static struct kobj_attribute size_kib_attr = __ATTR_RO(size_kib);
static struct kobj_attribute target_kib_attr = __ATTR_RO(target_kib);
static struct kobj_attribute limit_kib_attr = __ATTR_RO(limit_kib);
static struct kobj_attribute spare_kib_attr = __ATTR_RO(spare_kib);
static struct kobj_attribute large_kib_attr = __ATTR_RO(large_kib);
static struct kobj_attribute lent_kib_attr = __ATTR_RO(lent_kib);
static struct kobj_attribute stashed_kib_attr = __ATTR_RO(stashed_kib);
static struct kobj_attribute last_run_attr = __ATTR_RO(last_run);

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
KNOB_ATTR(stash_kib, KNOB_STASH_KIB);
KNOB_ATTR(large, KNOB_LARGE);
KNOB_ATTR(split, KNOB_SPLIT);

static struct attribute *attributes[] = {
	&hypervisor_attr.attr,	    &state_attr.attr,		&size_kib_attr.attr,
	&target_kib_attr.attr,	    &limit_kib_attr.attr,	&spare_kib_attr.attr,
	&large_kib_attr.attr,	    &lent_kib_attr.attr,	&last_run_attr.attr,
	&period_ms_attr.attr.attr,  &holdoff_ms_attr.attr.attr, &reserve_kib_attr.attr.attr,
	&relief_kib_attr.attr.attr, &large_attr.attr.attr,	&split_attr.attr.attr,
	&stashed_kib_attr.attr,	    &stash_kib_attr.attr.attr,	NULL};

static const struct attribute_group group = {
	.attrs = attributes,
};

/*
 * -- counters/: what happened since the balloon was made; single words, read without the lock.
 *
 * There are many more in debugfs (stats.c), but only root can read them, and debugfs may be locked
 * down or not mounted.  Everybody can read these.
 */

struct counter_attribute {
	struct kobj_attribute attr;
	size_t offset; /* of the u64 in struct aero_balloon */
	bool pages;    /* it is a number of pages, and is shown in KiB */
};

static ssize_t counter_show(struct kobject *kobj, struct kobj_attribute *attr, char *buffer)
{
	const struct counter_attribute *c = container_of(attr, struct counter_attribute, attr);
	const void *at = (const char *)&aerostat_one->balloon + c->offset;
	u64 value = READ_ONCE(*(const u64 *)at);

	return sysfs_emit(buffer, "%llu\n", c->pages ? aerostat_kib(value) : value);
}

/* Milliseconds since the last relief; "-" if there was none. */
static ssize_t last_relief_ago_ms_show(struct kobject *kobj, struct kobj_attribute *attr,
				       char *buffer)
{
	struct aerostat *a = aerostat_one;
	u64 then = READ_ONCE(a->balloon.last_relief_ms), now = aero_port_now_ms(&a->port);

	if (!READ_ONCE(a->balloon.last_relief_pages))
		return sysfs_emit(buffer, "-\n");
	return sysfs_emit(buffer, "%llu\n", now > then ? now - then : 0);
}

#define COUNTER(name, field, in_pages)                          \
	static struct counter_attribute name##_attr = {         \
		.attr = __ATTR(name, 0444, counter_show, NULL), \
		.offset = offsetof(struct aero_balloon, field), \
		.pages = (in_pages),                            \
	}

COUNTER(runs, counters.runs, false);
COUNTER(resets, counters.resets, false);
COUNTER(failed_connects, counters.failed_connects, false);
COUNTER(inflated_kib, counters.pages_in, true);
COUNTER(deflated_kib, counters.pages_out, true);
COUNTER(relieved_kib, counters.relieved_pages, true);
COUNTER(reliefs, counters.holdoffs, false);
COUNTER(last_relief_kib, last_relief_pages, true);
COUNTER(migrated, counters.migrated, false);
static struct kobj_attribute last_relief_ago_ms_attr = __ATTR_RO(last_relief_ago_ms);

static struct attribute *counter_attributes[] = {
	&runs_attr.attr.attr,
	&resets_attr.attr.attr,
	&failed_connects_attr.attr.attr,
	&inflated_kib_attr.attr.attr,
	&deflated_kib_attr.attr.attr,
	&relieved_kib_attr.attr.attr,
	&reliefs_attr.attr.attr,
	&last_relief_kib_attr.attr.attr,
	&last_relief_ago_ms_attr.attr,
	&migrated_attr.attr.attr,
	NULL,
};

static const struct attribute_group counter_group = {
	.name = "counters",
	.attrs = counter_attributes,
};

static const struct attribute_group *groups[] = {&group, &counter_group, NULL};

int aerostat_sysfs_start(struct aerostat *a)
{
	int err;

	a->kobj = kobject_create_and_add("aerostat", kernel_kobj);
	if (!a->kobj)
		return -ENOMEM;
	err = sysfs_create_groups(a->kobj, groups);
	if (err)
		kobject_put(a->kobj);
	return err;
}

void aerostat_sysfs_stop(struct aerostat *a)
{
	sysfs_remove_groups(a->kobj, groups);
	kobject_put(a->kobj);
}
