// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Xen under a PVH or PV guest, with cuts around the simulation in sim_xen.c. */
#include "world.h"

/* An error, an amount beyond anything asked, and a target beyond any guest. */
#define ERRNO_NO_MEMORY 12
#define FAR_TOO_MUCH	1000

static long memory_op(void *ctx, enum aero_xen_op op, uint64_t *frames, uint32_t extents,
		      uint32_t order)
{
	struct world *w = ctx;
	struct sim_xen_rule *rule = &w->xen.rule[0];

	*rule = (struct sim_xen_rule){.order = SIM_ANY, .times = 1};
	switch (cut_here(op == AERO_XEN_POPULATE_PHYSMAP ? CUT_POPULATE : CUT_DECREASE)) {
	case CUT_FAILED:
		rule->what = SIM_XEN_ERROR;
		rule->amount = ERRNO_NO_MEMORY;
		break;
	case CUT_NOTHING:
		rule->what = SIM_XEN_PARTIAL;
		break;
	case CUT_PARTIAL:
		rule->what = SIM_XEN_PARTIAL;
		rule->amount = extents / 2;
		break;
	case CUT_TOO_MUCH:
		rule->what = SIM_XEN_MORE;
		rule->amount = FAR_TOO_MUCH;
		break;
	default:
		break;
	}
	/* Its record of calls is for tests that read it. */
	w->xen.course[0] = 0;
	return w->xen.guest.memory_op(&w->xen, op, frames, extents, order);
}

static uint64_t wanted_pages(void *ctx)
{
	struct world *w = ctx;

	switch (cut_here(CUT_WANTED)) {
	case CUT_NOTHING:
		return 0;
	case CUT_TOO_MUCH:
		return UINT64_MAX;
	default:
		return w->xen.guest.wanted_pages(&w->xen);
	}
}

static uint64_t beyond_pages(void *ctx)
{
	struct world *w = ctx;

	return w->xen.guest.beyond_pages(&w->xen);
}

static void left(void *ctx, aero_page *block, uint32_t order)
{
	struct world *w = ctx;

	w->xen.guest.left(&w->xen, block, order);
}

static void came_back(void *ctx, aero_page *block, uint32_t order)
{
	struct world *w = ctx;

	w->xen.guest.came_back(&w->xen, block, order);
}

static void scrub(void *ctx, aero_page *block, uint32_t order)
{
	struct world *w = ctx;

	w->xen.guest.scrub(&w->xen, block, order);
}

static bool unmap(void *ctx, aero_page **pages, uint32_t n, uint64_t *frames)
{
	struct world *w = ctx;

	w->xen.fail_unmaps = cut_here(CUT_UNMAP) == CUT_FAILED;
	return w->xen.guest.unmap(&w->xen, pages, n, frames);
}

static bool map(void *ctx, aero_page **pages, uint32_t n, const uint64_t *frames)
{
	struct world *w = ctx;

	w->xen.fail_maps = cut_here(CUT_MAP) == CUT_FAILED;
	return w->xen.guest.map(&w->xen, pages, n, frames);
}

static void stay(void *ctx, bool on)
{
	struct world *w = ctx;

	w->xen.guest.stay(&w->xen, on);
}

void xen_guest_init(struct world *w)
{
	bool pv = w->setting->pv;

	w->xen_guest = (struct aero_xen_guest){
		.memory_op = memory_op,
		.wanted_pages = wanted_pages,
		.beyond_pages = beyond_pages,
		.left = left,
		.came_back = came_back,
		.scrub = scrub,
		.unmap = pv ? unmap : NULL,
		.map = pv ? map : NULL,
		.stay = pv ? stay : NULL,
	};
}
