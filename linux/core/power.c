// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Moments at which another kernel takes this guest's memory over: an image of a hibernated kernel
 * is loaded, or the guest restarts, perhaps by kexec, where the hypervisor does not notice it.  The
 * hypervisor must not keep pages of this kernel's balloon as given then, because the next kernel
 * uses all memory.
 */
#define pr_fmt(fmt) "aerostat: " fmt

#include <linux/reboot.h>
#include <linux/suspend.h>

#include "core/core.h"

/* A resume may wait so long for the memory of the balloon, which helps to load the image. */
#define RESTORE_PATIENCE_MS 2000

/* A step that makes progress ends long before. */
#define PAUSE_PATIENCE_MS   2000

/* A restart must not be held up.  Half a second is enough for any step that makes progress. */
#define REBOOT_PATIENCE_MS  500

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
 * After hibernation the hypervisor knows the balloon if the image was not loaded (hibernation
 * failed, or was a test), and otherwise it may know the balloon of any other kernel or none.  In
 * each case a new connection is right.
 */
static int sleep_event(struct notifier_block *nb, unsigned long event, void *unused)
{
	struct aerostat *a = container_of(nb, struct aerostat, sleep);

	switch (event) {
	case PM_RESTORE_PREPARE:
		if (!aerostat_worker_pause(a, true, RESTORE_PATIENCE_MS))
			pr_warn("the balloon still holds %llu KiB while an image is loaded\n",
				aerostat_kib(READ_ONCE(a->balloon.size_pages)));
		break;
	case PM_POST_HIBERNATION:
		aerostat_worker_pause(a, false, RESTORE_PATIENCE_MS);
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
