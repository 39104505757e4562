// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * test_reporter.ko: a driver that reports free pages, like virtio_balloon, but without a device.
 * It loads if the kernel's one place for such a driver is free.
 */
#include <linux/module.h>
#include <linux/page_reporting.h>

static int report(struct page_reporting_dev_info *info, struct scatterlist *free, unsigned int n)
{
	return 0;
}

static struct page_reporting_dev_info info = {.report = report};

static int __init test_reporter_init(void)
{
	return page_reporting_register(&info);
}
module_init(test_reporter_init);

static void __exit test_reporter_exit(void)
{
	page_reporting_unregister(&info);
}
module_exit(test_reporter_exit);

MODULE_DESCRIPTION("For tests: a driver that reports free pages");
MODULE_LICENSE("Dual MIT/GPL");
