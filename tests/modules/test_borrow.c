// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * test_borrow.ko: a driver that borrows pages of aerostat_xen.ko, for tests.
 *
 * debugfs test_borrow/borrow: writing N borrows N pages more; the write fails as
 * the loan does.  test_borrow/repay: writing N gives N of them back.
 * test_borrow/held: how many there are.  test_borrow/movable: how many of them are in a zone for
 * movable pages.  test_borrow/marked: how many still have a mark of the balloon.
 *
 * test_borrow/lose: writing N makes the guest's count of its pages too large by N, as a lost
 * update does.  test_borrow/churn: writing N borrows a page of the kernel's built-in balloon, and
 * gives it back, N times; several processes may do so at once.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include <xen/balloon.h>

#include "../../linux/compat/xen.h"
#include "aerostat_xen.h"

#define HELD_MAX (1U << 20)

static DEFINE_MUTEX(lock);
static struct page **held;
static u32 held_n;
static struct dentry *folder;

static int borrow(unsigned int n)
{
	int err;

	if (n > HELD_MAX - held_n)
		return -E2BIG;
	err = aerostat_xen_alloc_pages(n, held + held_n, true);
	if (!err)
		held_n += n;
	return err;
}

/* With an empty entry among them, as some drivers have. */
static int repay(unsigned int n)
{
	if (n > held_n)
		return -EINVAL;
	held[held_n] = NULL;
	held_n -= n;
	aerostat_xen_free_pages(n + 1, held + held_n);
	return 0;
}

static ssize_t number(const char __user *text, size_t size, int (*act)(unsigned int n))
{
	unsigned int n;
	int err = kstrtouint_from_user(text, size, 0, &n);

	if (err)
		return err;
	mutex_lock(&lock);
	err = act(n);
	mutex_unlock(&lock);
	return err ? err : (ssize_t)size;
}

static ssize_t borrow_write(struct file *file, const char __user *text, size_t size, loff_t *at)
{
	return number(text, size, borrow);
}

static ssize_t repay_write(struct file *file, const char __user *text, size_t size, loff_t *at)
{
	return number(text, size, repay);
}

static ssize_t lose_write(struct file *file, const char __user *text, size_t size, loff_t *at)
{
	unsigned int n;
	int err = kstrtouint_from_user(text, size, 0, &n);

	if (err)
		return err;
	balloon_stats.current_pages += n;
	return size;
}

static ssize_t churn_write(struct file *file, const char __user *text, size_t size, loff_t *at)
{
	struct page *page;
	unsigned int n;
	int err = kstrtouint_from_user(text, size, 0, &n);

	for (; !err && n; n--) {
		err = xen_alloc_ballooned_pages(1, &page);
		if (!err)
			xen_free_ballooned_pages(1, &page);
		cond_resched();
	}
	return err ? err : (ssize_t)size;
}

static int get_movable(void *unused, u64 *n)
{
	u32 i;

	mutex_lock(&lock);
	for (*n = 0, i = 0; i < held_n; i++)
		*n += page_zonenum(held[i]) == ZONE_MOVABLE;
	mutex_unlock(&lock);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(movable_fops, get_movable, NULL, "%llu\n");

static int get_marked(void *unused, u64 *n)
{
	u32 i;

	mutex_lock(&lock);
	for (*n = 0, i = 0; i < held_n; i++)
		*n += PageOffline(held[i]) || held[i]->mapping;
	mutex_unlock(&lock);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(marked_fops, get_marked, NULL, "%llu\n");

static const struct file_operations lose_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = lose_write,
};

static const struct file_operations churn_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = churn_write,
};

static const struct file_operations borrow_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = borrow_write,
};

static const struct file_operations repay_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = repay_write,
};

static int __init test_borrow_init(void)
{
	held = kvcalloc(HELD_MAX + 1, sizeof(*held), GFP_KERNEL);
	if (!held)
		return -ENOMEM;
	folder = debugfs_create_dir("test_borrow", NULL);
	debugfs_create_file("borrow", 0200, folder, NULL, &borrow_fops);
	debugfs_create_file("repay", 0200, folder, NULL, &repay_fops);
	debugfs_create_file("movable", 0400, folder, NULL, &movable_fops);
	debugfs_create_file("marked", 0400, folder, NULL, &marked_fops);
	debugfs_create_file("lose", 0200, folder, NULL, &lose_fops);
	debugfs_create_file("churn", 0200, folder, NULL, &churn_fops);
	debugfs_create_u32("held", 0400, folder, &held_n);
	return 0;
}
module_init(test_borrow_init);

static void __exit test_borrow_exit(void)
{
	debugfs_remove(folder);
	repay(held_n);
	kvfree(held);
}
module_exit(test_borrow_exit);

MODULE_AUTHOR("The Aerostat developers");
MODULE_DESCRIPTION("Aerostat: a driver that borrows ballooned pages, for tests");
MODULE_LICENSE("Dual MIT/GPL");
