/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The hypervisor's half of VMware's balloon protocol.
 *
 * One struct aero_monitor is one virtual machine's balloon as its hypervisor
 * sees it: which pages the guest has handed over ("locked"), the target the
 * guest is asked to reach, and the state of the connection.  A front (the QEMU
 * plug-in, a test) supplies the guest's memory through callbacks and passes
 * each guest call to aero_monitor_call().
 *
 * Units: a page is 4 KiB; a PFN is a guest-physical page number (the protocol's
 * "PPN"); an order is 0 (4 KiB) or 9 (2 MiB).
 *
 * Nothing the guest sends is trusted.  A call is decoded and validated whole,
 * its answer is written, and only then it is committed; the commit cannot
 * fail.  A call, or an entry of a batch, that is refused changes nothing but
 * counters.
 *
 * Locking: none inside.  All functions of one monitor, and its callbacks, must
 * be serialised by the caller (in QEMU: the big lock).  Two monitors share
 * nothing.  Callbacks must not call back into the monitor they serve.
 *
 * Status of each command (first line that applies; a fault rule, see below,
 * overrides all of them):
 *
 *   no magic in eax                          all-ones, other registers untouched
 *   number not in the protocol               E_COMMAND
 *   not START, and no connection             E_RESET
 *   capability for the command not granted   E_COMMAND
 *   START, nothing asked for (0)             everything forgotten, FAILURE
 *   START, neither basic nor batched granted FAILURE, nothing changed
 *   START                                    OK_CAPS, capabilities in rcx;
 *                                            locks of an earlier connection forgotten
 *   GET_TARGET, limit 0 or too wide          FAILURE
 *   LOCK, UNLOCK, PFN too wide               E_PPN
 *   LOCK, UNLOCK otherwise                   the page's status, as for an entry
 *   BATCHED_*, count not 1..512              FAILURE
 *   BATCHED_*, batch page not RAM            E_PPN
 *   BATCHED_*, batch page locked             E_LOCKED
 *   BATCHED_*, page not readable or writable FAILURE
 *   DOORBELL_SET, argument over 32 bits      FAILURE
 *   else                                     OK
 *
 * "Too wide" is over 32 bits without capability TARGET_64, over 52 bits with it.
 *
 * Status of each page (first line that applies):
 *
 *   reserved bits of the entry set           E_PPN
 *   2 MiB and not aligned to 512 pages       E_PPN
 *   at or above pfn_end, or not all RAM      E_PPN
 *   contains the batch page of this call     E_PINNED
 *   lock: any page of it locked already, in
 *         either size, or earlier in the batch  E_LOCKED
 *   lock: size >= target                     E_NOT_NEEDED
 *   unlock: not locked in exactly this size,
 *         or earlier in the batch            E_UNLOCKED
 *   else                                     OK
 *
 * Status bits already in an entry are not looked at; they are overwritten.
 * The last 2 MiB lock may take the size up to 511 pages over the target.
 * A guest may always unlock, also below the target.
 *
 * Results: GET_TARGET, LOCK, UNLOCK and BATCHED_* with status OK return the
 * target in rbx.  START returns the capabilities in rcx.  No other register
 * but eax is written.  Registers that a command does not use are not looked at.
 */
#ifndef AEROSTAT_VMWARE_MONITOR_H
#define AEROSTAT_VMWARE_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <aerostat/abi/vmware.h>

#include "books/books.h"
#include "books/target.h"

struct aero_monitor;

/* What the front provides.  memory.ctx is passed to each callback. */
struct aero_monitor_host {
	struct aero_guest_memory memory;

	/* Instructions that the guest has executed so far.  May be NULL. */
	uint64_t (*instructions)(void *ctx);

	/* A monotonic clock of the host, in nanoseconds.  May be NULL. */
	uint64_t (*now_ns)(void *ctx);

	/*
	 * Ring the doorbell that the guest has set, because the target changed.
	 * Called only while the guest has one set.  May be NULL.
	 */
	void (*ring)(void *ctx, uint32_t vmci_context, uint32_t vmci_resource);
};

struct aero_monitor_config {
	uint64_t pfn_end;   /* one above the guest's highest PFN; 1 .. 2^36 */
	uint64_t ram_pages; /* RAM of the guest; 1 .. pfn_end (holes are not RAM) */
	uint32_t caps;	    /* AERO_VMW_CAP_* offered; others are refused */
};

/* The guest's registers at the call; the same structure takes the answer. */
struct aero_vmw_regs {
	uint64_t rax, rbx, rcx, rdx, rsi;
};

/*
 * Creates a monitor without a connection, with target 0, no faults and counters of 0.  It takes
 * about pfn_end / 8 bytes (one bit for each page), and allocates nothing later.  host is
 * copied.  Returns 0, -EINVAL (config is out of range, or a required callback is missing)
 * or -ENOMEM.  *out is set only on success.
 */
int aero_monitor_create(struct aero_monitor **out, const struct aero_monitor_host *host,
			const struct aero_monitor_config *config);

/* Frees the monitor, which may be NULL.  Calls no callback. */
void aero_monitor_destroy(struct aero_monitor *m);

/*
 * Handles one call of the guest.  It never fails: regs->rax tells the guest what is wrong with the
 * call; its upper half is zero.  The work is limited to one batch, except that a call which ends
 * a connection may populate all pages that were locked.
 */
void aero_monitor_call(struct aero_monitor *m, struct aero_vmw_regs *regs);

/*
 * Called when the machine is reset (system_reset), so that the guest starts anew.  The connection,
 * the locks, and the guest's limit, identity and doorbell are forgotten; populate is called.
 * What belongs to the host stays: the wanted target, faults and counters.
 */
void aero_monitor_reset(struct aero_monitor *m);

/*
 * Ends the connection from the host's side.  All locks are forgotten at once (populate is called,
 * the size is 0), and each command is answered by E_RESET until START.  The guest learns of
 * it by its next call.  Until then it may hold pages that are not locked here, but no page
 * is locked here that the guest does not hold.
 */
void aero_monitor_demand_reset(struct aero_monitor *m);

/*
 * Forgets all locks (populate is called, the size is 0), but keeps the connection, and does not
 * tell the guest.  This is what a guest finds that was resumed from hibernation on a host that does
 * not know its balloon: each page that it unlocks is E_UNLOCKED.
 */
void aero_monitor_forget_locks(struct aero_monitor *m);

/*
 * Sets the size of the balloon that the host wants, in pages.  Returns the target that the guest
 * will see, which is the smaller of pages and
 *
 *     limit - max(32768 pages (128 MiB), limit / 16), not below 0
 *
 * where limit is what the guest told in GET_TARGET, or ram_pages if that is smaller or the guest
 * has not told it yet.  A guest whose balloon takes its last memory dies.  When the limit changes,
 * the target is computed anew from the wanted size.  Without capability TARGET_64 the target is at
 * most 2^32 - 1.  Rings the doorbell when the target changes.
 */
uint64_t aero_monitor_set_target(struct aero_monitor *m, uint64_t pages);

/* All of these return a number of pages. */
uint64_t aero_monitor_wanted(const struct aero_monitor *m); /* as set, not clamped */
uint64_t aero_monitor_target(const struct aero_monitor *m); /* as the guest sees it */
uint64_t aero_monitor_size(const struct aero_monitor *m);   /* locked now */
uint64_t aero_monitor_limit(const struct aero_monitor *m);  /* the limit used by the clamp */

bool aero_monitor_connected(const struct aero_monitor *m);
uint32_t aero_monitor_caps(const struct aero_monitor *m); /* granted; 0 if not connected */

/* Returns the owner of a page.  Any pfn may be asked for. */
bool aero_monitor_is_locked(const struct aero_monitor *m, uint64_t pfn);

/* Returns the order in which the page was locked (0 or 9), or -1 if it is not locked. */
int aero_monitor_locked_order(const struct aero_monitor *m, uint64_t pfn);

/*
 * Finds the first locked unit (a page or 2 MiB) at or above from.  Returns true and stores its
 * first PFN and its order, or returns false if there is none.  This visits all of them:
 *
 *     for (at = 0; aero_monitor_next_locked(m, at, &pfn, &order);
 *          at = pfn + (1ULL << order))
 */
bool aero_monitor_next_locked(const struct aero_monitor *m, uint64_t from, uint64_t *pfn,
			      unsigned int *order);

/*
 * Checks the monitor's books against themselves: the size is the number of locked pages, no page is
 * locked in both sizes or above pfn_end, and nothing is locked without a connection.  The
 * time that it takes is proportional to pfn_end; tests use it.
 */
bool aero_monitor_is_valid(const struct aero_monitor *m);

/*
 * Counters.  All of them only grow, until aero_monitor_zero_counters().
 */
enum aero_monitor_size_class { AERO_SIZE_4K, AERO_SIZE_2M, AERO_SIZES };

/* The index of a status in the tables below.  For named statuses it is their number. */
enum {
	AERO_STATUS_FAILURE = AERO_VMW_STATUSES, /* -1 */
	AERO_STATUS_OTHER,			 /* not in the protocol */
	AERO_STATUS_KINDS
};

struct aero_monitor_counters {
	/* Indexed by the command's number; 5 is unused.  OK_CAPS counts as OK. */
	struct {
		uint64_t calls;
		uint64_t failures; /* answered with anything but OK */
		uint64_t status[AERO_STATUS_KINDS];
	} command[AERO_VMW_COMMANDS];

	/* Counts of pages and 2 MiB units.  A decoded LOCK or UNLOCK counts as one entry. */
	uint64_t entry[AERO_DIRECTIONS][AERO_SIZES][AERO_STATUS_KINDS];

	uint64_t bad_magic;	   /* calls without the magic */
	uint64_t unknown_commands; /* calls with a number not in the protocol */
	uint64_t resets_demanded;  /* by aero_monitor_demand_reset() and by faults */
	uint64_t faults_fired;
	uint64_t doorbell_rings;

	/*
	 * The time and instructions that the guest spends on moving pages, without idle
	 * time.  GET_TARGET sets a mark.  The end of each later LOCK or UNLOCK (of any kind)
	 * adds what has passed since the mark to its direction, and moves the mark there.
	 * START and a reset remove the mark.  Both are 0 if the callback is NULL.  What the
	 * guest does after its last such call in a run is not included.
	 */
	uint64_t busy_instructions[AERO_DIRECTIONS];
	uint64_t busy_ns[AERO_DIRECTIONS];
};

const struct aero_monitor_counters *aero_monitor_counters(const struct aero_monitor *m);

/* What was done to the guest's memory.  aero_monitor_zero_counters() zeroes these as well. */
const struct aero_books_counters *aero_monitor_memory_counters(const struct aero_monitor *m);

void aero_monitor_zero_counters(struct aero_monitor *m);

/*
 * Faults on demand.  Rules are deterministic: they count events and fire on
 * the chosen ones.  Rules are looked at in table order; each counts all events
 * it matches; the first that fires decides.
 */
#define AERO_MONITOR_FAULTS    16u
#define AERO_FAULT_ANY_COMMAND UINT32_MAX

enum aero_fault_direction { AERO_FAULT_BOTH, AERO_FAULT_INFLATE, AERO_FAULT_DEFLATE };

enum aero_fault_what {
	AERO_FAULT_COMMAND, /* the event is a call with the magic and a valid number */
	AERO_FAULT_ENTRY,   /* the event is one entry of a call that passed the command checks */
};

enum aero_fault_action {
	/* The command or entry is not carried out and answers `status`. */
	AERO_FAULT_STATUS,
	/* aero_monitor_demand_reset(), then the call answers E_RESET. */
	AERO_FAULT_RESET,
	/* As if there were no port: all-ones in eax, nothing done.  Commands only. */
	AERO_FAULT_SILENCE,
};

struct aero_monitor_fault {
	uint32_t command;		     /* enum aero_vmw_command, or AERO_FAULT_ANY_COMMAND */
	enum aero_fault_direction direction; /* other than BOTH: lock or unlock commands only */
	enum aero_fault_what what;
	enum aero_fault_action action;
	/*
	 * For AERO_FAULT_STATUS; else 0.  Commands: 1 .. 2^32 - 1; entries:
	 * 1 .. 31 (what the five bits of a batch hold).  0 is refused: "done"
	 * for something not done would make both sides own a page.
	 */
	uint32_t status;
	uint64_t first; /* fires first at this event, counted from 1 */
	uint64_t every; /* then at each every-th event after; at least 1 */
	uint64_t times; /* at most so often; 0: without end */
};

/* 0; or -EINVAL when a field is out of its range, or the fields do not fit together. */
int aero_monitor_check_fault(const struct aero_monitor_fault *rule);

/*
 * Replaces all rules and starts their counts from 0; count 0 removes them.
 * Returns 0, -E2BIG (more than AERO_MONITOR_FAULTS) or -EINVAL (a rule that
 * aero_monitor_check_fault() refuses); on error nothing changes.
 */
int aero_monitor_set_faults(struct aero_monitor *m, const struct aero_monitor_fault *rules,
			    unsigned int count);

/* The number of rules. */
unsigned int aero_monitor_faults(const struct aero_monitor *m);

/* Rule n and how often it has fired; NULL when there is no such rule.  fired may be NULL. */
const struct aero_monitor_fault *aero_monitor_fault(const struct aero_monitor *m, unsigned int n,
						    uint64_t *fired);

/* Capabilities (AERO_VMW_CAP_*) not to be granted, from the next START on. */
void aero_monitor_withhold(struct aero_monitor *m, uint32_t caps);

/* From the next START on: answer it with plain 0, which grants the basic commands only. */
void aero_monitor_old_host(struct aero_monitor *m, bool on);

/*
 * Forces the target, without the clamp: the guest is asked for pages even if
 * it dies of it.  AERO_MONITOR_NOT_FORCED returns to the wanted size.
 */
#define AERO_MONITOR_NOT_FORCED AERO_BOOKS_NOT_FORCED
void aero_monitor_force_target(struct aero_monitor *m, uint64_t pages);

/*
 * The rest of what a report shows: the configuration, what the guest said, and the
 * host's settings.  Everything else has a function of its own above.
 */
struct aero_monitor_view {
	struct aero_monitor_config config;
	uint64_t guest_id;	/* 0: not said */
	uint64_t limit_said;	/* in pages, as in GET_TARGET; 0: not said */
	uint64_t forced_target; /* in pages, or AERO_MONITOR_NOT_FORCED */
	uint32_t withheld;	/* AERO_VMW_CAP_* */
	bool old_host;
	bool doorbell_set;
	uint32_t doorbell_context;
	uint32_t doorbell_resource;
};

void aero_monitor_look(const struct aero_monitor *m, struct aero_monitor_view *view);

#endif
