/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Worlds of a few blocks, explored to the end: what explore.c, which searches, shares with
 * the list of actions and with the description of a state.
 */
#ifndef AEROSTAT_TESTS_EXPLORE_H
#define AEROSTAT_TESTS_EXPLORE_H

#include "world.h"

/* What the world outside of the engine and its worker does next. */
enum action {
	ACT_STEP, /* the worker steps; it may always do so early, for it may be kicked */
	ACT_TARGET_NONE,
	ACT_TARGET_SOME,
	ACT_TARGET_MANY,
	ACT_TARGET_BEYOND, /* Xen: more than the guest has */
	ACT_TIME,	   /* so much time passes that no hold-off is left */
	ACT_RELIEVE,
	ACT_FORGET, /* VMware: the host loses its memory of the balloon */
	ACT_ISOLATE,
	ACT_MIGRATE, /* the isolated page */
	ACT_PUT_BACK,
	ACT_LEND,    /* Xen; the guest's own page if the balloon holds too few */
	ACT_REPAY,   /* Xen */
	ACT_ONLINE,  /* a page that was added comes online */
	ACT_UNLOAD,  /* a step of the unload */
	ACT_PATIENT, /* steps of the unload as long as it waits */
	ACT_LOAD,    /* the module again, after an unload */
	ACTIONS
};

/* An action, and the call in it that goes wrong; .at is 0 when none does. */
struct move {
	enum action action;
	struct cut cut;
};

/* A world and what only the exploration knows of it. */
struct place {
	struct world w;
	bool unloading, unloaded;
};

/* A world of @blocks blocks, of which the last @absent pages are not there yet. */
void place_create(struct place *p, const struct setting *setting, uint32_t blocks, uint32_t absent);

/* Whether @action makes sense; it may not be made otherwise. */
bool action_is_possible(const struct place *p, enum action action);
void action_make(struct place *p, const struct move *move);

/* From any state, with all trouble over, to an unloaded balloon with nothing lost. */
void place_finish(struct place *p);

const char *action_name(enum action action);

/* "step", "step@2:busy"; false if @text is no such word. */
void move_print(const struct move *move, char *text, size_t size);
bool move_parse(const char *text, struct move *move);

/* Bytes that describe a state; two worlds with the same bytes are taken for one. */
#define STATE_BYTES_MAX 256U
unsigned int state_describe(const struct place *p, uint8_t *bytes);

#endif
