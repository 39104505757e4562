// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The guest's half of Xen's balloon.  docs/design/xen.md describes it. */
#include <aerostat/xen.h>

_Static_assert(AERO_BATCH_MAX <= AERO_XEN_FRAMES, "an engine batch fits a frame list");
_Static_assert((1U << AERO_BLOCK_ORDER) <= AERO_XEN_FRAMES, "a block fits a frame list");

#define SAID_SHORT   (1U << 0)
#define SAID_LIE     (1U << 1)
#define SAID_UNMAP   (1U << 2)

/*
 * How often aero_xen_end() asks Xen to take stray frames.  Xen refuses a page of its guest only
 * while something else refers to the page, which a repetition may see ended.
 */
#define END_ATTEMPTS 16U

static void say_once(struct aero_xen *x, uint32_t message, const char *text)
{
	if (!(x->said & message))
		aero_port_log(x->port, AERO_LOG_WARNING, "xen: %s (not logged again)", text);
	x->said |= message;
}

static bool is_pv(const struct aero_xen *x)
{
	return x->guest->unmap;
}

/*
 * Asks Xen to give up or to populate @extents extents of 2^@order guest pages.  The numbers in
 * @frame are in units of Xen's pages.  Returns how many extents were done, counted from the
 * first; the result is from 0 to @extents, whatever Xen answers.
 */
static uint32_t memory_op(struct aero_xen *x, enum aero_xen_op op, uint64_t *frame,
			  uint32_t extents, uint32_t order)
{
	bool decrease = op == AERO_XEN_DECREASE_RESERVATION;
	uint64_t *calls = decrease ? &x->decrease_calls : &x->populate_calls;
	uint64_t *base = decrease ? &x->decreased_base : &x->populated_base;
	uint64_t *large = decrease ? &x->decreased_large : &x->populated_large;
	long done;

	done = x->guest->memory_op(x->ctx, op, frame, extents, order + x->guest->page_order);
	++*calls;
	if (done > (long)extents) {
		say_once(x, SAID_LIE, "Xen reports that it did more than it was asked to do");
		done = (long)extents;
	}
	if (done < 0)
		done = 0;
	if (done < (long)extents) {
		x->short_answers++;
		if (decrease)
			say_once(x, SAID_SHORT, "Xen would not take pages back");
	}
	*(order ? large : base) += (uint64_t)done;
	return (uint32_t)done;
}

static uint64_t frame_of(const struct aero_xen *x, aero_pfn pfn)
{
	return (uint64_t)pfn.v << x->guest->page_order;
}

/* Marks the units from @from on as failed: they did not change their owner. */
static void fail_from(struct aero_batch *batch, uint32_t from)
{
	uint32_t u;

	for (u = from; u < batch->units; u++)
		aero_batch_answer(batch, u, AERO_ANSWER_FAILED);
}

static void list_frames(struct aero_xen *x, const struct aero_batch *batch)
{
	uint32_t u;

	for (u = 0; u < batch->units; u++)
		x->frame[u] = frame_of(x, aero_batch_pfn(batch, u));
}

static void list_pages(struct aero_xen *x, const struct aero_batch *batch)
{
	uint32_t u;

	for (u = 0; u < batch->units; u++)
		x->page[u] = aero_port_page(batch->block[u / batch->units_per_block],
					    u % batch->units_per_block);
}

/*
 * Tells the guest's operating system which pages have left or come back, in whole blocks where
 * all pages of a block are among the first @done units.
 */
static void account(struct aero_xen *x, const struct aero_batch *batch, uint32_t done,
		    void (*tell)(void *, aero_page *, uint32_t))
{
	uint32_t u = 0;

	while (u < done) {
		uint32_t i = u / batch->units_per_block;

		if (u % batch->units_per_block == 0 && done - u >= batch->units_per_block) {
			tell(x->ctx, batch->block[i], batch->held_order);
			u += batch->units_per_block;
		} else {
			tell(x->ctx, aero_port_page(batch->block[i], u % batch->units_per_block),
			     batch->wire_order);
			u++;
		}
	}
}

/* -- HVM and PVH guests, whose addresses Xen translates ------------------------------ */

static uint32_t move_translated(struct aero_xen *x, enum aero_xen_op op,
				const struct aero_batch *batch)
{
	list_frames(x, batch);
	return memory_op(x, op, x->frame, batch->units, batch->wire_order);
}

/* -- PV guests, which see machine frames ----------------------------------------- */

/* Whether @n machine frames are contiguous and aligned, so that they form one large extent. */
static bool is_contiguous(const uint64_t *machine, uint32_t n)
{
	uint32_t i;

	if (machine[0] & (n - 1))
		return false;
	for (i = 1; i < n; i++)
		if (machine[i] != machine[0] + i)
			return false;
	return true;
}

/*
 * Gives stray machine frames back to Xen: frames that the guest was given and could not map.
 * Their pages will get others.  Returns false as long as Xen has not accepted all of them.  The
 * caller must not move any pages then, so that there are never more strays than one batch
 * can leave behind.
 */
static bool hand_back_strays(struct aero_xen *x)
{
	uint32_t done, i;

	if (!x->strays)
		return true;
	for (i = 0; i < x->strays; i++)
		x->frame[i] = x->stray[i];
	done = memory_op(x, AERO_XEN_DECREASE_RESERVATION, x->frame, x->strays, 0);
	x->strays -= done;
	for (i = 0; i < x->strays; i++)
		x->stray[i] = x->stray[done + i];
	return !x->strays;
}

/*
 * Maps the units from @first to @last - 1 to their machine frames.  If that fails, the frames
 * become strays and the result is false.
 */
static bool map(struct aero_xen *x, uint32_t first, uint32_t last)
{
	uint32_t n = last - first, i;

	if (!n || x->guest->map(x->ctx, x->page + first, n, x->machine + first))
		return true;
	for (i = 0; i < n; i++)
		x->stray[x->strays++] = x->machine[first + i];
	x->unmapped += n;
	say_once(x, SAID_UNMAP, "pages could not be mapped again");
	return false;
}

/* Whether the batch consists of one block, which may then be moved as one extent. */
static bool is_one_block(const struct aero_batch *batch)
{
	return batch->class == AERO_CLASS_SPLIT && batch->blocks == 1;
}

/*
 * Offers a batch.  Returns how many units belong to the balloon now.  Pages that Xen did not
 * accept are mapped again.  If that fails, the guest cannot use them, so they stay in the
 * balloon like those that Xen accepted.
 */
static uint32_t offer_pv(struct aero_xen *x, struct aero_batch *batch)
{
	uint32_t done = 0, u;

	if (!hand_back_strays(x))
		return 0;
	list_pages(x, batch);
	if (!x->guest->unmap(x->ctx, x->page, batch->units, x->machine))
		return 0;
	if (is_one_block(batch) && is_contiguous(x->machine, batch->units)) {
		x->frame[0] = x->machine[0];
		done = batch->units *
		       memory_op(x, AERO_XEN_DECREASE_RESERVATION, x->frame, 1, batch->held_order);
	}
	if (!done) {
		for (u = 0; u < batch->units; u++)
			x->frame[u] = x->machine[u];
		done = memory_op(x, AERO_XEN_DECREASE_RESERVATION, x->frame, batch->units, 0);
	}
	return map(x, done, batch->units) ? done : batch->units;
}

/*
 * Populates a batch and stores its machine frames.  Returns how many units were populated.  For
 * a whole block one large extent is tried first, because it makes the machine frames
 * contiguous again.
 */
static uint32_t populate_pv(struct aero_xen *x, struct aero_batch *batch)
{
	uint32_t u;

	if (is_one_block(batch)) {
		x->machine[0] = frame_of(x, batch->first[0]);
		if (memory_op(x, AERO_XEN_POPULATE_PHYSMAP, x->machine, 1, batch->held_order)) {
			for (u = 1; u < batch->units; u++)
				x->machine[u] = x->machine[0] + u;
			return batch->units;
		}
	}
	list_frames(x, batch);
	for (u = 0; u < batch->units; u++)
		x->machine[u] = x->frame[u];
	return memory_op(x, AERO_XEN_POPULATE_PHYSMAP, x->machine, batch->units, 0);
}

static uint32_t reclaim_pv(struct aero_xen *x, struct aero_batch *batch)
{
	uint32_t done;

	if (!hand_back_strays(x))
		return 0;
	done = populate_pv(x, batch);
	list_pages(x, batch);
	return map(x, 0, done) ? done : 0;
}

uint32_t aero_xen_end(struct aero_xen *x)
{
	unsigned int attempts = END_ATTEMPTS;

	while (!hand_back_strays(x) && --attempts)
		;
	if (x->strays)
		aero_port_log(x->port, AERO_LOG_WARNING,
			      "xen: %u machine frames could not be given back and are lost",
			      x->strays);
	return x->strays;
}

/* -- sizes ------------------------------------------------------------------------- */

uint64_t aero_xen_target(uint64_t stored)
{
	return stored >> 63 ? 0 : stored;
}

uint64_t aero_xen_beyond(uint64_t stored, uint64_t all, uint64_t room)
{
	uint64_t target = aero_xen_target(stored);

	if (target <= all)
		return 0;
	return target - all < room ? target - all : room;
}

uint64_t aero_xen_room(long maximum, long reserved)
{
	if (maximum < 0 || reserved < 0 || reserved > maximum)
		return 0;
	return (uint64_t)(maximum - reserved);
}

/* A batch of a PV guest is moved on one host from its beginning to its end. */
static uint32_t move_pv(struct aero_xen *x, struct aero_batch *batch,
			uint32_t (*move)(struct aero_xen *x, struct aero_batch *batch))
{
	uint32_t done;

	if (x->guest->stay)
		x->guest->stay(x->ctx, true);
	done = move(x, batch);
	if (x->guest->stay)
		x->guest->stay(x->ctx, false);
	return done;
}

/* -- the table --------------------------------------------------------------------- */

static enum aero_reply offer(void *hypervisor, struct aero_batch *batch)
{
	struct aero_xen *x = hypervisor;
	uint32_t done, i;

	for (i = 0; x->guest->scrub && i < batch->blocks; i++)
		x->guest->scrub(x->ctx, batch->block[i], batch->held_order);
	done = is_pv(x) ? move_pv(x, batch, offer_pv)
			: move_translated(x, AERO_XEN_DECREASE_RESERVATION, batch);
	account(x, batch, done, x->guest->left);
	fail_from(batch, done);
	return AERO_REPLY_OK;
}

static enum aero_reply reclaim(void *hypervisor, struct aero_batch *batch)
{
	struct aero_xen *x = hypervisor;
	uint32_t done;

	done = is_pv(x) ? move_pv(x, batch, reclaim_pv)
			: move_translated(x, AERO_XEN_POPULATE_PHYSMAP, batch);
	account(x, batch, done, x->guest->came_back);
	fail_from(batch, done);
	return AERO_REPLY_OK;
}

static enum aero_reply connect(void *hypervisor, struct aero_link *link)
{
	const struct aero_xen *x = hypervisor;

	link->large = !is_pv(x);
	link->divisible = true;
	link->unbacked = true;
	link->slack_pages = 0;
	return AERO_REPLY_OK;
}

static enum aero_reply get_target(void *hypervisor, uint64_t limit_pages, uint64_t *target_pages)
{
	struct aero_xen *x = hypervisor;

	(void)limit_pages;
	*target_pages = x->guest->wanted_pages(x->ctx);
	return AERO_REPLY_OK;
}

static uint64_t beyond(void *hypervisor)
{
	struct aero_xen *x = hypervisor;

	return x->guest->beyond_pages ? x->guest->beyond_pages(x->ctx) : 0;
}

/* Xen keeps no connection that would have to be ended, and this driver sets no doorbell. */
static void nothing(void *hypervisor)
{
	(void)hypervisor;
}

const struct aero_hypervisor_ops aero_xen_ops = {
	.name = "xen",
	.connect = connect,
	.quiesce = nothing,
	.disconnect = nothing,
	.get_target = get_target,
	.beyond = beyond,
	.offer = offer,
	.reclaim = reclaim,
};

void aero_xen_init(struct aero_xen *x, struct aero_port *port, const struct aero_xen_guest *guest,
		   void *ctx)
{
	*x = (struct aero_xen){
		.port = port,
		.guest = guest,
		.ctx = ctx,
	};
}
