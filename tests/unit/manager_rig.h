/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A host of guests that do what a test tells them to, for the tests of host/manager/. */
#ifndef AEROSTAT_TESTS_MANAGER_RIG_H
#define AEROSTAT_TESTS_MANAGER_RIG_H

#include <jansson.h>

#include "manager.h"

#define RIG_GUESTS_MAX 8U
#define MIB	       1024U

struct rig_guest {
	struct aero_host_sight sight;
	uint64_t target_kib;
	uint64_t speed_kib; /* by which it moves in a step; 0: it is stuck */
	bool silent;	    /* gives no new statistics */
	bool refuses;	    /* the backend can't set its target */
	unsigned int asked;
};

struct rig {
	struct aero_manager *manager;
	struct aero_manager_config config;
	size_t count;
	struct rig_guest guest[RIG_GUESTS_MAX];
	bool away; /* the backend does not answer */
	uint64_t now_ms;
	struct aero_host_reading reading;
	/* Of the policy `told`: the targets; 0: as it is. */
	uint64_t told_kib[RIG_GUESTS_MAX];
	struct aero_host_guest seen[RIG_GUESTS_MAX];
	struct aero_host_figures host;
	char log[65536];
};

extern struct rig rig;

/* A policy that does what rig.told_kib says, and keeps what it saw in rig.seen. */
extern const struct aero_host_policy rig_policy_told;

/* A host with so much memory for guests, no reserve, and a policy. */
void rig_start(uint64_t memory_mib, const struct aero_host_policy *policy);
void rig_end(void);

/* The daemon dies and comes back: it remembers nothing. */
void rig_restart(void);

/* A guest that has given statistics, and has all that it booted with. */
struct rig_guest *rig_add(const char *name, uint64_t mib);

/* Guests move, and the manager makes a step; a second each. */
int rig_step(void);
void rig_steps(unsigned int n);

/* A request; the answer to be json_decref()ed, or NULL while it waits. */
json_t *rig_ask(struct aero_host_wait *wait, bool may_change, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Of a guest in the answer to status. */
const char *rig_mode(unsigned int guest);
const char *rig_why(unsigned int guest);

/* How often the log has this. */
unsigned int rig_said(const char *words);

/* What all guests have, or may take. */
uint64_t rig_promised_kib(void);

#endif
