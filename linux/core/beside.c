// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * For a hypervisor's module that keeps memory beside the balloon, which the guest can have back at
 * any time: between two steps it takes blocks from the allocator as the balloon does.
 */
#include "core/core.h"

bool aerostat_begin(void)
{
	struct aerostat *a = aerostat_one;

	/* Whoever awaits the lock could find it taken each time it looks. */
	if (aero_port_awaited(&a->port))
		return false;
	mutex_lock(&a->step);
	if (READ_ONCE(a->paused)) {
		mutex_unlock(&a->step);
		return false;
	}
	WRITE_ONCE(a->stepping, current);
	return true;
}
EXPORT_SYMBOL_GPL(aerostat_begin);

void aerostat_end(void)
{
	WRITE_ONCE(aerostat_one->stepping, NULL);
	mutex_unlock(&aerostat_one->step);
}
EXPORT_SYMBOL_GPL(aerostat_end);

unsigned int aerostat_take_blocks(struct page **blocks, unsigned int n)
{
	struct aero_port *port = &aerostat_one->port;

	n = min_t(u64, n, aero_port_spare_pages(port) >> AERO_BLOCK_ORDER);
	return n ? aero_port_take(port, AERO_BLOCK_ORDER, AERO_LIGHT, blocks, n) : 0;
}
EXPORT_SYMBOL_GPL(aerostat_take_blocks);

void aerostat_free_blocks(struct page **blocks, unsigned int n)
{
	aero_port_free(NULL, AERO_BLOCK_ORDER, blocks, n);
}
EXPORT_SYMBOL_GPL(aerostat_free_blocks);
