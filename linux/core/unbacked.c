// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Functions for hypervisors on which ballooned pages have no memory behind them.  Such pages can
 * join the balloon, be lent to other drivers, and come back from there.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "core/core.h"

void aerostat_adopt(enum aero_class class, struct page **blocks, unsigned int n)
{
	struct aerostat *a = aerostat_one;

	mutex_lock(&a->step);
	if (a->backend->hide_unbacked)
		a->backend->hide_unbacked(class, blocks, n);
	aero_adopt(&a->balloon, class, blocks, n);
	/* The previous owner of these pages has removed them from the guest's count of memory. */
	WRITE_ONCE(a->port.unmanaged_pages,
		   a->port.unmanaged_pages + ((u64)n << aero_class_held_order(class)));
	mutex_unlock(&a->step);
}
EXPORT_SYMBOL_GPL(aerostat_adopt);

void aerostat_adjust_managed(struct page *page, long pages)
{
	adjust_managed_page_count(page, pages);
	WRITE_ONCE(aerostat_one->port.unmanaged_pages, aerostat_one->port.unmanaged_pages - pages);
}
EXPORT_SYMBOL_GPL(aerostat_adjust_managed);

u64 aerostat_size_pages(void)
{
	return READ_ONCE(aerostat_one->balloon.size_pages);
}
EXPORT_SYMBOL_GPL(aerostat_size_pages);

u64 aerostat_lent_pages(void)
{
	return READ_ONCE(aerostat_one->balloon.lent_pages);
}
EXPORT_SYMBOL_GPL(aerostat_lent_pages);

/*
 * Funds and lends one batch without releasing the lock in between.  A step in between would give
 * the pages back to the guest.
 */
static unsigned int lend_batch(struct aerostat *a, struct page **pages, unsigned int n, bool fund)
{
	unsigned int got = aero_lend(&a->balloon, pages, n), funded;

	if (got == n || !fund)
		return got;
	a->port.keeps_pages = true;
	funded = aero_fund(&a->balloon, n - got);
	a->port.keeps_pages = false;
	return funded ? got + aero_lend(&a->balloon, pages + got, n - got) : got;
}

/*
 * A borrower may map the pages into processes, and newer kernels refuse that for pages of a type.
 * While it has them, nobody else may take them for pages of the balloon that can be migrated.
 */
static void clean(struct page **pages, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		/* Compaction may be examining the page. */
		lock_page(pages[i]);
		if (PageOffline(pages[i]))
			__ClearPageOffline(pages[i]);
		pages[i]->mapping = NULL;
		set_page_private(pages[i], 0);
		unlock_page(pages[i]);
	}
}

unsigned int aerostat_lend(struct page **pages, unsigned int n, bool fund)
{
	struct aerostat *a = aerostat_one;
	unsigned int got = 0, more;

	do {
		mutex_lock(&a->step);
		more = lend_batch(a, pages + got, min(n - got, AERO_BATCH_MAX), fund);
		mutex_unlock(&a->step);
		clean(pages + got, more);
		got += more;
		cond_resched();
	} while (more && got < n);
	return got;
}
EXPORT_SYMBOL_GPL(aerostat_lend);

void aerostat_repay(struct page **pages, unsigned int n)
{
	struct aerostat *a = aerostat_one;
	unsigned int i, batch;

	for (i = 0; i < n; i += batch) {
		batch = min(n - i, AERO_BATCH_MAX);
		mutex_lock(&a->step);
		if (a->backend->hide_unbacked)
			a->backend->hide_unbacked(AERO_CLASS_PAGE, pages + i, batch);
		aero_repay(&a->balloon, pages + i, batch);
		mutex_unlock(&a->step);
	}
}
EXPORT_SYMBOL_GPL(aerostat_repay);
