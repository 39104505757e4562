/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The hypervisor table: what the engine asks of the guest's half of a balloon
 * protocol (protocol/).  It binds at run time, for one kernel may wake up
 * under any hypervisor; one indirect call moves a whole batch.
 */
#ifndef AEROSTAT_HYPERVISOR_H
#define AEROSTAT_HYPERVISOR_H

#include <aerostat/port.h>

/*
 * Blocks in one batch, and units in one batch.  512 fills a batch page of VMware's protocol.
 * A test with a tiny guest (tests/interrupt/) makes it smaller.
 */
#ifndef AERO_BATCH_MAX
#define AERO_BATCH_MAX 512U
#endif

/* What the hypervisor said to a command as a whole. */
enum aero_reply {
	AERO_REPLY_OK,
	AERO_REPLY_RESET,  /* it has forgotten all our pages; connect again */
	AERO_REPLY_BUSY,   /* nothing was done; try later */
	AERO_REPLY_FAILED, /* nothing was done, or the call could not be made */
	AERO_REPLIES
};

/*
 * What it said to one unit of a batch.  Anything but AERO_ANSWER_OK means that
 * the unit did not change hands.
 */
enum aero_answer {
	AERO_ANSWER_OK,
	AERO_ANSWER_REFUSED,	/* not this page, try another: pinned, or not its kind */
	AERO_ANSWER_NOT_NEEDED, /* the target is met */
	AERO_ANSWER_RESET,
	AERO_ANSWER_FAILED, /* anything else */
	AERO_ANSWERS
};

/*
 * A batch in flight: blocks of one class.  A *unit* is what gets an answer of
 * its own: each page of a block or, where wire_order says so, the block whole.
 * Unit u belongs to block u / units_per_block.
 *
 * The engine clears @answer before the call; a hypervisor writes only answers
 * other than OK and counts them in @not_ok.  The two must agree.
 */
struct aero_batch {
	enum aero_class class;
	uint8_t held_order; /* a block is 2^held_order pages */
	uint8_t wire_order; /* a unit is 2^wire_order pages */
	uint32_t blocks;
	uint32_t units_per_block;
	uint32_t units; /* blocks * units_per_block, at most AERO_BATCH_MAX */
	uint32_t not_ok;
	bool has_target; /* set by the hypervisor: it told a target */
	uint64_t target_pages;
	aero_page *block[AERO_BATCH_MAX];
	aero_pfn first[AERO_BATCH_MAX]; /* first frame of each block */
	uint8_t answer[AERO_BATCH_MAX]; /* enum aero_answer, by unit */
};

/* Frame number of unit @u. */
static inline aero_pfn aero_batch_pfn(const struct aero_batch *batch, uint32_t u)
{
	aero_pfn pfn = batch->first[u / batch->units_per_block];

	pfn.v += (unsigned long long)(u % batch->units_per_block) << batch->wire_order;
	return pfn;
}

static inline void aero_batch_answer(struct aero_batch *batch, uint32_t u, enum aero_answer answer)
{
	batch->not_ok += !batch->answer[u];
	batch->answer[u] = (uint8_t)answer;
}

/* What a connection can do, filled in by connect(). */
struct aero_link {
	bool large;	/* units of AERO_BLOCK_ORDER are taken */
	bool divisible; /* what was given as one unit may come back page by page */

	/*
	 * There is no memory behind a page we hold until reclaim() put it there:
	 * nothing is ever popped, and at the end what can't be reclaimed stays
	 * out of use.
	 */
	bool unbacked;

	/* Deflation may stop this far above a target other than 0. */
	uint32_t slack_pages;
};

/*
 * All are called under the step lock and may not sleep for long.  offer() and reclaim()
 * also run inside aero_relieve() and aero_migrate(), when the guest may be out of memory, so
 * they must not allocate.  @hypervisor is the pointer given to aero_init().
 */
struct aero_hypervisor_ops {
	const char *name; /* one lower-case word */

	/*
	 * Makes a connection, and fills in @link, which is zeroed but for @unbacked.  The
	 * hypervisor knows no page of ours before and after; an unbacked link has no
	 * such memory to lose.  Any reply is allowed.  After one other than OK there is no
	 * connection, whatever was done so far: the engine ends the run, and the next
	 * begins with quiesce() and connect().
	 */
	enum aero_reply (*connect)(void *hypervisor, struct aero_link *link);

	/* Takes down whatever may kick the worker by itself.  May be called again. */
	void (*quiesce)(void *hypervisor);

	/* Tells the hypervisor to forget all our pages, so that they may be used again. */
	void (*disconnect)(void *hypervisor);

	/*
	 * Asks how many pages the balloon should hold.  @limit_pages: all the
	 * pages there could be (aero_port_limit_pages()).  Sets *@target_pages when it
	 * replies OK.  RESET starts over with connect(); after any other reply the
	 * engine ends the run and asks again in the next.
	 */
	enum aero_reply (*get_target)(void *hypervisor, uint64_t limit_pages,
				      uint64_t *target_pages);

	/*
	 * How many pages to hot-add beyond present memory; NULL if unsupported.  Asked
	 * only while the balloon is empty and its target is 0.
	 */
	uint64_t (*beyond)(void *hypervisor);

	/*
	 * Offers the batch's units to the hypervisor, or asks for them back.
	 * With a reply other than OK or RESET no unit changed hands and @answer
	 * says nothing.  With RESET the answers stand: units already taken when
	 * it came are OK, the others AERO_ANSWER_RESET.
	 */
	enum aero_reply (*offer)(void *hypervisor, struct aero_batch *batch);
	enum aero_reply (*reclaim)(void *hypervisor, struct aero_batch *batch);
};

#endif
