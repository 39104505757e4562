// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "world_guest.h"

/* splitmix64 */
uint64_t world_chance(uint64_t *random, uint64_t n)
{
	uint64_t x = *random += 0x9e3779b97f4a7c15ULL;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return (x ^ (x >> 31)) % n;
}

aero_page *world_page(uint64_t *random, const struct sim_list *list)
{
	aero_page *page = list->first;
	uint64_t skip = world_chance(random, 16);

	while (page && page->next && skip--)
		page = page->next;
	return page;
}

void world_guest(struct aero_port *port, uint64_t *random, uint64_t pages)
{
	const struct sim_list *list = world_chance(random, 2) ? &port->guest : &port->cache;
	aero_page *page = world_page(random, list);
	unsigned int n = (unsigned int)world_chance(random, 64);
	bool cache;

	switch (world_chance(random, 4)) {
	case 0:
		if (page)
			sim_guest_verify(port, page);
		if (page)
			sim_guest_rewrite(port, page);
		break;
	case 1:
		while (n-- && list->first)
			sim_guest_free(port, list->first);
		break;
	case 2:
		sim_guest_alloc(port, (unsigned int)world_chance(random, SIM_ORDERS), false);
		break;
	default:
		while (n-- && sim_free_pages(port) > pages / 8) {
			cache = world_chance(random, 2);
			sim_guest_alloc(port, (unsigned int)world_chance(random, 3), cache);
		}
		break;
	}
}
