// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The rule of qmemman, the memory manager of Qubes OS.
 *
 * From "qmemman, Qubes memory manager" (https://www.qubes-os.org/doc/qmemman/): what a guest
 * prefers is 130 % of what it uses, "without buffers and cache, but including swap".  If all can
 * have what they prefer, all memory is shared out in proportion to it.  If not, those that have
 * more than they prefer are brought down to it, and what that yields goes to the others in
 * proportion to what they prefer.  Nothing is done unless more than 150 MB would move in all, or
 * a guest below what it prefers would get more than 15 MB.  50 MB are left free.
 *
 * The constant is what the developers add for dom0 (350 MB, QubesOS/qubes-issues 1136); other
 * guests have none.
 */
#include "internal.h"

#define LEFT_KIB (50U * AERO_MIB_KIB)

struct config {
	uint32_t percent, constant_mb, total_transfer_mb, under_mb;
};

struct guest_state {
	bool takes_part;
	uint64_t swapped_kib; /* what went to swap and has not come back */
	uint64_t prefers_kib;
};

struct plan {
	const struct aero_host_guest *guests;
	struct guest_state *const *states;
	struct aero_host_decision *decisions;
	size_t count;
	uint64_t prefers_kib; /* all of them together */
};

/* A guest that says nothing takes no part. */
static void look(const struct config *c, const struct aero_host_guest *g, struct guest_state *s)
{
	uint64_t has = aero_host_has(g), spare, used;

	s->takes_part = aero_host_is_managed(g) && g->statistics_age_ms != AERO_POLICY_UNKNOWN &&
			g->unused_kib != AERO_HOST_UNKNOWN;
	if (!s->takes_part)
		return;
	s->swapped_kib = aero_less(aero_sum(s->swapped_kib, aero_host_known(g->swap_out_kib, 0)),
				   aero_host_known(g->swap_in_kib, 0));
	s->swapped_kib = aero_lesser(s->swapped_kib, g->max_kib);
	spare = aero_sum(g->unused_kib, aero_host_known(g->cache_kib, 0));
	used = aero_sum(aero_less(has, spare), s->swapped_kib);
	used = aero_sum(aero_part(used, c->percent, 100), (uint64_t)c->constant_mb * AERO_MIB_KIB);
	s->prefers_kib = aero_host_between(used, aero_host_min(g), g->max_kib);
}

static uint64_t size_at(const struct plan *p, size_t i, uint64_t level)
{
	return aero_host_between(aero_host_ratio(level, p->states[i]->prefers_kib, p->prefers_kib),
				 aero_host_min(&p->guests[i]), p->guests[i].max_kib);
}

static uint64_t sum_at(const void *of, uint64_t level)
{
	const struct plan *p = of;
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < p->count; i++)
		if (p->states[i]->takes_part)
			sum = aero_sum(sum, size_at(p, i, level));
	return sum;
}

/*
 * There is enough: all of it, in proportion to what they prefer.  What is above the maximum of
 * one goes to the others.
 */
static void share_all(const struct plan *p, uint64_t memory)
{
	uint64_t level = aero_host_level(sum_at, p, memory);
	size_t i;

	for (i = 0; i < p->count; i++)
		if (p->states[i]->takes_part)
			p->decisions[i].target_kib = size_at(p, i, level);
}

/* There is not: who has too much gives it to those that have too little. */
static void share_surplus(const struct plan *p, uint64_t free)
{
	uint64_t wanting = 0, asked;
	size_t i;

	for (i = 0; i < p->count; i++) {
		if (!p->states[i]->takes_part)
			continue;
		asked = aero_host_asked(&p->guests[i]);
		if (asked >= p->states[i]->prefers_kib)
			free = aero_sum(free, asked - p->states[i]->prefers_kib);
		else
			wanting = aero_sum(wanting, p->states[i]->prefers_kib);
	}
	for (i = 0; i < p->count; i++) {
		if (!p->states[i]->takes_part)
			continue;
		asked = aero_host_asked(&p->guests[i]);
		if (asked >= p->states[i]->prefers_kib)
			p->decisions[i].target_kib = p->states[i]->prefers_kib;
		else
			p->decisions[i].target_kib = aero_sum(
				asked, aero_host_ratio(free, p->states[i]->prefers_kib, wanting));
	}
}

static bool is_significant(const struct config *c, const struct plan *p)
{
	uint64_t moved = 0, asked, target;
	size_t i;

	for (i = 0; i < p->count; i++) {
		if (!p->states[i]->takes_part)
			continue;
		asked = aero_host_asked(&p->guests[i]);
		target = aero_host_between(p->decisions[i].target_kib, aero_host_min(&p->guests[i]),
					   p->guests[i].max_kib);
		moved = aero_sum(moved, aero_less(asked, target));
		moved = aero_sum(moved, aero_less(target, asked));
		if (asked < p->states[i]->prefers_kib &&
		    aero_less(target, asked) > (uint64_t)c->under_mb * AERO_MIB_KIB)
			return true;
	}
	return moved > (uint64_t)c->total_transfer_mb * AERO_MIB_KIB;
}

static void step(const void *config, void *host_state, const struct aero_host_figures *host,
		 const struct aero_host_guest *guests, void *const *guest_states, size_t count,
		 struct aero_host_decision *decisions)
{
	const struct config *c = config;
	struct plan p = {
		.guests = guests,
		.states = (struct guest_state *const *)guest_states,
		.decisions = decisions,
		.count = count,
	};
	struct aero_host_books books;
	uint64_t memory = 0;
	size_t i;

	(void)host_state;
	aero_host_count(host, guests, count, 0, &books);
	for (i = 0; i < count; i++) {
		aero_host_hold(&guests[i], &decisions[i]);
		look(c, &guests[i], p.states[i]);
		if (!p.states[i]->takes_part)
			continue;
		decisions[i].need_kib = p.states[i]->prefers_kib;
		p.prefers_kib = aero_sum(p.prefers_kib, p.states[i]->prefers_kib);
		memory = aero_sum(memory, aero_host_asked(&guests[i]));
	}
	memory = aero_less(aero_sum(memory, aero_sum(books.free_kib, books.coming_kib)), LEFT_KIB);
	if (memory > p.prefers_kib)
		share_all(&p, memory);
	else
		share_surplus(&p, aero_less(books.free_kib, LEFT_KIB));
	if (!is_significant(c, &p))
		for (i = 0; i < count; i++)
			decisions[i].target_kib = aero_host_asked(&guests[i]);
	aero_host_settle(host, guests, count, decisions);
}

#define AT(member) offsetof(struct config, member)

static const struct aero_policy_option options[] = {
	{"percent", "per cent", "what a guest prefers, of what it uses", NULL, 130, 100, 1000,
	 AT(percent)},
	{"constant-mb", "MiB", "and so much more", NULL, 0, 0, 1U << 20, AT(constant_mb)},
	{"total-transfer-mb", "MiB", "nothing moves unless so much does", NULL, 150, 0, 1U << 20,
	 AT(total_transfer_mb)},
	{"under-mb", "MiB", "or a guest that has too little gets so much", NULL, 15, 0, 1U << 20,
	 AT(under_mb)},
};

const struct aero_host_policy aero_host_policy_qmemman = {
	.name = "qmemman",
	.summary = "all memory, in proportion to 1.3 times what each guest uses",
	.options = options,
	.options_count = sizeof(options) / sizeof(options[0]),
	.config_size = sizeof(struct config),
	.guest_state_size = sizeof(struct guest_state),
	.step = step,
};
