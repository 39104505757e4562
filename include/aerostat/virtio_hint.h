/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Free page hints of virtio's balloon: while a host migrates the guest, it asks which memory is
 * free, in order not to send it.  Blocks are taken from the allocator and told to the device, and
 * are kept until the host says that it has done.  They are not the balloon's.
 *
 * The guest's operating system keeps the blocks, each of which is in one of two places: *told*,
 * from the moment the device was given it until the device has answered, or *held*.  Only one that
 * is held may be given back to the guest: the host could drop what is written to one that is told.
 */
#ifndef AEROSTAT_VIRTIO_HINT_H
#define AEROSTAT_VIRTIO_HINT_H

#include <aerostat/abi/virtio.h>
#include <aerostat/port.h>

/* So many blocks are taken and told in one step at most. */
#define AERO_VIRTIO_HINT_BATCH 16U

enum aero_virtio_hint_state {
	AERO_VIRTIO_HINT_IDLE,	   /* nobody wants hints, and none are held */
	AERO_VIRTIO_HINT_STARTING, /* there is a command, and the device is to be told its number */
	AERO_VIRTIO_HINT_TELLING,
	AERO_VIRTIO_HINT_STOPPING, /* the device is to be told that no more hints come */
	AERO_VIRTIO_HINT_HOLDING,  /* the host has not done yet */
	AERO_VIRTIO_HINT_STATES
};

/* What the guest's operating system provides.  All functions are called under the step lock. */
struct aero_virtio_hint_guest {
	/*
	 * If the configuration may have changed since the last call, stores the field
	 * free_page_hint_cmd_id and returns true.  It must not be looked at more often: QEMU
	 * shows 0, which means "stop", as soon as it has accepted a command.
	 */
	bool (*new_command)(void *ctx, uint32_t *command);

	/* Queues a command's number.  Returns false if it cannot be queued now. */
	bool (*send_command)(void *ctx, uint32_t command);

	/* How many blocks can be queued now, so that a command can be queued after them. */
	uint32_t (*room)(void *ctx);

	/* Queues a block of AERO_BLOCK_ORDER, which is told then, or returns false. */
	bool (*send_block)(void *ctx, aero_page *block);

	/* Moves the blocks that the device has answered from the told ones to the held ones. */
	void (*collect)(void *ctx);

	/*
	 * Takes up to @n blocks that the guest can spare from its allocator.  Returns 0 if there
	 * are none, or if the guest ran short since hints were last idle.
	 */
	uint32_t (*take)(void *ctx, aero_page **blocks, uint32_t n);

	/* Gives blocks back to the allocator that are neither told nor held. */
	void (*free)(void *ctx, aero_page **blocks, uint32_t n);

	/* How many blocks are told, and how many are held. */
	uint32_t (*told)(void *ctx);
	uint32_t (*held)(void *ctx);

	/* Returns the block that has been held longest, which is the caller's then, or NULL. */
	aero_page *(*unhold)(void *ctx);

	/* Gives all held blocks back to the allocator, and if @told those that are told as well. */
	void (*release)(void *ctx, bool told);
};

/* All fields are protected by the step lock. */
struct aero_virtio_hint {
	const struct aero_virtio_hint_guest *guest;
	void *ctx;

	enum aero_virtio_hint_state state;
	uint32_t command; /* the last that was read */
	uint32_t again;	  /* so many of the held blocks are to be told again */

	uint64_t runs;	 /* commands that were followed */
	uint64_t blocks; /* how often a block was told */
};

/* @guest and @ctx must exist as long as @h is used. */
void aero_virtio_hint_init(struct aero_virtio_hint *h, const struct aero_virtio_hint_guest *guest,
			   void *ctx);

/*
 * Does a bounded amount of work.  Returns whether it is to be called again at once; if not, it is
 * to be called when the configuration has changed or the device has answered.
 */
bool aero_virtio_hint_step(struct aero_virtio_hint *h);

/*
 * Gives all blocks back.  Called when the device has been reset, so that it accesses none of them.
 */
void aero_virtio_hint_reset(struct aero_virtio_hint *h);

/* The lower-case name of a state, or "unknown". */
const char *aero_virtio_hint_state_name(uint32_t state);

#endif
