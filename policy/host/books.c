// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The host's books: what its guests have, what was promised to them, and what is free to be
 * promised.  Every rule goes through them, so that none promises more than there is.
 */
#include "internal.h"

/* A level is KiB for a weight of 1, in parts of so many bits. */
#define LEVEL_FRACTION 20
#define LEVEL_BITS     62

uint64_t aero_host_ratio(uint64_t n, uint64_t part, uint64_t whole)
{
	/* Never too much: the part is rounded down, and the whole up. */
	while (whole > ~(uint32_t)0 || part > ~(uint32_t)0) {
		whole = (whole >> 1) + (whole & 1);
		part >>= 1;
	}
	return whole ? aero_part(n, (uint32_t)part, (uint32_t)whole) : n;
}

uint64_t aero_host_min(const struct aero_host_guest *g)
{
	return aero_lesser(g->min_kib, g->max_kib);
}

uint64_t aero_host_weight(const struct aero_host_guest *g)
{
	return g->shares ? g->shares : 1;
}

uint64_t aero_host_has(const struct aero_host_guest *g)
{
	uint64_t otherwise = aero_host_known(g->resident_kib, g->max_kib);

	return aero_host_known(g->current_kib, aero_host_known(g->target_kib, otherwise));
}

uint64_t aero_host_asked(const struct aero_host_guest *g)
{
	return aero_host_between(aero_host_known(g->target_kib, aero_host_has(g)), aero_host_min(g),
				 g->max_kib);
}

uint64_t aero_host_promised(const struct aero_host_guest *g)
{
	uint64_t has = aero_host_has(g);

	if (g->mode == AERO_HOST_STARTING)
		return aero_greater(has, g->max_kib);
	if (aero_host_is_managed(g))
		return aero_greater(has, aero_host_asked(g));
	/* It may wake up and go where it was asked to go. */
	return aero_greater(has, aero_host_known(g->target_kib, 0));
}

/* What is taken from the host's free memory without anybody being asked again. */
static void count_guests(const struct aero_host_guest *guests, size_t count,
			 struct aero_host_books *books, uint64_t *growing)
{
	size_t i;

	for (i = 0; i < count; i++) {
		const struct aero_host_guest *g = &guests[i];
		uint64_t has = aero_host_has(g), promised = aero_host_promised(g);

		books->promised_kib = aero_sum(books->promised_kib, promised);
		*growing = aero_sum(*growing, promised - has);
		if (!aero_host_is_managed(g))
			books->others_kib = aero_sum(books->others_kib, promised);
		else
			books->coming_kib =
				aero_sum(books->coming_kib, aero_less(has, aero_host_asked(g)));
	}
}

void aero_host_count(const struct aero_host_figures *host, const struct aero_host_guest *guests,
		     size_t count, uint64_t kept_kib, struct aero_host_books *books)
{
	uint64_t kept = aero_sum(aero_sum(host->reserve_kib, host->room_kib), kept_kib);
	uint64_t growing = 0, wanted, there;

	*books = (struct aero_host_books){
		.guests_kib = aero_less(host->total_kib, aero_sum(kept, host->overhead_kib)),
	};
	count_guests(guests, count, books, &growing);
	books->free_kib = aero_less(books->guests_kib, books->promised_kib);
	books->short_kib =
		aero_less(books->promised_kib, aero_sum(books->guests_kib, books->coming_kib));
	if (host->available_kib == AERO_HOST_UNKNOWN)
		return;
	/* What really is free may be less than what the books say: the host itself uses memory. */
	wanted = aero_sum(kept, growing);
	there = aero_sum(host->available_kib, books->coming_kib);
	books->free_kib = aero_lesser(books->free_kib, aero_less(host->available_kib, wanted));
	books->short_kib = aero_greater(books->short_kib, aero_less(wanted, there));
}

uint64_t aero_host_level(uint64_t (*sum)(const void *of, uint64_t level), const void *of,
			 uint64_t most)
{
	uint64_t level = 0;
	int bit;

	for (bit = LEVEL_BITS - 1; bit >= 0; bit--)
		if (sum(of, level | (uint64_t)1 << bit) <= most)
			level |= (uint64_t)1 << bit;
	return level;
}

uint64_t aero_host_part(uint64_t level, uint64_t weight)
{
	return aero_product(level, (uint32_t)weight) >> LEVEL_FRACTION;
}

void aero_host_hold(const struct aero_host_guest *g, struct aero_host_decision *d)
{
	d->need_kib = AERO_HOST_UNKNOWN;
	if (!aero_host_is_managed(g)) {
		d->target_kib = g->target_kib;
		d->reason = AERO_HOST_LEFT_ALONE;
		return;
	}
	d->target_kib = aero_host_asked(g);
	d->reason = AERO_HOST_KEEPS;
}

/* Of a guest that was granted what is in the decision, and had wished for @wish. */
static enum aero_host_reason reason_of(const struct aero_host_figures *host,
				       const struct aero_host_guest *g, uint64_t target,
				       uint64_t wish)
{
	uint64_t asked = aero_host_asked(g);

	if (target < wish)
		return AERO_HOST_WAITS;
	if (target > asked)
		return AERO_HOST_GROWS_SPARE;
	if (target < asked)
		return host->room_kib ? AERO_HOST_SHRINKS_ROOM : AERO_HOST_SHRINKS_SHARE;
	if (target == g->max_kib)
		return AERO_HOST_AT_MAX;
	return target == aero_host_min(g) ? AERO_HOST_AT_MIN : AERO_HOST_KEEPS;
}

void aero_host_settle(const struct aero_host_figures *host, const struct aero_host_guest *guests,
		      size_t count, struct aero_host_decision *decisions)
{
	struct aero_host_books books;
	uint64_t wishes = 0, wish, promised;
	size_t i;

	aero_host_count(host, guests, count, 0, &books);
	for (i = 0; i < count; i++) {
		struct aero_host_decision *d = &decisions[i];

		if (!aero_host_is_managed(&guests[i])) {
			aero_host_hold(&guests[i], d);
			continue;
		}
		d->target_kib = aero_host_between(d->target_kib, aero_host_min(&guests[i]),
						  guests[i].max_kib);
		wishes = aero_sum(wishes, aero_less(d->target_kib, aero_host_promised(&guests[i])));
	}
	for (i = 0; i < count; i++) {
		struct aero_host_decision *d = &decisions[i];

		if (!aero_host_is_managed(&guests[i]))
			continue;
		wish = d->target_kib;
		promised = aero_host_promised(&guests[i]);
		if (wish > promised && wishes > books.free_kib)
			d->target_kib =
				promised + aero_host_ratio(wish - promised, books.free_kib, wishes);
		/* What rounding or a promise above the limit leaves. */
		d->target_kib = aero_lesser(d->target_kib, wish);
		d->reason = reason_of(host, &guests[i], d->target_kib, wish);
	}
}

bool aero_host_is_due(uint32_t *passed_ms, uint32_t every_ms, const struct aero_host_figures *host,
		      const struct aero_host_guest *guests, size_t count,
		      struct aero_host_decision *decisions)
{
	bool due;
	size_t i;

	/* The first step is due: a state of zeroes has waited for ever. */
	due = !*passed_ms || aero_sum(*passed_ms - 1, host->interval_ms) >= every_ms;
	*passed_ms = due ? 1 : (uint32_t)(*passed_ms + host->interval_ms);
	for (i = 0; i < count && !due; i++)
		aero_host_hold(&guests[i], &decisions[i]);
	return due;
}
