/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the files of the monitor share and nobody else may see.
 *
 * One call goes through them in this order:
 *
 *   decode.c  registers, and the batch page, into struct aero_command;   no side effects
 *   faults.c  rules may override the command or some of its entries;     counts in the rules only
 *   decode.c  each entry gets its status;                                no side effects
 *   commit.c  the answers are written to the batch page;                 may fail, then all is
 * refused commit.c  the state changes;                                         cannot fail
 */
#ifndef AERO_MONITOR_INTERNAL_H
#define AERO_MONITOR_INTERNAL_H

#include "monitor.h"

#define AERO_RUN_PAGES	   (1ULL << AERO_VMW_2M_ORDER)
#define AERO_PFN_END_MAX   (1ULL << 36)
#define AERO_PFN_BITS	   (64 - AERO_VMW_PAGE_SHIFT)

/* What the guest keeps of its limit, at least (monitor.h, aero_monitor_set_target). */
#define AERO_KEEP_PAGES	   32768ULL
#define AERO_KEEP_FRACTION 16ULL

/* VMCI's invalid number: context and resource of "no doorbell". */
#define AERO_VMCI_INVALID  UINT32_MAX

/* A power of two over twice the batch, so that probing is short and ends. */
#define AERO_SEEN_SLOTS	   1024u
_Static_assert(AERO_SEEN_SLOTS >= 2 * AERO_VMW_BATCH_MAX, "the table is never full");

struct aero_entry {
	uint64_t raw; /* as the guest wrote it, host byte order */
	uint64_t pfn;
	uint32_t status;
	uint32_t forced; /* by a fault rule; 0: not */
};

/* One call, decoded. */
struct aero_command {
	uint32_t number;
	uint32_t status; /* of the command as a whole */
	bool has_magic;
	bool is_known;
	bool moves_pages; /* LOCK, UNLOCK, BATCHED_*: the fields below hold */
	bool is_batched;
	/* By a fault rule: the status is not decode.c's, nothing may be committed. */
	bool is_overridden;
	bool is_silenced;
	bool forces_reset;
	enum aero_monitor_direction direction;
	unsigned int order;
	unsigned int entries;
	uint64_t batch_pfn;
	uint64_t arg1;
	uint64_t arg2;
	uint32_t grant; /* START: capabilities it would grant */
	struct aero_entry entry[AERO_VMW_BATCH_MAX];
	uint64_t wire[AERO_VMW_BATCH_MAX]; /* the batch as it stands in guest memory */
	uint16_t seen[AERO_SEEN_SLOTS];	   /* 1 + index of an entry found good, by PFN */
};

struct aero_fault_state {
	struct aero_monitor_fault rule;
	uint64_t seen;
	uint64_t fired;
};

struct aero_monitor {
	struct aero_monitor_host host;
	struct aero_monitor_config config;

	/* The connection. */
	bool connected;
	uint32_t caps;
	uint64_t guest_id;
	bool doorbell_set;
	uint32_t doorbell_context;
	uint32_t doorbell_resource;

	/* Sizes, in pages. */
	uint64_t wanted;
	uint64_t forced; /* AERO_MONITOR_NOT_FORCED: no */
	uint64_t limit;	 /* as the guest said; 0: not yet */
	uint64_t target;
	uint64_t size;

	/* A bit per page locked as such, and a bit per 2 MiB run locked as such. */
	uint64_t *locked_4k;
	uint64_t *locked_2m;
	uint64_t words_4k;
	uint64_t words_2m;

	/* Faults. */
	struct aero_fault_state fault[AERO_MONITOR_FAULTS];
	unsigned int faults;
	uint32_t withheld;
	bool old_host;

	/* Counters, and the mark of the busy time. */
	struct aero_monitor_counters counters;
	bool mark_valid;
	uint64_t mark_instructions;
	uint64_t mark_ns;

	/* Scratch of the call in progress: too big for a stack. */
	struct aero_command command;
};

static inline bool aero_bit(const uint64_t *map, uint64_t n)
{
	return map[n / 64] >> (n % 64) & 1;
}

static inline void aero_bit_set(uint64_t *map, uint64_t n)
{
	map[n / 64] |= 1ULL << (n % 64);
}

static inline void aero_bit_clear(uint64_t *map, uint64_t n)
{
	map[n / 64] &= ~(1ULL << (n % 64));
}

static inline enum aero_monitor_size_class aero_size_class(unsigned int order)
{
	return order ? AERO_SIZE_2M : AERO_SIZE_4K;
}

/* monitor.c */
bool aero_monitor_update_target(struct aero_monitor *m); /* true: it changed */
void aero_monitor_forget(struct aero_monitor *m);	 /* connection and locks */
void aero_monitor_populate(struct aero_monitor *m, uint64_t pfn, uint64_t pages);

/* decode.c */
void aero_decode_call(const struct aero_monitor *m, const struct aero_vmw_regs *regs,
		      struct aero_command *c);
void aero_decode_entries(const struct aero_monitor *m, struct aero_command *c);
bool aero_command_exists(uint32_t number);
bool aero_command_moves(uint32_t number, enum aero_monitor_direction *direction);

/* names.c */
unsigned int aero_status_index(uint32_t status);

/* faults.c */
int aero_fault_check(const struct aero_monitor_fault *rule);
void aero_faults_command(struct aero_monitor *m, struct aero_command *c);
void aero_faults_entries(struct aero_monitor *m, struct aero_command *c);

#endif
