// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Faults on demand: a small table of rules that count events and override the
 * answers to some of them.  There is no randomness, so that a run can be repeated.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"

static bool check_command(const struct aero_monitor_fault *rule)
{
	enum aero_books_direction direction;
	bool needs_move = rule->what == AERO_FAULT_ENTRY || rule->direction != AERO_FAULT_BOTH;

	if (rule->command == AERO_FAULT_ANY_COMMAND)
		return true;
	if (!aero_command_exists(rule->command))
		return false;
	if (!needs_move)
		return true;
	if (!aero_command_moves(rule->command, &direction))
		return false;
	/* A rule that can never match is refused, because it must be a mistake. */
	return rule->direction == AERO_FAULT_BOTH ||
	       (rule->direction == AERO_FAULT_INFLATE) == (direction == AERO_INFLATE);
}

static bool check_action(const struct aero_monitor_fault *rule)
{
	switch (rule->action) {
	case AERO_FAULT_STATUS:
		return rule->status != AERO_VMW_OK &&
		       (rule->what == AERO_FAULT_COMMAND || rule->status <= AERO_VMW_ENTRY_STATUS);
	case AERO_FAULT_RESET:
		return rule->status == 0;
	case AERO_FAULT_SILENCE:
		return rule->status == 0 && rule->what == AERO_FAULT_COMMAND;
	}
	return false;
}

int aero_monitor_check_fault(const struct aero_monitor_fault *rule)
{
	if (rule->direction != AERO_FAULT_BOTH && rule->direction != AERO_FAULT_INFLATE &&
	    rule->direction != AERO_FAULT_DEFLATE)
		return -EINVAL;
	if (rule->what != AERO_FAULT_COMMAND && rule->what != AERO_FAULT_ENTRY)
		return -EINVAL;
	if (rule->first == 0 || rule->every == 0)
		return -EINVAL;
	return check_command(rule) && check_action(rule) ? 0 : -EINVAL;
}

int aero_monitor_set_faults(struct aero_monitor *m, const struct aero_monitor_fault *rules,
			    unsigned int count)
{
	if (count > AERO_MONITOR_FAULTS)
		return -E2BIG;
	for (unsigned int i = 0; i < count; i++)
		if (aero_monitor_check_fault(&rules[i]))
			return -EINVAL;

	memset(m->fault, 0, sizeof(m->fault));
	for (unsigned int i = 0; i < count; i++)
		m->fault[i].rule = rules[i];
	m->faults = count;
	return 0;
}

unsigned int aero_monitor_faults(const struct aero_monitor *m)
{
	return m->faults;
}

const struct aero_monitor_fault *aero_monitor_fault(const struct aero_monitor *m, unsigned int n,
						    uint64_t *fired)
{
	if (n >= m->faults)
		return NULL;
	if (fired)
		*fired = m->fault[n].fired;
	return &m->fault[n].rule;
}

static bool matches(const struct aero_monitor_fault *rule, const struct aero_command *c,
		    enum aero_fault_what what)
{
	if (rule->what != what)
		return false;
	if (rule->command != AERO_FAULT_ANY_COMMAND && rule->command != c->number)
		return false;
	if (rule->direction == AERO_FAULT_BOTH)
		return true;
	return c->moves_pages &&
	       (rule->direction == AERO_FAULT_INFLATE) == (c->direction == AERO_INFLATE);
}

/* Whether the rule fires at the event that was just counted. */
static bool is_due(const struct aero_fault_state *f)
{
	return f->seen >= f->rule.first && (f->seen - f->rule.first) % f->rule.every == 0 &&
	       (f->rule.times == 0 || f->fired < f->rule.times);
}

/* Counts one event in all rules that match it.  Returns the rule that fires, or NULL. */
static const struct aero_monitor_fault *fire(struct aero_monitor *m, const struct aero_command *c,
					     enum aero_fault_what what)
{
	struct aero_fault_state *chosen = NULL;

	for (unsigned int i = 0; i < m->faults; i++) {
		struct aero_fault_state *f = &m->fault[i];

		if (!matches(&f->rule, c, what))
			continue;
		f->seen++;
		if (!chosen && is_due(f))
			chosen = f;
	}
	if (!chosen)
		return NULL;
	chosen->fired++;
	m->counters.faults_fired++;
	return &chosen->rule;
}

static void override_command(struct aero_command *c, const struct aero_monitor_fault *rule)
{
	c->is_overridden = true;
	switch (rule->action) {
	case AERO_FAULT_STATUS:
		c->status = rule->status;
		break;
	case AERO_FAULT_RESET:
		c->status = AERO_VMW_E_RESET;
		c->forces_reset = true;
		break;
	case AERO_FAULT_SILENCE:
		c->status = AERO_VMW_FAILURE;
		c->is_silenced = true;
		break;
	}
}

/* Applies the rules for commands to a decoded call whose magic and command number are valid. */
void aero_faults_command(struct aero_monitor *m, struct aero_command *c)
{
	const struct aero_monitor_fault *rule = fire(m, c, AERO_FAULT_COMMAND);

	if (rule)
		override_command(c, rule);
}

/*
 * Applies the rules for entries to a call that passed the checks of its command.  A rule
 * that demands a reset ends the batch: later entries are not counted.
 */
void aero_faults_entries(struct aero_monitor *m, struct aero_command *c)
{
	for (unsigned int i = 0; i < c->entries && !c->is_overridden; i++) {
		const struct aero_monitor_fault *rule = fire(m, c, AERO_FAULT_ENTRY);

		if (!rule)
			continue;
		if (rule->action == AERO_FAULT_STATUS)
			c->entry[i].forced = rule->status;
		else
			override_command(c, rule);
	}
}

void aero_monitor_withhold(struct aero_monitor *m, uint32_t caps)
{
	m->withheld = caps;
}

void aero_monitor_old_host(struct aero_monitor *m, bool on)
{
	m->old_host = on;
}
