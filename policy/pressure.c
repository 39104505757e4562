// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * How much memory a guest needs can only be seen when it has a little less than that.  So this
 * policy shrinks the guest slowly until there are signs of pressure, and then grows it at once
 * and by enough.  The sooner after shrinking the pressure came, the longer it waits before it
 * shrinks the guest again.  docs/design/policy.md explains each rule.
 */
#include "arithmetic.h"

#define STEP_MAX_MS	 3600000U
#define NEVER		 (~(uint32_t)0)
#define SECOND_MS	 1000U

/* Pressure is urgent if some tasks stall for so many times `stall_permille`. */
#define URGENT_STALLS	 4U

/* Where stalled time is not measured, each stalled allocation counts as so long. */
#define STALL_MS	 1U

/*
 * Under pressure the guest grows at least by this part of its size (a shift: 1/32 and 1/8),
 * which is doubled with each further step in a row.
 */
#define MILD_SHIFT	 5U
#define URGENT_SHIFT	 3U
#define RISING_MAX	 16U

/* A surplus below this part of the guest is left alone. */
#define DEAD_BAND_SHIFT	 5U

/* Page cache that was used more than once is given up so many times more slowly. */
#define ACTIVE_SLOWER	 4U

/*
 * To shrink the page cache, the balloon takes at most this part of the free pages in one step, so
 * that the kernel's background reclaim can replace them.
 */
#define CACHE_FREE_SHIFT 1U

/* Reclaim that evicts less than this part of what it scans is useless. */
#define USELESS_SHIFT	 3U

/* After so many quiet times without pressure, the quiet time is halved in any case. */
#define LONG_AGO	 16U

/* If much less is in use than under pressure, only this part of the quiet time is waited. */
#define OTHER_LOAD	 16U

/* A size that was not enough is avoided together with a margin of this part of it. */
#define MARGIN_SHIFT	 5U

/* What one step works with.  All numbers but step_ms are pages. */
struct view {
	const struct aero_pressure_config *config;
	const struct aero_policy_figures *f;
	uint32_t step_ms;
	uint64_t floor;	    /* the smallest number of managed pages that is allowed */
	uint64_t most;	    /* the largest */
	uint64_t used;	    /* managed and not available */
	uint64_t rise;	    /* growth of used since the last step */
	uint64_t promised;  /* promised to processes since the last step, and not yet used */
	uint64_t low, high; /* the marks for available pages */
	uint64_t surplus;   /* available pages above the high mark */
};

void aero_pressure_defaults(struct aero_pressure_config *config, uint32_t page_shift)
{
	aero_policy_set_initial(&aero_policy_pressure, config);
	config->page_shift = page_shift;
}

const char *aero_pressure_level_name(enum aero_pressure_level level)
{
	static const char *const names[AERO_PRESSURE_LEVELS] = {"none", "doubt", "short", "mild",
								"urgent"};

	return level < AERO_PRESSURE_LEVELS ? names[level] : "unknown";
}

static uint32_t add_ms(uint32_t a, uint32_t b)
{
	return a > NEVER - b ? NEVER : a + b;
}

static uint32_t less_ms(uint32_t a, uint32_t b)
{
	return a > b ? a - b : 0;
}

/* -- what the figures say ------------------------------------------------------------ */

static uint64_t floor_of(const struct aero_pressure_config *config,
			 const struct aero_policy_figures *f)
{
	struct aero_committed_config committed;

	aero_committed_defaults(&committed, config->page_shift);
	committed.min_usable_mb = config->min_usable_mb;
	return aero_committed_floor_pages(&committed, f);
}

/*
 * The most pages that the guest can manage.  max_pfn also counts pages that the kernel does not
 * manage.  The result is never less than what the guest manages now.
 */
static uint64_t most_of(const struct aero_policy_figures *f)
{
	uint64_t unmanaged = aero_less(f->current_pages, f->managed_pages);

	return aero_greater(aero_less(f->max_pfn, unmanaged), f->managed_pages);
}

/*
 * Fills the view.  Use that grew in the last steps may grow by the same amount again before the
 * next step looks at it, so this amount is added to both marks.  Use that grew in one step only
 * may have been a single jump, of which half is added.
 */
static void look(struct view *v, const struct aero_pressure *s)
{
	const struct aero_policy_figures *f = v->f;
	uint64_t headroom, expected;

	v->step_ms = f->interval_ms ? f->interval_ms : AERO_POLICY_INTERVAL_MS;
	if (v->step_ms > STEP_MAX_MS)
		v->step_ms = STEP_MAX_MS;
	v->floor = floor_of(v->config, f);
	v->most = aero_greater(most_of(f), v->floor);
	v->used = aero_less(f->managed_pages, f->available_pages);
	v->rise = s->started ? aero_less(v->used, s->used_pages) : 0;
	v->promised = s->started ? aero_less(f->committed_pages, s->committed_pages) : 0;
	/* The part of the promises that is in use already does not come in addition. */
	v->promised = aero_less(v->promised, v->rise);
	headroom = aero_greater(aero_part(v->used, v->config->headroom_permille, 1000),
				aero_mib_pages(v->config->headroom_mb, v->config->page_shift));
	expected = aero_lesser(v->rise, aero_greater(v->rise / 2, s->rise_pages));
	v->low = aero_sum(headroom / 2, expected);
	v->high = aero_sum(headroom, expected);
	v->surplus = aero_less(f->available_pages, v->high);
}

/* -- the level of pressure ------------------------------------------------------------ */

/* Whether so many events in this step amount to @per_s or more in a second. */
static bool is_rate(const struct view *v, uint64_t events, uint32_t per_s)
{
	return events && aero_part(events, SECOND_MS, v->step_ms) >= per_s;
}

/* The share of the time, per mille, in which some task stalled. */
static uint64_t stalled_permille(const struct view *v)
{
	if (v->f->some_permille != AERO_POLICY_UNKNOWN)
		return v->f->some_permille;
	return aero_part(v->f->stalls, STALL_MS * 1000, v->step_ms);
}

static bool all_stall(const struct view *v)
{
	return v->f->full_permille != AERO_POLICY_UNKNOWN && v->f->full_permille &&
	       v->f->full_permille >= v->config->stall_permille;
}

static bool reclaim_is_useless(const struct view *v)
{
	return is_rate(v, v->f->scanned_pages, v->config->refaults_per_s) &&
	       v->f->stolen_pages < v->f->scanned_pages >> USELESS_SHIFT;
}

/* Pages that had to be read again because they had been evicted too early. */
static uint64_t fetched_pages(const struct view *v)
{
	return aero_sum(v->f->refaults, v->f->swap_in_pages);
}

/*
 * The level by signs that the balloon's own growth may cause as well.  While the guest is
 * shrinking they are only a reason to stop; otherwise they mean that memory is short.
 */
static enum aero_pressure_level ambiguous_level(const struct view *v, bool shrinking)
{
	uint64_t stalled = stalled_permille(v);
	uint32_t limit = v->config->stall_permille;
	bool some = stalled && stalled >= limit;

	if (!some && !reclaim_is_useless(v) &&
	    !is_rate(v, v->f->swap_out_pages, v->config->refaults_per_s))
		return AERO_PRESSURE_NONE;
	if (shrinking)
		return AERO_PRESSURE_DOUBT;
	return some && stalled / URGENT_STALLS >= limit ? AERO_PRESSURE_URGENT : AERO_PRESSURE_MILD;
}

static bool is_short(const struct view *v)
{
	uint64_t available = v->f->available_pages;

	return available < v->low || (v->promised && aero_less(available, v->promised) < v->low);
}

static enum aero_pressure_level judge(const struct view *v, bool shrinking)
{
	enum aero_pressure_level ambiguous = ambiguous_level(v, shrinking);

	if (v->f->relieved_pages || all_stall(v) || ambiguous == AERO_PRESSURE_URGENT)
		return AERO_PRESSURE_URGENT;
	if (is_rate(v, fetched_pages(v), v->config->refaults_per_s))
		return AERO_PRESSURE_MILD;
	if (ambiguous == AERO_PRESSURE_MILD)
		return AERO_PRESSURE_MILD;
	return is_short(v) ? AERO_PRESSURE_SHORT : ambiguous;
}

/* -- how far to grow or to shrink ------------------------------------------------------ */

/*
 * If tasks stall while memory is free, memory is not the cause: it has arrived only just now, or
 * a limit inside the guest (a control group) is too tight.
 */
static bool has_free(const struct view *v)
{
	return v->f->free_pages >= aero_sum(v->f->reserve_pages, v->high);
}

/*
 * By how many pages the guest should grow: the largest of all estimates of what is missing, and
 * under pressure more with each step that did not help.
 */
static uint64_t growth(const struct view *v, const struct aero_pressure *s)
{
	const struct aero_policy_figures *f = v->f;
	uint64_t need = aero_sum(v->high, v->promised), pages;
	uint32_t shift = s->level == AERO_PRESSURE_URGENT ? URGENT_SHIFT : MILD_SHIFT;

	pages = is_short(v) ? aero_less(need, f->available_pages) : 0;
	pages = aero_greater(pages, f->relieved_pages);
	if (!s->rising)
		return pages;
	pages = aero_greater(pages, aero_product(fetched_pages(v), 2));
	return aero_greater(pages, aero_shifted(f->managed_pages >> shift, s->rising - 1));
}

/*
 * By how many pages the guest may shrink.  Of the surplus, free pages are given up quickly, since
 * nobody misses them, and page cache slowly.  Both follow time constants, so that the result
 * does not depend on how often this is asked.
 */
static uint64_t shrinkage(const struct view *v)
{
	const struct aero_policy_figures *f = v->f;
	uint64_t free, active, cache, pages;

	if (v->surplus <= f->managed_pages >> DEAD_BAND_SHIFT)
		return 0;
	free = aero_less(f->free_pages, aero_sum(f->reserve_pages, v->high));
	free = aero_lesser(free, v->surplus);
	cache = v->surplus - free;
	active = aero_lesser(f->file_active_pages, cache);
	pages = aero_part(cache - active, v->step_ms, v->config->cache_return_ms);
	pages = aero_sum(pages,
			 aero_quotient(aero_part(active, v->step_ms, v->config->cache_return_ms),
				       ACTIVE_SLOWER));
	/* Not more page cache than background reclaim can replace by free pages meanwhile. */
	pages = aero_lesser(pages, f->free_pages >> CACHE_FREE_SHIFT);
	pages = aero_sum(pages, aero_part(free, v->step_ms, v->config->free_return_ms));
	return aero_lesser(pages, v->surplus);
}

/* -- learning from pressure -------------------------------------------------------------- */

/*
 * Called when there is any pressure.  For the quiet time, the guest keeps at least what it has
 * now or is known to need.  If the guest was shrunk within the quiet time before, that was
 * wrong, and the quiet time is doubled.
 */
static void regret(const struct view *v, struct aero_pressure *s)
{
	const struct aero_pressure_config *config = v->config;

	if (s->since_shrink_ms <= s->quiet_ms) {
		s->quiet_ms = s->quiet_ms > config->quiet_max_ms / 2 ? config->quiet_max_ms
								     : s->quiet_ms * 2;
		s->hurt_pages = aero_lesser(s->wanted_pages, v->f->managed_pages);
		/* The same shrinking must not double the quiet time again. */
		s->since_shrink_ms = NEVER;
	}
	s->lesson_pages = v->used;
	s->enough_pages = aero_sum(v->used, aero_sum(v->high, v->promised));
	s->enough_pages = aero_greater(v->f->managed_pages, s->enough_pages);
	s->quiet_left_ms = s->quiet_ms;
	s->calm_ms = 0;
}

/*
 * Called when there is no pressure.  If much less memory is in use than when there was
 * pressure, the load is another one, and only a part of the quiet time is waited.  The quiet time
 * is halved when the guest has lived for that long with clearly less memory than what was too
 * little before, or when the pressure was long ago.
 */
static void calm_down(const struct view *v, struct aero_pressure *s)
{
	uint32_t base = v->config->quiet_ms, quiet = s->quiet_ms / OTHER_LOAD;
	bool lower = v->f->managed_pages < s->hurt_pages - (s->hurt_pages >> MARGIN_SHIFT);

	if (v->used < s->lesson_pages - s->lesson_pages / 4) {
		quiet = quiet > base ? quiet : base;
		if (s->quiet_left_ms > quiet)
			s->quiet_left_ms = quiet;
	}
	s->quiet_left_ms = less_ms(s->quiet_left_ms, v->step_ms);
	s->calm_ms = add_ms(s->calm_ms, v->step_ms);
	if (s->quiet_ms > base && (lower ? s->calm_ms : s->calm_ms / LONG_AGO) >= s->quiet_ms) {
		s->quiet_ms = s->quiet_ms / 2 > base ? s->quiet_ms / 2 : base;
		s->calm_ms = base;
	}
}

static void start(const struct view *v, struct aero_pressure *s)
{
	if (s->started)
		return;
	s->started = true;
	s->quiet_ms = v->config->quiet_ms;
	s->since_shrink_ms = NEVER;
	s->calm_ms = NEVER;
	s->wanted_pages = v->f->managed_pages;
}

static void remember(const struct view *v, struct aero_pressure *s, uint64_t wanted)
{
	s->shrinking = wanted < v->f->managed_pages;
	if (s->shrinking)
		s->since_shrink_ms = 0;
	s->wanted_pages = wanted;
	s->used_pages = v->used;
	s->rise_pages = v->rise;
	s->committed_pages = v->f->committed_pages;
}

/*
 * The size below which the guest is not shrunk.  It keeps what is in use; the processes' own
 * memory, even if the kernel considers a part of that available; and during the quiet time a
 * size that was not enough before.
 */
static uint64_t least_of(const struct view *v, const struct aero_pressure *s)
{
	const struct aero_policy_figures *f = v->f;
	uint64_t kept = aero_sum(f->anon_pages, f->reserve_pages);
	uint64_t enough = aero_sum(s->enough_pages, s->enough_pages >> MARGIN_SHIFT);

	if (s->quiet_left_ms)
		kept = aero_greater(kept, enough);
	return aero_greater(aero_less(f->managed_pages, v->surplus),
			    aero_lesser(f->managed_pages, kept));
}

/*
 * What is less than a whole block is owed, so that in the end the guest shrinks as fast in blocks
 * as it would by single pages.
 */
static uint64_t in_whole_blocks(uint64_t pages, const struct view *v, struct aero_pressure *s)
{
	uint32_t grain = v->f->grain_pages;

	if (grain <= 1)
		return pages;
	pages = aero_lesser(aero_sum(pages, s->owed_pages), v->surplus);
	s->owed_pages = pages - aero_quotient(pages, grain) * grain;
	return pages - s->owed_pages;
}

/*
 * The number of managed pages that the guest should have.  If the guest has not yet got all the
 * memory that an earlier step wanted, this is still wanted.
 */
static uint64_t decide(const struct view *v, struct aero_pressure *s)
{
	uint64_t managed = v->f->managed_pages, held = aero_greater(s->wanted_pages, managed);
	uint64_t less;

	if (s->level >= AERO_PRESSURE_SHORT)
		return aero_greater(held, aero_sum(managed, growth(v, s)));
	less = shrinkage(v);
	if (s->level == AERO_PRESSURE_DOUBT || s->calm_ms < v->config->quiet_ms)
		return held;
	less = in_whole_blocks(less, v, s);
	if (!less)
		return held;
	return aero_greater(aero_lesser(s->wanted_pages, managed - less), least_of(v, s));
}

uint64_t aero_pressure_step(const struct aero_pressure_config *config, struct aero_pressure *state,
			    const struct aero_policy_figures *figures)
{
	struct view v = {.config = config, .f = figures};
	uint64_t wanted;

	look(&v, state);
	start(&v, state);
	state->since_shrink_ms = add_ms(state->since_shrink_ms, v.step_ms);
	state->level = judge(&v, state->shrinking);
	if (state->level < AERO_PRESSURE_MILD || has_free(&v))
		state->rising = 0;
	else if (state->rising < RISING_MAX)
		state->rising++;
	if (state->level == AERO_PRESSURE_NONE)
		calm_down(&v, state);
	else
		regret(&v, state);
	wanted = aero_lesser(decide(&v, state), v.most);
	wanted = aero_greater(wanted, v.floor);
	remember(&v, state, wanted);
	return aero_balloon_pages(figures, wanted);
}

/* -- the entry of the table of policies ---------------------------------------------- */

static void defaults(void *config, uint32_t page_shift)
{
	aero_pressure_defaults(config, page_shift);
}

static bool step(const void *config, void *state, const struct aero_policy_figures *figures,
		 uint64_t *target)
{
	*target = aero_pressure_step(config, state, figures);
	return true;
}

static void explain(const void *state, const char **level, uint32_t *quiet_left_ms)
{
	const struct aero_pressure *s = state;

	*level = aero_pressure_level_name(s->level);
	*quiet_left_ms = s->quiet_left_ms;
}

#define AT(member) offsetof(struct aero_pressure_config, member)
#define ANY	   (~(uint32_t)0)

/* docs/design/policy.md, "pressure", gives the reason of each initial value. */
static const struct aero_policy_option options[] = {
	{"headroom-permille", "per mille", "of the memory in use, stays available on top of it",
	 NULL, AERO_HEADROOM_PERMILLE, 0, 10000, AT(headroom_permille)},
	{"headroom-mb", "MiB", "and at least so much", NULL, AERO_HEADROOM_MB, 0, 1U << 20,
	 AT(headroom_mb)},
	{"stall-permille", "per mille", "a share of stalled time that is pressure", NULL,
	 AERO_STALL_PERMILLE, 1, 1000, AT(stall_permille)},
	{"refaults-per-s", "pages/s", "refaults and pages from swap that are pressure", NULL,
	 AERO_REFAULTS_PER_S, 1, ANY, AT(refaults_per_s)},
	{"free-return-ms", "ms", "time constant with which free memory is given up", NULL,
	 AERO_FREE_RETURN_MS, 1, ANY, AT(free_return_ms)},
	{"cache-return-ms", "ms", "time constant with which page cache is given up", NULL,
	 AERO_CACHE_RETURN_MS, 1, ANY, AT(cache_return_ms)},
	{"quiet-ms", "ms", "no shrinking for so long after pressure", NULL, AERO_QUIET_MS, 0,
	 86400000, AT(quiet_ms)},
	{"quiet-max-ms", "ms", "and at most, when shrinking was wrong", "quiet-ms",
	 AERO_QUIET_MAX_MS, 0, 86400000, AT(quiet_max_ms)},
	{"min-usable-mb", "MiB", "the floor above the reserve; 0: by the guest's size", NULL, 0, 0,
	 ANY, AT(min_usable_mb)},
};

const struct aero_policy aero_policy_pressure = {
	.name = "pressure",
	.summary = "shrinks until the guest begins to lack memory, and grows when it does",
	.kind = AERO_POLICY_SIZE,
	.needs = AERO_FIGURE_MANAGED | AERO_FIGURE_COMMITTED | AERO_FIGURE_RESERVE |
		 AERO_FIGURE_MAX_PFN | AERO_FIGURE_CURRENT | AERO_FIGURE_FREE |
		 AERO_FIGURE_AVAILABLE | AERO_NEEDS_STALL_REPORT,
	.reads = (1U << AERO_FIGURES) - 1,
	.options = options,
	.options_count = sizeof(options) / sizeof(options[0]),
	.config_size = sizeof(struct aero_pressure_config),
	.state_size = sizeof(struct aero_pressure),
	.defaults = defaults,
	.step = step,
	.explain = explain,
};
