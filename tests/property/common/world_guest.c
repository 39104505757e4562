// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "world_guest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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

void world_memory(struct aero_port *port, uint64_t *random, uint64_t pages)
{
	struct sim_rule *rule = &port->rule[world_chance(random, SIM_RULES)];

	port->low_pages = (uint32_t)(world_chance(random, 2) ? world_chance(random, pages / 2) : 0);
	port->spare_floor =
		(uint32_t)(world_chance(random, 2) ? world_chance(random, pages / 2) : 0);
	*rule = (struct sim_rule){
		.effort = (uint8_t)(world_chance(random, 2) ? world_chance(random, AERO_EFFORTS)
							    : SIM_ANY),
		.order = (uint8_t)(world_chance(random, 2)
					   ? world_chance(random, 2) * AERO_BLOCK_ORDER
					   : SIM_ANY),
		.times = 1 + world_chance(random, 700),
	};
	/* Now and then, seldom or often; or all of the next ones. */
	if (world_chance(random, 2))
		rule->per_1024 = (uint16_t)(world_chance(random, 2) ? 1 + world_chance(random, 8)
								    : world_chance(random, 1025));
	else
		rule->first = 1 + world_chance(random, 600);
	/* An allocator that never fails again is of no use to the other half. */
	if (world_chance(random, 3) == 0)
		memset(port->rule, 0, sizeof(port->rule));
}

int world_migration(struct aero_balloon *b, uint64_t *random)
{
	aero_page *page = world_page(random, &b->port->isolated);
	enum aero_migration result;

	if (!page || world_chance(random, 3) == 0) {
		sim_isolate(b->port);
		return -1;
	}
	if (world_chance(random, 3) == 0) {
		sim_putback(b->port, page);
		return -1;
	}
	result = sim_migrate(b, page);
	if (result == AERO_MIGRATE_FAILED)
		sim_putback(b->port, page);
	return (int)result;
}

uint64_t world_relief(struct aero_balloon *b, uint64_t *random)
{
	static const uint64_t amounts[] = {1, 100, 513, 5000, UINT64_MAX};
	uint64_t size = b->size_pages;
	uint64_t got = aero_relieve(b, amounts[world_chance(random, 5)]);

	if (b->size_pages + got != size)
		sim_fail("relief of %" PRIu64 " pages, but the size fell by %" PRIu64, got,
			 size - b->size_pages);
	return got;
}

void world_happen(struct world *w, uint64_t *random, const struct world_event *events)
{
	uint64_t draw = world_chance(random, 1024);

	while (draw >= events->chance)
		draw -= events++->chance;
	events->happen(w);
}

void world_tell(uint64_t step, const char *format, va_list args)
{
	printf("# %" PRIu64 ": ", step);
	vprintf(format, args);
	putchar('\n');
}
