// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "home.h"

#include <inttypes.h>

#include "group.h"
#include "say.h"

#define AERO_POLICY_INTERVAL_S (AERO_POLICY_INTERVAL_MS / 1000)

/* Reports in a row below the policy's threshold of pressure before anything begins. */
#define CALM_REPORTS	       5U

/* ---- the beginning ---- */

void aero_home_start(struct aero_home *h)
{
	h->rest = AERO_REST_REPORTS;
	h->lock = -1;
	if (h->dry_run)
		return;
	aero_group_start(h->root);
	aero_home_restore_all(h);
}

/* ---- when to begin ---- */

static const struct aero_area *least_used(const struct aero_areas *areas)
{
	const struct aero_area *least = NULL;

	for (size_t i = 0; i < areas->count; i++) {
		const struct aero_area *area = &areas->area[i];

		if (area->on && area->used_kib && (!least || area->used_kib < least->used_kib))
			least = area;
	}
	return least;
}

/*
 * The policy names, each interval, what should be left a step from now.  An area is
 * larger than such a step, so steps are added up until they make an area.
 */
static void pace(struct aero_home *h, uint64_t used_kib, uint64_t target_kib)
{
	uint64_t interval_s = AERO_POLICY_INTERVAL_S, now_us = aero_now_us();
	uint64_t over_kib = used_kib > target_kib ? used_kib - target_kib : 0;
	uint64_t passed_ms;

	if (aero_read_number(h->root, AERO_POLICY_FOLDER "/selfballoon_interval", &interval_s) ||
	    !interval_s)
		interval_s = AERO_POLICY_INTERVAL_S;
	/* What a short period leaves of a KiB, or of a millisecond, counts in the next one. */
	if (!h->paced_us)
		h->paced_us = now_us;
	passed_ms = (now_us - h->paced_us) / 1000;
	h->due_rest += over_kib * passed_ms;
	h->due_kib += h->due_rest / (interval_s * 1000);
	h->due_rest %= interval_s * 1000;
	h->paced_us += passed_ms * 1000;
}

/* False: nothing is to come home. */
static bool read_target(struct aero_home *h, uint64_t *target_kib)
{
	if (!aero_read_number(h->root, AERO_POLICY_FOLDER "/swap_target_kib", target_kib))
		return true;
	h->due_kib = 0;
	h->due_rest = 0;
	h->paced_us = 0;
	return false;
}

static bool fits(struct aero_home *h, const struct aero_area *area)
{
	uint64_t available_kib = 0, headroom_kib = 0, spare;
	bool enough;

	if (aero_memory(h->root, &available_kib, &headroom_kib)) {
		aero_home_blind(h, aero_error());
		return false;
	}
	spare = available_kib > headroom_kib ? available_kib - headroom_kib : 0;
	enough = area->used_kib <= spare;
	if (!enough && !h->short_said && h->verbose)
		aero_say("%" PRIu64 " KiB in %s do not fit: %" PRIu64 " KiB can be spared",
			 area->used_kib, area->path, spare);
	h->short_said = !enough;
	return enough;
}

/* False: there are none to be known of. */
static bool read_areas(struct aero_home *h, struct aero_areas *areas)
{
	int ret = aero_areas_load(h->root, areas);

	if (ret > 0)
		ret = aero_areas_look(h->root, areas) ? -1 : 1;
	if (ret < 0 && !h->bad_said)
		aero_say("%s", aero_error());
	h->bad_said = ret < 0;
	return ret > 0;
}

static void look(struct aero_home *h)
{
	static struct aero_areas areas;
	const struct aero_area *least;
	uint64_t target_kib;

	if (!read_target(h, &target_kib) || !read_areas(h, &areas))
		return;
	pace(h, areas.all_used_kib, target_kib);
	least = least_used(&areas);
	if (!least || h->due_kib < least->used_kib) {
		h->due_kib = least ? h->due_kib : 0;
		return;
	}
	/* What can't begin now is not owed twice. */
	h->due_kib = least->used_kib;
	if (h->calm >= CALM_REPORTS && !h->resting && fits(h, least))
		aero_home_begin(h, least, areas.priority);
}

void aero_home_step(struct aero_home *h, const struct aero_stall *stall)
{
	if (h->child) {
		h->working++;
		return;
	}
	h->calm = stall->some_permille < AERO_STALL_PERMILLE ? h->calm + 1 : 0;
	h->resting -= h->resting > 0;
	if (h->off)
		aero_home_restore_all(h);
	look(h);
}

uint64_t aero_home_own_us(struct aero_home *h)
{
	uint64_t own_us = aero_group_waited_us(), before_us = h->told_own_us;

	h->told_own_us = own_us;
	return own_us > before_us ? own_us - before_us : 0;
}
