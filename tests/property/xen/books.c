// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "world_guest.h"

void tell(const struct world *w, const char *format, ...)
{
	va_list args;

	if (!w->verbose)
		return;
	va_start(args, format);
	world_tell(w->steps, format, args);
	va_end(args);
}
uint64_t chance(struct world *w, uint64_t n)
{
	return world_chance(&w->random, n);
}

void see(struct world *w, unsigned int sight, uint64_t n)
{
	w->sights[sight] += n;
}

void check(struct world *w)
{
	const struct aero_counters *c = &w->b.counters;
	uint64_t due = c->pages_in - c->pages_out + w->adopted - w->abandoned - w->b.lent_pages;

	sim_xen_check(&w->xen, &w->b);
	if (w->x.strays)
		see(w, SIGHT_STRAYS, 1);
	if (w->verbose && w->xen.course[0])
		tell(w, "  %s", w->xen.course);
	w->xen.course[0] = 0;
	if (c->pages_popped)
		sim_fail("%" PRIu64 " pages were popped, with nothing behind them",
			 c->pages_popped);
	if (due != w->b.size_pages)
		sim_fail("the counters make a size of %" PRIu64 ", it is %" PRIu64, due,
			 w->b.size_pages);
	if (c->adopted_pages != w->adopted || c->abandoned_pages != w->abandoned)
		sim_fail("%" PRIu64 " adopted and %" PRIu64 " abandoned pages are miscounted",
			 w->adopted, w->abandoned);
	/* While memory is added the engine only counts what arrives. */
	if (w->b.coming_pages + w->added != w->coming + w->b.arrived_pages)
		sim_fail("%" PRIu64 " pages are to come, the engine counts %" PRIu64, w->coming,
			 w->b.coming_pages);
}
