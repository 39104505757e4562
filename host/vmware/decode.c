// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The first half of a call: reads the registers and the batch page into struct
 * aero_command, and gives the command and each entry a precise status.  Nothing
 * here changes the monitor or the guest.
 */
#include <endian.h>
#include <string.h>

#include "internal.h"

/* What each command does, and the capability that it needs (docs/design/vmware.md). */
static const struct command_kind {
	bool exists;
	bool moves_pages;
	bool is_batched;
	enum aero_books_direction direction;
	unsigned int order;
	uint32_t needs; /* capability */
} kinds[AERO_VMW_COMMANDS] = {
	[AERO_VMW_START] = {.exists = true},
	[AERO_VMW_GET_TARGET] = {.exists = true},
	[AERO_VMW_LOCK] = {true, true, false, AERO_INFLATE, 0, AERO_VMW_CAP_BASIC},
	[AERO_VMW_UNLOCK] = {true, true, false, AERO_DEFLATE, 0, AERO_VMW_CAP_BASIC},
	[AERO_VMW_GUEST_ID] = {.exists = true},
	[AERO_VMW_BATCHED_LOCK] = {true, true, true, AERO_INFLATE, 0, AERO_VMW_CAP_BATCHED},
	[AERO_VMW_BATCHED_UNLOCK] = {true, true, true, AERO_DEFLATE, 0, AERO_VMW_CAP_BATCHED},
	[AERO_VMW_BATCHED_2M_LOCK] = {true, true, true, AERO_INFLATE, AERO_VMW_2M_ORDER,
				      AERO_VMW_CAP_BATCHED_2M},
	[AERO_VMW_BATCHED_2M_UNLOCK] = {true, true, true, AERO_DEFLATE, AERO_VMW_2M_ORDER,
					AERO_VMW_CAP_BATCHED_2M},
	[AERO_VMW_DOORBELL_SET] = {.exists = true, .needs = AERO_VMW_CAP_SIGNALLED},
};

/* Whether this is the number of a command. */
bool aero_command_exists(uint32_t number)
{
	return number < AERO_VMW_COMMANDS && kinds[number].exists;
}

/* Whether the command locks or unlocks pages.  If so, stores which, unless direction is NULL. */
bool aero_command_moves(uint32_t number, enum aero_books_direction *direction)
{
	if (!aero_command_exists(number) || !kinds[number].moves_pages)
		return false;
	if (direction)
		*direction = kinds[number].direction;
	return true;
}

/*
 * Returns which of the capabilities that the guest wants START would grant.  Batches of 2 MiB
 * pages are not granted without batches.
 */
static uint32_t grant(const struct aero_monitor *m, uint64_t wishes)
{
	uint32_t caps = (uint32_t)wishes & m->config.caps & ~m->withheld;

	if (m->old_host)
		return AERO_VMW_CAP_BASIC & ~m->withheld;
	if (!(caps & AERO_VMW_CAP_BATCHED))
		caps &= ~AERO_VMW_CAP_BATCHED_2M;
	return caps;
}

static uint32_t check_start(const struct aero_monitor *m, struct aero_command *c)
{
	if (c->arg1 == 0) {
		c->grant = 0;
		return AERO_VMW_FAILURE;
	}
	c->grant = grant(m, c->arg1);
	if (!(c->grant & (AERO_VMW_CAP_BASIC | AERO_VMW_CAP_BATCHED)))
		return AERO_VMW_FAILURE;
	return m->old_host ? (uint32_t)AERO_VMW_OK : AERO_VMW_OK_CAPS;
}

static uint32_t check_limit(const struct aero_monitor *m, uint64_t limit)
{
	uint64_t max = m->caps & AERO_VMW_CAP_TARGET_64 ? 1ULL << AERO_PFN_BITS : UINT32_MAX;

	return limit == 0 || limit > max ? AERO_VMW_FAILURE : (uint32_t)AERO_VMW_OK;
}

/*
 * Reads the batch once.  Everything else works on this copy, so it makes no difference what the
 * guest's other CPUs write to the batch page afterwards.
 */
static uint32_t read_batch(const struct aero_monitor *m, struct aero_command *c)
{
	const struct aero_guest_memory *memory = &m->books.memory;

	if (c->arg2 == 0 || c->arg2 > AERO_VMW_BATCH_MAX)
		return AERO_VMW_FAILURE;
	if (!aero_books_is_ram(&m->books, c->arg1, 0))
		return AERO_VMW_E_PPN;
	if (aero_books_order(&m->books, c->arg1) >= 0)
		return AERO_VMW_E_LOCKED;
	if (memory->read(memory->ctx, c->arg1 << AERO_VMW_PAGE_SHIFT, c->wire,
			 c->arg2 * sizeof(c->wire[0])))
		return AERO_VMW_FAILURE;

	c->batch_pfn = c->arg1;
	c->entries = (unsigned int)c->arg2;
	for (unsigned int i = 0; i < c->entries; i++) {
		c->entry[i].raw = le64toh(c->wire[i]);
		c->entry[i].pfn = c->entry[i].raw >> AERO_VMW_PAGE_SHIFT;
		c->entry[i].forced = 0;
	}
	return AERO_VMW_OK;
}

static uint32_t check_arguments(const struct aero_monitor *m, struct aero_command *c)
{
	switch (c->number) {
	case AERO_VMW_START:
		return check_start(m, c);
	case AERO_VMW_GET_TARGET:
		return check_limit(m, c->arg1);
	case AERO_VMW_LOCK:
	case AERO_VMW_UNLOCK:
		c->entries = 1;
		c->entry[0] = (struct aero_entry){.pfn = c->arg1};
		return AERO_VMW_OK;
	case AERO_VMW_DOORBELL_SET:
		return c->arg1 > UINT32_MAX || c->arg2 > UINT32_MAX ? AERO_VMW_FAILURE
								    : (uint32_t)AERO_VMW_OK;
	case AERO_VMW_GUEST_ID:
		return AERO_VMW_OK;
	default:
		return read_batch(m, c);
	}
}

/*
 * Decodes the registers into *c, whose status is then that of the command as a whole.  If it is
 * OK or OK_CAPS, the arguments are valid, and the entries of a batch have been read but have no
 * status yet.
 */
void aero_decode_call(const struct aero_monitor *m, const struct aero_vmw_regs *regs,
		      struct aero_command *c)
{
	const struct command_kind *kind;

	c->has_magic = (uint32_t)regs->rax == AERO_VMW_MAGIC;
	c->is_known = regs->rcx < AERO_VMW_COMMANDS && kinds[regs->rcx].exists;
	c->is_overridden = false;
	c->is_silenced = false;
	c->forces_reset = false;
	c->moves_pages = false;
	c->entries = 0;
	c->status = AERO_VMW_E_COMMAND;
	if (!c->has_magic || !c->is_known)
		return;

	c->number = (uint32_t)regs->rcx;
	c->arg1 = regs->rbx;
	c->arg2 = regs->rsi;
	kind = &kinds[c->number];
	c->moves_pages = kind->moves_pages;
	c->is_batched = kind->is_batched;
	c->direction = kind->direction;
	c->order = kind->order;

	if (c->number != AERO_VMW_START && !m->connected)
		c->status = AERO_VMW_E_RESET;
	else if ((m->caps & kind->needs) == kind->needs)
		c->status = check_arguments(m, c);
}

/*
 * Returns the slot of this PFN in the table of the good entries so far.  If it contains 0, no good
 * entry has this PFN, and the caller may set the slot.
 */
static uint16_t *seen_slot(struct aero_command *c, uint64_t pfn)
{
	unsigned int slot = (unsigned int)((pfn * 0x9e3779b97f4a7c15ULL) >> 54);

	_Static_assert(AERO_SEEN_SLOTS == 1u << (64 - 54), "the hash fills the table");
	while (c->seen[slot] && c->entry[c->seen[slot] - 1].pfn != pfn)
		slot = (slot + 1) % AERO_SEEN_SLOTS;
	return &c->seen[slot];
}

static uint32_t check_lock(const struct aero_monitor *m, struct aero_command *c, unsigned int index,
			   uint64_t size)
{
	uint64_t pfn = c->entry[index].pfn;
	uint16_t *seen = seen_slot(c, pfn);

	if (*seen || aero_books_overlaps(&m->books, pfn, c->order))
		return AERO_VMW_E_LOCKED;
	if (size >= m->target.pages)
		return AERO_VMW_E_NOT_NEEDED;
	*seen = (uint16_t)(index + 1);
	return AERO_VMW_OK;
}

static uint32_t check_unlock(const struct aero_monitor *m, struct aero_command *c,
			     unsigned int index)
{
	uint64_t pfn = c->entry[index].pfn;
	uint16_t *seen = seen_slot(c, pfn);

	if (*seen || !aero_books_holds(&m->books, pfn, c->order))
		return AERO_VMW_E_UNLOCKED;
	*seen = (uint16_t)(index + 1);
	return AERO_VMW_OK;
}

/* size is the number of pages that the balloon will have after the entries before this one. */
static uint32_t check_entry(const struct aero_monitor *m, struct aero_command *c,
			    unsigned int index, uint64_t size)
{
	const struct aero_entry *e = &c->entry[index];

	if (e->raw & AERO_VMW_ENTRY_RESERVED)
		return AERO_VMW_E_PPN;
	if (e->pfn & ((1ULL << c->order) - 1))
		return AERO_VMW_E_PPN;
	if (!c->is_batched && !(m->caps & AERO_VMW_CAP_TARGET_64) && e->pfn > UINT32_MAX)
		return AERO_VMW_E_PPN;
	if (!aero_books_is_ram(&m->books, e->pfn, c->order))
		return AERO_VMW_E_PPN;
	if (c->is_batched && e->pfn >> c->order == c->batch_pfn >> c->order)
		return AERO_VMW_E_PINNED;
	return c->direction == AERO_INFLATE ? check_lock(m, c, index, size)
					    : check_unlock(m, c, index);
}

/*
 * Gives each entry its status.  Must be called with the command's status OK.  The
 * entries of a batch are judged as if each came in a call of its own, in this order.
 */
void aero_decode_entries(const struct aero_monitor *m, struct aero_command *c)
{
	uint64_t size = m->books.held_pages;

	memset(c->seen, 0, sizeof(c->seen));
	for (unsigned int i = 0; i < c->entries; i++) {
		struct aero_entry *e = &c->entry[i];

		e->status = e->forced ? e->forced : check_entry(m, c, i, size);
		if (e->status == AERO_VMW_OK && c->direction == AERO_INFLATE)
			size += 1ULL << c->order;
	}
	if (!c->is_batched)
		c->status = c->entry[0].status;
}
