// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Room for a guest that is about to start: the policy leaves it free on top of the reserve, until
 * the guest is there or nobody has come for it.
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"

static void drop(struct aero_manager *m)
{
	m->room.wanted_kib = 0;
	m->room.reached = false;
}

void aero_room_step(struct aero_manager *m)
{
	struct room *r = &m->room;

	if (!r->wanted_kib)
		return;
	if (!r->reached && aero_manager_free_kib(m) >= r->wanted_kib) {
		r->reached = true;
		r->until_ms = m->now_ms + m->config.hold_ms;
	}
	/* The one that waits for it drops it when the time is up, with a reason. */
	if (r->reached && m->now_ms >= r->until_ms) {
		aero_manager_say(m, "nobody came for the %llu MiB that were kept free",
				 (unsigned long long)r->wanted_kib / 1024);
		drop(m);
	}
	m->host.room_kib = r->wanted_kib;
}

void aero_room_use(struct aero_manager *m, const struct guest *g)
{
	uint64_t kib = starts_with(g);

	if (!m->room.wanted_kib || kib == AERO_HOST_UNKNOWN)
		return;
	m->room.wanted_kib = less(m->room.wanted_kib, kib);
	if (!m->room.wanted_kib)
		drop(m);
}

/* Who can't give more, and why: "web (at its minimum), db (it is paused)". */
static void who_cant(const struct aero_manager *m, char *text, size_t size)
{
	size_t at = 0;

	*text = 0;
	for (size_t i = 0; i < m->count && at + 1 < size; i++) {
		const struct guest *g = m->guests[i];
		const char *why = g->mode != AERO_HOST_MANAGED || g->floor_kib ? g->why : NULL;

		if (!why && less(g->sight.current_kib, g->min_kib) <= REACHED_KIB)
			why = "it is at its minimum";
		if (why)
			at += (size_t)snprintf(text + at, size - at, "%s%s (%s)", at ? ", " : "",
					       aero_host_shown(g->sight.name), why);
	}
	if (!*text)
		snprintf(text, size, "nobody refuses; the time was too short");
}

/* The most that could be free if each guest that can shrink were at its minimum. */
static uint64_t most(const struct aero_manager *m)
{
	uint64_t kib = aero_manager_budget_kib(m);

	for (size_t i = 0; i < m->count; i++) {
		const struct guest *g = m->guests[i];
		uint64_t least = grain_up(g->floor_kib > g->min_kib ? g->floor_kib : g->min_kib);
		uint64_t has = aero_guest_promised_kib(g);

		kib = less(kib, g->mode == AERO_HOST_MANAGED && least < has ? least : has);
	}
	return kib;
}

char *aero_room_begin(struct aero_manager *m, uint64_t kib, uint64_t timeout_ms,
		      struct aero_host_wait *wait)
{
	struct room *r = &m->room;
	char who[512];

	if (!m->connected || !m->stepped)
		return aero_report_error("the guests can't be seen at the moment: %s", m->failure);
	if (m->config.dry_run)
		return aero_report_error("the daemon runs with --dry-run and changes nothing");
	if (r->id)
		return aero_report_error("somebody else waits for room; try again later");
	if (most(m) < kib) {
		who_cant(m, who, sizeof(who));
		return aero_report_error("at most %llu MiB could be made free; can't give: %s",
					 (unsigned long long)most(m) / 1024, who);
	}
	r->wanted_kib = kib;
	r->reached = false;
	r->until_ms = m->now_ms + timeout_ms;
	if (aero_manager_free_kib(m) >= kib) {
		r->reached = true;
		r->until_ms = m->now_ms + m->config.hold_ms;
		return aero_report_room(m, true, "");
	}
	wait->id = r->id = ++r->last_id;
	return NULL;
}

char *aero_manager_answer(struct aero_manager *m, uint64_t now_ms, struct aero_host_wait *wait)
{
	struct room *r = &m->room;
	char who[512], *text;

	if (!wait->id || r->id != wait->id)
		return NULL;
	if (r->reached || !r->wanted_kib) {
		r->id = wait->id = 0;
		return aero_report_room(m, true, "");
	}
	if (now_ms < r->until_ms)
		return NULL;
	who_cant(m, who, sizeof(who));
	text = aero_report_room(m, false, who);
	r->id = wait->id = 0;
	drop(m);
	return text;
}

void aero_manager_forget(struct aero_manager *m, struct aero_host_wait *wait)
{
	if (wait->id && m->room.id == wait->id) {
		m->room.id = 0;
		drop(m);
	}
	wait->id = 0;
}
