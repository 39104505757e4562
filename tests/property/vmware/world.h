/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A whole world in one process: a simulated guest with the engine and VMware's
 * guest half in it, the monitor as its hypervisor, and chance for everything
 * else.  After each thing that happens the ownership checker has passed, or the
 * process has ended with a message (sim.h).
 */
#ifndef AEROSTAT_TESTS_WORLD_H
#define AEROSTAT_TESTS_WORLD_H

#include <aerostat/vmware.h>

#include "vmware/monitor.h"
#include "vmware/names.h"
#include "sim.h"

/* How often each kind of thing happens, in 1024ths of all steps; the rest are the engine's. */
struct world_chances {
	uint16_t target, guest, migration, relieve, memory, faults, reset, host, reload, reboot,
		settle;
};

/* What stays the same through one world's life. */
struct world_kind {
	const char *name;
	uint32_t pages;
	uint64_t base_pfn;
	uint32_t caps; /* the monitor's offer */
	bool old_host;
	bool large, split; /* the engine's configuration */
	bool clamped;	   /* targets are set, not forced: needs more than 32768 pages */
	uint16_t holes;	   /* of 1024 pages, so many the monitor takes for no RAM */
	bool protect;	   /* mprotect() memory the monitor took */
	bool whole_blocks; /* targets are multiples of 2 MiB, so that all goes by 2M commands */
	bool every_byte;   /* look at whole pages, not at 8 places of each */
	uint32_t divisor;  /* of the steps asked for: slow kinds take fewer */
	struct world_chances chances;
};

/* What has happened, to show that the tests get anywhere; all sums. */
enum world_sight {
	WORLD_RUN_ENDS, /* + enum aero_run_end */
	WORLD_MIGRATE_FAILED = WORLD_RUN_ENDS + AERO_RUN_ENDS,
	WORLD_MIGRATE_MOVED,
	WORLD_MIGRATE_SHRUNK,
	WORLD_REFUSED_PAGES,
	WORLD_REFUSED_BLOCKS,
	WORLD_REFUSED_OVERFLOW, /* freed at once, for 16 were kept */
	WORLD_ODD_ANSWERS,
	WORLD_RUNS_BROKEN,
	WORLD_BLOCKS_REMADE,
	WORLD_PAGES_POPPED,
	WORLD_PAGES_RELIEVED,
	WORLD_RECLAIM_FAILED,
	WORLD_LARGE_FAILED,
	WORLD_CONNECT_FAILED,
	WORLD_STOPPED_IN_RUN,
	WORLD_DRAIN_WAITED,
	WORLD_SETTLED,
	WORLD_REBOOTS,
	WORLD_FAULTS_FIRED,
	WORLD_STEPS,
	/* Statuses of whole commands, by command and index (monitor.h). */
	WORLD_COMMANDS,
	/* Statuses of entries, by direction, size and index. */
	WORLD_ENTRIES = WORLD_COMMANDS + AERO_VMW_COMMANDS * AERO_STATUS_KINDS,
	WORLD_SIGHTS = WORLD_ENTRIES + AERO_DIRECTIONS * AERO_SIZES * AERO_STATUS_KINDS
};

/* What a sight is called in @name, of @size bytes; false: it cannot be seen at all. */
bool world_sight_name(unsigned int sight, char *name, size_t size);

struct world {
	const struct world_kind *kind;
	struct aero_port port;
	struct aero_monitor *monitor;
	struct aero_vmware v;
	struct aero_balloon b;
	aero_page *batch_page;
	uint64_t random;
	bool no_batch_page, no_doorbell; /* the guest cannot have one now */
	bool kicked;			 /* the doorbell rang */
	bool verbose;
	uint64_t steps;
	uint64_t *sights; /* WORLD_SIGHTS of them, owned by the caller */
};

/* @sights is added to; it may be shared by worlds one after another. */
void world_create(struct world *w, const struct world_kind *kind, uint64_t seed, bool verbose,
		  uint64_t *sights);

/* One thing happens. */
void world_step(struct world *w);

/*
 * All trouble ends, and the size must come to fit @target_pages within a bounded
 * number of steps.
 */
void world_settle(struct world *w, uint64_t target_pages);

/* Unloads, and proves that the guest has all its memory again; then frees it all. */
void world_finish(struct world *w);

#endif
