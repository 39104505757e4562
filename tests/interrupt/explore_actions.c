// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What may happen to a small world, one action at a time. */
#include "explore.h"

#include <stdio.h>
#include <string.h>

/* The middle target is not a whole number of blocks; the largest leaves one block. */
#define TARGET_SOME  (BLOCK + 1)

/* Longer than the engine waits before it abandons pages, in steps. */
#define PATIENCE     64U
#define UNLOAD_STEPS 400U

/* Longer than any pause of the engine. */
#define LONG_MS	     1000000U

static const char *const names[ACTIONS] = {
	[ACT_STEP] = "step",
	[ACT_TARGET_NONE] = "target-none",
	[ACT_TARGET_SOME] = "target-some",
	[ACT_TARGET_MANY] = "target-many",
	[ACT_TARGET_BEYOND] = "target-beyond",
	[ACT_TIME] = "time",
	[ACT_RELIEVE] = "relieve",
	[ACT_FORGET] = "forget",
	[ACT_ISOLATE] = "isolate",
	[ACT_MIGRATE] = "migrate",
	[ACT_PUT_BACK] = "put-back",
	[ACT_LEND] = "lend",
	[ACT_REPAY] = "repay",
	[ACT_ONLINE] = "online",
	[ACT_UNLOAD] = "unload",
	[ACT_PATIENT] = "patient",
	[ACT_LOAD] = "load",
};

const char *action_name(enum action action)
{
	return names[action];
}

void move_print(const struct move *move, char *text, size_t size)
{
	char cut[64];

	cut_print(&move->cut, 1, cut, sizeof(cut));
	snprintf(text, size, "%s%s%s", names[move->action], move->cut.at ? "@" : "",
		 move->cut.at ? cut : "");
}

bool move_parse(const char *text, struct move *move)
{
	size_t length = strcspn(text, "@");
	unsigned int i, n;

	*move = (struct move){.action = ACTIONS};
	for (i = 0; i < ACTIONS; i++)
		if (strlen(names[i]) == length && !strncmp(names[i], text, length))
			move->action = (enum action)i;
	if (move->action == ACTIONS)
		return false;
	return !text[length] || (cut_parse(text + length + 1, &move->cut, &n) && n == 1);
}

/* -- which are possible ------------------------------------------------------------------ */

static bool is_possible_on_xen(const struct place *p, enum action action)
{
	const struct world *w = &p->w;

	switch (action) {
	case ACT_TARGET_BEYOND:
		return w->port.owned[SIM_ABSENT] && !p->unloading;
	case ACT_LEND:
		return !w->port.lent.first && !p->unloading;
	case ACT_REPAY:
		return w->port.lent.first;
	case ACT_ONLINE:
		return w->coming && !p->unloading;
	default:
		return false;
	}
}

bool action_is_possible(const struct place *p, enum action action)
{
	const struct world *w = &p->w;

	if (p->unloaded)
		return action == ACT_LOAD;
	switch (action) {
	case ACT_STEP:
	case ACT_TARGET_NONE:
	case ACT_TARGET_SOME:
	case ACT_TARGET_MANY:
	case ACT_RELIEVE:
		return !p->unloading;
	case ACT_TIME:
		return w->b.pace.held_off && !p->unloading;
	case ACT_FORGET:
		return !w->setting->xen && w->host.connected && !p->unloading;
	case ACT_ISOLATE:
		return w->port.held[AERO_CLASS_PAGE].first && !w->port.isolated.first;
	case ACT_MIGRATE:
	case ACT_PUT_BACK:
		return w->port.isolated.first && !w->kept_n;
	case ACT_UNLOAD:
		/* Loans are repaid before, and memory that was added is online. */
		return !w->port.lent.first && !w->coming;
	case ACT_PATIENT:
		return w->setting->xen && p->unloading;
	default:
		return w->setting->xen && is_possible_on_xen(p, action);
	}
}

/* -- making them -------------------------------------------------------------------------- */

static void check(struct place *p)
{
	/* Abandoned pages are nobody's, of which the checker knows nothing. */
	if (!p->w.kept_n)
		world_check(&p->w);
}

static void unload(struct place *p, unsigned int steps)
{
	p->unloading = true;
	while (steps-- && !p->unloaded) {
		uint32_t kept = p->w.kept_n;

		p->unloaded = world_unload_step(&p->w);
		if (p->w.kept_n != kept)
			break;
	}
	if (p->unloaded && !p->w.setting->xen)
		aero_vmware_destroy(&p->w.v);
}

static void load(struct place *p)
{
	p->unloading = p->unloaded = false;
	world_load(&p->w);
}

static void migrate(struct place *p)
{
	sim_migrate(&p->w.b, p->w.port.isolated.first);
}

static void make_on_xen(struct world *w, enum action action)
{
	switch (action) {
	case ACT_TARGET_BEYOND:
		world_target_beyond(w, w->port.owned[SIM_ABSENT]);
		break;
	case ACT_LEND:
		world_lend(w, 1);
		break;
	case ACT_REPAY:
		sim_repay(&w->b, 1);
		break;
	case ACT_ONLINE:
		world_online(w, 1);
		break;
	default:
		break;
	}
}

static void make(struct place *p, enum action action)
{
	struct world *w = &p->w;

	switch (action) {
	case ACT_STEP:
		world_step(w);
		break;
	case ACT_TARGET_NONE:
		world_target(w, 0);
		break;
	case ACT_TARGET_SOME:
		world_target(w, TARGET_SOME);
		break;
	case ACT_TARGET_MANY:
		world_target(w, w->pages - BLOCK);
		break;
	case ACT_RELIEVE:
		aero_relieve(&w->b, 1);
		break;
	case ACT_FORGET:
		world_forget(w);
		break;
	case ACT_ISOLATE:
		sim_isolate(&w->port);
		break;
	case ACT_MIGRATE:
		migrate(p);
		break;
	case ACT_PUT_BACK:
		sim_putback(&w->port, w->port.isolated.first);
		break;
	case ACT_UNLOAD:
		unload(p, 1);
		break;
	case ACT_PATIENT:
		unload(p, PATIENCE);
		break;
	case ACT_LOAD:
		load(p);
		break;
	default:
		make_on_xen(w, action);
	}
}

/* Time stands still but in ACT_TIME, so that states do not differ by the clock alone. */
void action_make(struct place *p, const struct move *move)
{
	uint64_t now_ms = p->w.port.now_ms;

	cut_begin(&move->cut, move->cut.at ? 1 : 0);
	make(p, move->action);
	cut_end();
	p->w.port.now_ms = move->action == ACT_TIME ? now_ms + LONG_MS : now_ms;
	check(p);
}

/* -- life ------------------------------------------------------------------------------------ */

void place_create(struct place *p, const struct setting *setting, uint32_t blocks, uint32_t absent)
{
	p->unloading = p->unloaded = false;
	world_create(&p->w, setting, blocks * BLOCK, absent);
}

void place_finish(struct place *p)
{
	struct world *w = &p->w;
	unsigned int steps = 0;

	if (p->unloading) {
		while (w->port.isolated.first)
			sim_putback(&w->port, w->port.isolated.first);
		while (!p->unloaded) {
			unload(p, 1);
			if (++steps > UNLOAD_STEPS)
				sim_fail("an unload without an end");
		}
		load(p);
	}
	world_prove(w);
}
