// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The clamp between what the host wants and what the guest is asked for. */
#include "target.h"

void aero_books_target_init(struct aero_books_target *t, uint64_t ram_pages)
{
	*t = (struct aero_books_target){
		.ram_pages = ram_pages,
		.forced = AERO_BOOKS_NOT_FORCED,
		.told_max = UINT64_MAX,
	};
}

uint64_t aero_books_target_limit(const struct aero_books_target *t)
{
	return t->limit == 0 || t->limit > t->ram_pages ? t->ram_pages : t->limit;
}

static uint64_t clamp(const struct aero_books_target *t)
{
	uint64_t limit = aero_books_target_limit(t);
	uint64_t keep = limit / AERO_BOOKS_KEEP_FRACTION;
	uint64_t most;

	if (keep < AERO_BOOKS_KEEP_PAGES)
		keep = AERO_BOOKS_KEEP_PAGES;
	most = limit > keep ? limit - keep : 0;
	return t->wanted < most ? t->wanted : most;
}

bool aero_books_target_update(struct aero_books_target *t)
{
	uint64_t before = t->pages;

	t->pages = t->forced == AERO_BOOKS_NOT_FORCED ? clamp(t) : t->forced;
	/* The guest would drop the upper bits, and see a small target instead of a large one. */
	if (t->pages > t->told_max)
		t->pages = t->told_max;
	return t->pages != before;
}
