// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Moves ballooned pages for the kernel's page migration. */
#include "core/core.h"
#include "port/store.h"

/*
 * An allocation that a step makes may compact memory, so this task may hold the step lock already.
 * Therefore the lock is only tried and never waited for.
 */
int aerostat_migrate(struct aero_port *port, struct page *to, struct page *from)
{
	struct aerostat *a = container_of(port, struct aerostat, port);
	int err;

	if (!mutex_trylock(&a->step))
		return -EAGAIN;
	/*
	 * Whether the kernel has zeroed @to depends on its version: some take the targets of
	 * compaction from the free lists and zero nothing.
	 */
	if (aerostat_must_be_zero(port))
		aerostat_zero(to, 0);
	err = aerostat_store_migrated(port, to, from, aero_migrate(&a->balloon, from, to));
	mutex_unlock(&a->step);
	return err;
}
