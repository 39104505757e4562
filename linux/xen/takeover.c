// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Takes over from the kernel's own Xen balloon, which is always built in.  It consists of a thread,
 * a list of pages, and (with CONFIG_XEN_BALLOON) files in sysfs and a watch on xenstore.  Only the
 * thread changes the guest's size.  It is a kernel thread that stops when it is asked to, and
 * the kernel tells its function, so that it can be started again.
 *
 * A live patch could not do this.  It replaces a function when no task is executing it, and the
 * thread never leaves its loop.
 */
#define pr_fmt(fmt) "aerostat: xen: " fmt

#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/version.h>

#include <xen/balloon.h>
#include <xen/xen.h>

#include "compat/verified.h"
#include "compat/xen.h"
#include "core/backend.h"
#include "xen/internal.h"

#define THREAD_NAME "xen-balloon"

/* How many pages are adopted at a time: enough to make large blocks likely. */
#define ADOPT_MAX   (64U << AERO_BLOCK_ORDER)

static int takeover = -1;
module_param(takeover, int, 0444);
MODULE_PARM_DESC(
	takeover,
	"1: take over from the balloon that is built into the kernel; 0: never, so the module does not load; -1: on verified kernels (default)");

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
	struct task_struct *task;

	if (!aerostat_may_use(takeover, LINUX_VERSION_CODE, AEROSTAT_TAKE_OVER)) {
		pr_err("the built-in balloon stays: taking over from it is %s\n",
		       takeover ? "not verified for this kernel (takeover=1 does it all the same)"
				: "switched off (takeover=0)");
		return -EOPNOTSUPP;
	}
	task = find_thread();
	if (!task) {
		pr_err("there is no thread %s to take over from; is another driver loaded?\n",
		       THREAD_NAME);
		return -ESRCH;
	}
	thread_function = kthread_func(task);
	thread_data = kthread_data(task);
	kthread_stop(task);
	put_task_struct(task);
	pr_info("the built-in balloon (thread %s) is stopped; it is started again at unload\n",
		THREAD_NAME);
	return 0;
}

void aerostat_xen_giveback(void)
{
	struct task_struct *task = kthread_run(thread_function, thread_data, THREAD_NAME);

	if (IS_ERR(task))
		pr_err("the built-in balloon could not be started again (error %ld); this guest's size is fixed until aerostat_xen is loaded\n",
		       PTR_ERR(task));
	else
		pr_info("the built-in balloon is started again\n");
}

/* -- its pages --------------------------------------------------------------------- */

static int compare_frames(const void *a, const void *b)
{
	unsigned long pfn_a = page_to_pfn(*(struct page *const *)a);
	unsigned long pfn_b = page_to_pfn(*(struct page *const *)b);

	return pfn_a < pfn_b ? -1 : pfn_a > pfn_b;
}

/* Whether the first of these pages, which are sorted, form a whole, aligned block. */
static bool is_block(struct page **pages, unsigned int n)
{
	unsigned int count = 1U << AERO_BLOCK_ORDER;
	unsigned long first = page_to_pfn(pages[0]);

	return n >= count && IS_ALIGNED(first, count) &&
	       page_to_pfn(pages[count - 1]) == first + count - 1;
}

/*
 * Turns 2^@order pages of the built-in balloon into a block like those from the allocator.  It has
 * one reference and is not reserved, as pages of added memory are in the built-in balloon.  The
 * mark of a movable page, which a page may have from Aerostat's balloon before the module was
 * unloaded, is removed, because the allocator takes it for corruption in the middle of a block.
 */
static void claim(struct page *block, unsigned int order)
{
	unsigned int i;

	for (i = 0; i < 1U << order; i++) {
		ClearPageReserved(block + i);
		set_page_count(block + i, !i);
		block[i].mapping = NULL;
	}
}

/* Returns how many single pages come before the next whole block, but at most one batch. */
static unsigned int count_single(struct page **pages, unsigned int n)
{
	unsigned int i = 1;

	while (i < min(n, AERO_BATCH_MAX) && !is_block(pages + i, n - i))
		i++;
	return i;
}

/* Adopts large blocks where there are any, because one extent populates each of them. */
static void adopt(struct page **pages, unsigned int n)
{
	enum aero_class large = aerostat_xen_sees_machine_frames() ? AERO_CLASS_SPLIT
								   : AERO_CLASS_LARGE;
	unsigned int i = 0, j, count;

	sort(pages, n, sizeof(*pages), compare_frames, NULL);
	while (i < n) {
		if (is_block(pages + i, n - i)) {
			count = 1U << AERO_BLOCK_ORDER;
			claim(pages[i], AERO_BLOCK_ORDER);
			aerostat_adopt(large, pages + i, 1);
		} else {
			count = count_single(pages + i, n - i);
			for (j = 0; j < count; j++)
				claim(pages[i + j], 0);
			aerostat_adopt(AERO_CLASS_PAGE, pages + i, count);
		}
		i += count;
		cond_resched();
	}
}

void aerostat_xen_adopt(void)
{
	unsigned long adopted = 0, there;
	unsigned int n;
	struct page **pages;

	if (!READ_ONCE(balloon_stats.balloon_low))
		return;
	pages = kvmalloc_array(ADOPT_MAX, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return;
	while ((there = READ_ONCE(balloon_stats.balloon_low))) {
		n = min_t(unsigned long, there, ADOPT_MAX);
		if (xen_alloc_ballooned_pages(n, pages))
			break;
		/* That function counts these pages as lent to a driver, which they are not. */
		balloon_stats.target_unpopulated -= n;
		adopt(pages, n);
		adopted += n;
	}
	kvfree(pages);
	if (adopted)
		pr_info_ratelimited("%llu KiB that the built-in balloon held were taken over\n",
				    aerostat_kib(adopted));
}
