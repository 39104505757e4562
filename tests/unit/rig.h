/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the engine's unit tests stand on: a simulated guest, a balloon, and a
 * hypervisor that is a table of functions with honest books and answers made to
 * order.  After each step of the rig the ownership checker has passed.
 */
#ifndef AEROSTAT_TESTS_RIG_H
#define AEROSTAT_TESTS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim.h"

#define RIG_PAGES 8192U

/* Calls at which a command as a whole answers @reply: @times of them, after @skip. */
struct fake_order {
	enum aero_reply reply;
	unsigned int skip, times;
};

struct fake {
	struct aero_port *port;
	bool connected;
	bool large;		  /* takes large units */
	bool mute;		  /* tells no target with a batch */
	bool divisible, unbacked; /* what it says of the link (hypervisor.h) */
	uint32_t slack_pages;
	uint64_t target_pages;
	uint64_t beyond_pages; /* what it says the guest lacks */
	uint64_t beyond_calls;
	uint64_t limit_pages; /* as last told by the guest */

	struct fake_order on_connect, on_target, on_offer, on_reclaim;
	/* The answer to unit @u; NULL: all are taken. */
	enum aero_answer (*answer)(struct fake *fake, bool giving, aero_pfn pfn, uint32_t u);
	uint64_t answer_arg;

	char course[4096]; /* each call as a word, such as "offer:page:512", with a blank after it
			    */
	uint8_t order[RIG_PAGES]; /* by frame: order of its lock plus 1, or 0 */
	uint64_t locked_pages;
};

struct rig {
	struct aero_port port;
	struct aero_balloon b;
	struct fake fake;
};

extern const struct aero_config rig_config;

/* cmocka fixtures: *state is the rig, its balloon initialised, nothing called yet. */
int rig_setup(void **state);
int rig_teardown(void **state);

/* As above, and connected, at rest, with an empty balloon and an empty course. */
int rig_setup_connected(void **state);

/* One step, with the checker and virtual time. */
struct aero_next rig_step(struct rig *rig);

/* One step of the unload, with the checker. */
struct aero_unload rig_unload_step(struct rig *rig);

/* Steps until the run is over; says why it ended. */
enum aero_run_end rig_run(struct rig *rig);

/* As rig_run(), but a step that asks for growth is an end, too: says for how many pages. */
uint64_t rig_growth(struct rig *rig);

/* Sets the target and runs until the size does not change any more. */
void rig_reach(struct rig *rig, uint64_t target_pages);

void rig_check(struct rig *rig);

/* Connects to a hypervisor that leaves nothing behind a page it was given. */
struct rig *rig_unbacked(void **state, uint64_t target_pages);

/*
 * With a unbacked link and nothing called yet: the last @pages of the guest are not
 * there.  Then the next block of @class comes online and joins the balloon.
 */
void rig_absent(struct rig *rig, uint32_t pages);
void rig_online(struct rig *rig, enum aero_class class);

/* The hypervisor loses its memory of us. */
void fake_forget(struct fake *fake);

/* answer() functions; they look at .answer_arg. */
enum aero_answer fake_refuse_first(struct fake *fake, bool giving, aero_pfn pfn, uint32_t u);
enum aero_answer fake_refuse_all(struct fake *fake, bool giving, aero_pfn pfn, uint32_t u);
enum aero_answer fake_odd_all(struct fake *fake, bool giving, aero_pfn pfn, uint32_t u);
enum aero_answer fake_odd_frame(struct fake *fake, bool giving, aero_pfn pfn, uint32_t u);
enum aero_answer fake_enough_after(struct fake *fake, bool giving, aero_pfn pfn, uint32_t u);
enum aero_answer fake_reset_after(struct fake *fake, bool giving, aero_pfn pfn, uint32_t u);
enum aero_answer fake_keep_all(struct fake *fake, bool giving, aero_pfn pfn, uint32_t u);

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
#define RIG_TEST_CONNECTED(name) \
	cmocka_unit_test_setup_teardown(name, rig_setup_connected, rig_teardown)

#endif
