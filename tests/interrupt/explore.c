// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Small worlds explored to the end: from the state in which the module was just loaded,
 * each action that makes sense is tried in each state that is ever reached, alone and with
 * each one of its calls going wrong in each way it may.  The ownership checker runs after
 * each action, and from each state the balloon must reach targets and unload with nothing
 * lost.  States are searched breadth first, so a failure prints a shortest way to it, which
 * replays it.
 *
 * The number of states is part of the result: a search that reaches more than --states fails.
 * With --depth the search ends early on purpose, and the result says so.
 */
#include <argp.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "explore.h"

#define STATES_DEFAULT 2000000UL
#define PATH_MAX_MOVES 512U

#define CAPS_SINGLE    AERO_VMW_CAP_BASIC
#define CAPS_2M	       (CAPS_SINGLE | AERO_VMW_CAP_BATCHED | AERO_VMW_CAP_BATCHED_2M)

static const struct world_size small = {
	.guest_pages = 1,
	.cache_pages = 1,
	.low_pages = 1,
	.rate_max = 2,
	.rate_min = 2,
	.slow_runs = 1,
	.retries_max = 2,
};

static const struct {
	struct setting setting;
	uint32_t
		blocks; /* the target at the end must leave room for the guest and the batch page */
	uint32_t absent; /* pages that Xen could add */
} worlds[] = {
	{{.name = "vmware-single-page", .caps = CAPS_SINGLE, .size = &small}, 3, 0},
	{{.name = "vmware-2m-large-and-split",
	  .caps = CAPS_2M,
	  .large = true,
	  .split = true,
	  .size = &small},
	 4,
	 0},
	{{.name = "xen-pvh-page", .xen = true, .size = &small}, 3, 0},
	{{.name = "xen-pvh-large", .xen = true, .large = true, .size = &small}, 3, 0},
	{{.name = "xen-pvh-large-grows", .xen = true, .large = true, .size = &small}, 4, BLOCK},
	{{.name = "xen-pv-split", .xen = true, .pv = true, .split = true, .size = &small}, 3, 0},
};

#define WORLDS (sizeof(worlds) / sizeof(worlds[0]))

static struct {
	unsigned long states, depth;
	const char *only, *replay;
	char **moves;
} options = {.states = STATES_DEFAULT, .depth = PATH_MAX_MOVES};

/* -- the states that were found ------------------------------------------------------------ */

struct state {
	struct state *from; /* NULL: the first */
	struct move move;   /* that led here from there */
	struct state *next; /* found after it */
	uint16_t depth;	    /* moves that led here; no fewer do */
	uint16_t length;
	uint8_t bytes[];
};

static struct {
	unsigned int world;
	struct place place;
	void *tree;
	struct state *first, *last;
	unsigned long states, moves, depth;
	/* What is being done, for the message of a failure. */
	const struct state *at;
	const struct move *move;
	bool replaying;
	unsigned int tests;
} now;

static int compare(const void *a, const void *b)
{
	const struct state *x = a, *y = b;

	return x->length == y->length ? memcmp(x->bytes, y->bytes, x->length)
				      : (x->length < y->length ? -1 : 1);
}

/* Remembers the present state if it is new. */
static void found(struct state *from, const struct move *move)
{
	uint8_t bytes[STATE_BYTES_MAX];
	unsigned int length = state_describe(&now.place, bytes);
	struct state *s = malloc(sizeof(*s) + length), **known;

	if (!s)
		sim_fail("no memory for %lu states", now.states);
	*s = (struct state){.from = from,
			    .move = *move,
			    .depth = from ? (uint16_t)(from->depth + 1) : 0,
			    .length = (uint16_t)length};
	memcpy(s->bytes, bytes, length);
	known = tsearch(s, &now.tree, compare);
	if (!known)
		sim_fail("no memory for %lu states", now.states);
	if (*known != s) {
		free(s);
		return;
	}
	now.states++;
	now.depth = s->depth;
	if (now.last)
		now.last->next = s;
	else
		now.first = s;
	now.last = s;
}

static void forget_states(void)
{
	struct state *s = now.first, *next;

	for (; s; s = next) {
		next = s->next;
		tdelete(s, &now.tree, compare);
		free(s);
	}
	now.tree = NULL;
	now.first = now.last = NULL;
	now.states = now.moves = now.depth = 0;
}

/* -- snapshots ------------------------------------------------------------------------------ */

/*
 * Actions allocate nothing, so a world stays where it is and is put back by copying all
 * that it consists of.  Of each page's content the first word is looked at (.stride).
 */
struct snapshot {
	struct place place;
	aero_page page[PAGES_MAX];
	uint64_t content[PAGES_MAX];
	uint64_t machine[PAGES_MAX], owner[PAGES_MAX + SPARE_XEN];
	bool counted[PAGES_MAX], scrubbed[PAGES_MAX], taken[PAGES_MAX + SPARE_XEN];
};

static struct snapshot beginning, present;

static void copy(void *saved, void *live, size_t size, bool save)
{
	memcpy(save ? saved : live, save ? live : saved, size);
}

static void copy_world(struct snapshot *to, bool save)
{
	struct world *w = &now.place.w;
	struct sim_xen *xen = &w->xen;
	/* The recorder is most of a world's bytes, and decides nothing. */
	const size_t record = offsetof(struct place, w.port.record);
	const size_t after = record + sizeof(w->port.record);
	uint32_t i, n = w->pages;

	copy(&to->place, &now.place, record, save);
	copy((char *)&to->place + after, (char *)&now.place + after, sizeof(now.place) - after,
	     save);
	copy(to->page, w->port.page, n * sizeof(*to->page), save);
	for (i = 0; i < n; i++)
		copy(&to->content[i], w->port.memory + (size_t)i * SIM_PAGE_SIZE,
		     sizeof(to->content[i]), save);
	if (!w->setting->xen)
		return;
	copy(to->machine, xen->machine, n * sizeof(*xen->machine), save);
	copy(to->counted, xen->counted, n * sizeof(*xen->counted), save);
	copy(to->scrubbed, xen->scrubbed, n * sizeof(*xen->scrubbed), save);
	copy(to->taken, xen->taken, xen->machine_pages * sizeof(*xen->taken), save);
	copy(to->owner, xen->owner, xen->machine_pages * sizeof(*xen->owner), save);
}

/* -- the search ------------------------------------------------------------------------------ */

static void create(void)
{
	place_create(&now.place, &worlds[now.world].setting, worlds[now.world].blocks,
		     worlds[now.world].absent);
	now.place.w.port.stride = SIM_PAGE_SIZE;
	if (now.place.w.xen.machine_pages > PAGES_MAX + SPARE_XEN)
		sim_fail("snapshots have too little room");
}

static void make(const struct state *at, const struct move *move)
{
	now.at = at;
	now.move = move;
	action_make(&now.place, move);
	now.moves++;
}

/* The moves that lead to @s, the first of them first. */
static unsigned int path_to(const struct state *s, struct move *path)
{
	unsigned int n = 0, i;

	for (; s->from; s = s->from) {
		if (n == PATH_MAX_MOVES)
			sim_fail("a way of more than %u moves", PATH_MAX_MOVES);
		path[n++] = s->move;
	}
	for (i = 0; i < n / 2; i++) {
		struct move swapped = path[i];

		path[i] = path[n - 1 - i];
		path[n - 1 - i] = swapped;
	}
	return n;
}

static void go_to(const struct state *s)
{
	struct move path[PATH_MAX_MOVES];
	unsigned int i, n = path_to(s, path);

	copy_world(&beginning, false);
	for (i = 0; i < n; i++)
		make(s, &path[i]);
	now.move = NULL;
}

/* One action in @s: as it is, then with each of its calls going wrong in each way. */
static void try_action(struct state *s, enum action action)
{
	static uint8_t made[CUT_CALLS_MAX + 1];
	struct move move = {.action = action};
	uint32_t calls;

	copy_world(&present, false);
	make(s, &move);
	calls = cut_plan.calls;
	memcpy(made, cut_plan.made, calls + 1);
	found(s, &move);
	for (move.cut.at = 1; move.cut.at <= calls; move.cut.at++) {
		move.cut.way = CUT_NOT;
		while ((move.cut.way = cut_next_way((enum cut_call)made[move.cut.at],
						    move.cut.way)) != CUT_NOT) {
			copy_world(&present, false);
			make(s, &move);
			found(s, &move);
		}
	}
}

static void expand(struct state *s)
{
	unsigned int action;

	go_to(s);
	copy_world(&present, true);
	for (action = 0; action < ACTIONS; action++) {
		copy_world(&present, false);
		if (action_is_possible(&now.place, (enum action)action))
			try_action(s, (enum action)action);
	}
	copy_world(&present, false);
	now.at = s;
	now.move = NULL;
	place_finish(&now.place);
}

static bool progress_is_due(void)
{
	static time_t said;
	time_t t = time(NULL);

	if (said && t < said + 10)
		return false;
	said = t;
	return true;
}

static void explore(void)
{
	static const struct move none;
	unsigned long done = 0;
	struct state *s;

	create();
	copy_world(&beginning, true);
	found(NULL, &none);
	for (s = now.first; s && s->depth < options.depth; s = s->next) {
		if (now.states > options.states)
			sim_fail("more than %lu states", options.states);
		expand(s);
		done++;
		if (progress_is_due())
			fprintf(stderr, "# %s: %lu of %lu states explored\n",
				worlds[now.world].setting.name, done, now.states);
	}
	world_destroy(&now.place.w);
}

/* -- failures and replay ------------------------------------------------------------------- */

static void print_way(void)
{
	struct move path[PATH_MAX_MOVES];
	unsigned int i, n = path_to(now.at, path);
	char text[96];

	printf("# replay with: --replay %s", worlds[now.world].setting.name);
	for (i = 0; i < n; i++) {
		move_print(&path[i], text, sizeof(text));
		printf(" %s", text);
	}
	if (now.move) {
		move_print(now.move, text, sizeof(text));
		printf(" %s", text);
	}
	printf("\n");
}

static void on_failure(const char *message)
{
	if (now.replaying) {
		printf("# %s\n", message);
		return;
	}
	printf("not ok %u - %s\n# %s\n", now.tests + 1, worlds[now.world].setting.name, message);
	if (now.at)
		print_way();
	fflush(stdout);
}

static int replay(const char *name, char **moves)
{
	struct move move;

	now.replaying = true;
	for (now.world = 0; now.world < WORLDS; now.world++)
		if (!strcmp(worlds[now.world].setting.name, name))
			break;
	if (now.world == WORLDS) {
		fprintf(stderr, "there is no world '%s'\n", name);
		return EXIT_FAILURE;
	}
	create();
	now.place.w.port.record.verbose = true;
	for (; *moves; moves++) {
		printf("# %s\n", *moves);
		fflush(stdout);
		if (!move_parse(*moves, &move) || !action_is_possible(&now.place, move.action)) {
			fprintf(stderr, "'%s' can't be done here\n", *moves);
			return EXIT_FAILURE;
		}
		action_make(&now.place, &move);
	}
	place_finish(&now.place);
	printf("# %s passes\n", name);
	return EXIT_SUCCESS;
}

/* -- the command line ----------------------------------------------------------------------- */

/* A number from @min to @max, or an end of the program. */
static unsigned long number(struct argp_state *state, const char *name, const char *text,
			    unsigned long min, unsigned long max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n < min || n > max)
		argp_error(state, "--%s is a number from %lu to %lu, not '%s'", name, min, max,
			   text);
	return n;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 's':
		options.states = number(state, "states", arg, 1, ULONG_MAX);
		return 0;
	case 'd':
		options.depth = number(state, "depth", arg, 1, PATH_MAX_MOVES);
		return 0;
	case 'w':
		options.only = arg;
		return 0;
	case 'r':
		options.replay = arg;
		return 0;
	case ARGP_KEY_ARGS:
		options.moves = state->argv + state->next;
		return options.replay ? 0 : ARGP_ERR_UNKNOWN;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Whether the states that were found are all there are. */
static const char *how_far(void)
{
	return now.depth < options.depth ? "all" : "the first";
}

static bool is_wanted(unsigned int world)
{
	return !options.only || !strcmp(options.only, worlds[world].setting.name);
}

int main(int argc, char **argv)
{
	static const struct argp_option known[] = {
		{"world", 'w', "WORLD", 0, "Explore this one only", 0},
		{"states", 's', "N", 0, "Fail at more than N states (default 2000000)", 0},
		{"depth", 'd', "N", 0, "Only states that N moves lead to (default: all)", 0},
		{"replay", 'r', "WORLD", 0, "Make MOVES, such as step target-some step@2:busy", 0},
		{0},
	};
	static const struct argp argp = {
		.options = known,
		.parser = parse_option,
		.args_doc = "[MOVES]",
		.doc = "Explores each state that small worlds can be in.",
	};
	static char *no_moves[] = {NULL};
	unsigned int plan = 0;
	unsigned long all = 0;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	sim_on_failure = on_failure;
	if (options.replay)
		return replay(options.replay, options.moves ? options.moves : no_moves);
	for (now.world = 0; now.world < WORLDS; now.world++)
		plan += is_wanted(now.world);
	if (!plan) {
		fprintf(stderr, "there is no world '%s'\n", options.only);
		return EXIT_FAILURE;
	}
	printf("1..%u\n", plan);
	for (now.world = 0; now.world < WORLDS; now.world++) {
		if (!is_wanted(now.world))
			continue;
		explore();
		printf("ok %u - %s\n# %s %lu states, at most %lu moves away; %lu moves made\n",
		       ++now.tests, worlds[now.world].setting.name, how_far(), now.states,
		       now.depth, now.moves);
		fflush(stdout);
		all += now.states;
		forget_states();
	}
	printf("# %lu states in all\n", all);
	return EXIT_SUCCESS;
}
