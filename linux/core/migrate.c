// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Page migration asks for a ballooned page to be moved. */
#include "core/core.h"
#include "port/store.h"

/*
 * The step lock may be held by this very task further up the stack, since an allocation
 * that a step makes may compact memory.  So it is tried, and never waited for.
 */
int aerostat_migrate(struct aero_port *port, struct page *to, struct page *from)
{
	struct aerostat *a = container_of(port, struct aerostat, port);
	int err;

	if (!mutex_trylock(&a->step))
		return -EAGAIN;
	err = aerostat_store_migrated(port, to, from, aero_migrate(&a->balloon, from, to));
	mutex_unlock(&a->step);
	return err;
}
