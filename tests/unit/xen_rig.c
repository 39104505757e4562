// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "xen_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What linux/xen/module.c has, with the period of its worker. */
static const struct aero_config config = {
	.pace = {.period_ms = 1000,
		 .rate_max = UINT32_MAX,
		 .rate_min = UINT32_MAX,
		 .backoff_max_ms = 32000,
		 .retries_max = 4,
		 .recheck_ms = 60000},
	.large = true,
	.split = true,
};

static int set_up(void **state, bool pv, uint32_t page_order, bool scattered)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	if (!rig)
		return -1;
	sim_create(&rig->port, PAGES, BASE_PFN, 1);
	sim_xen_create(&rig->xen, &rig->port, pv, page_order, SPARE, scattered);
	rig->xen.x = &rig->x;
	aero_xen_init(&rig->x, &rig->port, &rig->xen.guest, &rig->xen);
	aero_init(&rig->b, &rig->port, &config, &aero_xen_ops, &rig->x);
	*state = rig;
	return 0;
}

int translated(void **state)
{
	return set_up(state, false, PAGE_ORDER, false);
}

int pv(void **state)
{
	return set_up(state, true, 0, false);
}

int pv_scattered(void **state)
{
	return set_up(state, true, 0, true);
}

int pages_of_64_kib(void **state)
{
	return set_up(state, false, 4, false);
}

int tear_down(void **state)
{
	struct rig *rig = *state;

	sim_xen_destroy(&rig->xen);
	sim_destroy(&rig->port);
	free(rig);
	return 0;
}

struct aero_next step(struct rig *rig)
{
	struct aero_next next = aero_step(&rig->b);

	sim_xen_check(&rig->xen, &rig->b);
	return next;
}

uint32_t run(struct rig *rig)
{
	struct aero_next next = {.kind = AERO_NEXT_NOW};
	unsigned int steps = 0;

	while (next.kind == AERO_NEXT_NOW) {
		if (++steps > 10000)
			sim_fail("a run without an end");
		next = step(rig);
	}
	rig->port.now_ms += next.delay_ms;
	return next.delay_ms;
}

enum aero_run_end aim(struct rig *rig, uint64_t wanted)
{
	rig->xen.wanted = wanted;
	rig->xen.course[0] = 0;
	run(rig);
	return (enum aero_run_end)sim_last_trace(&rig->port, AERO_EVENT_RUN_END)->c;
}

void assert_course(const struct rig *rig, const char *format, ...)
{
	char due[512];
	va_list args;

	va_start(args, format);
	vsnprintf(due, sizeof(due), format, args);
	va_end(args);
	assert_string_equal(rig->xen.course, due);
}

void answer(struct rig *rig, enum aero_xen_op op, uint8_t order, enum sim_xen_what what,
	    uint64_t amount)
{
	rig->xen.rule[0] = (struct sim_xen_rule){
		.what = what, .op = op, .order = order, .times = UINT32_MAX, .amount = amount};
}

void be_honest(struct rig *rig)
{
	memset(rig->xen.rule, 0, sizeof(rig->xen.rule));
}

void assert_recovers(struct rig *rig)
{
	be_honest(rig);
	assert_int_equal(aim(rig, 2 * BLOCK + 77), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 2 * BLOCK + 77);
	assert_int_equal(aim(rig, 0), AERO_END_DONE);
	assert_int_equal(rig->b.size_pages, 0);
	assert_int_equal(rig->xen.current, PAGES);
	assert_int_equal(rig->xen.reservation, PAGES);
	assert_int_equal(rig->x.strays, 0);
}
