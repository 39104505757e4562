// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Our own rule for hosts.  Each guest gets what it needs at once, from a pool that is kept free
 * for that.  Memory is taken only when the pool or the host is short, from those that miss it
 * least: free memory first, then page cache that nobody was seen to need, then comfort.  If there
 * is not enough for what all need, shares decide.  Nothing else moves a guest.
 * docs/design/host-policy.md explains each rule.
 */
#include "shares.h"

/* The pool follows the largest growth that was wanted in a step, forgotten in so long. */
#define SURGE_MS	 1800000U
/* A growth below this part of a guest is not worth it; nor is taking so little. */
#define GROW_BAND_SHIFT	 6U
#define TAKE_BAND_SHIFT	 5U
#define SPARE_BAND_SHIFT 4U
/* When others wait, this part of a guest may be taken as cache in one step. */
#define URGENT_SHIFT	 3U
/* While the host stalls, so much more of it is kept free in each step, and at most; a shift. */
#define STALL_SHIFT	 7U
#define STALL_MAX_SHIFT	 3U
#define STALL_CALM_MS	 300000U

struct host_state {
	uint64_t surge_kib;
	uint64_t stall_kib; /* kept free because the host stalled */
	bool filling;	    /* the pool */
	uint64_t spare_kib; /* the least that was spare since the window began */
	uint32_t spare_passed_ms;
};

struct plan {
	const struct aero_shares_config *config;
	const struct aero_host_figures *host;
	const struct aero_host_guest *guests;
	struct aero_shares_guest *const *states;
	struct aero_host_decision *decisions;
	size_t count;
	uint32_t step_ms;
	struct aero_host_books books;
	uint64_t low_kib, high_kib; /* marks of the pool */
	uint64_t needs_kib;	    /* all needs together */
	uint64_t wishes_kib;	    /* growth that is wanted, beyond what is promised */
	uint64_t granted_kib;	    /* of it */
};

static bool is_managed(const struct plan *p, size_t i)
{
	return aero_host_is_managed(&p->guests[i]);
}

/* -- levels ------------------------------------------------------------------------------- */

struct measure {
	const struct plan *plan;
	/* What a managed guest gets at a level. */
	uint64_t (*of)(const struct plan *p, size_t i, uint64_t level);
};

static uint64_t sum_at(const void *measure, uint64_t level)
{
	const struct measure *m = measure;
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < m->plan->count; i++)
		if (is_managed(m->plan, i))
			sum = aero_sum(sum, m->of(m->plan, i, level));
	return sum;
}

/* The highest level at which all managed guests together get no more than @most. */
static uint64_t level_of(const struct plan *p,
			 uint64_t (*of)(const struct plan *p, size_t i, uint64_t level),
			 uint64_t most)
{
	const struct measure m = {p, of};

	return aero_host_level(sum_at, &m, most);
}

/* -- looking ------------------------------------------------------------------------------ */

/* The host comes first: while it stalls, guests have to leave it more and more. */
static void look_at_host(const struct plan *p, struct host_state *h)
{
	const struct aero_host_figures *f = p->host;
	uint32_t limit = p->config->stall_permille;
	bool some = f->some_permille != AERO_POLICY_UNKNOWN && f->some_permille / 4 >= limit;
	bool full = f->full_permille != AERO_POLICY_UNKNOWN && f->full_permille >= limit;

	if (some || full)
		h->stall_kib = aero_sum(h->stall_kib, f->total_kib >> STALL_SHIFT);
	else
		h->stall_kib -= aero_part(h->stall_kib, p->step_ms, STALL_CALM_MS);
	h->stall_kib = aero_lesser(h->stall_kib, f->total_kib >> STALL_MAX_SHIFT);
}

static void look_at_guests(struct plan *p)
{
	size_t i;

	for (i = 0; i < p->count; i++) {
		struct aero_shares_guest *s = p->states[i];

		aero_host_hold(&p->guests[i], &p->decisions[i]);
		if (!is_managed(p, i))
			continue;
		aero_shares_look(p->config, p->step_ms, &p->guests[i], s);
		s->weight = aero_host_weight(&p->guests[i]);
		s->hold_kib = aero_host_asked(&p->guests[i]);
		p->decisions[i].need_kib = s->need_kib;
		p->needs_kib = aero_sum(p->needs_kib, s->need_kib);
	}
}

/* -- shares: what each may have if there is not enough for all needs ------------------------ */

static uint64_t share_at(const struct plan *p, size_t i, uint64_t level)
{
	const struct aero_shares_guest *s = p->states[i];

	return aero_host_between(aero_host_part(level, s->weight), aero_host_min(&p->guests[i]),
				 s->need_kib);
}

static void set_limits(struct plan *p)
{
	uint64_t budget = aero_less(p->books.guests_kib, p->books.others_kib), level = 0;
	bool enough = p->needs_kib <= budget;
	size_t i;

	if (!enough)
		level = level_of(p, share_at, budget);
	for (i = 0; i < p->count; i++)
		if (is_managed(p, i))
			p->states[i]->limit_kib = enough ? p->states[i]->need_kib
							 : share_at(p, i, level);
}

/* -- growth ------------------------------------------------------------------------------- */

/* How much more than was promised a guest should get, so that it has what it needs. */
static uint64_t wish_of(const struct plan *p, size_t i)
{
	const struct aero_shares_guest *s = p->states[i];

	return aero_less(s->limit_kib, aero_host_promised(&p->guests[i]));
}

static bool is_short(const struct aero_shares_guest *s)
{
	return s->limit_kib > s->hold_kib &&
	       s->limit_kib - s->hold_kib > s->hold_kib >> GROW_BAND_SHIFT;
}

static uint64_t grant_at(const struct plan *p, size_t i, uint64_t level)
{
	const struct aero_shares_guest *s = p->states[i];

	return is_short(s) ? aero_lesser(wish_of(p, i), aero_host_part(level, s->weight)) : 0;
}

/* What was asked back and has not come yet may be left with a guest that needs it after all. */
static void grow(struct plan *p)
{
	uint64_t level = 0, grant, promised;
	bool enough;
	size_t i;

	for (i = 0; i < p->count; i++)
		if (is_managed(p, i) && is_short(p->states[i]))
			p->wishes_kib = aero_sum(p->wishes_kib, wish_of(p, i));
	enough = p->wishes_kib <= p->books.free_kib;
	if (!enough)
		level = level_of(p, grant_at, p->books.free_kib);
	for (i = 0; i < p->count; i++) {
		struct aero_shares_guest *s = p->states[i];

		if (!is_managed(p, i) || !is_short(s))
			continue;
		grant = wish_of(p, i);
		if (!enough)
			grant = aero_lesser(grant, aero_host_part(level, s->weight));
		promised = aero_host_promised(&p->guests[i]);
		p->books.coming_kib =
			aero_less(p->books.coming_kib,
				  aero_less(aero_lesser(promised, s->limit_kib), s->hold_kib));
		p->granted_kib = aero_sum(p->granted_kib, grant);
		p->decisions[i].target_kib = aero_lesser(aero_sum(promised, grant), s->limit_kib);
		p->decisions[i].reason = p->decisions[i].target_kib < s->limit_kib
						 ? AERO_HOST_WAITS
						 : AERO_HOST_GROWS_TO_NEED;
		aero_shares_grew(p->config, s);
	}
}

/* -- taking -------------------------------------------------------------------------------- */

enum taking { ROUND_FREE, ROUND_CACHE, ROUND_COMFORT, ROUND_SHARE, ROUNDS };

/*
 * How far a guest may be taken down in a round.  Without need it goes slowly, by time constants,
 * and not soon after the guest has grown.
 */
static uint64_t floor_of(const struct plan *p, const struct aero_shares_guest *s, enum taking round,
			 bool urgent, uint64_t hold)
{
	const struct aero_shares_config *c = p->config;
	uint64_t floor, rate;

	switch (round) {
	case ROUND_FREE:
		floor = s->easy_kib;
		break;
	case ROUND_CACHE:
		floor = s->comfort_kib;
		break;
	case ROUND_COMFORT:
		floor = s->need_kib;
		break;
	default:
		floor = s->limit_kib;
		break;
	}
	floor = aero_lesser(floor, hold);
	/* The host's own shortage ends for good; one guest's against another's nearly. */
	if (round == ROUND_SHARE && p->books.short_kib)
		return floor;
	if (hold - floor <= hold >> TAKE_BAND_SHIFT || (!urgent && s->quiet_left_ms))
		return hold;
	if (urgent)
		rate = round == ROUND_CACHE ? hold >> URGENT_SHIFT : hold;
	else
		rate = aero_part(hold - floor, p->step_ms,
				 round == ROUND_FREE ? c->free_return_ms : c->cache_return_ms);
	return aero_greater(floor, aero_less(hold, rate));
}

/* Who has the most above its floor, for its shares, gives first: few guests move. */
static uint64_t left_with(const struct plan *p, size_t i, uint64_t level)
{
	const struct aero_shares_guest *s = p->states[i];

	return aero_host_between(aero_sum(s->floor_kib, aero_host_part(level, s->weight)),
				 s->floor_kib, p->decisions[i].target_kib);
}

static enum aero_host_reason why_less(const struct plan *p, enum taking round)
{
	if (p->host->room_kib)
		return AERO_HOST_SHRINKS_ROOM;
	if (p->books.short_kib)
		return AERO_HOST_SHRINKS_HOST;
	return round == ROUND_SHARE ? AERO_HOST_SHRINKS_SHARE : AERO_HOST_SHRINKS_SPARE;
}

/* Takes up to @wanted from the guests in this round.  Returns what it did not get. */
static uint64_t take(struct plan *p, enum taking round, bool urgent, uint64_t wanted)
{
	uint64_t have = 0, least = 0, level = 0, left;
	size_t i;

	for (i = 0; i < p->count && wanted; i++) {
		struct aero_shares_guest *s = p->states[i];
		uint64_t hold = p->decisions[i].target_kib;

		if (!is_managed(p, i))
			continue;
		/* Nobody gives who just got, nor beyond what it has. */
		s->floor_kib = hold > s->hold_kib ? hold : floor_of(p, s, round, urgent, hold);
		have = aero_sum(have, hold);
		least = aero_sum(least, s->floor_kib);
	}
	if (!wanted || have <= least)
		return wanted;
	if (have - least > wanted)
		level = level_of(p, left_with, have - wanted);
	for (i = 0; i < p->count; i++) {
		if (!is_managed(p, i))
			continue;
		left = left_with(p, i, level);
		if (left >= p->decisions[i].target_kib)
			continue;
		wanted = aero_less(wanted, p->decisions[i].target_kib - left);
		p->decisions[i].target_kib = left;
		p->decisions[i].reason = why_less(p, round);
		aero_shares_shrank(p->states[i]);
	}
	return wanted;
}

/* -- the pool and what is spare --------------------------------------------------------------- */

static void set_marks(struct plan *p, struct host_state *h)
{
	const struct aero_shares_config *c = p->config;
	uint64_t total = p->host->total_kib;

	h->surge_kib -= aero_part(h->surge_kib, p->step_ms, SURGE_MS);
	h->surge_kib = aero_greater(h->surge_kib, p->wishes_kib);
	p->low_kib = aero_host_between(h->surge_kib, aero_part(total, c->pool_permille, 1000),
				       aero_part(total, c->pool_max_permille, 1000));
	h->surge_kib = aero_lesser(h->surge_kib, p->low_kib);
	p->high_kib = aero_sum(p->low_kib, p->low_kib / 2);
}

/* Who waits is served first and quickly; then the pool is filled, slowly. */
static void reclaim(struct plan *p, struct host_state *h)
{
	uint64_t left = aero_less(p->books.free_kib, p->granted_kib);
	uint64_t waits = p->wishes_kib - aero_lesser(p->granted_kib, p->wishes_kib);
	uint64_t urgent = aero_less(waits, p->books.coming_kib), wanted = 0;
	uint64_t soon = aero_less(aero_sum(left, p->books.coming_kib), waits);
	int round;

	urgent = aero_greater(urgent, p->books.short_kib);
	if (soon < p->low_kib || urgent)
		h->filling = true;
	else if (soon >= p->high_kib)
		h->filling = false;
	if (h->filling)
		wanted = aero_less(p->high_kib, soon);
	for (round = ROUND_FREE; round < ROUNDS; round++)
		urgent = take(p, (enum taking)round, true, urgent);
	for (round = ROUND_FREE; round < ROUND_COMFORT; round++)
		wanted = take(p, (enum taking)round, false, wanted);
}

static uint64_t with_spare(const struct plan *p, size_t i, uint64_t level)
{
	const struct aero_shares_guest *s = p->states[i];
	uint64_t hold = p->decisions[i].target_kib, size;

	size = aero_sum(s->comfort_kib, aero_host_part(level, s->weight));
	size = aero_lesser(size, p->guests[i].max_kib);
	return size <= hold || size - hold <= hold >> SPARE_BAND_SHIFT ? hold : size;
}

static uint64_t spare_at(const struct plan *p, size_t i, uint64_t level)
{
	return aero_less(with_spare(p, i, level), aero_host_promised(&p->guests[i]));
}

/* Only what was spare for a long time is given away: else it would have to be taken again. */
static void share_spare(struct plan *p, struct host_state *h)
{
	uint64_t left = aero_less(p->books.free_kib, p->granted_kib), spare, level, size;
	size_t i;

	spare = h->filling || p->books.short_kib ? 0 : aero_less(left, p->high_kib);
	if (!h->spare_passed_ms)
		h->spare_kib = spare;
	h->spare_kib = aero_lesser(h->spare_kib, spare);
	h->spare_passed_ms += p->step_ms ? p->step_ms : 1;
	if (h->spare_passed_ms < p->config->spare_ms)
		return;
	h->spare_passed_ms = 0;
	if (!h->spare_kib)
		return;
	level = level_of(p, spare_at, h->spare_kib);
	for (i = 0; i < p->count; i++) {
		if (!is_managed(p, i))
			continue;
		size = with_spare(p, i, level);
		if (size <= p->decisions[i].target_kib)
			continue;
		p->decisions[i].target_kib = size;
		p->decisions[i].reason = AERO_HOST_GROWS_SPARE;
	}
}

/* -- the step ---------------------------------------------------------------------------------- */

static void explain(struct plan *p)
{
	size_t i;

	for (i = 0; i < p->count; i++) {
		struct aero_host_decision *d = &p->decisions[i];

		if (d->reason != AERO_HOST_KEEPS)
			continue;
		if (d->target_kib == p->guests[i].max_kib)
			d->reason = AERO_HOST_AT_MAX;
		else if (d->target_kib == aero_host_min(&p->guests[i]))
			d->reason = AERO_HOST_AT_MIN;
	}
}

static void step(const void *config, void *host_state, const struct aero_host_figures *host,
		 const struct aero_host_guest *guests, void *const *guest_states, size_t count,
		 struct aero_host_decision *decisions)
{
	struct host_state *h = host_state;
	struct plan p = {
		.config = config,
		.host = host,
		.guests = guests,
		.states = (struct aero_shares_guest *const *)guest_states,
		.decisions = decisions,
		.count = count,
		.step_ms = host->interval_ms,
	};

	/* A clock that was put forward must not make everything move at once. */
	if (p.step_ms > p.config->free_return_ms)
		p.step_ms = p.config->free_return_ms;
	look_at_host(&p, h);
	aero_host_count(host, guests, count, h->stall_kib, &p.books);
	look_at_guests(&p);
	set_limits(&p);
	grow(&p);
	set_marks(&p, h);
	reclaim(&p, h);
	share_spare(&p, h);
	explain(&p);
}

#define AT(member) offsetof(struct aero_shares_config, member)

static const struct aero_policy_option options[] = {
	{"headroom-permille", "per mille", "of what a guest uses, stays usable on top of it", NULL,
	 100, 0, 10000, AT(headroom_permille)},
	{"headroom-mb", "MiB", "and at least so much", NULL, 64, 0, 1U << 20, AT(headroom_mb)},
	{"pool-permille", "per mille", "of the host, are kept free for growth at least", NULL, 20,
	 0, 1000, AT(pool_permille)},
	{"pool-max-permille", "per mille", "and at most", "pool-permille", 100, 0, 1000,
	 AT(pool_max_permille)},
	{"faults-per-s", "pages/s", "read again from disk or swap, that are pressure", NULL, 64, 1,
	 ~(uint32_t)0, AT(faults_per_s)},
	{"stall-permille", "per mille", "of the time stalled, that is pressure", NULL, 10, 1, 1000,
	 AT(stall_permille)},
	{"free-return-ms", "ms", "time constant with which free memory is taken", NULL, 20000, 1,
	 86400000, AT(free_return_ms)},
	{"cache-return-ms", "ms", "time constant with which page cache is taken", NULL, 160000, 1,
	 86400000, AT(cache_return_ms)},
	{"quiet-ms", "ms", "a guest that grew is left alone for so long", NULL, 60000, 0, 86400000,
	 AT(quiet_ms)},
	{"quiet-max-ms", "ms", "and at most, when taking was wrong", "quiet-ms", 3600000, 0,
	 86400000, AT(quiet_max_ms)},
	{"stale-ms", "ms", "statistics that are older say nothing", NULL, 60000, 0, 86400000,
	 AT(stale_ms)},
	{"spare-ms", "ms", "memory that was free for so long is shared out", NULL, 900000, 0,
	 86400000, AT(spare_ms)},
};

const struct aero_host_policy aero_host_policy_shares = {
	.name = "shares",
	.summary = "what each needs at once, taken from those that miss it least, by shares",
	.options = options,
	.options_count = sizeof(options) / sizeof(options[0]),
	.config_size = sizeof(struct aero_shares_config),
	.host_state_size = sizeof(struct host_state),
	.guest_state_size = sizeof(struct aero_shares_guest),
	.step = step,
};
