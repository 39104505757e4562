// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The policy of the self-ballooning driver that Linux had up to 5.2.  The guest's size follows
 * the memory that processes were promised (Committed_AS), quickly upward and slowly downward, and
 * never goes below a floor.  docs/design/policy.md explains the rule.
 */
#include "arithmetic.h"

/*
 * The floor for guests with less than `below_mb` of useful memory is `base_mb` and 1/`divisor`
 * of what they have beyond that.  The larger the guest, the smaller is this part.
 */
static const struct {
	uint32_t below_mb, base_mb, divisor;
} floors[] = {
	{64, 16, 2},
	{512, 40, 8},
	{~0U, 99, 32},
};

void aero_committed_defaults(struct aero_committed_config *config, uint32_t page_shift)
{
	aero_policy_set_initial(&aero_policy_committed, config);
	config->page_shift = page_shift;
}

uint64_t aero_committed_floor_pages(const struct aero_committed_config *config,
				    const struct aero_policy_figures *f)
{
	uint64_t useful = aero_less(f->max_pfn, f->reserve_pages), base;
	uint32_t shift = config->page_shift, i;

	if (config->min_usable_mb)
		return aero_sum(f->reserve_pages, aero_mib_pages(config->min_usable_mb, shift));
	/* So small a guest gives nothing. */
	if (useful < aero_mib_pages(16, shift))
		return f->max_pfn;
	for (i = 0; floors[i].below_mb != ~0U; i++)
		if (useful < aero_mib_pages(floors[i].below_mb, shift))
			break;
	base = aero_mib_pages(floors[i].base_mb, shift);
	return aero_sum(f->reserve_pages, base + aero_quotient(useful - base, floors[i].divisor));
}

/*
 * A part of the way down.  A guest that shrinks by whole blocks takes one at least while there is
 * so far to go; otherwise it would stop where a part is less than a block.
 */
static uint64_t down(const struct aero_policy_figures *f, uint64_t way, uint32_t hysteresis)
{
	uint64_t part = aero_quotient(way, hysteresis);

	return part < f->grain_pages && way >= f->grain_pages ? f->grain_pages : part;
}

uint64_t aero_committed_target_pages(const struct aero_committed_config *config,
				     const struct aero_policy_figures *f)
{
	uint64_t now = f->managed_pages, goal, wanted = now;

	goal = aero_sum(f->committed_pages, f->reserve_pages);
	if (!config->leave_swapped)
		goal = aero_sum(goal, f->swapped_pages);
	if (now > goal)
		wanted = now - down(f, now - goal, config->down_hysteresis);
	else if (now < goal)
		wanted = now + aero_quotient(goal - now, config->up_hysteresis);
	return aero_balloon_pages(f, aero_greater(wanted, aero_committed_floor_pages(config, f)));
}

/* -- the entry of the table of policies ---------------------------------------------- */

static void defaults(void *config, uint32_t page_shift)
{
	aero_committed_defaults(config, page_shift);
}

static bool step(const void *config, void *state, const struct aero_policy_figures *figures,
		 uint64_t *target)
{
	(void)state;
	*target = aero_committed_target_pages(config, figures);
	return true;
}

#define OPTION(name, unit, text, member, initial, least)               \
	{                                                              \
		name, unit, text, NULL, initial, least, ~(uint32_t)0,  \
			offsetof(struct aero_committed_config, member) \
	}

/* The initial values are those of the self-ballooning driver that Linux had up to 5.2. */
static const struct aero_policy_option options[] = {
	OPTION("down-hysteresis", "", "1/N of the way down in a step", down_hysteresis, 8, 1),
	OPTION("up-hysteresis", "", "1/N of the way up in a step", up_hysteresis, 1, 1),
	OPTION("min-usable-mb", "MiB", "the floor above the reserve; 0: by the guest's size",
	       min_usable_mb, 0, 0),
};

const struct aero_policy aero_policy_committed = {
	.name = "committed",
	.summary = "follows the memory that processes were promised",
	.kind = AERO_POLICY_SIZE,
	.needs = AERO_FIGURE_MANAGED | AERO_FIGURE_COMMITTED | AERO_FIGURE_RESERVE |
		 AERO_FIGURE_SWAPPED | AERO_FIGURE_MAX_PFN | AERO_FIGURE_CURRENT,
	.options = options,
	.options_count = sizeof(options) / sizeof(options[0]),
	.config_size = sizeof(struct aero_committed_config),
	.defaults = defaults,
	.step = step,
};
