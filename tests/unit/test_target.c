// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "rig.h"

#include "internal.h"

struct row {
	uint64_t size, target;
	uint32_t slack;
	enum aero_phase now, next;
};

/* With the slack of VMware's link and with none; at rest and while deflating. */
static const struct row rows[] = {
	{0, 0, 512, AERO_PHASE_REST, AERO_PHASE_REST},
	{0, 1, 512, AERO_PHASE_REST, AERO_PHASE_INFLATE},
	{1, 0, 512, AERO_PHASE_REST, AERO_PHASE_DEFLATE},
	{513, 1, 512, AERO_PHASE_REST, AERO_PHASE_REST},
	{514, 1, 512, AERO_PHASE_REST, AERO_PHASE_DEFLATE},
	{513, 1, 512, AERO_PHASE_DEFLATE, AERO_PHASE_DEFLATE},
	{513, 1, 512, AERO_PHASE_INFLATE, AERO_PHASE_REST},
	{1, 1, 512, AERO_PHASE_DEFLATE, AERO_PHASE_REST},
	{1, 2, 512, AERO_PHASE_DEFLATE, AERO_PHASE_INFLATE},
	{2, 1, 0, AERO_PHASE_REST, AERO_PHASE_DEFLATE},
	{1, 1, 0, AERO_PHASE_REST, AERO_PHASE_REST},
};

static void direction_follows_size_target_and_slack(void **state)
{
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct aero_balloon b = rig->b;

		b.size_pages = rows[i].size;
		b.target_pages = rows[i].target;
		b.link.slack_pages = rows[i].slack;
		b.phase = rows[i].now;
		assert_int_equal(aero_direction(&b), rows[i].next);
	}
}

static void new_target_starts_the_retries_anew(void **state)
{
	struct rig *rig = *state;

	rig->b.pace.retries = 3;
	aero_note_target(&rig->b, rig->b.target_pages);
	assert_int_equal(rig->b.pace.retries, 3);
	aero_note_target(&rig->b, rig->b.target_pages + 1);
	assert_int_equal(rig->b.pace.retries, 0);
}

/* The answers to the last commands of an unload may still tell a target. */
static void stopped_balloon_takes_no_target(void **state)
{
	struct rig *rig = *state;

	aero_stop(&rig->b);
	aero_note_target(&rig->b, 700);
	assert_int_equal(rig->b.target_pages, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(direction_follows_size_target_and_slack),
		RIG_TEST(new_target_starts_the_retries_anew),
		RIG_TEST(stopped_balloon_takes_no_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
