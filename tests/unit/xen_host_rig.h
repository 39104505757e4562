/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A Xen host that does what a test tells it to, for the tests of the backend for Xen. */
#ifndef AEROSTAT_TESTS_XEN_HOST_RIG_H
#define AEROSTAT_TESTS_XEN_HOST_RIG_H

#include "xen.h"

#define MIB		1024U
#define RIG_DOMAINS_MAX 200U
#define RIG_NODES_MAX	512U
#define RIG_SIGHTS_MAX	256U

struct rig_node {
	char path[XEN_PATH_MAX];
	char value[2 * XEN_VALUE_MAX]; /* "" and removed: no node */
	size_t length;
	bool there;
};

struct xen_rig {
	struct xen *x;
	unsigned int count;
	struct xen_domain domains[RIG_DOMAINS_MAX];
	unsigned int nodes;
	struct rig_node node[RIG_NODES_MAX];
	uint64_t total_kib, free_kib;
	/* What fails, if it is not 0: the error. */
	int connect_fails, domains_fail, host_fails, allow_fails, back_fails;
	int read_fails_after; /* so many reads; -1: never */
	bool closed;
	/* What was asked of the hypervisor last. */
	unsigned int allowed, backed;
	uint64_t allowed_kib, backed_kib;
	/* Called before a change of the store: what happens in the middle. */
	void (*meanwhile)(void);
	/* Of the last look. */
	unsigned int seen;
	struct aero_host_sight sight[RIG_SIGHTS_MAX];
};

extern struct xen_rig rig;

void rig_start(void);
void rig_end(void);

/* A domain that was started by a toolstack and has what it is to have. */
struct xen_domain *rig_domain(uint32_t number, const char *name, uint64_t mib, uint64_t most_mib);

/* It ends, and nothing is left of it. */
void rig_destroy(uint32_t number);

/* Writes below the domain; NULL: removes. */
void rig_write(uint32_t number, const char *name, const char *value);
void rig_write_bytes(uint32_t number, const char *name, const char *value, size_t length);

/* What is there; NULL: nothing. */
const char *rig_value(uint32_t number, const char *name);

/* The backend looks.  Its answer. */
int rig_look(void);

/* The domain as it was seen; NULL: it was not. */
const struct aero_host_sight *rig_seen(const char *name);

int rig_target(const char *name, uint64_t kib);

#endif
