// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "life.h"

#include <string.h>

void life_begin(struct life *l, const uint8_t *data, size_t size)
{
	memset(l, 0, sizeof(*l));
	l->at = data;
	l->left = size;
	sim_create(&l->port, LIFE_PAGES, LIFE_BASE_PFN, 1);
}

uint64_t life_take(struct life *l, unsigned int bytes)
{
	uint64_t n = 0;

	while (bytes--) {
		n <<= 8;
		if (l->left) {
			n |= *l->at++;
			l->left--;
		}
	}
	return n;
}

uint64_t life_take_number(struct life *l)
{
	uint8_t n = (uint8_t)life_take(l, 1);

	if (n < 200)
		return (uint64_t)n * 8;
	return n < 220 ? life_take(l, 2) : life_take(l, 8);
}

struct aero_config life_config(uint8_t flavour)
{
	return (struct aero_config){
		.pace = {.period_ms = 1000,
			 .rate_max = 2048,
			 .rate_min = 512,
			 .rate_step = 16,
			 .slow_runs = 4,
			 .holdoff_ms = 5000},
		.large = flavour & 1,
		.split = flavour & 2,
		.remake = true,
	};
}

void life_step(struct life *l)
{
	struct aero_next next = aero_step(&l->b);

	if (next.kind != AERO_NEXT_NOW)
		l->port.now_ms += next.delay_ms;
}

void life_put_all_back(struct life *l)
{
	while (l->port.isolated.first)
		sim_putback(&l->port, l->port.isolated.first);
}

static void change_mood(struct life *l)
{
	struct sim_rule *rule = &l->port.rule[life_take(l, 1) % SIM_RULES];
	uint8_t bits = (uint8_t)life_take(l, 1);

	l->port.low_pages = (uint32_t)life_take(l, 1) * 8;
	l->port.spare_floor = (uint32_t)life_take(l, 1) * 8;
	*rule = (struct sim_rule){
		.effort = (uint8_t)(bits & 1 ? SIM_ANY : (bits >> 1) % AERO_EFFORTS),
		.order = (uint8_t)(bits & 4 ? SIM_ANY : (bits & 8 ? AERO_BLOCK_ORDER : 0)),
		.first = life_take(l, 1),
		.times = life_take(l, 1),
	};
	l->mood = bits;
}

static void migrate(struct life *l)
{
	aero_page *page = l->port.isolated.first;

	if (page && sim_migrate(&l->b, page) == AERO_MIGRATE_FAILED)
		sim_putback(&l->port, page);
}

void life_happen(struct life *l, uint8_t what)
{
	switch (what >> 4) {
	case 8:
		aero_relieve(&l->b, life_take_number(l));
		break;
	case 9:
		change_mood(l);
		break;
	case 10:
		sim_isolate(&l->port);
		break;
	case 11:
		migrate(l);
		break;
	case 12:
		if (l->port.isolated.first)
			sim_putback(&l->port, l->port.isolated.first);
		break;
	case 13:
		sim_guest_alloc(&l->port, what % SIM_ORDERS, what & 1);
		break;
	case 14:
		if (l->port.guest.first)
			sim_guest_free(&l->port, l->port.guest.first);
		break;
	default:
		life_step(l);
		break;
	}
}
