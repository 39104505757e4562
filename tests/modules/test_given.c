// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * test_given.ko: looks into the pages that aerostat_xen.ko gives to Xen, for tests in guests that
 * do not see machine frames, in which a frame is a page's number.
 *
 * debugfs test_given/pages: how many were looked at.  test_given/dirty: how many of them were not
 * zero.  Both start at 0 when the module is loaded, which is after aerostat_xen.ko.
 */
#include <linux/debugfs.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>

#include <xen/interface/xen.h>
#include <xen/interface/memory.h>

static u64 pages, dirty;
static struct dentry *folder;

static void look(u64 first, unsigned long n)
{
	for (; n--; first++) {
		pages++;
		if (memchr_inv(page_address(pfn_to_page(first)), 0, PAGE_SIZE))
			dirty++;
	}
}

/* memory_op(ctx, op, frames, extents, order) of linux/xen/module.c, under the step lock. */
static int called(struct kprobe *probe, struct pt_regs *regs)
{
	const u64 *frames = (const u64 *)regs_get_kernel_argument(regs, 2);
	unsigned int extents = regs_get_kernel_argument(regs, 3);
	unsigned int order = regs_get_kernel_argument(regs, 4);

	if ((unsigned int)regs_get_kernel_argument(regs, 1) != XENMEM_decrease_reservation)
		return 0;
	while (extents--)
		look(*frames++, 1UL << order);
	return 0;
}

static struct kprobe probe = {
	.symbol_name = "aerostat_xen:memory_op",
	.pre_handler = called,
};

static int __init test_given_init(void)
{
	int err = register_kprobe(&probe);

	if (err)
		return err;
	folder = debugfs_create_dir("test_given", NULL);
	debugfs_create_u64("pages", 0400, folder, &pages);
	debugfs_create_u64("dirty", 0400, folder, &dirty);
	return 0;
}
module_init(test_given_init);

static void __exit test_given_exit(void)
{
	debugfs_remove(folder);
	unregister_kprobe(&probe);
}
module_exit(test_given_exit);

MODULE_AUTHOR("The Aerostat developers");
MODULE_DESCRIPTION("Aerostat: looks at what is given to Xen, for tests");
MODULE_LICENSE("Dual MIT/GPL");
