// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A simulated hint queue, whose entries may be worked on in any order. */
#include "sim_hint.h"

#include <stdio.h>
#include <string.h>

static struct sim_hint_entry *free_entry(struct sim_hint *h)
{
	uint32_t i;

	for (i = 0; i < h->ring && i < SIM_HINT_RING; i++)
		if (!h->entry[i].queued)
			return h->full ? NULL : &h->entry[i];
	return NULL;
}

static void note(struct sim_hint *h, const char *word)
{
	size_t length = strlen(h->course);

	snprintf(h->course + length, sizeof(h->course) - length, "%s ", word);
}

/* -- what the guest's half calls ------------------------------------------------ */

static bool new_command(void *ctx, uint32_t *command)
{
	struct sim_hint *h = ctx;
	bool changed = h->changed;

	h->changed = false;
	*command = h->command;
	if (changed && *command == AERO_VIRTIO_COMMAND_DONE)
		h->relieved = false;
	return changed;
}

static bool send(struct sim_hint *h, aero_page *block, uint32_t command)
{
	struct sim_hint_entry *e = free_entry(h);

	if (!e)
		return false;
	*e = (struct sim_hint_entry){.queued = true, .block = block, .command = command};
	return true;
}

static bool send_command(void *ctx, uint32_t command)
{
	return send(ctx, NULL, command);
}

static bool send_block(void *ctx, aero_page *block)
{
	struct sim_hint *h = ctx;

	if (!send(h, block, 0))
		return false;
	sim_put_aside(h->port, SIM_TOLD, block);
	return true;
}

static uint32_t room(void *ctx)
{
	struct sim_hint *h = ctx;
	uint32_t i, n = 0;

	for (i = 0; i < h->ring && i < SIM_HINT_RING; i++)
		n += !h->entry[i].queued;
	return n > 2 ? n - 2 : 0;
}

static void collect(void *ctx)
{
	struct sim_hint *h = ctx;
	uint32_t i;

	for (i = 0; i < SIM_HINT_RING; i++) {
		struct sim_hint_entry *e = &h->entry[i];

		if (!e->answered)
			continue;
		if (e->block) {
			sim_take_aside(h->port, SIM_TOLD, e->block);
			sim_put_aside(h->port, SIM_HINTED, e->block);
		}
		*e = (struct sim_hint_entry){0};
	}
}

static uint32_t take(void *ctx, aero_page **blocks, uint32_t n)
{
	struct sim_hint *h = ctx;

	return h->relieved ? 0 : aero_port_take(h->port, AERO_BLOCK_ORDER, AERO_LIGHT, blocks, n);
}

static void free_blocks(void *ctx, aero_page **blocks, uint32_t n)
{
	aero_port_free(((struct sim_hint *)ctx)->port, AERO_BLOCK_ORDER, blocks, n);
}

static uint32_t told(void *ctx)
{
	return ((struct sim_hint *)ctx)->port->aside[SIM_TOLD].blocks;
}

static uint32_t held(void *ctx)
{
	return ((struct sim_hint *)ctx)->port->aside[SIM_HINTED].blocks;
}

/* Lists grow at their beginning. */
static aero_page *unhold(void *ctx)
{
	struct aero_port *port = ((struct sim_hint *)ctx)->port;
	aero_page *block = port->aside[SIM_HINTED].last;

	if (block)
		sim_take_aside(port, SIM_HINTED, block);
	return block;
}

static void release_list(struct sim_hint *h, enum sim_aside list)
{
	aero_page *block;

	while ((block = h->port->aside[list].first)) {
		sim_take_aside(h->port, list, block);
		free_blocks(h, &block, 1);
	}
}

static void release(void *ctx, bool told)
{
	release_list(ctx, SIM_HINTED);
	if (told)
		release_list(ctx, SIM_TOLD);
}

/* -- the device and its host ------------------------------------------------------- */

void sim_hint_create(struct sim_hint *h, struct aero_port *port)
{
	*h = (struct sim_hint){
		.port = port,
		.ring = SIM_HINT_RING,
		.guest = {.new_command = new_command,
			  .send_command = send_command,
			  .room = room,
			  .send_block = send_block,
			  .collect = collect,
			  .take = take,
			  .free = free_blocks,
			  .told = told,
			  .held = held,
			  .unhold = unhold,
			  .release = release},
	};
}

void sim_hint_command(struct sim_hint *h, uint32_t command)
{
	h->command = command;
	h->changed = true;
	h->started = false;
}

static void read_command(struct sim_hint *h, uint32_t command)
{
	char word[16];

	snprintf(word, sizeof(word), "%u", command);
	note(h, word);
	h->started = command == h->command && command > AERO_VIRTIO_COMMAND_DONE;
}

/* The content of a block that the device was told is lost: it is not sent to the other host. */
static void drop(struct sim_hint *h, const aero_page *block)
{
	note(h, "block");
	if (block->owner != SIM_ASIDE)
		sim_fail("frame 0x%llx is dropped, but its owner is %u", block->pfn.v,
			 block->owner);
	if (!h->started)
		return;
	sim_discard(h->port, block->pfn.v, 1U << AERO_BLOCK_ORDER);
	sim_populate(h->port, block->pfn.v, 1U << AERO_BLOCK_ORDER);
	h->hinted++;
}

bool sim_hint_work(struct sim_hint *h, uint32_t nth)
{
	uint32_t i;

	for (i = 0; i < SIM_HINT_RING; i++) {
		struct sim_hint_entry *e = &h->entry[i];

		if (!e->queued || e->answered || nth--)
			continue;
		if (e->block)
			drop(h, e->block);
		else
			read_command(h, e->command);
		e->answered = true;
		return true;
	}
	return false;
}

uint32_t sim_hint_relieve(struct sim_hint *h, uint32_t blocks)
{
	aero_page *block;
	uint32_t n;

	for (n = 0; n < blocks && (block = unhold(h)); n++)
		free_blocks(h, &block, 1);
	h->relieved = h->relieved || n;
	return n;
}

void sim_hint_reset(struct sim_hint *h)
{
	memset(h->entry, 0, sizeof(h->entry));
	h->started = false;
}
