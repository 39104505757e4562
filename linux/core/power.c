// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Moments at which another kernel takes this guest's memory over: it hibernates, an image of a
 * hibernated kernel is loaded, or it restarts, perhaps by kexec, where the hypervisor does not
 * notice it.  The hypervisor must not keep pages of this kernel's balloon as given then, because
 * the next kernel uses all memory.
 */
#define pr_fmt(fmt) "aerostat: " fmt

#include <linux/reboot.h>
#include <linux/suspend.h>

#include "core/core.h"

/* Hibernation and resume may wait so long for the memory of the balloon, which helps them. */
#define PM_PATIENCE_MS	   2000

/* A step that makes progress ends long before. */
#define PAUSE_PATIENCE_MS  2000

/* A restart must not be held up.  Half a second is enough for any step that makes progress. */
#define REBOOT_PATIENCE_MS 500

int aerostat_pause(void)
{
	if (aerostat_worker_pause(aerostat_one, false, PAUSE_PATIENCE_MS))
		return 0;
	aerostat_worker_resume(aerostat_one);
	return -EBUSY;
}
EXPORT_SYMBOL_GPL(aerostat_pause);

void aerostat_resume(void)
{
	aerostat_worker_resume(aerostat_one);
}
EXPORT_SYMBOL_GPL(aerostat_resume);

/*
 * The stash is emptied because its blocks would be saved in the image, and the balloon because the
 * kernel copies the image in memory before it writes it: with a large balloon it finds too little
 * memory for that, and the guest cannot hibernate.
 */
static void let_all_go(struct aerostat *a, const char *when)
{
	aerostat_stash_free(&a->stash, U64_MAX);
	if (!aerostat_worker_pause(a, true, PM_PATIENCE_MS))
		pr_warn("the balloon still holds %llu KiB while %s\n",
			aerostat_kib(READ_ONCE(a->balloon.size_pages)), when);
}

/*
 * After hibernation the hypervisor may know the balloon of any other kernel or none, if the image
 * was loaded.  In each case a new connection is right.
 */
static int sleep_event(struct notifier_block *nb, unsigned long event, void *unused)
{
	struct aerostat *a = container_of(nb, struct aerostat, sleep);

	switch (event) {
	case PM_HIBERNATION_PREPARE:
		let_all_go(a, "an image is made");
		break;
	case PM_RESTORE_PREPARE:
		let_all_go(a, "an image is loaded");
		break;
	case PM_POST_HIBERNATION:
		aerostat_worker_pause(a, false, PM_PATIENCE_MS);
		aerostat_worker_resume(a);
		break;
	case PM_POST_RESTORE:
		aerostat_worker_resume(a);
		break;
	}
	return NOTIFY_OK;
}

/* The pages are not freed, because nobody needs them any more. */
static int reboot_event(struct notifier_block *nb, unsigned long event, void *unused)
{
	struct aerostat *a = container_of(nb, struct aerostat, reboot);

	if (event == SYS_RESTART && !aerostat_worker_pause(a, false, REBOOT_PATIENCE_MS))
		pr_warn("the hypervisor could not be told that the guest restarts\n");
	return NOTIFY_OK;
}

int aerostat_power_start(struct aerostat *a)
{
	int err;

	a->sleep.notifier_call = sleep_event;
	a->reboot.notifier_call = reboot_event;
	err = register_pm_notifier(&a->sleep);
	if (err)
		return err;
	err = register_reboot_notifier(&a->reboot);
	if (err)
		unregister_pm_notifier(&a->sleep);
	return err;
}

void aerostat_power_stop(struct aerostat *a)
{
	unregister_reboot_notifier(&a->reboot);
	unregister_pm_notifier(&a->sleep);
}
