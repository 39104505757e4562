// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What a guest needs, from what it says of itself.  How much of its page cache it needs nobody
 * says; it shows when it has too little of it, and then it is remembered for a while.
 */
#include "shares.h"

#define NEVER		     (~(uint32_t)0)
#define SECOND_MS	     1000U
#define PAGE_KIB	     4U

/* Time constants with which a jump, and cache that was needed, are forgotten. */
#define JUMP_MS		     1800000U
#define CACHE_MS	     1200000U

/* Under pressure a guest grows by this part of its size, doubled with each step in a row. */
#define RISING_SHIFT	     5U
#define RISING_MAX	     6U

/* Of a guest that says nothing: all is touched but this part, and then it may grow by this. */
#define TOUCHED_SHIFT	     4U
#define UNKNOWN_GROWTH_SHIFT 3U

/* After so many quiet times without pressure the quiet time is halved. */
#define LONG_AGO	     8U

static uint32_t add_ms(uint32_t a, uint32_t b)
{
	return a > NEVER - b ? NEVER : a + b;
}

/* The figures, with what is unknown or contradicts the rest replaced by what is safe. */
struct view {
	uint64_t has, used, unused, usable;
	uint64_t cache;	  /* reclaimable */
	uint64_t fetched; /* read again from disk or swap */
	uint64_t headroom;
	bool pressure;
};

static bool is_rate(uint64_t events, uint32_t per_s, uint32_t step_ms)
{
	return events && aero_part(events, SECOND_MS, step_ms) >= per_s;
}

/* Signs that the taking itself may cause only mean something in a guest that is not shrinking. */
static bool is_pressed(const struct aero_shares_config *c, const struct aero_host_guest *g,
		       uint32_t step_ms, uint64_t fetched)
{
	bool shrinking = aero_host_asked(g) < aero_host_has(g);

	if (is_rate(aero_quotient(fetched, PAGE_KIB), c->faults_per_s, step_ms))
		return true;
	if (shrinking)
		return false;
	if (g->some_permille != AERO_POLICY_UNKNOWN)
		return g->some_permille && g->some_permille >= c->stall_permille;
	return is_rate(aero_quotient(aero_host_known(g->swap_out_kib, 0), PAGE_KIB),
		       c->faults_per_s, step_ms);
}

static bool has_statistics(const struct aero_shares_config *c, const struct aero_host_guest *g)
{
	return g->statistics_age_ms <= c->stale_ms &&
	       (g->usable_kib != AERO_HOST_UNKNOWN || g->unused_kib != AERO_HOST_UNKNOWN);
}

/*
 * Fills the view.  Statistics that were taken before the guest had grown to its size now belong to
 * the size it had then; else what it was given would look like use.
 */
static void view_of(const struct aero_shares_config *c, const struct aero_host_guest *g,
		    uint32_t step_ms, const struct aero_shares_guest *s, struct view *v)
{
	uint64_t files = aero_product(aero_host_known(g->major_faults, 0), PAGE_KIB);
	uint64_t had;

	v->has = aero_host_has(g);
	v->unused = aero_lesser(aero_host_known(g->unused_kib, 0), v->has);
	v->usable = aero_host_known(g->usable_kib,
				    aero_sum(v->unused, aero_host_known(g->cache_kib, 0)));
	v->usable = aero_lesser(v->usable, v->has);
	v->unused = aero_lesser(v->unused, v->usable);
	v->cache = v->usable - v->unused;
	had = s->seen && g->statistics_age_ms > step_ms / 2 ? aero_lesser(s->has_kib, v->has)
							    : v->has;
	v->used = aero_less(had, v->usable);
	/* A page from swap is a major fault as well. */
	v->fetched = aero_greater(files, aero_host_known(g->swap_in_kib, 0));
	v->fetched = aero_lesser(v->fetched, v->has);
	v->headroom = aero_greater(aero_part(v->used, c->headroom_permille, 1000),
				   (uint64_t)c->headroom_mb * AERO_MIB_KIB);
	v->pressure = is_pressed(c, g, step_ms, v->fetched);
}

/*
 * What it says nothing about: what it has touched is taken for needed, and if that is nearly all it
 * has, it may need more.
 */
static void look_from_outside(const struct aero_host_guest *g, struct aero_shares_guest *s)
{
	uint64_t has = aero_host_has(g);
	uint64_t touched = aero_lesser(aero_host_known(g->resident_kib, has), has);

	s->need_kib = touched;
	if (touched >= has - (has >> TOUCHED_SHIFT))
		s->need_kib = aero_sum(has, has >> UNKNOWN_GROWTH_SHIFT);
	s->comfort_kib = aero_sum(s->need_kib, s->need_kib >> UNKNOWN_GROWTH_SHIFT);
	s->easy_kib = s->comfort_kib;
}

/* Pressure is answered by growth, more with each step that did not help, and remembered. */
static uint64_t answer(const struct aero_shares_config *c, const struct view *v,
		       const struct aero_host_guest *g, struct aero_shares_guest *s)
{
	uint64_t more = aero_product(v->fetched, 2), files;

	/* While much is free memory is not the cause, or it has arrived only just now. */
	if (v->unused > aero_sum(v->headroom, v->has >> RISING_SHIFT)) {
		s->rising = 0;
		return 0;
	}
	if (s->rising < RISING_MAX)
		s->rising++;
	if (s->swapped_kib)
		more = aero_greater(more, s->swapped_kib);
	else
		more = aero_greater(more, aero_shifted(v->has >> RISING_SHIFT, s->rising - 1));
	files = aero_less(v->fetched, aero_host_known(g->swap_in_kib, 0));
	if (files)
		s->cache_kib =
			aero_greater(s->cache_kib, aero_sum(v->cache, aero_product(files, 2)));
	if (s->since_shrink_ms <= s->quiet_ms) {
		s->quiet_ms = s->quiet_ms > c->quiet_max_ms / 2 ? c->quiet_max_ms : s->quiet_ms * 2;
		s->since_shrink_ms = NEVER;
	}
	s->quiet_left_ms = s->quiet_ms;
	s->calm_ms = 0;
	return aero_sum(v->has, more);
}

/*
 * What is in swap is part of what the guest uses.  Processes that end free it without a trace, so
 * it counts only until the swapping has ended and memory is free.
 */
static void count_swap(const struct view *v, const struct aero_host_guest *g,
		       struct aero_shares_guest *s)
{
	uint64_t out = aero_host_known(g->swap_out_kib, 0), in = aero_host_known(g->swap_in_kib, 0);

	s->swapped_kib = aero_less(aero_sum(s->swapped_kib, out), in);
	s->swapped_kib = aero_lesser(s->swapped_kib, g->max_kib);
	if (!in && !out && v->unused > v->headroom)
		s->swapped_kib = 0;
}

static void calm_down(const struct aero_shares_config *c, uint32_t step_ms,
		      struct aero_shares_guest *s)
{
	s->rising = 0;
	s->quiet_left_ms = s->quiet_left_ms > step_ms ? s->quiet_left_ms - step_ms : 0;
	s->calm_ms = add_ms(s->calm_ms, step_ms);
	if (s->quiet_ms > c->quiet_ms && s->calm_ms / LONG_AGO >= s->quiet_ms) {
		s->quiet_ms = s->quiet_ms / 2 > c->quiet_ms ? s->quiet_ms / 2 : c->quiet_ms;
		s->calm_ms = 0;
	}
	if (!s->quiet_left_ms)
		s->cache_kib -= aero_part(s->cache_kib, step_ms, CACHE_MS);
}

/*
 * By how much use may grow before the next step: as much as it did in this one, if it grew in the
 * one before as well; a single jump counts half.
 */
static uint64_t expected(const struct view *v, struct aero_shares_guest *s, uint32_t step_ms)
{
	uint64_t rise = s->seen ? aero_less(v->used, s->used_kib) : 0;
	uint64_t more = s->rise_kib ? rise : rise / 2;

	s->jump_kib -= aero_part(s->jump_kib, step_ms, JUMP_MS);
	s->jump_kib = aero_greater(s->jump_kib, rise);
	s->rise_kib = rise;
	s->used_kib = v->used;
	return more;
}

static void start(const struct aero_shares_config *c, struct aero_shares_guest *s)
{
	if (s->seen)
		return;
	s->quiet_ms = c->quiet_ms;
	s->since_shrink_ms = NEVER;
}

void aero_shares_look(const struct aero_shares_config *c, uint32_t step_ms,
		      const struct aero_host_guest *g, struct aero_shares_guest *s)
{
	uint64_t least = aero_host_min(g), more;
	struct view v;

	if (step_ms > CACHE_MS)
		step_ms = CACHE_MS;
	start(c, s);
	s->since_shrink_ms = add_ms(s->since_shrink_ms, step_ms);
	if (has_statistics(c, g)) {
		view_of(c, g, step_ms, s, &v);
		s->has_kib = v.has;
		more = aero_sum(v.headroom, expected(&v, s, step_ms));
		s->need_kib = 0;
		count_swap(&v, g, s);
		if (v.pressure)
			s->need_kib = answer(c, &v, g, s);
		else
			calm_down(c, step_ms, s);
		s->need_kib =
			aero_greater(s->need_kib, aero_sum(aero_sum(v.used, more), s->cache_kib));
		s->comfort_kib = aero_sum(s->need_kib, aero_less(s->jump_kib, more));
		s->easy_kib = aero_greater(s->comfort_kib,
					   aero_less(v.has, aero_less(v.unused, v.headroom)));
		s->seen = true;
	} else if (!s->seen) {
		look_from_outside(g, s);
	}
	/* Statistics that have become stale: what was thought last is still thought. */
	s->need_kib = aero_host_between(s->need_kib, least, g->max_kib);
	s->comfort_kib = aero_host_between(s->comfort_kib, s->need_kib, g->max_kib);
	s->easy_kib = aero_host_between(s->easy_kib, s->comfort_kib, g->max_kib);
}

void aero_shares_shrank(struct aero_shares_guest *s)
{
	s->since_shrink_ms = 0;
}

void aero_shares_grew(const struct aero_shares_config *c, struct aero_shares_guest *s)
{
	if (s->since_shrink_ms <= s->quiet_ms) {
		s->quiet_ms = s->quiet_ms > c->quiet_max_ms / 2 ? c->quiet_max_ms : s->quiet_ms * 2;
		s->since_shrink_ms = NEVER;
	}
	s->quiet_left_ms = s->quiet_ms;
	s->calm_ms = 0;
}
