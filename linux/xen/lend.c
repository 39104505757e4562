// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Lends pages to drivers that map other guests' memory.  They need page structures and addresses,
 * but no memory behind them.
 */
#define pr_fmt(fmt) "aerostat: xen: " fmt

#include <linux/atomic.h>
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/sysctl.h>
#include <linux/wait.h>

#include <xen/balloon.h>
#include <xen/page.h>

#include "compat/xen.h"
#include "core/backend.h"
#include "xen/aerostat_xen.h"
#include "xen/internal.h"

static int hotplug_unpopulated;

static int set_hotplug_unpopulated(const char *text, const struct kernel_param *kp)
{
	bool value;
	int err = kstrtobool(text, &value);

	if (err)
		pr_err_ratelimited("hotplug_unpopulated takes 0 or 1; nothing was changed\n");
	else
		WRITE_ONCE(hotplug_unpopulated, value);
	return err;
}

static const struct kernel_param_ops hotplug_unpopulated_ops = {
	.set = set_hotplug_unpopulated,
	.get = param_get_int,
};

module_param_cb(hotplug_unpopulated, &hotplug_unpopulated_ops, &hotplug_unpopulated, 0644);
MODULE_PARM_DESC(hotplug_unpopulated,
		 "1: memory is added when more is borrowed than the balloon holds (default 0)");

static DECLARE_WAIT_QUEUE_HEAD(waiting);
static atomic_t news, failures;
static atomic64_t wanted;

bool aerostat_xen_lend_adds(void)
{
	return READ_ONCE(hotplug_unpopulated) && aerostat_xen_can_grow();
}

u64 aerostat_xen_lend_wanted(void)
{
	return atomic64_read(&wanted);
}

void aerostat_xen_lend_news(bool failed)
{
	if (failed)
		atomic_inc(&failures);
	atomic_inc(&news);
	wake_up_all(&waiting);
}

static void give_back(struct page **pages, unsigned int n)
{
	if (!n)
		return;
	aerostat_repay(pages, n);
	aerostat_kick();
}

/*
 * Waits for memory that has to be added, and which comes online one memory block at a time. Returns
 * how many of the @n pages were borrowed; if these are fewer, *@err is the reason.
 */
static unsigned int wait_for(struct page **pages, unsigned int n, int *err)
{
	int failures_before = atomic_read(&failures), news_before;
	unsigned int got = 0, more;

	atomic64_add(n, &wanted);
	for (*err = 0; !*err;) {
		news_before = atomic_read(&news);
		more = aerostat_lend(pages + got, n - got, false);
		atomic64_sub(more, &wanted);
		got += more;
		if (got == n)
			break;
		aerostat_kick();
		if (atomic_read(&failures) != failures_before)
			*err = -ENOMEM;
		else
			*err = wait_event_interruptible(waiting, atomic_read(&news) != news_before);
	}
	atomic64_sub(n - got, &wanted);
	return got;
}

/* Makes sure that the table of machine frames has entries for a borrower's pages. */
static bool prepare_frames(struct page **pages, unsigned int n)
{
#ifdef CONFIG_XEN_PV
	unsigned int i;

	if (!aerostat_xen_sees_machine_frames())
		return true;
	for (i = 0; i < n; i++)
		if (xen_alloc_p2m_entry(page_to_pfn(pages[i])) < 0)
			return false;
#endif
	return true;
}

/* Every page of a 64-bit guest is in low memory, and the module is built for no others. */
static bool is_fit(struct page **pages, unsigned int n, bool low_only)
{
	unsigned int i;

	for (i = 0; low_only && i < n; i++)
		if (PageHighMem(pages[i]))
			return false;
	return prepare_frames(pages, n);
}

int aerostat_xen_alloc_pages(unsigned int n, struct page **pages, bool low_only)
{
	bool add = aerostat_xen_lend_adds();
	unsigned int got = aerostat_lend(pages, n, false);
	int err = -ENOMEM;

	if (got < n && add)
		got += wait_for(pages + got, n - got, &err);
	else if (got < n && si_mem_available() >= (long)(n - got))
		got += aerostat_lend(pages + got, n - got, true);
	if (got < n || !is_fit(pages, n, low_only)) {
		give_back(pages, got);
		return got < n ? err : -ENOMEM;
	}
	return 0;
}
EXPORT_SYMBOL_GPL(aerostat_xen_alloc_pages);

void aerostat_xen_free_pages(unsigned int n, struct page **pages)
{
	struct page *batch[32];
	unsigned int i, filled = 0;

	for (i = 0; i < n; i++) {
		if (pages[i])
			batch[filled++] = pages[i];
		if (filled == ARRAY_SIZE(batch) || i + 1 == n) {
			give_back(batch, filled);
			filled = 0;
		}
	}
}
EXPORT_SYMBOL_GPL(aerostat_xen_free_pages);

/* -- sysctl xen.balloon.hotplug_unpopulated ----------------------------------------- */

#if defined(CONFIG_SYSCTL) && !defined(CONFIG_XEN_BALLOON_MEMORY_HOTPLUG)

static struct ctl_table table[] = {{
					   .procname = "hotplug_unpopulated",
					   .data = &hotplug_unpopulated,
					   .maxlen = sizeof(hotplug_unpopulated),
					   .mode = 0644,
					   .proc_handler = proc_dointvec_minmax,
					   .extra1 = SYSCTL_ZERO,
					   .extra2 = SYSCTL_ONE,
				   },
				   AERO_COMPAT_SYSCTL_END};

static struct ctl_table_header *sysctl;

int aerostat_xen_lend_start(void)
{
	sysctl = register_sysctl("xen/balloon", table);
	/* This is no error, because the module's parameter of the same name does the same. */
	if (!sysctl)
		pr_warn("there is no sysctl xen.balloon.hotplug_unpopulated; use the module's parameter\n");
	return 0;
}

void aerostat_xen_lend_stop(void)
{
	unregister_sysctl_table(sysctl);
}

#else

/* The kernel's sysctl of this name is for its own balloon.  Aerostat's is a parameter only. */
int aerostat_xen_lend_start(void)
{
	return 0;
}

void aerostat_xen_lend_stop(void)
{
}

#endif
