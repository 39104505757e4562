// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void aero_manager_config_initial(struct aero_manager_config *c)
{
	memset(c, 0, sizeof(*c));
	c->reserve_kib = AERO_HOST_UNKNOWN;
	c->period_ms = AERO_HOST_PERIOD_MS;
	c->min_percent = AERO_HOST_MIN_PERCENT;
	c->stuck_ms = AERO_HOST_STUCK_MS;
	c->boot_ms = AERO_HOST_BOOT_MS;
	c->hold_ms = AERO_HOST_HOLD_MS;
}

struct aero_manager *aero_manager_new(const struct aero_manager_config *config,
				      const struct aero_host_backend *backend, void *self)
{
	struct aero_manager *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->config = *config;
	m->backend = backend;
	m->self = self;
	m->host_state = calloc(1, config->policy->host_state_size + 1);
	if (m->host_state)
		return m;
	free(m);
	return NULL;
}

static void guest_free(struct guest *g)
{
	free(g->state);
	free(g);
}

void aero_manager_free(struct aero_manager *m)
{
	for (size_t i = 0; i < m->count; i++)
		guest_free(m->guests[i]);
	free(m->guests);
	free(m->host_state);
	free(m->figures);
	free(m->states);
	free(m->decisions);
	free(m);
}

/* ---- which guests there are ---- */

static struct guest *find(const struct aero_manager *m, const char *id)
{
	for (size_t i = 0; i < m->count; i++)
		if (!strcmp(m->guests[i]->sight.id, id))
			return m->guests[i];
	return NULL;
}

static struct guest *add(struct aero_manager *m, const struct aero_host_sight *sight)
{
	struct guest *g = calloc(1, sizeof(*g)), **guests = m->guests;

	if (m->count == m->room_for) {
		size_t n = m->room_for ? 2 * m->room_for : 16;

		guests = realloc(m->guests, n * sizeof(*guests));
		if (guests) {
			m->guests = guests;
			m->room_for = n;
		}
	}
	if (g)
		g->state = calloc(1, m->config.policy->guest_state_size + 1);
	if (!g || !guests || !g->state) {
		if (g)
			guest_free(g);
		m->out_of_memory = true;
		return NULL;
	}
	g->sight = *sight;
	g->first_ms = g->moved_ms = g->mark_ms = m->now_ms;
	m->guests[m->count++] = g;
	return g;
}

/* A look that brought none leaves the old ones, which grow older. */
static void keep_statistics(struct guest *g)
{
	g->sight.mark = g->before.mark;
	g->sight.unused_kib = g->before.unused_kib;
	g->sight.usable_kib = g->before.usable_kib;
	g->sight.cache_kib = g->before.cache_kib;
	g->sight.swap_in_kib = g->before.swap_in_kib;
	g->sight.swap_out_kib = g->before.swap_out_kib;
	g->sight.major_faults = g->before.major_faults;
}

/* What the backend says may be anything; from here on it has limits. */
static void see(void *to, const struct aero_host_sight *sight)
{
	struct aero_manager *m = to;
	struct guest *g = find(m, sight->id);

	if (!g && m->count < AERO_HOST_GUESTS_MAX) {
		g = add(m, sight);
		if (g && m->stepped)
			aero_room_use(m, g);
	} else if (g && !g->seen) {
		/* Twice in one look would make the statistics stand still. */
		g->before = g->sight;
		g->has_before = true;
		g->sight = *sight;
		if (!sight->mark)
			keep_statistics(g);
	}
	if (g)
		g->seen = true;
}

static void forget_the_gone(struct aero_manager *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->count; i++) {
		if (m->guests[i]->seen)
			m->guests[kept++] = m->guests[i];
		else
			guest_free(m->guests[i]);
	}
	m->count = kept;
	m->decided = 0;
}

static int look(struct aero_manager *m)
{
	int err;

	for (size_t i = 0; i < m->count; i++)
		m->guests[i]->seen = false;
	m->out_of_memory = false;
	err = m->backend->look(m->self, see, m);
	if (!err && m->out_of_memory)
		err = -ENOMEM;
	if (err) {
		const char *why = err == -ENOMEM ? "no memory" : m->backend->error(m->self);

		if (strcmp(m->failure, why)) {
			snprintf(m->failure, sizeof(m->failure), "%s", why);
			aero_manager_say(m, "%s; nothing is changed until that is better",
					 m->failure);
		}
		m->connected = false;
		return err;
	}
	if (!m->connected && m->failure[0])
		aero_manager_say(m, "the guests can be seen again");
	m->connected = true;
	m->failure[0] = 0;
	forget_the_gone(m);
	return 0;
}

/* ---- what becomes of the decisions ---- */

static bool make_arrays(struct aero_manager *m)
{
	size_t n = m->count + 1;
	struct aero_host_guest *figures = realloc(m->figures, n * sizeof(*figures));
	void **states = realloc(m->states, n * sizeof(*states));
	struct aero_host_decision *decisions = realloc(m->decisions, n * sizeof(*decisions));

	m->figures = figures ? figures : m->figures;
	m->states = states ? states : m->states;
	m->decisions = decisions ? decisions : m->decisions;
	return figures && states && decisions;
}

/* A policy with a mistake must not do harm: its target, in whole pages, within the limits. */
static uint64_t clamped(const struct guest *g, uint64_t kib)
{
	kib -= kib % GRAIN_KIB;
	if (kib < g->min_kib)
		kib = grain_up(g->min_kib);
	return kib > g->max_kib ? g->max_kib : kib;
}

/*
 * First what makes guests smaller, then what makes them larger, as far as what nobody was promised
 * reaches.  What others give up has to come first: their promises fall when they have shrunk.
 */
static void apply(struct aero_manager *m)
{
	uint64_t left, kib;

	for (size_t i = 0; i < m->decided; i++) {
		kib = clamped(m->guests[i], m->decisions[i].target_kib);
		if (m->guests[i]->mode == AERO_HOST_MANAGED && kib < m->guests[i]->target_kib)
			aero_guest_ask(m, m->guests[i], kib);
	}
	left = aero_manager_free_kib(m);
	for (size_t i = 0; i < m->decided; i++) {
		struct guest *g = m->guests[i];
		uint64_t promised = aero_guest_promised_kib(g);

		kib = clamped(g, m->decisions[i].target_kib);
		if (g->mode != AERO_HOST_MANAGED || kib <= g->target_kib)
			continue;
		if (kib > sum(promised, left))
			kib = (promised + left) / GRAIN_KIB * GRAIN_KIB;
		if (kib <= g->target_kib)
			continue;
		aero_guest_ask(m, g, kib);
		left = less(left, less(aero_guest_promised_kib(g), promised));
	}
}

int aero_manager_step(struct aero_manager *m, const struct aero_host_reading *reading,
		      uint64_t now_ms)
{
	struct aero_host_reading own;
	int err;

	m->now_ms = now_ms;
	err = look(m);
	if (err)
		return err;
	if (m->backend->host) {
		m->backend->host(m->self, &own);
		reading = &own;
	}
	if (!make_arrays(m)) {
		aero_manager_say(m, "no memory; nothing is changed");
		return -ENOMEM;
	}
	for (size_t i = 0; i < m->count; i++) {
		aero_guest_limits(m, m->guests[i]);
		aero_guest_judge(m, m->guests[i]);
		aero_guest_figures(m, m->guests[i], &m->figures[i]);
		m->states[i] = m->guests[i]->state;
	}
	aero_manager_host_figures(m, reading);
	aero_room_step(m);
	m->config.policy->step(m->config.policy_config, m->host_state, &m->host, m->figures,
			       m->states, m->count, m->decisions);
	m->decided = m->count;
	apply(m);
	m->last_ms = now_ms;
	m->stepped = true;
	m->steps++;
	return 0;
}
