// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The guest's half of VMware's balloon protocol.  docs/design/vmware.md describes it. */
#include <aerostat/vmware.h>

_Static_assert(AERO_BATCH_MAX <= AERO_VMW_BATCH_MAX, "an engine batch fits a batch page");
_Static_assert(AERO_BLOCK_ORDER == AERO_VMW_2M_ORDER, "the large block is what 2M commands move");

/* VMCI gives this number to no context and no resource; DOORBELL_SET with it removes a doorbell. */
#define VMCI_INVALID_ID 0xffffffffU

/*
 * A balloon that is larger than its target by no more than one large page is not deflated, or
 * it would go back and forth between sizes.
 */
#define SLACK_PAGES	(1U << AERO_VMW_2M_ORDER)

#define SAID_GUEST_ID	(1U << 0)
#define SAID_DOORBELL	(1U << 1)
#define SAID_LIMIT_32	(1U << 2)
#define SAID_FRAME_32	(1U << 3)
#define SAID_FORGOTTEN	(1U << 4)

static bool has(const struct aero_vmware *v, uint32_t cap)
{
	return v->caps & cap;
}

static void say_once(struct aero_vmware *v, uint32_t message, const char *text)
{
	if (!(v->said & message))
		aero_port_log(v->port, AERO_LOG_WARNING, "vmware: %s (not logged again)", text);
	v->said |= message;
}

static uint32_t call(struct aero_vmware *v, uint32_t command, uint64_t arg1, uint64_t arg2,
		     struct aero_vmware_call *out)
{
	*out = (struct aero_vmware_call){.command = command, .arg1 = arg1, .arg2 = arg2};
	v->guest->call(v->ctx, out);
	v->calls[command]++;
	if (out->status != AERO_VMW_OK && out->status != AERO_VMW_OK_CAPS)
		v->failures[command]++;
	return out->status;
}

static enum aero_reply reply_of(uint32_t status)
{
	switch (status) {
	case AERO_VMW_OK:
		return AERO_REPLY_OK;
	case AERO_VMW_E_RESET:
		return AERO_REPLY_RESET;
	case AERO_VMW_E_BUSY:
		return AERO_REPLY_BUSY;
	default:
		return AERO_REPLY_FAILED;
	}
}

static enum aero_answer answer_of(uint32_t status)
{
	switch (status) {
	case AERO_VMW_OK:
		return AERO_ANSWER_OK;
	case AERO_VMW_E_PPN:
	case AERO_VMW_E_PINNED:
		return AERO_ANSWER_REFUSED;
	case AERO_VMW_E_NOT_NEEDED:
		return AERO_ANSWER_NOT_NEEDED;
	case AERO_VMW_E_RESET:
		return AERO_ANSWER_RESET;
	default:
		return AERO_ANSWER_FAILED;
	}
}

/* Hosts without 64-bit targets use 32 bits for each number of pages, and so for the target. */
static uint64_t target_of(const struct aero_vmware *v, const struct aero_vmware_call *c)
{
	return has(v, AERO_VMW_CAP_TARGET_64) ? c->result : (uint32_t)c->result;
}

/* -- the connection --------------------------------------------------------- */

/* Allocates the batch page when it is needed first.  Nothing else sets batch_page and batch_pfn. */
static bool get_batch_page(struct aero_vmware *v)
{
	if (!v->batch_page)
		v->batch_page = v->guest->alloc_batch_page(v->ctx, &v->batch_pfn);
	return v->batch_page;
}

static void disconnect(void *hypervisor)
{
	struct aero_vmware *v = hypervisor;
	struct aero_vmware_call c;

	/* The answer is ignored: some hosts report an error although they have done it. */
	call(v, AERO_VMW_START, 0, 0, &c);
	v->caps = 0;
}

static enum aero_reply negotiate(struct aero_vmware *v)
{
	struct aero_vmware_call c;

	switch (call(v, AERO_VMW_START, v->caps_wanted, 0, &c)) {
	case AERO_VMW_OK_CAPS:
		v->caps = c.caps & v->caps_wanted;
		break;
	case AERO_VMW_OK: /* an old host, which knows no capabilities */
		v->caps = AERO_VMW_CAP_BASIC & v->caps_wanted;
		break;
	default:
		v->caps = 0;
		return reply_of(c.status) == AERO_REPLY_OK ? AERO_REPLY_FAILED : reply_of(c.status);
	}
	if (!has(v, AERO_VMW_CAP_BATCHED))
		v->caps &= ~AERO_VMW_CAP_BATCHED_2M;
	if (has(v, AERO_VMW_CAP_BATCHED) && !get_batch_page(v)) {
		disconnect(v);
		return AERO_REPLY_FAILED;
	}
	return has(v, AERO_VMW_CAP_BASIC | AERO_VMW_CAP_BATCHED) ? AERO_REPLY_OK
								 : AERO_REPLY_FAILED;
}

static void close_doorbell(struct aero_vmware *v)
{
	if (v->doorbell_open)
		v->guest->close_doorbell(v->ctx);
	v->doorbell_open = false;
}

/*
 * Sets the doorbell, if host and guest have one.  The target is polled in any case, so a failure
 * does no harm; only a reset is reported to the caller.
 */
static enum aero_reply ring_me(struct aero_vmware *v)
{
	uint32_t context, resource, status;
	struct aero_vmware_call c;

	if (!has(v, AERO_VMW_CAP_SIGNALLED) || !v->guest->open_doorbell)
		return AERO_REPLY_OK;
	v->doorbell_open = v->guest->open_doorbell(v->ctx, &context, &resource);
	if (!v->doorbell_open)
		return AERO_REPLY_OK;
	status = call(v, AERO_VMW_DOORBELL_SET, context, resource, &c);
	v->doorbell_set = status == AERO_VMW_OK;
	if (v->doorbell_set)
		return AERO_REPLY_OK;
	close_doorbell(v);
	if (status == AERO_VMW_E_RESET)
		return AERO_REPLY_RESET;
	say_once(v, SAID_DOORBELL,
		 "the host did not accept a doorbell, so the target is only polled");
	return AERO_REPLY_OK;
}

static enum aero_reply introduce(struct aero_vmware *v)
{
	struct aero_vmware_call c;
	uint32_t status = call(v, AERO_VMW_GUEST_ID, AERO_VMW_GUEST_LINUX, 0, &c);

	if (status == AERO_VMW_E_RESET)
		return AERO_REPLY_RESET;
	if (status != AERO_VMW_OK)
		say_once(v, SAID_GUEST_ID,
			 "the host did not accept the guest's kind, which is Linux");
	return AERO_REPLY_OK;
}

static enum aero_reply connect(void *hypervisor, struct aero_link *link)
{
	struct aero_vmware *v = hypervisor;
	enum aero_reply reply = negotiate(v);

	if (reply == AERO_REPLY_OK)
		reply = ring_me(v);
	if (reply == AERO_REPLY_OK)
		reply = introduce(v);
	if (reply != AERO_REPLY_OK)
		return reply;
	link->large = has(v, AERO_VMW_CAP_BATCHED_2M);
	link->slack_pages = SLACK_PAGES;
	return AERO_REPLY_OK;
}

static void unset_doorbell(struct aero_vmware *v)
{
	struct aero_vmware_call c;

	if (v->doorbell_set)
		call(v, AERO_VMW_DOORBELL_SET, VMCI_INVALID_ID, VMCI_INVALID_ID, &c);
	v->doorbell_set = false;
}

static void quiesce(void *hypervisor)
{
	struct aero_vmware *v = hypervisor;

	unset_doorbell(v);
	close_doorbell(v);
}

static enum aero_reply get_target(void *hypervisor, uint64_t limit_pages, uint64_t *target_pages)
{
	struct aero_vmware *v = hypervisor;
	struct aero_vmware_call c;
	uint32_t status;

	if (!has(v, AERO_VMW_CAP_TARGET_64) && limit_pages > UINT32_MAX) {
		say_once(v, SAID_LIMIT_32, "this host cannot balloon a guest of 16 TiB or more");
		return AERO_REPLY_FAILED;
	}
	status = call(v, AERO_VMW_GET_TARGET, limit_pages, 0, &c);
	if (status == AERO_VMW_OK)
		*target_pages = target_of(v, &c);
	return reply_of(status);
}

/*
 * The host says of each unit of @batch, all of which should be unlocked, that it is not locked.
 * So it does not know this balloon.  This is the case after a resume from hibernation, when the
 * host still has the balloon of the kernel that loaded the image.  The connection is ended, so that
 * the host unlocks whatever it has locked before the guest uses its pages without asking, and the
 * caller is told of a reset.  The guest's side of the doorbell is left to quiesce(), because
 * closing it may sleep, and this may run when the guest is out of memory.
 */
static enum aero_reply forgotten(struct aero_vmware *v, struct aero_batch *batch)
{
	uint32_t u;

	say_once(v, SAID_FORGOTTEN,
		 "the host does not know the pages of this balloon, so it is connected anew");
	unset_doorbell(v);
	disconnect(v);
	for (u = 0; u < batch->units; u++)
		aero_batch_answer(batch, u, AERO_ANSWER_RESET);
	return AERO_REPLY_RESET;
}

/* -- one page a call --------------------------------------------------------- */

/* Locks or unlocks one page and returns the status.  Takes a new target over into @batch. */
static uint32_t move_one(struct aero_vmware *v, uint32_t command, aero_pfn pfn,
			 struct aero_batch *batch)
{
	struct aero_vmware_call c;

	if (!has(v, AERO_VMW_CAP_TARGET_64) && pfn.v > UINT32_MAX) {
		say_once(v, SAID_FRAME_32, "a frame above 16 TiB cannot be named to this host");
		return AERO_VMW_E_PPN;
	}
	if (call(v, command, pfn.v, 0, &c) == AERO_VMW_OK) {
		batch->has_target = true;
		batch->target_pages = target_of(v, &c);
	}
	return c.status;
}

/*
 * After a reset the host knows none of the pages, and once the target is met it wants no more of
 * them.  The same then holds for the rest of the batch, about which the host is not asked.
 */
static bool holds_for_all(enum aero_answer answer)
{
	return answer == AERO_ANSWER_RESET || answer == AERO_ANSWER_NOT_NEEDED;
}

/* This runs once a page, so nothing is divided, and an answer that is no news costs one look. */
static enum aero_reply move_singly(struct aero_vmware *v, uint32_t command,
				   struct aero_batch *batch)
{
	uint32_t i, j, u = 0, unknown = 0, status = AERO_VMW_OK;
	enum aero_answer answer = AERO_ANSWER_OK;
	aero_pfn pfn;

	for (i = 0; i < batch->blocks; i++) {
		pfn = batch->first[i];
		for (j = 0; j < batch->units_per_block; j++, u++, pfn.v++) {
			if (!holds_for_all(answer))
				status = move_one(v, command, pfn, batch);
			if (status == AERO_VMW_OK)
				continue;
			unknown += status == AERO_VMW_E_UNLOCKED;
			answer = answer_of(status);
			aero_batch_answer(batch, u, answer);
		}
	}
	if (command == AERO_VMW_UNLOCK && unknown == batch->units)
		return forgotten(v, batch);
	return answer == AERO_ANSWER_RESET ? AERO_REPLY_RESET : AERO_REPLY_OK;
}

/* -- one batch a call --------------------------------------------------------- */

static void write_batch_page(uint64_t *entry, const struct aero_batch *batch)
{
	uint64_t step = 1ULL << (AERO_VMW_PAGE_SHIFT + batch->wire_order);
	uint64_t address;
	uint32_t i, j;

	for (i = 0; i < batch->blocks; i++) {
		address = batch->first[i].v << AERO_VMW_PAGE_SHIFT;
		for (j = 0; j < batch->units_per_block; j++, address += step)
			*entry++ = address;
	}
}

/* Whether the host answered each entry of the batch with "not locked". */
static bool knows_none(const uint64_t *entry, const struct aero_batch *batch)
{
	uint32_t u;

	for (u = 0; u < batch->units; u++)
		if ((entry[u] & AERO_VMW_ENTRY_STATUS) != AERO_VMW_E_UNLOCKED)
			return false;
	return true;
}

static enum aero_reply read_batch_page(const uint64_t *entry, struct aero_batch *batch)
{
	enum aero_reply reply = AERO_REPLY_OK;
	uint64_t any = 0;
	uint32_t u;

	for (u = 0; u < batch->units; u++)
		any |= entry[u];
	if (!(any & AERO_VMW_ENTRY_STATUS))
		return AERO_REPLY_OK;

	for (u = 0; u < batch->units; u++) {
		enum aero_answer answer = answer_of(entry[u] & AERO_VMW_ENTRY_STATUS);

		if (answer == AERO_ANSWER_OK)
			continue;
		aero_batch_answer(batch, u, answer);
		if (answer == AERO_ANSWER_RESET)
			reply = AERO_REPLY_RESET;
	}
	return reply;
}

static enum aero_reply move_batch(struct aero_vmware *v, uint32_t command, struct aero_batch *batch)
{
	struct aero_vmware_call c;
	uint32_t status;

	write_batch_page(v->batch_page, batch);
	status = call(v, command, v->batch_pfn.v, batch->units, &c);
	if (status == AERO_VMW_E_RESET) {
		/* The host has forgotten all pages; the entries of the batch mean nothing. */
		uint32_t u;

		for (u = 0; u < batch->units; u++)
			aero_batch_answer(batch, u, AERO_ANSWER_RESET);
		return AERO_REPLY_RESET;
	}
	if (status != AERO_VMW_OK)
		return reply_of(status);
	batch->has_target = true;
	batch->target_pages = target_of(v, &c);
	return read_batch_page(v->batch_page, batch);
}

static enum aero_reply unlock_batch(struct aero_vmware *v, uint32_t command,
				    struct aero_batch *batch)
{
	enum aero_reply reply = move_batch(v, command, batch);

	/* Only if no unit was released can all of them be unknown to the host. */
	if (reply == AERO_REPLY_OK && batch->not_ok == batch->units &&
	    knows_none(v->batch_page, batch))
		return forgotten(v, batch);
	return reply;
}

static enum aero_reply offer(void *hypervisor, struct aero_batch *batch)
{
	struct aero_vmware *v = hypervisor;

	if (batch->wire_order)
		return move_batch(v, AERO_VMW_BATCHED_2M_LOCK, batch);
	if (has(v, AERO_VMW_CAP_BATCHED))
		return move_batch(v, AERO_VMW_BATCHED_LOCK, batch);
	return move_singly(v, AERO_VMW_LOCK, batch);
}

static enum aero_reply reclaim(void *hypervisor, struct aero_batch *batch)
{
	struct aero_vmware *v = hypervisor;

	if (batch->wire_order)
		return unlock_batch(v, AERO_VMW_BATCHED_2M_UNLOCK, batch);
	if (has(v, AERO_VMW_CAP_BATCHED))
		return unlock_batch(v, AERO_VMW_BATCHED_UNLOCK, batch);
	return move_singly(v, AERO_VMW_UNLOCK, batch);
}

const struct aero_hypervisor_ops aero_vmware_ops = {
	.name = "vmware",
	.connect = connect,
	.quiesce = quiesce,
	.disconnect = disconnect,
	.get_target = get_target,
	.offer = offer,
	.reclaim = reclaim,
};

void aero_vmware_init(struct aero_vmware *v, struct aero_port *port,
		      const struct aero_vmware_guest *guest, void *ctx)
{
	*v = (struct aero_vmware){
		.port = port,
		.guest = guest,
		.ctx = ctx,
		.caps_wanted = AERO_VMW_CAP_ALL,
	};
}

void aero_vmware_destroy(struct aero_vmware *v)
{
	if (v->batch_page)
		v->guest->free_batch_page(v->ctx, v->batch_page);
	v->batch_page = (uint64_t *)0;
}

/* -- names ------------------------------------------------------------------- */

static const char *const command_names[AERO_VMW_COMMANDS] = {
	[AERO_VMW_START] = "start",
	[AERO_VMW_GET_TARGET] = "get_target",
	[AERO_VMW_LOCK] = "lock",
	[AERO_VMW_UNLOCK] = "unlock",
	[AERO_VMW_GUEST_ID] = "guest_id",
	[AERO_VMW_BATCHED_LOCK] = "batched_lock",
	[AERO_VMW_BATCHED_UNLOCK] = "batched_unlock",
	[AERO_VMW_BATCHED_2M_LOCK] = "batched_2m_lock",
	[AERO_VMW_BATCHED_2M_UNLOCK] = "batched_2m_unlock",
	[AERO_VMW_DOORBELL_SET] = "doorbell_set",
};

const char *aero_vmware_command_name(uint32_t command)
{
	if (command >= AERO_VMW_COMMANDS || !command_names[command])
		return "unknown";
	return command_names[command];
}

const char *aero_vmware_cap_name(uint32_t cap)
{
	switch (cap) {
	case AERO_VMW_CAP_BASIC:
		return "basic";
	case AERO_VMW_CAP_BATCHED:
		return "batched";
	case AERO_VMW_CAP_BATCHED_2M:
		return "batched_2m";
	case AERO_VMW_CAP_SIGNALLED:
		return "signalled";
	case AERO_VMW_CAP_TARGET_64:
		return "target_64";
	default:
		return "unknown";
	}
}
