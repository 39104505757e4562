/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The manager of a host: takes the figures of the host and, from a backend, of its guests, asks a
 * policy, and tells the backend.  It keeps to these whatever the policy says:
 *
 * - a target is within the guest's limits, and is set only when it differs from the last one;
 * - the sum of what guests have and were promised is never raised beyond what the host has;
 * - a guest that makes no progress is marked with the reason, and its request is withdrawn;
 * - a guest that can't be reached is left alone.
 *
 * One thread only.  Times are those of a monotonic clock, in milliseconds.
 */
#ifndef AEROSTAT_HOST_MANAGER_H
#define AEROSTAT_HOST_MANAGER_H

#include "backend.h"

/* A guest's settings in the configuration; the first rule whose pattern fits counts. */
struct aero_host_rule {
	char pattern[AERO_HOST_NAME_MAX]; /* as the shell's */
	struct aero_host_settings settings;
};

#define AERO_HOST_RULES_MAX	256U

#define AERO_HOST_PERIOD_MS	1000U
#define AERO_HOST_MIN_PERCENT	25U
#define AERO_HOST_MIN_LEAST_KIB (64U * 1024)
#define AERO_HOST_STUCK_MS	15000U
#define AERO_HOST_BOOT_MS	60000U
#define AERO_HOST_HOLD_MS	120000U

struct aero_manager_config {
	const struct aero_host_policy *policy;
	void *policy_config;
	uint64_t memory_kib;  /* to share out; 0: the host's own */
	uint64_t reserve_kib; /* AERO_HOST_UNKNOWN: a twentieth, from 128 MiB on */
	uint32_t period_ms;
	uint32_t min_percent; /* of the size it booted with: a guest's minimum */
	uint32_t stuck_ms;    /* without any progress */
	uint32_t boot_ms;     /* until a guest that starts should have a driver */
	uint32_t hold_ms;     /* how long room that was made is kept free */
	bool dry_run;	      /* sets nothing */
	size_t rules_count;
	struct aero_host_rule rules[AERO_HOST_RULES_MAX];
	/* A line for the log. */
	void (*say)(const char *line);
};

struct aero_manager;

/* The defaults, without a policy. */
void aero_manager_config_initial(struct aero_manager_config *config);

/* Copies *@config, but not what its pointers lead to.  NULL: there is no memory. */
struct aero_manager *aero_manager_new(const struct aero_manager_config *config,
				      const struct aero_host_backend *backend, void *self);
/* Changes no guest. */
void aero_manager_free(struct aero_manager *m);

/*
 * @reading: of this kernel, where the backend does not know better.  0, or -errno when the guests
 * can't be seen; nothing is changed then, and all is remembered.
 */
int aero_manager_step(struct aero_manager *m, const struct aero_host_reading *reading,
		      uint64_t now_ms);

/* ---- requests of people and programs (docs/use/host.md) ---- */

#define AERO_HOST_REQUEST_MAX 4096U

/* A request that waits for an answer: whoever made it keeps this, beginning with zeroes. */
struct aero_host_wait {
	uint64_t id; /* 0: it does not wait */
};

/*
 * Answers the request in @text, one JSON object.  Returns one line of JSON, to be freed, without
 * the newline; NULL when the answer is still to come, or there is no memory (then wait->id is 0).
 */
char *aero_manager_request(struct aero_manager *m, const char *text, size_t length, bool may_change,
			   uint64_t now_ms, struct aero_host_wait *wait);

/* The answer of a request that waits; NULL: still to come. */
char *aero_manager_answer(struct aero_manager *m, uint64_t now_ms, struct aero_host_wait *wait);

/* Whoever waited has gone. */
void aero_manager_forget(struct aero_manager *m, struct aero_host_wait *wait);

#endif
