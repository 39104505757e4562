// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Second half of a call: the answers go to the guest, then the state changes.
 * Whatever can fail has failed before the first change.
 */
#include <endian.h>

#include "internal.h"

/* Writes the statuses into the guest's batch.  The last step that may fail. */
static void write_answers(const struct aero_monitor *m, struct aero_command *c)
{
	for (unsigned int i = 0; i < c->entries; i++)
		c->wire[i] = htole64((c->entry[i].raw & ~AERO_VMW_ENTRY_STATUS) |
				     (c->entry[i].status & AERO_VMW_ENTRY_STATUS));
	if (m->host.write(m->host.ctx, c->batch_pfn << AERO_VMW_PAGE_SHIFT, c->wire,
			  c->entries * sizeof(c->wire[0])))
		c->status = AERO_VMW_FAILURE;
}

static void discard(struct aero_monitor *m, uint64_t pfn, uint64_t pages)
{
	m->counters.discards++;
	m->counters.discarded_pages += pages;
	if (m->host.discard(m->host.ctx, pfn, pages))
		m->counters.discard_failures++;
}

/* Hands a range that changed its owner to the host. */
static void pass_on(struct aero_monitor *m, const struct aero_command *c, uint64_t pfn,
		    uint64_t pages)
{
	if (pages == 0)
		return;
	if (c->direction == AERO_INFLATE)
		discard(m, pfn, pages);
	else
		aero_monitor_populate(m, pfn, pages);
}

static void change_owner(struct aero_monitor *m, const struct aero_command *c, uint64_t pfn)
{
	uint64_t *map = c->order ? m->locked_2m : m->locked_4k;
	uint64_t bit = pfn >> c->order;

	if (c->direction == AERO_INFLATE) {
		aero_bit_set(map, bit);
		m->size += 1ULL << c->order;
	} else {
		aero_bit_clear(map, bit);
		m->size -= 1ULL << c->order;
	}
}

/* Good entries change their owner; neighbours are merged for the host, upwards and downwards. */
static void commit_entries(struct aero_monitor *m, const struct aero_command *c)
{
	uint64_t unit = 1ULL << c->order;
	uint64_t from = 0;
	uint64_t pages = 0;

	for (unsigned int i = 0; i < c->entries; i++) {
		uint64_t pfn = c->entry[i].pfn;

		if (c->entry[i].status != AERO_VMW_OK)
			continue;
		change_owner(m, c, pfn);
		if (pages && pfn == from + pages) {
			pages += unit;
		} else if (pages && pfn + unit == from) {
			from = pfn;
			pages += unit;
		} else {
			pass_on(m, c, from, pages);
			from = pfn;
			pages = unit;
		}
	}
	pass_on(m, c, from, pages);
}

static void commit_start(struct aero_monitor *m, const struct aero_command *c)
{
	aero_monitor_forget(m);
	m->connected = true;
	m->caps = c->grant;
	aero_monitor_update_target(m);
}

static void commit_doorbell(struct aero_monitor *m, const struct aero_command *c)
{
	m->doorbell_context = (uint32_t)c->arg1;
	m->doorbell_resource = (uint32_t)c->arg2;
	m->doorbell_set = !(m->doorbell_context == AERO_VMCI_INVALID &&
			    m->doorbell_resource == AERO_VMCI_INVALID);
}

static void commit(struct aero_monitor *m, const struct aero_command *c)
{
	switch (c->number) {
	case AERO_VMW_START:
		commit_start(m, c);
		break;
	case AERO_VMW_GET_TARGET:
		m->limit = c->arg1;
		aero_monitor_update_target(m);
		break;
	case AERO_VMW_GUEST_ID:
		m->guest_id = c->arg1;
		break;
	case AERO_VMW_DOORBELL_SET:
		commit_doorbell(m, c);
		break;
	default:
		commit_entries(m, c);
		break;
	}
}

/* Carries out a decoded call that no rule has taken over. */
static void carry_out(struct aero_monitor *m, struct aero_command *c)
{
	if (c->status == AERO_VMW_OK && c->is_batched && c->moves_pages)
		write_answers(m, c);
	if (c->status == AERO_VMW_OK || c->status == AERO_VMW_OK_CAPS)
		commit(m, c);
	else if (c->number == AERO_VMW_START && c->arg1 == 0)
		/*
		 * The guest ends the connection.  The answer is an error all the
		 * same: Debian's driver unloads for ever on success while it holds
		 * 2 MiB pages, for it goes on asking.
		 */
		aero_monitor_forget(m);
}

static void answer(const struct aero_monitor *m, const struct aero_command *c,
		   struct aero_vmw_regs *regs)
{
	regs->rax = c->status;
	if (c->is_overridden)
		return;
	if (c->status == AERO_VMW_OK_CAPS)
		regs->rcx = m->caps;
	else if (c->status == AERO_VMW_OK && (c->moves_pages || c->number == AERO_VMW_GET_TARGET))
		regs->rbx = m->target;
}

static void count(struct aero_monitor *m, const struct aero_command *c)
{
	struct aero_monitor_counters *n = &m->counters;
	unsigned int index = aero_status_index(c->status);

	if (c->number == AERO_VMW_START && !c->is_overridden && c->status == AERO_VMW_OK_CAPS)
		index = AERO_VMW_OK;
	n->command[c->number].calls++;
	n->command[c->number].failures += index != AERO_VMW_OK;
	n->command[c->number].status[index]++;

	if (c->is_overridden || (c->is_batched && c->status != AERO_VMW_OK))
		return;
	for (unsigned int i = 0; i < c->entries; i++)
		n->entry[c->direction][aero_size_class(c->order)]
			[aero_status_index(c->entry[i].status)]++;
}

static uint64_t now(uint64_t (*clock)(void *ctx), void *ctx)
{
	return clock ? clock(ctx) : 0;
}

/* Busy time: from GET_TARGET, or the last move, to the end of this move. */
static void keep_time(struct aero_monitor *m, const struct aero_command *c)
{
	uint64_t instructions;
	uint64_t ns;

	if (c->number != AERO_VMW_GET_TARGET && !c->moves_pages)
		return;
	instructions = now(m->host.instructions, m->host.ctx);
	ns = now(m->host.now_ns, m->host.ctx);
	if (c->moves_pages && m->mark_valid) {
		m->counters.busy_instructions[c->direction] += instructions - m->mark_instructions;
		m->counters.busy_ns[c->direction] += ns - m->mark_ns;
	}
	m->mark_valid = m->mark_valid || c->number == AERO_VMW_GET_TARGET;
	m->mark_instructions = instructions;
	m->mark_ns = ns;
}

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
		carry_out(m, c);
	if (c->forces_reset)
		aero_monitor_demand_reset(m);

	answer(m, c, regs);
	count(m, c);
	keep_time(m, c);
}
