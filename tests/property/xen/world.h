/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A whole world around Xen's balloon, in one process; property.c says what it proves. */
#ifndef AEROSTAT_TESTS_XEN_WORLD_H
#define AEROSTAT_TESTS_XEN_WORLD_H

#include "sim_xen.h"

/* A large block is 2 MiB, whatever the guest's page is. */
#define PAGE_ORDER  (9U - AERO_BLOCK_ORDER)
#define BLOCK_PAGES (1U << AERO_BLOCK_ORDER)

/* What stays the same through one world's life; chances are in 1024ths of all steps. */
struct kind {
	const char *name;
	uint32_t pages, spare; /* the guest's, and what the host has beyond */
	bool pv, scattered;
	bool large, split;
	bool no_scrub, protect;
	uint32_t hollow_pages; /* had no memory at boot: adopted */
	uint32_t absent_pages; /* of all, are not there at first: they may be added */
	bool lend_adds;	       /* memory is added for loans */
	uint32_t divisor;
	uint16_t target, guest, migration, relieve, memory, host, faults, reload, settle;
	uint16_t online, lend, repay;
};

/* What has happened, to show that the tests get anywhere; all sums. */
enum sight {
	SIGHT_RUN_ENDS,					  /* + enum aero_run_end */
	SIGHT_ANSWERS = SIGHT_RUN_ENDS + AERO_RUN_ENDS,	  /* + enum sim_xen_what */
	SIGHT_MIGRATIONS = SIGHT_ANSWERS + SIM_XEN_WHATS, /* + enum aero_migration */
	SIGHT_PVH_LARGE_OUT = SIGHT_MIGRATIONS + 3,
	SIGHT_PVH_LARGE_BACK,
	SIGHT_PV_LARGE_OUT,
	SIGHT_PV_LARGE_BACK,
	SIGHT_SHORT,
	SIGHT_UNMAPPED,
	SIGHT_STRAYS,
	SIGHT_BROKEN,
	SIGHT_RECHECKS,
	SIGHT_RELIEVED,
	SIGHT_REMADE,
	SIGHT_ADOPTED,
	SIGHT_ABANDONED,
	SIGHT_ASKED,
	SIGHT_GROWN,
	SIGHT_GROWN_IN_PART,
	SIGHT_ONLINE,
	SIGHT_ONLINE_EARLY,
	SIGHT_LENT,
	SIGHT_FUNDED,
	SIGHT_WASTED,
	SIGHT_WAITED,
	SIGHT_REPAID,
	SIGHT_LENT_LONG,
	SIGHT_STOPPED_IN_RUN,
	SIGHT_SETTLED,
	SIGHTS
};

struct world {
	const struct kind *kind;
	struct aero_port port;
	struct sim_xen xen;
	struct aero_xen x;
	struct aero_balloon b;
	uint64_t adopted, abandoned; /* by this balloon */
	uint64_t asked;		     /* pages the engine wants added, while it waits for that */
	uint64_t added;		     /* of those, added and not reported yet */
	uint64_t coming;	     /* added ever, and not online yet */
	uint64_t random, steps;
	bool verbose;
	uint64_t *sights;
	aero_page *unbacked[4096]; /* without memory, and nobody's for now */
	uint32_t hollow_n;
};

/* One world's life, from its seed to the end; adds what it saw to @sights. */
void world_run(const struct kind *kind, uint64_t seed, uint64_t steps, bool verbose,
	       uint64_t *sights);

/* -- books.c ------------------------------------------------------------------- */

/* A line of the world's course, when it is verbose. */
__attribute__((format(printf, 2, 3))) void tell(const struct world *w, const char *format, ...);

uint64_t chance(struct world *w, uint64_t n);
void see(struct world *w, unsigned int sight, uint64_t n);

/* All books agree, or the process ends with a message. */
void check(struct world *w);

/* -- growth.c ------------------------------------------------------------------- */

/* The run is over: virtual time goes on. */
void rest(struct world *w, struct aero_next next);

/* Memory that was asked for is added, and comes online; @honestly: all of it. */
void note_growth(struct world *w, uint64_t pages);
void add_memory(struct world *w, bool honestly);
void bring_online(struct world *w, uint64_t pages);
void happen_online(struct world *w);

void happen_lend(struct world *w);
void happen_repay(struct world *w);

/* No loans, nobody who waits for one, and no memory between here and there. */
void close_doors(struct world *w);

#endif
