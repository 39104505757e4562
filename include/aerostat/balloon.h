/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The engine: makes the balloon's size follow a target.
 *
 * It never sleeps, schedules, or loops without bound.  aero_step() does at most
 * one batch and says what next; a *worker* (a kernel work item, a test loop)
 * owns time and calls it.
 *
 * Locking.  The worker provides one *step lock*, which may sleep; every
 * function here is called under it but where its comment says otherwise.  A
 * port may have a lock of its own inside (pages isolated for migration); order:
 * step lock, then the port's.  Code that may run inside an allocation made by
 * aero_step() (a shrinker, page migration) may only *try* the step lock.
 *
 * Ownership.  A page is the guest's; or in flight (b->batch, inside one call);
 * or in the store (the port's hold list, counted in b->held); or refused
 * (b->refused); or isolated for migration (still counted in b->held); or lent to
 * another driver (counted in b->lent_pages).
 */
#ifndef AEROSTAT_BALLOON_H
#define AEROSTAT_BALLOON_H

#include <aerostat/hypervisor.h>

/* Refused blocks kept aside through a run, for each unit size (VMware's rule). */
#define AERO_REFUSED_MAX 16U

/* Unit sizes with counters of their own: base pages and large blocks. */
enum aero_unit { AERO_UNIT_BASE, AERO_UNIT_LARGE, AERO_UNITS };

/* What the worker does after a step. */
enum aero_next_kind {
	AERO_NEXT_NOW,	 /* step again, after letting others run */
	AERO_NEXT_DELAY, /* step again in delay_ms, or when kicked */
	AERO_NEXT_GROW,	 /* add grow_pages to the guest, then call aero_grown() */
};

struct aero_next {
	enum aero_next_kind kind;
	uint32_t delay_ms;
	uint64_t grow_pages;
};

/* Why a run ended, for the trace. */
enum aero_run_end {
	AERO_END_DONE,	      /* the size fits the target */
	AERO_END_RATE,	      /* as many pages as the rate allows */
	AERO_END_NO_MEMORY,   /* the guest has none to spare */
	AERO_END_NO_PROGRESS, /* the hypervisor takes or gives nothing more */
	AERO_END_COMMAND,     /* a command failed */
	AERO_END_RESET,
	AERO_END_HELD_OFF,  /* the guest was short of memory a moment ago */
	AERO_END_NO_GROWTH, /* memory was to be added, and could not be */
	AERO_END_WAIT,	    /* memory that was added is still to be brought online */
	AERO_RUN_ENDS
};

/* Pace: one set of rules for all hypervisors, with each one's constants. */
struct aero_pace_config {
	uint32_t period_ms;  /* from the end of a run to the next */
	uint32_t rate_max;   /* pages a run may take by reclaim, at the most ... */
	uint32_t rate_min;   /* ... and at the least */
	uint32_t rate_step;  /* gain for each `rate` pages taken in a run without error */
	uint32_t slow_runs;  /* runs to go slowly after the allocator ran dry */
	uint32_t holdoff_ms; /* no inflation for this long after the guest ran short */

	/*
	 * After a run that could not get on, the pause doubles from period_ms up
	 * to backoff_max_ms (0: it stays period_ms); after more than retries_max
	 * such runs in a row (0: unlimited) it is recheck_ms.
	 */
	uint32_t backoff_max_ms, retries_max, recheck_ms;
};

struct aero_config {
	struct aero_pace_config pace;
	bool large; /* large units are used where the hypervisor has them */
	bool split; /* large blocks are taken for base units */
};

struct aero_pace {
	uint32_t rate;	       /* pages a run, between rate_min and rate_max */
	uint32_t slow_left;    /* slow runs to come */
	uint64_t taken;	       /* pages taken in this run */
	uint64_t moved_before; /* pages given and got, ever, when this run began */
	bool limited;	       /* this run may take `rate` pages and no more */
	enum aero_effort effort;
	bool held_off;
	uint64_t held_off_until_ms;
	uint32_t retries; /* runs in a row that could not get on, for this target */
};

/* Since aero_stop(). */
struct aero_unload_state {
	uint32_t attempts_left; /* without a page, until pages are abandoned */
	bool told;		/* the last answer was AERO_UNLOAD_ABANDON ... */
	uint64_t abandoned;	/* ... at which so many pages were abandoned already */
};

/*
 * Counters: touched once a batch or more rarely, under the lock that is held
 * anyway, so they cost nothing measurable whether or not anybody reads them.
 */
struct aero_counters {
	uint64_t runs, resets, failed_connects;
	uint64_t taken[AERO_UNITS][AERO_EFFORTS];	/* blocks or pages the allocator gave */
	uint64_t take_failed[AERO_UNITS][AERO_EFFORTS]; /* times it had not enough */
	uint64_t freed[AERO_UNITS];			/* blocks or pages given back to it */
	uint64_t refused[AERO_UNITS];			/* the hypervisor would not take them */
	uint64_t refused_freed[AERO_UNITS];		/* of those, freed again */
	uint64_t odd_answers;				/* failures with no name */
	uint64_t pages_in, pages_out;			/* by the hypervisor's consent */
	uint64_t pages_popped;				/* taken back after it forgot them */
	uint64_t blocks_broken;				/* large blocks that became pages */
	uint64_t migrated, migrate_failed;
	uint64_t relieved_pages, holdoffs;
	uint64_t adopted_pages, abandoned_pages;
	uint64_t grown_pages, grow_failed; /* added to the guest; times it did not work */
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
	/* Set by aero_init(), constant after. */
	struct aero_port *port;
	const struct aero_hypervisor_ops *ops;
	void *hypervisor;

	/* Changed by the administrator under the step lock. */
	struct aero_config config;

	/* Written under the step lock; single words that others may read racily. */
	uint64_t target_pages;
	uint64_t size_pages; /* all the store holds, isolated pages too */
	uint64_t lent_pages; /* out on loan, without memory behind them */
	enum aero_phase phase;
	bool reset_required;
	enum aero_run_end last_end; /* of the last run; meaningless while no run has ended */
	uint64_t runs_ended;
	uint64_t last_relief_pages; /* what aero_relieve() last gave the guest ... */
	uint64_t last_relief_ms;    /* ... and when, by aero_port_now_ms() */

	/* Under the step lock. */
	uint64_t held[AERO_CLASSES]; /* blocks in the store, isolated pages too */
	uint64_t coming_pages;	     /* added to the guest, not online yet */
	uint64_t arrived_pages;	     /* came online while they were being added */
	struct aero_link link;
	struct aero_pace pace;
	struct aero_unload_state unload;
	struct aero_counters counters;
	uint32_t barred_in;  /* classes not given again in this run, a bit each */
	uint32_t barred_out; /* classes not asked back again in this run */
	uint32_t refused_n[AERO_UNITS];
	aero_page *refused[AERO_UNITS][AERO_REFUSED_MAX];
	uint32_t said; /* messages that are given once, a bit each */
	struct aero_batch batch;
};

/*
 * Prepares @b; no page is taken and the hypervisor is not called yet.  The
 * first step connects.  @b, @port, @ops and @hypervisor must outlive the use.
 */
void aero_init(struct aero_balloon *b, struct aero_port *port, const struct aero_config *config,
	       const struct aero_hypervisor_ops *ops, void *hypervisor);

/* One batch at the most.  Called by the worker, whenever the last step's answer says so. */
struct aero_next aero_step(struct aero_balloon *b);

/*
 * The guest is short of memory: takes up to @pages back from the hypervisor at
 * once (at least one block if there is one) and keeps the balloon from growing
 * for holdoff_ms.  Returns how many pages the guest got; 0 when the balloon is
 * empty or the hypervisor would not.
 */
uint64_t aero_relieve(struct aero_balloon *b, uint64_t pages);

/* What became of a page that was to move. */
enum aero_migration {
	AERO_MIGRATE_FAILED, /* nothing changed: @from goes back to the store, @to to its owner */
	AERO_MIGRATE_MOVED,  /* @to takes @from's place in the store; @from is the guest's */
	AERO_MIGRATE_SHRUNK, /* the balloon lost a page: @from and @to are both the guest's */
};

/*
 * Moves the balloon's hold from @from to @to, both single pages.  @from was
 * isolated out of the store by the port, which goes on counting it as held; @to
 * is the caller's.  The port itself carries out in its store what the result
 * says, before it drops the step lock.
 */
enum aero_migration aero_migrate(struct aero_balloon *b, aero_page *from, aero_page *to);

/*
 * Tells the hypervisor to forget our pages; nothing is inflated any more.  The first
 * aero_unload_step() does this by itself.  A second call does nothing.
 */
void aero_stop(struct aero_balloon *b);

/* What the worker does after a step of the unload. */
enum aero_unload_kind {
	AERO_UNLOAD_AGAIN,   /* step again, after letting others run */
	AERO_UNLOAD_WAIT,    /* step again in delay_ms */
	AERO_UNLOAD_ABANDON, /* take pages by aero_abandon(), then step again */
	AERO_UNLOAD_DONE,    /* the balloon is empty and may be destroyed */
};

struct aero_unload {
	enum aero_unload_kind kind;
	uint32_t delay_ms;
};

/*
 * One step of the unload, a batch at the most: stops the balloon and gives its pages back
 * to the guest.  The worker makes no aero_step() any more, and repeats this until
 * AERO_UNLOAD_DONE.  With a backed link that is certain, as soon as pages that are
 * isolated for migration are put back.
 *
 * On an unbacked link the hypervisor may have no memory for our pages.  After a number
 * of attempts without a page the answer is AERO_UNLOAD_ABANDON: the worker takes pages
 * by aero_abandon(), as many as it likes at a time, and must keep them out of the
 * guest's use for ever, for a page without memory faults when it is touched.  The answer
 * is then AERO_UNLOAD_ABANDON again, or AERO_UNLOAD_WAIT while the rest is isolated, until
 * nothing is left.  Loans (aero_lend()) must have been repaid.
 */
struct aero_unload aero_unload_step(struct aero_balloon *b);

/*
 * After AERO_NEXT_GROW, whose worker has tried to add memory without the step
 * lock: @added_pages now belong to the guest, and come to the balloon through
 * aero_adopt() when they are online.  0: it did not work.  Returns what is next.
 */
struct aero_next aero_grown(struct aero_balloon *b, uint64_t added_pages);

/*
 * For a hypervisor with unbacked links only: @n blocks of the caller's that have no
 * memory behind them join the balloon under @class, to be reclaimed like any
 * other.  @n is from 0 to AERO_BATCH_MAX.  The balloon need not be connected yet.
 */
void aero_adopt(struct aero_balloon *b, enum aero_class class, aero_page **blocks, unsigned int n);

/*
 * The reverse of aero_adopt(): up to @n pages of the balloon, still without memory behind
 * them, become the caller's.  Returns how many; fewer than @n when a class or the store is
 * used up, and 0 when all that is left is isolated for migration.  @n is from 1 to AERO_BATCH_MAX.
 */
unsigned int aero_abandon(struct aero_balloon *b, aero_page **pages, unsigned int n);

/*
 * Lends up to @n pages that the balloon holds, without memory behind them, to another
 * driver; any @n, of which one batch is served at the most.  Returns how many; 0 on a link
 * that is not unbacked, without a connection, and after aero_stop().
 */
unsigned int aero_lend(struct aero_balloon *b, aero_page **pages, unsigned int n);

/*
 * The balloon holds fewer pages than somebody would borrow: gives up to @n of the
 * guest's own pages to the hypervisor, whatever the target is, one batch at the
 * most.  Returns how many it holds more; 0 when the guest has none to spare or
 * the hypervisor takes none.  They are to be lent before the step lock is
 * dropped, or a step gives them back.
 */
unsigned int aero_fund(struct aero_balloon *b, unsigned int n);

/*
 * @n pages come back from loan, still without memory behind them.  @n is from 0 to
 * AERO_BATCH_MAX, and no more than are on loan.  Works after aero_stop() as well.
 */
void aero_repay(struct aero_balloon *b, aero_page **pages, unsigned int n);

/* True when every figure in @b agrees with every other; @why is set if not. */
bool aero_is_valid(const struct aero_balloon *b, const char **why);

/* Names for people and files, each a lower-case word or words joined by '_'. */
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
