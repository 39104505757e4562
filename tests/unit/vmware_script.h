/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A VMware host that is a script: it notes each call and answers as it was told. */
#ifndef AEROSTAT_TESTS_VMWARE_SCRIPT_H
#define AEROSTAT_TESTS_VMWARE_SCRIPT_H

#include "rig.h"

#include <aerostat/vmware.h>

#define CALLS	    600U

#define BATCH_FRAME 0x123456789ULL /* above 32 bits */
#define CONTEXT	    77U
#define RESOURCE    88U

struct host {
	struct aero_port port; /* for the log */
	struct aero_vmware v;
	struct aero_batch batch;
	struct aero_link link;

	struct aero_vmware_call call[CALLS]; /* with its answer */
	unsigned int calls;

	uint32_t caps; /* granted */
	bool old;      /* START is answered with plain 0 */
	uint64_t target_pages;
	/* The status of one command number instead of success, @times times after @skip. */
	uint32_t odd_command, odd_status;
	unsigned int skip, times;
	/* Statuses written into the batch page, by entry. */
	uint8_t entry_status[AERO_VMW_BATCH_MAX];
	uint64_t entry[AERO_VMW_BATCH_MAX]; /* as the guest wrote them */

	uint64_t *page; /* the batch page, while there is one */
	bool no_page, no_doorbell;
	unsigned int doorbells; /* open */
};

/* cmocka fixtures: *state is the host, nothing called yet. */
int script_setup(void **state);
int script_teardown(void **state);

/* A connection with the capabilities @caps granted; the calls that made it stay noted. */
enum aero_reply connect_to(struct host *host, uint32_t caps);

/* As above; the connection must come about, and its calls are forgotten. */
struct host *connected(void **state, uint32_t caps);

/* The next @times calls of @command end with @status. */
void answer_with(struct host *host, uint32_t command, uint32_t status, unsigned int times);

/* A batch of @blocks pages, runs or large blocks, from frame @first on. */
struct aero_batch *batch_of(struct host *host, enum aero_class class, uint32_t blocks,
			    unsigned long long first);

/* The call noted as number @i. */
void assert_call(const struct host *host, unsigned int i, uint32_t command, uint64_t arg1,
		 uint64_t arg2);

#define TEST(name) cmocka_unit_test_setup_teardown(name, script_setup, script_teardown)

#endif
