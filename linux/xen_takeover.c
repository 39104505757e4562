// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The kernel's own Xen balloon is always built in: a thread, a list of pages, and
 * (with CONFIG_XEN_BALLOON) files in sysfs and a watch on xenstore.  Only the
 * thread changes the guest's size.  It is a kernel thread that stops when asked
 * to, and its function can be asked for, so that it can be started again.
 */
#include <linux/kthread.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include <xen/balloon.h>
#include <xen/xen.h>

#include "aerostat.h"
#include "xen_takeover.h"

#define THREAD_NAME "xen-balloon"

static int (*thread_function)(void *data);
static void *thread_data;

static struct task_struct *find_thread(void)
{
	struct task_struct *task, *found = NULL;

	rcu_read_lock();
	for_each_process(task) {
		if (!(task->flags & PF_KTHREAD) || strcmp(task->comm, THREAD_NAME))
			continue;
		found = get_task_struct(task);
		break;
	}
	rcu_read_unlock();
	return found;
}

int aerostat_xen_takeover(void)
{
	struct task_struct *task = find_thread();

	if (!task) {
		pr_err("aerostat: there is no thread %s to take over from; is another driver loaded?\n",
		       THREAD_NAME);
		return -ESRCH;
	}
	thread_function = kthread_func(task);
	thread_data = kthread_data(task);
	kthread_stop(task);
	put_task_struct(task);
	pr_info("aerostat: stopped the built-in balloon (thread %s); it is started again at unload\n",
		THREAD_NAME);
	return 0;
}

void aerostat_xen_giveback(void)
{
	struct task_struct *task = kthread_run(thread_function, thread_data, THREAD_NAME);

	if (IS_ERR(task))
		pr_err("aerostat: could not start the built-in balloon again (%ld); this guest's size is fixed until aerostat_xen is loaded\n",
		       PTR_ERR(task));
	else
		pr_info("aerostat: started the built-in balloon again\n");
}

void aerostat_xen_adopt(void)
{
	struct page *pages[32];
	unsigned long adopted = 0;

	while (balloon_stats.balloon_low) {
		unsigned int n = min_t(unsigned long, balloon_stats.balloon_low, ARRAY_SIZE(pages));

		if (xen_alloc_ballooned_pages(n, pages))
			break;
		/* They are not lent to a driver, as that function believes. */
		balloon_stats.target_unpopulated -= n;
		aerostat_adopt(pages, n);
		adopted += n;
	}
	if (adopted)
		pr_info("aerostat: took over %llu KiB that were ballooned already\n",
			aerostat_kib(adopted));
}
