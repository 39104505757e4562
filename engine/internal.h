/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Declarations that the engine's files share.  All of these functions are called with the
 * step lock held.
 */
#ifndef AEROSTAT_ENGINE_INTERNAL_H
#define AEROSTAT_ENGINE_INTERNAL_H

#include <aerostat/balloon.h>

#define AERO_BLOCK_PAGES (1U << AERO_BLOCK_ORDER)

_Static_assert(AERO_BLOCK_PAGES <= AERO_BATCH_MAX, "a block fits one batch");

/*
 * How long to wait while every page that is left in the store is isolated for migration.  A
 * page is isolated for as long as it takes to copy it and to change its mappings, which is
 * much less than this.
 */
#define AERO_ISOLATED_RETRY_MS	10U

/* Messages that are logged only once; each is a bit of aero_balloon.said. */
#define AERO_SAID_ODD_ANSWER	(1U << 0)
#define AERO_SAID_NO_CONNECTION (1U << 1)
#define AERO_SAID_HUGE_TARGET	(1U << 2)

static inline bool aero_first_time(struct aero_balloon *b, uint32_t message)
{
	bool first = !(b->said & message);

	b->said |= message;
	return first;
}

/*
 * Whether the hypervisor would understand commands about pages now.  It does not before the
 * first connection, after a reset, and after the balloon was stopped.
 */
static inline bool aero_is_connected(const struct aero_balloon *b)
{
	return !b->reset_required && b->phase != AERO_PHASE_STOPPED;
}

static inline uint64_t aero_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline enum aero_unit aero_class_unit(enum aero_class class)
{
	return class == AERO_CLASS_LARGE ? AERO_UNIT_LARGE : AERO_UNIT_BASE;
}

/* How many units of the protocol one block of @class consists of. */
static inline uint32_t aero_class_units(enum aero_class class)
{
	return 1U << (aero_class_held_order(class) - aero_class_wire_order(class));
}

/* How many blocks of @class fit into one batch. */
static inline uint32_t aero_class_batch(enum aero_class class)
{
	return AERO_BATCH_MAX / aero_class_units(class);
}

/* How many blocks of @class one batch on this link may have. */
static inline uint32_t aero_batch_limit(const struct aero_balloon *b, enum aero_class class)
{
	uint32_t room = aero_class_batch(class);

	if (class != AERO_CLASS_LARGE || !b->link.large_units)
		return room;
	return (uint32_t)aero_min(room, b->link.large_units);
}

/*
 * How long relief and migration wait for a hypervisor that answers later.  An answer takes less
 * than a millisecond, unless the hypervisor is stopped or overloaded; then memory that comes a
 * tenth of a second later is of no use to an allocation that is in a hurry.
 */
#define AERO_URGENT_PATIENCE_MS 100U

/* store.c: ownership of pages */
void aero_store_hold(struct aero_balloon *b, enum aero_class class, aero_page **blocks,
		     unsigned int n);
unsigned int aero_store_unhold(struct aero_balloon *b, enum aero_class class, aero_page **blocks,
			       unsigned int n);
unsigned int aero_store_unhold_within(struct aero_balloon *b, enum aero_class class,
				      struct aero_range range, aero_page **blocks, unsigned int n);
void aero_store_free(struct aero_balloon *b, enum aero_class class, aero_page **blocks,
		     unsigned int n);
void aero_store_refuse(struct aero_balloon *b, enum aero_unit unit, aero_page *block);
void aero_store_free_refused(struct aero_balloon *b);
bool aero_store_pop(struct aero_balloon *b);
bool aero_store_break(struct aero_balloon *b, struct aero_batch *scratch);

/* batch.c: blocks on their way to or from the hypervisor */
void aero_batch_fill(struct aero_batch *batch, enum aero_class class, unsigned int blocks);
enum aero_reply aero_batch_send(struct aero_balloon *b, struct aero_batch *batch,
				enum aero_flight flight);
enum aero_reply aero_batch_collect(struct aero_balloon *b, struct aero_batch *batch,
				   uint32_t patience_ms);

/* flight.c: batches that are in flight */
bool aero_batch_land(struct aero_balloon *b, struct aero_batch *batch, uint32_t patience_ms);
void aero_batch_void(struct aero_balloon *b);

/* pace.c: how fast the balloon may grow, and how long to wait between runs */
void aero_pace_begin(struct aero_balloon *b);
void aero_pace_end(struct aero_balloon *b);
uint64_t aero_pace_allowance(const struct aero_balloon *b);
void aero_pace_light_failed(struct aero_balloon *b, enum aero_unit unit);
void aero_pace_large_failed(struct aero_balloon *b);
void aero_pace_reclaim_failed(struct aero_balloon *b);
uint32_t aero_pace_delay_ms(struct aero_balloon *b, enum aero_run_end end);

/*
 * inflate.c, deflate.c: each call moves one batch, or leaves b->batch in flight.  Returns true when
 * the run is over; *@end is the reason then.
 */
bool aero_inflate(struct aero_balloon *b, enum aero_run_end *end);
bool aero_offer(struct aero_balloon *b, enum aero_run_end *end);
bool aero_deflate(struct aero_balloon *b, enum aero_run_end *end);
bool aero_reclaim_pages(struct aero_balloon *b, unsigned int n, enum aero_run_end *end);

/*
 * place.c: the hypervisor's reply to a batch has come; puts each page where its answer says.
 * Returns true when the run is over; *@end is the reason then.
 */
bool aero_offered(struct aero_balloon *b, struct aero_batch *batch, enum aero_reply reply,
		  enum aero_run_end *end);
bool aero_asked(struct aero_balloon *b, struct aero_batch *batch, enum aero_reply reply,
		enum aero_run_end *end);

/*
 * remake.c: called when there is nothing else to do; exchanges at most one block.  *@end changes if
 * the hypervisor's reply ends the run in another way.
 */
void aero_remake(struct aero_balloon *b, enum aero_run_end *end);

/* target.c: what the balloon's size should be, and what has to be done for it */
void aero_note_target(struct aero_balloon *b, uint64_t target_pages);
enum aero_phase aero_direction(const struct aero_balloon *b);
void aero_tell_size(struct aero_balloon *b, bool at_rest);

#endif
