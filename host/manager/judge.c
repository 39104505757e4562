// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Whether a guest can be asked for memory, and what it makes of it.
 *
 * A guest that was asked and comes no nearer for stuck_ms is given up until its back-off is over,
 * which doubles each time.  Its request is withdrawn, because some drivers would try again for
 * ever, and because memory that it could take at any moment can be promised to nobody else.  When
 * its driver still gives statistics, it has given what it can: it stays managed, and may grow, but
 * is asked for no less than what it has.  Otherwise it is planned around.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

/* Statistics that are older say nothing of whether the driver answers. */
#define FRESH_MS 10000U

__attribute__((format(printf, 3, 4))) static void
is(struct guest *g, enum aero_host_guest_mode mode, const char *format, ...)
{
	va_list args;

	g->mode = mode;
	va_start(args, format);
	vsnprintf(g->why, sizeof(g->why), format, args);
	va_end(args);
}

static uint64_t distance(const struct guest *g)
{
	return less(g->sight.current_kib, g->target_kib) +
	       less(g->target_kib, g->sight.current_kib);
}

static void back_off(struct aero_manager *m, struct guest *g)
{
	g->backoff_ms = g->backoff_ms ? 2 * g->backoff_ms : BACKOFF_LEAST_MS;
	if (g->backoff_ms > BACKOFF_MOST_MS)
		g->backoff_ms = BACKOFF_MOST_MS;
	g->retry_ms = m->now_ms + g->backoff_ms;
}

void aero_guest_ask(struct aero_manager *m, struct guest *g, uint64_t kib)
{
	int direction = kib > g->target_kib ? 1 : -1;

	if (m->config.dry_run)
		return;
	if (m->backend->set_target(m->self, g->sight.id, kib)) {
		g->failures++;
		back_off(m, g);
		is(g, AERO_HOST_UNREACHABLE, "its size can't be set: %s",
		   m->backend->error(m->self));
		aero_manager_say(m, "guest %s: %s", aero_host_shown(g->sight.name), g->why);
		return;
	}
	g->moves++;
	g->turns += g->direction == -direction;
	/* Asking again in the same direction is no reason for more patience. */
	if (!g->asked || g->reached || g->direction != direction)
		g->moved_ms = m->now_ms;
	g->direction = direction;
	g->asked = true;
	g->target_kib = kib;
	g->best_kib = distance(g);
	g->reached = g->best_kib <= REACHED_KIB;
}

/* What it has now is what it is asked for. */
static void withdraw(struct aero_manager *m, struct guest *g)
{
	if (!m->config.dry_run &&
	    !m->backend->set_target(m->self, g->sight.id, g->sight.current_kib)) {
		g->target_kib = g->sight.current_kib;
		g->reached = true;
	}
}

static bool is_fresh(const struct aero_manager *m, const struct guest *g)
{
	return g->sight.mark && less(m->now_ms, g->mark_ms) < FRESH_MS;
}

static void give_up(struct aero_manager *m, struct guest *g)
{
	bool shrinks = g->target_kib < g->sight.current_kib;

	back_off(m, g);
	if (!g->answered)
		is(g, AERO_HOST_UNREACHABLE,
		   "no balloon driver answers in it: it has given no statistics, and did not move "
		   "when it was asked to");
	else if (shrinks && is_fresh(m, g)) {
		is(g, AERO_HOST_MANAGED, "it could not give more than down to %llu MiB",
		   (unsigned long long)g->sight.current_kib / 1024);
		g->floor_kib = g->sight.current_kib;
	} else
		is(g, AERO_HOST_STUCK, "asked to %s to %llu MiB, it made no progress for %u s",
		   shrinks ? "shrink" : "grow", (unsigned long long)g->target_kib / 1024,
		   m->config.stuck_ms / 1000);
	aero_manager_say(m, "guest %s: %s; asked again in %u s", aero_host_shown(g->sight.name),
			 g->why, g->backoff_ms / 1000);
	withdraw(m, g);
}

/*
 * At first sight: what it was asked for before, by us in an earlier life or by somebody else, it
 * may still be on its way to, and take at any moment.
 */
static void adopt(struct aero_manager *m, struct guest *g)
{
	g->target_kib = g->sight.asked_kib;
	g->best_kib = distance(g);
	if (g->has_before || !g->target_kib || g->target_kib > g->sight.boot_kib ||
	    g->best_kib <= REACHED_KIB) {
		g->target_kib = g->sight.current_kib;
		g->reached = true;
		return;
	}
	g->asked = true;
	g->moved_ms = m->now_ms;
}

/* Has its size changed by itself, or by somebody else?  Then that is where we begin. */
static void follow(struct aero_manager *m, struct guest *g)
{
	uint64_t from;

	if (!g->asked) {
		adopt(m, g);
		return;
	}
	from = distance(g);
	if (from < g->best_kib) {
		g->best_kib = from;
		g->moved_ms = m->now_ms;
		g->backoff_ms = 0;
	}
	if (from <= REACHED_KIB) {
		g->reached = true;
		g->moved_ms = m->now_ms;
	} else if (g->reached) {
		g->target_kib = g->sight.current_kib;
		g->best_kib = 0;
	}
}

static void look_for_answers(struct aero_manager *m, struct guest *g)
{
	bool moved = g->has_before && g->before.current_kib != g->sight.current_kib;

	if (g->has_before && g->before.mark != g->sight.mark)
		g->mark_ms = m->now_ms;
	if (!g->answered && (g->sight.mark || moved || g->sight.current_kib < starts_with(g))) {
		g->answered = true;
		if (g->mode == AERO_HOST_UNREACHABLE)
			g->retry_ms = 0;
	}
	/* One that was given up and moves again is asked again. */
	if (moved && g->mode == AERO_HOST_STUCK)
		g->retry_ms = 0;
}

/* Why it can't be asked whatever we do; NULL: it can. */
static const char *obstacle(const struct guest *g)
{
	switch (g->sight.life) {
	case AERO_HOST_PAUSED:
		return "it is paused";
	case AERO_HOST_ENDING:
		return "it shuts down";
	case AERO_HOST_CRASHED:
		return "it has crashed";
	case AERO_HOST_RUNNING:
		break;
	}
	if (!g->sight.balloon || g->sight.current_kib == AERO_HOST_UNKNOWN ||
	    g->sight.boot_kib == AERO_HOST_UNKNOWN)
		return "it has no balloon device; give it one and start it again";
	return NULL;
}

void aero_guest_judge(struct aero_manager *m, struct guest *g)
{
	const char *why = obstacle(g);

	if (why) {
		/* It can't come nearer now, so the time does not count. */
		g->moved_ms = m->now_ms;
		is(g, AERO_HOST_UNREACHABLE, "%s", why);
		return;
	}
	look_for_answers(m, g);
	follow(m, g);
	if (!g->managed) {
		is(g, AERO_HOST_FIXED, "managed is no");
		return;
	}
	if (g->retry_ms && m->now_ms < g->retry_ms)
		return;
	g->retry_ms = 0;
	g->floor_kib = 0;
	if (!g->answered && less(m->now_ms, g->first_ms) < m->config.boot_ms)
		is(g, AERO_HOST_STARTING, "it starts; no balloon driver has answered yet");
	else if (g->asked && !g->reached && less(m->now_ms, g->moved_ms) >= m->config.stuck_ms)
		give_up(m, g);
	else
		is(g, AERO_HOST_MANAGED, "%s", "");
}
