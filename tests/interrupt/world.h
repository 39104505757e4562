/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A tiny guest, the engine, the guest's half of one protocol, and a hypervisor that is
 * honest but where a call is cut (cut.h).  A cut call still does what it says: a page
 * changes hands exactly if the answer to it is success, and a reset forgets all pages.
 */
#ifndef AEROSTAT_TESTS_TINY_WORLD_H
#define AEROSTAT_TESTS_TINY_WORLD_H

#include <aerostat/vmware.h>

#include "cut.h"
#include "sim_xen.h"

#define BLOCK	   (1U << AERO_BLOCK_ORDER)
#define BASE_PFN   1024U
#define PAGES_MAX  32U
#define SPARE_XEN  (2U * BLOCK) /* pages that Xen has beyond the guest's */
#define ALL_COMING UINT64_MAX

/* What the guest has besides the balloon, and how fast the balloon may grow. */
struct world_size {
	uint32_t guest_pages; /* with data of the guest's programs */
	uint32_t cache_pages; /* page cache, which may be reclaimed */
	uint32_t low_pages;   /* so many stay free without reclaim */
	uint32_t rate_max, rate_min;
	uint32_t slow_runs;
	uint32_t retries_max; /* on Xen */
};

/* A protocol with what it can do, and the classes the engine may use. */
struct setting {
	const char *name;
	bool xen, pv;
	uint32_t caps; /* VMware: what the host grants */
	bool large, split;
	const struct world_size *size; /* NULL: the size that the scenarios need */
};

/* VMware's host: who has what. */
struct vmware_host {
	bool connected;
	uint8_t lock[PAGES_MAX]; /* by frame: the lock's order plus 1, or 0 */
	uint64_t locked_pages;
	uint64_t target_pages;
};

struct world {
	const struct setting *setting;
	uint32_t pages;
	struct aero_port port;
	struct aero_balloon b;

	struct vmware_host host;
	struct aero_vmware v;
	aero_page *batch_page;

	struct sim_xen xen;
	struct aero_xen x;
	struct aero_xen_guest xen_guest;
	aero_page *kept[PAGES_MAX]; /* abandoned at an unload, adopted at the next load */
	uint32_t kept_n;
	uint64_t coming; /* pages added, and not online yet */
};

/* A guest of @pages, of which the last @absent are not there yet, with a balloon. */
void world_create(struct world *w, const struct setting *setting, uint32_t pages, uint32_t absent);
void world_destroy(struct world *w);

/* The module is loaded, or loaded again. */
void world_load(struct world *w);

/* Proves that each page has one owner, and that the hypervisor agrees. */
void world_check(struct world *w);

/* How many pages the balloon should hold; on Xen beyond what it has counts from below 0. */
void world_target(struct world *w, uint64_t pages);
void world_target_beyond(struct world *w, uint64_t pages);

/* VMware: the host loses its memory of us.  Xen has no such thing. */
void world_forget(struct world *w);

/* One step of the worker, with the check after it.  Memory that is asked for is added. */
struct aero_next world_step(struct world *w);

/* Steps until @runs runs are over. */
void world_run(struct world *w, unsigned int runs);

/* Up to @pages of those that were added come online. */
void world_online(struct world *w, uint64_t pages);

/* One step of the unload, which keeps what is abandoned; true when it is the last. */
bool world_unload_step(struct world *w);

/* Tries to move a page of the store to another; false when none is movable. */
bool world_migrate(struct world *w);

/* Lends up to @n pages, the guest's own if there are too few. */
void world_lend(struct world *w, unsigned int n);

/*
 * With all trouble over, the balloon reaches a target, 0, and another target, and then
 * unloads with no page lost.  world_finish() also destroys the world.
 */
void world_prove(struct world *w);
void world_finish(struct world *w);

/* vmware_host.c, xen_host.c: the hypervisors with cuts. */
extern const struct aero_vmware_guest vmware_guest_ops;
void vmware_forget(struct world *w);
void xen_guest_init(struct world *w);

#endif
