/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The table of functions by which the engine uses the guest's half of a balloon protocol
 * (protocol/).  It is bound at run time, because the same kernel may run on any hypervisor.
 * One indirect call moves a whole batch.
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

/* The hypervisor's reply to a command as a whole. */
enum aero_reply {
	AERO_REPLY_OK,
	AERO_REPLY_RESET,  /* it has forgotten all pages of this guest; connect again */
	AERO_REPLY_BUSY,   /* nothing was done; try later */
	AERO_REPLY_FAILED, /* nothing was done, or the call could not be made */
	/* Only offer(), reclaim() and collect(): the batch is in flight, its answer comes later. */
	AERO_REPLY_PENDING,
	AERO_REPLIES
};

/*
 * The hypervisor's answer for one unit of a batch.  Any answer but AERO_ANSWER_OK means that the
 * unit did not change its owner.
 */
enum aero_answer {
	AERO_ANSWER_OK,
	AERO_ANSWER_REFUSED,	/* this page is not accepted (pinned, for example); try another */
	AERO_ANSWER_NOT_NEEDED, /* the target is met */
	AERO_ANSWER_RESET,
	AERO_ANSWER_FAILED, /* anything else */
	AERO_ANSWERS
};

/* Where a batch is between offer() or reclaim() and the hypervisor's answer. */
enum aero_flight {
	AERO_FLIGHT_NONE,
	AERO_FLIGHT_OFFERED, /* offer() replied AERO_REPLY_PENDING */
	AERO_FLIGHT_ASKED,   /* reclaim() replied AERO_REPLY_PENDING */
};

/*
 * A batch: blocks of one class that are offered to the hypervisor or asked back from it.  Each
 * *unit* gets an answer of its own; a unit is a page of a block or the whole block, as wire_order
 * says.  Unit u belongs to block u / units_per_block.
 *
 * The engine sets all entries of @answer to AERO_ANSWER_OK before the call.  The protocol writes
 * only other answers, by aero_batch_answer(), which also counts them in @not_ok.
 */
struct aero_batch {
	enum aero_class class;
	uint8_t held_order; /* a block is 2^held_order pages */
	uint8_t wire_order; /* a unit is 2^wire_order pages */
	uint32_t blocks;
	uint32_t units_per_block;
	uint32_t units; /* blocks * units_per_block, at most AERO_BATCH_MAX */
	uint32_t not_ok;
	bool has_target; /* set by the protocol when target_pages is a target that was told */
	enum aero_flight flight; /* written by the engine only */
	uint64_t target_pages;
	aero_page *block[AERO_BATCH_MAX];
	aero_pfn first[AERO_BATCH_MAX]; /* first frame of each block */
	uint8_t answer[AERO_BATCH_MAX]; /* enum aero_answer, one for each unit */
};

/* Returns the number of the first frame of unit @u. */
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

/* What a connection can do.  connect() fills it in. */
struct aero_link {
	bool large;	/* units of AERO_BLOCK_ORDER are accepted */
	bool divisible; /* pages that were given as one unit may be taken back one by one */

	/*
	 * A held page has no memory behind it until reclaim() has put some there.  So
	 * pages are never popped, and pages that cannot be reclaimed at the end stay
	 * out of use.
	 */
	bool unbacked;

	/* How many pages the balloon may be above a target other than 0 without being deflated. */
	uint32_t slack_pages;

	/* How many large units one batch may have; 0: as many as a batch has room for. */
	uint32_t large_units;
};

/*
 * All are called under the step lock and may not sleep for long.  offer() and reclaim()
 * also run inside aero_relieve() and aero_migrate(), when the guest may be out of memory, so
 * they must not allocate.  @hypervisor is the pointer given to aero_init().
 */
struct aero_hypervisor_ops {
	const char *name; /* one lower-case word */

	/*
	 * Makes a connection and fills in @link, all of which is zero but @unbacked.  The
	 * hypervisor knows no page of this guest before and after it, unless the link is
	 * unbacked.  Any reply is allowed.  After a reply other than OK there is no
	 * connection, whatever was done so far: the engine ends the run, and the next one
	 * begins with quiesce() and connect().
	 */
	enum aero_reply (*connect)(void *hypervisor, struct aero_link *link);

	/*
	 * Stops everything that kicks the worker, such as a doorbell.  May be called repeatedly.
	 * When it returns, the hypervisor no longer touches the pages of a batch that was in
	 * flight, and collect() is not called for it.
	 */
	void (*quiesce)(void *hypervisor);

	/* Tells the hypervisor to forget all pages of this guest, which may then use them again. */
	void (*disconnect)(void *hypervisor);

	/*
	 * Asks how many pages the balloon should hold.  @limit_pages is the number of all
	 * pages of the guest (aero_port_limit_pages()).  Sets *@target_pages when it
	 * replies OK.  RESET starts over with connect(); after any other reply the
	 * engine ends the run and asks again in the next.
	 */
	enum aero_reply (*get_target)(void *hypervisor, uint64_t limit_pages,
				      uint64_t *target_pages);

	/*
	 * Returns how many pages to hot-add beyond present memory.  Called only while the
	 * balloon is empty and its target is 0.  NULL if unsupported.
	 */
	uint64_t (*beyond)(void *hypervisor);

	/*
	 * offer() offers the batch's units to the hypervisor, reclaim() asks for them back.
	 * If the reply is neither OK nor RESET, no unit changed its owner, and the answers mean
	 * nothing.  If it is RESET, the answers are valid: AERO_ANSWER_OK for units that were
	 * moved before the reset, and AERO_ANSWER_RESET for the others.
	 */
	enum aero_reply (*offer)(void *hypervisor, struct aero_batch *batch);
	enum aero_reply (*reclaim)(void *hypervisor, struct aero_batch *batch);

	/*
	 * NULL if the hypervisor answers within offer() and reclaim().  Otherwise these may reply
	 * AERO_REPLY_PENDING.  Then the batch must stay as it is, and belongs to the protocol,
	 * until collect() for it replies something else, with the same meaning as a reply to
	 * the call itself; or until quiesce().  collect() waits up to @patience_ms for the
	 * answer; with 0 it only looks.  When an answer arrives, the worker is kicked.  At most
	 * two batches are in flight at once.
	 */
	enum aero_reply (*collect)(void *hypervisor, struct aero_batch *batch,
				   uint32_t patience_ms);

	/*
	 * NULL if the hypervisor counts the balloon's pages itself.  Otherwise it is told here how
	 * many there are.  Called after each batch, and with @at_rest when the balloon will keep
	 * this size for a while.
	 */
	void (*note_size)(void *hypervisor, uint64_t size_pages, bool at_rest);
};

#endif
