// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * aerostat.ko.  When a hypervisor's module registers, this file puts the parts of a balloon
 * together.  By itself the module does nothing, so it loads on any machine.
 */
#define pr_fmt(fmt) "aerostat: " fmt

#include <linux/module.h>

#include "compat/mapping.h"
#include "core/core.h"
#include "port/free_list.h"
#include "port/store.h"
#include "selfsize/selfsize.h"

static DEFINE_MUTEX(registration);

static struct aerostat *create(const struct aerostat_backend *backend)
{
	struct aero_config config;
	struct aerostat *a;

	a = kvzalloc(sizeof(*a), GFP_KERNEL);
	if (!a)
		return NULL;
	/*
	 * The queue is frozen together with user space.  It has a rescuer, because the
	 * balloon is needed most when there is no memory for a new worker thread.
	 */
	a->queue = alloc_workqueue("aerostat", WQ_FREEZABLE | WQ_UNBOUND | WQ_MEM_RECLAIM, 1);
	if (!a->queue) {
		kvfree(a);
		return NULL;
	}
	a->backend = backend;
	mutex_init(&a->step);
	aerostat_stash_init(&a->stash);
	aerostat_worker_init(a);
	aerostat_store_init(&a->port, aerostat_migrate);
	a->port.zeroed = backend->zeroed;
	a->port.uncounted = backend->no_relief;
	aerostat_free_list_start(backend->report_free, backend->hypervisor);
	aerostat_knobs_init(a);
	config = a->balloon.config;
	aero_init(&a->balloon, &a->port, &config, backend->ops, backend->hypervisor);
	return a;
}

static void destroy(struct aerostat *a)
{
	aerostat_free_list_stop();
	aerostat_store_settle(&a->port);
	destroy_workqueue(a->queue);
	mutex_destroy(&a->step);
	kvfree(a);
}

static int start(struct aerostat *a)
{
	int err;

	err = aerostat_relief_start(a);
	if (err)
		return err;
	WRITE_ONCE(aerostat_one, a);
	err = aerostat_sysfs_start(a);
	if (err)
		goto no_sysfs;
	err = aerostat_policy_start(a);
	if (err)
		goto no_policy;
	err = aerostat_policy_files_start(a->policy);
	if (err)
		goto no_policy_files;
	err = aerostat_power_start(a);
	if (err)
		goto no_power;
	err = aerostat_offline_start(a);
	if (err)
		goto no_offline;
	a->show_policy = aerostat_policy_show;
	aerostat_debugfs_start(a);
	aerostat_worker_start(a);
	return 0;

no_offline:
	aerostat_power_stop(a);
no_power:
	aerostat_policy_files_stop(a->policy);
no_policy_files:
	aerostat_policy_stop(a);
no_policy:
	aerostat_sysfs_stop(a);
no_sysfs:
	WRITE_ONCE(aerostat_one, NULL);
	aerostat_relief_stop(a);
	return err;
}

int aerostat_register(const struct aerostat_backend *backend)
{
	struct aerostat *a;
	int err;

	mutex_lock(&registration);
	if (aerostat_one) {
		pr_err_ratelimited(
			"the balloon for %s is active already; unload its module first\n",
			aerostat_one->backend->ops->name);
		err = -EBUSY;
		goto out;
	}
	a = create(backend);
	err = a ? start(a) : -ENOMEM;
	if (err && a)
		destroy(a);
out:
	mutex_unlock(&registration);
	return err;
}
EXPORT_SYMBOL_GPL(aerostat_register);

void aerostat_unregister(const struct aerostat_backend *backend)
{
	struct aerostat *a;

	mutex_lock(&registration);
	a = aerostat_one;
	if (WARN_ON(!a || a->backend != backend)) {
		mutex_unlock(&registration);
		return;
	}
	aerostat_offline_stop(a);
	aerostat_power_stop(a);
	aerostat_debugfs_stop(a);
	aerostat_policy_files_stop(a->policy);
	aerostat_policy_stop(a);
	aerostat_sysfs_stop(a);
	aerostat_relief_stop(a);
	aerostat_worker_stop(a);
	WRITE_ONCE(aerostat_one, NULL);
	destroy(a);
	mutex_unlock(&registration);
}
EXPORT_SYMBOL_GPL(aerostat_unregister);

static int __init aerostat_init(void)
{
	return aerostat_mapping_start();
}
module_init(aerostat_init);

static void __exit aerostat_exit(void)
{
	aerostat_mapping_stop();
}
module_exit(aerostat_exit);

MODULE_AUTHOR("The Aerostat developers");
MODULE_DESCRIPTION("Aerostat, a memory balloon: the engine");
MODULE_LICENSE("Dual MIT/GPL");
MODULE_VERSION(AEROSTAT_VERSION);
