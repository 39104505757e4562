/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A balloon on a simulated Xen; after each step the ownership checker has passed. */
#ifndef AEROSTAT_TESTS_XEN_RIG_H
#define AEROSTAT_TESTS_XEN_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim_xen.h"

#define PAGES	   8192U
#define SPARE	   1024U
#define BLOCK	   (1U << AERO_BLOCK_ORDER)
#define BASE_PFN   (1U << 20)

/* A large block is 2 MiB, whatever the guest's page is. */
#define XEN_ORDER  9U
#define PAGE_ORDER (XEN_ORDER - AERO_BLOCK_ORDER)

struct rig {
	struct aero_port port;
	struct sim_xen xen;
	struct aero_xen x;
	struct aero_balloon b;
};

/* cmocka fixtures: *state is the rig, nothing called yet. */
int translated(void **state);
int pv(void **state);
int pv_scattered(void **state); /* machine frames are not in order */
/* The order of the large block set aside: only what Xen is told of a page. */
int pages_of_64_kib(void **state);
int tear_down(void **state);

struct aero_next step(struct rig *rig);

/* Until the run is over; returns the pause after it. */
uint32_t run(struct rig *rig);

/* One run for a new target; the course is that run's. */
enum aero_run_end aim(struct rig *rig, uint64_t wanted);

__attribute__((format(printf, 2, 3))) void assert_course(const struct rig *rig, const char *format,
							 ...);

/* From now on Xen answers each @op of @order with @what. */
void answer(struct rig *rig, enum aero_xen_op op, uint8_t order, enum sim_xen_what what,
	    uint64_t amount);
void be_honest(struct rig *rig);

/* After a failure is over, the size must come to the target to the page, both ways. */
void assert_recovers(struct rig *rig);

#define TEST(setup, name) cmocka_unit_test_setup_teardown(name, setup, tear_down)

#endif
