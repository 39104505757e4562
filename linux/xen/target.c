// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The guest's target.  It is in balloon_stats.target_pages, whether the toolstack sets it through
 * xenstore or the administrator through the files of xen_memory0.  A kernel with CONFIG_XEN_BALLOON
 * handles both by itself, and this file only notices new targets.  On other kernels this file
 * provides the same files under the same names, and reads xenstore.
 */
#define pr_fmt(fmt) "aerostat: xen: " fmt

#include <linux/ctype.h>
#include <linux/device.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#include <xen/balloon.h>
#include <xen/page.h>
#include <xen/xen.h>
#include <xen/xenbus.h>

#include "core/backend.h"
#include "xen/internal.h"

/* The longest pause that the administrator can set.  The shortest is a second. */
#define DELAY_MAX_S 3600UL

void aerostat_xen_target_pace(void)
{
	unsigned long delay_s =
		clamp(READ_ONCE(balloon_stats.max_schedule_delay), 1UL, DELAY_MAX_S);
	unsigned long retries = READ_ONCE(balloon_stats.max_retry_count);

	BUILD_BUG_ON(RETRY_UNLIMITED != 0);
	aerostat_set_backoff(delay_s * MSEC_PER_SEC, min_t(unsigned long, retries, U32_MAX));
}

/* Shows these figures as the built-in balloon does: both are 1 while all goes well. */
void aerostat_xen_target_run_ended(u32 retries, u32 delay_ms)
{
	WRITE_ONCE(balloon_stats.retry_count, retries + 1UL);
	WRITE_ONCE(balloon_stats.schedule_delay, max_t(unsigned long, delay_ms / MSEC_PER_SEC, 1));
}

#ifdef CONFIG_XEN_BALLOON

static void take_target(void)
{
}

static int files_start(void)
{
	return 0;
}

static void files_stop(void)
{
}

#else

static void set_target(u64 pages)
{
	WRITE_ONCE(balloon_stats.target_pages, min_t(u64, pages, ULONG_MAX));
}

static bool read_kib(const char *node, u64 *kib)
{
	unsigned long long value;

	if (xenbus_scanf(XBT_NIL, "memory", node, "%llu", &value) != 1)
		return false;
	*kib = value;
	return true;
}

static u64 to_pages(u64 kib)
{
	return kib >> (PAGE_SHIFT - 10);
}

/*
 * In a target for an HVM or PVH guest, the toolstack includes memory that the guest does not see as
 * such.  This is the difference between the most that the guest may have and what the kernel
 * counted at boot.
 */
static u64 unseen_pages(void)
{
	static bool known;
	static u64 unseen;
	u64 static_max_kib, total = balloon_stats.total_pages;

	if (known || xen_pv_domain() || xen_initial_domain())
		return unseen;
	if (read_kib("static-max", &static_max_kib))
		unseen = to_pages(static_max_kib) - min(total, to_pages(static_max_kib));
	/* The result is kept, because the toolstack may raise the maximum later. */
	known = true;
	return unseen;
}

static void take_target(void)
{
	u64 kib, unseen, pages;

	/* In dom0 this node does not exist before the toolstack sets a first target. */
	if (!read_kib("target", &kib))
		return;
	unseen = unseen_pages();
	pages = to_pages(kib);
	set_target(pages > unseen ? pages - unseen : 0);
}

/* -- /sys/devices/system/xen_memory/xen_memory0 ------------------------------------ */

static struct bus_type bus = {
	.name = "xen_memory",
	.dev_name = "xen_memory",
};

static struct device xen_memory0;

static void released(struct device *dev)
{
}

static ssize_t show_kib(char *buffer, u64 pages)
{
	return sysfs_emit(buffer, "%llu\n", aerostat_kib(pages));
}

#define INFO(name, pages)                                                             \
	static ssize_t name##_show(struct device *dev, struct device_attribute *attr, \
				   char *buffer)                                      \
	{                                                                             \
		return show_kib(buffer, pages);                                       \
	}                                                                             \
	static DEVICE_ATTR_RO(name)

INFO(current_kb, balloon_stats.current_pages);
/* All memory of a 64-bit guest is low memory. */
INFO(low_kb, aerostat_size_pages());
INFO(high_kb, 0);

static struct attribute *info_attributes[] = {&dev_attr_current_kb.attr, &dev_attr_low_kb.attr,
					      &dev_attr_high_kb.attr, NULL};

static const struct attribute_group info_group = {
	.name = "info",
	.attrs = info_attributes,
};

/* Reads one whole number from @min to @max.  Otherwise logs what is allowed.  For root only. */
static int parse(struct device_attribute *attr, const char *text, u64 min, u64 max, u64 *value)
{
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = kstrtou64(text, 0, value);
	if (!err && (*value < min || *value > max))
		err = -ERANGE;
	if (err)
		pr_err_ratelimited(
			"%s takes a whole number from %llu to %llu; nothing was changed\n",
			attr->attr.name, min, max);
	return err;
}

static ssize_t target_kb_show(struct device *dev, struct device_attribute *attr, char *buffer)
{
	return show_kib(buffer, READ_ONCE(balloon_stats.target_pages));
}

static ssize_t target_kb_store(struct device *dev, struct device_attribute *attr, const char *text,
			       size_t size)
{
	u64 kib;
	int err = parse(attr, text, 0, U64_MAX >> 10, &kib);

	if (err)
		return err;
	set_target(to_pages(kib));
	aerostat_kick();
	return size;
}
static DEVICE_ATTR_RW(target_kb);

static ssize_t target_show(struct device *dev, struct device_attribute *attr, char *buffer)
{
	return sysfs_emit(buffer, "%llu\n",
			  (u64)READ_ONCE(balloon_stats.target_pages) << PAGE_SHIFT);
}

/* The target in bytes.  memparse() accepts suffixes, as the built-in balloon's file does. */
static ssize_t target_store(struct device *dev, struct device_attribute *attr, const char *text,
			    size_t size)
{
	char *end;
	u64 bytes;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	bytes = memparse(text, &end);
	if (!isdigit(*text) || (*end && *end != '\n')) {
		pr_err_ratelimited(
			"target takes a number of bytes, which K, M or G may follow; nothing was changed\n");
		return -EINVAL;
	}
	set_target(bytes >> PAGE_SHIFT);
	aerostat_kick();
	return size;
}
static DEVICE_ATTR_RW(target);

#define LIMIT_SHOW(name)                                                              \
	static ssize_t name##_show(struct device *dev, struct device_attribute *attr, \
				   char *buffer)                                      \
	{                                                                             \
		return sysfs_emit(buffer, "%lu\n", READ_ONCE(balloon_stats.name));    \
	}

static ssize_t store_limit(struct device_attribute *attr, const char *text, size_t size, u64 min,
			   u64 max, unsigned long *limit)
{
	u64 value;
	int err = parse(attr, text, min, max, &value);

	if (err)
		return err;
	WRITE_ONCE(*limit, value);
	return size;
}

#define LIMIT_STORE(name, min, max)                                                    \
	static ssize_t name##_store(struct device *dev, struct device_attribute *attr, \
				    const char *text, size_t size)                     \
	{                                                                              \
		return store_limit(attr, text, size, min, max, &balloon_stats.name);   \
	}

LIMIT_SHOW(schedule_delay)
LIMIT_SHOW(retry_count)
LIMIT_SHOW(max_schedule_delay)
LIMIT_STORE(max_schedule_delay, 1, DELAY_MAX_S)
LIMIT_SHOW(max_retry_count)
LIMIT_STORE(max_retry_count, 0, U32_MAX)

static DEVICE_ATTR_RO(schedule_delay);
static DEVICE_ATTR_RO(retry_count);
static DEVICE_ATTR_RW(max_schedule_delay);
static DEVICE_ATTR_RW(max_retry_count);

static struct attribute *attributes[] = {
	&dev_attr_target_kb.attr,
	&dev_attr_target.attr,
	&dev_attr_schedule_delay.attr,
	&dev_attr_retry_count.attr,
	&dev_attr_max_schedule_delay.attr,
	&dev_attr_max_retry_count.attr,
	NULL,
};

static const struct attribute_group group = {
	.attrs = attributes,
};

static const struct attribute_group *groups[] = {&group, &info_group, NULL};

static int files_start(void)
{
	int err = subsys_system_register(&bus, NULL);

	if (err)
		return err;
	memset(&xen_memory0, 0, sizeof(xen_memory0));
	xen_memory0.bus = &bus;
	xen_memory0.groups = groups;
	xen_memory0.release = released;
	err = device_register(&xen_memory0);
	if (err) {
		put_device(&xen_memory0);
		bus_unregister(&bus);
	}
	return err;
}

static void files_stop(void)
{
	device_unregister(&xen_memory0);
	bus_unregister(&bus);
}

#endif

/* -- the watch --------------------------------------------------------------------- */

static void target_changed(struct xenbus_watch *watch, const char *path, const char *token)
{
	take_target();
	aerostat_kick();
}

static struct xenbus_watch watch = {
	.node = "memory/target",
	.callback = target_changed,
};

static bool watching;

/* -- a new target during a pause --------------------------------------------------- */

/*
 * When the target changes, the worker may be in a pause of up to an hour, and perhaps nothing kicks
 * it. The files of the built-in balloon do not, and after a restore, this module's watch may be
 * called before the kernel has stored the new target.  Therefore a work item looks at the target
 * once a second.  It kicks the worker only if the target differs from the one that the worker has
 * read, because a kick without need would cut a pause short.
 */
#define LOOK_EVERY HZ

static unsigned long worked_on_target;

static void look(struct work_struct *work);
static DECLARE_DEFERRABLE_WORK(look_work, look);

static void look(struct work_struct *work)
{
	if (READ_ONCE(balloon_stats.target_pages) != READ_ONCE(worked_on_target))
		aerostat_kick();
	schedule_delayed_work(&look_work, LOOK_EVERY);
}

unsigned long aerostat_xen_target_read(void)
{
	unsigned long target = READ_ONCE(balloon_stats.target_pages);

	WRITE_ONCE(worked_on_target, target);
	return target;
}

/* Without the watch, a target that the kernel stores is still noticed by the work item above. */
static int store_is_up(struct notifier_block *nb, unsigned long event, void *data)
{
	int err = register_xenbus_watch(&watch);

	watching = !err;
	if (err)
		pr_warn("the watch on memory/target could not be registered (error %d); new targets from the toolstack take effect late or not at all\n",
			err);
	return NOTIFY_DONE;
}

static struct notifier_block store_notifier = {
	.notifier_call = store_is_up,
};

int aerostat_xen_target_start(void)
{
	int err = files_start();

	if (err) {
		pr_err("the files of xen_memory0 could not be created (error %d); is another driver loaded?\n",
		       err);
		return err;
	}
	register_xenstore_notifier(&store_notifier);
	aerostat_xen_target_read();
	schedule_delayed_work(&look_work, LOOK_EVERY);
	return 0;
}

void aerostat_xen_target_stop(void)
{
	cancel_delayed_work_sync(&look_work);
	unregister_xenstore_notifier(&store_notifier);
	if (watching)
		unregister_xenbus_watch(&watch);
	watching = false;
	files_stop();
}
