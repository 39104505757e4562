/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the files of this folder share with each other and with nobody else.
 *
 * call.c takes a call through these steps in this order:
 *
 *   decode.c  reads registers and batch page into struct aero_command; no side effects
 *   faults.c  lets rules override the command or some entries; changes only the counts
 *             in the rules
 *   decode.c  gives each entry its status; no side effects
 *   commit.c  writes the answers to the batch page; when that fails the whole call is
 *             refused
 *   commit.c  changes the state; this cannot fail
 */
#ifndef AEROSTAT_VMWARE_INTERNAL_H
#define AEROSTAT_VMWARE_INTERNAL_H

#include "monitor.h"

/* Page numbers have at most this many bits, because addresses have 64. */
#define AERO_PFN_BITS (64 - AERO_VMW_PAGE_SHIFT)

_Static_assert(AERO_VMW_2M_ORDER == AERO_BOOKS_BLOCK_ORDER, "one size of blocks for both");

/* VMCI's invalid number.  As both context and resource it means "no doorbell". */
#define AERO_VMCI_INVALID UINT32_MAX

/*
 * A power of two that is at least twice the size of a batch, so that a search for a free slot is
 * short and always ends.
 */
#define AERO_SEEN_SLOTS	  1024u
_Static_assert(AERO_SEEN_SLOTS >= 2 * AERO_VMW_BATCH_MAX, "the table is never full");

struct aero_entry {
	uint64_t raw; /* the entry as the guest wrote it, in the host's byte order */
	uint64_t pfn;
	uint32_t status;
	uint32_t forced; /* the status that a fault rule demands; 0: none */
};

/* A decoded call. */
struct aero_command {
	uint32_t number;
	uint32_t status; /* the status of the command as a whole */
	bool has_magic;
	bool is_known;
	bool moves_pages; /* LOCK, UNLOCK, BATCHED_*; the fields below are valid */
	bool is_batched;
	/* The status comes from a fault rule, so nothing may be committed. */
	bool is_overridden;
	bool is_silenced;
	bool forces_reset;
	enum aero_books_direction direction;
	unsigned int order;
	unsigned int entries;
	uint64_t batch_pfn;
	uint64_t arg1;
	uint64_t arg2;
	uint32_t grant; /* the capabilities that START would grant */
	struct aero_entry entry[AERO_VMW_BATCH_MAX];
	uint64_t wire[AERO_VMW_BATCH_MAX]; /* the batch as it stands in guest memory */
	uint16_t seen[AERO_SEEN_SLOTS];	   /* hashed by PFN: 1 + index of a good entry */
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

	struct aero_books books;
	struct aero_books_target target;

	/* Faults. */
	struct aero_fault_state fault[AERO_MONITOR_FAULTS];
	unsigned int faults;
	uint32_t withheld;
	bool old_host;

	/* Counters, and the mark from which busy time is measured. */
	struct aero_monitor_counters counters;
	bool mark_valid;
	uint64_t mark_instructions;
	uint64_t mark_ns;

	/* The call in progress.  It is here because it is too large for the stack. */
	struct aero_command command;
};

/* monitor.c */
bool aero_monitor_update_target(struct aero_monitor *m); /* true if it has changed */
void aero_monitor_forget(struct aero_monitor *m); /* ends the connection, forgets all locks */

/* decode.c */
void aero_decode_call(const struct aero_monitor *m, const struct aero_vmw_regs *regs,
		      struct aero_command *c);
void aero_decode_entries(const struct aero_monitor *m, struct aero_command *c);
bool aero_command_exists(uint32_t number);
bool aero_command_moves(uint32_t number, enum aero_books_direction *direction);

/* faults.c */
void aero_faults_command(struct aero_monitor *m, struct aero_command *c);
void aero_faults_entries(struct aero_monitor *m, struct aero_command *c);

/* commit.c */
void aero_commit_call(struct aero_monitor *m, struct aero_command *c);

#endif
