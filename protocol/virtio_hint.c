// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Which free memory a host need not send when it migrates the guest.  The device asks by a number,
 * the command, in its configuration.  The driver answers on the hint queue with this number, then
 * free blocks, then AERO_VIRTIO_COMMAND_STOP.  There may be several commands in one migration.
 */
#include <aerostat/virtio_hint.h>

#define NULL_PAGE ((aero_page *)0)

/*
 * A new command in the middle of a run needs no word that the old one has ended: the device ignores
 * what does not belong to its own command.
 */
static void obey(struct aero_virtio_hint *h, uint32_t command)
{
	if (command == h->command)
		return;
	h->command = command;
	switch (command) {
	case AERO_VIRTIO_COMMAND_DONE:
		h->state = AERO_VIRTIO_HINT_IDLE;
		break;
	case AERO_VIRTIO_COMMAND_STOP:
		if (h->state == AERO_VIRTIO_HINT_STARTING)
			h->state = AERO_VIRTIO_HINT_HOLDING;
		if (h->state == AERO_VIRTIO_HINT_TELLING)
			h->state = AERO_VIRTIO_HINT_STOPPING;
		break;
	default:
		h->state = AERO_VIRTIO_HINT_STARTING;
		break;
	}
}

/*
 * What is held was told for an earlier command, perhaps of another migration, whose end was not
 * noticed.  Nobody has written to it since, so it can be told again.  That is also so of what is
 * told still, of which it is not known for which command the device takes it.
 */
static bool start(struct aero_virtio_hint *h)
{
	if (h->guest->told(h->ctx) || !h->guest->send_command(h->ctx, h->command))
		return false;
	h->again = h->guest->held(h->ctx);
	h->runs++;
	h->state = AERO_VIRTIO_HINT_TELLING;
	return true;
}

static uint32_t get(struct aero_virtio_hint *h, aero_page **blocks, uint32_t n)
{
	uint32_t got = 0;

	while (h->again && got < n) {
		h->again--;
		blocks[got] = h->guest->unhold(h->ctx);
		if (blocks[got] == NULL_PAGE)
			h->again = 0;
		else
			got++;
	}
	return got ? got : h->guest->take(h->ctx, blocks, n);
}

static bool tell(struct aero_virtio_hint *h)
{
	aero_page *blocks[AERO_VIRTIO_HINT_BATCH];
	uint32_t i, n = h->guest->room(h->ctx);

	if (n > AERO_VIRTIO_HINT_BATCH)
		n = AERO_VIRTIO_HINT_BATCH;
	/* An answer makes room, and leads to the next step. */
	if (!n)
		return false;
	n = get(h, blocks, n);
	for (i = 0; i < n && h->guest->send_block(h->ctx, blocks[i]); i++)
		h->blocks++;
	if (i < n)
		h->guest->free(h->ctx, blocks + i, n - i);
	if (!n || i < n)
		h->state = AERO_VIRTIO_HINT_STOPPING;
	return true;
}

static bool stop(struct aero_virtio_hint *h)
{
	if (h->guest->send_command(h->ctx, AERO_VIRTIO_COMMAND_STOP))
		h->state = AERO_VIRTIO_HINT_HOLDING;
	return false;
}

bool aero_virtio_hint_step(struct aero_virtio_hint *h)
{
	uint32_t command;

	h->guest->collect(h->ctx);
	if (h->guest->new_command(h->ctx, &command))
		obey(h, command);
	switch (h->state) {
	case AERO_VIRTIO_HINT_STARTING:
		return start(h);
	case AERO_VIRTIO_HINT_TELLING:
		return tell(h);
	case AERO_VIRTIO_HINT_STOPPING:
		return stop(h);
	case AERO_VIRTIO_HINT_IDLE:
		/* Those that the device answers later follow then. */
		h->guest->release(h->ctx, false);
		return false;
	default:
		return false;
	}
}

void aero_virtio_hint_reset(struct aero_virtio_hint *h)
{
	h->guest->release(h->ctx, true);
	h->state = AERO_VIRTIO_HINT_IDLE;
	h->command = AERO_VIRTIO_COMMAND_DONE;
	h->again = 0;
}

void aero_virtio_hint_init(struct aero_virtio_hint *h, const struct aero_virtio_hint_guest *guest,
			   void *ctx)
{
	*h = (struct aero_virtio_hint){
		.guest = guest,
		.ctx = ctx,
		.command = AERO_VIRTIO_COMMAND_DONE,
	};
}

static const char *const state_names[AERO_VIRTIO_HINT_STATES] = {
	[AERO_VIRTIO_HINT_IDLE] = "idle",	[AERO_VIRTIO_HINT_STARTING] = "starting",
	[AERO_VIRTIO_HINT_TELLING] = "telling", [AERO_VIRTIO_HINT_STOPPING] = "stopping",
	[AERO_VIRTIO_HINT_HOLDING] = "holding",
};

const char *aero_virtio_hint_state_name(uint32_t state)
{
	return state < AERO_VIRTIO_HINT_STATES ? state_names[state] : "unknown";
}
