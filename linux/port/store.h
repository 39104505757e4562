/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The store of held pages: functions beyond those of the port contract. */
#ifndef AEROSTAT_STORE_H
#define AEROSTAT_STORE_H

#include <aerostat/balloon.h>

/* Prepares the store.  @migrate is called when page migration wants to move a ballooned page. */
void aerostat_store_init(struct aero_port *port, aerostat_migrate_fn migrate);
/* Waits until page migration has let go of pages that have left the balloon.  May sleep. */
void aerostat_store_settle(struct aero_port *port);
/*
 * Carries out in the store what aero_migrate() decided.  @migrate calls it before it releases the
 * step lock.  Returns what page migration has to be told.
 */
int aerostat_store_migrated(struct aero_port *port, struct page *to, struct page *from,
			    enum aero_migration result);

#endif
