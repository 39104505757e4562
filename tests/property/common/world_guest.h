/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Chance, and the guest that uses its memory while the balloon works, in every world. */
#ifndef AEROSTAT_TESTS_WORLD_GUEST_H
#define AEROSTAT_TESTS_WORLD_GUEST_H

#include <stdarg.h>

#include "sim.h"

/*
 * A number below @n (1 or more) from the generator whose state is @random.  It is not the
 * port's generator, so that a change in one does not change the other's course.
 */
uint64_t world_chance(uint64_t *random, uint64_t n);

/* One of the first pages of @list, or NULL when it is empty. */
aero_page *world_page(uint64_t *random, const struct sim_list *list);

/*
 * The guest reads, writes, frees or allocates memory.  It fills its free memory up to an
 * eighth of its @pages.
 */
void world_guest(struct aero_port *port, uint64_t *random, uint64_t pages);

/*
 * A page of the store is isolated, put back or migrated.  Returns an enum aero_migration if one
 * was migrated or should have been, which is put back then; otherwise -1.
 */
int world_migration(struct aero_balloon *b, uint64_t *random);

/*
 * The allocator's marks move, within half of the guest's @pages, and one of its rules makes some of
 * the next allocations fail; now and then all rules end.
 */
void world_memory(struct aero_port *port, uint64_t *random, uint64_t pages);

/* The guest wants pages back at once.  Returns how many it got, which the size agrees with. */
uint64_t world_relief(struct aero_balloon *b, uint64_t *random);

struct world; /* each program has its own */

/* Something that may happen in a step.  Chances are in 1024ths. */
struct world_event {
	uint16_t chance;
	void (*happen)(struct world *w);
};

/* Makes one of @events happen.  The last one's chance is 1024: what the others leave. */
void world_happen(struct world *w, uint64_t *random, const struct world_event *events);

/* A line of a world's course. */
void world_tell(uint64_t step, const char *format, va_list args);

#endif
