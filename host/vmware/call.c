// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Handles one call of the guest, from its registers to its answer, and counts it. */
#include "internal.h"

static void answer(const struct aero_monitor *m, const struct aero_command *c,
		   struct aero_vmw_regs *regs)
{
	regs->rax = c->status;
	if (c->is_overridden)
		return;
	if (c->status == AERO_VMW_OK_CAPS)
		regs->rcx = m->caps;
	else if (c->status == AERO_VMW_OK && (c->moves_pages || c->number == AERO_VMW_GET_TARGET))
		regs->rbx = m->target.pages;
}

/* Returns the index of a status in the tables of counters. */
static unsigned int status_index(uint32_t status)
{
	if (status < AERO_VMW_STATUSES)
		return status;
	return status == AERO_VMW_FAILURE ? AERO_STATUS_FAILURE : AERO_STATUS_OTHER;
}

static void count(struct aero_monitor *m, const struct aero_command *c)
{
	struct aero_monitor_counters *n = &m->counters;
	unsigned int index = status_index(c->status);

	if (c->number == AERO_VMW_START && !c->is_overridden && c->status == AERO_VMW_OK_CAPS)
		index = AERO_VMW_OK;
	n->command[c->number].calls++;
	n->command[c->number].failures += index != AERO_VMW_OK;
	n->command[c->number].status[index]++;

	if (c->is_overridden || (c->is_batched && c->status != AERO_VMW_OK))
		return;
	for (unsigned int i = 0; i < c->entries; i++)
		n->entry[c->direction][c->order ? AERO_SIZE_2M : AERO_SIZE_4K]
			[status_index(c->entry[i].status)]++;
}

static uint64_t now(uint64_t (*clock)(void *ctx), void *ctx)
{
	return clock ? clock(ctx) : 0;
}

/* Adds the time since GET_TARGET, or since the end of the last move, to the busy time. */
static void keep_time(struct aero_monitor *m, const struct aero_command *c)
{
	uint64_t instructions;
	uint64_t ns;

	if (c->number != AERO_VMW_GET_TARGET && !c->moves_pages)
		return;
	instructions = now(m->host.instructions, m->books.memory.ctx);
	ns = now(m->host.now_ns, m->books.memory.ctx);
	if (c->moves_pages && m->mark_valid) {
		m->counters.busy_instructions[c->direction] += instructions - m->mark_instructions;
		m->counters.busy_ns[c->direction] += ns - m->mark_ns;
	}
	m->mark_valid = m->mark_valid || c->number == AERO_VMW_GET_TARGET;
	m->mark_instructions = instructions;
	m->mark_ns = ns;
}

/* Answers an access to the port that is not a call of this protocol. */
static void refuse(struct aero_monitor *m, const struct aero_command *c, struct aero_vmw_regs *regs)
{
	if (!c->has_magic) {
		m->counters.bad_magic++;
		regs->rax = UINT32_MAX;
		return;
	}
	m->counters.unknown_commands++;
	regs->rax = AERO_VMW_E_COMMAND;
}

void aero_monitor_call(struct aero_monitor *m, struct aero_vmw_regs *regs)
{
	struct aero_command *c = &m->command;

	aero_decode_call(m, regs, c);
	if (!c->has_magic || !c->is_known) {
		refuse(m, c, regs);
		return;
	}

	aero_faults_command(m, c);
	if (!c->is_overridden && c->moves_pages && c->status == AERO_VMW_OK) {
		aero_faults_entries(m, c);
		if (!c->is_overridden)
			aero_decode_entries(m, c);
	}
	if (!c->is_overridden)
		aero_commit_call(m, c);
	if (c->forces_reset)
		aero_monitor_demand_reset(m);

	answer(m, c, regs);
	count(m, c);
	keep_time(m, c);
}
