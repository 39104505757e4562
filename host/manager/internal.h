/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef AEROSTAT_HOST_MANAGER_INTERNAL_H
#define AEROSTAT_HOST_MANAGER_INTERNAL_H

#include <jansson.h>

#include "manager.h"

/* A size that differs by no more has been reached: some balloons move in blocks of 2 MiB. */
#define REACHED_KIB	 2048U

/*
 * Balloons hold whole pages, of up to 64 KiB.  A target between two would leave a guest with a
 * little more than was counted on.
 */
#define GRAIN_KIB	 64U

#define BACKOFF_LEAST_MS 30000U
#define BACKOFF_MOST_MS	 600000U

struct guest {
	struct aero_host_sight sight;
	bool seen; /* in the present look */
	uint64_t min_kib, max_kib;
	uint32_t shares;
	bool managed;
	char complained[AERO_HOST_WORDS_MAX]; /* what was said of its settings */

	enum aero_host_guest_mode mode;
	char why[AERO_HOST_WORDS_MAX]; /* it has this mode; "": nothing to say */
	uint64_t first_ms;
	bool answered; /* its driver has given statistics, or moved */
	bool asked;    /* target_kib is of us; else it is what the guest has */
	bool reached;
	uint64_t target_kib;
	uint64_t best_kib; /* how near to the target it has come */
	uint64_t moved_ms; /* when it last came nearer, or had nowhere to go */
	uint64_t retry_ms; /* given up until then; 0: not given up */
	uint32_t backoff_ms;
	uint64_t floor_kib; /* until retry_ms it can't give more than down to this */

	uint64_t mark_ms; /* when the statistics last changed */
	struct aero_host_sight before;
	bool has_before;

	void *state; /* the policy's */
	uint64_t moves, turns, failures;
	int direction; /* of the last move */
};

struct room {
	uint64_t wanted_kib; /* 0: none */
	bool reached;
	uint64_t until_ms; /* of the time-out, or of the keeping */
	uint64_t id;	   /* of the request that waits */
	uint64_t last_id;
};

struct aero_manager {
	struct aero_manager_config config;
	const struct aero_host_backend *backend;
	void *self;
	bool connected;
	char failure[AERO_HOST_WORDS_MAX];
	struct guest **guests;
	size_t count, room_for;
	bool out_of_memory;
	uint64_t now_ms, last_ms;
	bool stepped;
	uint64_t steps;
	struct room room;

	void *host_state;
	struct aero_host_figures host;
	/* One for each guest, after a step. */
	struct aero_host_guest *figures;
	void **states;
	struct aero_host_decision *decisions;
	size_t decided; /* how many of the arrays are filled in */
};

/* ---- promised.c ---- */

__attribute__((format(printf, 2, 3))) void aero_manager_say(const struct aero_manager *m,
							    const char *format, ...);

/* What a guest has, or may take without being asked again. */
uint64_t aero_guest_promised_kib(const struct guest *g);

/* What may be given to guests; and what of it nobody has or was promised. */
uint64_t aero_manager_budget_kib(const struct aero_manager *m);
uint64_t aero_manager_free_kib(const struct aero_manager *m);

static inline uint64_t sum(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

static inline uint64_t grain_up(uint64_t kib)
{
	return sum(kib, GRAIN_KIB - 1) / GRAIN_KIB * GRAIN_KIB;
}

static inline uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* What it may use until its driver answers. */
static inline uint64_t starts_with(const struct guest *g)
{
	uint64_t kib = g->sight.start_kib;

	return kib && kib < g->sight.boot_kib ? kib : g->sight.boot_kib;
}

/* ---- limits.c ---- */

/* The limits of a guest, from what is set for it; says once what is wrong. */
void aero_guest_limits(struct aero_manager *m, struct guest *g);

/* ---- judge.c ---- */

/* Has it moved, and can it be asked? */
void aero_guest_judge(struct aero_manager *m, struct guest *g);

/* Asks for a size.  The backend's failure is remembered with the guest. */
void aero_guest_ask(struct aero_manager *m, struct guest *g, uint64_t kib);

/* ---- figures.c ---- */

void aero_guest_figures(struct aero_manager *m, struct guest *g, struct aero_host_guest *figures);
void aero_manager_host_figures(struct aero_manager *m, const struct aero_host_reading *reading);

/* ---- room.c ---- */

void aero_room_step(struct aero_manager *m);
void aero_room_use(struct aero_manager *m, const struct guest *g); /* by a guest that starts */

/* An answer, or NULL: whoever asked waits. */
char *aero_room_begin(struct aero_manager *m, uint64_t kib, uint64_t timeout_ms,
		      struct aero_host_wait *wait);

/* ---- report.c ---- */

char *aero_report_all(struct aero_manager *m);
char *aero_report_plan(struct aero_manager *m, const struct aero_host_decision *decisions);
char *aero_report_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *aero_report_room(struct aero_manager *m, bool made, const char *why);

#endif
