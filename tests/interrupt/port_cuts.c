// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The engine's calls to the port, with cuts.  The linker redirects them here (--wrap), so
 * the engine is the one that ships; calls inside the port are not redirected.
 */
#include <aerostat/balloon.h>

#include "cut.h"

unsigned int __real_aero_port_take(struct aero_port *port, unsigned int order,
				   enum aero_effort effort, aero_page **blocks, unsigned int n);
unsigned int __wrap_aero_port_take(struct aero_port *port, unsigned int order,
				   enum aero_effort effort, aero_page **blocks, unsigned int n);
unsigned int __real_aero_port_unhold(struct aero_port *port, enum aero_class class,
				     aero_page **blocks, unsigned int n);
unsigned int __wrap_aero_port_unhold(struct aero_port *port, enum aero_class class,
				     aero_page **blocks, unsigned int n);
uint64_t __real_aero_port_spare_pages(struct aero_port *port);
uint64_t __wrap_aero_port_spare_pages(struct aero_port *port);

/* How much of @n is left after a cut; 0 is a failure of all of it. */
static unsigned int cut_amount(enum cut_call call, unsigned int n)
{
	switch (cut_here(call)) {
	case CUT_NOTHING:
		return 0;
	case CUT_PARTIAL:
		return n / 2;
	default:
		return n;
	}
}

unsigned int __wrap_aero_port_take(struct aero_port *port, unsigned int order,
				   enum aero_effort effort, aero_page **blocks, unsigned int n)
{
	unsigned int most = cut_amount(CUT_TAKE, n);

	return most ? __real_aero_port_take(port, order, effort, blocks, most) : 0;
}

/* Only single pages can be isolated; of blocks the port always has all it was given. */
unsigned int __wrap_aero_port_unhold(struct aero_port *port, enum aero_class class,
				     aero_page **blocks, unsigned int n)
{
	unsigned int most = class == AERO_CLASS_PAGE ? cut_amount(CUT_UNHOLD, n) : n;

	return most ? __real_aero_port_unhold(port, class, blocks, most) : 0;
}

uint64_t __wrap_aero_port_spare_pages(struct aero_port *port)
{
	return cut_amount(CUT_SPARE, (unsigned int)__real_aero_port_spare_pages(port));
}
