/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The engine: makes the balloon's size follow a target.
 *
 * The engine never sleeps, schedules, or loops without bound.  aero_step() moves at most one
 * batch and returns what has to be done next.  It is called by a *worker* (a kernel work item
 * or the loop of a test), which decides when.
 *
 * Locking.  The worker provides one *step lock*, which may sleep.  Every function here is called
 * with the step lock held, unless its comment says otherwise.  A port may have a lock of its
 * own for pages that are isolated for migration; it is taken inside the step lock.  Code that may
 * run inside an allocation made by aero_step() (a shrinker, page migration) may only *try* the step
 * lock.
 *
 * Ownership.  At any moment a page is in one of these states: it belongs to the guest; it is in
 * flight (in b->batch or b->urgent, during one call, or until the hypervisor has answered if it
 * answers later); it is in the store (in the port's lists, and counted in
 * b->held); it is refused (in b->refused); it is isolated for migration (and still counted in
 * b->held); or it is lent to another driver (and counted in b->lent_pages).
 */
#ifndef AEROSTAT_BALLOON_H
#define AEROSTAT_BALLOON_H

#include <aerostat/hypervisor.h>

/* How many refused blocks of each unit size are set aside during a run.  The number is VMware's. */
#define AERO_REFUSED_MAX 16U

/* The sizes of units that are counted separately: base pages and large blocks. */
enum aero_unit { AERO_UNIT_BASE, AERO_UNIT_LARGE, AERO_UNITS };

/* What the worker has to do after a step. */
enum aero_next_kind {
	AERO_NEXT_NOW,	 /* step again as soon as others have had a chance to run */
	AERO_NEXT_DELAY, /* the run is over: step again in delay_ms, or when kicked */
	AERO_NEXT_WAIT,	 /* the run goes on when kicked, or in delay_ms: a batch is in flight */
	AERO_NEXT_GROW,	 /* add grow_pages to the guest, then call aero_grown() */
};

struct aero_next {
	enum aero_next_kind kind;
	uint32_t delay_ms;
	uint64_t grow_pages;
};

/* Why a run ended. */
enum aero_run_end {
	AERO_END_DONE,	      /* the size is what the target asks for */
	AERO_END_RATE,	      /* the run has taken as many pages as the rate allows */
	AERO_END_NO_MEMORY,   /* the guest has no memory to spare */
	AERO_END_NO_PROGRESS, /* the hypervisor accepts or returns no more pages */
	AERO_END_COMMAND,     /* a command failed */
	AERO_END_RESET,
	AERO_END_HELD_OFF,  /* the guest was short of memory less than holdoff_ms ago */
	AERO_END_NO_GROWTH, /* memory could not be added to the guest */
	AERO_END_WAIT,	    /* memory that was added is not online yet */
	AERO_RUN_ENDS
};

/* The pace.  The rules are the same for all hypervisors; each has its own constants. */
struct aero_pace_config {
	uint32_t period_ms;  /* from the end of one run to the beginning of the next */
	uint32_t rate_max;   /* the highest rate: pages that a limited run may take */
	uint32_t rate_min;   /* the lowest rate */
	uint32_t rate_step;  /* added for each `rate` pages that a run took without error */
	uint32_t slow_runs;  /* set when an allocation failed in spite of reclaim: see pace.c */
	uint32_t holdoff_ms; /* no inflation for this long after the guest ran short */

	/*
	 * After a run that made no progress, the pause is twice period_ms, and it doubles with
	 * each further one, up to backoff_max_ms (0: it stays period_ms).  From the
	 * retries_max-th such run in a row on, it is recheck_ms (0: never).
	 */
	uint32_t backoff_max_ms, retries_max, recheck_ms;
};

struct aero_config {
	struct aero_pace_config pace;
	bool large;  /* offer large units to a hypervisor that accepts them */
	bool split;  /* take large blocks from the allocator and offer their pages singly */
	bool remake; /* exchange single pages for large blocks when there is nothing else to do */
};

struct aero_pace {
	uint32_t rate;	       /* pages a limited run may take, from rate_min to rate_max */
	uint32_t slow_left;    /* how many slow runs are still to come */
	uint64_t taken;	       /* pages taken in this run */
	uint64_t moved_before; /* sum of pages_in and pages_out when this run began */
	bool limited;	       /* this run may take no more than `rate` pages */
	enum aero_effort effort[AERO_UNITS]; /* what an allocation of each size may do */
	/* No large block is tried while fewer pages than this are taken in this run. */
	uint64_t large_from;
	uint32_t large_pause; /* how many more pages the next failure of large blocks adds */
	bool held_off;
	uint64_t held_off_until_ms;
	uint32_t retries; /* runs in a row that made no progress toward this target */
};

/* How far the unload has come.  Set by aero_stop(). */
struct aero_unload_state {
	uint32_t attempts_left; /* attempts without progress until pages are abandoned */
	bool told;		/* the last answer was AERO_UNLOAD_ABANDON */
	uint64_t abandoned;	/* how many pages were abandoned when it was given */
};

/*
 * Counters.  They are changed once a batch or more rarely, under a lock that is held anyway, so
 * that they cost nothing measurable.
 */
struct aero_counters {
	uint64_t runs, resets, failed_connects;
	uint64_t taken[AERO_UNITS][AERO_EFFORTS]; /* blocks or pages that the allocator gave */
	uint64_t take_failed[AERO_UNITS][AERO_EFFORTS]; /* how often it had too few */
	uint64_t freed[AERO_UNITS];			/* blocks or pages given back to it */
	uint64_t refused[AERO_UNITS];	    /* blocks or pages that the hypervisor refused */
	uint64_t refused_freed[AERO_UNITS]; /* how many of those were freed again */
	uint64_t odd_answers;		    /* rejected for an unknown reason */
	uint64_t pages_in, pages_out;	    /* with the hypervisor's consent */
	uint64_t pages_popped;		    /* freed after a reset */
	uint64_t blocks_broken;		    /* large blocks broken into pages */
	uint64_t blocks_remade;		    /* blocks that took the place of single pages */
	uint64_t migrated, migrate_failed;
	uint64_t relieved_pages, holdoffs;
	uint64_t vacated_pages; /* given back because their memory went offline */
	uint64_t adopted_pages, abandoned_pages;
	uint64_t grown_pages, grow_failed; /* pages added; how often it failed */
};

enum aero_phase {
	AERO_PHASE_REST, /* between runs */
	AERO_PHASE_POP,	 /* emptying the store after a reset */
	AERO_PHASE_CONNECT,
	AERO_PHASE_INFLATE,
	AERO_PHASE_DEFLATE,
	AERO_PHASE_GROW,    /* the worker adds memory */
	AERO_PHASE_STOPPED, /* aero_stop() was called */
	AERO_PHASES
};

struct aero_balloon {
	/* Set by aero_init() and constant afterwards. */
	struct aero_port *port;
	const struct aero_hypervisor_ops *ops;
	void *hypervisor;

	/* Changed by the administrator under the step lock. */
	struct aero_config config;

	/* Written under the step lock.  Single words, which may be read without it. */
	uint64_t target_pages;
	uint64_t size_pages; /* pages in the store, isolated ones included */
	uint64_t lent_pages; /* pages on loan, which have no memory behind them */
	enum aero_phase phase;
	bool reset_required;
	enum aero_run_end last_end; /* of the last run; meaningless while no run has ended */
	uint64_t runs_ended;
	uint64_t last_relief_pages; /* what aero_relieve() last gave the guest ... */
	uint64_t last_relief_ms;    /* ... and when, by aero_port_now_ms() */

	/* Under the step lock. */
	uint64_t held[AERO_CLASSES]; /* blocks in the store, isolated pages included */
	uint64_t coming_pages;	     /* pages added to the guest that are not online yet */
	uint64_t arrived_pages;	     /* pages that came online while memory was being added */
	struct aero_link link;
	struct aero_pace pace;
	bool handed_over; /* the unload leaves target_pages to whom takes the balloon over */
	struct aero_unload_state unload;
	struct aero_counters counters;
	uint64_t remake_from_ms; /* no block is made anew before, by aero_port_now_ms() */
	uint32_t barred_in;	 /* classes that are not offered again in this run, one bit each */
	bool hurry;	     /* the guest ran short in this run, and waits for what is asked back */
	uint32_t barred_out; /* classes that are not asked back again in this run, one bit each */
	uint32_t refused_n[AERO_UNITS];
	aero_page *refused[AERO_UNITS][AERO_REFUSED_MAX];
	uint32_t said;		  /* messages that were logged and are not repeated, one bit each */
	struct aero_batch batch;  /* the worker's */
	struct aero_batch urgent; /* of relief and migration, which do not wait for the worker's */
	/* What ends the run as soon as b->batch is no longer in flight. */
	bool landing_ends_run;
	enum aero_run_end landing_end;
};

/*
 * Prepares @b.  This takes no page and does not call the hypervisor; the first step connects.
 * @port, @ops and @hypervisor must exist as long as @b is used.
 */
void aero_init(struct aero_balloon *b, struct aero_port *port, const struct aero_config *config,
	       const struct aero_hypervisor_ops *ops, void *hypervisor);

/* Moves one batch at most.  The worker calls it when the last step's result says so. */
struct aero_next aero_step(struct aero_balloon *b);

/*
 * Called when the guest is short of memory.  Takes @pages pages back from the hypervisor at once,
 * rounded up to whole blocks, and keeps the balloon from growing for holdoff_ms.  Returns
 * how many pages the guest got: 0 if the balloon is empty or the hypervisor returns none.
 */
uint64_t aero_relieve(struct aero_balloon *b, uint64_t pages);

/* Keeps the balloon from growing for holdoff_ms: the guest ran short and was helped otherwise. */
void aero_hold_off(struct aero_balloon *b);

/* Whether that is so now. */
bool aero_is_held_off(struct aero_balloon *b);

/* What became of a page that was to be moved. */
enum aero_migration {
	AERO_MIGRATE_FAILED, /* nothing changed: @from goes back to the store, @to to its owner */
	AERO_MIGRATE_MOVED,  /* @to takes @from's place in the store; @from is the guest's */
	AERO_MIGRATE_SHRUNK, /* the balloon lost a page: @from and @to are both the guest's */
	/* The hypervisor has not answered in time: one page is in flight, the other the guest's. */
	AERO_MIGRATE_FROM_IN_FLIGHT,
	AERO_MIGRATE_TO_IN_FLIGHT,
};

/*
 * Replaces the ballooned page @from by @to.  Both are single pages.  The port has taken @from
 * out of its store and still counts it as held; @to belongs to the caller.  The port has to carry
 * out in its store what the result says before it releases the step lock.
 */
enum aero_migration aero_migrate(struct aero_balloon *b, aero_page *from, aero_page *to);

/*
 * Called when the guest wants to do without the memory of @range.  Gives the blocks that the
 * balloon holds there back to the guest; the next runs take others in their place.  Single pages
 * stay: the guest migrates them.  Returns false if blocks are left, because the hypervisor does not
 * return them.
 */
bool aero_vacate(struct aero_balloon *b, struct aero_range range);

/*
 * Tells the hypervisor to forget the balloon's pages, and keeps the balloon from growing ever
 * again.  The first aero_unload_step() calls this.  A second call does nothing.
 */
void aero_stop(struct aero_balloon *b);

/*
 * Ends the connection and gives one batch of the balloon's pages back to the guest.  Called again
 * until it returns true, which means that the balloon is empty.  The next aero_step() connects
 * anew; until then the hypervisor knows nothing of this guest.  On an unbacked link, whose pages
 * cannot be used without the hypervisor, this does nothing and returns true.
 */
bool aero_let_go(struct aero_balloon *b);

/*
 * Only for hypervisors whose links are unbacked, before aero_stop(): somebody takes the balloon
 * over.  The unload then reclaims pages down to the present target only, and tells the worker to
 * take the others by aero_abandon() without further attempts.
 */
void aero_hand_over(struct aero_balloon *b);

/* What the worker does after a step of the unload. */
enum aero_unload_kind {
	AERO_UNLOAD_AGAIN,   /* step again as soon as others have had a chance to run */
	AERO_UNLOAD_WAIT,    /* step again in delay_ms */
	AERO_UNLOAD_ABANDON, /* take pages by aero_abandon(), then step again */
	AERO_UNLOAD_DONE,    /* the balloon is empty and may be destroyed */
};

struct aero_unload {
	enum aero_unload_kind kind;
	uint32_t delay_ms;
};

/*
 * One step of the unload.  Stops the balloon and gives at most one batch of its pages back to
 * the guest.  The worker no longer calls aero_step(), and repeats this until the result is
 * AERO_UNLOAD_DONE.  On a backed link it always comes to that, as soon as pages that are isolated
 * for migration are put back.
 *
 * On an unbacked link the hypervisor may have no memory for the balloon's pages.  After a number
 * of attempts that made no progress the result is AERO_UNLOAD_ABANDON.  The worker then takes
 * pages by aero_abandon(), any number at a time, and must keep them out of use for ever,
 * because an access to a page without memory is a fault.  Further steps return
 * AERO_UNLOAD_ABANDON again, or AERO_UNLOAD_WAIT while the remaining pages are isolated, until
 * nothing is left.  All loans (aero_lend()) must have been repaid.
 */
struct aero_unload aero_unload_step(struct aero_balloon *b);

/*
 * Called after AERO_NEXT_GROW, when the worker has tried to add memory without holding the step
 * lock.  @added_pages were added to the guest, and will join the balloon by aero_adopt() when
 * they are online; 0 means that memory could not be added.  Returns what has to be done next.
 */
struct aero_next aero_grown(struct aero_balloon *b, uint64_t added_pages);

/*
 * Only for hypervisors whose links are unbacked.  @n blocks, which belong to the caller and have
 * no memory behind them, join the balloon as blocks of @class and are reclaimed like any others.
 * @n is from 0 to AERO_BATCH_MAX.  The balloon need not be connected yet.
 */
void aero_adopt(struct aero_balloon *b, enum aero_class class, aero_page **blocks, unsigned int n);

/*
 * The reverse of aero_adopt(): up to @n pages leave the balloon and belong to the caller.  They
 * still have no memory behind them.  Returns how many there were; this is 0 when all pages
 * that are left are isolated for migration, and may be less than @n although more are
 * held.  @n is from 1 to AERO_BATCH_MAX.
 */
unsigned int aero_abandon(struct aero_balloon *b, aero_page **pages, unsigned int n);

/* Returns how many pages are in flight: neither the guest's nor in the store. */
uint64_t aero_in_flight_pages(const struct aero_balloon *b);

/*
 * Lends up to @n held pages, which have no memory behind them, to another driver.  @n may be any
 * number, but one call lends at most one batch.  Returns how many were lent: 0 on a backed
 * link, without a connection, and after aero_stop().
 */
unsigned int aero_lend(struct aero_balloon *b, aero_page **pages, unsigned int n);

/*
 * Called when a driver wants to borrow more pages than the balloon holds.  Gives up to @n of the
 * guest's own pages to the hypervisor, at most one batch, whatever the target is.  Returns by
 * how many pages the balloon has grown: 0 if the guest has none to spare or the hypervisor accepts
 * none. The caller has to lend them before it releases the step lock; otherwise the next step may
 * give them back to the guest.
 */
unsigned int aero_fund(struct aero_balloon *b, unsigned int n);

/*
 * Takes @n pages back from loan.  They still have no memory behind them.  @n is from 0 to
 * AERO_BATCH_MAX and not more than are on loan.  This works after aero_stop() as well.
 */
void aero_repay(struct aero_balloon *b, aero_page **pages, unsigned int n);

/* Checks that the figures in @b agree with each other.  If not, *@why names what is wrong. */
bool aero_is_valid(const struct aero_balloon *b, const char **why);

/* Names for logs and files.  Each consists of lower-case words joined by '_'. */
const char *aero_phase_name(enum aero_phase phase);
const char *aero_class_name(enum aero_class class);
const char *aero_answer_name(enum aero_answer answer);
const char *aero_run_end_name(enum aero_run_end end);

static inline unsigned int aero_class_held_order(enum aero_class class)
{
	return class == AERO_CLASS_PAGE ? 0 : AERO_BLOCK_ORDER;
}

static inline unsigned int aero_class_wire_order(enum aero_class class)
{
	return class == AERO_CLASS_LARGE ? AERO_BLOCK_ORDER : 0;
}

#endif
